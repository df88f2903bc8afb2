package app_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store"
)

func TestAResourceServerHearsWhetherATokenStillCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		tokens := b.tokens(w.mobile)
		access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
		status, answer := w.call("/introspect", w.hrm, "token", access, "token_type_hint", "access_token") // HRM's server asks about what HRM Mobile brought
		if status != http.StatusOK || answer["active"] != true || answer["client_id"] != w.mobile.ClientID || answer["token_type"] != "Bearer" ||
			answer["iss"] != issuer || answer["sub"] == nil || answer["acr"] == nil || answer["auth_time"] == nil || !strings.Contains(answer["scope"].(string), "openid") {
			t.Fatalf("an access token: %d %v", status, answer)
		}
		if _, answer := w.call("/introspect", w.hrm, "token", refresh); answer["active"] != false {
			t.Errorf("another app's refresh token: %v", answer) // is nobody's business but that app's
		}
		_, rotated := w.refresh(w.mobile, refresh)
		if _, answer := w.call("/introspect", w.hrm, "token", refresh); answer["active"] != false {
			t.Errorf("a refresh token that was used: %v", answer)
		}
		if _, answer := w.call("/introspect", w.hrm, "token", rotated["access_token"].(string)); answer["active"] != true {
			t.Errorf("the next access token: %v", answer)
		}
		keeper := w.register(control.RP{Name: "Keeper", RedirectURIs: []string{hrmURL + "/keeper"}, PKCE: true, RefreshTokens: true})
		own := newLogin(keeper)
		b.get(own.authorize())
		_, kept := w.redeem(own, own.code(t, b.leads()))
		if _, answer := w.call("/introspect", keeper, "token", kept["refresh_token"].(string), "token_type_hint", "access_token"); answer["active"] != true || answer["token_type"] != nil {
			t.Errorf("its own refresh token: %v", answer) // the hint may be wrong (RFC 7662 §2.1)
		}
		b.post("/signout").expect(http.StatusSeeOther)
		_, answer = w.call("/introspect", w.hrm, "token", access)
		if len(answer) != 1 || answer["active"] != false {
			t.Errorf("after the sign-out: %v", answer)
		}
	})
}

func TestOfAForeignTokenNothingIsSaid(t *testing.T) {
	w := on(t)
	if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "annat", Name: "Annat AB",
		Policy: organisation.Policy{MFA: organisation.Optional}}); err != nil {
		t.Fatal(err)
	}
	stranger := w.register(control.RP{Name: "Stranger", RedirectURIs: []string{hrmURL + "/stranger"}, PKCE: true, Organisations: []string{"annat"}})
	tokens := w.browser().tokens(w.hrm)
	access := tokens["access_token"].(string)
	for name, c := range map[string]struct {
		by    control.RP
		token string
	}{
		"of another organisation's app": {stranger, access},
		"an ID token":                   {w.hrm, tokens["id_token"].(string)},
		"a changed one":                 {w.hrm, changed(access)},
		"no token at all":               {w.hrm, "hej"},
		"a long one":                    {w.hrm, strings.Repeat("x", 20_000)},
	} {
		if status, answer := w.call("/introspect", c.by, "token", c.token); status != http.StatusOK || len(answer) != 1 || answer["active"] != false {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, answer := w.call("/introspect", w.mobile, "token", access); status != http.StatusUnauthorized {
		t.Errorf("a public client asks: %d %v", status, answer)
	}
	wrong := w.hrm
	wrong.ClientSecret += "x"
	if status, answer := w.call("/introspect", wrong, "token", access); status != http.StatusUnauthorized || answer["error"] != "invalid_client" {
		t.Errorf("a wrong secret: %d %v", status, answer)
	}
	if status, answer := w.call("/introspect", w.hrm); status != http.StatusBadRequest || answer["error"] != "invalid_request" {
		t.Errorf("no token: %d %v", status, answer)
	}
	w.clock.Advance(11 * time.Minute)
	if _, answer := w.call("/introspect", w.hrm, "token", access); answer["active"] != false {
		t.Errorf("an expired one: %v", answer)
	}
}

// TestAnAnswerAboutATokenCanBeSigned holds RFC 9701 §5, and what the answer costs.
func TestAnAnswerAboutATokenCanBeSigned(t *testing.T) {
	w := on(t)
	access := w.browser().tokens(w.hrm)["access_token"].(string)
	r := httptest.NewRequest(http.MethodPost, issuer+"/introspect", strings.NewReader(url.Values{"token": {access}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/token-introspection+jwt, application/json;q=0.5")
	r.SetBasicAuth(url.QueryEscape(w.hrm.ClientID), url.QueryEscape(w.hrm.ClientSecret))
	ctx, tally := store.WithTally(r.Context())
	rec := httptest.NewRecorder()
	w.app.Handler().ServeHTTP(rec, r.WithContext(ctx))
	if got := tally.Counts(); got != (store.Counts{Reads: 1}) {
		t.Errorf("it cost %+v", got)
	}
	if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/token-introspection+jwt" {
		t.Fatalf("%d %v", rec.Code, rec.Header())
	}
	var claims struct {
		Issuer   string         `json:"iss"`
		Audience string         `json:"aud"`
		Answer   map[string]any `json:"token_introspection"`
	}
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(strings.Split(rec.Body.String(), ".")[1])), &claims); err != nil || claims.Issuer != issuer || claims.Audience != w.hrm.ClientID || claims.Answer["active"] != true {
		t.Errorf("%+v %v", claims, err)
	}
	// What it is, and that it is ours: another JWT of ours must not pass for it (RFC 9701 §5).
	if signed, err := jose.ParseSignedCompact(rec.Body.String(), []jose.SignatureAlgorithm{jose.ES256}); err != nil ||
		signed.Signatures[0].Header.ExtraHeaders["typ"] != "token-introspection+jwt" {
		t.Errorf("%+v, %v", signed, err)
	} else if _, err := signed.Verify(w.published(t)); err != nil {
		t.Error(err)
	}
}

// published is the JWK Set that apps read.
func (w *world) published(t *testing.T) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(w.browser().get("/jwks").body), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// TestAQuestionAboutATokenIsOneRead however the app that asks proves itself; what it has signed counts once, which is a row.
func TestAQuestionAboutATokenIsOneRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		signer := w.signer(h)
		tokens := w.browser().tokens(w.mobile)
		access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
		for name, c := range map[string]struct {
			want store.Counts
			ask  func() (int, map[string]any)
		}{
			"by a secret, of an access token": {store.Counts{Reads: 1}, func() (int, map[string]any) { return w.call("/introspect", w.hrm, "token", access) }},
			"by a secret, of a refresh token": {store.Counts{Reads: 1}, func() (int, map[string]any) { return w.call("/introspect", w.hrm, "token", refresh) }},
			"by a signature": {store.Counts{Reads: 1, Writes: 1, Commits: 1}, func() (int, map[string]any) {
				return w.signed("/introspect", h.assertion(signer.ClientID), "token", access)
			}},
		} {
			before := w.app.DB.Counts()
			status, answer := c.ask()
			if got := minus(w.app.DB.Counts(), before); got != c.want || status != http.StatusOK {
				t.Errorf("%s: %+v, %d %v", name, got, status, answer)
			}
		}
	})
}
