package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

var _ enrolment.Tx = (*Tx)(nil)

const (
	findProgress statement = `
SELECT t.id, t.binding, t.account_id, t.epoch, t.methods, t.stage, t.sealed, t.proven_at, t.expires_at, t.done_at, t.done_by, t.session_id,
  a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at
FROM attempts t JOIN accounts a ON a.id = t.account_id
WHERE t.id = $1`

	// The binding in the WHERE keeps the row its browser's.
	saveProgress statement = `
INSERT INTO attempts (id, binding, account_id, epoch, methods, stage, sealed, proven_at, expires_at, session_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, epoch = excluded.epoch, methods = excluded.methods,
  stage = excluded.stage, sealed = excluded.sealed, proven_at = excluded.proven_at, session_id = excluded.session_id
WHERE attempts.binding = excluded.binding AND attempts.done_at = 0`

	finishProgress statement = `
UPDATE attempts SET epoch = $2, methods = $3, sealed = $4, proven_at = $5, done_at = $6, done_by = $7 WHERE id = $1 AND done_at = 0`

	// The account's own epoch is asked again: what has moved it since the row was read ends the attempt (RULES §1).
	lockProgress statement = `
SELECT t.id FROM attempts t JOIN accounts a ON a.id = t.account_id AND a.epoch = t.epoch AND a.closed_at = 0
WHERE t.id = $1 AND t.account_id = $2 AND t.epoch = $3 AND t.methods = $4 AND t.stage = $5 AND t.sealed = $6 AND t.done_at = 0`

	saveOffer statement = `
INSERT INTO mfa_offers (account_id, silent, spent) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET silent = excluded.silent, spent = excluded.spent`

	deleteProgress statement = `DELETE FROM attempts WHERE id = $1`

	// What an account has beside its password, and a row for each of its organisations.
	findSecond statement = `
SELECT (SELECT count(*) FROM totp_keys k WHERE k.account_id = a.id), (SELECT count(*) FROM push_keys q WHERE q.account_id = a.id AND q.lost_at = 0),
  (SELECT count(*) FROM recovery_codes r WHERE r.account_id = a.id),
  (SELECT count(*) FROM phones m WHERE m.account_id = a.id AND m.suspended_at = 0),
  COALESCE((SELECT w.changed_at FROM passwords w WHERE w.account_id = a.id), 0), COALESCE((SELECT i.expires_at FROM issued_codes i WHERE i.account_id = a.id), 0),
  a.address_changed_at, COALESCE(f.silent, 0), COALESCE(f.spent, 0),
  COALESCE(o.name, ''), COALESCE(o.mfa, ''), COALESCE(o.mfa_from, 0), COALESCE(o.mfa_signins, 0), COALESCE(o.remember_days, 0), COALESCE(o.typed_push, false),
  COALESCE(o.min_password, 0), COALESCE((SELECT w.must_replace FROM passwords w WHERE w.account_id = a.id), false),
  (SELECT count(*) FROM administrators d WHERE d.account_id = a.id)
FROM accounts a LEFT JOIN mfa_offers f ON f.account_id = a.id LEFT JOIN connections c ON c.account_id = a.id LEFT JOIN persons p ON p.id = c.person_id
  LEFT JOIN organisations o ON o.id = p.organisation_id
WHERE a.id = $1`

	listApps statement = `
SELECT id, account_id, name, sealed, last_step, created_at, used_at, suspended_at FROM totp_keys WHERE account_id = $1 ORDER BY created_at, id`

	suspendApps statement = `UPDATE totp_keys SET suspended_at = $2 WHERE account_id = $1 AND suspended_at = 0`

	restoreApps statement = `UPDATE totp_keys SET suspended_at = 0 WHERE account_id = $1 AND suspended_at > 0`

	insertApp statement = `
INSERT INTO totp_keys (id, account_id, name, sealed, last_step, created_at, used_at)
SELECT $1, $2, $3, $4, $5, $6, $6 FROM accounts
WHERE id = $2 AND (SELECT count(*) FROM totp_keys WHERE account_id = $2) < $7`

	renameApp statement = `UPDATE totp_keys SET name = $3 WHERE id = $2 AND account_id = $1`

	deleteApp statement = `DELETE FROM totp_keys WHERE id = $2 AND account_id = $1 RETURNING name`

	deleteApps statement = `DELETE FROM totp_keys WHERE account_id = $1`

	// Of two callers with the same step one changes a row.
	consumeStep statement = `UPDATE totp_keys SET last_step = $2, used_at = $3 WHERE id = $1 AND last_step < $2`

	listRecoveryVerifiers statement = `
SELECT verifier FROM recovery_codes WHERE account_id = $1
UNION ALL SELECT verifier FROM issued_codes WHERE account_id = $1 AND expires_at > $2`

	hasRecovery statement = `
SELECT account_id FROM recovery_codes WHERE account_id = $1 AND verifier = $2
UNION ALL SELECT account_id FROM issued_codes WHERE account_id = $1 AND verifier = $2 AND expires_at > $3`

	saveIssued statement = `
INSERT INTO issued_codes (account_id, verifier, issued_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE SET verifier = excluded.verifier, issued_by = excluded.issued_by, created_at = excluded.created_at,
  expires_at = excluded.expires_at`

	deleteIssued statement = `DELETE FROM issued_codes WHERE account_id = $1`

	saveRecovery statement = `
INSERT INTO recovery_codes (account_id, verifier, created_at) VALUES ($1, $2, $3)
ON CONFLICT (account_id) DO UPDATE SET verifier = excluded.verifier, created_at = excluded.created_at`

	deleteRecovery statement = `DELETE FROM recovery_codes WHERE account_id = $1`

	findRecoveryMade statement = `SELECT created_at FROM recovery_codes WHERE account_id = $1`

	rememberBrowser statement = `
INSERT INTO remembered_browsers (id, secret, account_id, epoch, user_agent, ip, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`

	findRemembered statement = `
SELECT id FROM remembered_browsers WHERE secret = $1 AND account_id = $2 AND epoch = $3 AND created_at > $4 AND expires_at > $5`

	listRemembered statement = `
SELECT id, secret, account_id, epoch, user_agent, ip, created_at, expires_at FROM remembered_browsers
WHERE account_id = $1 AND epoch = $2 AND expires_at > $3 ORDER BY created_at DESC, id LIMIT 50`

	forgetBrowser statement = `DELETE FROM remembered_browsers WHERE id = $2 AND account_id = $1`
)

