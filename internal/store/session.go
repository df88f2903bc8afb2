package store

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/token"
)

// notEnded is how a session that is found by what names it alone is said to live. By "ended_at = 0" PostgreSQL takes the index of those that come to
// their end (sessions_end) for as good a way as the session's own key, as long as it has no statistics: as on the morning on which everybody
// comes. It would read all sessions that live, and every redemption would collide with every other one's last_seen.
const notEnded = `ended_at <= 0`

const (
	findSession statement = `
SELECT s.id, s.account_id, s.secret, COALESCE(s.attempt, ''), s.epoch, s.acr, s.amr, s.auth_time, s.created_at, s.last_seen,
  s.expires_at, s.idle, s.ended_at, s.ended_by, s.user_agent, s.ip,
  a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.secret = $1`

	listSessions statement = `
SELECT id, account_id, secret, COALESCE(attempt, ''), epoch, acr, amr, auth_time, created_at, last_seen,
  expires_at, idle, ended_at, ended_by, user_agent, ip
FROM sessions
WHERE account_id = $1 AND ended_at = 0 AND epoch = $2 AND expires_at > $3
ORDER BY last_seen DESC, id LIMIT 50`

	// A proof that was being checked while its account was erased, or changed hands, makes no session, leaves no trace of its browser, and
	// is told to nobody: whose account it was when it was read is not whose it is.
	insertSession statement = `
INSERT INTO sessions (id, account_id, secret, attempt, epoch, acr, amr, auth_time, created_at, last_seen, expires_at, idle,
  ended_at, ended_by, user_agent, ip)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, '', $13, $14 FROM accounts WHERE id = $2 AND closed_at = 0 AND epoch = $5
ON CONFLICT (attempt) DO NOTHING`

	attemptIsUsed statement = `SELECT id FROM sessions WHERE attempt = $1`

	// An administrator sees who has come through.
	noteFirstSignIn statement = `UPDATE accounts SET first_signin_at = $2 WHERE id = $1 AND first_signin_at = 0`

	hasSession statement = `
SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.account_id AND a.epoch = s.epoch AND a.closed_at = 0
WHERE s.secret = $1 AND s.` + notEnded

	// Where the proofs were carried from the session ($14) it keeps its absolute limit (ADR 11).
	raiseSession statement = `
UPDATE sessions SET secret = $2, attempt = $3, acr = $4, amr = $5, auth_time = $6, last_seen = $13,
  expires_at = CASE WHEN $14 <> '' AND expires_at < $7 THEN expires_at ELSE $7 END, idle = $8, user_agent = $9, ip = $10
WHERE secret = $1 AND account_id = $11 AND epoch = $12 AND ` + notEnded + ` AND expires_at > $13 AND ($14 = '' OR id = $14)
RETURNING id, expires_at`

	takeOverSession statement = `
UPDATE sessions SET secret = $2, acr = $3, amr = $4, auth_time = $5, last_seen = $12,
  expires_at = CASE WHEN expires_at < $6 THEN expires_at ELSE $6 END, idle = $7,
  user_agent = $8, ip = $9
WHERE attempt = $1 AND account_id = $10 AND epoch = $11 AND auth_time >= $13 AND ` + notEnded + ` AND expires_at > $12
RETURNING id`

	// Empty parameters do not restrict.
	endSessions statement = `
UPDATE sessions SET ended_at = $5, ended_by = $6
WHERE ended_at = 0
  AND id IN (SELECT id FROM sessions WHERE account_id = $1 AND ended_at = 0
    UNION SELECT id FROM sessions WHERE secret = $3)
  AND ($2 = '' OR id = $2) AND id <> $4 AND expires_at <= $7
RETURNING id`

	listExpiredSessions statement = `
SELECT id, account_id FROM sessions WHERE ended_at = 0 AND expires_at <= $1 LIMIT $2`

	// The grants of a session end with it, but for those that were made to outlive it.
	endSessionGrants statement = `
UPDATE grants SET ended_at = $2, expires_at = $2 WHERE session_id = $1 AND ended_at = 0 AND NOT offline`

	// An attempt that began with what the session has proven goes with it.
	endCarried statement = `DELETE FROM attempts WHERE session_id = $1 AND session_id <> ''`

	// An authenticator ($4) stays paired: it is a proof, and not an app that the person has signed in to.
	endOfflineGrants statement = `
UPDATE grants SET ended_at = $2, expires_at = $2 WHERE account_id = $1 AND (session_id <> $3 OR session_id = '') AND client_id <> $4 AND ended_at = 0`

	listSessionRPs statement = `
SELECT DISTINCT g.session_id, g.account_id, g.client_id, r.backchannel_logout_uri
FROM grants g JOIN relying_parties r ON r.client_id = g.client_id
WHERE g.session_id = $1`

	listSessionApps statement = `
SELECT DISTINCT r.client_id, r.name, r.options FROM grants g JOIN relying_parties r ON r.client_id = g.client_id
WHERE g.session_id = $1 ORDER BY r.client_id`

	carrySessions statement = `
UPDATE sessions SET epoch = $2 WHERE account_id = $1 AND ended_at = 0 AND epoch = $3`

	touchSession statement = `
UPDATE sessions SET last_seen = $3 WHERE id = $1 AND last_seen <= $2`
)

