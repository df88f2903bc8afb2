package store

import (
	"context"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/token"
)

const (
	insertDevice statement = `
INSERT INTO devices (id, code, client_id, scope, jkt, state, account_id, grant_id, created_at, expires_at, polled_at, poll_interval, user_code, delivery, notify)
VALUES ($1, $2, $3, $4, $5, 'waiting', '', '', $6, $7, 0, $8, $9, $10, $11)`

	approveDevice statement = `
UPDATE devices SET state = 'approved', account_id = $2, grant_id = $3, acr = $5, amr = $6, auth_time = $7, epoch = $8, approved_at = $9, session_id = $10
WHERE id = $1 AND state = 'waiting' AND expires_at > $4
RETURNING id`

	denyDevice statement = `
UPDATE devices SET state = 'denied', account_id = CASE WHEN account_id = '' THEN $3 ELSE account_id END
WHERE id = $1 AND state IN ('waiting', 'approved') AND expires_at > $2 RETURNING id`

	findDevice statement = `
SELECT id, code, client_id, scope, jkt, state, account_id, grant_id, created_at, expires_at, polled_at, poll_interval,
  user_code, acr, amr, auth_time, epoch, approved_at, session_id, delivery, notify
FROM devices WHERE code = $1 AND client_id = $2`

	// Of an authenticator there is none by this: its codes are approved at its pairing.
	findTypedDevice statement = `
SELECT id, code, client_id, scope, jkt, state, account_id, grant_id, created_at, expires_at, polled_at, poll_interval,
  user_code, acr, amr, auth_time, epoch, approved_at, session_id, delivery, notify
FROM devices WHERE id = $1 AND user_code <> ''`

	findDeviceByCode statement = `SELECT id FROM devices WHERE user_code = $1 AND user_code <> '' AND state = 'waiting' AND expires_at > $2`

	touchDevice statement = `UPDATE devices SET polled_at = $2, poll_interval = $3 WHERE id = $1`

	useDevice statement = `
UPDATE devices SET state = 'used' WHERE id = $1 AND state = 'approved' AND expires_at > $2 RETURNING id`

	// No session stands behind an authenticator's: it has none to end with, and lasts. Behind what a person approved elsewhere ($14) stands her account as
	// it was then; behind what she did in a browser, that one's session too; and behind an answer on a phone, that she is one of the app's people still.
	insertDeviceGrant statement = `
INSERT INTO grants (id, code_id, client_id, account_id, session_id, scope, offline, acr, amr, auth_time, generation, rotated_at,
  former_rotated_at, replays, created_at, expires_at, ended_at, jkt, subject)
SELECT $1, $2, $3, a.id, $18, $5, $6, $7, $8, $9, $10, $11, $11, 0, $11, $12, 0, $13, $17
FROM accounts a WHERE a.id = $4 AND a.closed_at = 0 AND ($14 = '' OR a.epoch = $15 AND EXISTS (SELECT 1 FROM relying_parties r WHERE r.client_id = $3) AND
  ($14 <> 'browser' OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = $18 AND s.account_id = a.id AND s.epoch = $15 AND s.` + notEnded + ` AND s.expires_at > $11)) AND
  ($14 <> 'phone' OR EXISTS (SELECT 1 FROM connections c JOIN persons p ON p.id = c.person_id
    JOIN relying_party_organisations o ON o.organisation_id = p.organisation_id AND o.client_id = $3 WHERE c.account_id = a.id)) AND
  NOT EXISTS (SELECT 1 FROM grants v WHERE v.account_id = $4 AND v.client_id = $3 AND v.revoked_at > 0 AND v.revoked_at > $16))
RETURNING id`
)

// deviceRow receives the columns of a device code.
type deviceRow struct {
	token.Device
	code                               []byte
	created, expires, polled, interval int64
	amr                                string
	authTime, approved                 int64
}

func (r *deviceRow) dest() []any {
	return []any{&r.ID, &r.code, &r.ClientID, &r.Scope, &r.JKT, &r.State, &r.Account, &r.GrantID, &r.created, &r.expires, &r.polled, &r.interval,
		&r.UserCode, &r.Approval.ACR, &r.amr, &r.authTime, &r.Approval.Epoch, &r.approved, &r.Approval.Session,
		&r.Delivery, &r.Notify}
}

func (r *deviceRow) device() token.Device {
	d := r.Device
	d.Code, d.Interval = secret.HashFrom(r.code), time.Duration(r.interval)*time.Millisecond
	d.Approval.AMR, d.Approval.AuthTime, d.Approval.At = strings.Fields(r.amr), fromMS(r.authTime), fromMS(r.approved)
	d.Created, d.Expires, d.Polled = fromMS(r.created), fromMS(r.expires), fromMS(r.polled)
	return d
}

