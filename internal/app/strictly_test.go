package app_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// TestALogoutRequestIsReadStrictly: what stands twice, or is no UTF-8, is refused before anybody is logged out or sent anywhere
// (RFC 6749 §3.1), on each page that reads such a request.
func TestALogoutRequestIsReadStrictly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.register(control.RP{Name: "Other", RedirectURIs: []string{"https://other.example/cb"}, PostLogoutRedirectURIs: []string{"https://other.example/out"}, PKCE: true})
		b := w.browser()
		hint := b.tokens(w.hrm)["id_token"].(string)
		out := "post_logout_redirect_uri=" + url.QueryEscape(hrmURL+"/out")
		for name, q := range map[string]string{
			"a state twice":            out + "&state=a&state=b",
			"the same state twice":     out + "&state=a&state=a",
			"two addresses":            out + "&post_logout_redirect_uri=https://other.example/out",
			"the same address twice":   out + "&" + out,
			"two apps":                 out + "&client_id=" + w.hrm.ClientID + "&client_id=" + other.ClientID,
			"two hints":                out + "&id_token_hint=x",
			"the same hint twice":      out + "&id_token_hint=" + hint,
			"something unknown twice":  out + "&x=1&x=1",
			"a state that is no UTF-8": out + "&state=%ff",
			"a name that is no UTF-8":  out + "&%ff=1",
		} {
			q = "id_token_hint=" + hint + "&" + q
			for _, path := range []string{"/end_session?", "/signout?", "/signout/done?"} {
				if b.get(path + q).expect(http.StatusBadRequest); b.leads() != "" {
					t.Errorf("%s at %s leads to %q", name, path, b.leads())
				}
				w.refusal(b.last.Header.Get("X-Request-Id"))
			}
			rec := w.serve(crossSite("/end_session", must(url.ParseQuery(q))))
			if b.get(rec.Header().Get("Location")).expect(http.StatusBadRequest); b.leads() != "" {
				t.Errorf("%s by POST leads to %q", name, b.leads())
			}
		}
		b.get("/account").expect(http.StatusOK) // nobody was logged out
		b.get("/end_session?id_token_hint=" + hint + "&" + out + "&state=a").expect(http.StatusSeeOther)
		if b.leads() != hrmURL+"/out?state=a" {
			t.Errorf("leads to %q", b.leads())
		}
		// Who changes our own page's form chooses none of two addresses.
		b = w.browser()
		b.tokens(w.hrm)
		b.post("/signout", "client_id", w.hrm.ClientID, "post_logout_redirect_uri", hrmURL+"/out", "post_logout_redirect_uri", hrmURL+"/out").follow().expect(http.StatusBadRequest)
	})
}

// TestEachParameterOfARequestStandsOnce says every parameter of a request twice, also with the same value, and with a byte that is no UTF-8.
func TestEachParameterOfARequestStandsOnce(t *testing.T) {
	w := on(t)
	l := newLogin(w.hrm)
	whole := l.authorize("resource", "https://api.example/", "x", "1")
	for name, v := range mustURL(whole).Query() {
		for kind, more := range map[string]string{"twice": url.QueryEscape(v[0]), "with another": "x", "with a byte": "%ff"} {
			b := w.browser()
			b.get(whole + "&" + name + "=" + more)
			to := b.leads()
			switch {
			case name == "client_id" || name == "redirect_uri":
				b.expect(http.StatusBadRequest)
			case name == "resource" && !strings.Contains(to, "error=invalid_target&"), name != "resource" && !strings.Contains(to, "error=invalid_request&"):
				t.Errorf("%s %s: %d %s", name, kind, b.last.StatusCode, to)
			}
		}
	}
	b := w.browser()
	b.get(l.authorize() + "&x=%ff").expect(http.StatusSeeOther)
	if !strings.Contains(b.leads(), "error=invalid_request&") {
		t.Errorf("a byte: %s", b.leads())
	}
}

