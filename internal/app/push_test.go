package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/totp"
)

// pollPause is a little more than a phone waits between two polls.
const pollPause = 2100 * time.Millisecond

func TestAPairedPhoneApprovesTheNextSignInWithOneTap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		b, l := w.browser(), newLogin(w.hrm)
		b.toPush(l)
		c := h.newest()
		shown := c["shown"].(map[string]any)
		if shown["app"] != "HRM" || shown["browser"] != "Safari" || shown["device"] != "iPhone" || shown["address"] != b.ip {
			t.Errorf("the phone shows %v", shown)
		}
		if all := c["numbers"].([]any); c["mode"] != "tap" || len(all) != 3 || !slices.Contains(all, any(b.number())) {
			t.Errorf("the phone shows %v, the page %s", all, b.number())
		}
		at, number := b.at, b.number()
		b.get("/account").expect(http.StatusSeeOther) // nobody is signed in yet
		b.get(at).expect(http.StatusOK)
		if b.number() != number {
			t.Error("looking has changed the number")
		}
		if out := h.answer(c, "approve", b.number()); out.text("result") != "approved" {
			t.Fatalf("approve: %d %v", out.status, out.body)
		}
		b.onward()
		status, answer := w.redeem(l, l.code(t, b.leads()))
		if status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, answer)
		}
		claims := claimsOfSigned(t, answer["id_token"].(string))
		if claims["acr"] != "urn:portvakt:mfa" || fmt.Sprint(claims["amr"]) != "[pwd push mfa]" {
			t.Errorf("acr %v, amr %v", claims["acr"], claims["amr"])
		}
	})
}

// bearer asks with an access token as if it were bound to no key.
func (w *world) bearer(path, token string) int {
	r := httptest.NewRequest(http.MethodGet, issuer+path, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	w.app.Handler().ServeHTTP(rec, r)
	return rec.Code
}

// rawGet asks with a proof of the test's own making.
func (h *handset) rawGet(path, proof string) answered {
	r := httptest.NewRequest(http.MethodGet, issuer+path, nil)
	r.Header.Set("Authorization", "DPoP "+h.access)
	return h.send(h.app, r, proof)
}

func TestWithoutAScriptOnePressGoesOnAfterTheApproval(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	b, l := w.browser(), newLogin(w.hrm)
	b.toPush(l)
	h.answer(h.newest(), "approve", b.number())
	b.get(b.at).follow().expect(http.StatusOK).shows("Klart att gå vidare") // what the page's own refresh does
	b.post(b.action("/signin/")).follow()
	l.code(t, b.leads())
}

func TestAnAnswerCountsOnceForItsOwnRequestAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		c, number := h.newest(), b.number()
		for name, changes := range map[string]map[string]any{
			"another app":                {"client_id": w.mobile.ClientID},
			"another place is shown":     {"shown": map[string]any{"app": "HRM", "browser": "Safari", "device": "iPhone", "place": "", "address": "192.0.2.1", "time": c["shown"].(map[string]any)["time"]}},
			"another nonce":              {"nonce": "AAAAAAAAAAAAAAAAAAAAAA"},
			"another attempt":            {"attempt": "x"},
			"another purpose":            {"purpose": "test"},
			"another end":                {"exp": c["exp"].(float64) + 600},
			"another issuer":             {"aud": "https://evil.example"},
			"another account":            {"sub": "somebody else"},
			"another key's name":         {"iss": "another"},
			"another challenge":          {"challenge": "another"},
			"a decision that is unknown": {"decision": "perhaps"},
		} {
			if out := h.post(c, h.signed(c, "approve", number, changes)); out.status != http.StatusBadRequest || out.text("error") != "invalid_answer" {
				t.Errorf("%s: %d %v", name, out.status, out.body)
			}
		}
		dpop := h.sign(map[string]any{"alg": "ES256", "typ": "dpop+jwt", "kid": h.id}, map[string]any{"decision": "approve"})
		if out := h.post(c, dpop); out.text("error") != "invalid_answer" {
			t.Errorf("another type of token: %v", out.body)
		}
		stranger := w.handset()
		forged := stranger.sign(map[string]any{"alg": "ES256", "typ": "portvakt-approval+jwt", "kid": h.id}, claimsOfSigned(t, h.signed(c, "approve", number, nil)))
		if out := h.post(c, forged); out.text("error") != "invalid_answer" {
			t.Errorf("another key's signature: %v", out.body)
		}
		good := h.signed(c, "approve", number, nil)
		if out := h.post(c, good); out.text("result") != "approved" {
			t.Fatalf("the honest answer: %d %v", out.status, out.body)
		}
		if out := h.post(c, good); out.status != http.StatusConflict || out.text("error") != "gone" || out.text("how") != "approved" {
			t.Errorf("a second time: %d %v", out.status, out.body)
		}
		b.onward()
		// In the next sign-in the old answer is worth nothing.
		next := w.browser()
		next.toPush(newLogin(w.hrm))
		d := h.newest()
		if out := h.post(d, good); out.text("error") != "invalid_answer" {
			t.Errorf("an old answer to a new request: %v", out.body)
		}
		next.post(next.at).expect(http.StatusSeeOther).follow().shows("Bekräfta i din telefon") // still nobody
	})
}

