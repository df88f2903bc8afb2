package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/transition"
)

var referenced = regexp.MustCompile(`\(reference ([0-9A-Z]{8})\)$`)

// TestARefusalToAnAppIsFoundByItsNumber holds each way in which an app hears of a refusal against what the operator finds by its number.
func TestARefusalToAnAppIsFoundByItsNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		find := func(number string) (found control.Refusal, err error) {
			if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
				t.Fatal(err)
			}
			return found, w.operator(http.MethodGet, "/refusals/"+number, nil, &found)
		}
		_, answer := w.call("/token", w.hrm, "grant_type", "authorization_code", "code", "wrong")
		found, err := find(strings.ToLower(answer["reference"].(string)))
		if err != nil || found.Client != w.hrm.ClientID || found.Page != "/token" || found.Status != http.StatusBadRequest || !strings.HasPrefix(found.Problem, "invalid_grant: ") {
			t.Errorf("at the token endpoint: %+v, %v", found, err)
		}
		l := newLogin(w.hrm)
		b := w.browser()
		told := must(url.Parse(b.get(l.authorize("scope", "profile")).leads())).Query()
		number := referenced.FindStringSubmatch(told.Get("error_description"))
		if number == nil {
			t.Fatalf("no number: %v", told)
		}
		if found, err = find(number[1]); err != nil || found.Page != "/authorize" || found.Problem != "invalid_scope: the scope openid is missing" || found.Client != w.hrm.ClientID {
			t.Errorf("behind a redirect: %+v, %v", found, err)
		}
		b.get(l.authorize("redirect_uri", "https://evil.example/")).expect(http.StatusBadRequest)
		if found, err = find(b.last.Header.Get("X-Request-Id")); err != nil || found.Page != "error.redirect_uri" || found.Client != w.hrm.ClientID {
			t.Errorf("on a page: %+v, %v", found, err)
		}
		for _, wrong := range []string{"AAAAAAAA", "x", url.PathEscape("' OR 1=1")} {
			if found, err := find(wrong); err == nil {
				t.Errorf("%s: %+v", wrong, found)
			}
		}
		// A program that makes a thousand mistakes takes no person's number away.
		for range 100 {
			w.call("/token", w.hrm, "grant_type", "authorization_code", "code", "wrong")
		}
		b = w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		b.post(b.action("/signin/"), "password", "fel lösenord, men långt").expect(http.StatusUnprocessableEntity)
		if found, err = find(b.last.Header.Get("X-Request-Id")); err != nil || found.Address != bosAddress || found.Page != "signin_password" {
			t.Errorf("a person's: %+v, %v", found, err)
		}
	})
}

