package app_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/store"
)

// described registers an app with client metadata, as --metadata FILE does.
func (w *world) described(metadata string, change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true}
	for _, f := range change {
		f(&rp)
	}
	if err := control.ReadMetadata([]byte(metadata), &rp); err != nil {
		w.t.Fatal(err)
	}
	return w.register(rp)
}

func TestUserinfoIsSignedForAnAppThatAsksForIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, alg := range []string{"ES256", "RS256"} {
			rp := w.described(`{"userinfo_signed_response_alg": "` + alg + `"}`)
			tokens := w.browser().tokens(rp)
			r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
			r.Header.Set("Authorization", "Bearer "+tokens["access_token"].(string))
			ctx, tally := store.WithTally(r.Context())
			rec := httptest.NewRecorder()
			w.app.Handler().ServeHTTP(rec, r.WithContext(ctx))
			if got := tally.Counts(); got != (store.Counts{Reads: 1}) {
				t.Errorf("it cost %+v", got)
			}
			if rec.Code != http.StatusOK || rec.Header().Get("Content-Type") != "application/jwt" || header(t, rec.Body.String())["alg"] != alg {
				t.Fatalf("%s: %d %v %s", alg, rec.Code, rec.Header(), rec.Body)
			}
			told := claims(t, rec.Body.String())
			if told["iss"] != issuer || told["aud"] != rp.ClientID || told["sub"] != claims(t, tokens["id_token"].(string))["sub"] || told["given_name"] != "Bo" {
				t.Errorf("%v", told)
			}
			// It is no ID token: nobody is signed out by it without a question.
			b := w.browser()
			b.get("/end_session?" + url.Values{"id_token_hint": {rec.Body.String()}}.Encode()).expect(http.StatusBadRequest)
		}
	})
}

func TestWhatARequestDoesNotSayTheRegistrationSays(t *testing.T) {
	w := on(t)
	rp := w.described(`{"default_max_age": 60, "default_acr_values": ["urn:portvakt:pwd"], "require_auth_time": true}`)
	b, l := w.browser(), newLogin(rp)
	b.signIn(l, bosAddress, bosPass)
	w.clock.Advance(30 * time.Second)
	b.get(l.authorize())
	if _, tokens := w.redeem(l, l.code(t, b.leads())); claims(t, tokens["id_token"].(string))["auth_time"] == nil {
		t.Errorf("no auth_time in %v", tokens)
	}
	w.clock.Advance(time.Minute)
	if b.get(l.authorize()); strings.HasPrefix(b.leads(), l.redirect) {
		t.Error("a sign-in that is older than default_max_age counts")
	}
	b.get(l.authorize("max_age", "3600"))
	l.code(t, b.leads()) // what the request says goes first
	if b.get(l.authorize("prompt", "none")); !strings.Contains(b.leads(), "error=login_required") {
		t.Errorf("it leads to %s", b.leads())
	}
}

