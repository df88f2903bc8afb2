package app_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/store"
)

// inFront registers an RP for all response types.
func (w *world) inFront(change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: "Old app", RedirectURIs: []string{hrmURL + "/old"}, RefreshTokens: true,
		Options: control.Options{ResponseTypes: []string{"code", "id_token", "token id_token", "code id_token", "code token", "code id_token token"}}}
	for _, f := range change {
		f(&rp)
	}
	return w.register(rp)
}

// fragment is what stands behind the RP's address.
func (l rp) fragment(t testing.TB, location string) url.Values {
	t.Helper()
	at, fragment, ok := strings.Cut(location, "#")
	q, err := url.ParseQuery(fragment)
	if !ok || err != nil || at != l.redirect || q.Get("state") != l.state || q.Get("iss") != issuer {
		t.Fatalf("not a good response: %q", location)
	}
	return q
}

func half(value string) string {
	sum := sha256.Sum256([]byte(value))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// TestTokensComeByWayOfTheBrowserWhereAnAppIsRegisteredForThem holds each response type against what it brings (OIDC Core §3.2.2.5, §3.3.2.5).
func TestTokensComeByWayOfTheBrowserWhereAnAppIsRegisteredForThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, b := w.inFront(), w.browser()
		l := newLogin(c)
		b.get(l.authorize("response_type", "id_token")).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		if l.fragment(t, b.leads()).Get("id_token") == "" {
			t.Errorf("after the password: %s", b.leads())
		}
		l = newLogin(c)
		form := b.get(l.authorize("response_type", "id_token", "response_mode", "form_post")).posted(l)
		if claims(t, form.Get("id_token"))["urn:portvakt:person"] == nil {
			t.Errorf("in a form: %v", form)
		}
		for kind, tokens := range map[string]string{"code": "code", "id_token": "id_token", "token id_token": "id_token token", "code id_token": "code id_token",
			"code token": "code token", "token id_token code": "code id_token token"} {
			l := newLogin(c)
			b.get(l.authorize("response_type", kind, "response_mode", "fragment")).expect(http.StatusSeeOther)
			got := l.fragment(t, b.leads())
			for word, name := range map[string]string{"code": "code", "id_token": "id_token", "token": "access_token", "refresh": "refresh_token"} {
				if got.Has(name) != slices.Contains(strings.Fields(tokens), word) {
					t.Errorf("%s: %v", kind, got)
				}
			}
			access := got.Get("access_token")
			if access != "" {
				if status, info := w.userinfo(access); got.Get("token_type") != "Bearer" || got.Get("expires_in") != "600" || status != http.StatusOK || info["email"] != bosAddress {
					t.Errorf("%s: %v: %d %v", kind, got, status, info)
				}
			}
			if got.Has("id_token") {
				id := claims(t, got.Get("id_token"))
				if id["nonce"] != l.nonce || id["aud"] != c.ClientID || id["sub"] == nil || id["acr"] != "urn:portvakt:pwd" || id["sid"] == nil || id["auth_time"] == nil {
					t.Errorf("%s: %v", kind, id)
				}
				for name, of := range map[string]string{"at_hash": access, "c_hash": got.Get("code"), "s_hash": l.state} {
					if of == "" && id[name] != nil || of != "" && id[name] != half(of) {
						t.Errorf("%s: %s of %v", kind, name, id)
					}
				}
				// What a token fetches stands in none: only where nobody ever fetches it (§5.4).
				if alone := kind == "id_token"; alone != (id["email"] == bosAddress) || alone != (id["given_name"] == "Bo") || id["urn:portvakt:person"] != nil { // a key stands in no address
					t.Errorf("%s: %v", kind, id)
				}
			}
			if got.Has("code") {
				status, answer := w.redeem(l, got.Get("code"))
				if status != http.StatusOK || answer["refresh_token"] == nil || claims(t, answer["id_token"].(string))["c_hash"] != nil || claims(t, answer["id_token"].(string))["s_hash"] != nil {
					t.Errorf("%s: %d %v", kind, status, answer)
				}
			}
		}
	})
}

func TestTokensThatCameByWayOfTheBrowserEndWithTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		listener := w.listens("front", "ES256")
		if err := w.operator(http.MethodPatch, "/relying-parties/"+listener.rp.ClientID, control.RPChange{Metadata: json.RawMessage(`{"response_types":["id_token","id_token token"]}`)}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		l := newLogin(listener.rp)
		before := w.app.DB.Counts()
		b.get(l.authorize("response_type", "id_token token", "code_challenge", "", "code_challenge_method", "", "scope", "openid offline_access"))
		if cost := minus(w.app.DB.Counts(), before); cost != (store.Counts{Reads: 1, Writes: 4, Commits: 1}) {
			t.Errorf("it cost %+v: one more is a decision", cost)
		}
		got := l.fragment(t, b.leads())
		b.get("/account").shows("front")
		if strings.Contains(w.log.String(), got.Get("access_token")) {
			t.Error("the log has a token")
		}
		b.post("/signout")
		w.deliver()
		if status, _ := w.userinfo(got.Get("access_token")); status != http.StatusUnauthorized || len(listener.heard()) != 1 {
			t.Errorf("after the sign-out: %d, and the app was told %d times", status, len(listener.heard()))
		}
		if to := b.get(l.authorize("response_type", "id_token", "prompt", "none")).leads(); l.fragment(t, to).Get("error") != "login_required" {
			t.Errorf("nobody is signed in: %s", to)
		}
		if to := b.get(l.authorize()).leads(); !strings.Contains(to, "?error=unsupported_response_type") {
			t.Errorf("a code, for which it is not registered: %s", to)
		}
	})
}

