package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
)

const holdPassword statement = `UPDATE passwords SET suspended_at = $2 WHERE account_id = $1 AND suspended_at = 0`

// HoldPassword suspends the account's password until it is set anew.
func (tx *Tx) HoldPassword(ctx context.Context, id account.ID, now time.Time) error {
	return tx.write(ctx, holdPassword, string(id), ms(now))
}
