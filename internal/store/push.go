package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
)

var _ enrolment.Store = (*DB)(nil)

const (
	listPushKeys statement = `
SELECT p.app_id, p.account_id, k.name, p.signing_key, p.wrapping_key, p.grant_id, p.language, p.subscription, p.vapid_id, p.seen_at, p.lost_at
FROM push_keys p JOIN totp_keys k ON k.id = p.app_id
WHERE p.account_id = $1 ORDER BY k.created_at, k.id`

	findPushKey statement = `
SELECT p.app_id, p.account_id, k.name, p.signing_key, p.wrapping_key, p.grant_id, p.language, p.subscription, p.vapid_id, p.seen_at, p.lost_at
FROM push_keys p JOIN totp_keys k ON k.id = p.app_id
WHERE p.grant_id = $1`

	insertPushKey statement = `
INSERT INTO push_keys (app_id, account_id, signing_key, wrapping_key, grant_id, language, subscription, endpoint_hash, vapid_id, seen_at, lost_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, '', $8, 0)`

	saveSubscription statement = `
UPDATE push_keys SET subscription = $2, endpoint_hash = $3, vapid_id = $4, language = $5, seen_at = $6, lost_at = 0 WHERE app_id = $1`

	dropSubscription statement = `
UPDATE push_keys SET subscription = $3, endpoint_hash = $3, vapid_id = '' WHERE app_id = $1 AND endpoint_hash = $2`

	touchPushKey statement = `UPDATE push_keys SET seen_at = $2, lost_at = 0 WHERE app_id = $1`

	losePushKey statement = `UPDATE push_keys SET lost_at = $2 WHERE app_id = $1 AND lost_at = 0 RETURNING account_id`

	deletePushKey  statement = `DELETE FROM push_keys WHERE app_id = $2 AND account_id = $1 RETURNING grant_id`
	deletePushKeys statement = `DELETE FROM push_keys WHERE account_id = $1 RETURNING grant_id`

	// Of apps that are gone.
	deleteOrphanPushKeys statement = `
DELETE FROM push_keys WHERE account_id = $1 AND app_id NOT IN (SELECT id FROM totp_keys WHERE account_id = $1) RETURNING grant_id`

	// A phone that is unpaired gets no token any more, and knows why: also one that has not fetched its first.
	deletePushGrant statement = `DELETE FROM grants WHERE id = $1`
	denyPushDevice  statement = `UPDATE devices SET state = 'denied' WHERE account_id = $1 AND grant_id = $2 AND state = 'approved'`

	insertPairing statement = `
INSERT INTO pairings (id, code, sealed, account_id, attempt_id, state, device_id, signing_key, wrapping_key, name, language, comparison,
  created_at, expires_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, '', '', '', '', '', '', $7, $8, $7)`

	findPairing statement = `
SELECT id, code, sealed, account_id, attempt_id, state, device_id, signing_key, wrapping_key, name, language, comparison, created_at, expires_at,
  changed_at
FROM pairings WHERE code = $1`

	findAttemptPairing statement = `
SELECT id, code, sealed, account_id, attempt_id, state, device_id, signing_key, wrapping_key, name, language, comparison, created_at, expires_at,
  changed_at
FROM pairings WHERE attempt_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1`

	// Of two phones with the same code one changes a row.
	claimPairing statement = `
UPDATE pairings SET state = 'claimed', device_id = $2, signing_key = $3, wrapping_key = $4, name = $5, language = $6, comparison = $7, changed_at = $8
WHERE id = $1 AND state = 'shown' AND expires_at > $8`

	reclaimPairing statement = `
UPDATE pairings SET device_id = $2, wrapping_key = $4, name = $5, language = $6, changed_at = $7
WHERE id = $1 AND state = 'claimed' AND signing_key = $3 AND expires_at > $7`

	movePairing statement = `
UPDATE pairings SET state = $3, changed_at = $4 WHERE id = $1 AND state = $2 AND expires_at > $4`

	withdrawPairings statement = `
UPDATE pairings SET state = 'withdrawn', changed_at = $2 WHERE attempt_id = $1 AND state IN ('shown', 'claimed') RETURNING device_id`

	insertChallenge statement = `
INSERT INTO push_challenges (id, account_id, attempt_id, purpose, mode, client_id, shown, sealed, state, key_id, created_at, expires_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, $11, $10)`

	findChallenge statement = `
SELECT id, account_id, attempt_id, purpose, mode, client_id, shown, sealed, state, key_id, created_at, expires_at, changed_at
FROM push_challenges WHERE id = $1`

	findAttemptChallenge statement = `
SELECT id, account_id, attempt_id, purpose, mode, client_id, shown, sealed, state, key_id, created_at, expires_at, changed_at
FROM push_challenges WHERE attempt_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1`

	listChallenges statement = `
SELECT id, account_id, attempt_id, purpose, mode, client_id, shown, sealed, state, key_id, created_at, expires_at, changed_at
FROM push_challenges WHERE account_id = $1 AND expires_at > $2 AND state = 'waiting' ORDER BY created_at DESC, id DESC LIMIT 20`

	cancelChallenges statement = `
UPDATE push_challenges SET state = 'cancelled', changed_at = $2 WHERE attempt_id = $1 AND state = 'waiting'`

	// Of two phones that answer at once one changes a row. What waits must be in its time; a denial may be explained later.
	answerChallenge statement = `
UPDATE push_challenges SET state = $3, key_id = $4, changed_at = $5
WHERE id = $1 AND state = $2 AND ($2 <> 'waiting' OR expires_at > $5) AND (key_id = '' OR key_id = $4)`

	// One statement, so that fifty sign-ins at once do not ring fifty times. A day without a success begins anew after a day.
	takePush statement = `
INSERT INTO push_limits (account_id, misses, sent, since) VALUES ($1, 1, 1, $5)
ON CONFLICT (account_id) DO UPDATE SET misses = push_limits.misses + 1,
  sent = CASE WHEN push_limits.since <= $4 THEN 1 ELSE push_limits.sent + 1 END,
  since = CASE WHEN push_limits.since <= $4 THEN $5 ELSE push_limits.since END
WHERE push_limits.misses < $2 AND (push_limits.sent < $3 OR push_limits.since <= $4)`

	markReported statement = `
UPDATE persons SET attention_at = $3, attention_why = $2
WHERE id IN (SELECT person_id FROM connections WHERE account_id = $1) AND (attention_why <> $4 OR $2 = $4)`

	// $2: of this reason; '' of any.
	settleReported statement = `
UPDATE persons SET attention_at = 0, attention_why = ''
WHERE id IN (SELECT person_id FROM connections WHERE account_id = $1) AND attention_why <> '' AND ($2 = '' OR attention_why = $2)`

	forgivePush statement = `DELETE FROM push_limits WHERE account_id = $1`

	// A success takes one challenge back, its own.
	easePush statement = `
UPDATE push_limits SET sent = 0, misses = CASE WHEN misses > $2 THEN $2 ELSE 0 END WHERE account_id = $1`

	stopPush statement = `
INSERT INTO push_limits (account_id, misses, sent, since) VALUES ($1, $2, 1, $3)
ON CONFLICT (account_id) DO UPDATE SET misses = CASE WHEN push_limits.misses < $2 THEN $2 ELSE push_limits.misses END`

	listChanges statement = `
SELECT id, account_id, attempt_id, changed_at FROM push_challenges WHERE changed_at >= $1
UNION ALL SELECT id, account_id, attempt_id, changed_at FROM pairings WHERE changed_at >= $1`
)

