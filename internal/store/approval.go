package store

import (
	"context"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/organisation"
)

const (
	approvalColumns = `v.id, v.act, v.account_id, v.epoch, v.organisation_id, v.person_id, v.asked_by, v.asked_at, v.expires_at, v.granted_at, v.ended_at, v.ended_by`

	insertApproval statement = `
INSERT INTO approvals (id, act, account_id, epoch, organisation_id, person_id, asked_by, asked_at, expires_at, granted_at, ended_at, ended_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, '')`

	saveApproval statement = `UPDATE approvals SET expires_at = $2, granted_at = $3, ended_at = $4, ended_by = $5 WHERE id = $1`

	findApproval statement = `
SELECT ` + approvalColumns + ` FROM approvals v WHERE v.account_id = $1 AND v.organisation_id = $2 AND v.act = $3
ORDER BY CASE WHEN v.ended_at = 0 THEN 0 ELSE 1 END, v.asked_at DESC, v.id DESC LIMIT 1`

	readApproval statement = `SELECT ` + approvalColumns + ` FROM approvals v WHERE v.id = $1`

	// What an organisation has asked for about its person, as the account is now.
	listAsked statement = `
SELECT ` + approvalColumns + ` FROM connections c JOIN accounts a ON a.id = c.account_id
  JOIN approvals v ON v.account_id = a.id AND v.ended_at = 0 AND v.organisation_id = $1 AND v.epoch = a.epoch AND v.expires_at > $3
WHERE c.person_id = $2 ORDER BY v.asked_at, v.id`

	// Where else the account is: at work, or with a role. A person of two rows in one register is asked about once.
	listApprovers statement = `
SELECT o.id, COALESCE((SELECT min(p.id) FROM connections c JOIN persons p ON p.id = c.person_id WHERE c.account_id = $1 AND p.organisation_id = o.id), ''),
  CASE WHEN EXISTS (SELECT 1 FROM approval_words w WHERE w.approval_id = $3 AND w.organisation_id = o.id) THEN 1 ELSE 0 END
FROM organisations o WHERE o.id <> $2 AND o.id IN (
  SELECT p.organisation_id FROM connections c JOIN persons p ON p.id = c.person_id WHERE c.account_id = $1
  UNION SELECT d.organisation_id FROM administrators d WHERE d.account_id = $1)
ORDER BY o.id`

	giveWord statement = `
INSERT INTO approval_words (approval_id, organisation_id, given_by, given_at) VALUES ($1, $2, $3, $4) ON CONFLICT (approval_id, organisation_id) DO NOTHING`

	// What administrators of the organisation are asked: they see their own person, else the account that has a role with them.
	listApprovals statement = `
SELECT v.id, v.act, v.asked_at, v.expires_at, v.asked_by, COALESCE(p.id, ''), COALESCE(p.given_name, a.given_name), COALESCE(p.family_name, a.family_name)
FROM approvals v JOIN accounts a ON a.id = v.account_id AND a.epoch = v.epoch AND a.closed_at = 0
  LEFT JOIN persons p ON p.id = (SELECT min(q.id) FROM connections c JOIN persons q ON q.id = c.person_id WHERE c.account_id = a.id AND q.organisation_id = $1)
WHERE v.expires_at > $2 AND v.ended_at = 0 AND v.organisation_id <> $1
  AND NOT EXISTS (SELECT 1 FROM approval_words w WHERE w.approval_id = v.id AND w.organisation_id = $1)
  AND (p.id IS NOT NULL OR EXISTS (SELECT 1 FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = $1))
ORDER BY v.asked_at, v.id LIMIT $3`

	findChargeOf statement = `
SELECT a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at, 1,
  CASE WHEN EXISTS (SELECT 1 FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = '') THEN 1 ELSE 0 END,
  COALESCE((SELECT d.role FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = $1), ''),
  COALESCE((SELECT min(p.id) FROM connections c JOIN persons p ON p.id = c.person_id WHERE c.account_id = a.id AND p.organisation_id = $1), '')
FROM accounts a WHERE a.id = $2 AND a.closed_at = 0
  AND (EXISTS (SELECT 1 FROM connections c JOIN persons p ON p.id = c.person_id WHERE c.account_id = a.id AND p.organisation_id = $1)
    OR EXISTS (SELECT 1 FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = $1))`
)

