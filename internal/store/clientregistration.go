package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/token"
)

var (
	_ clientregistration.Store = (*DB)(nil)
	_ clientregistration.Tx    = (*Tx)(nil)
)

const (
	// Whether an RP registered itself. There is one place that says so, and a program of a former version beside this one writes there too.
	itself = `CASE WHEN EXISTS (SELECT 1 FROM self_registered own WHERE own.client_id = r.client_id) THEN 1 ELSE 0 END`

	// One row for each of the RP's organisations, or one with '' if it has none.
	findRP statement = `
SELECT r.client_id, r.name, r.secret, r.redirect_uris, r.post_logout_redirect_uris, r.initiate_login_uri, r.client_uri,
  r.backchannel_logout_uri, r.require_pkce, r.id_token_alg, r.request_max_age, r.refresh_tokens, r.refresh_life, r.require_acr, r.require_dpop, r.scopes, r.options, r.created_at, ` + itself + `,
  COALESCE(o.organisation_id, '')
FROM relying_parties r LEFT JOIN relying_party_organisations o ON o.client_id = r.client_id
WHERE r.client_id = $1 ORDER BY o.organisation_id`

	listRPs statement = `
SELECT r.client_id, r.name, r.secret, r.redirect_uris, r.post_logout_redirect_uris, r.initiate_login_uri, r.client_uri,
  r.backchannel_logout_uri, r.require_pkce, r.id_token_alg, r.request_max_age, r.refresh_tokens, r.refresh_life, r.require_acr, r.require_dpop, r.scopes, r.options, r.created_at, ` + itself + `,
  COALESCE(o.organisation_id, '')
FROM relying_parties r LEFT JOIN relying_party_organisations o ON o.client_id = r.client_id
ORDER BY r.client_id, o.organisation_id`

	insertRP statement = `
INSERT INTO relying_parties (client_id, name, secret, redirect_uris, post_logout_redirect_uris, initiate_login_uri, client_uri,
  backchannel_logout_uri, require_pkce, id_token_alg, request_max_age, refresh_tokens, refresh_life, require_acr, require_dpop, scopes, options, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`

	insertRPOrganisation statement = `
INSERT INTO relying_party_organisations (client_id, organisation_id) VALUES ($1, $2)`

	changeRP statement = `
UPDATE relying_parties SET name = $2, redirect_uris = $3, post_logout_redirect_uris = $4, initiate_login_uri = $5, client_uri = $6,
  backchannel_logout_uri = $7, require_acr = $8, require_dpop = $9, scopes = $10, options = $11, id_token_alg = $12, refresh_tokens = $13,
  require_pkce = $14
WHERE client_id = $1`

	setRPSecret           statement = `UPDATE relying_parties SET secret = $2 WHERE client_id = $1`
	deleteRPOrganisations statement = `DELETE FROM relying_party_organisations WHERE client_id = $1`
	deleteRP              statement = `DELETE FROM relying_parties WHERE client_id = $1`
	findSealedSecret      statement = `SELECT sealed FROM client_secrets WHERE client_id = $1`
	deleteSealedSecret    statement = `DELETE FROM client_secrets WHERE client_id = $1`
	deleteGrantsOfRP      statement = `DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE client_id = $1 LIMIT $2)`

	// From one client id to the next by the index, so that it costs as much as there are apps, not grants. An authenticator ($1) is no app.
	listGoneRPs statement = `
WITH RECURSIVE granted (client_id) AS (
  SELECT MIN(client_id) FROM grants
  UNION ALL
  SELECT (SELECT MIN(g.client_id) FROM grants g WHERE g.client_id > granted.client_id) FROM granted WHERE granted.client_id IS NOT NULL
)
SELECT client_id FROM granted
WHERE client_id IS NOT NULL AND client_id <> $1 AND NOT EXISTS (SELECT 1 FROM relying_parties r WHERE r.client_id = granted.client_id)
ORDER BY client_id LIMIT $2`

	// Of an RP that is there: one that is removed in between leaves nothing behind.
	setSealedSecret statement = `
INSERT INTO client_secrets (client_id, sealed) SELECT client_id, $2 FROM relying_parties WHERE client_id = $1
ON CONFLICT (client_id) DO UPDATE SET sealed = excluded.sealed`
)

