package app_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

var frame = regexp.MustCompile(`<iframe hidden sandbox="allow-scripts allow-same-origin" title="([^"]*)" src="([^"]*)"></iframe>`)

// framed are the addresses of the page's frames, by the name of the app.
func (b *browser) framed() map[string]string {
	all := map[string]string{}
	for _, f := range frame.FindAllStringSubmatch(b.body, -1) {
		all[f[1]] = strings.ReplaceAll(f[2], "&amp;", "&")
	}
	return all
}

// inFrames registers an RP that is told in a frame.
func (w *world) inFrames(name, host string) control.RP {
	w.t.Helper()
	return w.register(control.RP{Name: name, RedirectURIs: []string{host + "/callback"}, PostLogoutRedirectURIs: []string{host + "/out"}, PKCE: true,
		Options: control.Options{SingleLogout: control.SingleLogout{FrontURI: host + "/gone?a=b", FrontSession: true}}})
}

// TestASignOutTellsTheAppsInFrames: by the page's own button, and at an app's word; and no other page has frames.
func TestASignOutTellsTheAppsInFrames(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		payroll, travel := w.inFrames("Payroll", "https://payroll.example.com"), w.inFrames("Travel", "https://travel.example.com:8443")
		w.inFrames("Never seen", "https://never.example.com")
		b := w.browser()
		sid := claims(t, b.tokens(payroll)["id_token"].(string))["sid"]
		id := func(c control.RP) map[string]any {
			l := newLogin(c)
			b.get(l.authorize())
			_, tokens := w.redeem(l, l.code(t, b.leads()))
			return tokens
		}
		hint := id(travel)["id_token"].(string)
		id(w.hrm)

		b.get("/end_session?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://travel.example.com:8443/out"}, "state": {"s1"}, "farewell": {"x"}}.Encode()).
			expect(http.StatusSeeOther).get(b.leads()).expect(http.StatusOK).shows("Du är utloggad")
		frames := b.framed()
		if len(frames) != 2 {
			t.Fatalf("frames: %v\n%s", frames, b.body)
		}
		u := must(url.Parse(frames["Payroll"]))
		if u.Host != "payroll.example.com" || u.Path != "/gone" || u.Query().Get("a") != "b" || u.Query().Get("iss") != issuer || u.Query().Get("sid") != sid {
			t.Errorf("a frame leads to %s, and the session's name there is %v", u, sid)
		}
		if other := must(url.Parse(frames["Travel"])).Query().Get("sid"); other != claims(t, hint)["sid"] || other == sid {
			t.Errorf("two apps know the session by %q and %q", other, sid)
		}
		if refresh := b.last.Header.Get("Refresh"); refresh != "3; url=https://travel.example.com:8443/out?state=s1" {
			t.Errorf("it goes on by %q", refresh)
		}
		policy := b.last.Header.Get("Content-Security-Policy")
		if !strings.HasSuffix(policy, "; frame-src "+strings.Join(sortedBy(map[string]string{payroll.ClientID: "https://payroll.example.com", travel.ClientID: "https://travel.example.com:8443"}), " ")) {
			t.Errorf("frames may come from: %s", policy)
		}
		if !strings.Contains(b.body, "farewell.js") || !strings.Contains(b.body, `id="onward" href="https://travel.example.com:8443/out?state=s1"`) {
			t.Errorf("no way on:\n%s", b.body)
		}
		b.get("/account").expect(http.StatusSeeOther)

		again := b.at
		w.clock.Advance(3 * time.Minute)
		if b.get(again); len(b.framed()) != 0 {
			t.Error("an address of three minutes ago still shows frames")
		}
		b.tokens(payroll)
		b.post("/signout").follow().expect(http.StatusOK).shows("Du är utloggad")
		if refresh := b.last.Header.Get("Refresh"); len(b.framed()) != 1 || refresh != "" || strings.Contains(b.body, "farewell.js") {
			t.Errorf("by the button: %v, and it goes on by %q", b.framed(), refresh)
		}
		for _, forged := range []string{changed(b.at), "/signout/done?farewell=x"} {
			if b.get(forged); len(b.framed()) != 0 || strings.Contains(b.last.Header.Get("Content-Security-Policy"), "frame-src") {
				t.Errorf("%s shows frames", forged)
			}
		}
		b.tokens(w.hrm)
		b.post("/signout").expect(http.StatusSeeOther)
		if strings.Contains(b.leads(), "farewell") {
			t.Errorf("without such apps: %s", b.leads())
		}
	})
}

