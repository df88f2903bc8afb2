package authn

import "context"

// Forgive ends the row of failures as a complete sign-in does.
func Forgive(ctx context.Context, s *Service, tx Tx, p Proven, b Browser) error {
	return s.forgive(ctx, tx, p.identifier(), b, p.Progress.Methods)
}
