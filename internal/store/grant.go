package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/token"
)

var (
	_ grant.Store = (*DB)(nil)
	_ grant.Tx    = (*Tx)(nil)
)

const (
	// The RP and, where the cookie is good, the session and its account: all that single sign-on needs, in one read.
	findSSO statement = `
SELECT r.client_id, r.name, r.secret, r.redirect_uris, r.post_logout_redirect_uris, r.initiate_login_uri, r.client_uri,
  r.backchannel_logout_uri, r.require_pkce, r.id_token_alg, r.request_max_age, r.refresh_tokens, r.refresh_life, r.require_acr, r.require_dpop, r.scopes, r.options, r.created_at, ` + itself + `, '',
  COALESCE(s.id, ''), COALESCE(s.account_id, ''), s.secret, COALESCE(s.attempt, ''), COALESCE(s.epoch, 0), COALESCE(s.acr, ''),
  COALESCE(s.amr, ''), COALESCE(s.auth_time, 0), COALESCE(s.created_at, 0), COALESCE(s.last_seen, 0), COALESCE(s.expires_at, 0),
  COALESCE(s.idle, 0), COALESCE(s.ended_at, 0), COALESCE(s.ended_by, ''), COALESCE(s.user_agent, ''), COALESCE(s.ip, ''),
  COALESCE(a.id, ''), COALESCE(a.identifier, ''), COALESCE(a.address, ''), COALESCE(a.verified_at, 0), COALESCE(a.given_name, ''), COALESCE(a.family_name, ''),
  COALESCE(a.language, ''), COALESCE(a.epoch, 0), COALESCE(a.created_at, 0), COALESCE(a.closed_at, 0)
FROM relying_parties r LEFT JOIN sessions s ON s.secret = $2 LEFT JOIN accounts a ON a.id = s.account_id
WHERE r.client_id = $1`

	// One row for each person of the account, with the organisation where it is one of the RP's, or one row without. $2 is
	// whether persons are asked for. No subquery: SQLite would make it for all people before it joins it to one.
	findSubject statement = `
SELECT g.id, g.code_id, g.client_id, g.account_id, g.session_id, g.scope, g.offline, g.acr, g.amr, g.auth_time, g.generation,
  g.rotated_at, g.former_rotated_at, g.replays, g.created_at, g.expires_at, g.ended_at, g.jkt, g.company, g.subject, g.resource,
  a.id, a.identifier, a.address, a.verified_at, a.given_name, a.family_name, a.language, a.epoch, a.created_at, a.closed_at,
  COALESCE(s.ended_at, 1), COALESCE(s.expires_at, 0),
  COALESCE(o.organisation_id, ''), COALESCE(p.person_key, ''), COALESCE(p.employments, ''), COALESCE(r.options, ''), ` + itself + `
FROM grants g JOIN accounts a ON a.id = g.account_id LEFT JOIN sessions s ON s.id = g.session_id LEFT JOIN relying_parties r ON r.client_id = g.client_id
  LEFT JOIN connections c ON c.account_id = g.account_id AND $2 LEFT JOIN persons p ON p.id = c.person_id
  LEFT JOIN relying_party_organisations o ON o.organisation_id = p.organisation_id AND o.client_id = g.client_id
WHERE g.id = $1
ORDER BY p.organisation_id, p.person_key`

	// An RP that asks about a grant, and the grant where there is one: it is over where its app was removed. $3 is whom a token of the grant was given to.
	findIntrospected statement = `
SELECT r.client_id, r.name, r.secret, r.redirect_uris, r.post_logout_redirect_uris, r.initiate_login_uri, r.client_uri,
  r.backchannel_logout_uri, r.require_pkce, r.id_token_alg, r.request_max_age, r.refresh_tokens, r.refresh_life, r.require_acr, r.require_dpop, r.scopes, r.options, r.created_at, ` + itself + `, '',
  COALESCE(g.id, ''), COALESCE(g.client_id, ''), COALESCE(g.account_id, ''), COALESCE(g.scope, ''), COALESCE(g.offline, FALSE), COALESCE(g.generation, 0),
  COALESCE(g.rotated_at, 0), COALESCE(g.expires_at, 0), CASE WHEN w.client_id IS NULL THEN 1 ELSE g.ended_at END, COALESCE(g.jkt, ''), COALESCE(g.subject, ''), COALESCE(a.closed_at, 1),
  COALESCE(s.ended_at, 1), COALESCE(s.expires_at, 0),
  CASE WHEN EXISTS (SELECT 1 FROM relying_party_organisations x JOIN relying_party_organisations y ON y.organisation_id = x.organisation_id
    WHERE x.client_id = r.client_id AND y.client_id = g.client_id) THEN 1 ELSE 0 END,
  CASE WHEN EXISTS (SELECT 1 FROM relying_party_organisations x JOIN relying_party_organisations y ON y.organisation_id = x.organisation_id
    WHERE x.client_id = $3 AND y.client_id = g.client_id) THEN 1 ELSE 0 END
FROM relying_parties r LEFT JOIN grants g ON g.id = $2 LEFT JOIN accounts a ON a.id = g.account_id LEFT JOIN sessions s ON s.id = g.session_id
  LEFT JOIN relying_parties w ON w.client_id = g.client_id
WHERE r.client_id = $1`

	// The session and the account must stand at the code's epoch, the code must be new, and the person must not have taken the RP's
	// access away since it was issued ($15): one statement says so.
	insertGrant statement = `
INSERT INTO grants (id, code_id, client_id, account_id, session_id, scope, offline, acr, amr, auth_time, generation, rotated_at,
  former_rotated_at, replays, created_at, expires_at, ended_at, jkt, company, subject, resource)
SELECT $1, $2, $3, s.account_id, s.id, $5, $6, $7, $8, $9, $10, $11, $11, 0, $11, $12, 0, $16, $17, $18, $19
FROM sessions s JOIN accounts a ON a.id = s.account_id
WHERE s.id = $4 AND s.account_id = $14 AND s.` + notEnded + ` AND s.expires_at > $11 AND s.epoch = $13 AND a.epoch = $13
  AND a.closed_at = 0 AND EXISTS (SELECT 1 FROM relying_parties r WHERE r.client_id = $3)
  AND NOT EXISTS (SELECT 1 FROM grants v WHERE v.account_id = $14 AND v.client_id = $3 AND v.revoked_at > 0 AND v.revoked_at > $15)
ON CONFLICT (code_id) DO NOTHING
RETURNING id`

	// The key must be the one that the grant is bound to; none where it is bound to none. The app may have been removed since it was asked who it is.
	rotateGrant statement = `
UPDATE grants SET generation = generation + 1, former_rotated_at = rotated_at, rotated_at = $4, replays = 0
WHERE id = $1 AND client_id = $2 AND generation = $3 AND jkt = $5 AND ended_at = 0 AND expires_at > $4
  AND EXISTS (SELECT 1 FROM accounts a WHERE a.id = grants.account_id AND a.closed_at = 0)
  AND (client_id = $6 OR EXISTS (SELECT 1 FROM relying_parties r WHERE r.client_id = $2))
  AND (offline OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.session_id AND s.` + notEnded + ` AND s.expires_at > $4))
RETURNING id, code_id, client_id, account_id, session_id, scope, offline, acr, amr, auth_time, generation,
  rotated_at, former_rotated_at, replays, created_at, expires_at, ended_at, jkt, company, subject, resource`

	// A retry of the same redemption finds its own grant.
	findOwnGrant statement = `SELECT id FROM grants WHERE id = $1 AND code_id = $2 AND ended_at = 0`

	// The employments of the account's persons in the RP's organisations.
	listEmployments statement = `
SELECT p.employments FROM connections c JOIN persons p ON p.id = c.person_id
  JOIN relying_party_organisations o ON o.organisation_id = p.organisation_id AND o.client_id = $1
WHERE c.account_id = $2`

	findCompany statement = `
SELECT company FROM grants WHERE session_id = $1 AND client_id = $2 AND company <> '' ORDER BY created_at DESC, id LIMIT 1`

	countReplay statement = `UPDATE grants SET replays = replays + 1 WHERE id = $1`

	endGrant statement = `
UPDATE grants SET ended_at = $3, expires_at = $3 WHERE ended_at = 0 AND (id = $1 OR code_id = $2)
RETURNING id, code_id, client_id, account_id, session_id, scope, offline, acr, amr, auth_time, generation,
  rotated_at, former_rotated_at, replays, created_at, expires_at, ended_at, jkt, company, subject, resource`
)

