package app_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/throttle"
)

// till registers an app that asks people on their phones.
func (w *world) till(change ...func(*control.RP)) control.RP {
	w.t.Helper()
	return w.register(w.aTill(change...))
}

func (w *world) aTill(change ...func(*control.RP)) control.RP {
	rp := control.RP{Name: "Kassan", PKCE: true, RefreshTokens: true, Organisations: []string{"foretaget"},
		Options: control.Options{Metadata: relyingparty.Metadata{GrantTypes: []string{relyingparty.CIBA, relyingparty.RefreshToken}},
			Backchannel: relyingparty.Backchannel{Delivery: relyingparty.Poll}}}
	for _, f := range change {
		f(&rp)
	}
	return rp
}

// question is what an app has asked.
type question struct {
	w  *world
	rp control.RP
	id string
}

// asking is an honest request, but for what the pairs say; an empty value takes a parameter away.
func asking(pairs ...string) []string {
	q := map[string]string{"scope": "openid profile offline_access", "login_hint": bosAddress, "binding_message": "Kassa 4-17"}
	for i := 0; i+1 < len(pairs); i += 2 {
		if q[pairs[i]] = pairs[i+1]; pairs[i+1] == "" {
			delete(q, pairs[i])
		}
	}
	var all []string
	for name, v := range q {
		all = append(all, name, v)
	}
	return all
}

// asks asks, and lets the outbox decide whom.
func (w *world) asks(rp control.RP, pairs ...string) question {
	w.t.Helper()
	status, answer := w.call(grant.CIBAPath, rp, asking(pairs...)...)
	if status != http.StatusOK || answer["interval"] != 5.0 {
		w.t.Fatalf("ask: %d %v", status, answer)
	}
	w.deliver()
	return question{w, rp, answer["auth_req_id"].(string)}
}

func (q question) polls() (int, map[string]any) {
	q.w.clock.Advance(6 * time.Second)
	return q.w.call("/token", q.rp, "grant_type", relyingparty.CIBA, "auth_req_id", q.id)
}

func (q question) gets(want string) {
	q.w.t.Helper()
	if status, answer := q.polls(); status != http.StatusBadRequest || answer["error"] != want {
		q.w.t.Errorf("poll: %d %v, want %s", status, answer, want)
	}
}

// agrees approves what it shows.
func (h *handset) agrees() answered {
	h.w.t.Helper()
	c := h.newest()
	return h.answer(c, "approve", c["shown"].(map[string]any)["message"].(string))
}

func TestAnAppAsksAPersonOnHerPhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		q := w.asks(w.till())
		q.gets("authorization_pending")
		c := h.newest()
		shown := c["shown"].(map[string]any)
		if c["purpose"] != "ask" || c["mode"] != "message" || c["client_id"] != q.rp.ClientID || shown["app"] != "Kassan" || shown["message"] != "Kassa 4-17" || shown["time"] == nil {
			t.Errorf("the phone shows %v", c)
		}
		if out := h.agrees(); out.text("result") != "approved" {
			t.Fatalf("yes: %d %v", out.status, out.body)
		}
		if out := h.agreesTo(c); out.text("error") != "gone" || out.text("how") != "approved" {
			t.Errorf("yes, twice: %v", out.body)
		}
		if out := h.answer(c, "deny", ""); out.text("error") != "gone" {
			t.Errorf("no, afterwards: %v", out.body)
		}
		status, answer := q.polls()
		if status != http.StatusOK || answer["token_type"] != "Bearer" || answer["refresh_token"] == nil {
			t.Fatalf("approved: %d %v", status, answer)
		}
		told := claims(t, answer["id_token"].(string))
		if told["acr"] != "urn:portvakt:pwd" || fmt.Sprint(told["amr"]) != "[push]" || told["sub"] != string(w.bo().ID) || told["auth_time"] == nil || told["sid"] != nil ||
			told["at_hash"] == nil {
			t.Errorf("told: %v", told)
		}
		if status, info := w.userinfo(answer["access_token"].(string)); status != http.StatusOK || info["given_name"] != "Bo" {
			t.Errorf("userinfo: %d %v", status, info)
		}
		w.clock.Advance(time.Minute)
		q.gets("invalid_grant") // once
		if status, _ := w.refresh(q.rp, answer["refresh_token"].(string)); status != http.StatusOK {
			t.Errorf("refresh: %d", status)
		}
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		h.renew()
		h.answer(h.newest(), "approve", b.number())
		b.onward()
		b.get("/account").shows("Kassan")
		b.get("/account/activity").shows("Kassan frågade dig i din telefon").shows("Du loggade in i Kassan")
	})
}

