package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/secret"
)

var (
	_ recovery.Store = (*DB)(nil)
	_ recovery.Tx    = (*Tx)(nil)
)

const (
	findLink statement = `
SELECT l.id, l.secret, l.purpose, l.account_id, l.epoch, l.client_id, l.language, l.attempt, l.binding, l.created_at, l.expires_at,
  l.consumed_at, l.about,
  a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at
FROM onetime_links l JOIN accounts a ON a.id = l.account_id
WHERE l.secret = $1`

	// Of two concurrent calls one changes a row.
	consumeLink statement = `
UPDATE onetime_links SET consumed_at = $2, consumed_by = $3
WHERE secret = $1 AND expires_at > $2 AND consumed_at = 0
  AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = onetime_links.account_id AND a.closed_at = 0
    AND (a.epoch = onetime_links.epoch OR onetime_links.purpose = 'notme'))
RETURNING id`

	// The operation's own name lets its second press, or its retry after an unknown commit, find that it has won.
	findOwnUse statement = `
SELECT l.id FROM onetime_links l JOIN accounts a ON a.id = l.account_id
WHERE l.secret = $1 AND l.consumed_by = $2 AND l.consumed_at > 0 AND a.closed_at = 0`

	insertLink statement = `
INSERT INTO onetime_links (id, secret, purpose, account_id, epoch, client_id, language, attempt, binding, created_at, expires_at, life,
  consumed_at, consumed_by, about)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', $13)`

	// Beyond the new link ($4) and the few before it, the oldest living links of the kind expire.
	expireOldLinks statement = `
UPDATE onetime_links SET expires_at = $3
WHERE account_id = $1 AND purpose = $2 AND consumed_at = 0 AND expires_at > $3 AND id <> $4
  AND id NOT IN (SELECT id FROM onetime_links
    WHERE account_id = $1 AND purpose = $2 AND consumed_at = 0 AND expires_at > $3 AND id <> $4
    ORDER BY created_at DESC, id DESC LIMIT $5)`

	expireLinks statement = `
UPDATE onetime_links SET expires_at = $2 WHERE account_id = $1 AND consumed_at = 0 AND expires_at > $2 AND purpose <> 'notme'`

	savePrepared statement = `
UPDATE outbox SET prepared = $2, account_id = $3, recipient = $4, language = $5, params = $6, secret = $7, link_id = $8, template = $9,
  organisation_id = $10, person_id = $11
WHERE id = $1`

	setPassword statement = `
INSERT INTO passwords (account_id, verifier, alone, suspended_at, changed_at) VALUES ($1, $2, $3, 0, $4)
ON CONFLICT (account_id) DO UPDATE SET verifier = excluded.verifier, alone = excluded.alone, suspended_at = 0,
  changed_at = excluded.changed_at, imported_at = 0, must_replace = false`

	confirmAddress statement = `UPDATE accounts SET verified_at = $2 WHERE id = $1 AND address <> ''`

	spendChallenge statement = `
INSERT INTO spent_challenges (id, expires_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`

	listEmployers statement = `
SELECT DISTINCT o.name
FROM connections c JOIN persons p ON p.id = c.person_id JOIN organisations o ON o.id = p.organisation_id
WHERE c.account_id = $1`
)

// linkRow receives the columns of a link.
type linkRow struct {
	onetime.Link
	secret, binding            []byte
	about                      string
	created, expires, consumed int64
}

func (r *linkRow) dest() []any {
	return []any{&r.ID, &r.secret, &r.Purpose, &r.Account, &r.Epoch, &r.ClientID, &r.Language, &r.Attempt, &r.binding,
		&r.created, &r.expires, &r.consumed, &r.about}
}

func (r *linkRow) link() onetime.Link {
	l := r.Link
	if r.about != "" {
		json.Unmarshal([]byte(r.about), &l.About) //nolint:errcheck // our own; what cannot be read is told as nothing
	}
	l.Secret, l.Binding = secret.HashFrom(r.secret), secret.HashFrom(r.binding)
	l.Created, l.Expires, l.Consumed = fromMS(r.created), fromMS(r.expires), fromMS(r.consumed)
	return l
}

func readLink(ctx context.Context, from querier, h secret.Hash) (onetime.Link, account.Account, error) {
	var l linkRow
	var a accountRow
	_, err := from.query(ctx, findLink, h[:]).one(append(l.dest(), a.dest()...)...)
	return l.link(), a.account(), err
}

