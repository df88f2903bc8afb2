package app_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/token"
)

// TestAnAppThatIsRemovedIsShutAtOnceAndItsGrantsGoInBites removes an app with very many grants, at its own word and at the operator's, and kills whoever
// clears them away in the middle of the second bite.
func TestAnAppThatIsRemovedIsShutAtOnceAndItsGrantsGoInBites(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.browser().tokens(w.hrm)
		w.grantedOften(w.hrm, token.AuthenticatorClient, 1) // which is in no table of apps
		made := w.itself("", `{`+payroll+`, "grant_types": ["authorization_code", "refresh_token"]}`)
		registered := w.register(control.RP{Name: "Rota", RedirectURIs: []string{hrmURL + "/rota"}, PKCE: true, RefreshTokens: true})
		removed := map[string]func(){
			"at its own word": func() {
				if status, _, answer := w.registration(http.MethodDelete, made["registration_client_uri"].(string), made["registration_access_token"].(string), ""); status != http.StatusNoContent {
					t.Fatalf("%d %v", status, answer)
				}
			},
			"at the operator's": func() {
				if err := w.operator(http.MethodDelete, "/relying-parties/"+registered.ClientID, nil, new(map[string]string)); err != nil {
					t.Fatal(err)
				}
			},
		}
		itself := rpFrom(made)
		itself.Name = made["client_name"].(string)
		for how, rp := range map[string]control.RP{"at its own word": itself, "at the operator's": registered} {
			b := w.browser()
			tokens := b.tokens(rp)
			w.grantedOften(rp, rp.ClientID, 1100)
			left := func() int {
				n, err := strconv.Atoi(w.askDB(`SELECT count(*) FROM grants WHERE client_id = $1`, rp.ClientID))
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			removed[how]()
			if left() != 1101 {
				t.Errorf("%s: %d grants are left in the transaction that removes the app", how, left())
			}
			if status, _ := w.userinfo(tokens["access_token"].(string)); status != http.StatusUnauthorized {
				t.Errorf("%s: its token is answered %d", how, status)
			}
			if status, answer := w.refresh(rp, tokens["refresh_token"].(string)); status != http.StatusUnauthorized {
				t.Errorf("%s: it refreshes: %d %v", how, status, answer)
			}
			// A refresh whose app was removed when it had been asked who it is.
			_, claims := claimsOf(t, tokens["access_token"].(string))
			err := store.InTx[grant.Tx](w.app.DB)(t.Context(), func(tx grant.Tx) error {
				if _, rotated, err := tx.Rotate(t.Context(), claims["grant"].(string), rp.ClientID, 1, "", w.clock.Now()); err != nil || rotated {
					t.Errorf("%s: a refresh under way goes on: %v", how, err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			b.get("/account").expect(http.StatusOK).lacks(rp.Name)

			killed := errors.New("killed")
			dying, bites := *w.app.Control.Registration, 0
			dying.InBulkTx = func(ctx context.Context, do func(clientregistration.Tx) error) error {
				bites++
				return w.app.Control.Registration.InBulkTx(ctx, func(tx clientregistration.Tx) error {
					if err := do(tx); err != nil || bites == 1 {
						return err
					}
					return killed
				})
			}
			if err := dying.Tend(t.Context()); !errors.Is(err, killed) || left() != 601 {
				t.Errorf("%s: %v, and %d are left", how, err, left())
			}
			w.restart()
			for range 2 {
				if err := w.app.House.Round(t.Context()); err != nil || left() != 0 {
					t.Errorf("%s: after the crash: %v, and %d are left", how, err, left())
				}
			}
			for _, other := range []string{w.hrm.ClientID, token.AuthenticatorClient} {
				if n := w.askDB(`SELECT count(*) FROM grants WHERE client_id = $1 AND ended_at = 0`, other); n != "1" {
					t.Errorf("%s: %s has %s grants", how, other, n)
				}
			}
		}
	}, openly)
}

// grantedOften copies an app's grant n times, for a client.
func (w *world) grantedOften(rp control.RP, client string, n int) {
	w.t.Helper()
	if _, err := w.raw().Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < `+strconv.Itoa(n)+`)
INSERT INTO grants (id, code_id, client_id, account_id, session_id, scope, offline, acr, amr, auth_time, generation, rotated_at, former_rotated_at, replays,
  created_at, expires_at, ended_at)
SELECT $2 || g.id || n.i, $2 || g.code_id || n.i, $2, g.account_id, g.session_id, g.scope, g.offline, g.acr, g.amr, g.auth_time, g.generation, g.rotated_at,
  g.former_rotated_at, g.replays, g.created_at, g.expires_at, g.ended_at
FROM grants g, n WHERE g.client_id = $1`, rp.ClientID, client); err != nil {
		w.t.Fatal(err)
	}
}
