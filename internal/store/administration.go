package store

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/organisation"
)

var (
	_ administration.Store = (*DB)(nil)
	_ administration.Tx    = (*Tx)(nil)
)

const (
	listAppointments statement = `
SELECT d.account_id, a.address, a.given_name, a.family_name, d.organisation_id, d.role, d.created_at, d.created_by
FROM administrators d JOIN accounts a ON a.id = d.account_id WHERE d.account_id = $1 AND a.closed_at = 0`

	listAdministrators statement = `
SELECT d.account_id, a.address, a.given_name, a.family_name, d.organisation_id, d.role, d.created_at, d.created_by
FROM administrators d JOIN accounts a ON a.id = d.account_id WHERE d.organisation_id = $1 AND a.closed_at = 0
ORDER BY d.created_at, d.account_id`

	saveAppointment statement = `
INSERT INTO administrators (account_id, organisation_id, role, created_at, created_by) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, organisation_id) DO UPDATE SET role = excluded.role, created_at = excluded.created_at, created_by = excluded.created_by`

	deleteAppointment statement = `DELETE FROM administrators WHERE organisation_id = $1 AND account_id = $2 RETURNING role`

	countOwners statement = `
SELECT count(*) FROM administrators d JOIN accounts a ON a.id = d.account_id
WHERE d.organisation_id = $1 AND d.role = 'owner' AND d.account_id <> $2 AND a.closed_at = 0`

	isColleague statement = `
SELECT p.id FROM connections c JOIN persons p ON p.id = c.person_id WHERE c.account_id = $1 AND p.organisation_id = $2 LIMIT 1`

	// Who did it, whom it is about and why stand with the personal fields, and are gone when they are erased.
	listOrganisationAudit statement = `
SELECT e.id, e.at, e.kind, e.actor, e.detail,
  COALESCE((SELECT x.value FROM audit_personal x WHERE x.event_id = e.id AND x.field = 'person'), ''),
  COALESCE((SELECT x.value FROM audit_personal x WHERE x.event_id = e.id AND x.field = 'reason'), '')
FROM audit_organisations i JOIN audit_events e ON e.id = i.event_id
WHERE i.organisation_id = $1 AND i.at <= $2 AND (i.at < $2 OR i.event_id < $3) ORDER BY i.at DESC, i.event_id DESC LIMIT $4`

	findCharge statement = `
SELECT a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at,
  CASE WHEN EXISTS (SELECT 1 FROM connections x JOIN persons y ON y.id = x.person_id WHERE x.account_id = a.id AND y.organisation_id <> p.organisation_id)
    OR EXISTS (SELECT 1 FROM administrators d WHERE d.account_id = a.id AND d.organisation_id NOT IN ('', p.organisation_id)) THEN 1 ELSE 0 END,
  CASE WHEN EXISTS (SELECT 1 FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = '') THEN 1 ELSE 0 END,
  COALESCE((SELECT d.role FROM administrators d WHERE d.account_id = a.id AND d.organisation_id = p.organisation_id), '')
FROM persons p JOIN connections c ON c.person_id = p.id JOIN accounts a ON a.id = c.account_id
WHERE p.organisation_id = $1 AND p.id = $2 AND a.closed_at = 0`

	wasHelped statement = `
SELECT id FROM audit_events
WHERE account_id = $1 AND at > $2 AND (kind = 'enrolment.recovery_code_issued' OR kind = 'enrolment.app_removed' AND actor = 'administrator') LIMIT 1`

	wasPrintedFor statement = `SELECT id FROM audit_events WHERE account_id = $1 AND at > $2 AND kind = 'recovery.sheet_printed' LIMIT 1`

	listPersonAudit statement = `
SELECT e.id, e.at, e.kind, e.actor, e.detail, '',
  COALESCE((SELECT x.value FROM audit_personal x WHERE x.event_id = e.id AND x.field = 'reason'), '')
FROM audit_personal q JOIN audit_events e ON e.id = q.event_id
WHERE q.field = 'person' AND q.value = $2
  AND EXISTS (SELECT 1 FROM audit_organisations i WHERE i.organisation_id = $1 AND i.at = e.at AND i.event_id = e.id)
ORDER BY e.at DESC, e.id DESC LIMIT $3`

	readPersonName  statement = `SELECT given_name, family_name FROM persons WHERE id = $1`
	readServiceName statement = `SELECT name FROM relying_parties WHERE client_id = $1`
	readAccountName statement = `SELECT given_name, family_name, address FROM accounts WHERE id = $1`
)

func scanAppointment(scan scan) (a administrator.Appointment, err error) {
	var given, family string
	var since int64
	err = scan(&a.Account, &a.Address, &given, &family, &a.Organisation, &a.Role, &since, &a.By)
	a.Name, a.Since = strings.TrimSpace(given+" "+family), fromMS(since)
	return a, err
}

// ListAppointments lists what an account is an administrator of.
func (db *DB) ListAppointments(ctx context.Context, id account.ID) ([]administrator.Appointment, error) {
	return list(db.query(ctx, listAppointments, string(id)), scanAppointment)
}

// ListAdministrators lists an organisation's administrators; ” the operators.
func (db *DB) ListAdministrators(ctx context.Context, o organisation.ID) ([]administrator.Appointment, error) {
	return list(db.query(ctx, listAdministrators, string(o)), scanAppointment)
}

