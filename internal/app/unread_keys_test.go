package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

// publisher is an app's address with the keys to which it is told things.
type publisher struct {
	opener
	url  string
	gone atomic.Bool
}

func published(t testing.TB) *publisher {
	t.Helper()
	p := &publisher{opener: opener{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if p.gone.Load() {
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		rw.Write(p.set()) //nolint:errcheck // the server under test has gone away
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

// isEncrypted registers an app for ID tokens to the publisher's key.
func (p *publisher) isEncrypted(rp *control.RP) {
	rp.JWKSURI, rp.IDTokenEncryptedAlg = p.url, "ECDH-ES"
}

// TestNothingIsConsumedWhileAnAppsKeysCannotBeRead: the answer could not be encrypted, so what was to be redeemed must work once more, and
// nobody is told of a thief.
func TestNothingIsConsumedWhileAnAppsKeysCannotBeRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := published(t)
		c := w.inFront(p.isEncrypted)
		b, l := w.browser(), newLogin(c)
		twice := func(what string, ask func() (int, map[string]any)) (answer map[string]any) {
			t.Helper()
			p.gone.Store(true)
			w.clock.Advance(2 * time.Hour) // longer than keys are remembered
			if status, answer := ask(); status != http.StatusServiceUnavailable || answer["error"] != "server_error" {
				t.Errorf("%s, while the keys cannot be read: %d %v", what, status, answer)
			}
			p.gone.Store(false)
			w.clock.Advance(15 * time.Second) // and an address that failed is let alone
			status, answer := ask()
			if status != http.StatusOK || strings.Count(answer["id_token"].(string), ".") != 4 {
				t.Fatalf("%s, afterwards: %d %v", what, status, answer)
			}
			return answer
		}
		code := ""
		tokens := twice("code", func() (int, map[string]any) {
			if code == "" { // it lives a minute
				code = l.code(t, b.signIn(l, bosAddress, bosPass))
			}
			return w.redeem(l, code)
		})
		twice("refresh", func() (int, map[string]any) { return w.refresh(c, tokens["refresh_token"].(string)) })

		screen := w.screen(p.isEncrypted)
		var d device
		twice("device", func() (int, map[string]any) {
			if d.code == "" {
				d = w.device(screen)
				d.gets("authorization_pending")
				b := w.browser()
				b.toQuestion(d).proves()
				b.post(b.action("/device/"), "answer", "yes").follow().expect(http.StatusOK)
			}
			return d.polls()
		})

		till := w.till(p.isEncrypted)
		var q question
		twice("question", func() (int, map[string]any) {
			if q.id == "" {
				h, _ := w.pairBo()
				q = w.asks(till)
				h.agrees()
			}
			return q.polls()
		})
		w.deliver()
		if told := w.post.about(bosAddress, "gammal inloggning"); len(told) > 0 {
			t.Errorf("Bo is told of a thief: %v", told)
		}
	})
}

// TestALogoutTokenIsEncryptedWhereIDTokensAre, and waits where it cannot be (Back-Channel Logout §2.6).
func TestALogoutTokenIsEncryptedWhereIDTokensAre(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p, listener := published(t), w.listens("told", "ES256")
		c := w.inFront(p.isEncrypted, func(rp *control.RP) { rp.BackchannelLogoutURI = listener.uri })
		b := w.browser()
		b.tokens(c)
		p.gone.Store(true)
		w.clock.Advance(2 * time.Hour) // longer than keys are remembered
		b.post("/signout")
		w.deliver()
		if got := listener.heard(); len(got) != 0 {
			t.Fatalf("told in the clear: %v", got)
		}
		p.gone.Store(false)
		w.clock.Advance(time.Hour)
		w.deliver()
		got := listener.heard()
		if len(got) != 1 {
			t.Fatalf("told %d times", len(got))
		}
		token := p.open(t, got[0].Get("logout_token"))
		if told := claims(t, token); header(t, token)["typ"] != "logout+jwt" || told["aud"] != c.ClientID || told["sid"] == nil {
			t.Errorf("told: %v", told)
		}
	})
}

// TestAGoodTokenIsNotRefusedWhileAnAppsKeysCannotBeRead: an app that hears 401 throws its token away, and its person logs in again.
func TestAGoodTokenIsNotRefusedWhileAnAppsKeysCannotBeRead(t *testing.T) {
	w := on(t)
	p := published(t)
	c := w.inFront(func(rp *control.RP) { rp.JWKSURI, rp.UserinfoEncryptedAlg = p.url, "ECDH-ES" })
	access := w.browser().tokens(c)["access_token"].(string)
	p.gone.Store(true)
	rec := w.serve(userinfoRequest("Bearer", access))
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("WWW-Authenticate") != "" || !strings.Contains(rec.Body.String(), `"server_error"`) {
		t.Errorf("while the keys cannot be read: %d %v %s", rec.Code, rec.Header(), rec.Body)
	}
	p.gone.Store(false)
	w.clock.Advance(15 * time.Second)
	if rec = w.serve(userinfoRequest("Bearer", access)); rec.Code != http.StatusOK || !strings.Contains(p.open(t, rec.Body.String()), bosAddress) {
		t.Errorf("afterwards: %d %s", rec.Code, rec.Body)
	}
}
