package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// choosesApp goes from the choice to the page with the key, and returns the app that has it.
func (b *browser) choosesApp() *phone {
	b.w.t.Helper()
	b.post(b.action("/enrolment/"), "want", "other").follow().expect(http.StatusOK)
	return &phone{b.w, parseKey(shownKey.FindStringSubmatch(b.body)[1])}
}

// typesFirst types an app's first code.
func (b *browser) typesFirst(code string) *browser {
	b.w.t.Helper()
	b.get(beside(b.at, "code")).expect(http.StatusOK)
	return b.post(b.action("/enrolment/"), "code", code)
}

func TestTheKeyOfAnAbandonedEnrolmentIsWorthNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		left := b.choosesApp()
		choice := b.at
		// He goes back and begins again: the key that he scanned first is gone, and the page says so as a wrong code.
		b.get(beside(choice, "choice")).expect(http.StatusOK)
		next := b.choosesApp()
		b.typesFirst(left.code()).expect(http.StatusUnprocessableEntity).shows("Koden")
		b.post(b.action("/enrolment/"), "code", next.code()).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow()

		other := w.browser()
		other.toCode(newLogin(w.hrm))
		other.post(other.action("/signin/"), "code", left.code()).expect(http.StatusUnprocessableEntity)
		other.post(other.action("/signin/"), "code", next.code()).expect(http.StatusSeeOther)
	})
}

func TestAnEnrolmentThatIsLeftForAnHourBindsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		app := b.choosesApp()
		b.get(beside(b.at, "code")).expect(http.StatusOK)
		form := b.action("/enrolment/")
		w.clock.Advance(time.Hour + time.Minute)
		b.post(form, "code", app.code()).follow()
		if b.last.StatusCode >= 500 {
			t.Fatalf("status %d", b.last.StatusCode)
		}
		b.get("/account").expect(http.StatusOK) // the session stands, nothing is lost
		if strings.Contains(b.body, "/account/apps/rename") {
			t.Error("an app was bound")
		}
	})
}

func TestTwoTabsThatEnrolAtOnceEndWithOneAppThatWorks(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// Two tabs of one attempt show the same key, the newest.
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		first := b.choosesApp()
		page := b.at
		b.get(beside(page, "choice"))
		second := b.choosesApp()
		b.get(page)
		if !strings.Contains(b.body, second.key.Text()) || strings.Contains(b.body, first.key.Text()) {
			t.Fatal("a reload shows the old key")
		}

		// Two attempts: whoever is first binds, and the other has begun before a change.
		b.get("/account").post("/account/apps/add").follow()
		third := b.choosesApp()
		late := b.at
		b.get(page)
		b.typesFirst(second.code()).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow()
		b.get(beside(late, "code"))
		b.post(beside(late, "code"), "code", third.code()).follow()
		if b.last.StatusCode >= 500 {
			t.Fatalf("status %d", b.last.StatusCode)
		}
		b.get("/account").expect(http.StatusOK)
		if n := strings.Count(b.body, `action="/account/apps/rename"`); n != 1 {
			t.Errorf("%d apps", n)
		}
		again := w.browser()
		again.toCode(newLogin(w.hrm))
		again.post(again.action("/signin/"), "code", third.code()).expect(http.StatusUnprocessableEntity)
		again.post(again.action("/signin/"), "code", second.code()).expect(http.StatusSeeOther)
	})
}
