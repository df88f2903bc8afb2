package store

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
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
SELECT id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push, min_password, networks, without_address FROM organisations WHERE id = $1`

	listOrganisations statement = `
SELECT id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push, min_password, networks, without_address FROM organisations ORDER BY id`

	saveOrganisation statement = `
INSERT INTO organisations (id, name, colour, logo_type, logo, mfa, mfa_from, mfa_signins, remember_days, typed_push, min_password, networks, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, colour = excluded.colour, logo_type = excluded.logo_type, logo = excluded.logo,
  mfa = excluded.mfa, mfa_from = excluded.mfa_from, mfa_signins = excluded.mfa_signins,
  remember_days = excluded.remember_days, typed_push = excluded.typed_push,
  min_password = excluded.min_password, networks = excluded.networks, changed_at = excluded.changed_at`

	insertAccount statement = `
INSERT INTO accounts (id, identifier, address, verified_at, given_name, family_name, language, epoch, created_at, closed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)
ON CONFLICT (identifier) DO NOTHING`

	insertVerifier statement = `
INSERT INTO passwords (account_id, verifier, alone, suspended_at, changed_at) VALUES ($1, $2, $3, 0, $4)`

	insertPerson statement = `
INSERT INTO persons (id, organisation_id, source, person_key, given_name, family_name, address, employments, created_at, identifier, sort_key,
  legacy_id, phone, language, imported_hash, changed_at, indexed, until_at, mobile)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $9, true, $16, $17)
ON CONFLICT (organisation_id, source, person_key) DO NOTHING`

	// Of the people who can log in: how many there are, and how many have a second factor.
	countSecond statement = `
SELECT count(DISTINCT c.account_id),
  count(DISTINCT CASE WHEN EXISTS (SELECT 1 FROM totp_keys k WHERE k.account_id = c.account_id) THEN c.account_id END)
FROM persons p JOIN connections c ON c.person_id = p.id WHERE p.organisation_id = $1`

	insertTerm statement = `
INSERT INTO person_terms (organisation_id, term, person_id) VALUES ($1, $2, $3) ON CONFLICT (organisation_id, term, person_id) DO NOTHING`

	connectPerson statement = `
INSERT INTO connections (person_id, account_id, connected_at) VALUES ($1, $2, $3)`
)

func scanOrganisation(scan scan) (o organisation.Organisation, err error) {
	var since int64
	var networks string
	err = scan(&o.ID, &o.Name, &o.Colour, &o.Logo.MediaType, &o.Logo.Data, &o.Policy.MFA, &since, &o.Policy.SignIns, &o.Policy.RememberDays, &o.Policy.TypedPush,
		&o.Policy.MinPassword, &networks, &o.WithoutAddress)
	o.Policy.From = fromMS(since)
	for line := range strings.FieldsSeq(networks) {
		if n, err := netip.ParsePrefix(line); err == nil {
			o.Networks = append(o.Networks, n)
		}
	}
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
	var networks []string
	for _, n := range o.Networks {
		networks = append(networks, n.String())
	}
	return tx.write(ctx, saveOrganisation, string(o.ID), o.Name, o.Colour, o.Logo.MediaType, logo, string(o.Policy.MFA), ms(o.Policy.From),
		int64(o.Policy.SignIns), int64(o.Policy.RememberDays), o.Policy.TypedPush, int64(o.Policy.MinPassword), strings.Join(networks, "\n"), ms(now))
}

// InsertAccount stores a new account; false if its identifier is taken.
func (tx *Tx) InsertAccount(ctx context.Context, a account.Account) (bool, error) {
	n, err := tx.exec(ctx, insertAccount, string(a.ID), string(a.Identifier), a.Address, ms(a.Verified), a.GivenName, a.FamilyName, a.Language,
		a.Epoch, ms(a.Created))
	return n == 1, err
}

// InsertVerifier stores the account's first password.
func (tx *Tx) InsertVerifier(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) error {
	return tx.write(ctx, insertVerifier, string(id), string(v), alone, ms(now))
}

// InsertPerson stores a row of the register; false if its key is taken.
func (tx *Tx) InsertPerson(ctx context.Context, p person.Person, now time.Time) (bool, error) {
	employments, err := json.Marshal(p.Employments)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, insertPerson, p.ID, string(p.Organisation), p.Source, p.Key.Reveal(), p.GivenName, p.FamilyName, p.Address,
		string(employments), ms(now), string(p.Identifier()), p.SortKey(), p.LegacyID, p.Phone, p.Language, p.ImportedHash, ms(p.Until()), string(p.Mobile))
	if err == nil && n == 1 && p.Identifier() != "" { // who has the same address is looked at again
		err = tx.write(ctx, uncheckTwins, string(p.Organisation), string(p.Identifier()))
	}
	if err == nil && n == 1 && p.Mobile != "" {
		err = tx.write(ctx, uncheckMobile, string(p.Organisation), string(p.Mobile))
	}
	for _, term := range p.Terms() {
		if err == nil && n == 1 {
			err = tx.write(ctx, insertTerm, string(p.Organisation), term, p.ID)
		}
	}
	return n == 1, err
}

// Connect connects a person to an account.
func (tx *Tx) Connect(ctx context.Context, personID string, id account.ID, now time.Time) error {
	return tx.write(ctx, connectPerson, personID, string(id), ms(now))
}

// CountSecond counts the accounts that are connected with an organisation, and those of them that have a second factor.
func (db *DB) CountSecond(ctx context.Context, id organisation.ID) (accounts, second int, err error) {
	_, err = db.query(ctx, countSecond, string(id)).one(&accounts, &second)
	return accounts, second, err
}