// grantRow receives the columns of a grant.
type grantRow struct {
	grant.Grant
	amr                                                string
	authTime, rotated, former, created, expires, ended int64
}

func (r *grantRow) dest() []any {
	return []any{&r.ID, &r.CodeID, &r.ClientID, &r.Account, &r.Session, &r.Scope, &r.Offline, &r.ACR, &r.amr, &r.authTime,
		&r.Generation, &r.rotated, &r.former, &r.Replays, &r.created, &r.expires, &r.ended, &r.JKT, &r.Company, &r.Subject, &r.Resource}
}

func (r *grantRow) grant() grant.Grant {
	g := r.Grant
	g.AMR, g.AuthTime = strings.Fields(r.amr), fromMS(r.authTime)
	g.Rotated, g.FormerRotated = fromMS(r.rotated), fromMS(r.former)
	g.Created, g.Expires, g.Ended = fromMS(r.created), fromMS(r.expires), fromMS(r.ended)
	return g
}

// FindSSO reads an RP and the browser's session with its account.
func (db *DB) FindSSO(ctx context.Context, clientID string, h secret.Hash) (grant.SSO, error) {
	var rp rpRow
	var s sessionRow
	var a accountRow
	dest := append(append(rp.dest(), s.dest()...), a.dest()...)
	ok, err := db.query(ctx, findSSO, clientID, h[:]).one(dest...)
	if err != nil || !ok {
		return grant.SSO{}, err
	}
	sso := grant.SSO{Session: s.session(), Account: a.account()}
	sso.RP, err = rp.rp()
	return sso, err
}

