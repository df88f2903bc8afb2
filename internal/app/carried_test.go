package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// endsTheOther lets Bo, in his own browser, end the one other session that he sees.
func (b *browser) endsTheOther() {
	b.w.t.Helper()
	b.get("/account").expect(http.StatusOK)
	others := sessionField.FindAllStringSubmatch(b.body, -1)
	if len(others) != 1 {
		b.w.t.Fatalf("%d other sessions", len(others))
	}
	b.post("/account/sessions/end", "session", others[0][1]).expect(http.StatusSeeOther)
}

// A thief has the session's cookie and no password. What he has begun with it ends when Bo ends that session, which moves no epoch.
func TestWhatWasCarriedFromASessionEndsWithIt(t *testing.T) {
	begin := map[string]func(b *browser){
		"adding an app": func(b *browser) { b.post("/account/apps/add").follow() },
		"a step-up": func(b *browser) {
			b.asks("claims", essential)
			b.post(b.action("/enrolment/"), "want", "on").follow()
		},
	}
	for name, begins := range begin {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				bo, thief := w.browser(), w.browser()
				bo.signIn(newLogin(w.hrm), bosAddress, bosPass)
				thief.signIn(newLogin(w.hrm), bosAddress, bosPass)
				begins(thief)
				thief.post(thief.action("/enrolment/"), "want", "other").follow().expect(http.StatusOK)
				p := &phone{w, parseKey(shownKey.FindStringSubmatch(thief.body)[1])}
				thief.get(beside(thief.at, "code")).expect(http.StatusOK)
				form := thief.action("/enrolment/")
				bo.endsTheOther()
				thief.post(form, "code", p.code()).follow()
				if strings.Contains(plain(thief.body), "återställningskod") {
					t.Error("the app was bound, and leads on")
				}
				thief.get("/account").expect(http.StatusSeeOther)
				l := newLogin(w.hrm)
				l.code(t, w.browser().signIn(l, bosAddress, bosPass)) // no code is asked for
			})
		})
	}
}

// ADR 11: a step-up adds a proof, and does not move the absolute limit.
func TestAStepUpKeepsTheSessionsAbsoluteLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.remembered(app)
		w.clock.Advance(9 * time.Hour)
		l := b.asks("claims", essential)
		b.post(b.action("/signin/"), "code", app.code())
		b.answeredWith(l, aal2)
		w.clock.Advance(50 * time.Minute)
		b.get("/account").expect(http.StatusOK)
		w.clock.Advance(11 * time.Minute)
		b.get("/account").expect(http.StatusSeeOther)
	})
}

const malloryPass = "en helt annan lång mening"

// An attempt says what was typed last, and a session is whose it was proven to be. Otherwise every browser would be known to every
// account, with guesses of its own at each.
func TestABrowserKnowsWhomItHasLetInAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("mallory@foretaget.example", "Mallory", "M", malloryPass, "6666")
		w.policy(organisation.Policy{MFA: organisation.Recommended})
		mallory := w.browser()
		mallory.ip = "203.0.113.9"
		mallory.toPassword(newLogin(w.hrm), "mallory@foretaget.example")
		mallory.post(mallory.action("/signin/"), "password", malloryPass).follow().shows("Påminn mig senare")
		offer := mallory.action("/enrolment/")
		mallory.post("/signin/"+attemptOf(offer), "address", bosAddress).expect(http.StatusSeeOther)
		mallory.post(offer, "want", "later").follow()
		mallory.get("/account").expect(http.StatusOK).shows("Mallory")
		mallory.post("/signout")
		mallory.toPassword(newLogin(w.hrm), bosAddress).wrongPassword(8)
		// He has guessed as anybody does: a stranger's ninth guess has to wait.
		stranger := w.browser()
		stranger.toPassword(newLogin(w.hrm), bosAddress)
		stranger.post(stranger.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity).shows(throttledText)
	})
}

