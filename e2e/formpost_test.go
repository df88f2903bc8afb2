package e2e

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
)

// TestAnAnswerInAFormReachesTheAppByItself has an RP on another origin that takes its answer as a form and then leads to a third one,
// which a page's form-action could forbid after the server has done its work.
func TestAnAnswerInAFormReachesTheAppByItself(t *testing.T) {
	t.Parallel()
	w := begin(t)
	third := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(`<!doctype html><html lang="sv"><title>Lön</title><h1>Välkommen till Lön</h1></html>`))
	}))
	defer third.Close()
	came := make(chan *http.Request, 4)
	app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.ParseForm() == nil && r.Method == http.MethodPost {
			came <- r
		}
		http.Redirect(rw, r, strings.Replace(third.URL, "127.0.0.1", "localhost", 1)+"/start", http.StatusSeeOther)
	}))
	defer app.Close()
	var made control.RP
	if err := control.InProcess(w.App.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties",
		control.RP{Name: "Lön", RedirectURIs: []string{app.URL + "/answer"}, Organisations: []string{"foretaget"}}, &made); err != nil {
		t.Fatal(err)
	}
	at := w.Portvakt + "/authorize?" + url.Values{"client_id": {made.ClientID}, "redirect_uri": {app.URL + "/answer"}, "response_type": {"code"},
		"scope": {"openid"}, "state": {"s1"}, "response_mode": {"form_post"}}.Encode()
	arrived := func(p *journey.Person) {
		t.Helper()
		p.See("Välkommen till Lön")
		r := <-came
		if r.PostForm.Get("code") == "" || r.PostForm.Get("state") != "s1" || r.URL.RawQuery != "" || r.Header.Get("Origin") != w.Portvakt {
			t.Errorf("the app got %v, of %q", r.PostForm, r.Header.Get("Origin"))
		}
	}
	b := w.bo(journey.Options{})
	b.Open(at)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	arrived(b)
	b.Open(at) // by single sign-on
	arrived(b)

	plain := w.elsewhere(b, journey.Options{NoScript: true})
	plain.Open(at)
	plain.GiveAddress()
	plain.GivePassword(demo.Password)
	plain.Press("Fortsätt till Lön")
	arrived(plain)
	quiet(t, b.Browser, `favicon.ico`)
}