// claimsOfSigned are the claims of a token, as they stand.
func claimsOfSigned(t *testing.T, token string) map[string]any {
	t.Helper()
	var claims map[string]any
	if err := json.Unmarshal(unb64(strings.Split(token, ".")[1]), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestAWrongNumberIsADenialAndANumberOfAnotherRequestIsWrong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		one, other := w.browser(), w.browser()
		one.toPush(newLogin(w.hrm))
		first := h.newest()
		w.clock.Advance(time.Second)
		other.toPush(newLogin(w.hrm))
		second := h.newest()
		if first["id"] == second["id"] {
			t.Fatal("two sign-ins share a request")
		}
		for one.number() == other.number() { // a chance of one in ninety: then the number would be right
			w.clock.Advance(time.Second)
			one.post(one.action("/signin/" + attemptOf(one.at) + "/push/ask")).follow()
			first = h.newest()
		}
		if out := h.answer(first, "approve", other.number()); out.text("result") != "wrong_number" {
			t.Fatalf("the other's number: %d %v", out.status, out.body)
		}
		if out := h.answer(first, "approve", one.number()); out.text("error") != "gone" || out.text("how") != "denied" {
			t.Errorf("a second guess: %d %v", out.status, out.body)
		}
		one.get(one.at).expect(http.StatusOK).shows("valde fel tal")
		one.post(one.at).expect(http.StatusSeeOther)
		one.get("/account").expect(http.StatusSeeOther)
		if out := h.answer(second, "approve", other.number()); out.text("result") != "approved" {
			t.Errorf("the other sign-in: %v", out.body)
		}
	})
}

func TestAnotherAccountsPhoneCannotAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bos, _ := w.pairBo()
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		c := w.browser()
		c.signIn(newLogin(w.hrm), "cilla.berg@foretaget.example", bosPass)
		cillas := c.post("/account/apps/add").follow().pair()

		b := w.browser()
		b.toPush(newLogin(w.hrm))
		challenge := bos.newest()
		for _, seen := range cillas.waiting() {
			if seen["id"] == challenge["id"] {
				t.Error("another account's phone sees the request")
			}
		}
		if out := cillas.answer(challenge, "approve", b.number()); out.status != http.StatusNotFound {
			t.Errorf("another account's phone: %d %v", out.status, out.body)
		}
		if out := bos.post(challenge, cillas.signed(challenge, "approve", b.number(), map[string]any{"iss": bos.id, "sub": bos.account})); out.text("error") != "invalid_answer" {
			t.Errorf("her signature through his tokens: %v", out.body)
		}
	})
}