func (h *handset) agreesTo(c map[string]any) answered {
	return h.answer(c, "approve", c["shown"].(map[string]any)["message"].(string))
}

func TestWithoutOfflineAccessAnAnswerIsGoodForOneAccessToken(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	q := w.asks(w.till(), "scope", "openid")
	h.agrees()
	status, answer := q.polls()
	if status != http.StatusOK || answer["refresh_token"] != nil {
		t.Fatalf("%d %v", status, answer)
	}
	if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusOK {
		t.Errorf("userinfo: %d", status)
	}
	w.clock.Advance(grant.AccessTokenLife)
	if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusUnauthorized {
		t.Errorf("userinfo, later: %d", status)
	}
}

func TestAnAppCannotTellSomebodyWhoIsNotThereFromSomebodyWhoDoesNotAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003") // she has no phone
		rp := w.till()
		other := w.till(func(rp *control.RP) { rp.Organisations = []string{w.another()} })
		var costs []store.Counts
		for name, c := range map[string]struct {
			rp   control.RP
			whom string
		}{
			"she does not answer":                {rp, bosAddress},
			"there is no such person":            {rp, "nobody@foretaget.example"},
			"she has no phone":                   {rp, "cilla.berg@foretaget.example"},
			"the app is of another organisation": {other, bosAddress},
		} {
			before := w.app.DB.Counts()
			status, answer := w.call(grant.CIBAPath, c.rp, asking("login_hint", c.whom)...)
			after := w.app.DB.Counts()
			costs = append(costs, store.Counts{Reads: after.Reads - before.Reads, Writes: after.Writes - before.Writes, Commits: after.Commits - before.Commits})
			if status != http.StatusOK || answer["expires_in"] != 120.0 || len(answer) != 3 || len(answer["auth_req_id"].(string)) != 43 {
				t.Errorf("%s: %d %v", name, status, answer)
			}
			q := question{w, c.rp, answer["auth_req_id"].(string)}
			w.deliver()
			if rings := len(h.waiting()); (rings == 1) != (name == "she does not answer") {
				t.Errorf("%s: the phone shows %d", name, rings)
			}
			q.gets("authorization_pending")
			w.clock.Advance(2 * time.Minute)
			q.gets("expired_token")
		}
		for _, c := range costs[1:] {
			if c != costs[0] {
				t.Errorf("the database is asked %v", costs)
			}
		}
	})
}

// another makes a second organisation.
func (w *world) another() string {
	w.t.Helper()
	if _, err := w.app.Control.Provisioning.SetOrganisation(w.t.Context(), organisation.Organisation{ID: "kommunen", Name: "Kommunen"}); err != nil {
		w.t.Fatal(err)
	}
	return "kommunen"
}