// TestWhatStandsBesideAPushedRequestIsReadStrictly: a request has one name, and nothing beside it stands twice. The app is told where the
// request that it pushed says.
func TestWhatStandsBesideAPushedRequestIsReadStrictly(t *testing.T) {
	w := on(t)
	h := w.holder()
	for app, c := range map[string]control.RP{"with keys": w.signer(h), "without": w.hrm} {
		l := newLogin(c)
		var at string
		if app == "without" {
			at = w.push(l)
		} else {
			_, answer := w.signed("/par", h.assertion(c.ClientID), append([]string{"client_id", c.ClientID}, l.pairs()...)...)
			at = "/authorize?" + url.Values{"client_id": {c.ClientID}, "request_uri": {answer["request_uri"].(string)}}.Encode()
		}
		uri := url.QueryEscape(mustURL(at).Query().Get("request_uri"))
		for name, more := range map[string]string{
			"its name twice":             "request_uri=" + uri,
			"another name":               "request_uri=https://evil.example/",
			"an object":                  "request=" + h.object(l),
			"an object that is empty":    "request=",
			"a state twice":              "state=a&state=b",
			"a state that is no UTF-8":   "state=%ff",
			"an address twice, and evil": "redirect_uri=https://evil.example/&redirect_uri=https://evil.example/",
		} {
			b := w.browser()
			b.get(at + "&" + more).expect(http.StatusSeeOther)
			if to := mustURL(b.leads()).Query(); !strings.HasPrefix(b.leads(), l.redirect+"?") || to.Get("error") != "invalid_request" || to.Get("state") != l.state {
				t.Errorf("%s, %s: %s", app, name, b.leads())
			}
		}
		b := w.browser()
		b.get(at + "&state=a").follow().expect(http.StatusOK) // what stands there once counts for nothing
	}
	c := w.signer(h)
	l := newLogin(c)
	b := w.browser()
	b.get(l.signedRequest(h.object(l)) + "&state=twice").expect(http.StatusSeeOther)
	if !strings.HasPrefix(b.leads(), l.redirect+"?error=invalid_request&") {
		t.Errorf("beside a signed request: %s", b.leads())
	}
}

