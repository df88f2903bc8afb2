package app_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// claimsOf reads a token without asking whose it is.
func claimsOf(t *testing.T, token string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	for i, to := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(raw, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return header, claims
}

func TestAServiceGetsATokenOfItsOwnBySecretAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program(relyingparty.RegisterRead, relyingparty.RegisterWrite, relyingparty.AuditRead)
		header, claims := claimsOf(t, s.token)
		if header["typ"] != "at+jwt" || header["alg"] != "ES256" {
			t.Errorf("header: %v", header)
		}
		for name, want := range map[string]any{"iss": issuer, "aud": issuer + "/api", "sub": s.rp.ClientID, "client_id": s.rp.ClientID,
			"scope": "audit:read register:read register:write"} {
			if claims[name] != want {
				t.Errorf("%s is %v, want %v", name, claims[name], want)
			}
		}
		if claims["exp"].(float64)-claims["iat"].(float64) != 600 || claims["jti"] == "" || claims["grant"] != nil || claims["acr"] != nil {
			t.Errorf("claims: %v", claims)
		}
		status, answer := w.call("/token", s.rp, "grant_type", "client_credentials", "scope", "register:read")
		if status != http.StatusOK || answer["scope"] != "register:read" || answer["token_type"] != "Bearer" || answer["refresh_token"] != nil || answer["id_token"] != nil {
			t.Errorf("%d %v", status, answer)
		}
	})
}

// TestARevocationIsNotConfirmedForATokenThatGoesOnWorking (RFC 7009 §2.2.1): no grant stands behind a service's, and introspection says the truth.
func TestARevocationIsNotConfirmedForATokenThatGoesOnWorking(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s, other := w.program(relyingparty.TransitionRead, relyingparty.AuditRead), w.program()
		if status, answer := w.call("/revoke", s.rp, "token", s.token); status != http.StatusBadRequest || answer["error"] != "unsupported_token_type" {
			t.Errorf("revoke: %d %v", status, answer)
		}
		if status, answer := w.call("/revoke", other.rp, "token", s.token); status != http.StatusOK || len(answer) != 0 {
			t.Errorf("revoke, another's: %d %v", status, answer)
		}
		s.send(http.MethodGet, apiURL+"/people", nil).expect(http.StatusOK)
		if _, told := w.call("/introspect", s.rp, "token", s.token); told["active"] != true || told["scope"] != "transition:read audit:read" || told["sub"] != s.rp.ClientID ||
			told["aud"] != issuer+"/api" || told["token_type"] != "Bearer" {
			t.Errorf("introspection: %v", told)
		}
		w.changes(s.rp, control.RPChange{Scopes: []string{relyingparty.TransitionRead}})
		if _, told := w.call("/introspect", s.rp, "token", s.token); told["scope"] != "transition:read" {
			t.Errorf("what was taken from it: %v", told)
		}
		for _, c := range []control.RP{other.rp, w.hrm} {
			if _, told := w.call("/introspect", c, "token", s.token); told["active"] != false || len(told) != 1 {
				t.Errorf("another hears of it: %v", told)
			}
		}
		bound := true
		w.changes(s.rp, control.RPChange{RequireDPoP: &bound})
		if _, told := w.call("/introspect", s.rp, "token", s.token); told["active"] != false {
			t.Errorf("a bearer token of a service that is held to a key: %v", told)
		}
	})
}

func TestAServiceTokenCostsOneReadAndNoWrite(t *testing.T) {
	w := on(t)
	s := w.program()
	before := w.app.DB.Counts()
	s.renew()
	after := w.app.DB.Counts()
	if reads, commits := after.Reads-before.Reads, after.Commits-before.Commits; reads != 1 || commits != 0 || after.Writes != before.Writes {
		t.Errorf("%d reads, %d writes, %d commits", reads, after.Writes-before.Writes, commits)
	}
}

func TestClientCredentialsAreForServicesAndTheirOwnScopes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program(relyingparty.RegisterRead)
		refused := func(c control.RP, want string, pairs ...string) {
			t.Helper()
			status, answer := w.call("/token", c, append([]string{"grant_type", "client_credentials"}, pairs...)...)
			if answer["error"] != want || status == http.StatusOK || answer["access_token"] != nil {
				t.Errorf("%v: %d %v, want %s", pairs, status, answer, want)
			}
		}
		for _, scope := range []string{"openid", "profile", "person", "offline_access", "2fa.push:approve", "register:write", "register:read register:write", "*"} {
			refused(s.rp, "invalid_scope", "scope", scope)
		}
		refused(w.hrm, "unauthorized_client")
		refused(w.mobile, "unauthorized_client")
		wrong := s.rp
		wrong.ClientSecret = changed(wrong.ClientSecret)
		refused(wrong, "invalid_client")
		wrong.ClientSecret = ""
		refused(wrong, "invalid_client")

		// Nobody logs in to a service.
		l := newLogin(w.hrm)
		l.ClientID = s.rp.ClientID
		w.browser().get(l.authorize()).expect(http.StatusBadRequest)
		if status, answer := w.call("/token", s.rp, "grant_type", "authorization_code", "code", "x"); status == http.StatusOK || answer["error"] != "invalid_grant" {
			t.Errorf("code: %d %v", status, answer)
		}
		if status, answer := w.refresh(s.rp, "x"); status == http.StatusOK || answer["error"] != "unauthorized_client" {
			t.Errorf("refresh: %d %v", status, answer)
		}
	})
}

