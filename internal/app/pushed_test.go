package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/store"
)

// push hands an RP's request in by the back channel and returns the address that the browser gets.
func (w *world) push(l rp, extra ...string) string {
	w.t.Helper()
	status, answer := w.call("/par", l.RP, l.pairs(extra...)...)
	if status != http.StatusCreated || answer["expires_in"] != 90.0 || !strings.HasPrefix(answer["request_uri"].(string), "urn:ietf:params:oauth:request_uri:") {
		w.t.Fatalf("push: %d %v", status, answer)
	}
	return "/authorize?" + url.Values{"client_id": {l.ClientID}, "request_uri": {answer["request_uri"].(string)}}.Encode()
}

// pairs are the parameters of the RP's request, for a form.
func (l rp) pairs(extra ...string) []string {
	u := must(url.Parse(l.authorize(extra...)))
	var pairs []string
	for name, v := range u.Query() {
		pairs = append(pairs, name, v[0])
	}
	return pairs
}

func TestAPushedRequestSignsInAndTellsTheBrowserNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]control.RP{"a confidential client": w.hrm, "a public client": w.mobile} {
			b, l := w.browser(), newLogin(c)
			at := w.push(l, "login_hint", bosAddress, "ui_locales", "en")
			b.get(at).follow().expect(http.StatusOK).shows("Password") // login_hint and ui_locales came along
			b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
			if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK {
				t.Errorf("%s: %d %v", name, status, answer)
			}
			// A page that is loaded again is answered from the session, with one read more than a plain request.
			b.get(at).expect(http.StatusSeeOther)
			l.code(t, b.leads())
			if b.tally != (store.Counts{Reads: 2}) {
				t.Errorf("%s: single sign-on cost %+v", name, b.tally)
			}
			w.clock.Advance(grant.PushedLife)
			b.get(at).expect(http.StatusBadRequest).shows("Det tog för lång tid")
		}
	})
}

func TestAPushedRequestIsItsOwnClientsAlone(t *testing.T) {
	w := on(t)
	b, l := w.browser(), newLogin(w.hrm)
	at := must(url.Parse(w.push(l)))
	q := at.Query()
	q.Set("client_id", w.mobile.ClientID)
	b.get("/authorize?" + q.Encode()).expect(http.StatusBadRequest)
	q = at.Query()
	q.Set("request_uri", changed(q.Get("request_uri")))
	b.get("/authorize?" + q.Encode()).expect(http.StatusBadRequest)
	// What stands beside the name in the address counts for nothing (RFC 9126 §4, RFC 9101 §6.3).
	q = at.Query()
	q.Set("redirect_uri", hrmURL+"/elsewhere")
	q.Set("scope", "openid offline_access")
	q.Set("state", "evil")
	b.get("/authorize?" + q.Encode()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	l.code(t, b.leads())
}

func TestAnRPHearsOfAMistakeWhenItPushes(t *testing.T) {
	w := on(t)
	for name, c := range map[string]struct {
		change []string
		want   string
	}{
		"a foreign redirect URI":    {[]string{"redirect_uri", "https://evil.example/"}, "invalid_request"},
		"no redirect URI":           {[]string{"redirect_uri", ""}, "invalid_request"},
		"no scope openid":           {[]string{"scope", "profile"}, "invalid_scope"},
		"no challenge":              {[]string{"code_challenge", ""}, "invalid_request"},
		"another response type":     {[]string{"response_type", "token"}, "unsupported_response_type"},
		"a request_uri":             {[]string{"request_uri", "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"},
		"another client":            {[]string{"client_id", w.mobile.ClientID}, "invalid_request"},
		"9 KB":                      {[]string{"state", strings.Repeat("x", 9<<10)}, "invalid_request"},
		"a nonce that is too long":  {[]string{"nonce", strings.Repeat("x", 600)}, "invalid_request"},
		"prompt=none with another":  {[]string{"prompt", "none login"}, "invalid_request"},
		"a max_age that is no time": {[]string{"max_age", "-1"}, "invalid_request"},
	} {
		if status, answer := w.call("/par", w.hrm, newLogin(w.hrm).pairs(c.change...)...); status != http.StatusBadRequest || answer["error"] != c.want {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	wrong := w.hrm
	wrong.ClientSecret += "x"
	if status, answer := w.call("/par", wrong, newLogin(w.hrm).pairs()...); status != http.StatusUnauthorized || answer["error"] != "invalid_client" {
		t.Errorf("a wrong secret: %d %v", status, answer)
	}
}

func TestAnRPCanBeHeldToPushing(t *testing.T) {
	w := on(t)
	held := w.register(control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true, Options: control.Options{RequirePAR: true}})
	b, l := w.browser(), newLogin(held)
	b.get(l.authorize()).expect(http.StatusSeeOther)
	if to := b.leads(); !strings.HasPrefix(to, l.redirect+"?") || !strings.Contains(to, "error=invalid_request") {
		t.Errorf("a request that was not pushed leads to %q", to)
	}
	b.get(w.push(l)).follow().expect(http.StatusOK)
}

// TestANetworkCannotFillTheTableOfPushedRequests holds the budget of those who prove nothing.
func TestANetworkCannotFillTheTableOfPushedRequests(t *testing.T) {
	w := on(t)
	last := 0
	for range 301 {
		last, _ = w.call("/par", w.mobile, newLogin(w.mobile).pairs()...)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 301st is answered %d", last)
	}
	if status, answer := w.call("/par", w.hrm, newLogin(w.hrm).pairs()...); status != http.StatusCreated {
		t.Errorf("a client with a secret, from the same network: %d %v", status, answer)
	}
	w.clock.Advance(11 * time.Minute)
	if status, answer := w.call("/par", w.mobile, newLogin(w.mobile).pairs()...); status != http.StatusCreated {
		t.Errorf("later: %d %v", status, answer)
	}
}

// TestAPushedRequestBindsItsCodeToAKey holds RFC 9449 §10.1.
func TestAPushedRequestBindsItsCodeToAKey(t *testing.T) {
	w := on(t)
	h, l := w.holder(), newLogin(w.mobile)
	ask := func(extra ...string) answered {
		r := tokenRequest(w.mobile, l.pairs(extra...)...)
		r.URL.Path = "/par"
		return h.send(w.app, r, h.proof(http.MethodPost, "/par", ""))
	}
	ask() // for a nonce
	if got := ask("dpop_jkt", w.holder().jkt); got.body["error"] != "invalid_dpop_proof" {
		t.Errorf("another key than that of the proof: %+v", got)
	}
	got := ask()
	if got.status != http.StatusCreated {
		t.Fatalf("%+v", got)
	}
	b := w.browser()
	b.get("/authorize?" + url.Values{"client_id": {l.ClientID}, "request_uri": {got.body["request_uri"].(string)}}.Encode()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	code := l.code(t, b.leads())
	if status, answer := w.redeem(l, code); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("without the key: %d %v", status, answer)
	}
}
