package app_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

// backChannel is an RP that listens for logouts.
type backChannel struct {
	rp   control.RP
	uri  string
	mu   sync.Mutex
	got  []url.Values
	hang chan struct{} // not nil: no answer before it is closed
}

// listens registers an RP with a back channel of its own.
func (w *world) listens(name, alg string) *backChannel {
	w.t.Helper()
	b := &backChannel{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.ParseForm() //nolint:errcheck // judged by the test
		b.mu.Lock()
		b.got = append(b.got, r.PostForm)
		hang := b.hang
		b.mu.Unlock()
		if hang != nil {
			<-hang
		}
	}))
	w.t.Cleanup(server.Close)
	b.uri = server.URL + "/logout"
	in := control.RP{Name: name, RedirectURIs: []string{hrmURL + "/" + name}, BackchannelLogoutURI: b.uri, PKCE: true, IDTokenAlg: alg}
	if err := control.InProcess(w.app.Control.Handler()).Do(w.t.Context(), http.MethodPost, "/relying-parties", in, &b.rp); err != nil {
		w.t.Fatal(err)
	}
	return b
}

func (b *backChannel) heard() []url.Values {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.got)
}

func TestALogoutTokenIsSignedAsTheRPsIDTokensAre(t *testing.T) {
	w := on(t)
	for _, alg := range []string{"ES256", "RS256"} {
		listener, b := w.listens("told-"+alg, alg), w.browser()
		id := b.tokens(listener.rp)["id_token"].(string)
		b.post("/signout")
		w.deliver()
		got := listener.heard()
		if len(got) != 1 || header(t, got[0].Get("logout_token"))["alg"] != alg || header(t, id)["alg"] != alg {
			t.Errorf("%s: %v", alg, got)
		}
	}
}

// TestTheAbsoluteEndOfASessionIsToldToItsRPs: idle ends single sign-on only, the absolute limit ends everything (RULES §9).
func TestTheAbsoluteEndOfASessionIsToldToItsRPs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		listener, b := w.listens("told", "ES256"), w.browser()
		refresh := b.tokens(w.mobile)["refresh_token"].(string)
		b.signIn2(newLogin(listener.rp))
		l := newLogin(listener.rp)
		b.get(l.authorize())
		if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, answer)
		}
		w.clock.Advance(9 * time.Hour)
		w.keepHouse()
		if n := len(listener.heard()); n != 0 {
			t.Fatalf("told %d times before the end", n)
		}
		w.clock.Advance(2 * time.Hour)
		w.keepHouse()
		w.keepHouse() // nothing is told twice
		if n := len(listener.heard()); n != 1 {
			t.Errorf("told %d times of the end, want once", n)
		}
		if status, _ := w.refresh(w.mobile, refresh); status != http.StatusBadRequest {
			t.Errorf("a refresh token of the ended session: %d", status)
		}
	})
}

// keepHouse does what housekeeping does, and delivers what came of it.
func (w *world) keepHouse() {
	w.t.Helper()
	if err := w.app.House.Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.deliver()
}

// TestAnRPThatHangsKeepsNobodyFromTheMail runs the workers as a server does.
func TestAnRPThatHangsKeepsNobodyFromTheMail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		listener := w.listens("hangs", "ES256")
		listener.hang = make(chan struct{})
		for range 6 { // more than one lease takes
			b := w.browser()
			b.tokens(listener.rp)
			b.post("/signout")
		}
		stop, running := w.run()
		defer running.Wait()
		defer stop()
		defer close(listener.hang)
		w.browser().askForLink(newLogin(w.hrm), annas, "login")
		for len(w.post.to(annas)) == 0 { // the test's own deadline ends a wait in vain
			time.Sleep(time.Millisecond)
		}
	})
}

// TestASecondClickThatArrivesLateKeepsTheSession: the first click's answer has arrived, HRM has its tokens, and then the
// second is proven too. It is the same sign-in.
func TestASecondClickThatArrivesLateKeepsTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		listener, b := w.listens("told", "ES256"), w.browser()
		l := newLogin(listener.rp)
		b.toPassword(l, bosAddress)
		form, kept := b.action("/signin/"), b.cookies()
		b.post(form, "password", bosPass).follow()
		_, answer := w.redeem(l, l.code(t, b.leads()))
		signedIn := b.cookies()
		for name, value := range kept { // the second form carried the attempt still
			signedIn[name] = value
		}
		b.forgetAllBut(signedIn)
		b.post(form, "password", bosPass).expect(http.StatusSeeOther)
		if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusOK {
			t.Errorf("the first click's token: %d", status)
		}
		b.post("/signout")
		w.deliver()
		if n := len(listener.heard()); n != 1 {
			t.Errorf("the RP was told %d times of the sign-out, want once", n)
		}
	})
}