func TestAnApprovalAfterTwoMinutesIsTooLate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		c, number := h.newest(), b.number()
		w.clock.Advance(2*time.Minute + time.Second)
		if len(h.waiting()) != 0 {
			t.Error("it still waits")
		}
		if out := h.answer(c, "approve", number); out.text("error") != "gone" || out.text("how") != "expired" {
			t.Fatalf("too late: %d %v", out.status, out.body)
		}
		b.get(b.at).expect(http.StatusOK).shows("Vi fick inget svar").shows("Skicka igen").shows("Prova ett annat sätt")
		b.post(b.action("/signin/" + attemptOf(b.at) + "/push/ask")).follow().expect(http.StatusOK)
		if out := h.answer(h.newest(), "approve", b.number()); out.text("result") != "approved" {
			t.Errorf("the next one: %v", out.body)
		}
	})
}

func TestOfTwoPhonesThatAnswerAtOnceOneWinsAndTheOtherIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		one, _ := w.pairBo()
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		one.answer(one.newest(), "approve", b.number())
		b.onward()
		w.clock.Advance(10 * time.Minute)
		one.renew()
		b.post("/account/apps/add") // a tap is less than Bo's account can show
		if !strings.Contains(b.leads(), "/signin/") {
			t.Fatalf("an app is added after a tap: %s", b.leads())
		}
		other := w.secondPhone(b, one)

		next := w.browser()
		next.toPush(newLogin(w.hrm))
		c, number := one.newest(), next.number()
		var outs [2]answered
		var all sync.WaitGroup
		for i, h := range []*handset{one, other} {
			h.request(http.MethodGet, "/push/challenges", nil) // a fresh nonce
			all.Go(func() { outs[i] = h.answer(c, "approve", number) })
		}
		all.Wait()
		won, lost := outs[0], outs[1]
		if won.status != http.StatusOK {
			won, lost = lost, won
		}
		if won.text("result") != "approved" || lost.text("error") != "gone" || lost.text("how") != "approved" || lost.body["elsewhere"] != true {
			t.Errorf("one %v, the other %v", won.body, lost.body)
		}
	})
}

// secondPhone pairs another phone with Bo's account: a fresh proof by typed digits first.
func (w *world) secondPhone(b *browser, one *handset) *handset {
	w.t.Helper()
	b.follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	c := one.newest()
	if c["mode"] != "type" || c["purpose"] != "step_up" {
		w.t.Fatalf("before a change: %v", c)
	}
	if out := one.answer(c, "approve", b.number()[:3]+" "+b.number()[3:]); out.text("result") != "approved" {
		w.t.Fatalf("typed digits: %d %v", out.status, out.body)
	}
	b.onward().shows("Mitt konto")
	other := b.post("/account/apps/add").follow().expect(http.StatusOK).pair()
	b.post(b.action("/enrolment/")).follow()
	w.clock.Advance(time.Minute)
	return other
}

func TestARefreshTokenWithoutItsKeyIsWorthNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		thief := w.handset()
		thief.refresh, thief.access, thief.id, thief.account = h.refresh, h.access, h.id, h.account
		if out := thief.renew(); out.status == http.StatusOK {
			t.Fatal("refreshed by another key")
		}
		if out := thief.request(http.MethodGet, "/push/challenges", nil); out.status != http.StatusUnauthorized {
			t.Errorf("an access token by another key: %d", out.status)
		}
		thief.access = ""
		if out := w.bearer("/push/challenges", h.access); out != http.StatusUnauthorized {
			t.Errorf("as a bearer token: %d", out)
		}
		for range 12 { // for months
			w.clock.Advance(30 * 24 * time.Hour)
			if out := h.renew(); out.status != http.StatusOK {
				t.Fatalf("the phone itself: %d %v", out.status, out.body)
			}
		}
		if out := h.know(); out.status != http.StatusOK {
			t.Errorf("after a year: %d %v", out.status, out.body)
		}
	})
}

func TestFiftySignInsByAThiefRingTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		var all sync.WaitGroup
		for i := range 50 {
			b := w.browser()
			b.ip = fmt.Sprintf("192.0.2.%d", i+1)
			b.get(newLogin(w.hrm).authorize()).follow()
			b.post(b.action("/signin/"), "address", bosAddress).follow()
			form := b.action("/signin/")
			all.Go(func() { b.post(form, "password", bosPass) })
		}
		all.Wait()
		if n := len(h.waiting()); n != 2 {
			t.Errorf("%d requests wait", n)
		}
		// Bo himself, from a browser that knows him, is not locked out, and a success turns push on again.
		b := w.browser()
		b.get(newLogin(w.hrm).authorize()).follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		b.post(b.action("/signin/" + attemptOf(b.at) + "/push/ask")).expect(http.StatusTooManyRequests).shows("för många frågor").shows("Kod från appen")
		b.get(beside(b.at[:strings.LastIndex(b.at, "/")], "second")).expect(http.StatusOK)
		b.post(b.at, "code", h.code(t)).expect(http.StatusSeeOther).follow()
		again := w.browser()
		again.toPush(newLogin(w.hrm)).number()
	})
}

// code is what the phone shows without a network.
func (h *handset) code(t *testing.T) string {
	t.Helper()
	var codes struct {
		Secret, Algorithm string
		Digits, Period    int
	}
	if err := json.Unmarshal(h.decrypt(h.know().text("totp")), &codes); err != nil || codes.Algorithm != "SHA1" || codes.Digits != 6 || codes.Period != 30 {
		t.Fatalf("the key for codes: %v %+v", err, codes)
	}
	h.w.clock.Advance(window)
	return must(totp.ParseKey(codes.Secret)).Code(h.w.clock.Now())
}

func TestAQuestionGoesAwayWhenTheSignInGoesOnByAnotherWay(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	b, l := w.browser(), newLogin(w.hrm)
	b.toPush(l)
	c, number := h.newest(), b.number()
	b.get(beside(b.at, "second")).expect(http.StatusOK)
	b.post(b.at, "code", h.code(t)).follow()
	l.code(t, b.leads())
	if len(h.waiting()) != 0 {
		t.Error("the phone still asks")
	}
	if out := h.answer(c, "approve", number); out.text("error") != "gone" || out.text("how") != "cancelled" {
		t.Errorf("an answer that nobody needs: %v", out.body)
	}
}

func TestNobodyWaitsForNothing(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.get(newLogin(w.hrm).authorize()).follow().expect(http.StatusOK)
	id := attemptOf(b.at)
	b.get("/signin/" + id + "/push/events").expect(http.StatusNoContent)
	b.get("/enrolment/" + id + "/pair/events").expect(http.StatusNoContent)
}

func TestNoAccountIsRungMoreThanTenTimesADayWithoutASuccess(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		h.answer(h.newest(), "approve", b.number())
		b.onward()
		b.post("/signout").follow() // the browser knows Bo from now on
		b.toPush(newLogin(w.hrm))
		ask := b.action("/signin/" + attemptOf(b.at) + "/push/ask")
		for range 9 {
			b.post(ask).expect(http.StatusSeeOther)
		}
		b.post(ask).expect(http.StatusTooManyRequests)
		w.clock.Advance(25 * time.Hour)
		again := w.browser()
		again.get(newLogin(w.hrm).authorize()).follow()
		again.post(again.action("/signin/"), "address", bosAddress).follow()
		again.post(again.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		again.post(again.action("/signin/" + attemptOf(again.at) + "/push/ask")).expect(http.StatusTooManyRequests) // ten in a row were missed: a day is no success
	})
}

