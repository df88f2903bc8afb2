package authn

import (
	"context"
	"fmt"
)

// NewDeviceTemplate is the mail that tells of a sign-in from a browser that did not know the account.
const NewDeviceTemplate = "new_device"

// tellOfNewDevice tells the account's owner of a sign-in from a browser that has never let her in before. Whoever came by a mailed
// link has had a mail about it, and a fresh proof begins in a browser where she is signed in.
func (s *Service) tellOfNewDevice(ctx context.Context, tx Tx, a Attempt, fresh *NewSession, p Progress, b Browser) error {
	if !fresh.Made || fresh.twice || p.Again || p.Has(MethodMail) || a.Goal != "" || b.Memory.Knows(s.Keys, a.Identifier) {
		return nil
	}
	acc, err := tx.ReadAccount(ctx, p.Account)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	return s.Tell(ctx, tx, NewDeviceTemplate, acc, b, nil)
}
