package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/idempotency"
)

var (
	_ idempotency.Store = (*DB)(nil)
	_ idempotency.Tx    = (*Tx)(nil)
)

const (
	findAnswer statement = `
SELECT request_hash, claim, status, body, created_at FROM api_idempotency WHERE client_id = $1 AND key = $2`

	// Whoever has given up may have done the work: rare, and told in docs/api.md.
	claimAnswer statement = `
INSERT INTO api_idempotency (client_id, key, request_hash, claim, status, body, created_at) VALUES ($1, $2, $3, $4, 0, $6, $5)
ON CONFLICT (client_id, key) DO UPDATE SET request_hash = excluded.request_hash, claim = excluded.claim, created_at = excluded.created_at
WHERE api_idempotency.status = 0 AND api_idempotency.created_at <= $7
RETURNING claim`

	keepAnswer statement = `
UPDATE api_idempotency SET status = $4, body = $5, request_hash = $6 WHERE client_id = $1 AND key = $2 AND claim = $3`

	dropAnswer statement = `DELETE FROM api_idempotency WHERE client_id = $1 AND key = $2 AND claim = $3 AND status = 0`
)

// FindAnswer looks for what a client's key was answered.
func (db *DB) FindAnswer(ctx context.Context, client, key string) (idempotency.Answer, bool, error) {
	a := idempotency.Answer{Client: client, Key: key}
	var created int64
	ok, err := db.query(ctx, findAnswer, client, key).one(&a.Request, &a.Claim, &a.Status, &a.Body, &created)
	a.Created = fromMS(created)
	return a, ok, err
}

// ClaimAnswer takes the place of a key; false if somebody else has it.
func (tx *Tx) ClaimAnswer(ctx context.Context, a idempotency.Answer, givenUp time.Time) (bool, error) {
	var claim string
	return tx.query(ctx, claimAnswer, a.Client, a.Key, a.Request, a.Claim, ms(a.Created), []byte{}, ms(givenUp)).one(&claim)
}

// KeepAnswer stores the answer of a claim.
func (tx *Tx) KeepAnswer(ctx context.Context, a idempotency.Answer) error {
	return tx.write(ctx, keepAnswer, a.Client, a.Key, a.Claim, int64(a.Status), a.Body, a.Request)
}

// DropAnswer forgets a claim.
func (tx *Tx) DropAnswer(ctx context.Context, a idempotency.Answer) error {
	return tx.write(ctx, dropAnswer, a.Client, a.Key, a.Claim)
}
