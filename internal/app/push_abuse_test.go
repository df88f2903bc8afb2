package app_test

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestOnesOwnPhoneIsNoSecondProofForSomebodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addApp() // Bo has an app, and no phone that could ring
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		c := w.browser()
		c.signIn(newLogin(w.hrm), "cilla.berg@foretaget.example", bosPass)
		cillas := c.post("/account/apps/add").follow().pair()

		// A thief has Bo's password and a phone of his own account, which asks him about this very attempt.
		thief := w.browser()
		thief.get(newLogin(w.hrm).authorize()).follow()
		thief.post(thief.action("/signin/"), "address", "cilla.berg@foretaget.example").follow()
		thief.post(thief.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Bekräfta i din telefon")
		attempt, number, mine := attemptOf(thief.at), thief.number(), cillas.newest()
		thief.get("/signin/" + attempt).expect(http.StatusOK)
		thief.post(thief.action("/signin/"), "address", bosAddress).follow()
		thief.post(thief.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Ange din 6-siffriga kod")
		if out := cillas.answer(mine, "approve", number); out.text("error") != "gone" {
			t.Errorf("his own phone answers for Bo's sign-in: %d %v", out.status, out.body)
		}
		thief.post("/signin/" + attempt + "/push")
		thief.get("/account").expect(http.StatusSeeOther)
	})
}

func TestWhatIsApprovedIsThePhoneThatThePageHasShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		bos, strangers := w.handset(), w.handset()
		bos.claim(b.toPairing())
		page := b.at
		b.get(page).follow().expect(http.StatusOK).shows(bos.comparison)
		approve := b.action("/enrolment/")
		// In another tab he asks for another code, which somebody sees over his shoulder.
		w.clock.Advance(time.Second)
		b.post(page).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		if out := strangers.claim(b.pairingCode()); out.status != http.StatusOK {
			t.Fatal(out.body)
		}
		b.post(approve, "want", "approve").expect(http.StatusSeeOther)
		if w.clock.Advance(pollPause); strangers.poll().text("error") != "authorization_pending" {
			t.Error("a phone was approved whose characters nobody has seen")
		}
		b.follow().follow().expect(http.StatusOK).shows(strangers.comparison)
	})
}

func TestAPhoneThatIsRemovedBeforeItsFirstTokenGetsNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow()
		h := w.handset()
		h.claim(b.toPairing())
		b.get(b.at).follow().expect(http.StatusOK)
		b.post(b.action("/enrolment/"), "want", "approve").follow().expect(http.StatusOK).shows("Öppna appen igen")
		if _, err := w.app.Control.Enrolment.RemoveFor(t.Context(), bosAddress, "Bos telefon", "he called"); err != nil {
			t.Fatal(err)
		}
		if out := h.poll(); out.text("error") != "access_denied" {
			t.Errorf("its poll: %d %v", out.status, out.body)
		}
	})
}

func TestAnOldTapMakesNoBrowserRemembered(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	b := w.browser()
	b.toPush(newLogin(w.hrm))
	h.answer(h.newest(), "approve", b.number())
	b.onward() // and leaves the computer unlocked
	b.get(newLogin(w.hrm).authorize("acr_values", "urn:portvakt:aal2")).follow().expect(http.StatusOK)
	b.post("/signin/"+attemptOf(b.at)+"/push", "remember", "on")
	b.post("/signout").follow()
	b.toPush(newLogin(w.hrm)).number() // the phone is asked again
}

func TestAfterAReportOnlyAnotherFactorTurnsPushOnAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		mine := w.browser()
		mine.toPush(newLogin(w.hrm))
		h.answer(h.newest(), "approve", mine.number())
		mine.onward()
		mine.post("/signout").follow() // this browser knows Bo from now on

		w.browser().toPush(newLogin(w.hrm)) // a thief
		if out := h.answer(h.newest(), "not_me", ""); out.text("result") != "reported" {
			t.Fatal(out.body)
		}
		rings := func() bool {
			thief := w.browser()
			thief.get(newLogin(w.hrm).authorize()).follow()
			thief.post(thief.action("/signin/"), "address", bosAddress).follow()
			thief.post(thief.action("/signin/"), "password", bosPass)
			return len(h.waiting()) > 0
		}
		for range 3 { // his own sign-ins by push go on, and help the thief nothing
			mine.toPush(newLogin(w.hrm))
			if out := h.answer(h.newest(), "approve", mine.number()); out.text("result") != "approved" {
				t.Fatal(out.body)
			}
			mine.onward()
			mine.post("/signout").follow()
			if rings() {
				t.Fatal("a thief makes the phone ring again")
			}
		}
		mine.toPush(newLogin(w.hrm))
		mine.get(beside(mine.at, "second")).expect(http.StatusOK)
		mine.post(mine.at, "code", h.code(t)).expect(http.StatusSeeOther).follow()
		if !rings() {
			t.Error("another factor turns push on again")
		}
	})
}

func TestAStreamEndsWithItsAccessToken(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.clock.Advance(9 * time.Minute)
	events := h.listens(ctx, behindServer(t, w.app))
	w.clock.Advance(2 * time.Minute)
	w.browser().toPush(newLogin(w.hrm))
	for e := range events {
		t.Errorf("after the end of the token: %s %s", e.name, e.data)
	}
}