func TestAfterANoNoAppAsksUntilAnotherProofHasCome(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		for _, decision := range []string{"deny", "not_me"} {
			q := w.asks(rp)
			c := h.newest()
			if out := h.answer(c, decision, ""); out.status != http.StatusOK {
				t.Fatalf("%s: %d %v", decision, out.status, out.body)
			}
			q.gets("access_denied")
			if out := h.answer(c, "not_me", ""); decision == "deny" && out.text("result") != "reported" {
				t.Errorf("she says why: %d %v", out.status, out.body)
			}
			w.asks(rp)
			w.asks(w.till())
			if len(h.waiting()) != 0 {
				t.Errorf("asked again after %s", decision)
			}
			b := w.browser()
			b.get(newLogin(w.hrm).authorize()).follow()
			b.post(b.action("/signin/"), "address", bosAddress).follow()
			b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
			b.get(beside(b.at, "second")).expect(http.StatusOK)
			b.post(b.at, "code", h.code(t)).expect(http.StatusSeeOther)
			w.clock.Advance(3 * time.Minute)
			h.renew()
		}
		q := w.asks(rp)
		if out := h.agrees(); out.text("result") != "approved" {
			t.Errorf("after another proof: %v", out.body)
		}
		if status, _ := q.polls(); status != http.StatusOK {
			t.Errorf("poll: %d", status)
		}
	})
}

func TestOneQuestionWaitsAtATimeAndTwoWithoutAnAnswerAreEnough(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		w.asks(rp)
		w.asks(w.till())
		if n := len(h.waiting()); n != 1 {
			t.Errorf("%d wait", n)
		}
		for i, want := range []int{1, 0} {
			w.clock.Advance(3 * time.Minute)
			w.asks(rp)
			if n := len(h.waiting()); n != want {
				t.Errorf("after %d without an answer %d wait", i+1, n)
			}
		}
	})
	w := onceMore(t)
	rp, last := w.till(), 0
	for range throttle.Questions.Limit + 1 {
		last, _ = w.call(grant.CIBAPath, rp, asking("login_hint", "nobody@foretaget.example")...)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("one question too many: %d", last)
	}
}

func TestAQuestionIsOfItsOwnAppKeyAndKind(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		q := w.asks(w.till())
		d := w.device(w.screen())
		c := h.newest()
		for name, changes := range map[string]map[string]any{
			"as a sign-in":    {"purpose": "signin"},
			"another attempt": {"attempt": "x"},
			"another text":    {"shown": map[string]any{"app": "Kassan", "browser": "", "device": "", "place": "", "address": "", "time": 0, "message": "Kassa 9-99"}},
		} {
			if out := h.post(c, h.signed(c, "approve", "Kassa 4-17", changes)); out.text("error") != "invalid_answer" {
				t.Errorf("%s: %v", name, out.body)
			}
		}
		h.agrees()
		for name, at := range map[string]struct {
			rp    control.RP
			pairs []string
		}{
			"another app":     {w.till(), []string{"grant_type", relyingparty.CIBA, "auth_req_id", q.id}},
			"as a device":     {d.rp, []string{"grant_type", relyingparty.DeviceCode, "device_code", q.id}},
			"a device's code": {q.rp, []string{"grant_type", relyingparty.CIBA, "auth_req_id", d.code}},
		} {
			if status, answer := w.call("/token", at.rp, at.pairs...); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		}
		if status, _ := q.polls(); status != http.StatusOK {
			t.Errorf("the app itself: %d", status)
		}

		// A proof by a key with the question, and the answer is that key's.
		mine, thief := w.holder(), w.holder()
		rp := w.till(func(rp *control.RP) { rp.RequireDPoP = true })
		w.clock.Advance(time.Minute)
		h.renew()
		var out answered
		for range 2 {
			r := tokenRequest(rp, asking()...)
			r.URL.Path, r.RequestURI = grant.CIBAPath, grant.CIBAPath
			out = mine.send(w.app, r, mine.proof(http.MethodPost, grant.CIBAPath, ""))
		}
		if out.status != http.StatusOK {
			t.Fatalf("ask: %d %v", out.status, out.body)
		}
		w.deliver()
		h.agrees()
		poll := []string{"grant_type", relyingparty.CIBA, "auth_req_id", out.text("auth_req_id")}
		if out := thief.ask(rp, poll...); out.text("error") != "invalid_grant" {
			t.Errorf("another key: %d %v", out.status, out.body)
		}
		if out := mine.ask(rp, poll...); out.text("token_type") != "DPoP" {
			t.Errorf("the key: %d %v", out.status, out.body)
		}
	})
}