func TestWhatIsNoServiceIsNotRegisteredAsOne(t *testing.T) {
	w := on(t)
	for name, in := range map[string]control.RP{
		"a scope of people":  {Name: "X", PKCE: true, Scopes: []string{"openid"}},
		"an unknown scope":   {Name: "X", PKCE: true, Scopes: []string{"register:delete"}},
		"a scope twice":      {Name: "X", PKCE: true, Scopes: []string{"audit:read", "audit:read"}},
		"no secret":          {Name: "X", PKCE: true, Public: true, Scopes: []string{"audit:read"}},
		"an address":         {Name: "X", PKCE: true, RedirectURIs: []string{hrmURL}, Scopes: []string{"audit:read"}},
		"refresh tokens":     {Name: "X", PKCE: true, RefreshTokens: true, Scopes: []string{"audit:read"}},
		"a start address":    {Name: "X", PKCE: true, ClientURI: hrmURL, Scopes: []string{"audit:read"}},
		"no address, no app": {Name: "X", PKCE: true},
	} {
		if err := w.control(http.MethodPost, "/relying-parties", in); err == nil {
			t.Errorf("%s: registered", name)
		}
	}
	if err := w.control(http.MethodPatch, "/relying-parties/"+w.hrm.ClientID, control.RPChange{Scopes: []string{"audit:read"}}); err == nil {
		t.Error("an app became a service")
	}
}

func TestDiscoveryNamesClientCredentialsAndTheScopesOfServices(t *testing.T) {
	w := on(t)
	var doc struct {
		Grants []string `json:"grant_types_supported"`
		Scopes []string `json:"scopes_supported"`
	}
	if err := json.Unmarshal([]byte(w.browser().get("/.well-known/openid-configuration").body), &doc); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(doc.Grants, "client_credentials") || !slices.Contains(doc.Scopes, relyingparty.RegisterWrite) {
		t.Errorf("%v %v", doc.Grants, doc.Scopes)
	}
	if slices.Contains(doc.Grants, "password") { // RFC 9700 §2.4
		t.Errorf("%v", doc.Grants)
	}
}

// TestBothDocumentsOfMetadataAreOneAndNameWhatIsServed: OIDC Discovery §4 and RFC 8414 §3 read the same, and no client is sent to where nothing is.
func TestBothDocumentsOfMetadataAreOneAndNameWhatIsServed(t *testing.T) {
	w := on(t)
	body := w.browser().get("/.well-known/openid-configuration").body
	if other := w.browser().get("/.well-known/oauth-authorization-server").body; other != body {
		t.Errorf("RFC 8414's is another: %s", other)
	}
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		t.Fatal(err)
	}
	routes, named := strings.Join(w.app.Routes(), "\n")+"\n", 0
	for name, value := range doc {
		address, is := value.(string)
		if !is || !strings.HasSuffix(name, "_endpoint") && name != "jwks_uri" && name != "check_session_iframe" {
			continue
		}
		named++
		if path, ours := strings.CutPrefix(address, issuer); !ours || !strings.Contains(routes, " "+path+"\n") {
			t.Errorf("%s: nothing is served at %s", name, address)
		}
	}
	if named < 9 || doc["issuer"] != issuer {
		t.Errorf("%d endpoints of %v", named, doc["issuer"])
	}
}

func TestAServiceThatMustBindItsTokensProvesItsKeyAtEachRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		must := true
		if err := w.control(http.MethodPatch, "/relying-parties/"+s.rp.ClientID, control.RPChange{RequireDPoP: &must}); err != nil {
			t.Fatal(err)
		}
		s.get("/people").expect(http.StatusUnauthorized) // the bearer token from before is worth nothing
		if status, answer := w.call("/token", s.rp, "grant_type", "client_credentials"); status == http.StatusOK || answer["error"] != "invalid_dpop_proof" {
			t.Errorf("%d %v", status, answer)
		}
		h := w.holder()
		got := h.ask(s.rp, "grant_type", "client_credentials")
		if got.status != http.StatusOK || got.text("token_type") != "DPoP" {
			t.Fatalf("%d %v", got.status, got.body)
		}
		token := got.text("access_token")
		people := func(scheme string, proofs ...string) answered {
			r := httptest.NewRequest(http.MethodGet, issuer+apiURL+"/people?limit=1", nil)
			r.Header.Set("Authorization", scheme+" "+token)
			return h.send(w.app, r, proofs...)
		}
		proof := h.proof(http.MethodGet, apiURL+"/people", token)
		if a := people("DPoP", proof); a.status != http.StatusOK {
			t.Errorf("%d %v", a.status, a.body)
		}
		thief := w.holder()
		thief.nonce = h.nonce
		for name, a := range map[string]answered{
			"the proof again":      people("DPoP", proof),
			"no proof":             people("DPoP"),
			"as a bearer token":    people("Bearer"),
			"another key":          people("DPoP", thief.proof(http.MethodGet, apiURL+"/people", token)),
			"for another endpoint": people("DPoP", h.proof(http.MethodGet, apiURL+"/log", token)),
		} {
			if a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, a.status)
			}
		}
	})
}
