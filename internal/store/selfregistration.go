package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

const (
	insertOwn statement = `
INSERT INTO self_registered (client_id, secret, token_id, created_at, used_at) VALUES ($1, $2, $3, $4, 0)`
	isOwn     statement = `SELECT client_id FROM self_registered WHERE client_id = $1 AND secret = $2`
	isVouched statement = `SELECT client_id FROM self_registered WHERE client_id = $1 AND token_id <> ''`
	deleteOwn statement = `DELETE FROM self_registered WHERE client_id = $1`
	markUsed  statement = `UPDATE self_registered SET used_at = $2 WHERE client_id = $1`
	// A grant stays for a day after its end: long enough to be seen.
	listUsed statement = `
SELECT client_id FROM self_registered WHERE used_at = 0 AND EXISTS (SELECT 1 FROM grants g WHERE g.client_id = self_registered.client_id)
ORDER BY created_at, client_id LIMIT $1`
	listUnused statement = `
SELECT client_id FROM self_registered
WHERE used_at = 0 AND created_at <= $1 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = self_registered.client_id)
ORDER BY created_at, client_id LIMIT $2`

	deleteUnused statement = `
DELETE FROM self_registered
WHERE client_id = $1 AND used_at = 0 AND NOT EXISTS (SELECT 1 FROM grants g WHERE g.client_id = self_registered.client_id)`

	insertInitialToken statement = `
INSERT INTO registration_tokens (id, secret, organisation_id, require_pkce, uses, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	useInitialToken statement = `
UPDATE registration_tokens SET uses = uses - 1 WHERE secret = $1 AND uses > 0 AND expires_at > $2
RETURNING id, organisation_id, require_pkce, uses, created_at, expires_at`
	isInitialToken    statement = `SELECT id FROM registration_tokens WHERE secret = $1 AND uses > 0 AND expires_at > $2`
	listInitialTokens statement = `
SELECT id, organisation_id, require_pkce, uses, created_at, expires_at FROM registration_tokens WHERE uses > 0 AND expires_at > $1
ORDER BY created_at DESC, id`
	endInitialToken statement = `UPDATE registration_tokens SET expires_at = $2 WHERE id = $1 AND uses > 0 AND expires_at > $2`
)

// InsertOwn notes that an app registered itself.
func (tx *Tx) InsertOwn(ctx context.Context, o clientregistration.Own) error {
	return tx.write(ctx, insertOwn, o.ClientID, o.Access[:], o.Token, ms(o.Created))
}

// IsOwn says whether an app registered itself and has the token.
func (db *DB) IsOwn(ctx context.Context, clientID string, access secret.Hash) (bool, error) {
	return db.query(ctx, isOwn, clientID, access[:]).one(&clientID)
}

// IsVouched says whether an app registered itself by an initial token.
func (db *DB) IsVouched(ctx context.Context, clientID string) (bool, error) {
	return db.query(ctx, isVouched, clientID).one(&clientID)
}

// ListOwn lists, up to n each, apps that registered themselves and are used without a note of it, and such from before the time that never were.
func (db *DB) ListOwn(ctx context.Context, before time.Time, n int) (used, unused []string, err error) {
	read := func(q query) (ids []string, err error) {
		err = q.each(func(scan scan) error {
			var id string
			err := scan(&id)
			ids = append(ids, id)
			return err
		})
		return ids, err
	}
	if used, err = read(db.query(ctx, listUsed, int64(n))); err != nil {
		return nil, nil, err
	}
	unused, err = read(db.query(ctx, listUnused, ms(before), int64(n)))
	return used, unused, err
}

// MarkUsed notes that somebody logs in to an app that registered itself.
func (tx *Tx) MarkUsed(ctx context.Context, clientID string, now time.Time) error {
	return tx.write(ctx, markUsed, clientID, ms(now))
}

// DeleteUnused removes the note that an app registered itself; false if somebody has logged in to it.
func (tx *Tx) DeleteUnused(ctx context.Context, clientID string) (bool, error) {
	n, err := tx.exec(ctx, deleteUnused, clientID)
	return n == 1, err
}

// initialRow receives the columns of an initial token.
type initialRow struct {
	clientregistration.InitialToken
	organisation           string
	uses, created, expires int64
}

func (r *initialRow) dest() []any {
	return []any{&r.ID, &r.organisation, &r.RequirePKCE, &r.uses, &r.created, &r.expires}
}

func (r *initialRow) token() clientregistration.InitialToken {
	t := r.InitialToken
	t.Organisation, t.Uses, t.Created, t.Expires = organisation.ID(r.organisation), int(r.uses), fromMS(r.created), fromMS(r.expires)
	return t
}

// InsertInitialToken stores a new initial token.
func (tx *Tx) InsertInitialToken(ctx context.Context, t clientregistration.InitialToken, h secret.Hash) error {
	return tx.write(ctx, insertInitialToken, t.ID, h[:], string(t.Organisation), t.RequirePKCE, int64(t.Uses), ms(t.Created), ms(t.Expires))
}

// UseInitialToken takes one use of an initial token; false if it is unknown, expired or used up.
func (tx *Tx) UseInitialToken(ctx context.Context, h secret.Hash, now time.Time) (clientregistration.InitialToken, bool, error) {
	var r initialRow
	ok, err := tx.query(ctx, useInitialToken, h[:], ms(now)).one(r.dest()...)
	return r.token(), ok, err
}

// IsInitialToken says whether an initial token still counts.
func (db *DB) IsInitialToken(ctx context.Context, h secret.Hash, now time.Time) (bool, error) {
	var id string
	return db.query(ctx, isInitialToken, h[:], ms(now)).one(&id)
}

// ListInitialTokens lists the initial tokens that still count.
func (db *DB) ListInitialTokens(ctx context.Context, now time.Time) (all []clientregistration.InitialToken, err error) {
	err = db.query(ctx, listInitialTokens, ms(now)).each(func(scan scan) error {
		var r initialRow
		err := scan(r.dest()...)
		all = append(all, r.token())
		return err
	})
	return all, err
}

// EndInitialToken ends an initial token; false if it is unknown or has ended.
func (tx *Tx) EndInitialToken(ctx context.Context, id string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, endInitialToken, id, ms(now))
	return n == 1, err
}