// refusal looks a refusal up by its number, as the operator does.
func (w *world) refusal(number string) (found control.Refusal) {
	w.t.Helper()
	if err := w.app.Transition.FlushRefusals(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if err := w.operator(http.MethodGet, "/refusals/"+number, nil, &found); err != nil {
		w.t.Errorf("%q: %v", number, err)
	}
	return found
}

// TestEveryRefusalToAnAppIsFoundByItsNumber asks each endpoint for something that it refuses: the answer shows a number, by which the operator
// finds what was wrong, and with whom.
func TestEveryRefusalToAnAppIsFoundByItsNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const form, asJSON = "application/x-www-form-urlencoded", "application/json"
		own, l := w.hrm.ClientID, newLogin(w.hrm)
		basic := func(r *http.Request) { r.SetBasicAuth(own, w.hrm.ClientSecret) }
		bearer := func(token string) func(*http.Request) {
			return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
		}
		s, hint := w.program(relyingparty.TransitionRead), w.browser().tokens(w.hrm)["id_token"].(string)
		type refused struct {
			method, path, kind, body string
			by                       func(*http.Request)
			status                   int
			says, client             string // what the operator reads
		}
		all := map[string]refused{
			"an unknown app":            {"GET", l.authorize("client_id", "nobody"), "", "", nil, 400, "unknown_client; no app has the client_id nobody", ""},
			"no app":                    {"GET", l.authorize("client_id", ""), "", "", nil, 400, "/authorize: authorization request refused: malformed_request", ""},
			"an app with a code":        {"GET", l.authorize("client_id", "\x1b[2J\u009bx"), "", "", nil, 400, "no app has the client_id [2Jx", ""},
			"two apps":                  {"GET", l.authorize() + "&client_id=" + own, "", "", nil, 400, "malformed_request", own},
			"a foreign address":         {"GET", l.authorize("redirect_uri", "https://evil.example/"), "", "", nil, 400, "wrong_redirect_uri", own},
			"a request that is gone":    {"GET", l.authorize("request_uri", "urn:ietf:params:oauth:request_uri:x"), "", "", nil, 400, "expired_request", own},
			"a request that is large":   {"GET", l.authorize("state", strings.Repeat("x", 20000)), "", "", nil, 413, "/authorize", own},
			"one that is posted":        {"POST", "/authorize", form, mustURL(l.authorize("state", strings.Repeat("x", 20000))).RawQuery, nil, 413, "/authorize", ""},
			"one that cannot be read":   {"GET", "/authorize?client_id=%zz", "", "", nil, 400, "/authorize", ""},
			"a login by PUT":            {"PUT", "/authorize", form, "", nil, 405, "invalid_request: the method must be one of GET, POST", ""},
			"a bad hint":                {"GET", "/end_session?id_token_hint=x.y.z", "", "", nil, 400, "/end_session: logout request refused: malformed_request", ""},
			"an app's bad hint":         {"GET", "/end_session?id_token_hint=x.y.z&client_id=" + own, "", "", nil, 400, "malformed_request", own},
			"a logout of nobody's":      {"GET", "/end_session?client_id=nobody", "", "", nil, 400, "unknown_client; no app has the client_id nobody", ""},
			"a logout to elsewhere":     {"GET", "/end_session?post_logout_redirect_uri=https://evil.example/&client_id=" + own, "", "", nil, 400, "wrong_redirect_uri", own},
			"a logout on the page":      {"GET", "/signout?post_logout_redirect_uri=https://evil.example/&client_id=" + own, "", "", nil, 400, "/signout: logout request refused: wrong_redirect_uri", own},
			"a logout that is done":     {"GET", "/signout/done?client_id=nobody", "", "", nil, 400, "unknown_client; no app has", ""},
			"a logout with a hint":      {"GET", "/end_session?post_logout_redirect_uri=https://evil.example/&id_token_hint=" + hint, "", "", nil, 400, "wrong_redirect_uri", own},
			"a logout by PUT":           {"PUT", "/end_session", form, "", nil, 405, "invalid_request: the method", ""},
			"an unknown app's code":     {"POST", "/token", form, "client_id=nobody&grant_type=authorization_code&code=x", nil, 401, "invalid_client: client authentication failed; no app has the client_id nobody", ""},
			"no token":                  {"GET", "/userinfo", "", "", nil, 401, "no access token", ""},
			"no token that is posted":   {"POST", "/userinfo", form, "", nil, 401, "no access token", ""},
			"a bad token":               {"GET", "/userinfo", "", "", bearer("x"), 401, "invalid_token: ", ""},
			"no metadata":               {"POST", "/register", asJSON, "", nil, 400, "invalid_client_metadata: client metadata: this is no JSON", ""},
			"metadata of another kind":  {"POST", "/register", form, "", nil, 400, "client metadata: the body must be application/json", ""},
			"a registration of nobody":  {"GET", "/register/x", "", "", nil, 401, "invalid_token: ", ""},
			"the API without a token":   {"GET", apiURL + "/people", "", "", nil, 401, "no_token: ", ""},
			"the API's 403":             {"GET", apiURL + "/log", "", "", bearer(s.token), 403, "insufficient_scope: ", s.rp.ClientID},
			"the API's 404":             {"GET", "/api/v1/nothing", "", "", bearer(s.token), 404, "not_found: ", ""},
			"the API's 422":             {"GET", apiURL + "/people?wrong=Bo+Ek", "", "", bearer(s.token), 422, "request: validation failed; query.wrong: ", s.rp.ClientID},
			"another organisation's":    {"GET", "/api/v1/organisations/annan/people", "", "", bearer(s.token), 404, "not_found: ", s.rp.ClientID},
			"nothing that is there":     {"GET", apiURL + "/people/x", "", "", bearer(s.token), 404, "not_found: ", s.rp.ClientID},
			"a registration by PATCH":   {"PATCH", "/register/x", asJSON, "{}", nil, 405, "invalid_request: the method", ""},
			"a registration without it": {"PUT", "/register", asJSON, "{}", nil, 405, "invalid_request: the method", ""},
		}
		for _, path := range []string{"/token", "/par", "/revoke", "/introspect", "/device_authorization", "/backchannel_authentication"} {
			all["GET "+path] = refused{"GET", path, "", "", nil, 405, "invalid_request: the method must be one of POST", ""}
			all["PUT "+path] = refused{"PUT", path, form, "", nil, 405, "invalid_request: the method must be one of POST", ""}
			all["JSON at "+path] = refused{"POST", path, asJSON, "{}", basic, 400, "invalid_request: the body must be", own}
			all["too much at "+path] = refused{"POST", path, form, "a=" + strings.Repeat("x", 2<<20), basic, 413, "invalid_request: the body is too large", own}
			all["what is no form at "+path] = refused{"POST", path, form, "a=%zz", basic, 400, "invalid_request: the body cannot be read", own}
			all["a parameter twice at "+path] = refused{"POST", path, form, "state=a&state=a", basic, 400, "invalid_request: a parameter is repeated: state", own}
			all["a byte that is no UTF-8 at "+path] = refused{"POST", path, form, "state=%ff", basic, 400, "invalid_request: a parameter is not UTF-8: state", own}
			all["who she is twice at "+path] = refused{"POST", path, form, "token=x", func(r *http.Request) { basic(r); r.Header.Add("Authorization", "Basic eDp5") }, 400, "more than one Authorization", own}
			all["an app twice at "+path] = refused{"POST", path, form, "client_id=" + own + "&client_id=" + own, nil, 400, "a parameter is repeated: client_id", own}
			all["a wrong secret at "+path] = refused{"POST", path, form, "token=x&grant_type=refresh_token&refresh_token=x", func(r *http.Request) { r.SetBasicAuth(own, "x") }, 401, "invalid_client: ", own}
		}
		for _, path := range []string{"/check_session", "/jwks", "/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
			all["PUT "+path] = refused{"PUT", path, form, "", nil, 405, "invalid_request: the method must be one of GET", ""}
		}
		for name, one := range all {
			r := httptest.NewRequest(one.method, issuer+one.path, strings.NewReader(one.body))
			if one.kind != "" {
				r.Header.Set("Content-Type", one.kind)
			}
			if one.by != nil {
				one.by(r)
			}
			rec := w.serve(r)
			number := rec.Header().Get("X-Request-Id")
			if rec.Code != one.status || !strings.Contains(rec.Body.String(), number) {
				t.Errorf("%s: %d without its number %s: %.300s", name, rec.Code, number, rec.Body)
				continue
			}
			found := w.refusal(number)
			if found.Status != one.status || found.Client != one.client || !strings.Contains(found.Problem, one.says) || strings.Contains(found.Problem, "Bo Ek") {
				t.Errorf("%s: found %+v", name, found)
			}
			if !strings.Contains(w.log.String(), number) {
				t.Errorf("%s: not in the log", name)
			}
		}
	}, openly)
}