func TestARequestForAAL2AndAStrictPolicyAskForTypedDigits(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	b, l := w.browser(), newLogin(w.hrm)
	b.toPush(l, "acr_values", "urn:portvakt:aal2")
	c := h.newest()
	if c["mode"] != "type" || len(c["numbers"].([]any)) != 0 || len(b.number()) != 6 {
		t.Fatalf("mode %v, numbers %v, the page shows %q", c["mode"], c["numbers"], b.number())
	}
	h.answer(c, "approve", b.number())
	b.onward()
	_, answer := w.redeem(l, l.code(t, b.leads()))
	if claims := claimsOfSigned(t, answer["id_token"].(string)); claims["acr"] != "urn:portvakt:aal2" || fmt.Sprint(claims["amr"]) != "[pwd push mfa]" {
		t.Errorf("acr %v, amr %v", claims["acr"], claims["amr"])
	}
	w.policy(organisation.Policy{MFA: organisation.Required, TypedPush: true})
	other := w.browser()
	other.toPush(newLogin(w.hrm))
	if c := h.newest(); c["mode"] != "type" {
		t.Errorf("by policy: %v", c["mode"])
	}
}

func TestATapIsSteppedUpByTypedDigits(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	b := w.browser()
	b.toPush(newLogin(w.hrm))
	h.answer(h.newest(), "approve", b.number())
	b.onward()
	l := newLogin(w.hrm)
	b.get(l.authorize("acr_values", "urn:portvakt:aal2")).follow().expect(http.StatusOK).shows("Skicka till min telefon")
	b.post(b.action("/signin/" + attemptOf(b.at) + "/push/ask")).follow().expect(http.StatusOK)
	c := h.newest()
	if c["purpose"] != "step_up" || c["mode"] != "type" {
		t.Fatalf("the step-up: %v", c)
	}
	h.answer(c, "approve", b.number())
	b.onward()
	_, answer := w.redeem(l, l.code(t, b.leads()))
	if claims := claimsOfSigned(t, answer["id_token"].(string)); claims["acr"] != "urn:portvakt:aal2" {
		t.Errorf("acr %v", claims["acr"])
	}
}

func TestAPhoneWhoseClockIsOffAnswersAllTheSame(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		number := b.number()
		for name, off := range map[string]time.Duration{"an hour behind": -time.Hour, "a year ahead": 365 * 24 * time.Hour} {
			h.waiting()
			r := h.proof(http.MethodGet, "/push/account", h.access, "iat", w.clock.Now().Add(off).Unix())
			if out := h.rawGet("/push/account", r); out.status != http.StatusOK || int64(out.body["now"].(float64)) != w.clock.Now().UnixMilli() {
				t.Errorf("%s: %d %v", name, out.status, out.body)
			}
		}
		if out := h.answer(h.newest(), "approve", number); out.text("result") != "approved" {
			t.Errorf("its answer: %v", out.body)
		}
	})
}

func TestPushMessagesGoToNoPrivateNetwork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		point := h.wrap.PublicKey().Bytes()
		keys := map[string]string{"p256dh": b64(point), "auth": b64(make([]byte, 16))}
		for _, endpoint := range []string{"http://169.254.169.254/latest/meta-data/", "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/",
			"https://10.0.0.1/push", "https://localhost/push", "https://2852039166/", "https://user:pass@push.example.com/", "https://100.100.100.200/", "ftp://push.example.com/", ""} {
			out := h.request(http.MethodPut, "/push/subscription", map[string]any{"endpoint": endpoint, "keys": keys, "vapid": "x"})
			if out.status != http.StatusBadRequest || out.text("error") != "invalid_subscription" {
				t.Errorf("%s: %d %v", endpoint, out.status, out.body)
			}
		}
		if strings.Contains(w.log.String(), "169.254.169.254") {
			t.Error("an endpoint stands in the log")
		}
	})
}

func TestASecondScanStopsBothPhones(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		code, page := b.toPairing(), b.at
		one, other := w.handset(), w.handset()
		if out := one.claim(code); out.status != http.StatusOK {
			t.Fatal(out.body)
		}
		if again := one.claim(strings.ToLower(code[:13]) + "-" + code[13:]); again.status != http.StatusOK || again.text("comparison") != one.comparison {
			t.Errorf("the same phone once more, as its first answer was lost: %d %v", again.status, again.body)
		}
		if out := other.claim(code); out.status != http.StatusConflict || out.text("error") != "already_used" {
			t.Errorf("a second phone: %d %v", out.status, out.body)
		}
		if out := one.poll(); out.text("error") != "access_denied" {
			t.Errorf("the first phone: %v", out.body)
		}
		b.get(page).expect(http.StatusOK).shows("två telefoner")
		b.post(beside(page, "consent"), "want", "approve").follow().shows("två telefoner")
		if out := other.claim(code); out.text("error") != "already_used" {
			t.Errorf("once more: %v", out.body)
		}
		w.clock.Advance(time.Second)
		b.post(page).follow()
		if out := other.claim(b.pairingCode()); out.status != http.StatusOK {
			t.Errorf("with a new code: %v", out.body)
		}
	})
}