// ListOrganisationAudit lists the newest lines about an organisation after a place, with the names that they refer to.
func (db *DB) ListOrganisationAudit(ctx context.Context, o organisation.ID, after administration.Place, n int) ([]administration.Line, error) {
	at := int64(math.MaxInt64)
	if !after.At.IsZero() {
		at = ms(after.At)
	}
	return db.auditLines(ctx, db.query(ctx, listOrganisationAudit, string(o), at, after.ID, int64(n)))
}

// ListPersonAudit lists the newest lines about a person of an organisation.
func (db *DB) ListPersonAudit(ctx context.Context, o organisation.ID, person string, n int) ([]administration.Line, error) {
	return db.auditLines(ctx, db.query(ctx, listPersonAudit, string(o), person, int64(n)))
}

func (db *DB) auditLines(ctx context.Context, q query) ([]administration.Line, error) {
	lines, err := list(q, func(scan scan) (l administration.Line, err error) {
		var at int64
		var detail string
		if err := scan(&l.ID, &at, &l.Kind, &l.Actor, &detail, &l.Person, &l.Reason); err != nil {
			return l, err
		}
		l.At = fromMS(at)
		return l, json.Unmarshal([]byte(detail), &l.Detail)
	})
	for i := range lines {
		if err == nil {
			err = db.nameLine(ctx, &lines[i])
		}
	}
	return lines, err
}

// nameLine puts names in the place of ids. What is gone stays unnamed.
func (db *DB) nameLine(ctx context.Context, l *administration.Line) error {
	var given, family, address string
	if l.Person != "" {
		if _, err := db.query(ctx, readPersonName, l.Person).one(&given, &family); err != nil {
			return err
		}
		l.Person = strings.TrimSpace(given + " " + family)
	}
	if by := l.Detail["by"]; l.Actor == "service" {
		_, err := db.query(ctx, readServiceName, by).one(&l.By)
		return err
	} else if by != "" {
		given, family = "", ""
		if _, err := db.query(ctx, readAccountName, by).one(&given, &family, &address); err != nil {
			return err
		}
		if l.By = strings.TrimSpace(given + " " + family); l.By == "" {
			l.By = address
		}
	}
	return nil
}

// FindColleague looks for an open account by its identifier, among those that are connected with the organisation; ” all.
func (tx *Tx) FindColleague(ctx context.Context, o organisation.ID, id account.Identifier) (account.Account, bool, error) {
	acc, ok, err := tx.FindAccount(ctx, id)
	if err != nil || !ok || !acc.IsOpen() || o == "" {
		return acc, ok && acc.IsOpen(), err
	}
	var person string
	ok, err = tx.query(ctx, isColleague, string(acc.ID), string(o)).one(&person)
	return acc, ok, err
}

// SaveAppointment stores an account's role in an organisation.
func (tx *Tx) SaveAppointment(ctx context.Context, a administrator.Appointment) error {
	return tx.write(ctx, saveAppointment, string(a.Account), string(a.Organisation), string(a.Role), ms(a.Since), string(a.By))
}

// DeleteAppointment takes an account's role away and returns it.
func (tx *Tx) DeleteAppointment(ctx context.Context, o organisation.ID, id account.ID) (role administrator.Role, had bool, err error) {
	had, err = tx.query(ctx, deleteAppointment, string(o), string(id)).one(&role)
	return role, had, err
}

// CountOwners counts an organisation's owners but for one account.
func (tx *Tx) CountOwners(ctx context.Context, o organisation.ID, but account.ID) (int, error) {
	var n int
	_, err := tx.query(ctx, countOwners, string(o), string(but)).one(&n)
	return n, err
}

// FindCharge finds the account behind a person of the organisation; false for another's, and where there is none.
func (tx *Tx) FindCharge(ctx context.Context, o organisation.ID, person string) (c administrator.Charge, ok bool, err error) {
	c, ok, err = scanCharge(tx.query(ctx, findCharge, string(o), person))
	c.Organisation, c.Person = o, person
	return c, ok, err
}

// WasHelped says whether a recovery code for the account was handed out, or an administrator took its second factor away, after the given
// time.
func (tx *Tx) WasHelped(ctx context.Context, id account.ID, after time.Time) (bool, error) {
	var event string
	return tx.query(ctx, wasHelped, string(id), ms(after)).one(&event)
}

// WasPrintedFor says whether a sheet for a new password of the account was printed after the given time.
func (tx *Tx) WasPrintedFor(ctx context.Context, id account.ID, after time.Time) (bool, error) {
	var event string
	return tx.query(ctx, wasPrintedFor, string(id), ms(after)).one(&event)
}

func scanCharge(q query, more ...any) (c administrator.Charge, ok bool, err error) {
	var verified, created, closed, elsewhere, operator int64
	a := &c.Account
	ok, err = q.one(append([]any{&a.ID, &a.Identifier, &a.Address, &verified, &a.GivenName, &a.FamilyName, &a.Language, &a.Epoch, &created, &closed,
		&elsewhere, &operator, &c.Role}, more...)...)
	a.Verified, a.Created, a.Closed = fromMS(verified), fromMS(created), fromMS(closed)
	c.Elsewhere, c.Operator = elsewhere == 1, operator == 1
	return c, ok, err
}
