package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

const (
	payrollAPI = "https://api.payroll.example/"
	archiveAPI = "urn:example:archive"
)

// server registers an app's server that asks for tokens for others' servers, and exchanges tokens.
func (w *world) server(name string, change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: name, RedirectURIs: []string{"https://" + strings.ToLower(name) + ".example/callback"}, PKCE: true, RefreshTokens: true, Organisations: []string{"foretaget"},
		Options: control.Options{Metadata: relyingparty.Metadata{Resources: []string{payrollAPI, archiveAPI},
			GrantTypes: []string{relyingparty.AuthorizationCode, relyingparty.RefreshToken, relyingparty.TokenExchange}}}}
	for _, f := range change {
		f(&rp)
	}
	return w.register(rp)
}

// audience is whom the access token of an answer is for.
func audience(t *testing.T, answer map[string]any) any {
	t.Helper()
	token, ok := answer["access_token"].(string)
	if !ok {
		t.Fatalf("no access token: %v", answer)
	}
	return claims(t, token)["aud"]
}

func TestAnAccessTokenIsForTheResourceThatWasAskedFor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rp, b := w.server("Shifts"), w.browser()
		b.tokens(w.hrm)
		l := newLogin(rp)
		_, answer := w.redeem(l, l.code(t, b.get(l.authorize("resource", payrollAPI)).leads()))
		if got := audience(t, answer); got != payrollAPI {
			t.Errorf("named by the request: %v", got)
		}
		if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("userinfo takes another server's token: %d", status)
		}
		if _, told := w.call("/introspect", rp, "token", answer["access_token"].(string)); told["active"] != true || told["aud"] != payrollAPI {
			t.Errorf("introspection: %v", told)
		}
		_, answer = w.refresh(rp, answer["refresh_token"].(string))
		if got := audience(t, answer); got != payrollAPI {
			t.Errorf("refreshed: %v", got)
		}
		ask := func(resource string) (int, map[string]any) {
			return w.call("/token", rp, "grant_type", "refresh_token", "refresh_token", answer["refresh_token"].(string), "resource", resource)
		}
		if status, wrong := ask(archiveAPI); status != http.StatusBadRequest || wrong["error"] != "invalid_target" {
			t.Errorf("another than was granted: %d %v", status, wrong)
		}
		if status, right := ask(payrollAPI); status != http.StatusOK { // the refusal has used nothing up
			t.Errorf("the same: %d %v", status, right)
		}

		l = newLogin(rp) // nothing is named before: the token request chooses
		code := l.code(t, b.get(l.authorize()).leads())
		_, answer = w.call("/token", rp, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier, "resource", archiveAPI)
		if got := audience(t, answer); got != archiveAPI {
			t.Errorf("named by the token request: %v", got)
		}
		_, answer = w.refresh(rp, answer["refresh_token"].(string))
		if got := audience(t, answer); got != issuer {
			t.Errorf("for userinfo afterwards: %v", got)
		}
	})
}

func TestAResourceThatAnAppIsNotRegisteredForIsRefused(t *testing.T) {
	w := on(t)
	rp, b := w.server("Shifts"), w.browser()
	b.tokens(w.hrm)
	for _, wrong := range []string{"https://evil.example/", payrollAPI + "#x", issuer, issuer + "/api", "payroll"} {
		l := newLogin(rp)
		if got := must(url.Parse(b.get(l.authorize("resource", wrong)).leads())).Query(); got.Get("error") != "invalid_target" || got.Get("state") != l.state {
			t.Errorf("authorize, %q: %v", wrong, got)
		}
		l = newLogin(rp)
		code := l.code(t, b.get(l.authorize()).leads())
		if _, got := w.call("/token", rp, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier, "resource", wrong); got["error"] != "invalid_target" {
			t.Errorf("token, %q: %v", wrong, got)
		}
		if status, _ := w.redeem(l, code); status != http.StatusOK {
			t.Errorf("%q: the refusal has used the code up: %d", wrong, status)
		}
	}
	l := newLogin(rp)
	twice := l.authorize("resource", payrollAPI) + "&" + url.Values{"resource": {archiveAPI}}.Encode()
	if got := must(url.Parse(b.get(twice).leads())).Query().Get("error"); got != "invalid_target" {
		t.Errorf("two at once: %q", got)
	}
	err := w.operator(http.MethodPost, "/relying-parties", control.RP{Name: "X", RedirectURIs: []string{hrmURL}, PKCE: true,
		Options: control.Options{Metadata: relyingparty.Metadata{Resources: []string{"payroll"}}}}, &struct{}{})
	if err == nil {
		t.Error("a resource that is no address was registered")
	}
	w.refuses(http.MethodPost, "/relying-parties", control.RP{Name: "X", RedirectURIs: []string{hrmURL}, PKCE: true,
		Options: control.Options{Metadata: relyingparty.Metadata{Resources: []string{issuer + "/api"}}}}, "are no app's to name")
	w.refuses(http.MethodPatch, "/relying-parties/"+rp.ClientID, control.RPChange{Metadata: json.RawMessage(`{"resources":["` + issuer + `"]}`)}, "are no app's to name")
}