// sessionRow receives the columns of a session.
type sessionRow struct {
	session.Session
	secret                                            []byte
	amr                                               string
	authTime, created, lastSeen, expires, idle, ended int64
}

func (r *sessionRow) dest() []any {
	return []any{&r.ID, &r.Account, &r.secret, &r.Attempt, &r.Epoch, &r.ACR, &r.amr, &r.authTime, &r.created, &r.lastSeen,
		&r.expires, &r.idle, &r.ended, &r.EndedBy, &r.Device.UserAgent, &r.Device.Address}
}

func (r *sessionRow) session() session.Session {
	s := r.Session
	s.Secret, s.AMR = secret.HashFrom(r.secret), strings.Fields(r.amr)
	s.AuthTime, s.Created, s.LastSeen = fromMS(r.authTime), fromMS(r.created), fromMS(r.lastSeen)
	s.Expires, s.Ended, s.Idle = fromMS(r.expires), fromMS(r.ended), time.Duration(r.idle)*time.Millisecond
	return s
}

// FindSession looks a session up by the hash of its cookie, with the account that it belongs to.
func (db *DB) FindSession(ctx context.Context, h secret.Hash) (session.Session, account.Account, error) {
	var s sessionRow
	var a accountRow
	_, err := db.query(ctx, findSession, h[:]).one(append(s.dest(), a.dest()...)...)
	return s.session(), a.account(), err
}

// ListSessions lists the account's sessions that stand, last seen first, at most 50.
func (db *DB) ListSessions(ctx context.Context, id account.ID, epoch int64, now time.Time) ([]session.Session, error) {
	return list(db.query(ctx, listSessions, string(id), epoch, ms(now)), func(scan scan) (session.Session, error) {
		var r sessionRow
		err := scan(r.dest()...)
		return r.session(), err
	})
}

// InsertSession stores a new session; an attempt that already made one, or one of an account that is closed or has moved to another
// epoch, gets authn.ErrAttemptUsed.
func (tx *Tx) InsertSession(ctx context.Context, s session.Session) error {
	n, err := tx.exec(ctx, insertSession, string(s.ID), string(s.Account), s.Secret[:], s.Attempt, s.Epoch, string(s.ACR),
		strings.Join(s.AMR, " "), ms(s.AuthTime), ms(s.Created), ms(s.LastSeen), ms(s.Expires), s.Idle.Milliseconds(),
		s.Device.UserAgent, s.Device.Address)
	if err == nil && n == 0 {
		err = authn.ErrAttemptUsed
	}
	if err == nil {
		err = tx.write(ctx, noteFirstSignIn, string(s.Account), ms(s.Created))
	}
	return err
}

// HasSession says whether a standing session has the secret.
func (tx *Tx) HasSession(ctx context.Context, h secret.Hash) (bool, error) {
	var id string
	return tx.query(ctx, hasSession, h[:]).one(&id)
}

