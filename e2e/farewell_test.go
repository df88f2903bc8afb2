package e2e

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
)

// TestAppsSeeASignOutInTheBrowser has one app that is told of it in a frame (Front-Channel Logout), and one that asks Portvakt's frame whether the
// session is still the same (Session Management). All hangs on what the browser lets a frame have: its cookies, if the frame is of the same site; of
// another site as the browser, and its person, choose. Where it has none, a frame is still opened, and names the session, and no app is told that
// nothing has changed.
func TestAppsSeeASignOutInTheBrowser(t *testing.T) {
	t.Parallel()
	if chromium == nil {
		t.Skip(why)
	}
	const given, hidden = "unchanged", "changed"
	for _, c := range []struct {
		name, hrm, travel string
		hides             bool // the browser, from other sites' frames
		frames            string
	}{
		{"on the same site", "hrm.portvakt.example", "resor.portvakt.example", true, given},
		{"on other sites, without cookies", "hrm.vendor.example", "resor.travel.example", true, hidden},
		{"on other sites, as the browser comes", "hrm.vendor.example", "resor.travel.example", false, given},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cert, key := certificate(t, "login.portvakt.example", c.hrm, c.travel)
			portvakt, issuer := overTLS(t, cert, key)
			vendor, port := vendorsServer(t, cert, key)
			hrm, travel := &told{t: t, issuer: issuer, at: "https://" + c.hrm + port}, &asks{t: t, issuer: issuer, at: "https://" + c.travel + port}
			register := func(rp control.RP) (made control.RP) {
				t.Helper()
				if err := control.InProcess(portvakt.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", rp, &made); err != nil {
					t.Fatal(err)
				}
				return made
			}
			hrm.rp = register(control.RP{Name: "HRM", RedirectURIs: []string{hrm.at + "/callback"}, PostLogoutRedirectURIs: []string{hrm.at + "/out"},
				Options: control.Options{SingleLogout: control.SingleLogout{FrontURI: hrm.at + "/gone", FrontSession: true}}})
			travel.rp = register(control.RP{Name: "Resor", RedirectURIs: []string{travel.at + "/callback"}, Options: control.Options{SingleLogout: control.SingleLogout{Watches: true}}})
			hosts := http.NewServeMux()
			hosts.Handle(c.hrm+"/", hrm.handler())
			hosts.Handle(c.travel+"/", travel.handler())
			vendor.Handler = hosts

			b := chromium.Person(t, journey.World{Portvakt: issuer, HRM: hrm.at}, journey.Options{}, bo, "Bo")
			t.Cleanup(b.Close)
			other := b.Tab()
			t.Cleanup(other.Close)
			if c.hides {
				b.HideCookies()
				other.HideCookies()
			}
			b.Open(hrm.at)
			b.Press("Logga in")
			b.GiveAddress()
			b.GivePassword(demo.Password)
			b.See("Inloggad i HRM")
			other.Open(travel.at)
			other.Press("Logga in")
			other.See("Inloggad i Resor")
			frames, cookie, after := c.frames, "with", "Inte inloggad i HRM"
			if !c.hides {
				journey.Script[bool](other, fmt.Sprintf(`fetch(%q, { mode: "no-cors", credentials: "include" }).then(() => true)`, hrm.at+"/icon"))
				if hrm.heard() == "icon without its cookie" { // some builds of Chromium hide them by themselves
					frames = hidden
				}
			}
			if frames == hidden {
				cookie, after = "without", "Inloggad i HRM"
			}
			ask := func(want string) {
				t.Helper()
				other.Press("Fråga")
				other.See("Svar: " + want)
			}
			ask(frames)
			ask(frames) // and it says so as often as it is asked
			b.Open(hrm.at)
			b.Press("Logga ut")
			b.See("Utloggad ur HRM")
			ask("changed")
			if heard, want := hrm.heard(), "gone "+cookie+" its cookie, out"; heard != want {
				t.Errorf("HRM heard %q, want %q", heard, want)
			}
			b.Open(hrm.at)
			b.See(after) // its cookie is gone, if its frame could take it away
			quiet(t, b.Browser, `favicon.ico`)
		})
	}
}

