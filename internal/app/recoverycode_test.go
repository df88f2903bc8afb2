package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// recovers signs Bo in with a recovery code, as far as the question what has become of his app, and returns the next code.
func (b *browser) recovers(l rp, code string) string {
	b.w.t.Helper()
	b.toCode(l)
	b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK).shows("Återställningskod")
	b.get(strings.Replace(b.at, "/methods", "/recovery", 1)).expect(http.StatusOK)
	b.post(b.action("/signin/"), "recovery_code", code).expect(http.StatusSeeOther)
	next := b.saveRecovery()
	b.follow().shows("Jag har kvar min app")
	return next
}

func TestTwoFactorAuthenticationIsTurnedOffWithTheRecoveryCodeBesideThePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, recovery := w.addApp()
		w.deliver()
		mails := len(w.post.to(bosAddress))
		b, l := w.browser(), newLogin(w.hrm)
		next := b.recovers(l, recovery)
		b.post(b.action("/signin/"), "want", "gone").follow().shows("Stäng av tvåfaktorsautentisering")
		b.pressTwice(strings.Replace(b.action("/enrolment/"), "/choice", "/off", 1))
		b.answeredWith(l, pwd)
		b.get("/account").expect(http.StatusOK)
		if strings.Contains(b.body, "/account/apps/rename") {
			t.Error("an app is left")
		}
		w.deliver()
		told := w.post.to(bosAddress)[mails:]
		if all := strings.Join(told, "\n"); !strings.Contains(all, "har just stängts av") || strings.Contains(all, next) || strings.Contains(all, recovery) {
			t.Errorf("mails: %q", told)
		}
		again := w.browser()
		again.signIn(newLogin(w.hrm), bosAddress, bosPass) // the password is enough now
	})
}

func TestTheRecoveryCodeBesideAMailedLinkTurnsItOffToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, recovery := w.addApp()
		b := w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		b.get(link).post(link).follow().shows("Ange din 6-siffriga kod")
		b.get(strings.Replace(b.at, "/second", "/recovery", 1)).expect(http.StatusOK)
		b.post(b.action("/signin/"), "recovery_code", recovery).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow().shows("Appen är borta")
		b.post(b.action("/signin/"), "want", "gone").follow().shows("Stäng av tvåfaktorsautentisering")
		b.post(strings.Replace(b.action("/enrolment/"), "/choice", "/off", 1)).follow()
		b.get("/account").expect(http.StatusOK)
		if strings.Contains(b.body, "/account/apps/rename") {
			t.Error("an app is left")
		}
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass) // and the password is what it was
	})
}

func TestWherePolicyRequiresItTheRecoveryCodeNeverLeadsToOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		b := w.browser()
		b.recovers(newLogin(w.hrm), recovery)
		b.post(b.action("/signin/"), "want", "gone").follow().shows("Stäng av tvåfaktorsautentisering")
		off := strings.Replace(b.action("/enrolment/"), "/choice", "/off", 1)
		w.policy(organisation.Policy{MFA: organisation.Required}) // while the page is open
		b.post(off).follow()
		if strings.Contains(b.body, "Stäng av") {
			t.Error("it is offered")
		}
		b.get("/account").expect(http.StatusSeeOther)
		// Whoever has not lost the app has no such button either.
		w.policy(organisation.Policy{MFA: organisation.Optional})
		c := w.browser()
		c.toCode(newLogin(w.hrm))
		c.post(c.action("/signin/"), "code", app.code()).follow()
		c.post("/account/apps/add").follow()
		c.post(strings.Replace(c.action("/enrolment/"), "/choice", "/off", 1)).follow()
		c.get("/account").expect(http.StatusOK)
		if !strings.Contains(c.body, "/account/apps/rename") {
			t.Error("adding an app has a way to turn it off")
		}
	})
}

// issue hands a recovery code out, as the operator's command does.
func (w *world) issue(reason string) string {
	w.t.Helper()
	var out struct {
		Code string `json:"recovery_code"`
	}
	if err := w.controlled(http.MethodPost, "/accounts/recovery-code", map[string]string{"address": bosAddress, "reason": reason}, &out); err != nil {
		w.t.Fatal(err)
	}
	return out.Code
}

