package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/signin"
)

var (
	_ signin.Store = (*DB)(nil)
	_ signin.Tx    = (*Tx)(nil)
)

const (
	keepRequest statement = `INSERT INTO stored_requests (id, body, expires_at) VALUES ($1, $2, $3)`
	findRequest statement = `SELECT body FROM stored_requests WHERE id = $1 AND expires_at > $2`
)

// KeepRequest stores a large request, or a large code, under an id until the given time.
func (tx *Tx) KeepRequest(ctx context.Context, id string, body []byte, expires time.Time) error {
	return tx.write(ctx, keepRequest, id, body, ms(expires))
}

// FindRequest reads what KeepRequest stored; false if it is unknown or expired.
func (db *DB) FindRequest(ctx context.Context, id string, now time.Time) (body []byte, ok bool, err error) {
	ok, err = db.query(ctx, findRequest, id, ms(now)).one(&body)
	return body, ok, err
}