func scanPushKey(scan scan) (k push.Key, err error) {
	var seen, lost int64
	var signing, wrapping string
	err = scan(&k.ID, &k.Account, &k.Name, &signing, &wrapping, &k.Grant, &k.Language, &k.Subscription, &k.VAPID, &seen, &lost)
	k.Signing, k.Wrapping, k.Seen, k.Lost = []byte(signing), []byte(wrapping), fromMS(seen), fromMS(lost)
	return k, err
}

// ListPushKeys lists the account's paired authenticators, oldest first.
func (db *DB) ListPushKeys(ctx context.Context, id account.ID) ([]push.Key, error) {
	return list(db.query(ctx, listPushKeys, string(id)), scanPushKey)
}

// ListPushKeys lists the account's paired authenticators, oldest first.
func (tx *Tx) ListPushKeys(ctx context.Context, id account.ID) ([]push.Key, error) {
	return list(tx.query(ctx, listPushKeys, string(id)), scanPushKey)
}

// FindPushKey finds the paired authenticator behind a grant; the zero Key where there is none.
func (db *DB) FindPushKey(ctx context.Context, grantID string) (push.Key, error) {
	found, err := list(db.query(ctx, findPushKey, grantID), scanPushKey)
	if err != nil || len(found) == 0 {
		return push.Key{}, err
	}
	return found[0], nil
}

// InsertPushKey makes an app a paired authenticator.
func (tx *Tx) InsertPushKey(ctx context.Context, k push.Key) error {
	return tx.write(ctx, insertPushKey, k.ID, string(k.Account), string(k.Signing), string(k.Wrapping), k.Grant, k.Language, []byte{}, ms(k.Seen))
}