func TestTheOperatorsRecoveryCodeWorksOnceWithinADayBesideAnotherProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, own := w.addApp()
		w.deliver()
		mails := len(w.post.to(bosAddress))
		first := w.issue("Bo ringde från sin anställningstelefon")
		code := w.issue("Han skrev ner den fel")
		w.deliver()
		told := w.post.to(bosAddress)[mails:]
		if all := strings.Join(told, "\n"); len(told) != 2 || strings.Contains(all, code) || strings.Contains(all, first) || !strings.Contains(all, "/recovery/not-me/") {
			t.Errorf("mails: %q", told)
		}
		b, l := w.browser(), newLogin(w.hrm)
		b.toCode(l)
		b.get(strings.Replace(b.at, "/second", "/recovery", 1))
		b.post(b.action("/signin/"), "recovery_code", first).expect(http.StatusUnprocessableEntity) // its successor is out
		next := b.recovers(l, strings.ToLower(code))
		b.post(b.action("/signin/"), "want", "keep").follow()
		b.get("/account").expect(http.StatusOK)
		other := w.browser()
		other.toCode(newLogin(w.hrm))
		other.get(strings.Replace(other.at, "/second", "/recovery", 1))
		for _, gone := range []string{code, own} {
			other.post(other.action("/signin/"), "recovery_code", gone).expect(http.StatusUnprocessableEntity)
		}
		other.post(other.action("/signin/"), "recovery_code", next).expect(http.StatusSeeOther)

		late := w.issue("Ett nytt försök")
		w.clock.Advance(24*time.Hour + time.Second)
		b = w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(strings.Replace(b.at, "/second", "/recovery", 1))
		b.post(b.action("/signin/"), "recovery_code", late).expect(http.StatusUnprocessableEntity)
	})
}

func TestNoRecoveryCodeIsHandedOutWithoutAReasonOrToNobody(t *testing.T) {
	w := on(t)
	for _, in := range []map[string]string{
		{"address": bosAddress, "reason": "han har ingen app"}, {"address": annas, "reason": ""}, {"address": "nobody@foretaget.example", "reason": "x"},
		{"address": "anna", "reason": "x"}, {"address": bosAddress, "reason": strings.Repeat("lång ", 200)},
	} {
		if err := w.control(http.MethodPost, "/accounts/recovery-code", in); err == nil {
			t.Errorf("%v was accepted", in)
		}
	}
}

// Not me: the person objects to the operator's code.
func TestAHandedOutCodeEndsWhenItsOwnerObjects(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addApp()
		w.deliver()
		code := w.issue("Någon ringde och sa att han var Bo")
		w.browser().pressNotMe(w.notMe(bosAddress, "lämnat ut"))
		const fresh = "en helt ny mening om båtar"
		b, link := w.browser(), w.link(bosAddress)
		b.get(link).expect(http.StatusOK)
		b.post(link, "new_password", fresh, "repeat_password", fresh, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther)
		thief := w.browser()
		thief.toPassword(newLogin(w.hrm), bosAddress)
		thief.post(thief.action("/signin/"), "password", fresh).follow()
		thief.get(strings.Replace(thief.at, "/second", "/recovery", 1))
		thief.post(thief.action("/signin/"), "recovery_code", code).expect(http.StatusUnprocessableEntity)
	})
}

func TestAfterThirtyDaysThePersonIsAskedForHerRecoveryCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, first := w.addApp()
		w.deliver()
		w.clock.Advance(10 * 24 * time.Hour)
		b := w.browser()
		b.recovers(newLogin(w.hrm), first) // another code takes its place
		w.deliver()
		mails := len(w.post.to(bosAddress))
		w.clock.Advance(21 * 24 * time.Hour)
		w.deliver()
		if told := w.post.to(bosAddress)[mails:]; len(told) != 0 {
			t.Errorf("asked for a code that is gone: %q", told)
		}
		// Bo has another address by then.
		if _, err := w.raw().Exec(`UPDATE accounts SET address = $1, identifier = $2 WHERE address = $3`, bosOther, bosOther, bosAddress); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(10 * 24 * time.Hour)
		w.deliver()
		told := w.post.to(bosOther)
		if len(told) != 1 || !strings.Contains(told[0], "30 dagar sedan") || !strings.Contains(told[0], issuer+"/account") || !strings.Contains(told[0], "Företaget AB") {
			t.Errorf("mails: %q", told)
		}
	})
}

func TestAnAppGetsItsNameWhereItIsAdded(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow()
	b.post(b.action("/enrolment/"), "want", "other").follow()
	if !strings.Contains(b.body, "otpauth://totp/F%C3%B6retaget%20AB:bo.lind%40foretaget.example?") {
		t.Error("the app is not told whose code it is")
	}
	app := &phone{w, parseKey(shownKey.FindStringSubmatch(b.body)[1])}
	b.get(beside(b.at, "code"))
	b.post(b.action("/enrolment/"), "code", "12", "name", `Bos "nya" <telefon>`).expect(http.StatusUnprocessableEntity)
	if !strings.Contains(b.body, `value="Bos &#34;nya&#34; &lt;telefon&gt;"`) {
		t.Error("the name is lost with the wrong code")
	}
	b.post(b.action("/enrolment/"), "code", app.code(), "name", "  Bos\u202e telefon\n"+strings.Repeat("x", 100))
	b.saveRecovery()
	b.follow().get("/account").shows("Bos telefon" + strings.Repeat("x", 29))
}