// FindProgress reads an attempt's row with its account.
func (db *DB) FindProgress(ctx context.Context, attempt string) (authn.Progress, account.Account, error) {
	return readProgress(ctx, db, attempt)
}

// ReadProgress reads an attempt's row.
func (tx *Tx) ReadProgress(ctx context.Context, attempt string) (authn.Progress, error) {
	p, _, err := readProgress(ctx, tx, attempt)
	return p, err
}

func readProgress(ctx context.Context, from querier, attempt string) (p authn.Progress, acc account.Account, err error) {
	var a accountRow
	var binding []byte
	var methods string
	var proven, expires, done int64
	_, err = from.query(ctx, findProgress, attempt).one(append([]any{&p.Attempt, &binding, &p.Account, &p.Epoch, &methods, &p.Stage,
		&p.Sealed, &proven, &expires, &done, &p.DoneBy, &p.From}, a.dest()...)...)
	p.Binding, p.Methods = secret.HashFrom(binding), strings.Fields(methods)
	p.ProvenAt, p.Expires, p.Done = fromMS(proven), fromMS(expires), fromMS(done)
	return p, a.account(), err
}

// SaveProgress stores an attempt's row, or changes it.
func (tx *Tx) SaveProgress(ctx context.Context, p authn.Progress) error {
	n, err := tx.exec(ctx, saveProgress, p.Attempt, p.Binding[:], string(p.Account), p.Epoch, strings.Join(p.Methods, " "), string(p.Stage),
		orEmpty(p.Sealed), ms(p.ProvenAt), ms(p.Expires), string(p.From))
	if err == nil && n == 0 {
		err = authn.ErrAttemptUsed
	}
	return err
}

// FinishProgress marks an attempt's row as done; authn.ErrAttemptUsed if it was done before. What was in the making is wiped.
func (tx *Tx) FinishProgress(ctx context.Context, p authn.Progress) error {
	n, err := tx.exec(ctx, finishProgress, p.Attempt, p.Epoch, strings.Join(p.Methods, " "), []byte{}, ms(p.ProvenAt), ms(p.Done), p.DoneBy)
	if err == nil && n == 0 {
		err = authn.ErrAttemptUsed
	}
	return err
}

// LockProgress makes sure that the attempt's row is still what it was when it was read.
func (tx *Tx) LockProgress(ctx context.Context, p authn.Progress) error {
	var id string
	ok, err := tx.query(ctx, lockProgress, p.Attempt, string(p.Account), p.Epoch, strings.Join(p.Methods, " "), string(p.Stage),
		orEmpty(p.Sealed)).one(&id)
	if err == nil && !ok {
		err = authn.ErrAttemptUsed
	}
	return err
}