// SaveSubscription stores where push messages reach an authenticator.
func (tx *Tx) SaveSubscription(ctx context.Context, k push.Key, endpoint secret.Hash) error {
	return tx.write(ctx, saveSubscription, k.ID, orEmpty(k.Subscription), endpoint[:], k.VAPID, k.Language, ms(k.Seen))
}

// DropSubscription takes an authenticator's subscription away if it still has this endpoint.
func (tx *Tx) DropSubscription(ctx context.Context, key string, endpoint secret.Hash) error {
	return tx.write(ctx, dropSubscription, key, endpoint[:], []byte{})
}

// TouchPushKey notes that an authenticator was used.
func (tx *Tx) TouchPushKey(ctx context.Context, key string, now time.Time) error {
	return tx.write(ctx, touchPushKey, key, ms(now))
}

// LosePushKey notes that an authenticator has lost its keys, and returns whose it is; false where that is known, or there is none.
func (tx *Tx) LosePushKey(ctx context.Context, key string, now time.Time) (id account.ID, ok bool, err error) {
	ok, err = tx.query(ctx, losePushKey, key, ms(now)).one(&id)
	return id, ok, err
}

// deletePushKeys takes authenticators away by a statement that returns their grants, and those with them.
func (tx *Tx) deletePushKeys(ctx context.Context, s statement, acc account.ID, more ...any) error {
	grants, err := list(tx.query(ctx, s, append([]any{string(acc)}, more...)...), func(scan scan) (id string, err error) { return id, scan(&id) })
	for _, id := range grants {
		if err == nil {
			err = tx.write(ctx, deletePushGrant, id)
		}
		if err == nil {
			err = tx.write(ctx, denyPushDevice, string(acc), id)
		}
	}
	return err
}

// InsertPairing stores a binding code.
func (tx *Tx) InsertPairing(ctx context.Context, p push.Pairing) error {
	return tx.write(ctx, insertPairing, p.ID, p.Code[:], p.Sealed, string(p.Account), p.Attempt, string(p.State), ms(p.Created), ms(p.Expires))
}

func readPairing(q query) (p push.Pairing, err error) {
	var code []byte
	var signing, wrapping string
	var created, expires, changed int64
	_, err = q.one(&p.ID, &code, &p.Sealed, &p.Account, &p.Attempt, &p.State, &p.Device, &signing, &wrapping, &p.Name, &p.Language, &p.Comparison,
		&created, &expires, &changed)
	p.Code, p.Signing, p.Wrapping = secret.HashFrom(code), []byte(signing), []byte(wrapping)
	p.Created, p.Expires, p.Changed = fromMS(created), fromMS(expires), fromMS(changed)
	return p, err
}

// FindPairing reads a pairing by its code; the zero Pairing where there is none.
func (db *DB) FindPairing(ctx context.Context, code secret.Hash) (push.Pairing, error) {
	return readPairing(db.query(ctx, findPairing, code[:]))
}

// FindPairing reads a pairing by its code; the zero Pairing where there is none.
func (tx *Tx) FindPairing(ctx context.Context, code secret.Hash) (push.Pairing, error) {
	return readPairing(tx.query(ctx, findPairing, code[:]))
}

// FindAttemptPairing reads the newest pairing of an attempt; the zero Pairing where there is none.
func (db *DB) FindAttemptPairing(ctx context.Context, attempt string) (push.Pairing, error) {
	return readPairing(db.query(ctx, findAttemptPairing, attempt))
}

// ClaimPairing gives a pairing that shows its code to a phone; of two callers one wins.
func (tx *Tx) ClaimPairing(ctx context.Context, p push.Pairing, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, claimPairing, p.ID, p.Device, string(p.Signing), string(p.Wrapping), p.Name, p.Language, p.Comparison, ms(now))
	return n == 1, err
}

// ReclaimPairing gives a claimed pairing another device code of the same phone.
func (tx *Tx) ReclaimPairing(ctx context.Context, p push.Pairing, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, reclaimPairing, p.ID, p.Device, string(p.Signing), string(p.Wrapping), p.Name, p.Language, ms(now))
	return n == 1, err
}

// MovePairing moves a pairing that is in its time from one state to another; of two callers one wins.
func (tx *Tx) MovePairing(ctx context.Context, id string, from, to push.PairingState, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, movePairing, id, string(from), string(to), ms(now))
	return n == 1, err
}

