package hrm

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const loginButton = `<a class="button" href="/login">Logga in</a>`

func TestTheStartPageNamesNobody(t *testing.T) {
	w := newWorld(t)
	w.wantPage(w.get("/"), http.StatusOK, loginButton)
	if strings.Contains(w.page("/"), "Hej") {
		t.Error("greets a stranger")
	}
}

func TestTheRequestIsCodeFlowWithPKCE(t *testing.T) {
	w := newWorld(t)
	q := w.begin("/login?login_hint=anna@foretaget.example&lang=en")
	want := map[string]string{
		"response_type": "code", "client_id": "hrm", "redirect_uri": w.url + "/callback",
		"scope": "openid profile email person company", "code_challenge_method": "S256",
		"login_hint": "anna@foretaget.example", "ui_locales": "en",
	}
	for name, value := range want {
		if q.Get(name) != value {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(name)) < 22 {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
}

func TestAnnaIsGreetedByHerFirstName(t *testing.T) {
	w := newWorld(t)
	request := w.begin("/login")
	res := w.finish(request)
	if res.Header.Get("Location") != "/" || !w.challengeFits(request) {
		t.Errorf("callback: %s %v", res.Status, w.op.request)
	}
	w.wantPage(w.get("/"), http.StatusOK, "Hej Anna!", "Företaget AB", "Logga ut", "Logga ut bara här")
	w.wantPage(w.get("/payslips"), http.StatusOK, "Att få ut", "kr</td>")
	w.wantPage(w.get("/time"), http.StatusOK, "Tidrapport", "Rast")
}

func TestTheSessionCookieIsShutIn(t *testing.T) {
	w := newWorld(t)
	for _, c := range w.finish(w.begin("/login")).Cookies() {
		if c.Name == sessionCookie && (!c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure) {
			t.Errorf("cookie %v", c)
		}
	}
	tls := Config{BaseURL: "https://hrm.example"}
	if !tls.cookie("x", "y", time.Hour).Secure {
		t.Error("not Secure behind TLS")
	}
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	w := newWorld(t)
	first, second := w.begin("/login"), w.begin("/login")
	for _, request := range []url.Values{second, first} {
		if res := w.finish(request); res.StatusCode != http.StatusSeeOther {
			t.Errorf("tab: %s", res.Status)
		}
	}
}

func TestABrowserCarriesFewLoginsUnderWay(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		w.begin("/login")
		w.now = w.now.Add(time.Second)
	}
	base, _ := url.Parse(w.url)
	if n := len(w.browser.Jar.Cookies(base)); n > maxAttempts {
		t.Errorf("%d cookies", n)
	}
	w.signIn()
}

func TestAStateExpiresAfterFifteenMinutes(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{15*time.Minute - time.Second, http.StatusSeeOther}, {15 * time.Minute, http.StatusBadRequest}} {
		w := newWorld(t)
		request := w.begin("/login")
		w.now = w.now.Add(c.after)
		if res := w.finish(request); res.StatusCode != c.want {
			t.Errorf("after %v: %s", c.after, res.Status)
		}
	}
}

func TestAnUnknownStateShowsAWayOn(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/callback", "/callback?code=c&state=x", "/callback?error=access_denied&state=x"} {
		w.wantPage(w.get(path), http.StatusBadRequest, "hann bli för gammal", loginButton, "Referens")
	}
}

func TestAStateOfAnotherBrowserIsRefused(t *testing.T) {
	w := newWorld(t)
	request := w.begin("/login")
	w.browser = newBrowser(t)
	w.wantPage(w.finish(request), http.StatusBadRequest, loginButton)
}

func TestATamperedAttemptCookieIsRefused(t *testing.T) {
	w := newWorld(t)
	a, b := newAttempt(w.now), newAttempt(w.now)
	value, err := w.app.sealer.seal(a)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/callback?state="+b.State, nil)
	r.AddCookie(&http.Cookie{Name: attemptCookie + b.State, Value: value})
	if _, err := w.app.takeAttempt(httptest.NewRecorder(), r); err == nil {
		t.Error("took a cookie of another state")
	}
}

func TestAReloadedCallbackGoesHome(t *testing.T) {
	w := newWorld(t)
	request := w.begin("/login")
	w.finish(request)
	if res := w.finish(request); res.Header.Get("Location") != "/" {
		t.Errorf("reload: %s", res.Status)
	}
}