func TestAPollThatComesTooSoonIsSlowedDown(t *testing.T) {
	w := on(t)
	q := w.asks(w.till())
	q.gets("authorization_pending")
	w.clock.Advance(-4 * time.Second)
	q.gets("slow_down")
	q.gets("slow_down")
	w.clock.Advance(15 * time.Second)
	q.gets("authorization_pending")
}

func TestAYesWithAnotherTextIsANoAndWithoutAnyNothing(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	q := w.asks(w.till())
	if out := h.answer(h.newest(), "approve", ""); out.status != http.StatusBadRequest || out.text("error") != "invalid_answer" { // an authenticator that does not know of questions
		t.Errorf("no text: %d %v", out.status, out.body)
	}
	q.gets("authorization_pending")
	if out := h.answer(h.newest(), "approve", "Kassa 9-99"); out.text("result") != "wrong_number" {
		t.Errorf("another text: %d %v", out.status, out.body)
	}
	q.gets("access_denied")
}

func TestAYesCountsOnlyAsLongAsAccountAndPhoneStand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		moves := func() {
			w.inTx(func(tx *store.Tx) error {
				_, err := tx.MoveEpoch(t.Context(), w.bo().ID)
				return err
			})
		}
		q := w.asks(rp)
		h.agrees()
		status, answer := q.polls()
		if status != http.StatusOK {
			t.Fatalf("poll: %d %v", status, answer)
		}
		w.clock.Advance(3 * time.Minute)
		h.renew()

		q = w.asks(rp)
		c := h.newest()
		moves()
		if out := h.agreesTo(c); out.text("error") != "gone" {
			t.Errorf("yes after the epoch has moved: %d %v", out.status, out.body)
		}
		q.gets("authorization_pending")
		w.clock.Advance(3 * time.Minute)

		q = w.asks(rp)
		h.agrees()
		moves()
		q.gets("invalid_grant")

		if status, answer = w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusOK {
			t.Fatalf("refresh: %d %v", status, answer)
		}
		w.browser().askForLink(newLogin(w.hrm), bosAddress, "reset")
		link, b := w.link(bosAddress), w.browser()
		b.get(link)
		b.post(link, "new_password", "nio blå cyklar i snö", "repeat_password", "nio blå cyklar i snö", "end_others", "on", "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther)
		if status, _ := w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("refresh after the reset: %d", status)
		}
		w.clock.Advance(3 * time.Minute)
		h.renew()
		w.inTx(func(tx *store.Tx) error { return tx.ForgivePush(t.Context(), w.bo().ID) })

		q = w.asks(rp)
		c = h.newest()
		w.inTx(func(tx *store.Tx) error { return tx.SuspendApps(t.Context(), w.bo().ID, w.clock.Now()) })
		if out := h.agreesTo(c); out.text("error") != "gone" {
			t.Errorf("yes by a suspended app: %d %v", out.status, out.body)
		}
		q.gets("authorization_pending")
		w.clock.Advance(3 * time.Minute)
		w.asks(rp)
		if len(h.waiting()) != 0 {
			t.Error("a suspended app is asked")
		}
	})
}