// exchange swaps an access token for one for the payroll's server.
func (w *world) exchange(rp control.RP, token string, more ...string) (int, map[string]any) {
	return w.call("/token", rp, append([]string{"grant_type", relyingparty.TokenExchange, "subject_token", token,
		"subject_token_type", "urn:ietf:params:oauth:token-type:access_token", "resource", payrollAPI}, more...)...)
}

func TestAServerExchangesATokenForOneForAnotherServer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		front, server := w.server("Shifts"), w.server("Gateway")
		b := w.browser()
		l := newLogin(front)
		_, answer := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass)))
		first := answer["access_token"].(string)
		w.clock.Advance(time.Minute)

		status, got := w.exchange(server, first, "scope", "openid email")
		if status != http.StatusOK || got["issued_token_type"] != "urn:ietf:params:oauth:token-type:access_token" || got["refresh_token"] != nil || got["id_token"] != nil {
			t.Fatalf("exchange: %d %v", status, got)
		}
		was, is := claims(t, first), claims(t, got["access_token"].(string))
		act, _ := is["act"].(map[string]any)
		if is["sub"] != was["sub"] || is["aud"] != payrollAPI || is["client_id"] != server.ClientID || act["sub"] != server.ClientID || is["scope"] != "openid email" ||
			is["exp"] != was["exp"] || got["expires_in"] != 540.0 || is["jti"] == was["jti"] || is["acr"] != was["acr"] {
			t.Errorf("the new token: %v of %v, %v", is, was, got["expires_in"])
		}
		third := w.server("Archive")
		_, again := w.exchange(third, got["access_token"].(string))
		if act, _ := claims(t, again["access_token"].(string))["act"].(map[string]any); act["sub"] != third.ClientID || act["act"].(map[string]any)["sub"] != server.ClientID {
			t.Errorf("who acted for whom: %v", act)
		}
		b.post("/signout")
		if status, gone := w.exchange(server, first); status != http.StatusBadRequest || gone["error"] != "invalid_request" {
			t.Errorf("after the sign-out: %d %v", status, gone)
		}
		if _, told := w.call("/introspect", server, "token", got["access_token"].(string)); told["active"] != false {
			t.Errorf("the exchanged token outlives the sign-in: %v", told)
		}
	})
}

