package authn

import (
	"context"
	"fmt"
)

// NewDeviceTemplate is the mail that tells of a sign-in from a browser that did not know the account.
const NewDeviceTemplate = "new_device"

// tellOfNewDevice tells the account's owner of a sign-in from a browser that has never let her in before. Whoever came by a mailed
// link has had a mail about it, and whoever was signed in here has had hers. What the attempt says of itself counts for nothing: its
// goal and its identifier are a browser's, which may have begun it for another account.
func (s *Service) tellOfNewDevice(ctx context.Context, tx Tx, fresh *NewSession, proven Proven, p Progress, second Second, b Browser) error {
	if !fresh.Made || fresh.twice || fresh.raised || p.Again || p.Has(MethodMail) || b.Memory.Knows(s.Keys, fresh.Whose) {
		return nil
	}
	acc := proven.Account     // of the epoch that its session was made in: nothing has changed since it was read
	if acc.Identifier == "" { // a second proof names its account by its id and epoch alone
		var err error
		if acc, err = tx.ReadAccount(ctx, p.Account); err != nil {
			return fmt.Errorf("read account: %w", err)
		}
	}
	if acc.Address == "" {
		return s.tellByPhone(ctx, tx, NewDeviceTemplate, acc, b, nil)
	}
	return s.tellByMail(ctx, tx, NewDeviceTemplate, acc, second.Employer, b, nil)
}