func TestAnAnswerOnTwoNodesAtOnceIsTakenOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		q := w.asks(w.till())
		c, second := h.newest(), w.app
		if strings.HasPrefix(w.settings.Database, "postgres") {
			second = w.start()
		}
		var outs [2]answered
		var all sync.WaitGroup
		for i, at := range []*app.App{w.app, second} {
			mine, held := *h, *h.holder
			mine.app, mine.holder = at, &held
			mine.know() // a fresh nonce of that node
			all.Go(func() { outs[i] = mine.agreesTo(c) })
		}
		all.Wait()
		if a, b := outs[0], outs[1]; (a.text("result") == "approved") == (b.text("result") == "approved") {
			t.Errorf("one %v, the other %v", a.body, b.body)
		}
		w.clock.Advance(6 * time.Second)
		if status, answer := w.callOn(second, "/token", q.rp, "grant_type", relyingparty.CIBA, "auth_req_id", q.id); status != http.StatusOK {
			t.Errorf("poll at the second node: %d %v", status, answer)
		}
	})
}

// pinged is an app's server that hears of answers.
type pinged struct {
	*httptest.Server
	mu      sync.Mutex
	got     []string
	answers []int // the last one for all further calls
}

func newPinged(t *testing.T, answers ...int) *pinged {
	p := &pinged{answers: answers}
	p.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		p.got = append(p.got, r.Header.Get("Authorization")+" "+r.Header.Get("Content-Type")+" "+string(body))
		rw.WriteHeader(p.answers[min(len(p.got), len(p.answers))-1])
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pinged) heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string{}, p.got...)
}

func (p *pinged) till(w *world) control.RP {
	return w.till(func(rp *control.RP) {
		rp.Options.Delivery, rp.Options.NotifyURI = relyingparty.Ping, p.URL+"/ping"
	})
}

func TestAnAppIsPingedWhenThereIsAnAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		p := newPinged(t, http.StatusServiceUnavailable, http.StatusNoContent)
		q := w.asks(p.till(w), "client_notification_token", "8d67dc78-7faa.~+/=")
		if len(p.heard()) != 0 {
			t.Fatal("pinged before the answer")
		}
		c := h.newest()
		signed := h.signed(c, "approve", "Kassa 4-17", nil)
		h.post(c, signed)
		w.restart() // as after a crash between the answer and the ping
		h.app = w.app
		w.deliver()
		w.clock.Advance(5 * time.Second)
		w.deliver()
		h.post(c, signed) // once more
		w.deliver()
		want := `Bearer 8d67dc78-7faa.~+/= application/json {"auth_req_id":"` + q.id + `"}`
		if got := p.heard(); len(got) != 2 || got[0] != want || got[1] != want {
			t.Fatalf("heard %v", got)
		}
		if status, _ := q.polls(); status != http.StatusOK {
			t.Errorf("poll: %d", status)
		}
		if strings.Contains(w.log.String(), "8d67dc78") || strings.Contains(w.log.String(), q.id) {
			t.Error("the log has a secret")
		}

		removed := newPinged(t, http.StatusNoContent)
		rp := removed.till(w)
		w.asks(rp, "client_notification_token", "y")
		c = h.newest()
		h.post(c, h.signed(c, "approve", "Kassa 4-17", nil))
		if err := w.control(http.MethodDelete, "/relying-parties/"+rp.ClientID, nil); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if n := len(removed.heard()); n != 0 {
			t.Error("an app that was removed is pinged")
		}

		gone := newPinged(t, http.StatusFound)
		q = w.asks(gone.till(w), "client_notification_token", "x")
		h.answer(h.newest(), "deny", "")
		w.deliver()
		w.clock.Advance(5 * time.Second)
		w.deliver()
		if n := len(gone.heard()); n != 1 { // of a no, too; and nobody is followed elsewhere
			t.Errorf("pinged %d times", n)
		}
		q.gets("access_denied")
	})
}

func TestAPolicyThatAsksForTwoProofsLetsNoAppAsk(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	rp := w.till()
	for _, p := range []organisation.Policy{{MFA: organisation.Required}, {MFA: organisation.Recommended, TypedPush: true}} {
		w.policy(p)
		w.asks(rp).gets("authorization_pending")
		if len(h.waiting()) != 0 {
			t.Errorf("%+v: the phone is asked", p)
		}
	}
}

