package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/totp"
)

// window is how long a code is shown.
const window = 30 * time.Second

// phone is Bo's authenticator app.
type phone struct {
	w   *world
	key totp.Key
}

// code is what the app shows, after the step of the last code has passed: each counts once.
func (p *phone) code() string {
	p.w.clock.Advance(window)
	return p.key.Code(p.w.clock.Now())
}

var (
	shownKey      = regexp.MustCompile(`secret=([A-Z2-7]{32})`)
	shownRecovery = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){4}`)
)

// enrol goes from the choice of an app to the end, and returns the app and the recovery code.
func (b *browser) enrol() (*phone, string) {
	b.w.t.Helper()
	p := b.follow().expect(http.StatusOK).bind()
	return p, b.saveRecovery()
}

// bind goes from the choice of an app to its first code.
func (b *browser) bind() *phone {
	b.w.t.Helper()
	b.shows("Jag använder en annan autentiseringsapp")
	b.post(b.action("/enrolment/"), "want", "other").follow().expect(http.StatusOK)
	m := shownKey.FindStringSubmatch(b.body)
	if m == nil {
		b.w.t.Fatalf("no key on the page:\n%s", b.body)
	}
	p := &phone{b.w, parseKey(m[1])}
	b.get(beside(b.at, "code")).expect(http.StatusOK)
	b.post(b.action("/enrolment/"), "code", "000000").expect(http.StatusUnprocessableEntity)
	b.post(b.action("/enrolment/"), "code", p.code()).expect(http.StatusSeeOther)
	return p
}

// saveRecovery reads the recovery code that is shown and presses Klar.
func (b *browser) saveRecovery() string {
	b.w.t.Helper()
	b.follow().expect(http.StatusOK).shows("Klar")
	code := strings.ReplaceAll(shownRecovery.FindString(strings.ReplaceAll(b.body, "<wbr>", "")), " ", "")
	if code == "" {
		b.w.t.Fatalf("no recovery code on the page:\n%s", b.body)
	}
	form := b.action("/enrolment/")
	b.get(b.at).expect(http.StatusOK) // shown until it is saved, also after a reload
	b.get(strings.Replace(b.at, "/recovery", "/recovery.txt", 1)).expect(http.StatusOK)
	if strings.TrimSpace(b.body) != code {
		b.w.t.Errorf("the file holds %q", b.body)
	}
	b.post(form).expect(http.StatusUnprocessableEntity) // not ticked
	b.post(form, "saved", "on").expect(http.StatusSeeOther)
	return code
}

// addApp turns two-factor authentication on for Bo, from his account's page.
func (w *world) addApp() (*phone, string) {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	p, recovery := b.post("/account/apps/add").enrol()
	b.follow().shows("Tvåfaktorsautentisering")
	w.deliver()
	return p, recovery
}

// toCode goes to the page that asks for a code.
func (b *browser) toCode(l rp) *browser {
	b.w.t.Helper()
	b.toPassword(l, bosAddress)
	return b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Ange din 6-siffriga kod")
}

func TestAnAppIsAddedOnTheAccountAndAskedForAtTheNextSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b, l := w.browser(), newLogin(w.hrm)
		b.toCode(l)
		b.get("/account").expect(http.StatusSeeOther) // a password alone is no session
		b.get(newLogin(w.hrm).authorize("prompt", "none"))
		if !strings.Contains(b.leads(), "login_required") {
			t.Fatalf("a password alone answers: %q", b.leads())
		}
		b = w.browser()
		b.toCode(l)
		b.post(b.action("/signin/"), "code", "123 456").expect(http.StatusUnprocessableEntity)
		spaced := app.code()
		b.post(b.action("/signin/"), "code", spaced[:3]+" "+spaced[3:]).follow()
		status, answer := w.redeem(l, l.code(t, b.leads()))
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
		id := claims(t, answer["id_token"].(string))
		if id["acr"] != "urn:portvakt:aal2" || !slices.Equal(id["amr"].([]any), []any{"pwd", "otp", "mfa"}) {
			t.Errorf("acr %v, amr %v", id["acr"], id["amr"])
		}
		w.deliver()
		if mails := w.post.news(bosAddress); len(mails) != 1 || !strings.Contains(mails[0], "iPhone") {
			t.Errorf("mails: %q", mails)
		}
	})
}

func TestACodeCountsOnceAndInNoOtherWindow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		first, second := w.browser(), w.browser()
		first.toCode(newLogin(w.hrm))
		second.toCode(newLogin(w.hrm))
		code := app.code()
		first.post(first.action("/signin/"), "code", code).expect(http.StatusSeeOther)
		second.post(second.action("/signin/"), "code", code).expect(http.StatusUnprocessableEntity)
		for _, at := range []time.Duration{2 * window, -5 * window} {
			second.post(second.action("/signin/"), "code", app.key.Code(w.clock.Now().Add(at))).expect(http.StatusUnprocessableEntity)
		}
		// A phone whose clock is 40 s ahead, or behind, works.
		w.clock.Advance(2 * window)
		second.post(second.action("/signin/"), "code", app.key.Code(w.clock.Now().Add(window))).expect(http.StatusSeeOther)
	})
}

func TestTwentyPressesWithOneCodeOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		browsers := make([]*browser, 8) // the budget's size: more would be paused
		for i := range browsers {
			browsers[i] = w.browser()
			browsers[i].toCode(newLogin(w.hrm))
		}
		code, won := app.code(), 0
		for b := range parallel(browsers, func(b *browser) { b.post(b.action("/signin/"), "code", code) }) {
			if b.last.StatusCode == http.StatusSeeOther {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of %d presses won", won, len(browsers))
		}
	})
}

func TestWrongCodesCountInTheOneBudget(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		for range 8 {
			b.post(b.action("/signin/"), "code", "000000").expect(http.StatusUnprocessableEntity)
		}
		b.post(b.action("/signin/"), "code", app.code()).expect(http.StatusUnprocessableEntity).shows(throttledText)
		b.get(strings.Replace(b.at, "/second", "/recovery", 1))
		b.post(b.action("/signin/"), "recovery_code", "0000-0000-0000-0000-0000").expect(http.StatusUnprocessableEntity).shows(throttledText)
	})
}

func TestARecoveryCodeSignsInOnceAndTheNextOneIsShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		use := func(code string) (*browser, rp) {
			b, l := w.browser(), newLogin(w.hrm)
			b.toCode(l)
			b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK).shows("Återställningskod")
			b.get(strings.Replace(b.at, "/methods", "/recovery", 1)).expect(http.StatusOK)
			return b.post(b.action("/signin/"), "recovery_code", code), l
		}
		b, l := use(strings.ToLower(strings.ReplaceAll(recovery, "-", " ")))
		next := b.expect(http.StatusSeeOther).saveRecovery()
		if next == recovery {
			t.Fatal("the same code again")
		}
		b.follow().expect(http.StatusOK).shows("Jag har kvar min app").shows("Appen är borta")
		b.post(b.action("/signin/"), "want", "keep").follow()
		_, answer := w.redeem(l, l.code(t, b.leads()))
		if id := claims(t, answer["id_token"].(string)); id["acr"] != "urn:portvakt:pwd" || !slices.Equal(id["amr"].([]any), []any{"pwd", "recovery"}) {
			t.Errorf("acr %v, amr %v", id["acr"], id["amr"])
		}
		old, _ := use(recovery)
		old.expect(http.StatusUnprocessableEntity)
		w.deliver()
		if mails := w.post.news(bosAddress); len(mails) != 2 || strings.Contains(mails[1], next) || strings.Contains(mails[1], recovery) {
			t.Errorf("mails: %q", mails)
		}

		b, l = use(next)
		b.expect(http.StatusSeeOther).saveRecovery()
		b.follow().post(b.action("/signin/"), "want", "gone").follow().expect(http.StatusOK)
		if b.cookies()["__Host-pv_session"] != "" {
			t.Error("signed in before there is another app")
		}
		fresh := b.bind()
		b.follow()
		_, answer = w.redeem(l, l.code(t, b.leads()))
		if id := claims(t, answer["id_token"].(string)); id["acr"] != "urn:portvakt:pwd" {
			t.Errorf("acr %v", id["acr"])
		}
		other := w.browser()
		other.toCode(newLogin(w.hrm))
		other.post(other.action("/signin/"), "code", app.code()).expect(http.StatusUnprocessableEntity) // the lost phone is worth nothing
		other.post(other.action("/signin/"), "code", fresh.code()).expect(http.StatusSeeOther)
	})
}

func TestARememberedBrowserSkipsTheCodeUntilSomethingChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code(), "remember", "on").follow()
		b.post("/signout")
		again := newLogin(w.hrm)
		if to := b.signIn(again, bosAddress, bosPass); !strings.Contains(to, "code=") {
			t.Fatalf("not skipped: %q", to)
		}
		_, answer := w.redeem(again, again.code(t, b.leads()))
		if id := claims(t, answer["id_token"].(string)); id["acr"] != "urn:portvakt:pwd" {
			t.Errorf("a remembered browser claims %v", id["acr"])
		}
		b.post("/account/apps/add").follow().expect(http.StatusOK).shows("Ange ditt lösenord") // it is no fresh proof
		b.post(b.action("/signin/"), "password", bosPass).follow().shows("Ange din 6-siffriga kod")

		b.post("/signout")
		b.askForLink(newLogin(w.hrm), bosAddress, "login") // and a mailed link asks for the code, too
		link := w.link(bosAddress)
		b.get(link).post(link).follow().shows("Ange din 6-siffriga kod")

		stranger := w.browser()
		stranger.toPassword(newLogin(w.hrm), annas)
		w.clock.Advance(31 * 24 * time.Hour)
		b.post("/signout")
		b.toCode(newLogin(w.hrm)) // thirty days are over
	})
}

func TestAnAttemptsProofsAreItsBrowsersAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		thief := w.browser()
		thief.get(b.at).expect(http.StatusGone)
		thief.post(b.action("/signin/"), "code", app.code()).expect(http.StatusGone)

		anna := w.browser() // a reset meanwhile ends what was half done
		anna.askForLink(newLogin(w.hrm), bosAddress, "reset")
		link := w.link(bosAddress)
		anna.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").follow().shows("Ange din 6-siffriga kod")
		b.post(b.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
		b.follow()
		b.get("/account").expect(http.StatusSeeOther)
		anna.post(anna.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
		anna.get("/account").expect(http.StatusOK)
	})
}

func TestWherePolicyRequiresItNobodyGetsInWithout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Required, From: w.clock.Now().Add(24 * time.Hour)})
		early := w.browser()
		early.toOffer().post(early.action("/enrolment/"), "want", "later").expect(http.StatusSeeOther) // the day has not come
		w.clock.Advance(25 * time.Hour)

		b, l := w.browser(), newLogin(w.hrm)
		b.toPassword(l, bosAddress)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Aktivera")
		if strings.Contains(b.body, "Påminn mig senare") {
			t.Error("it can be put off")
		}
		b.post(b.action("/enrolment/"), "want", "later")
		b.get("/account").expect(http.StatusSeeOther)
		app, _ := func() (*phone, string) {
			b.toPassword(l, bosAddress)
			b.post(b.action("/signin/"), "password", bosPass).follow()
			return b.post(b.action("/enrolment/"), "want", "on").enrol()
		}()
		b.follow()
		if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK || claims(t, answer["id_token"].(string))["acr"] != "urn:portvakt:aal2" {
			t.Errorf("%d %v", status, answer)
		}
		// The last app stays.
		b.get("/account").expect(http.StatusOK)
		id := regexp.MustCompile(`name="app" value="([^"]+)"`).FindStringSubmatch(b.body)
		if id == nil {
			t.Fatal("no app on the page")
		}
		b.get("/account/apps/remove?app=" + id[1]).expect(http.StatusOK)
		b.post("/account/apps/remove", "app", id[1]).expect(http.StatusSeeOther)
		other := w.browser()
		other.toCode(newLogin(w.hrm))
		other.post(other.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
	})
}

func TestAnAppIsRemovedByAFreshProofAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code()).follow()
		b.get("/account").expect(http.StatusOK)
		id := regexp.MustCompile(`name="app" value="([^"]+)"`).FindStringSubmatch(b.body)[1]
		b.post("/account/apps/rename", "app", id, "name", "Bos\nmobil").follow().shows("Bosmobil")
		w.clock.Advance(6 * time.Minute)
		b.post("/account/apps/remove", "app", id).follow().shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.post(b.action("/signin/"), "code", app.code()).follow().shows("Mitt konto")
		b.get("/account").shows("Bosmobil") // nothing is done before it is asked for again
		stranger := w.browser()
		stranger.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		stranger.get(link).post(link).follow()
		stranger.post("/account/apps/remove", "app", id).expect(http.StatusSeeOther)
		b.get("/account").shows("Bosmobil") // somebody else's
		b.post("/account/apps/remove", "app", id).follow()
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass) // off
		w.deliver()
		if mails := w.post.news(bosAddress); len(mails) != 2 {
			t.Errorf("%d mails, want one for on and one for off", len(mails))
		}
	})
}

// A right password does not wash away the codes that are guessed after it.
func TestCodesCannotBeGuessedBetweenRightPasswords(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		for range 2 {
			b.toCode(newLogin(w.hrm))
			for range 4 {
				b.post(b.action("/signin/"), "code", "000000").expect(http.StatusUnprocessableEntity)
			}
		}
		b.post(b.action("/signin/"), "code", app.code()).expect(http.StatusUnprocessableEntity).shows(throttledText)
	})
}