func TestAResponseTypeIsReadStrictly(t *testing.T) {
	w := on(t)
	c, b := w.inFront(), w.browser()
	for name, test := range map[string]struct {
		rp    control.RP
		pairs []string
		want  string // behind the address
	}{
		"an app that is not registered for it": {w.hrm, []string{"response_type", "id_token"}, "?error=unsupported_response_type"},
		"a token alone":                        {c, []string{"response_type", "token"}, "?error=unsupported_response_type"},
		"none at all":                          {c, []string{"response_type", ""}, "?error=invalid_request"},
		"a word twice":                         {c, []string{"response_type", "code code"}, "?error=unsupported_response_type"},
		"tokens in the query":                  {c, []string{"response_type", "id_token", "response_mode", "query"}, "#error=invalid_request"},
		"an unknown mode":                      {c, []string{"response_type", "id_token", "response_mode", "smoke"}, "#error=invalid_request"},
		"an unknown mode for a code":           {c, []string{"response_mode", "smoke"}, "?error=invalid_request"},
		"an ID token without a nonce":          {c, []string{"response_type", "code id_token", "nonce", ""}, "#error=invalid_request"},
		"another fault":                        {c, []string{"response_type", "code id_token", "scope", "email"}, "#error=invalid_scope"},
	} {
		l := newLogin(test.rp)
		b.get(l.authorize(test.pairs...)).expect(http.StatusSeeOther)
		if to := b.leads(); !strings.HasPrefix(to, l.redirect+test.want) {
			t.Errorf("%s: %s", name, to)
		}
	}
	l := newLogin(c)
	if got := b.get(l.authorize("response_type", "code id_token", "response_mode", "form_post", "prompt", "none")).posted(l).Get("error"); got != "login_required" {
		t.Errorf("an error in a form: %q", got)
	}
	for text, change := range map[string]func(*control.RP){
		"a response type is one of": func(rp *control.RP) { rp.ResponseTypes = []string{"token"} },
		"bound to its key":          func(rp *control.RP) { rp.ResponseTypes, rp.RequireDPoP = []string{"code token"}, true },
	} {
		rp := control.RP{Name: "Payroll", RedirectURIs: []string{"https://payroll.example.com/callback"}, PKCE: true}
		change(&rp)
		w.refuses(http.MethodPost, "/relying-parties", rp, text)
	}
}

// TestAnAnswerThatNoGrantStandsBehindCostsOneRead: beside a code there is no row before its redemption, signed or not.
func TestAnAnswerThatNoGrantStandsBehindCostsOneRead(t *testing.T) {
	w := on(t)
	c, b := w.inFront(func(rp *control.RP) { rp.AnswerSigned = "ES256" }), w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	for _, kind := range []string{"code", "code id_token"} {
		before := w.app.DB.Counts()
		b.get(newLogin(c).authorize("response_type", kind, "response_mode", "jwt")).expect(http.StatusSeeOther)
		if cost := minus(w.app.DB.Counts(), before); cost != (store.Counts{Reads: 1}) {
			t.Errorf("%s cost %+v: one more is a decision", kind, cost)
		}
	}
}

func TestDiscoveryTellsOfTheWaysToAnswer(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.get("/.well-known/openid-configuration").expect(http.StatusOK)
	var doc map[string]any
	if err := json.Unmarshal([]byte(b.body), &doc); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"response_types_supported": "code id_token token", "response_modes_supported": "form_post.jwt", "grant_types_supported": "implicit",
		"id_token_signing_alg_values_supported": "EdDSA", "id_token_encryption_alg_values_supported": "ECDH-ES", "authorization_signing_alg_values_supported": "PS256"} {
		if all, _ := doc[name].([]any); !slices.Contains(all, any(want)) {
			t.Errorf("%s: %v", name, doc[name])
		}
	}
	if doc["frontchannel_logout_supported"] != true || doc["frontchannel_logout_session_supported"] != true || doc["check_session_iframe"] != issuer+"/check_session" {
		t.Errorf("%v", doc)
	}
	for name := range doc {
		if strings.Contains(b.body, "RSA1_5") || strings.Contains(b.body, `"none"`) && strings.HasSuffix(name, "_alg_values_supported") && slices.Contains(doc[name].([]any), any("none")) {
			t.Errorf("%s: %v", name, doc[name])
		}
	}
}

// TestACodeUsedTwiceEndsAlsoTheTokensThatCameBesideIt: whoever stole the code has seen them too.
func TestACodeUsedTwiceEndsAlsoTheTokensThatCameBesideIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c, b := w.inFront(), w.browser()
		b.tokens(w.hrm)
		l := newLogin(c)
		got := l.fragment(t, b.get(l.authorize("response_type", "code token")).leads())
		w.redeem(l, got.Get("code"))
		if status, _ := w.userinfo(got.Get("access_token")); status != http.StatusOK {
			t.Errorf("before: %d", status)
		}
		w.redeem(l, got.Get("code"))
		if status, _ := w.userinfo(got.Get("access_token")); status != http.StatusUnauthorized {
			t.Errorf("after: %d", status)
		}
	})
}
