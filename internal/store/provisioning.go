package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
)

var (
	_ provisioning.Store = (*DB)(nil)
	_ provisioning.Tx    = (*Tx)(nil)
)

const (
	findOrganisation statement = `
SELECT id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push FROM organisations WHERE id = $1`

	listOrganisations statement = `
SELECT id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push FROM organisations ORDER BY id`

	saveOrganisation statement = `
INSERT INTO organisations (id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, colour = excluded.colour, logo_type = excluded.logo_type, logo = excluded.logo,
  mfa = excluded.mfa, mfa_from = excluded.mfa_from, mfa_signins = excluded.mfa_signins,
  remember_days = excluded.remember_days, typed_push = excluded.typed_push, changed_at = excluded.changed_at`

	insertAccount statement = `
INSERT INTO accounts (id, identifier, address, verified_at, given_name, family_name, language, epoch, created_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)
ON CONFLICT (identifier) DO NOTHING`

	insertVerifier statement = `
INSERT INTO passwords (account_id, verifier, alone, suspended_at, changed_at) VALUES ($1, $2, $3, 0, $4)`

	insertPerson statement = `
INSERT INTO persons (id, organisation_id, source, person_key, given_name, family_name, address, employments, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (organisation_id, source, person_key) DO NOTHING`

	connectPerson statement = `
INSERT INTO connections (person_id, account_id, connected_at) VALUES ($1, $2, $3)`
)

func scanOrganisation(scan scan) (o organisation.Organisation, err error) {
	var since int64
	err = scan(&o.ID, &o.Name, &o.Colour, &o.Logo.MediaType, &o.Logo.Data, &o.Policy.MFA, &since, &o.Policy.SignIns, &o.Policy.RememberDays, &o.Policy.TypedPush)
	o.Policy.From = fromMS(since)
	return o, err
}

// FindOrganisation looks an organisation up.
func (db *DB) FindOrganisation(ctx context.Context, id organisation.ID) (o organisation.Organisation, ok bool, err error) {
	found, err := list(db.query(ctx, findOrganisation, string(id)), scanOrganisation)
	if len(found) == 0 {
		return o, false, err
	}
	return found[0], true, nil
}

// ListOrganisations lists all organisations by id.
func (db *DB) ListOrganisations(ctx context.Context) ([]organisation.Organisation, error) {
	return list(db.query(ctx, listOrganisations), scanOrganisation)
}

// SaveOrganisation inserts or replaces an organisation.
func (tx *Tx) SaveOrganisation(ctx context.Context, o organisation.Organisation, now time.Time) error {
	logo := o.Logo.Data
	if logo == nil {
		logo = []byte{}
	}
	_, err := tx.exec(ctx, saveOrganisation, string(o.ID), o.Name, o.Colour, o.Logo.MediaType, logo, string(o.Policy.MFA), ms(o.Policy.From),
		int64(o.Policy.SignIns), int64(o.Policy.RememberDays), o.Policy.TypedPush, ms(now))
	return err
}

// InsertAccount stores a new account; false if its address is taken.
func (tx *Tx) InsertAccount(ctx context.Context, a account.Account, id account.Identifier) (bool, error) {
	n, err := tx.exec(ctx, insertAccount, string(a.ID), string(id), a.Address, ms(a.Verified), a.GivenName, a.FamilyName, a.Language,
		a.Epoch, ms(a.Created))
	return n == 1, err
}

// InsertVerifier stores the account's first password.
func (tx *Tx) InsertVerifier(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) error {
	_, err := tx.exec(ctx, insertVerifier, string(id), string(v), alone, ms(now))
	return err
}

// InsertPerson stores a row of the register; false if its key is taken.
func (tx *Tx) InsertPerson(ctx context.Context, p person.Person, now time.Time) (bool, error) {
	employments, err := json.Marshal(p.Employments)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, insertPerson, p.ID, string(p.Organisation), p.Source, p.Key.Reveal(), p.GivenName, p.FamilyName, p.Address,
		string(employments), ms(now))
	return n == 1, err
}

// Connect connects a person to an account.
func (tx *Tx) Connect(ctx context.Context, personID string, id account.ID, now time.Time) error {
	_, err := tx.exec(ctx, connectPerson, personID, string(id), ms(now))
	return err
}