// rpRow receives the columns of an RP and one of its organisations.
type rpRow struct {
	relyingparty.RP
	secret                              []byte
	redirects, postLogout, scopes       string
	options                             string
	organisation                        string
	requestMaxAge, refreshLife, created int64
	itself                              int64
}

func (r *rpRow) dest() []any {
	return []any{&r.ClientID, &r.Name, &r.secret, &r.redirects, &r.postLogout, &r.InitiateLoginURI, &r.ClientURI,
		&r.BackchannelLogoutURI, &r.RequirePKCE, &r.IDTokenAlg, &r.requestMaxAge, &r.RefreshTokens, &r.refreshLife, &r.RequireACR, &r.RequireDPoP, &r.scopes, &r.options, &r.created,
		&r.itself, &r.organisation}
}

func (r *rpRow) rp() (relyingparty.RP, error) {
	rp := r.RP
	var err error
	if rp.Options, err = readOptions(r.options); err != nil {
		return rp, err
	}
	rp.Secret, rp.Created = secret.HashFrom(r.secret), fromMS(r.created)
	rp.RedirectURIs, rp.PostLogoutRedirectURIs, rp.Scopes = lines(r.redirects), lines(r.postLogout), strings.Fields(r.scopes)
	rp.RequestMaxAge = time.Duration(r.requestMaxAge) * time.Millisecond
	rp.RefreshLife = time.Duration(r.refreshLife) * time.Millisecond
	rp.Itself = r.itself == 1
	return rp, nil
}

const noOptions = "{}"

// readOptions reads the column of that name; "" is that of an outer join.
func readOptions(text string) (o relyingparty.Options, err error) {
	if text == noOptions || text == "" {
		return o, nil
	}
	if err = json.Unmarshal([]byte(text), &o); err != nil {
		err = fmt.Errorf("store: options of a relying party: %w", err)
	}
	return o, err
}

// collectRPs joins the rows of one RP, which follow each other.
func collectRPs(q query) ([]relyingparty.RP, error) {
	var all []relyingparty.RP
	err := q.each(func(scan scan) error {
		var r rpRow
		if err := scan(r.dest()...); err != nil {
			return err
		}
		if len(all) == 0 || all[len(all)-1].ClientID != r.ClientID {
			rp, err := r.rp()
			if err != nil {
				return err
			}
			all = append(all, rp)
		}
		if last := &all[len(all)-1]; r.organisation != "" {
			last.Organisations = append(last.Organisations, organisation.ID(r.organisation))
		}
		return nil
	})
	return all, err
}

func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "\n")
}

// FindRP looks an RP up by its client id.
func (db *DB) FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error) {
	return oneRP(db.query(ctx, findRP, clientID))
}

// FindRP looks an RP up by its client id.
func (tx *Tx) FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error) {
	return oneRP(tx.query(ctx, findRP, clientID))
}

func oneRP(q query) (relyingparty.RP, bool, error) {
	found, err := collectRPs(q)
	if err != nil || len(found) == 0 {
		return relyingparty.RP{}, false, err
	}
	return found[0], true, nil
}

