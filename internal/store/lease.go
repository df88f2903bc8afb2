package store

import (
	"context"
	"time"
)

const (
	// The WHERE of the update is what only one caller can win; the holder itself may prolong.
	takeLease statement = `
INSERT INTO leases (name, holder, lease_until) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
WHERE leases.lease_until <= $4 OR leases.holder = excluded.holder`

	endLease statement = `DELETE FROM leases WHERE name = $1 AND holder = $2`
)

// TakeLease takes or prolongs the lease of that name until the given time; false means that another holder has it.
func (tx *Tx) TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error) {
	n, err := tx.exec(ctx, takeLease, name, holder, ms(until), ms(now))
	return n == 1, err
}

// EndLease gives the lease back before its time; somebody else's stays.
func (tx *Tx) EndLease(ctx context.Context, name, holder string) error {
	return tx.write(ctx, endLease, name, holder)
}