// FindSubject reads what userinfo tells.
func (db *DB) FindSubject(ctx context.Context, grantID string, persons bool) (grant.Subject, error) {
	return readSubject(ctx, db, grantID, persons, db.now())
}

// FindGrant reads a grant inside the transaction, without its persons.
func (tx *Tx) FindGrant(ctx context.Context, id string, now time.Time) (grant.Subject, error) {
	return readSubject(ctx, tx, id, false, now)
}

func readSubject(ctx context.Context, from querier, grantID string, persons bool, now time.Time) (sub grant.Subject, err error) {
	err = from.query(ctx, findSubject, grantID, persons).each(func(scan scan) error {
		var g grantRow
		var a accountRow
		var sessionEnded, sessionExpires, own int64
		var employer, key, employments, options string
		dest := append(append(g.dest(), a.dest()...), &sessionEnded, &sessionExpires, &employer, &key, &employments, &options, &own)
		err := scan(dest...)
		if err == nil {
			sub.Options, err = readOptions(options)
		}
		if err != nil {
			return err
		}
		sub.Grant, sub.Account, sub.Itself = g.grant(), a.account(), own == 1
		if options == "" && sub.Grant.ClientID != token.AuthenticatorClient {
			sub.Grant.Ended = now // its app was removed, and so will be the row
		}
		sub.SessionLive = sessionEnded == 0 && now.Before(fromMS(sessionExpires))
		if employer == "" {
			return nil
		}
		c := person.Claim{Organisation: organisation.ID(employer), Key: key}
		sub.Persons = append(sub.Persons, c)
		return json.Unmarshal([]byte(employments), &sub.Persons[len(sub.Persons)-1].Employments)
	})
	return sub, err
}