func TestAnAppAsksWhomItHasHadByHerIDToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		cilla, l := w.browser(), newLogin(w.hrm)
		_, hers := w.redeem(l, l.code(t, cilla.signIn(l, "cilla.berg@foretaget.example", bosPass)))
		for _, kind := range []string{"public", "pairwise"} {
			rp := w.till(func(rp *control.RP) {
				rp.RedirectURIs, rp.Options.SubjectType = []string{"https://till.example/callback"}, kind
			})
			q := w.asks(rp)
			h.agrees()
			_, answer := q.polls()
			hint := answer["id_token"].(string)
			w.clock.Advance(20 * time.Minute) // it has expired
			h.renew()
			w.asks(rp, "login_hint", "", "id_token_hint", hint)
			if out := h.agrees(); out.text("result") != "approved" {
				t.Errorf("%s: by her ID token: %v", kind, out.body)
			}
			for name, c := range map[string]struct{ hint, want string }{
				"of another app":  {hers["id_token"].(string), "invalid_request"},
				"an access token": {answer["access_token"].(string), "invalid_request"},
				"changed":         {hint[:len(hint)-8] + "AAAAAAAA", "invalid_request"},
			} {
				if _, answer := w.call(grant.CIBAPath, rp, asking("login_hint", "", "id_token_hint", c.hint)...); answer["error"] != c.want {
					t.Errorf("%s: %v", name, answer)
				}
			}
			if kind == "public" {
				continue
			}
			bo := w.bo()
			w.inTx(func(tx *store.Tx) error {
				_, err := tx.EraseAccount(t.Context(), bo.ID, bo.Epoch, w.clock.Now())
				return err
			})
			if _, answer := w.call(grant.CIBAPath, rp, asking("login_hint", "", "id_token_hint", hint)...); answer["error"] != "unknown_user_id" {
				t.Errorf("of an account that is gone: %v", answer)
			}
		}
	})
}

