package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
)

// AdoptImported lets the password of the old login open the account.
//
// HOOK: until imported passwords can be verified, it stays in the register, where it opens nothing.
func (tx *Tx) AdoptImported(ctx context.Context, personID string, id account.ID, now time.Time) error {
	return nil
}