// TestARequestIsFetchedFromARegisteredAddressAlone holds OIDC Core §6.2.
func TestARequestIsFetchedFromARegisteredAddressAlone(t *testing.T) {
	w := on(t)
	h := w.holder()
	var object atomic.Value
	object.Store("")
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		switch r.URL.Path {
		case "/away":
			http.Redirect(rw, r, "http://169.254.169.254/", http.StatusFound)
		case "/large":
			rw.Write([]byte(strings.Repeat("x", 100<<10))) //nolint:errcheck // a test's server
		default:
			rw.Write([]byte(object.Load().(string))) //nolint:errcheck // a test's server
		}
	}))
	t.Cleanup(server.Close)
	uris, err := json.Marshal([]string{server.URL + "/request", server.URL + "/away", server.URL + "/large", "http://127.0.0.1:1/gone", "https://192.168.0.1/inside"})
	if err != nil {
		t.Fatal(err)
	}
	rp := w.described(`{"request_object_signing_alg": "ES256", "request_uris": `+string(uris)+`}`, func(rp *control.RP) { rp.JWKS = h.set("one") })
	l := newLogin(rp)
	object.Store(h.object(l))
	by := func(uri string, pairs ...string) string {
		q := url.Values{"client_id": {rp.ClientID}, "redirect_uri": {l.redirect}, "state": {l.state}, "request_uri": {uri}}
		for i := 0; i+1 < len(pairs); i += 2 {
			q.Set(pairs[i], pairs[i+1])
		}
		return "/authorize?" + q.Encode()
	}
	hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return b64(sum[:]) }
	b := w.browser()
	b.get(by(server.URL+"/request#"+hash(object.Load().(string)), "prompt", "none", "scope", "openid offline_access")).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	if status, tokens := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK || strings.Contains(tokens["scope"].(string), "offline") {
		t.Errorf("%d %v", status, tokens)
	}
	before := asked.Load()
	for name, uri := range map[string]string{
		"another address of the same server": server.URL + "/other",
		"one more character":                 server.URL + "/request?x",
		"a private network":                  "http://169.254.169.254/latest",
		"no address at all":                  "hej",
	} {
		if to := b.get(by(uri)).leads(); !strings.HasPrefix(to, l.redirect+"?") || !strings.Contains(to, "error=invalid_request_uri") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
	if asked.Load() != before {
		t.Error("what is not registered was fetched")
	}
	for name, uri := range map[string]string{
		"the hash of something else":    server.URL + "/request#" + hash("something else"),
		"a redirect":                    server.URL + "/away",
		"100 KB":                        server.URL + "/large",
		"nobody there":                  "http://127.0.0.1:1/gone",
		"a registered, private network": "https://192.168.0.1/inside",
	} {
		if to := b.get(by(uri)).leads(); !strings.Contains(to, "error=invalid_request_uri") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
	if to := b.get(by(server.URL+"/request", "request", h.object(l))).leads(); !strings.Contains(to, "error=invalid_request&") {
		t.Errorf("two objects: it leads to %s", to)
	}
	for name, bad := range map[string]string{"another alg": h.object(l, "header alg", "RS256"), "unsigned": h.object(l, "header alg", "none"), "nothing": "",
		"one that names another": h.object(l, "request_uri", server.URL+"/request")} {
		object.Store(bad)
		if to := b.get(by(server.URL + "/request")).leads(); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
}

func TestMetadataThatIsOfNoUseIsRefused(t *testing.T) {
	w := on(t)
	for name, metadata := range map[string]string{
		"a name nobody knows":    `{"default_max_agee": 5}`,
		"a negative age":         `{"default_max_age": -1}`,
		"an age in words":        `{"default_max_age": "60"}`,
		"alg none for userinfo":  `{"userinfo_signed_response_alg": "none"}`,
		"alg none for requests":  `{"request_object_signing_alg": "none"}`,
		"a policy over http":     `{"policy_uri": "http://payroll.example/policy"}`,
		"a script for a page":    `{"tos_uri": "javascript:alert(1)"}`,
		"a request over http":    `{"request_uris": ["http://payroll.example/r"]}`,
		"a request of no server": `{"request_uris": ["urn:ietf:params:oauth:request_uri:x"]}`,
		"an unknown application": `{"application_type": "desktop"}`,
		"an unknown grant type":  `{"grant_types": ["password"]}`,
		"a line in a contact":    `{"contacts": ["a@b.example\nX: y"]}`,
		"a hundred contacts":     `{"contacts": [` + strings.Repeat(`"a@b.example",`, 99) + `"a@b.example"]}`,
		"no object":              `["a"]`,
		"a web app on a phone":   `{"application_type": "web"}`,
	} {
		rp := control.RP{Name: "Payroll", RedirectURIs: []string{"com.example.payroll:/done"}, Public: true, PKCE: true}
		err := control.ReadMetadata([]byte(metadata), &rp)
		if err == nil {
			err = w.operator(http.MethodPost, "/relying-parties", rp, new(control.RP))
		}
		if err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	rp := w.described(`{"contacts": ["ops@payroll.example"], "logo_uri": "https://payroll.example/logo.png", "grant_types": ["refresh_token"], "default_max_age": 60}`)
	if rp.DefaultMaxAge == nil || len(rp.Contacts) != 1 {
		t.Errorf("%+v", rp)
	}
	var changed control.RP
	change := control.RPChange{Metadata: json.RawMessage(`{"default_max_age": null, "contacts": ["it@payroll.example"]}`)}
	if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, change, &changed); err != nil || changed.DefaultMaxAge != nil || changed.Contacts[0] != "it@payroll.example" || changed.LogoURI == "" {
		t.Errorf("%v %+v", err, changed)
	}
	for _, way := range []string{`{"token_endpoint_auth_method": "client_secret_jwt"}`, `{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://payroll.example/jwks"}`} {
		w.refuses(http.MethodPatch, "/relying-parties/"+rp.ClientID, control.RPChange{Metadata: json.RawMessage(way)}, "register it anew")
	}
	w.refuses(http.MethodPatch, "/relying-parties/"+w.mobile.ClientID, control.RPChange{Metadata: json.RawMessage(`{"token_endpoint_auth_method": "client_secret_basic"}`)}, "register it anew")
	l := newLogin(rp)
	if status, answer := w.redeem(l, l.code(t, w.browser().signIn(l, bosAddress, bosPass))); status != http.StatusBadRequest || answer["error"] != "unauthorized_client" {
		t.Errorf("a grant type that it is not registered for: %d %v", status, answer)
	}
}

func TestARequestInAnotherEncodingIsRefused(t *testing.T) {
	w := on(t)
	b, l := w.browser(), newLogin(w.hrm)
	for name, pair := range map[string][]string{"Latin-1": {"login_hint", "bj\xf6rn@foretaget.example"}, "a cut character": {"nonce", "x\xe2\x82"}, "a name": {"\xff", "x"}} {
		if to := b.get(l.authorize(pair...)).expect(http.StatusSeeOther).leads(); !strings.HasPrefix(to, l.redirect+"?") || !strings.Contains(to, "error=invalid_request&") {
			t.Errorf("%s: it leads to %s", name, to)
		}
	}
}

func TestAWebAppMayBeOnThisMachineButNotForTokensByWayOfTheBrowser(t *testing.T) {
	w := on(t)
	local := func(rp *control.RP) { rp.RedirectURIs = []string{"https://localhost:8443/callback"} }
	w.described(`{"application_type": "web", "grant_types": ["authorization_code"]}`, local)
	rp := control.RP{Name: "Payroll", RedirectURIs: []string{"https://localhost:8443/callback"}, PKCE: true}
	if err := control.ReadMetadata([]byte(`{"application_type": "web", "grant_types": ["implicit"], "response_types": ["id_token"]}`), &rp); err != nil {
		t.Fatal(err)
	}
	w.refuses(http.MethodPost, "/relying-parties", rp, "not localhost")
}

func TestThePolicyAndTheTermsOfAnAppAreLinksAndItsPictureIsNotLoaded(t *testing.T) {
	w := on(t)
	rp := w.described(`{"policy_uri": "https://payroll.example/policy", "tos_uri": "https://payroll.example/terms", "logo_uri": "https://payroll.example/logo.png"}`)
	b := w.browser()
	b.get(newLogin(rp).authorize()).follow().expect(http.StatusOK).shows("Så använder Payroll dina uppgifter").shows("Villkor för Payroll")
	for want, there := range map[string]bool{`href="https://payroll.example/policy"`: true, `href="https://payroll.example/terms"`: true, "logo.png": false} {
		if strings.Contains(b.body, want) != there {
			t.Errorf("%s: %t", want, !there)
		}
	}
	if b.get(newLogin(w.hrm).authorize()).follow(); strings.Contains(b.body, "Villkor") {
		t.Error("an app without terms has a link to them")
	}
}
