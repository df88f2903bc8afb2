package authn

import (
	"context"
	"time"
)

// Forgive ends the row of failures as a complete sign-in does.
func Forgive(ctx context.Context, s *Service, tx Tx, p Proven, b Browser) error {
	return s.forgive(ctx, tx, p.identifier(), b, p.Progress.Methods)
}

// PlainCookie seals an attempt without compressing it, whatever its length.
func PlainCookie(c *AttemptCookies, a Attempt, now time.Time) string {
	plain, err := a.encode()
	if err != nil {
		panic(err) // strings and numbers
	}
	return c.keys.Seal(attemptPurpose, a.ID, plain, now)
}

// PackedCookie compresses an attempt, whatever its length.
func PackedCookie(c *AttemptCookies, a Attempt, now time.Time) string {
	plain, err := a.encode()
	if err != nil {
		panic(err) // strings and numbers
	}
	return c.keys.Seal(attemptPurpose, a.ID, c.deflate(plain), now)
}