// signText signs claims as they are written.
func (h *holder) signText(header map[string]any, claims string) string {
	signed := b64(must(json.Marshal(header))) + "." + b64([]byte(claims))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, h.key, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// TestWhatIsSignedIsReadInOneWayAlone: in an assertion and in a request object no name stands twice, capitals are other names, and every byte
// is UTF-8 (RFC 7519 §4, RFC 8259 §8.1).
func TestWhatIsSignedIsReadInOneWayAlone(t *testing.T) {
	w := on(t)
	h := w.holder()
	c := w.signer(h)
	text := func(token string) string { return string(must(json.Marshal(claims(t, token)))) }
	for name, change := range map[string]func(string) string{
		"":                      func(s string) string { return s },
		"an end twice":          func(s string) string { return strings.Replace(s, `{`, `{"exp":1,`, 1) },
		"the same issuer twice": func(s string) string { return strings.Replace(s, `{`, `{"iss":"`+c.ClientID+`",`, 1) },
		"one with an escape":    func(s string) string { return strings.Replace(s, `{`, `{"i\u0073s":"`+c.ClientID+`",`, 1) },
		"one in capitals":       func(s string) string { return strings.Replace(s, `{`, `{"ISS":"`+c.ClientID+`",`, 1) },
		"a member below twice":  func(s string) string { return strings.Replace(s, `{`, `{"x":{"a":1,"a":1},`, 1) },
		"too deep":              func(s string) string { return strings.Replace(s, `{`, `{"x":[[[[[[[[1]]]]]]]],`, 1) },
		"a byte":                func(s string) string { return strings.Replace(s, `{`, "{\"x\":\"\xff\",", 1) },
		"another value":         func(s string) string { return s + "{}" },
		"all in capitals": func(s string) string {
			return strings.NewReplacer("iss", "ISS", "sub", "SUB", "exp", "EXP", "jti", "JTI").Replace(s)
		},
		"a subject in capitals": func(s string) string { return strings.Replace(s, `"sub"`, `"Sub"`, 1) },
		"an end in capitals":    func(s string) string { return strings.Replace(s, `"exp"`, `"Exp"`, 1) },
	} {
		assertion := h.signText(map[string]any{"alg": "ES256", "kid": "one"}, change(text(h.assertion(c.ClientID))))
		status, answer := w.signed("/token", assertion, "grant_type", "refresh_token", "refresh_token", "x")
		if want := map[bool]string{true: "invalid_grant", false: "invalid_client"}[name == ""]; answer["error"] != want {
			t.Errorf("an assertion, %s: %d %v", name, status, answer)
		}
		l := newLogin(c)
		b := w.browser()
		object := change(text(h.object(l, "sub", "x")))
		b.get(l.signedRequest(h.signText(map[string]any{"alg": "ES256", "kid": "one"}, object)))
		refused := strings.Contains(b.leads(), "error=invalid_request_object")
		if needsNone := name == "" || strings.HasSuffix(name, "in capitals") && name != "one in capitals"; refused == needsNone { // its client_id is enough
			t.Errorf("a request object, %s: %s", name, b.leads())
		}
	}
	for name, more := range map[string]string{"a scope twice": `"scope":"openid email"`, "claims with a name twice": `"claims":{"id_token":{"acr":null,"acr":null}}`} {
		l := newLogin(c)
		b := w.browser()
		b.get(l.signedRequest(h.signText(map[string]any{"alg": "ES256", "kid": "one"}, "{"+more+","+text(h.object(l))[1:])))
		if !strings.Contains(b.leads(), "error=invalid_request_object") {
			t.Errorf("%s: %s", name, b.leads())
		}
	}
	l := newLogin(w.hrm)
	for name, text := range map[string]string{"twice": `{"id_token":{"acr":null},"id_token":{}}`, "beside capitals": `{"id_token":{},"ID_TOKEN":{}}`} {
		b := w.browser()
		b.get(l.authorize("claims", text))
		if !strings.Contains(b.leads(), "error=invalid_request&") {
			t.Errorf("claims %s: %s", name, b.leads())
		}
	}
}

// TestARequestObjectFromAClockAheadIsTaken: iat says when it was made, and forbids nothing (RFC 7519 §4.1.6); nbf does.
func TestARequestObjectFromAClockAheadIsTaken(t *testing.T) {
	w := on(t)
	h := w.holder()
	c := w.signer(h)
	l, b := newLogin(c), w.browser()
	now := w.clock.Now().Unix()
	b.get(l.signedRequest(h.object(l, "iat", now+300, "nbf", nil, "exp", now+600))).follow().expect(http.StatusOK).shows("E-postadress")
	b.get(l.signedRequest(h.object(l, "iat", now+300, "nbf", now+300, "exp", now+600)))
	if !strings.Contains(b.leads(), "error=invalid_request_object") {
		t.Errorf("with nbf: %s", b.leads())
	}
}

// TestAnAssertionMayNameTheEndpointThatItIsFor: RFC 7523 §3 lets it, at each that takes one.
func TestAnAssertionMayNameTheEndpointThatItIsFor(t *testing.T) {
	w := on(t)
	h := w.holder()
	c := w.signer(h, func(rp *control.RP) {
		rp.GrantTypes = []string{relyingparty.AuthorizationCode, relyingparty.RefreshToken, relyingparty.DeviceCode}
	})
	for _, path := range []string{"/token", "/par", "/introspect", "/revoke", "/backchannel_authentication", "/device_authorization"} {
		r := func(aud string) any {
			_, answer := w.signed(path, h.assertion(c.ClientID, "aud", aud), "token", "x", "scope", "openid", "grant_type", "refresh_token", "refresh_token", "x")
			return answer["error"]
		}
		if got := r(issuer + path); got == "invalid_client" {
			t.Errorf("%s: %v", path, got)
		}
		for _, foreign := range []string{issuer + path + "/", "https://other.example" + path, issuer + "/userinfo"} {
			if got := r(foreign); got != "invalid_client" {
				t.Errorf("%s for %s: %v", path, foreign, got)
			}
		}
	}
}