// FindLink reads a link without consuming it.
func (db *DB) FindLink(ctx context.Context, h secret.Hash) (onetime.Link, account.Account, error) {
	return readLink(ctx, db, h)
}

// ConsumeLink marks a living link used and returns it with its account; of two concurrent calls one wins.
func (tx *Tx) ConsumeLink(ctx context.Context, h secret.Hash, op string, now time.Time) (l onetime.Link, a account.Account, won bool, err error) {
	var id string
	if won, err = tx.query(ctx, consumeLink, h[:], ms(now), op).one(&id); err != nil {
		return l, a, false, err
	}
	if !won {
		own, err := tx.query(ctx, findOwnUse, h[:], op).one(&id)
		if err != nil || !own {
			return l, a, false, cmp.Or(err, authn.ErrNoLink)
		}
	}
	l, a, err = readLink(ctx, tx, h)
	return l, a, won, err
}

// InsertLink stores a link and ends the oldest of its kind beyond onetime.MaxLiving.
func (tx *Tx) InsertLink(ctx context.Context, l onetime.Link, now time.Time) error {
	about := ""
	if len(l.About) > 0 {
		b, err := json.Marshal(l.About)
		if err != nil {
			return err
		}
		about = string(b)
	}
	err := tx.write(ctx, insertLink, l.ID, l.Secret[:], string(l.Purpose), string(l.Account), l.Epoch, l.ClientID, l.Language, l.Attempt,
		l.Binding[:], ms(l.Created), ms(l.Expires), l.Purpose.Life().Milliseconds(), about)
	if err != nil || l.Purpose.Outlives() {
		return err
	}
	return tx.write(ctx, expireOldLinks, string(l.Account), string(l.Purpose), ms(now), l.ID, int64(onetime.MaxLiving-1))
}

// SavePrepared stores what the preparation made of a message, and which link it carries.
func (tx *Tx) SavePrepared(ctx context.Context, m outbox.Message, linkID string) error {
	params, err := json.Marshal(m.Params)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, savePrepared, m.ID, m.Prepared, string(m.Account), m.To, m.Language, string(params), orEmpty(m.Secret), linkID,
		m.Template, string(m.Organisation), m.Person)
	if err == nil && n != 1 {
		err = fmt.Errorf("store: message %s is gone", m.ID)
	}
	return err
}

// SetPassword stores a verifier, lifts a suspension, ends all links, and moves the epoch.
func (tx *Tx) SetPassword(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) (epoch int64, err error) {
	if err = tx.write(ctx, setPassword, string(id), string(v), alone, ms(now)); err != nil {
		return 0, err
	}
	if err = tx.write(ctx, expireLinks, string(id), ms(now)); err != nil {
		return 0, err
	}
	if err = tx.write(ctx, settleReported, string(id), ""); err != nil { // whoever knew the former one knows nothing any more
		return 0, err
	}
	return tx.MoveEpoch(ctx, id)
}

// ConfirmAddress marks the address proven and ends all of the account's links.
func (tx *Tx) ConfirmAddress(ctx context.Context, id account.ID, now time.Time) error {
	if err := tx.write(ctx, confirmAddress, string(id), ms(now)); err != nil {
		return err
	}
	return tx.EndLinks(ctx, id, now)
}

// EndLinks ends all of the account's links but those that outlive others.
func (tx *Tx) EndLinks(ctx context.Context, id account.ID, now time.Time) error {
	return tx.write(ctx, expireLinks, string(id), ms(now))
}

// SpendChallenge records a solved puzzle until its end of life; false if it was spent before.
func (tx *Tx) SpendChallenge(ctx context.Context, id string, expires time.Time) (bool, error) {
	n, err := tx.exec(ctx, spendChallenge, id, ms(expires))
	return n == 1, err
}

// FindEmployer returns the name of the account's only employer; empty where it has none, or several.
func (tx *Tx) FindEmployer(ctx context.Context, id account.ID) (string, error) {
	names, err := list(tx.query(ctx, listEmployers, string(id)), func(scan scan) (name string, err error) { return name, scan(&name) })
	if len(names) != 1 {
		return "", err
	}
	return names[0], err
}

// ListEmployers lists the names of the account's employers.
func (db *DB) ListEmployers(ctx context.Context, id account.ID) ([]string, error) {
	return list(db.query(ctx, listEmployers, string(id)), func(scan scan) (name string, err error) { return name, scan(&name) })
}
