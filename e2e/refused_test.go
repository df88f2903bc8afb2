package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

func TestAnUnknownAppStopsOnAPageWithAReferenceNumber(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.Open(w.Portvakt + "/authorize?" + url.Values{"client_id": {"nobody"}, "response_type": {"code"}, "scope": {"openid"},
		"redirect_uri": {w.HRM + "/callback"}}.Encode())
	b.See("Vi känner inte igen appen")
	seeReference(t, b)
	b.Press("Till mitt konto") // there is always a way on
	b.SeeRole("textbox", b.Words.Address)
	quiet(t, b.Browser, badRequest)
}

func TestAForeignRedirectAddressIsNotFollowed(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.Open(w.Portvakt + "/authorize?" + url.Values{"client_id": {clientIDOf(t, b)}, "response_type": {"code"}, "scope": {"openid"},
		"redirect_uri": {"https://evil.example/callback"}}.Encode())
	b.See("Appen angav fel adress")
	b.DontSee("evil")
	b.At(w.Portvakt)
	seeReference(t, b)
	quiet(t, b.Browser, badRequest)
}

func TestAPageThatDoesNotExistSaysSo(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.Open(w.Portvakt + "/nothing/here")
	b.See("Sidan finns inte")
	b.Press("Till mitt konto")
	b.SeeRole("textbox", b.Words.Address)
	quiet(t, b.Browser, notFound)
}

func TestAPostFromAnotherSiteIsRefusedWithAPage(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.SignIn(demo.Password)
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`<!doctype html><html lang="sv"><title>Vinst</title><form method="post" action="` + w.Portvakt + `/signout"><button>Hämta vinsten</button></form></html>`))
	}))
	defer evil.Close()
	b.Open(strings.Replace(evil.URL, "127.0.0.1", "evil.example", 1))
	b.Press("Hämta vinsten")
	b.See("Vi tog inte emot det")
	b.Open(w.Portvakt + "/account")
	b.See(bo)
	quiet(t, b.Browser, `status of 403`, `favicon.ico`)
}

var referenceLike = regexp.MustCompile(`Ärendenummer[^\n]*\s[A-Z0-9-]{6,}`)

func seeReference(t *testing.T, p *journey.Person) {
	t.Helper()
	if !referenceLike.MatchString(p.Text()) {
		t.Errorf("no reference number on the page: %s", p.Text())
	}
}

// clientIDOf is the client id of the app that the page's address names.
func clientIDOf(t *testing.T, p *journey.Person) string {
	t.Helper()
	u, err := url.Parse(p.Browser.Address())
	if err != nil || u.Query().Get("client_id") == "" {
		t.Fatalf("no client id in %s", p.Browser.Address())
	}
	return u.Query().Get("client_id")
}

func TestACodeIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.SignIn(demo.Password)
		const verifier = "a-verifier-of-our-own-that-is-long-enough-for-pkce"
		sum := sha256.Sum256([]byte(verifier))
		b.Open(w.HRMMobile)
		b.SeeRole("button", b.LogIn)
		client := journey.Script[string](b.Browser, `fetch("/config.json").then((r) => r.json()).then((c) => c.client_id)`)
		callback := w.HRMMobile + "/callback"
		b.Open(w.Portvakt + "/authorize?" + url.Values{"client_id": {client}, "response_type": {"code"}, "scope": {"openid profile"},
			"redirect_uri": {callback}, "state": {"ours-and-not-the-apps"}, "code_challenge_method": {"S256"},
			"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode())
		b.See(b.Hello("Bo")) // the app does not know the state, and asks again by itself
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {client}, "redirect_uri": {callback},
			"code": {codeFor(t, b, "ours-and-not-the-apps")}, "code_verifier": {verifier}}

		mine := newKeyed(t)
		status, first := mine.token(w, form)
		if status != http.StatusOK || first["refresh_token"] == "" {
			t.Fatalf("the first redemption: %d %q", status, first["error"])
		}
		keepSecret("token", first["refresh_token"])
		keepSecret("token", first["access_token"])
		if status, second := mine.token(w, form); status != http.StatusBadRequest || second["error"] != "invalid_grant" {
			t.Errorf("the second redemption: %d %q", status, second["error"])
		}
		refresh := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {first["refresh_token"]}}
		if status, _ := mine.token(w, refresh); status != http.StatusBadRequest {
			t.Errorf("the first one's refresh token still works: %d", status)
		}
		b.Open(w.HRMMobile) // the app's own tokens are another family
		b.See(b.Hello("Bo"))
	})
}

// codeFor is the code that answered the request with this state.
func codeFor(t *testing.T, p *journey.Person, state string) string {
	t.Helper()
	for _, asked := range p.Asked() {
		if u, err := url.Parse(asked); err == nil && u.Query().Get("state") == state && u.Query().Get("code") != "" {
			return u.Query().Get("code")
		}
	}
	t.Fatal("no code came")
	return ""
}

// TestAnAppThatRedirectsToAThirdOriginIsReached has HRM send its people on to a start page
// on a host of its own: a form-action that counts redirects would stop them on the way.
func TestAnAppThatRedirectsToAThirdOriginIsReached(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]journey.Options{"with JavaScript": {}, "without JavaScript": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			intranet := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
				_, _ = rw.Write([]byte(`<!doctype html><html lang="sv"><title>Intranätet</title><link rel="icon" href="data:,"><h1>Välkommen till intranätet</h1></html>`))
			}))
			defer intranet.Close()
			there := strings.Replace(intranet.URL, "127.0.0.1", "intranet.example", 1)
			w := begin(t, withPlainDelay, func(o *demo.Options) { o.AfterLogin = there })
			b := w.bo(o)
			b.OpenHRM()
			b.GiveAddress()
			b.GivePassword(demo.Password)
			b.At(there)
			b.See("Välkommen till intranätet")
			quiet(t, b.Browser)

			a := w.anna(o)
			a.ForgetAtHRM()
			a.AskFor(a.Reset)
			w.clock.move(plainDelay)
			link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
			link.ChoosePassword(chosen)
			link.At(there)
			link.See("Välkommen till intranätet")
			quiet(t, a.Browser)

			link.Open(w.HRM)
			link.Welcomed()
			link.SignOutOfHRM()
		})
	}
}