// A thief who knows Bo's password begins in a browser where he is signed in himself.
func TestASignInByAnothersFreshProofIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("mallory@foretaget.example", "Mallory", "M", malloryPass, "6666")
		mallory := w.browser()
		mallory.signIn(newLogin(w.hrm), "mallory@foretaget.example", malloryPass)
		w.clock.Advance(6 * time.Minute)
		mallory.post("/account/export").follow()
		mallory.post("/signin/"+attemptOf(mallory.at), "address", bosAddress).follow()
		mallory.post(mallory.action("/signin/"), "password", bosPass).follow()
		mallory.get("/account").expect(http.StatusOK).shows(bosAddress)
		w.deliver()
		if mails := strings.Join(w.post.to(bosAddress), "\n"); !strings.Contains(mails, "/recovery/not-me/") {
			t.Errorf("Bo was told: %q", mails)
		}
	})
}

// One code, one session: also where it is typed for a fresh proof.
func TestARecoveryCodeOfAFreshProofEndsTheOthersThatItHasOpened(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code()).follow()
		thief := w.browser()
		thief.toCode(newLogin(w.hrm))
		thief.get(strings.Replace(thief.at, "/second", "/recovery", 1))
		thief.post(thief.action("/signin/"), "recovery_code", recovery).follow().shows("Klar")
		w.clock.Advance(6 * time.Minute)
		b.post("/account/export").follow()
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.get(strings.Replace(b.at, "/second", "/recovery", 1)).expect(http.StatusOK)
		b.post(b.action("/signin/"), "recovery_code", recovery).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow()
		b.post(b.action("/signin/"), "want", "keep").follow()
		b.get("/account").expect(http.StatusOK)
		thief.post(thief.action("/enrolment/"), "saved", "on").follow()
		if strings.Contains(plain(thief.body), "Jag har kvar min app") {
			t.Error("the code has opened a second way in")
		}
	})
}

// RULES §5: in the week after a change the new address removes no second factor, also not by way of a new password.
func TestAPasswordByTheNewAddressRemovesNoSecondFactor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code()).follow()
		b.changeAddress(bosOther)
		const fresh = "nytt lösenord på resande fot"
		thief := w.browser()
		thief.askForLink(newLogin(w.hrm), bosOther, "reset")
		link := w.link(bosOther)
		thief.get(link).post(link, "new_password", fresh, "repeat_password", fresh).follow().shows("Ange din 6-siffriga kod")
		thief.get(strings.Replace(thief.at, "/second", "/recovery", 1)).expect(http.StatusOK)
		// Not in the attempt of the link alone: a password is typed.
		thief = w.browser()
		thief.toPassword(newLogin(w.hrm), bosOther)
		thief.post(thief.action("/signin/"), "password", fresh).follow().shows("Ange din 6-siffriga kod")
		thief.get(strings.Replace(thief.at, "/second", "/recovery", 1)).expect(http.StatusOK)
		thief.post(thief.action("/signin/"), "recovery_code", recovery).expect(http.StatusSeeOther)
		next := thief.saveRecovery()
		thief.follow().shows("ändrades nyligen")
		if strings.Contains(plain(thief.body), "Appen är borta") {
			t.Error("it is offered")
		}
		form := thief.action("/signin/")
		thief.post(form, "want", "gone").follow().shows("ändrades nyligen")
		thief.post(strings.Replace(beside(form, "off"), "/signin/", "/enrolment/", 1)).follow()
		thief.get("/account").expect(http.StatusSeeOther)
		// A week later nobody can take the account back any more, and the same person may.
		w.clock.Advance(8 * 24 * time.Hour)
		later := w.browser()
		later.toPassword(newLogin(w.hrm), bosOther)
		later.post(later.action("/signin/"), "password", fresh).follow()
		later.get(strings.Replace(later.at, "/second", "/recovery", 1)).expect(http.StatusOK)
		later.post(later.action("/signin/"), "recovery_code", next).expect(http.StatusSeeOther)
		later.saveRecovery()
		later.follow()
		later.post(later.action("/signin/"), "want", "gone").follow().shows("Stäng av")
	})
}

// A code that is on its way when the phone is taken out of use counts no more than the next one.
func TestASuspendedPhonesLastCodeIsWorthNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		b := w.browser()
		b.toSMS(newLogin(w.hrm))
		code := o.texted(w)
		if _, err := w.raw().Exec(`UPDATE phones SET suspended_at = 1`); err != nil {
			t.Fatal(err)
		}
		b.code(code).expect(http.StatusUnprocessableEntity)
	})
}