// SaveOffer stores for how many sign-ins the offer of two-factor authentication is silent, and how many were made without.
func (tx *Tx) SaveOffer(ctx context.Context, id account.ID, silent, spent int) error {
	return tx.write(ctx, saveOffer, string(id), int64(silent), int64(spent))
}

// DeleteProgress takes an attempt's row away, if there is one.
func (tx *Tx) DeleteProgress(ctx context.Context, attempt string) error {
	return tx.write(ctx, deleteProgress, attempt)
}

// FindSecond tells what the account has beside its password, and its policy.
func (db *DB) FindSecond(ctx context.Context, id account.ID) (authn.Second, error) {
	return readSecond(ctx, db, id)
}

// FindSecond tells what the account has beside its password, and its policy.
func (tx *Tx) FindSecond(ctx context.Context, id account.ID) (authn.Second, error) {
	return readSecond(ctx, tx, id)
}

func readSecond(ctx context.Context, from querier, id account.ID) (s authn.Second, err error) {
	var all []organisation.Policy
	var names []string
	err = from.query(ctx, findSecond, string(id)).each(func(scan scan) error {
		var codes, phones, set, issued, moved, since, roles int64
		var name string
		var p organisation.Policy
		if err := scan(&s.Apps, &s.Push, &codes, &phones, &set, &issued, &moved, &s.Silent, &s.Spent, &name, &p.MFA, &since, &p.SignIns,
			&p.RememberDays, &p.TypedPush, &p.MinPassword, &s.MustReplace, &roles); err != nil {
			return err
		}
		s.Recovery, s.Phone, s.Password, s.PasswordSet, s.Issued, s.AddressChanged = codes > 0, phones > 0, set > 0, fromMS(set), fromMS(issued), fromMS(moved)
		s.Administers = roles > 0
		if p.MFA != "" {
			p.From = fromMS(since)
			all, names = append(all, p), append(names, name)
		}
		return nil
	})
	s.Policy = organisation.Strictest(all)
	if len(slices.Compact(slices.Sorted(slices.Values(names)))) == 1 {
		s.Employer = names[0]
	}
	return s, err
}

// ListApps lists the account's authenticator apps, oldest first.
func (db *DB) ListApps(ctx context.Context, id account.ID) ([]authn.App, error) {
	return list(db.query(ctx, listApps, string(id)), func(scan scan) (a authn.App, err error) {
		var created, used, suspended int64
		err = scan(&a.ID, &a.Account, &a.Name, &a.Sealed, &a.LastStep, &created, &used, &suspended)
		a.Created, a.Used, a.Suspended = fromMS(created), fromMS(used), fromMS(suspended)
		return a, err
	})
}

// SuspendApps suspends the account's authenticator apps, and takes back what was approved with them and not fetched.
func (tx *Tx) SuspendApps(ctx context.Context, id account.ID, now time.Time) error {
	if err := tx.write(ctx, suspendApps, string(id), ms(now)); err != nil {
		return err
	}
	return tx.write(ctx, denyAnswered, string(id))
}

// RestoreApps lets the account's suspended apps count again.
func (tx *Tx) RestoreApps(ctx context.Context, id account.ID) error {
	return tx.write(ctx, restoreApps, string(id))
}

// InsertApp binds an authenticator app; false if the account has the most that it may have.
func (tx *Tx) InsertApp(ctx context.Context, a authn.App, most int) (bool, error) {
	n, err := tx.exec(ctx, insertApp, a.ID, string(a.Account), a.Name, a.Sealed, a.LastStep, ms(a.Created), int64(most))
	return n == 1, err
}

// RenameApp renames one of the account's apps.
func (tx *Tx) RenameApp(ctx context.Context, id account.ID, app, name string) (bool, error) {
	n, err := tx.exec(ctx, renameApp, string(id), app, name)
	return n == 1, err
}

// DeleteApp unbinds one of the account's apps and returns its name.
func (tx *Tx) DeleteApp(ctx context.Context, id account.ID, app string) (name string, ok bool, err error) {
	if ok, err = tx.query(ctx, deleteApp, string(id), app).one(&name); err != nil || !ok {
		return "", false, err
	}
	return name, true, tx.deletePushKeys(ctx, deletePushKey, id, app)
}

// DeleteApps unbinds all of the account's apps.
func (tx *Tx) DeleteApps(ctx context.Context, id account.ID) error {
	if err := tx.write(ctx, deleteApps, string(id)); err != nil {
		return err
	}
	return tx.deletePushKeys(ctx, deletePushKeys, id)
}

