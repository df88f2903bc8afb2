package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
)

// object is the RP's request, signed, but for what changes says.
func (h *holder) object(l rp, changes ...any) string {
	now := h.w.clock.Now().Unix()
	claims := map[string]any{"iss": l.ClientID, "aud": issuer, "exp": now + 60, "nbf": now}
	for p := l.pairs(); len(p) > 0; p = p[2:] {
		claims[p[0]] = p[1]
	}
	header := map[string]any{"alg": "ES256", "kid": "one", "typ": "oauth-authz-req+jwt"}
	for i := 0; i+1 < len(changes); i += 2 {
		in, name := claims, changes[i].(string)
		if inner, ok := strings.CutPrefix(name, "header "); ok {
			in, name = header, inner
		}
		if in[name] = changes[i+1]; changes[i+1] == nil {
			delete(in, name)
		}
	}
	return h.sign(header, claims)
}

// signedRequest is the address of such a request. What stands beside the object says what changes say.
func (l rp) signedRequest(object string, pairs ...string) string {
	q := url.Values{"client_id": {l.ClientID}, "redirect_uri": {l.redirect}, "state": {l.state}, "request": {object}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "/authorize?" + q.Encode()
}

func TestASignedRequestCountsAsItWasSigned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		c := w.signer(h)
		b, l := w.browser(), newLogin(c)
		at := l.signedRequest(h.object(l, "max_age", 3600, "claims", map[string]any{"id_token": map[string]any{"acr": nil}}),
			"state", "evil", "redirect_uri", "https://evil.example/", "scope", "openid offline_access", "nonce", "evil", "prompt", "none")
		b.get(at).follow().expect(http.StatusOK) // not prompt=none
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		code := l.code(t, b.leads())
		status, tokens := w.signed("/token", h.assertion(c.ClientID), "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier)
		if status != http.StatusOK || strings.Contains(tokens["scope"].(string), "offline_access") {
			t.Errorf("%d %v", status, tokens)
		}
	})
}

func TestARequestObjectIsReadStrictly(t *testing.T) {
	w := on(t)
	h, stranger := w.holder(), w.holder()
	c := w.signer(h)
	now := w.clock.Now().Unix()
	for name, change := range map[string][]any{
		"by a key nobody knows":      {"header kid", "two"},
		"without an algorithm":       {"header alg", "none"},
		"with a shared secret":       {"header alg", "HS256"},
		"of another type":            {"header typ", "at+jwt"},
		"of a critical extension":    {"header crit", []string{"x"}},
		"expired":                    {"exp", now - 300},
		"by a clock five ahead":      {"nbf", now + 300},
		"that could be a proof":      {"sub", c.ClientID},
		"with an end in words":       {"exp", "tomorrow"},
		"of another client":          {"iss", w.hrm.ClientID},
		"naming another client":      {"client_id", w.hrm.ClientID},
		"naming no client":           {"iss", nil, "client_id", nil},
		"for another server":         {"aud", "https://other.example"},
		"holding another object":     {"request", "x.y.z"},
		"holding an address":         {"request_uri", "https://payroll.example/request"},
		"with a list":                {"scope", []string{"openid"}},
		"with nothing":               {"scope", nil, "prompt", nil, "x", []any{}},
		"with a kid that is no text": {"header kid", 17},
		"with a kid of another kind": {"header kid", "../../keys' OR '1'='1"},
		"with a key of its own":      {"header kid", nil, "header jwk", stranger.jwk, "header alg", "ES384"},
		"with a key elsewhere":       {"header kid", "two", "header jku", "https://evil.example/keys"},
		"of 10 KB":                   {"x", strings.Repeat("x", 10<<10)},
	} {
		l := newLogin(c)
		b := w.browser()
		b.get(l.signedRequest(h.object(l, change...))).expect(http.StatusSeeOther)
		u := must(url.Parse(b.last.Header.Get("Location")))
		if u.Scheme+"://"+u.Host+u.Path != l.redirect || u.Query().Get("error") != "invalid_request_object" || u.Query().Get("state") != l.state {
			t.Errorf("%s: it leads to %s", name, u)
		}
	}
	l := newLogin(c)
	for name, object := range map[string]string{"a stranger's signature": stranger.object(l), "a changed one": changed(h.object(l)), "no token": "hej",
		"one that brings its own key": stranger.sign(map[string]any{"alg": "ES256", "jwk": stranger.jwk}, map[string]any{"iss": c.ClientID}),
		"one within another":          h.sign(map[string]any{"alg": "ES256", "kid": "one", "cty": "JWT"}, map[string]any{"iss": c.ClientID, "request": h.object(l)}),
		"one that is encrypted":       "e30.e30.e30.e30.e30"} {
		b := w.browser()
		if to := b.get(l.signedRequest(object)).expect(http.StatusSeeOther).last.Header.Get("Location"); !strings.Contains(to, "error=invalid_request_object") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
	l = newLogin(w.hrm)
	b := w.browser()
	if to := b.get(l.signedRequest(h.object(l))).expect(http.StatusSeeOther).last.Header.Get("Location"); !strings.Contains(to, "error=request_not_supported") {
		t.Errorf("a client without keys: it leads to %s", to)
	}
	b.get("/authorize?" + url.Values{"client_id": {c.ClientID}, "redirect_uri": {c.RedirectURIs[0]}, "request_uri": {"http://169.254.169.254/latest"}}.Encode())
	if to := b.expect(http.StatusSeeOther).last.Header.Get("Location"); !strings.Contains(to, "error=request_uri_not_supported") {
		t.Errorf("an address to fetch a request from: it leads to %s", to)
	}
}

func TestAnRPCanBeHeldToSigningAndPushing(t *testing.T) {
	w := on(t)
	h := w.holder()
	c := w.signer(h, func(rp *control.RP) { rp.RequireSigned, rp.RequirePAR = true, true })
	b, l := w.browser(), newLogin(c)
	for name, at := range map[string]string{"neither": l.authorize(), "signed alone": l.signedRequest(h.object(l))} {
		if to := b.get(at).expect(http.StatusSeeOther).last.Header.Get("Location"); !strings.Contains(to, "error=invalid_request&") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
	if status, answer := w.signed("/par", h.assertion(c.ClientID), append([]string{"client_id", c.ClientID}, l.pairs()...)...); status != http.StatusBadRequest {
		t.Errorf("pushed alone: %d %v", status, answer)
	}
	status, answer := w.signed("/par", h.assertion(c.ClientID), "client_id", c.ClientID, "request", h.object(l), "request_uri", "urn:ietf:params:oauth:request_uri:x")
	if status != http.StatusBadRequest || answer["error"] != "invalid_request" {
		t.Errorf("with an address beside it: %d %v", status, answer)
	}
	status, answer = w.signed("/par", h.assertion(c.ClientID), "client_id", c.ClientID, "request", h.object(l, "header typ", "OAuth-AuthZ-Req+JWT"))
	if status != http.StatusCreated {
		t.Fatalf("signed and pushed: %d %v", status, answer)
	}
	b.get("/authorize?" + url.Values{"client_id": {c.ClientID}, "request_uri": {answer["request_uri"].(string)}}.Encode()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	l.code(t, b.leads())
}