// TestAResourceIsHeardWhereverTokensAreFetched, or refused (RFC 8707 §2).
func TestAResourceIsHeardWhereverTokensAreFetched(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const foreign = "https://evil.example/"
		d := w.device(w.screen(func(rp *control.RP) {
			rp.Organisations, rp.Options.Resources = []string{"foretaget"}, []string{payrollAPI}
		}))
		b := w.browser()
		b.toQuestion(d).proves()
		b.post(b.action("/device/"), "answer", "yes").follow().expect(http.StatusOK)
		polls := func(kind, name, value string, rp control.RP, resource string) map[string]any {
			w.clock.Advance(6 * time.Second)
			_, answer := w.call("/token", rp, "grant_type", kind, name, value, "resource", resource)
			return answer
		}
		if got := polls(relyingparty.DeviceCode, "device_code", d.code, d.rp, foreign); got["error"] != "invalid_target" {
			t.Errorf("device, a foreign one: %v", got)
		}
		if got := audience(t, polls(relyingparty.DeviceCode, "device_code", d.code, d.rp, payrollAPI)); got != payrollAPI {
			t.Errorf("device: %v", got)
		}

		s := w.program()
		for resource, want := range map[string]any{foreign: "invalid_target", issuer: "invalid_target", issuer + "/api": nil} {
			if _, got := w.call("/token", s.rp, "grant_type", "client_credentials", "resource", resource); got["error"] != want {
				t.Errorf("a service, %s: %v", resource, got)
			}
		}

		h, _ := w.pairBo()
		till := w.till(func(rp *control.RP) { rp.Options.Resources = []string{payrollAPI} })
		q := w.asks(till)
		h.agrees()
		if got := polls(relyingparty.CIBA, "auth_req_id", q.id, till, payrollAPI); got["error"] != "invalid_target" {
			t.Errorf("a question: %v", got)
		}
		_, answer := q.polls()
		for resource, want := range map[string]any{payrollAPI: "invalid_target", foreign: "invalid_target", "": nil} {
			_, got := w.call("/token", till, "grant_type", "refresh_token", "refresh_token", answer["refresh_token"].(string), "resource", resource)
			if got["error"] != want {
				t.Errorf("refreshed after a question, %q: %v", resource, got)
			}
			if want == nil && audience(t, got) != issuer {
				t.Errorf("refreshed after a question: %v", got)
			}
		}
	})
}

// TestAnExchangedTokenEndsWithTheAppsOnBothSides: the one whose login it comes of, and the one that has got it. Neither may be gone, or have left
// the organisation.
func TestAnExchangedTokenEndsWithTheAppsOnBothSides(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "annat", Name: "Annat AB"}); err != nil {
			t.Fatal(err)
		}
		third := w.server("Third")
		type apps struct{ front, server control.RP }
		removed := func(c control.RP) {
			if err := w.operator(http.MethodDelete, "/relying-parties/"+c.ClientID, nil, new(map[string]string)); err != nil {
				t.Fatal(err)
			}
		}
		leaves := func(c control.RP) { w.changes(c, control.RPChange{Organisations: []string{"annat"}}) }
		for what, c := range map[string]struct {
			ends func(apps)
			asks []string // of those that are still there
		}{
			"the app of the login was removed": {func(a apps) { removed(a.front) }, []string{"server", "third"}},
			"the app of the login has left":    {func(a apps) { leaves(a.front) }, []string{"server", "third"}},
			"the server was removed":           {func(a apps) { removed(a.server) }, []string{"front", "third"}},
			"the server has left":              {func(a apps) { leaves(a.server) }, []string{"front", "server", "third"}},
		} {
			a := apps{w.server("Shifts"), w.server("Gateway")}
			b, l := w.browser(), newLogin(a.front)
			_, answer := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass)))
			_, exchanged := w.exchange(a.server, answer["access_token"].(string))
			token := exchanged["access_token"].(string)
			if status, again := w.exchange(third, token); status != http.StatusOK {
				t.Fatalf("before: %d %v", status, again)
			}
			c.ends(a)
			for _, who := range c.asks {
				rp := map[string]control.RP{"front": a.front, "server": a.server, "third": third}[who]
				if status, again := w.exchange(rp, token); status == http.StatusOK {
					t.Errorf("%s: %s exchanges its token once more: %v", what, who, again)
				}
				if status, told := w.call("/introspect", rp, "token", token); status != http.StatusOK || told["active"] != false {
					t.Errorf("%s: %s hears of its token: %d %v", what, who, status, told)
				}
			}
		}
	})
}