// WithdrawPairings takes the codes of an attempt back that nobody has approved, and returns the device codes behind them.
func (tx *Tx) WithdrawPairings(ctx context.Context, attempt string, now time.Time) ([]string, error) {
	return list(tx.query(ctx, withdrawPairings, attempt, ms(now)), func(scan scan) (id string, err error) { return id, scan(&id) })
}

// InsertChallenge stores a push challenge.
func (tx *Tx) InsertChallenge(ctx context.Context, c push.Challenge) error {
	shown, err := json.Marshal(c.Shown)
	if err != nil {
		return err
	}
	return tx.write(ctx, insertChallenge, c.ID, string(c.Account), c.Attempt, string(c.Purpose), string(c.Mode), c.ClientID, string(shown), c.Sealed,
		string(c.State), ms(c.Created), ms(c.Expires))
}

func scanChallenge(scan scan) (c push.Challenge, err error) {
	var shown string
	var created, expires, changed int64
	err = scan(&c.ID, &c.Account, &c.Attempt, &c.Purpose, &c.Mode, &c.ClientID, &shown, &c.Sealed, &c.State, &c.Key, &created, &expires, &changed)
	c.Created, c.Expires, c.Changed = fromMS(created), fromMS(expires), fromMS(changed)
	if err == nil {
		err = json.Unmarshal([]byte(shown), &c.Shown)
	}
	return c, err
}

func firstChallenge(q query) (push.Challenge, error) {
	found, err := list(q, scanChallenge)
	if err != nil || len(found) == 0 {
		return push.Challenge{}, err
	}
	return found[0], nil
}

// FindChallenge reads a push challenge; the zero Challenge where there is none.
func (db *DB) FindChallenge(ctx context.Context, id string) (push.Challenge, error) {
	return firstChallenge(db.query(ctx, findChallenge, id))
}

// FindAttemptChallenge reads the newest push challenge of an attempt; the zero Challenge where there is none.
func (db *DB) FindAttemptChallenge(ctx context.Context, attempt string) (push.Challenge, error) {
	return firstChallenge(db.query(ctx, findAttemptChallenge, attempt))
}

// ListChallenges lists the account's push challenges that can be answered, newest first.
func (db *DB) ListChallenges(ctx context.Context, id account.ID, now time.Time) ([]push.Challenge, error) {
	return list(db.query(ctx, listChallenges, string(id), ms(now)), scanChallenge)
}

// CancelChallenges withdraws the challenges of an attempt that wait.
func (tx *Tx) CancelChallenges(ctx context.Context, attempt string, now time.Time) error {
	return tx.write(ctx, cancelChallenges, attempt, ms(now))
}

// AnswerChallenge moves a challenge from one state to another; of two callers one wins.
func (tx *Tx) AnswerChallenge(ctx context.Context, id string, from, to push.State, key string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, answerChallenge, id, string(from), string(to), key, ms(now))
	return n == 1, err
}

// TakePush counts one more challenge; false where the account has had its share.
func (tx *Tx) TakePush(ctx context.Context, id account.ID, misses, most int, since, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, takePush, string(id), int64(misses), int64(most), ms(since), ms(now))
	return n == 1, err
}

// ForgivePush clears the count after a success of another factor.
func (tx *Tx) ForgivePush(ctx context.Context, id account.ID) error {
	n, err := tx.exec(ctx, forgivePush, string(id))
	if err == nil && n > 0 {
		err = tx.write(ctx, settleReported, string(id), string(authn.ReportedPushOff))
	}
	return err
}

// MarkReported notes at the account's persons why their administrators shall look. Of two reasons the graver stays.
func (tx *Tx) MarkReported(ctx context.Context, id account.ID, why authn.Reported, now time.Time) error {
	return tx.write(ctx, markReported, string(id), string(why), ms(now), string(authn.ReportedNotMe))
}

// EasePush clears the count after a success of push itself, but for misses where there were more.
func (tx *Tx) EasePush(ctx context.Context, id account.ID, misses int) error {
	return tx.write(ctx, easePush, string(id), int64(misses))
}

// StopPush turns push off for unknown browsers.
func (tx *Tx) StopPush(ctx context.Context, id account.ID, misses int, now time.Time) error {
	return tx.write(ctx, stopPush, string(id), int64(misses), ms(now))
}

// ListChanges lists challenges and pairings that have changed since the given time.
func (db *DB) ListChanges(ctx context.Context, since time.Time) ([]push.Change, error) {
	return list(db.query(ctx, listChanges, ms(since)), func(scan scan) (c push.Change, err error) {
		var account, attempt string
		var changed int64
		err = scan(&c.ID, &account, &attempt, &changed)
		c.Topics, c.Changed = []string{account, attempt}, fromMS(changed)
		return c, err
	})
}