// RaiseSession puts s in place of the account's standing session that has the secret previous and keeps its id.
func (tx *Tx) RaiseSession(ctx context.Context, previous secret.Hash, s session.Session, from session.ID) (raised session.Session, ok bool, err error) {
	// Asked first, because a violated constraint would spoil the transaction.
	var holder string
	used, err := tx.query(ctx, attemptIsUsed, s.Attempt).one(&holder)
	if err != nil {
		return s, false, err
	}
	if used {
		return s, false, authn.ErrAttemptUsed
	}
	var expires int64
	ok, err = tx.query(ctx, raiseSession, previous[:], s.Secret[:], s.Attempt, string(s.ACR), strings.Join(s.AMR, " "),
		ms(s.AuthTime), ms(s.Expires), s.Idle.Milliseconds(), s.Device.UserAgent, s.Device.Address, string(s.Account), s.Epoch,
		ms(s.LastSeen), string(from)).one(&s.ID, &expires)
	if ok {
		s.Expires = fromMS(expires)
	}
	return s, ok, err
}

// TakeOverSession puts s in place of the account's standing session that its attempt has made since the given time.
func (tx *Tx) TakeOverSession(ctx context.Context, s session.Session, since time.Time) (id session.ID, ok bool, err error) {
	ok, err = tx.query(ctx, takeOverSession, s.Attempt, s.Secret[:], string(s.ACR), strings.Join(s.AMR, " "), ms(s.AuthTime), ms(s.Expires),
		s.Idle.Milliseconds(), s.Device.UserAgent, s.Device.Address, string(s.Account), s.Epoch, ms(s.LastSeen), ms(since)).one(&id)
	return id, ok, err
}

// EndSessions ends the chosen sessions and the grants that live with them, and returns them and who must be told.
func (tx *Tx) EndSessions(ctx context.Context, which authn.Which, reason string, now time.Time) ([]session.ID, []authn.Ended, error) {
	hash := which.Secret[:]
	if which.Secret.IsZero() {
		hash = []byte{}
	}
	expired := int64(math.MaxInt64)
	if which.Expired {
		expired = ms(now)
	}
	ids, err := list(tx.query(ctx, endSessions, string(which.Account), string(which.Session), hash, string(which.Except), ms(now), reason, expired),
		func(scan scan) (id session.ID, err error) { return id, scan(&id) })
	if err != nil {
		return nil, nil, err
	}
	var told []authn.Ended
	for _, id := range ids {
		rps, err := tx.endSession(ctx, string(id), now)
		if err != nil {
			return nil, nil, err
		}
		told = append(told, rps...)
	}
	if which.Offline {
		err = tx.write(ctx, endOfflineGrants, string(which.Account), ms(now), string(which.Except), token.AuthenticatorClient)
	}
	return ids, told, err
}

// ListExpiredSessions lists up to n sessions that have passed their absolute limit and are not ended.
func (db *DB) ListExpiredSessions(ctx context.Context, now time.Time, n int) ([]session.Session, error) {
	return list(db.query(ctx, listExpiredSessions, ms(now), int64(n)), func(scan scan) (s session.Session, err error) {
		return s, scan(&s.ID, &s.Account)
	})
}

// ListSessionRPs lists the RPs that have had a grant in the session: their names and options.
func (db *DB) ListSessionRPs(ctx context.Context, id session.ID) ([]relyingparty.RP, error) {
	return list(db.query(ctx, listSessionApps, string(id)), func(scan scan) (rp relyingparty.RP, err error) {
		var options string
		if err := scan(&rp.ClientID, &rp.Name, &options); err != nil {
			return rp, err
		}
		return rp, json.Unmarshal([]byte(options), &rp.Options)
	})
}

// endSession lists the RPs of a session before its grants end.
func (tx *Tx) endSession(ctx context.Context, id string, now time.Time) ([]authn.Ended, error) {
	rps, err := list(tx.query(ctx, listSessionRPs, id), func(scan scan) (e authn.Ended, err error) {
		return e, scan(&e.Session, &e.Account, &e.ClientID, &e.LogoutURI)
	})
	if err != nil {
		return nil, err
	}
	if err := tx.write(ctx, endCarried, id); err != nil {
		return nil, err
	}
	err = tx.write(ctx, endSessionGrants, id, ms(now))
	return rps, err
}

// CarrySessions lets the account's standing sessions go on under a new epoch.
func (tx *Tx) CarrySessions(ctx context.Context, id account.ID, epoch int64) error {
	return tx.write(ctx, carrySessions, string(id), epoch, epoch-1)
}

// TouchSession moves the session's last_seen to now if it is not younger than olderThan.
func (tx *Tx) TouchSession(ctx context.Context, id session.ID, olderThan, now time.Time) error {
	return tx.write(ctx, touchSession, string(id), ms(olderThan), ms(now))
}