// sortedBy are the values in the order of their keys.
func sortedBy(m map[string]string) (values []string) {
	for len(m) > 0 {
		least := ""
		for k := range m {
			if least == "" || k < least {
				least = k
			}
		}
		values = append(values, m[least])
		delete(m, least)
	}
	return values
}

func TestAFrameLeadsToTheAppItselfAlone(t *testing.T) {
	w := on(t)
	for text, uri := range map[string]string{"must have scheme": "https://other.example.com/gone", "host and port": "https://payroll.example.com:8443/gone",
		"https, except": "http://payroll.example.com/gone", "not a usable": "javascript:alert(1)"} {
		rp := control.RP{Name: "Payroll", RedirectURIs: []string{"https://payroll.example.com/callback"}, PKCE: true}
		rp.FrontURI = uri
		w.refuses(http.MethodPost, "/relying-parties", rp, text)
	}
}

// TestAnAppSeesThatTheSessionIsAnotherOne plays what the frame of /check_session does (Session Management 1.0 §3).
func TestAnAppSeesThatTheSessionIsAnotherOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.register(control.RP{Name: "Watcher", RedirectURIs: []string{"https://watch.example.com:8443/callback"}, PKCE: true})
		if err := w.operator(http.MethodPatch, "/relying-parties/"+c.ClientID, control.RPChange{Metadata: json.RawMessage(`{"session_management":true}`)}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.tokens(w.hrm)
		if _, there := b.cookies()["__Host-pv_watched"]; there {
			t.Error("a browser shows its session, and no app asks")
		}
		state := func() string {
			l := newLogin(c)
			b.get(l.authorize())
			l.code(t, b.leads())
			return mustURL(b.leads()).Query().Get("session_state")
		}
		unchanged := func(state string) bool {
			hash, salt, ok := strings.Cut(state, ".")
			sum := sha256.Sum256([]byte(c.ClientID + " https://watch.example.com:8443 " + b.cookies()["__Host-pv_watched"] + " " + salt))
			return ok && base64.RawURLEncoding.EncodeToString(sum[:]) == hash
		}
		first := state()
		set := b.last.Header.Get("Set-Cookie")
		if !strings.Contains(set, "SameSite=None") || !strings.Contains(set, "Secure") || strings.Contains(set, "HttpOnly") {
			t.Errorf("the cookie: %s", set)
		}
		if second := state(); !unchanged(first) || !unchanged(second) || first == second {
			t.Errorf("%q and %q of one session", first, second)
		}
		b.post("/signout")
		if unchanged(first) {
			t.Error("nothing has changed after the sign-out")
		}
		b.tokens(w.hrm)
		again := state()
		if unchanged(first) || !unchanged(again) {
			t.Error("the next session is the same")
		}
		l := newLogin(w.hrm)
		b.get(l.authorize("prompt", "login")).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow()
		if unchanged(again) {
			t.Error("nothing has changed after another login")
		}
		if mustURL(b.leads()).Query().Has("session_state") {
			t.Errorf("an app that is not registered for it: %s", b.leads())
		}
	})
}

func TestTheFrameThatAppsAskHoldsNothingElse(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.get("/check_session").expect(http.StatusOK)
	if policy := b.last.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; script-src 'self'; frame-ancestors *") ||
		strings.Contains(b.body, "<form") || !strings.Contains(b.body, "/check_session.js") {
		t.Errorf("%s\n%s", policy, b.body)
	}
}