// InsertDevice stores a device code that waits for a person.
func (tx *Tx) InsertDevice(ctx context.Context, d token.Device) error {
	return tx.write(ctx, insertDevice, d.ID, d.Code[:], d.ClientID, d.Scope, d.JKT, ms(d.Created), ms(d.Expires), d.Interval.Milliseconds(), d.UserCode, d.Delivery, d.Notify)
}

// FindDeviceCode returns the id of the device code that waits for a person with this pseudonym of what she typed; false if none does.
func (db *DB) FindDeviceCode(ctx context.Context, userCode string, now time.Time) (id string, ok bool, err error) {
	ok, err = db.query(ctx, findDeviceByCode, userCode, ms(now)).one(&id)
	return id, ok, err
}

// FindDevice reads a device code that a person approves by typing its short code; false if there is none of that id.
func (db *DB) FindDevice(ctx context.Context, id string) (token.Device, bool, error) {
	var r deviceRow
	ok, err := db.query(ctx, findTypedDevice, id).one(r.dest()...)
	return r.device(), ok, err
}

// ApproveDevice lets the account's person approve a device code that still waits; false if it does not. grantID is the grant that its
// use will make; a is the sign-in, where one stands behind it.
func (tx *Tx) ApproveDevice(ctx context.Context, id string, acc account.ID, grantID string, a token.Approval, now time.Time) (bool, error) {
	return tx.query(ctx, approveDevice, id, string(acc), grantID, ms(now), string(a.ACR), strings.Join(a.AMR, " "), ms(a.AuthTime), a.Epoch, ms(now), string(a.Session)).one(&id)
}

// DenyDevice refuses a device code that waits, or that was approved and not used yet; false if it is neither. acc is who refuses, where
// that is known.
func (tx *Tx) DenyDevice(ctx context.Context, id string, acc account.ID, now time.Time) (bool, error) {
	return tx.query(ctx, denyDevice, id, ms(now), string(acc)).one(&id)
}

// PollDevice reads the client's device code and counts the poll while it waits: one that comes too soon makes the interval longer.
// The device is returned as it then is; ok is false if there is no such code.
func (tx *Tx) PollDevice(ctx context.Context, code secret.Hash, clientID string, now time.Time) (d token.Device, tooSoon, ok bool, err error) {
	var r deviceRow
	ok, err = tx.query(ctx, findDevice, code[:], clientID).one(r.dest()...)
	if err != nil || !ok {
		return d, false, ok, err
	}
	d = r.device()
	if !d.Waits(now) {
		return d, false, true, nil
	}
	if tooSoon = d.IsTooSoon(now); tooSoon {
		d.Interval = min(d.Interval+token.SlowDown, token.MaxInterval)
	}
	d.Polled = now
	err = tx.write(ctx, touchDevice, d.ID, ms(now), d.Interval.Milliseconds())
	return d, tooSoon, true, err
}

// UseDevice marks an approved device code as used and makes its grant; false if it was not approved, or used or expired, or its account is
// closed. What a person has approved counts no more once the account's epoch has moved, or she has taken the RP's access away; and on a phone, once
// she is nobody of the RP's organisations.
func (tx *Tx) UseDevice(ctx context.Context, d token.Device, g grant.Grant, now time.Time) (bool, error) {
	var id string
	used, err := tx.query(ctx, useDevice, d.ID, ms(now)).one(&id)
	if err != nil || !used {
		return false, err
	}
	where := "" // she approved it
	switch {
	case d.Delivery != "":
		where = "phone"
	case d.UserCode != "":
		where = "browser"
	}
	return tx.query(ctx, insertDeviceGrant, g.ID, g.CodeID, g.ClientID, string(g.Account), g.Scope, g.Offline, string(g.ACR),
		strings.Join(g.AMR, " "), ms(g.AuthTime), int64(g.Generation), ms(now), ms(g.Expires), g.JKT, where, d.Approval.Epoch, ms(d.Approval.At), g.Subject, string(g.Session)).one(&id)
}

// EndAuthenticatorGrant ends the grant of an authenticator that was unpaired. It is no error if the grant has ended, or never began.
func (tx *Tx) EndAuthenticatorGrant(ctx context.Context, grantID string, now time.Time) error {
	_, _, err := tx.EndGrant(ctx, grantID, "", now)
	return err
}