func TestOnlyTheBrowserThatShowsTheCodeCanApprove(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		h := w.handset()
		h.claim(b.toPairing())
		page := beside(b.at, "consent")
		for name, stranger := range map[string]*browser{"a stranger": w.browser(), "Bo in another browser": func() *browser {
			o := w.browser()
			o.signIn(newLogin(w.hrm), bosAddress, bosPass)
			return o
		}()} {
			stranger.post(page, "want", "approve")
			if w.clock.Advance(pollPause); h.poll().text("error") != "authorization_pending" {
				t.Errorf("%s has approved", name)
			}
		}
		b.get(page).expect(http.StatusOK).shows("Är du inte " + bosAddress + "?")
		b.post(page, "want", "deny").follow().expect(http.StatusOK).shows("ingen telefon är kopplad")
		if w.clock.Advance(pollPause); h.poll().text("error") != "access_denied" {
			t.Error("a denied phone is not told")
		}
		b.post(page, "want", "approve").follow().shows("ingen telefon är kopplad")
		if out := h.claim("0000000000000000000000000 0"); out.status != http.StatusNotFound || out.text("error") != "invalid_code" {
			t.Errorf("a wrong code: %d %v", out.status, out.body)
		}
	})
}

func TestOnAnIPhoneTheKeyIsShownAtOnceBesideItsIssuer(t *testing.T) {
	w := on(t)
	for agent, unfolded := range map[string]bool{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": true, // there a link opens the browser, and never the app
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                         false,
	} {
		b := w.browser()
		b.agent = agent
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		b.toPairing()
		b.shows("Nyckeln hör till inloggningen på " + issuer)
		if strings.Contains(b.body, "<details open>") != unfolded {
			t.Errorf("%s: the key is unfolded: %t", agent, !unfolded)
		}
	}
}

func TestWhoIsNotThePersonSignsOutAndThePhoneIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		h := w.handset()
		h.claim(b.toPairing())
		b.get(b.at).follow().expect(http.StatusOK).shows("Är du inte " + bosAddress + "?").shows("Logga ut nu")
		form := b.action("/enrolment/")
		b.post(form, "want", "sign_out").follow().expect(http.StatusOK)
		b.get("/account").expect(http.StatusSeeOther)
		if w.clock.Advance(pollPause); h.poll().text("error") != "access_denied" {
			t.Error("the phone waits for somebody who has left")
		}
		b.post(form, "want", "approve")
		b.post(form, "want", "sign_out").expect(http.StatusSeeOther) // always possible
		if _, apps, _, err := w.app.Control.Enrolment.Authenticators(t.Context(), bosAddress); err != nil || len(apps) != 0 {
			t.Errorf("%d apps, %v", len(apps), err)
		}
	})
}

func TestABindingCodeLivesTenMinutes(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow()
	code, page := b.toPairing(), b.at
	late, early := w.handset(), w.handset()
	w.clock.Advance(9 * time.Minute)
	if out := early.claim(code); out.status != http.StatusOK {
		t.Fatal(out.body)
	}
	w.clock.Advance(2 * time.Minute)
	if out := late.claim(code); out.text("error") != "invalid_code" {
		t.Errorf("an old code: %v", out.body)
	}
	if out := early.poll(); out.text("error") != "authorization_pending" { // it may come for its tokens a little longer
		t.Errorf("a phone whose page is over: %v", out.body)
	}
	w.clock.Advance(2 * time.Minute)
	if out := early.poll(); out.text("error") != "expired_token" {
		t.Errorf("a pairing that nobody approved in time: %v", out.body)
	}
	b.get(page).expect(http.StatusOK).shows("för gammal")
	b.post(beside(page, "consent"), "want", "approve").follow().shows("för gammal")
}