// TestWhoeverMakesUpAppsFillsNoTable: they share one budget, and an app that is known has its own.
func TestWhoeverMakesUpAppsFillsNoTable(t *testing.T) {
	w := on(t)
	note := func(n int, client func(int) string) string {
		for i := range n {
			w.app.Transition.NoteRefusal(transition.Refusal{Reference: secret.NewID(), At: w.clock.Now(), Status: 401, Page: "/token", Client: client(i)})
			if i%50 == 49 {
				if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		return w.askDB(`SELECT count(*) FROM refusals`)
	}
	if kept := note(2200, strconv.Itoa); kept != "2000" {
		t.Errorf("of apps that are made up %s are kept", kept)
	}
	if kept := note(2200, func(int) string { return w.hrm.ClientID }); kept != "4000" {
		t.Errorf("with those of an app %s are kept", kept)
	}
	if kept := note(50, func(int) string { return w.mobile.ClientID }); kept != "4050" {
		t.Errorf("with those of another app %s are kept", kept)
	}
	w.clock.Advance(25 * time.Hour)
	if kept := note(50, strconv.Itoa); kept != "4100" {
		t.Errorf("a day later %s are kept", kept)
	}
}

// TestAnErrorThatIsSignedHasItsNumber: a signed answer (JARM) is wrapped once, after the number is known, in every mode and on every way.
func TestAnErrorThatIsSignedHasItsNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, o := w.holder(), opener{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
		holds := func(name string, l rp, number string, told url.Values, want string) {
			t.Helper()
			if len(told) != 1 || strings.Count(told.Get("response"), ".") != 2 {
				t.Fatalf("%s: not one signed answer: %v", name, told)
			}
			got := l.response(t, told.Get("response"))
			said, _ := got["error_description"].(string)
			if got["error"] != want || got["response"] != nil || !strings.HasSuffix(said, "(reference "+number+")") || strings.Count(said, "reference") != 1 {
				t.Errorf("%s: %v, number %s", name, got, number)
			}
			if found := w.refusal(number); found.Client != l.ClientID || found.Problem+" (reference "+number+")" != want+": "+said {
				t.Errorf("%s: found %+v", name, found)
			}
		}
		c, b := w.inFront(func(rp *control.RP) { rp.AnswerSigned = "ES256" }), w.browser()
		number := func() string { return b.last.Header.Get("X-Request-Id") }
		behind := func(separator string) url.Values {
			_, answer, _ := strings.Cut(b.leads(), separator)
			return must(url.ParseQuery(answer))
		}
		for mode, separator := range map[string]string{"jwt": "?", "query.jwt": "?", "fragment.jwt": "#"} {
			l := newLogin(c)
			b.get(l.authorize("response_mode", mode, "scope", "email"))
			holds(mode, l, number(), behind(separator), "invalid_scope")
			b.get(l.authorize("response_mode", mode, "prompt", "none"))
			holds(mode+" with prompt=none", l, number(), behind(separator), "login_required")
		}
		l := newLogin(c)
		b.get(l.authorize("response_mode", "form_post.jwt", "scope", "email")).expect(http.StatusOK)
		holds("in a form", l, number(), b.fields(), "invalid_scope")
		b.get(l.authorize("response_mode", "jwt")).follow().expect(http.StatusOK)
		b.get(strings.Replace(b.at, "?", "/cancel?", 1))
		holds("a person who turns back", l, number(), behind("?"), "access_denied")
		b.get(l.authorize("response_mode", "form_post.jwt")).follow().expect(http.StatusOK)
		b.get(strings.Replace(b.at, "?", "/cancel?", 1)).expect(http.StatusOK)
		holds("a person who turns back, in a form", l, number(), b.fields(), "access_denied")
		b.get(l.authorize()).follow().expect(http.StatusOK)
		b.get(strings.Replace(b.at, "?", "/cancel?", 1))
		if got := behind("?"); got.Get("error") != "access_denied" || strings.Count(got.Get("error_description"), number()) != 1 || w.refusal(number()).Client != c.ClientID {
			t.Errorf("a person who turns back, not signed: %v", got)
		}

		sealed := newLogin(w.inFront(func(rp *control.RP) {
			rp.JWKS, rp.AnswerSigned, rp.AnswerEncryptedAlg, rp.AnswerEncryptedEnc = o.set(), "ES256", "ECDH-ES", "A256GCM"
		}))
		b.get(sealed.authorize("response_mode", "jwt", "scope", "email"))
		holds("encrypted", sealed, number(), url.Values{"response": {o.open(t, behind("?").Get("response"))}}, "invalid_scope")
		if strings.Contains(b.leads(), "invalid_scope") {
			t.Errorf("an answer that is to be encrypted: %s", b.leads())
		}

		fapi := newLogin(w.held(h, "message-signing"))
		b.get(h.pushed(fapi, "request", h.object(fapi, "response_mode", "jwt", "prompt", "none")))
		holds("FAPI 2.0 Message Signing", fapi, number(), behind("?"), "login_required")
		b.get(fapi.authorize())
		holds("FAPI 2.0, and not pushed", fapi, number(), behind("?"), "invalid_request")

		for mode, separator := range map[string]string{"query": "?", "fragment": "#"} {
			l := newLogin(c)
			b.get(l.authorize("response_mode", mode, "scope", "email"))
			if got := behind(separator); got.Get("error") != "invalid_scope" || !strings.HasSuffix(got.Get("error_description"), " (reference "+number()+")") || got.Get("iss") != issuer ||
				got.Get("state") != l.state || got.Has("response") {
				t.Errorf("%s, not signed: %v", mode, got)
			}
		}
		// Where it cannot be encrypted, nothing of it goes anywhere: a page says that something is wrong.
		gone := newLogin(w.inFront(func(rp *control.RP) {
			rp.JWKSURI, rp.AnswerSigned, rp.AnswerEncryptedAlg = "https://127.0.0.1:1/keys", "ES256", "ECDH-ES"
		}))
		b.get(gone.authorize("response_mode", "jwt", "scope", "email"))
		if b.leads() != "" || b.last.StatusCode < 400 || strings.Contains(b.body, "invalid_scope") || w.refusal(number()).Client != gone.ClientID {
			t.Errorf("keys that cannot be read: %d %s", b.last.StatusCode, b.leads())
		}
	})
}