func scanApproval(scan scan) (a administrator.Approval, err error) {
	var asked, expires, granted, ended int64
	err = scan(&a.ID, &a.Act, &a.Account, &a.Epoch, &a.Organisation, &a.Person, &a.AskedBy, &asked, &expires, &granted, &ended, &a.EndedBy)
	a.Asked, a.Expires, a.Granted, a.Ended = fromMS(asked), fromMS(expires), fromMS(granted), fromMS(ended)
	return a, err
}

func oneApproval(q query) (administrator.Approval, error) {
	all, err := list(q, scanApproval)
	if len(all) == 0 {
		return administrator.Approval{}, err
	}
	return all[0], err
}

// FindApproval reads the approval that the organisation has asked for, the open one or else the newest.
func (tx *Tx) FindApproval(ctx context.Context, o organisation.ID, id account.ID, act administrator.Act) (administrator.Approval, error) {
	return oneApproval(tx.query(ctx, findApproval, string(id), string(o), string(act)))
}

// ReadApproval reads an approval.
func (tx *Tx) ReadApproval(ctx context.Context, id string) (administrator.Approval, error) {
	return oneApproval(tx.query(ctx, readApproval, id))
}

// InsertApproval stores a new approval.
func (tx *Tx) InsertApproval(ctx context.Context, a administrator.Approval) error {
	return tx.write(ctx, insertApproval, a.ID, string(a.Act), string(a.Account), a.Epoch, string(a.Organisation), a.Person, string(a.AskedBy), ms(a.Asked), ms(a.Expires))
}

// SaveApproval stores how far an approval has come.
func (tx *Tx) SaveApproval(ctx context.Context, a administrator.Approval) error {
	return tx.write(ctx, saveApproval, a.ID, ms(a.Expires), ms(a.Granted), ms(a.Ended), a.EndedBy)
}

// ListApprovers lists the other organisations of the account now, and whether each has given its word.
func (tx *Tx) ListApprovers(ctx context.Context, a administrator.Approval) ([]enrolment.Approver, error) {
	return list(tx.query(ctx, listApprovers, string(a.Account), string(a.Organisation), a.ID), func(scan scan) (o enrolment.Approver, err error) {
		var given int64
		err = scan(&o.Organisation, &o.Person, &given)
		o.Given = given == 1
		return o, err
	})
}

// GiveWord stores an organisation's word; false if it has given it.
func (tx *Tx) GiveWord(ctx context.Context, approval string, o organisation.ID, by account.ID, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, giveWord, approval, string(o), string(by), ms(now))
	return n == 1, err
}

// FindChargeOf finds the account as the organisation has it: its person, its role; false where it has neither.
func (tx *Tx) FindChargeOf(ctx context.Context, o organisation.ID, id account.ID) (c administrator.Charge, ok bool, err error) {
	var person string
	c, ok, err = scanCharge(tx.query(ctx, findChargeOf, string(o), string(id)), &person)
	c.Organisation, c.Person = o, person
	return c, ok, err
}

// ListApprovals lists what administrators of the organisation are asked to approve, oldest first.
func (db *DB) ListApprovals(ctx context.Context, o organisation.ID, now time.Time, n int) ([]enrolment.Asked, error) {
	return list(db.query(ctx, listApprovals, string(o), ms(now), int64(n)), func(scan scan) (a enrolment.Asked, err error) {
		var asked, expires int64
		var given, family string
		err = scan(&a.ID, &a.Act, &asked, &expires, &a.AskedBy, &a.Person, &given, &family)
		a.Asked, a.Expires, a.Name = fromMS(asked), fromMS(expires), strings.TrimSpace(given+" "+family)
		return a, err
	})
}

// ListAsked lists what the organisation has asked for about its person, and what stands.
func (db *DB) ListAsked(ctx context.Context, o organisation.ID, person string, now time.Time) ([]administrator.Approval, error) {
	return list(db.query(ctx, listAsked, string(o), person, ms(now)), scanApproval)
}