// ConsumeStep marks a time step of an app as used; false if it, or a later one, was used before.
func (tx *Tx) ConsumeStep(ctx context.Context, app string, step int64, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, consumeStep, app, step, ms(now))
	return n == 1, err
}

// ListRecoveryVerifiers returns what a recovery code is checked against.
func (db *DB) ListRecoveryVerifiers(ctx context.Context, id account.ID, now time.Time) ([]password.Verifier, error) {
	return list(db.query(ctx, listRecoveryVerifiers, string(id), ms(now)), func(scan scan) (v password.Verifier, err error) {
		return v, scan(&v)
	})
}

// HasRecovery says whether the account's recovery code, its own or one that was handed out, is still this one.
func (tx *Tx) HasRecovery(ctx context.Context, id account.ID, v password.Verifier, now time.Time) (bool, error) {
	var found string
	return tx.query(ctx, hasRecovery, string(id), string(v), ms(now)).one(&found)
}

// SaveIssued stores what a recovery code is checked against that was handed out, in place of an older one.
func (tx *Tx) SaveIssued(ctx context.Context, id account.ID, v password.Verifier, by string, now, expires time.Time) error {
	return tx.write(ctx, saveIssued, string(id), string(v), by, ms(now), ms(expires))
}

// DeleteIssued takes a handed-out recovery code away.
func (tx *Tx) DeleteIssued(ctx context.Context, id account.ID) error {
	return tx.write(ctx, deleteIssued, string(id))
}

// SaveRecovery stores what the account's recovery code is checked against, in place of an older one.
func (tx *Tx) SaveRecovery(ctx context.Context, id account.ID, v password.Verifier, now time.Time) error {
	return tx.write(ctx, saveRecovery, string(id), string(v), ms(now))
}

// DeleteRecovery takes the account's recovery code away.
func (tx *Tx) DeleteRecovery(ctx context.Context, id account.ID) error {
	return tx.write(ctx, deleteRecovery, string(id))
}

// FindRecoveryMade says when the account's recovery code was made; zero: it has none.
func (db *DB) FindRecoveryMade(ctx context.Context, id account.ID) (time.Time, error) {
	return readRecoveryMade(ctx, db, id)
}

// FindRecoveryMade says when the account's recovery code was made; zero: it has none.
func (tx *Tx) FindRecoveryMade(ctx context.Context, id account.ID) (time.Time, error) {
	return readRecoveryMade(ctx, tx, id)
}

func readRecoveryMade(ctx context.Context, from querier, id account.ID) (time.Time, error) {
	var made int64
	ok, err := from.query(ctx, findRecoveryMade, string(id)).one(&made)
	if !ok {
		return time.Time{}, err
	}
	return fromMS(made), err
}

// RememberBrowser remembers a browser.
func (tx *Tx) RememberBrowser(ctx context.Context, r authn.Remembered) error {
	return tx.write(ctx, rememberBrowser, r.ID, r.Secret[:], string(r.Account), r.Epoch, r.Device.UserAgent, r.Device.Address,
		ms(r.Created), ms(r.Expires))
}

// FindRemembered says whether the token's browser is remembered for the account at the epoch, since the given time.
func (tx *Tx) FindRemembered(ctx context.Context, h secret.Hash, id account.ID, epoch int64, since, now time.Time) (bool, error) {
	var found string
	return tx.query(ctx, findRemembered, h[:], string(id), epoch, ms(since), ms(now)).one(&found)
}

// ListRemembered lists the browsers that the account has remembered at its epoch, newest first.
func (db *DB) ListRemembered(ctx context.Context, id account.ID, epoch int64, now time.Time) ([]authn.Remembered, error) {
	return list(db.query(ctx, listRemembered, string(id), epoch, ms(now)), func(scan scan) (r authn.Remembered, err error) {
		var hash []byte
		var created, expires int64
		var d session.Device
		err = scan(&r.ID, &hash, &r.Account, &r.Epoch, &d.UserAgent, &d.Address, &created, &expires)
		r.Secret, r.Device, r.Created, r.Expires = secret.HashFrom(hash), d, fromMS(created), fromMS(expires)
		return r, err
	})
}

// ForgetBrowser ends the remembering of one of the account's browsers.
func (tx *Tx) ForgetBrowser(ctx context.Context, id account.ID, browser string) (bool, error) {
	n, err := tx.exec(ctx, forgetBrowser, string(id), browser)
	return n == 1, err
}