// The pages after the last proof are none: whoever has a session cannot keep it fresh by walking them.
func TestARecoveryCodeMadeLaterDoesNotFreshenTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b, l := w.browser(), newLogin(w.hrm)
		b.toCode(l)
		b.post(b.action("/signin/"), "code", app.code()).follow()
		b.get("/account").expect(http.StatusOK)
		b.post("/account/recovery-code").follow().expect(http.StatusOK).shows("Klar")
		w.clock.Advance(50 * time.Minute)
		b.post(b.action("/enrolment/"), "saved", "on").expect(http.StatusSeeOther)
		b.follow()
		b.get("/account").expect(http.StatusOK).shows("Mitt konto")
		b.post("/account/recovery-code").follow().shows("Ange ditt lösenord")
		if to := b.get(newLogin(w.hrm).authorize("prompt", "none", "max_age", "600")).leads(); !strings.Contains(to, "login_required") {
			t.Errorf("max_age is met: %q", to)
		}
	})
}

// Until the new app works and the new code is saved, the old ones stand: whoever closes the page is neither locked out nor
// let in with less.
func TestALostAppLeavesNoGap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, recovery := w.addApp()
		use := func(code string) *browser {
			b := w.browser()
			b.toCode(newLogin(w.hrm))
			b.get(strings.Replace(b.at, "/second", "/recovery", 1)).expect(http.StatusOK)
			return b.post(b.action("/signin/"), "recovery_code", code).expect(http.StatusSeeOther)
		}
		late := use(recovery).follow().shows("Klar") // and away
		b := use(recovery)
		next := b.saveRecovery()
		late.post(late.action("/enrolment/"), "saved", "on").follow().shows("Ange ditt lösenord") // one code, one session
		b.follow().post(b.action("/signin/"), "want", "gone").follow().expect(http.StatusOK)
		w.browser().toCode(newLogin(w.hrm)) // two-factor authentication is on all the while
		use(next)
		b.bind()
		b.follow()
		w.deliver()
		// It was turned on, the code was used three times, the lost app went, the next one came.
		if mails := w.post.news(bosAddress); len(mails) != 6 {
			t.Errorf("%d mails: %q", len(mails), mails)
		}
	})
}

// What one device has done in the meantime leaves the other no circle to walk.
func TestAStepThatWasDoneElsewhereIsOnePress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Required})
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		b.get(link).post(link).follow().shows("Aktivera")
		at := b.at
		w.policy(organisation.Policy{MFA: organisation.Optional})
		b.get(at).follow().expect(http.StatusOK).shows("Fortsätt")
		b.get("/account").expect(http.StatusSeeOther) // looking is not going on
		b.get(at).follow()
		b.pressTwice(b.action("/signin/"))
		b.get("/account").expect(http.StatusOK)
	})
}

func parseKey(text string) totp.Key {
	return must(totp.ParseKey(text))
}