func TestASignedQuestionCountsAsItWasSigned(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	key := w.holder()
	rp := w.till(func(rp *control.RP) {
		rp.Options.AuthMethod, rp.Options.JWKS, rp.Options.AskAlg = control.PrivateKeyJWT, key.set("one"), "ES256"
	})
	object := func(changes map[string]any) string {
		now := w.clock.Now().Unix()
		all := map[string]any{"iss": rp.ClientID, "aud": issuer, "exp": now + 60, "iat": now, "nbf": now, "jti": secret.NewID(), "requested_expiry": 60}
		for p := asking(); len(p) > 0; p = p[2:] {
			all[p[0]] = p[1]
		}
		maps.Copy(all, changes)
		maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
		return key.sign(map[string]any{"alg": "ES256", "kid": "one"}, all)
	}
	ask := func(pairs ...string) (int, map[string]any) {
		return w.signed(grant.CIBAPath, key.assertion(rp.ClientID, "aud", issuer+grant.CIBAPath), pairs...)
	}
	if status, answer := ask("request", object(nil)); status != http.StatusOK || answer["expires_in"] != 60.0 {
		t.Fatalf("%d %v", status, answer)
	}
	w.deliver()
	if shown := h.newest()["shown"].(map[string]any); shown["message"] != "Kassa 4-17" {
		t.Errorf("shown: %v", shown)
	}
	now := w.clock.Now().Unix()
	for name, pairs := range map[string][]string{
		"unsigned":              asking(),
		"a parameter beside it": {"request", object(nil), "binding_message", "Kassa 1"},
		"without jti":           {"request", object(map[string]any{"jti": nil})},
		"without iat":           {"request", object(map[string]any{"iat": nil})},
		"without nbf":           {"request", object(map[string]any{"nbf": nil})},
		"without exp":           {"request", object(map[string]any{"exp": nil})},
		"without aud":           {"request", object(map[string]any{"aud": nil})},
		"without iss":           {"request", object(map[string]any{"iss": nil, "client_id": rp.ClientID})},
		"for another server":    {"request", object(map[string]any{"aud": "https://other.example"})},
		"expired":               {"request", object(map[string]any{"exp": now - 300})},
		"by a key nobody knows": {"request", w.holder().sign(map[string]any{"alg": "ES256", "kid": "one"}, map[string]any{"iss": rp.ClientID})},
		"without a signature":   {"request", b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"iss":"`+rp.ClientID+`"}`)) + "."},
	} {
		if status, answer := ask(pairs...); status != http.StatusBadRequest || answer["error"] != "invalid_request" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
}

func TestBadInputToAQuestion(t *testing.T) {
	w := on(t)
	rp, p := w.till(), newPinged(t, http.StatusNoContent)
	pinging := p.till(w)
	for name, c := range map[string]struct {
		rp    control.RP
		pairs []string
		want  string
	}{
		"an app that is not registered for it": {w.hrm, nil, "unauthorized_client"},
		"a public app":                         {w.mobile, nil, "unauthorized_client"},
		"nobody":                               {control.RP{ClientID: "nobody"}, nil, "invalid_client"},
		"a wrong secret":                       {control.RP{ClientID: rp.ClientID, ClientSecret: "x"}, nil, "invalid_client"},
		"no secret":                            {control.RP{ClientID: rp.ClientID}, nil, "invalid_client"},
		"without openid":                       {rp, []string{"scope", "profile"}, "invalid_scope"},
		"without a scope":                      {rp, []string{"scope", ""}, "invalid_scope"},
		"without a hint":                       {rp, []string{"login_hint", ""}, "invalid_request"},
		"two hints":                            {rp, []string{"id_token_hint", "x.y.z"}, "invalid_request"},
		"a hint that is no ID token":           {rp, []string{"login_hint", "", "id_token_hint", "x.y.z"}, "invalid_request"},
		"a hint of another kind":               {rp, []string{"login_hint", "", "login_hint_token", "x.y.z"}, "invalid_request"},
		"three hints":                          {rp, []string{"id_token_hint", "x.y.z", "login_hint_token", "x.y.z"}, "invalid_request"},
		"no address":                           {rp, []string{"login_hint", "bo"}, "invalid_request"},
		"no message":                           {rp, []string{"binding_message", ""}, "invalid_binding_message"},
		"a long message":                       {rp, []string{"binding_message", strings.Repeat("a", 21)}, "invalid_binding_message"},
		"a message that turns around":          {rp, []string{"binding_message", "Kassa \u202e71-4"}, "invalid_binding_message"},
		"a message in other letters":           {rp, []string{"binding_message", "К\u0430\u0441\u0441\u0430"}, "invalid_binding_message"},
		"a message in other digits":            {rp, []string{"binding_message", "17 \u07c1\u07c2 42"}, "invalid_binding_message"},
		"a message in wide digits":             {rp, []string{"binding_message", "Kassa \uff17"}, "invalid_binding_message"},
		"a message of strokes":                 {rp, []string{"binding_message", "Kassa \u01c0\u01c0"}, "invalid_binding_message"},
		"a message with two spaces":            {rp, []string{"binding_message", "Kassa  7"}, "invalid_binding_message"},
		"somebody else by claims":              {rp, []string{"claims", `{"id_token":{"sub":{"value":"eva"}}}`}, "invalid_request"},
		"a resource":                           {rp, []string{"resource", "https://api.example.com/"}, "invalid_target"},
		"a message with a line":                {rp, []string{"binding_message", "a\nb"}, "invalid_binding_message"},
		"a message of nothing":                 {rp, []string{"binding_message", "---"}, "invalid_binding_message"},
		"a message with markup":                {rp, []string{"binding_message", "<b>Kassa</b>"}, "invalid_binding_message"},
		"an end in words":                      {rp, []string{"requested_expiry", "soon"}, "invalid_request"},
		"an end before now":                    {rp, []string{"requested_expiry", "-1"}, "invalid_request"},
		"no end":                               {rp, []string{"requested_expiry", "0"}, "invalid_request"},
		"a class that cannot be had":           {rp, []string{"claims", `{"id_token":{"acr":{"essential":true,"values":["urn:portvakt:aal2"]}}}`}, "unmet_authentication_requirements"},
		"a class that nobody knows":            {rp, []string{"claims", `{"id_token":{"acr":{"essential":true,"values":["gold"]}}}`}, "unmet_authentication_requirements"},
		"broken claims":                        {rp, []string{"claims", `{`}, "invalid_request"},
		"an object of nobody's":                {rp, []string{"request", "x.y.z"}, "invalid_request"},
		"a ping without a token":               {pinging, nil, "invalid_request"},
		"a ping with a long token":             {pinging, []string{"client_notification_token", strings.Repeat("a", 1025)}, "invalid_request"},
		"a ping with a broken token":           {pinging, []string{"client_notification_token", "a b"}, "invalid_request"},
		"a ping with a line":                   {pinging, []string{"client_notification_token", "a\r\nX: y"}, "invalid_request"},
	} {
		status, answer := w.call(grant.CIBAPath, c.rp, asking(c.pairs...)...)
		if answer["error"] != c.want || status != http.StatusBadRequest && c.want != "invalid_client" {
			t.Errorf("%s: %d %v, want %s", name, status, answer, c.want)
		}
	}
	if status, answer := w.call("/token", rp, "grant_type", relyingparty.CIBA); status != http.StatusBadRequest || answer["error"] != "invalid_request" {
		t.Errorf("a poll without a request: %d %v", status, answer)
	}
	if status, answer := w.call("/token", w.hrm, "grant_type", relyingparty.CIBA, "auth_req_id", "x"); answer["error"] != "unauthorized_client" {
		t.Errorf("a poll by whoever may not ask: %d %v", status, answer)
	}
	// What is only wished for is not refused.
	for wish, want := range map[string]float64{"1": 30, "60": 60, "1000000": 300} {
		if _, answer := w.call(grant.CIBAPath, rp, asking("requested_expiry", wish, "acr_values", "urn:portvakt:aal2", "user_code", "1234")...); answer["expires_in"] != want {
			t.Errorf("%s seconds: %v", wish, answer)
		}
	}
}

func TestWhoMayAskPeopleIsDecidedAtTheRegistration(t *testing.T) {
	w := on(t)
	for name, change := range map[string]func(*control.RP){
		"a public app":                 func(rp *control.RP) { rp.Public = true },
		"an app of nobody's":           func(rp *control.RP) { rp.Organisations = nil },
		"an app that requires more":    func(rp *control.RP) { rp.RequireACR = "urn:portvakt:aal2" },
		"no way to hear of the answer": func(rp *control.RP) { rp.Options.Delivery = "" },
		"tokens by push":               func(rp *control.RP) { rp.Options.Delivery = "push" },
		"a ping to nowhere":            func(rp *control.RP) { rp.Options.Delivery = relyingparty.Ping },
		"a ping without TLS": func(rp *control.RP) {
			rp.Options.Delivery, rp.Options.NotifyURI = relyingparty.Ping, "http://till.example/ping"
		},
		"a signature without a key":     func(rp *control.RP) { rp.Options.AskAlg = "ES256" },
		"a signature of another kind":   func(rp *control.RP) { rp.Options.AskAlg = "HS256" },
		"a code of the person's":        func(rp *control.RP) { rp.Options.UserCode = true },
		"a mode without the grant type": func(rp *control.RP) { rp.Options.GrantTypes, rp.RedirectURIs = nil, []string{"https://till.example/"} },
	} {
		if err := w.control(http.MethodPost, "/relying-parties", w.aTill(change)); err == nil {
			t.Errorf("%s: it was registered", name)
		}
	}
}