// told is an app that is told of a sign-out in a frame.
type told struct {
	t          *testing.T
	issuer, at string
	rp         control.RP

	mu     sync.Mutex
	sid    string // of its session, by the ID token
	events []string
}

func (a *told) handler() http.Handler {
	const cookie = "__Host-hrm" // with SameSite=None: otherwise no browser sends it along from a frame
	hears := func(what string, r *http.Request) {
		with := "with"
		if _, err := r.Cookie(cookie); err != nil {
			with = "without"
		}
		a.hears(what + " " + with + " its cookie")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		hint, err := r.Cookie(cookie)
		if err != nil {
			page(w, "Inte inloggad i HRM", loginLink(a.issuer, a.at, a.rp))
			return
		}
		page(w, "Inloggad i HRM", link(a.issuer+"/end_session", "Logga ut", url.Values{"id_token_hint": {hint.Value}, "post_logout_redirect_uri": {a.at + "/out"}}))
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		token := redeem(a.t, r, a.issuer, a.at+"/callback", a.rp)
		var claims struct {
			SID string `json:"sid"`
		}
		middle, err := base64.RawURLEncoding.DecodeString(strings.Split(token+"..", ".")[1])
		if err != nil || json.Unmarshal(middle, &claims) != nil || claims.SID == "" {
			a.t.Errorf("an ID token without sid: %q", middle)
		}
		a.mu.Lock()
		a.sid = claims.SID
		a.mu.Unlock()
		http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("GET /icon", func(_ http.ResponseWriter, r *http.Request) { hears("icon", r) })
	mux.HandleFunc("GET /gone", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		sid := a.sid
		a.mu.Unlock()
		if q := r.URL.Query(); q.Get("iss") != a.issuer || q.Get("sid") != sid || len(q) != 2 || r.Header.Get("Sec-Fetch-Dest") != "iframe" {
			a.t.Errorf("the frame was asked for by %s, for %q; the session is %s", r.URL, r.Header.Get("Sec-Fetch-Dest"), sid)
		}
		hears("gone", r)
		w.Header().Set("Cache-Control", "no-store")
		http.SetCookie(w, &http.Cookie{Name: cookie, Path: "/", MaxAge: -1, Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode})
		page(w, "Utloggad", "")
	})
	mux.HandleFunc("GET /out", func(w http.ResponseWriter, _ *http.Request) {
		a.hears("out")
		page(w, "Utloggad ur HRM", "")
	})
	return mux
}

func (a *told) hears(event string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, event)
}

// heard is what the app was asked for since it was last looked at.
func (a *told) heard() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer func() { a.events = nil }()
	return strings.Join(a.events, ", ")
}

// asks is an app that asks Portvakt's frame whether the session is still the same.
type asks struct {
	t          *testing.T
	issuer, at string
	rp         control.RP
}

func (a *asks) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { page(w, "Resor", loginLink(a.issuer, a.at, a.rp)) })
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		redeem(a.t, r, a.issuer, a.at+"/callback", a.rp)
		page(w, "Inloggad i Resor", fmt.Sprintf(`<button disabled>Fråga</button><p></p><iframe hidden src="%[1]s/check_session"></iframe><script>
const [frame, button, answer] = ["iframe", "button", "p"].map((name) => document.querySelector(name));
frame.addEventListener("load", () => (button.disabled = false));
button.addEventListener("click", () => { answer.textContent = ""; frame.contentWindow.postMessage(%[2]q, %[1]q); });
addEventListener("message", (event) => { if (event.origin === %[1]q) answer.textContent = "Svar: " + event.data; });
</script>`, a.issuer, a.rp.ClientID+" "+r.FormValue("session_state")))
	})
	return mux
}

func loginLink(issuer, at string, rp control.RP) string {
	return link(issuer+"/authorize", "Logga in", url.Values{"client_id": {rp.ClientID}, "redirect_uri": {at + "/callback"}, "response_type": {"code"}, "scope": {"openid"}})
}

func link(to, name string, q url.Values) string {
	return fmt.Sprintf(`<a href="%s">%s</a>`, html.EscapeString(to+"?"+q.Encode()), name)
}