// FindIntrospected reads an RP, and a grant that it asks about, by a token that holder was given.
func (db *DB) FindIntrospected(ctx context.Context, clientID, grantID, holder string, now time.Time) (found grant.Introspected, err error) {
	var rp rpRow
	var rotated, expires, ended, closed, sessionEnded, sessionExpires, shares, holds int64
	g := &found.Subject.Grant
	ok, err := db.query(ctx, findIntrospected, clientID, grantID, holder).one(append(rp.dest(), &g.ID, &g.ClientID, &g.Account, &g.Scope, &g.Offline, &g.Generation,
		&rotated, &expires, &ended, &g.JKT, &g.Subject, &closed, &sessionEnded, &sessionExpires, &shares, &holds)...)
	if err != nil || !ok {
		return found, err
	}
	g.Rotated, g.Expires, g.Ended = fromMS(rotated), fromMS(expires), fromMS(ended)
	found.Subject.Account = account.Account{ID: g.Account, Closed: fromMS(closed)}
	found.Subject.SessionLive = sessionEnded == 0 && now.Before(fromMS(sessionExpires))
	found.Shares, found.Holds = shares == 1, holds == 1
	found.RP, err = rp.rp()
	return found, err
}

// ListEmployments lists the employments of the account's persons in the RP's organisations.
func (db *DB) ListEmployments(ctx context.Context, clientID string, id account.ID) (all []person.Employment, err error) {
	err = db.query(ctx, listEmployments, clientID, string(id)).each(func(scan scan) error {
		var text string
		var some []person.Employment
		if err := scan(&text); err != nil {
			return err
		}
		err := json.Unmarshal([]byte(text), &some)
		all = append(all, some...)
		return err
	})
	return all, err
}

// FindCompany returns the company that was chosen last for the RP in the session; empty: none was.
func (db *DB) FindCompany(ctx context.Context, clientID string, id session.ID) (company string, err error) {
	_, err = db.query(ctx, findCompany, string(id), clientID).one(&company)
	return company, err
}

// InsertGrant makes a grant if its session and account stand at the given epoch, and its code is new and was issued after the
// person last took the RP's access away.
func (tx *Tx) InsertGrant(ctx context.Context, g grant.Grant, epoch int64, issued, now time.Time) (bool, error) {
	var id string
	made, err := tx.query(ctx, insertGrant, g.ID, g.CodeID, g.ClientID, string(g.Session), g.Scope, g.Offline, string(g.ACR),
		strings.Join(g.AMR, " "), ms(g.AuthTime), int64(g.Generation), ms(now), ms(g.Expires), epoch, string(g.Account), ms(issued), g.JKT, g.Company, g.Subject, g.Resource).one(&id)
	if err != nil || made {
		return made, err
	}
	return tx.query(ctx, findOwnGrant, g.ID, g.CodeID).one(&id)
}

// Rotate moves the grant from the given generation to the next, if that is its present one, it stands, and it is bound to the key.
func (tx *Tx) Rotate(ctx context.Context, id, clientID string, generation int, jkt string, now time.Time) (grant.Grant, bool, error) {
	var r grantRow
	ok, err := tx.query(ctx, rotateGrant, id, clientID, int64(generation), ms(now), jkt, token.AuthenticatorClient).one(r.dest()...)
	return r.grant(), ok, err
}

// CountReplay adds one replay.
func (tx *Tx) CountReplay(ctx context.Context, id string) error {
	return tx.write(ctx, countReplay, id)
}

// EndGrant ends a grant by its id or its code's id; it returns the grant if it stood until now.
func (tx *Tx) EndGrant(ctx context.Context, id, codeID string, now time.Time) (grant.Grant, bool, error) {
	var r grantRow
	ok, err := tx.query(ctx, endGrant, id, codeID, ms(now)).one(r.dest()...)
	return r.grant(), ok, err
}
