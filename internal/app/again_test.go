package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// pressTwice presses a button twice: the browser drops the answer to the first press, and keeps none of its cookies.
func (b *browser) pressTwice(target string, pairs ...string) *browser {
	b.w.t.Helper()
	kept := b.cookies()
	b.post(target, pairs...).expect(http.StatusSeeOther)
	b.forgetAllBut(kept)
	return b.post(target, pairs...).expect(http.StatusSeeOther)
}

// isInOnce checks that the browser is signed in, that the app's request is answered, and how many sessions the account has.
func (b *browser) isInOnce(l rp, sessions int) {
	b.w.t.Helper()
	b.follow()
	if status, answer := b.w.redeem(l, l.code(b.w.t, b.leads())); status != http.StatusOK {
		b.w.t.Fatalf("%d %v", status, answer)
	}
	b.get("/account").expect(http.StatusOK)
	if n := 1 + strings.Count(b.body, `name="session"`); n != sessions {
		b.w.t.Errorf("%d sessions, want %d", n, sessions)
	}
}

func TestTheLastPressMayBePressedTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Recommended})
		b, l := w.browser(), newLogin(w.hrm)
		b.toPassword(l, bosAddress)
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.pressTwice(b.action("/enrolment/"), "want", "later").isInOnce(l, 1)

		// Klar, after the app was added; and the app itself, where nothing follows it.
		w.clock.Advance(time.Second)
		b.post("/account/apps/add").follow()
		app := b.bind()
		b.follow().shows("Klar")
		recovery := strings.ReplaceAll(shownRecovery.FindString(strings.ReplaceAll(b.body, "<wbr>", "")), " ", "")
		b.pressTwice(b.action("/enrolment/"), "saved", "on").follow()
		b.get("/account").expect(http.StatusOK)

		code, l := w.browser(), newLogin(w.hrm)
		code.toCode(l)
		code.pressTwice(code.action("/signin/"), "code", app.code()).isInOnce(l, 2)

		kept, l := w.browser(), newLogin(w.hrm)
		kept.toCode(l)
		kept.get(strings.Replace(kept.at, "/second", "/recovery", 1))
		kept.post(kept.action("/signin/"), "recovery_code", recovery)
		kept.saveRecovery()
		kept.follow()
		kept.pressTwice(kept.action("/signin/"), "want", "keep").isInOnce(l, 3)
	})
}

// Adding an app raises the session in which it is added: pressed twice it signs nobody out, and no app of the session either.
func TestAnAppThatIsAddedTwiceByOnePressKeepsTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b, l := w.browser(), newLogin(w.mobile)
		b.toCode(l)
		b.post(b.action("/signin/"), "code", app.code()).follow()
		_, tokens := w.redeem(l, l.code(t, b.leads()))
		b.post("/account/apps/add").follow()
		b.shows("Jag använder en annan autentiseringsapp")
		b.post(b.action("/enrolment/"), "want", "other").follow()
		next := &phone{w, parseKey(shownKey.FindStringSubmatch(b.body)[1])}
		b.get(beside(b.at, "code"))
		b.pressTwice(b.action("/enrolment/"), "code", next.code()).follow()
		b.get("/account").expect(http.StatusOK)
		if n := strings.Count(b.body, `action="/account/apps/rename"`); n != 2 {
			t.Errorf("%d apps", n)
		}
		if status, answer := w.refresh(w.mobile, tokens["refresh_token"].(string)); status != http.StatusOK {
			t.Errorf("the app was signed out: %d %v", status, answer)
		}
	})
}

// The second press is the same press: another code, another browser, or half a minute later is none.
func TestAFinishedAttemptAnswersNoOtherPress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		form, code, kept := b.action("/signin/"), app.code(), b.cookies()
		b.post(form, "code", code).expect(http.StatusSeeOther)
		refused := func(story string, other *browser, code string) {
			t.Helper()
			other.post(form, "code", code).follow()
			if other.get("/account"); other.last.StatusCode == http.StatusOK {
				t.Error(story)
			}
		}
		stranger := w.browser()
		refused("another browser", stranger, code)
		guess := w.browser()
		guess.forgetAllBut(kept)
		refused("another code", guess, "123456")
		w.clock.Advance(31 * time.Second)
		late := w.browser()
		late.forgetAllBut(kept)
		refused("half a minute later", late, code)
		b.get("/account").expect(http.StatusOK)
	})
}

// A session that has gone on to another sign-in is no longer what the first one has made: its second press makes no other.
func TestASecondPressMakesNoSessionWhereTheFirstOnesHasGoneOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Recommended})
		b := w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		b.post(b.action("/signin/"), "password", bosPass).follow()
		form, kept := b.action("/enrolment/"), b.cookies()
		b.post(form, "want", "later").expect(http.StatusSeeOther)

		l := newLogin(w.hrm)
		b.get(l.authorize("prompt", "login")).follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).isInOnce(l, 1)

		second := w.browser()
		second.forgetAllBut(kept)
		second.post(form, "want", "later").follow()
		if second.get("/account"); second.last.StatusCode == http.StatusOK {
			t.Error("the second press is in")
		}
		b.get("/account").expect(http.StatusOK)
		if n := 1 + strings.Count(b.body, `name="session"`); n != 1 {
			t.Errorf("%d sessions, want one", n)
		}
	})
}