func TestTheFirstRingOfANewPhoneMayBeSkipped(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	h := b.post("/account/apps/add").follow().pair()
	c := h.newest()
	if c["purpose"] != "test" || c["mode"] != "none" {
		t.Errorf("the first ring: %v", c)
	}
	b.post(b.action("/enrolment/")).follow().expect(http.StatusOK).shows("Spara din återställningskod")
	if out := h.answer(c, "approve", ""); out.text("error") != "gone" || out.text("how") != "cancelled" {
		t.Errorf("after it was skipped: %v", out.body)
	}
	next := w.browser()
	next.toPush(newLogin(w.hrm)).number() // it counts as no failure
}

func TestWhoSaysThatItWasNotHerEndsTheSignInAndIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		mine := w.browser()
		mine.toPush(newLogin(w.hrm))
		h.answer(h.newest(), "approve", mine.number())
		mine.onward()

		thief := w.browser()
		thief.ip = "192.0.2.66"
		thief.toPush(newLogin(w.hrm))
		c := h.newest()
		if out := h.answer(c, "deny", ""); out.text("result") != "denied" {
			t.Fatalf("deny: %v", out.body)
		}
		thief.get(thief.at).expect(http.StatusOK).shows("Var det du?")
		if out := h.post(c, h.signed(c, "not_me", "", map[string]any{"end_sessions": true})); out.text("result") != "reported" {
			t.Fatalf("not me: %d %v", out.status, out.body)
		}
		if out := h.answer(c, "not_me", ""); out.text("error") != "gone" {
			t.Errorf("said twice: %v", out.body)
		}
		thief.get(thief.at).follow()
		if strings.Contains(plain(thief.body), "Bekräfta i din telefon") {
			t.Error("the thief's sign-in goes on")
		}
		mine.get("/account").expect(http.StatusSeeOther) // she asked to be signed out everywhere
		w.deliver()
		// The one about his own browser left in the same moment, before it or after it.
		if mails := w.post.to(bosAddress); !slices.ContainsFunc(mails, func(mail string) bool {
			return strings.Contains(mail, "192.0.2.66") && strings.Contains(mail, "/recovery/not-me/")
		}) {
			t.Errorf("the mails:\n%s", strings.Join(mails, "\n"))
		}
		another := w.browser()
		another.get(newLogin(w.hrm).authorize()).follow()
		another.post(another.action("/signin/"), "address", bosAddress).follow()
		another.post(another.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		another.post(another.action("/signin/" + attemptOf(another.at) + "/push/ask")).expect(http.StatusTooManyRequests)
		if n := len(h.waiting()); n != 0 {
			t.Errorf("%d requests after a report", n)
		}
	})
}

func TestARemovedPhoneLearnsItAndCountsNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i, way := range []string{"on the account's page", "on the phone", "by the operator"} {
			h, _ := w.pairBo()
			switch way {
			case "on the account's page":
				b := w.browser()
				b.toPush(newLogin(w.hrm), "acr_values", "urn:portvakt:aal2")
				h.answer(h.newest(), "approve", b.number())
				b.onward()
				b.get("/account").expect(http.StatusOK).shows("Bos telefon").shows("Godkänner inloggningar")
				b.post("/account/apps/remove", "app", h.id).expect(http.StatusSeeOther)
			case "on the phone":
				if out := h.request(http.MethodDelete, "/push/account", nil); out.status != http.StatusNoContent {
					t.Fatalf("leave: %d %v", out.status, out.body)
				}
			case "by the operator":
				if _, err := w.app.Control.Enrolment.RemoveFor(t.Context(), bosAddress, "bos telefon", ""); err == nil {
					t.Error("without a reason")
				}
				if id, err := w.app.Control.Enrolment.RemoveFor(t.Context(), bosAddress, "bos telefon", "Ringde från växeln"); err != nil || id != h.id {
					t.Fatal(id, err)
				}
			}
			if out := h.know(); out.status != http.StatusUnauthorized || out.text("error") != "invalid_token" {
				t.Errorf("%s: its access token: %d %v", way, out.status, out.body)
			}
			if out := h.renew(); out.text("error") != "invalid_grant" {
				t.Errorf("%s: its refresh token: %v", way, out.body)
			}
			w.deliver()
			if told := w.about("Tvåfaktorsautentisering har just stängts av"); len(told) != i+1 {
				t.Errorf("%s: %d mails tell of it", way, len(told))
			}
			b := w.browser()
			l := newLogin(w.hrm)
			l.code(t, b.signIn(l, bosAddress, bosPass)) // the password alone again
		}
	})
}