// ListRPs lists all RPs by name.
func (db *DB) ListRPs(ctx context.Context) ([]relyingparty.RP, error) {
	all, err := collectRPs(db.query(ctx, listRPs))
	// Here: a database sorts by its locale.
	slices.SortStableFunc(all, func(a, b relyingparty.RP) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// InsertRP stores a new RP.
func (tx *Tx) InsertRP(ctx context.Context, rp relyingparty.RP) error {
	hash := []byte{}
	if rp.HasSecret() {
		hash = rp.Secret[:]
	}
	options, err := json.Marshal(rp.Options)
	if err != nil {
		return err
	}
	err = tx.write(ctx, insertRP, rp.ClientID, rp.Name, hash, strings.Join(rp.RedirectURIs, "\n"),
		strings.Join(rp.PostLogoutRedirectURIs, "\n"), rp.InitiateLoginURI, rp.ClientURI, rp.BackchannelLogoutURI, rp.RequirePKCE,
		rp.IDTokenAlg, rp.RequestMaxAge.Milliseconds(), rp.RefreshTokens, rp.RefreshLife.Milliseconds(), rp.RequireACR, rp.RequireDPoP, strings.Join(rp.Scopes, " "),
		string(options), ms(rp.Created))
	for _, o := range rp.Organisations {
		if err == nil {
			err = tx.write(ctx, insertRPOrganisation, rp.ClientID, string(o))
		}
	}
	return err
}

// ChangeRP replaces an RP's name, addresses, options and organisations; false if there is no such RP.
func (tx *Tx) ChangeRP(ctx context.Context, rp relyingparty.RP) (bool, error) {
	options, err := json.Marshal(rp.Options)
	if err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, changeRP, rp.ClientID, rp.Name, strings.Join(rp.RedirectURIs, "\n"), strings.Join(rp.PostLogoutRedirectURIs, "\n"),
		rp.InitiateLoginURI, rp.ClientURI, rp.BackchannelLogoutURI, rp.RequireACR, rp.RequireDPoP, strings.Join(rp.Scopes, " "),
		string(options), rp.IDTokenAlg, rp.RefreshTokens, rp.RequirePKCE)
	if err != nil || n == 0 {
		return false, err
	}
	err = tx.write(ctx, deleteRPOrganisations, rp.ClientID)
	for _, o := range rp.Organisations {
		if err == nil {
			err = tx.write(ctx, insertRPOrganisation, rp.ClientID, string(o))
		}
	}
	return true, err
}

// SetRPSecret replaces an RP's secret; false if there is no such RP.
func (tx *Tx) SetRPSecret(ctx context.Context, clientID string, h secret.Hash) (bool, error) {
	n, err := tx.exec(ctx, setRPSecret, clientID, h[:])
	return n == 1, err
}

// FindSealedSecret returns the sealed secret of an RP with client_secret_jwt.
func (db *DB) FindSealedSecret(ctx context.Context, clientID string) (sealed []byte, err error) {
	_, err = db.query(ctx, findSealedSecret, clientID).one(&sealed)
	return sealed, err
}

// SetSealedSecret keeps the secret of an RP with client_secret_jwt, perhaps in place of another.
func (tx *Tx) SetSealedSecret(ctx context.Context, clientID string, sealed []byte) error {
	return tx.write(ctx, setSealedSecret, clientID, sealed)
}

// DeleteRP removes an RP; false if there is no such RP. Its grants are over by that (see readSubject); DeleteGrants removes their rows.
func (tx *Tx) DeleteRP(ctx context.Context, clientID string) (bool, error) {
	for _, belongs := range []statement{deleteRPOrganisations, deleteSealedSecret, deleteOwn} {
		if err := tx.write(ctx, belongs, clientID); err != nil {
			return false, err
		}
	}
	n, err := tx.exec(ctx, deleteRP, clientID)
	return n == 1, err
}

// ListGone lists up to n RPs that were removed, and of whose grants there are rows.
func (db *DB) ListGone(ctx context.Context, n int) ([]string, error) {
	return list(db.query(ctx, listGoneRPs, token.AuthenticatorClient, int64(n)), func(scan scan) (id string, err error) { return id, scan(&id) })
}

// DeleteGrants removes up to n grants of an RP, and says how many it removed.
func (tx *Tx) DeleteGrants(ctx context.Context, clientID string, n int) (int, error) {
	gone, err := tx.exec(ctx, deleteGrantsOfRP, clientID, int64(n))
	return int(gone), err
}