func TestAnExchangeThatIsNotForTheAskingServerIsRefused(t *testing.T) {
	w := on(t)
	front, server := w.server("Shifts"), w.server("Gateway")
	l := newLogin(front)
	_, answer := w.redeem(l, l.code(t, w.browser().signIn(l, bosAddress, bosPass)))
	token := answer["access_token"].(string)
	own := w.program("register:read")
	if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "annat", Name: "Annat AB"}); err != nil {
		t.Fatal(err)
	}
	stranger := w.server("Stranger", func(rp *control.RP) { rp.Organisations = []string{"annat"} })
	byName := w.server("Pairwise", func(rp *control.RP) { rp.Options.SubjectType = "pairwise" })
	for name, c := range map[string]struct {
		rp    control.RP
		token string
		more  []string
		want  string
	}{
		"an app that is not registered for it":         {w.hrm, token, nil, "unauthorized_client"},
		"an app of no shared organisation":             {stranger, token, nil, "invalid_request"},
		"an app that knows people by names of its own": {byName, token, nil, "invalid_request"},
		"more scope":             {server, token, []string{"scope", "openid company offline_access"}, "invalid_scope"},
		"a foreign resource":     {server, token, []string{"resource", "https://evil.example/"}, "invalid_target"},
		"our own endpoints":      {server, token, []string{"resource", issuer}, "invalid_target"},
		"no resource":            {server, token, []string{"resource", ""}, "invalid_target"},
		"another audience":       {server, token, []string{"audience", "payroll"}, "invalid_target"},
		"an actor":               {server, token, []string{"actor_token", token, "actor_token_type", "urn:ietf:params:oauth:token-type:access_token"}, "invalid_request"},
		"an ID token":            {server, answer["id_token"].(string), nil, "invalid_request"},
		"a refresh token":        {server, answer["refresh_token"].(string), nil, "invalid_request"},
		"a service's token":      {server, own.token, nil, "invalid_request"},
		"of another type":        {server, token, []string{"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"}, "invalid_request"},
		"for a refresh token":    {server, token, []string{"requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"},
		"a token that is broken": {server, token[:len(token)-2], nil, "invalid_request"},
		"nothing":                {server, "", nil, "invalid_request"},
	} {
		if _, got := w.exchange(c.rp, c.token, c.more...); got["error"] != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	// Nobody stands behind each other without end.
	for i := range 5 {
		status, got := w.exchange([]control.RP{server, front}[i%2], token)
		if status != http.StatusOK {
			if i < 3 || !strings.Contains(got["error_description"].(string), "too many") {
				t.Errorf("exchange %d: %d %v", i, status, got)
			}
			return
		}
		token = got["access_token"].(string)
	}
	t.Error("a chain of actors has no end")
}

func TestAnExchangeIsWrittenDown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		front, server := w.server("Shifts"), w.server("Gateway")
		l, b := newLogin(front), w.browser()
		_, answer := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass)))
		_, got := w.exchange(server, answer["access_token"].(string))
		b.get("/account/activity").shows("Gateway anropade en annan tjänst åt dig")
		if status, told := w.call("/revoke", server, "token", got["access_token"].(string)); status != http.StatusBadRequest || told["error"] != "unsupported_token_type" {
			t.Errorf("revoked by itself: %d %v", status, told)
		}
	})
}

func TestABoundTokenIsExchangedForABoundOneAlone(t *testing.T) {
	w := on(t)
	h, server := w.holder(), w.server("Gateway")
	front := w.server("Shifts", func(rp *control.RP) { rp.Public, rp.Options.GrantTypes, rp.RequireDPoP = true, nil, true })
	bound := h.signedIn(front).text("access_token")
	if _, got := w.exchange(server, bound); got["error"] != "invalid_request" {
		t.Errorf("without a key: %v", got)
	}
}

func TestAResourceThatIsTakenAwayIsHadNoMore(t *testing.T) {
	w := on(t)
	rp, b := w.server("Shifts"), w.browser()
	b.tokens(w.hrm)
	l := newLogin(rp)
	_, answer := w.redeem(l, l.code(t, b.get(l.authorize("resource", payrollAPI)).leads()))
	if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, map[string]any{"metadata": map[string]any{"resources": []string{archiveAPI}}}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if _, got := w.refresh(rp, answer["refresh_token"].(string)); got["error"] != "invalid_target" {
		t.Errorf("refresh: %v", got)
	}
	if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, map[string]any{"metadata": map[string]any{"grant_types": []string{"authorization_code"}}}, &struct{}{}); err != nil {
		t.Fatal(err)
	}
	if _, got := w.refresh(rp, answer["refresh_token"].(string)); got["error"] != "unauthorized_client" {
		t.Errorf("refresh without its grant type: %v", got)
	}
}