func TestTheLastPhoneStaysWhereTwoFactorsAreRequired(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	w.policy(organisation.Policy{MFA: organisation.Required})
	if out := h.request(http.MethodDelete, "/push/account", nil); out.status != http.StatusConflict || out.text("error") != "last" {
		t.Errorf("leave: %d %v", out.status, out.body)
	}
	if out := h.know(); out.status != http.StatusOK {
		t.Errorf("it is gone all the same: %v", out.body)
	}
}

func TestAPhoneThatHasLostItsKeysSaysSo(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	lost := h.know().text("lost_token")
	wiped := w.handset()
	if out := wiped.request(http.MethodPost, "/push/lost", map[string]any{"token": h.id + ".x"}); out.status != http.StatusNotFound {
		t.Errorf("a made-up token: %d", out.status)
	}
	if out := wiped.request(http.MethodPost, "/push/lost", map[string]any{"token": lost}); out.status != http.StatusNoContent {
		t.Fatalf("lost: %d %v", out.status, out.body)
	}
	b := w.browser()
	b.toCode(newLogin(w.hrm)) // no phone is asked that cannot answer
	b.post(b.action("/signin/"), "code", h.code(t)).follow()
	b.get("/account").expect(http.StatusOK).shows("har tappat sin nyckel")
}

func TestARecoveryCodeReplacesALostPhone(t *testing.T) {
	w := on(t)
	h, recovery := w.pairBo()
	b := w.browser()
	b.toPush(newLogin(w.hrm))
	b.get(beside(b.at, "methods")).expect(http.StatusOK).shows("Återställningskod").shows("Kod från appen")
	b.get(beside(b.at, "recovery")).expect(http.StatusOK)
	b.post(b.action("/signin/"), "recovery_code", recovery).follow()
	b.saveRecovery()
	b.follow().shows("Appen är borta")
	b.post(b.action("/signin/"), "want", "gone").follow().expect(http.StatusOK)
	fresh := b.pair()
	if out := h.renew(); out.text("error") != "invalid_grant" {
		t.Errorf("the lost phone: %v", out.body)
	}
	fresh.answer(fresh.newest(), "approve", "")
	next := w.browser()
	next.toPush(newLogin(w.hrm))
	if out := fresh.answer(fresh.newest(), "approve", next.number()); out.text("result") != "approved" {
		t.Errorf("the new phone: %v", out.body)
	}
}

func TestASecondPressOfTheConsentPairsOnePhone(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow()
	h := w.handset()
	h.claim(b.toPairing())
	b.get(b.at).follow()
	form, kept := b.action("/enrolment/"), b.cookies()
	b.post(form, "want", "approve").follow().shows("Öppna appen igen")
	b.forgetAllBut(kept)
	b.post(form, "want", "approve").follow().shows("Öppna appen igen")
	if out := h.poll(); out.status != http.StatusOK {
		t.Errorf("the phone: %v", out.body)
	}
	_, apps, _, err := w.app.Control.Enrolment.Authenticators(t.Context(), bosAddress)
	if err != nil || len(apps) != 1 {
		t.Errorf("%d apps, %v", len(apps), err)
	}
}
