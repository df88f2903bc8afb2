package hrm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestLogOutEndsEverything(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	target, err := w.post("/logout", nil).Location()
	if err != nil {
		t.Fatal(err)
	}
	q := target.Query()
	if target.Path != "/end_session" || q.Get("id_token_hint") == "" || q.Get("post_logout_redirect_uri") != w.url+"/signed-out" {
		t.Errorf("target %s", target)
	}
	if w.signedIn() {
		t.Error("HRM's own session lives on")
	}
	w.wantPage(w.get("/signed-out?state="+q.Get("state")), http.StatusOK, "Du är utloggad", loginButton)
}

func TestOnlyTheRoundTripSaysThatAllIsEnded(t *testing.T) {
	w := newWorld(t)
	if res := w.get("/signed-out?state="); res.Header.Get("Location") != "/" {
		t.Errorf("without a sign-out: %s", res.Status)
	}
}

func TestLogOutHereLeavesTheOthers(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	if to := w.post("/logout/local", nil).Header.Get("Location"); to != "/signed-out/here" {
		t.Errorf("went to %s", to)
	}
	w.wantPage(w.get("/signed-out/here"), http.StatusOK, "utloggad från HRM", loginButton)
	if w.signedIn() {
		t.Error("still signed in")
	}
}

func TestAForeignPageCannotSignOut(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	r, _ := http.NewRequest("POST", w.url+"/logout", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := w.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusForbidden || !w.signedIn() {
		t.Errorf("foreign form: %s", res.Status)
	}
}

// logoutToken is a good one, but for what change does to it.
func (w *world) logoutToken(change map[string]any) map[string]any {
	claims := map[string]any{
		"iss": w.op.URL, "aud": "hrm", "sub": "sub-anna", "sid": "sid-1", "jti": rand.Text(),
		"iat": w.now.Unix(), "exp": w.now.Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// tell brings a logout token as the login service does: with no browser around.
func (w *world) tell(raw string) *http.Response {
	w.Helper()
	browser := w.browser
	w.browser = newBrowser(w.T)
	defer func() { w.browser = browser }()
	return w.post("/backchannel-logout", url.Values{"logout_token": {raw}})
}

func TestTheLoginServiceEndsASession(t *testing.T) {
	for name, change := range map[string]map[string]any{
		"sid and sub": {}, "sid": {"sub": nil}, "sub": {"sid": nil},
	} {
		w := newWorld(t)
		w.signIn()
		res := w.tell(w.op.sign(w.op.key, "logout+jwt", w.logoutToken(change)))
		if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" || w.signedIn() {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

func TestALogoutTokenOfAnotherSessionEndsNothing(t *testing.T) {
	for _, change := range []map[string]any{{"sid": "sid-2"}, {"sub": "sub-bo"}, {"sub": "sub-bo", "sid": nil}} {
		w := newWorld(t)
		w.signIn()
		res := w.tell(w.op.sign(w.op.key, "logout+jwt", w.logoutToken(change)))
		if res.StatusCode != http.StatusOK || !w.signedIn() {
			t.Errorf("%v: %s", change, res.Status)
		}
	}
}

func TestBadLogoutTokensAreRefused(t *testing.T) {
	old := time.Now().Add(-time.Hour).Unix()
	late := time.Now().Add(time.Hour).Unix()
	for name, change := range map[string]map[string]any{
		"foreign issuer":   {"iss": "https://evil.example"},
		"foreign audience": {"aud": "payroll"},
		"expired":          {"exp": old},
		"issued long ago":  {"iat": old},
		"issued tomorrow":  {"iat": late},
		"no iat":           {"iat": nil},
		"no exp":           {"exp": nil},
		"no jti":           {"jti": nil},
		"no event":         {"events": map[string]any{}},
		"a nonce":          {"nonce": "n"},
		"nobody named":     {"sid": nil, "sub": nil},
	} {
		w := newWorld(t)
		w.signIn()
		res := w.tell(w.op.sign(w.op.key, "logout+jwt", w.logoutToken(change)))
		if res.StatusCode != http.StatusBadRequest || !w.signedIn() {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

func TestAnIDTokenIsNoLogoutToken(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	for _, typ := range []string{"JWT", "at+jwt"} {
		if res := w.tell(w.op.sign(w.op.key, typ, w.logoutToken(nil))); res.StatusCode != http.StatusBadRequest {
			t.Errorf("type %s: %s", typ, res.Status)
		}
	}
}

func TestAForgedSignatureIsRefused(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{
		w.op.sign(key, "logout+jwt", w.logoutToken(nil)), "", "x", strings.Repeat("a", maxLogoutBody+1),
		"eyJhbGciOiJub25lIiwidHlwIjoibG9nb3V0K2p3dCJ9.e30.",
	} {
		if res := w.tell(raw); res.StatusCode != http.StatusBadRequest || !w.signedIn() {
			t.Errorf("%.40s: %s", raw, res.Status)
		}
	}
}

func TestALogoutTokenWorksOnce(t *testing.T) {
	w := newWorld(t)
	raw := w.op.sign(w.op.key, "logout+jwt", w.logoutToken(nil))
	for _, want := range []int{http.StatusOK, http.StatusBadRequest} {
		if res := w.tell(raw); res.StatusCode != want {
			t.Errorf("%s, want %d", res.Status, want)
		}
	}
}