func TestErrorsOfTheLoginServiceAreKind(t *testing.T) {
	w := newWorld(t)
	res := w.finish(w.begin("/login"), func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") })
	w.wantPage(res, http.StatusForbidden, "Du blev inte inloggad", loginButton)
}

func TestARefusedCodeStartsAgain(t *testing.T) {
	w := newWorld(t)
	w.op.refuse = "invalid_grant"
	w.wantPage(w.finish(w.begin("/login")), http.StatusBadRequest, loginButton)

	// Starting again would not help against a wrong secret of our own.
	w.op.refuse = "invalid_client"
	w.wantPage(w.finish(w.begin("/login")), http.StatusServiceUnavailable, "svarar inte just nu")
}

// A mix-up (RFC 9207): the answer of another issuer must not reach our token endpoint.
func TestAnAnswerOfAnotherIssuerIsRefused(t *testing.T) {
	for _, iss := range []string{"https://evil.example", ""} {
		w := newWorld(t)
		res := w.finish(w.begin("/login"), func(q url.Values) { q.Set("iss", iss) })
		w.wantPage(res, http.StatusBadRequest, loginButton)
		if w.op.request != nil {
			t.Error("redeemed a code of another issuer")
		}
	}
}

func TestIDTokensThatAreNotOursAreRefused(t *testing.T) {
	past := time.Now().Add(-time.Hour).Unix()
	for name, value := range map[string]any{
		"nonce": "other", "iss": "https://evil.example", "aud": "other", "exp": past, "sub": "sub-bo",
	} {
		w := newWorld(t)
		w.op.id[name] = value
		w.wantPage(w.finish(w.begin("/login")), http.StatusBadRequest, "gick inte att slutföra", loginButton)
		if w.signedIn() {
			t.Errorf("signed in with a foreign %s", name)
		}
	}
}

func TestAThirdPartyMayStartALoginForOurIssuerOnly(t *testing.T) {
	w := newWorld(t)
	w.begin("/login?iss=" + url.QueryEscape(w.op.URL))
	w.wantPage(w.get("/login?iss=https://evil.example"), http.StatusBadRequest, loginButton)
}

func TestAfterLoginMayBeElsewhere(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.AfterLogin = "http://127.0.0.1:9/welcome" })
	if got := w.finish(w.begin("/login")).Header.Get("Location"); got != "http://127.0.0.1:9/welcome" {
		t.Errorf("went to %s", got)
	}
}

func TestHRMStartsBeforeItsLoginService(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Client = &http.Client{Transport: &lateTransport{}} })
	w.wantPage(w.get("/login"), http.StatusServiceUnavailable, "svarar inte", loginButton)
	w.signIn()
	if !w.signedIn() {
		t.Error("not signed in once the login service is up")
	}
}

// lateTransport fails as often as one press tries.
type lateTransport struct{ calls int }

func (l *lateTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.calls++; l.calls <= discoveryTries {
		return nil, fmt.Errorf("connection refused")
	}
	return http.DefaultTransport.RoundTrip(r)
}

func TestAPersonWithoutARecordIsTreatedKindly(t *testing.T) {
	for name, people := range map[string][]personClaim{
		"no claim": nil, "unknown key": {{"foretaget", "9999"}}, "another organisation": {{"annat", "1001"}},
	} {
		w := newWorld(t)
		w.op.info["urn:portvakt:person"] = people
		w.wantPage(w.finish(w.begin("/login")), http.StatusForbidden, "Vi hittar dig inte i HRM", "Logga ut")
		w.wantPage(w.get("/"), http.StatusForbidden, "Vi hittar dig inte i HRM", "Logga ut")
		if res := w.get("/payslips"); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: payslips: %s", name, res.Status)
		}
		if res := w.post("/logout", nil); !strings.HasPrefix(res.Header.Get("Location"), w.op.URL) {
			t.Errorf("%s: no way out: %s", name, res.Status)
		}
	}
}

func TestTheLinkHoldsOnSubjectAfterTheFirstSignIn(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.browser = newBrowser(t)
	w.op.info = map[string]any{"sub": "sub-anna", "email": "anna.nygift@foretaget.example"}
	w.signIn()
	if !w.signedIn() {
		t.Error("a new address lost the record")
	}
}

func TestARecordBelongsToOneLogin(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	w.browser = newBrowser(t)
	w.op.info["sub"], w.op.id["sub"] = "sub-mallory", "sub-mallory"
	w.wantPage(w.finish(w.begin("/login")), http.StatusForbidden, "hör till en annan inloggning")
}

func TestASessionEndsByItself(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.SessionLifetime = time.Hour })
	w.signIn()
	w.now = w.now.Add(time.Hour)
	if w.signedIn() {
		t.Error("still signed in")
	}
}
