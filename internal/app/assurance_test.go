package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

const (
	aal2 = "urn:portvakt:aal2"
	pwd  = "urn:portvakt:pwd"
	// essential asks for aal2 and takes nothing less.
	essential = `{"id_token":{"acr":{"essential":true,"values":["urn:portvakt:aal2"]}}}`
)

// asks sends the browser to Portvakt with a request, as HRM does, and follows it as far as Portvakt's pages go.
func (b *browser) asks(pairs ...string) rp {
	b.w.t.Helper()
	l := newLogin(b.w.hrm)
	b.get(l.authorize(pairs...)).follow()
	return l
}

// answeredWith checks that the app's request was answered with a code, and what the sign-in is worth.
func (b *browser) answeredWith(l rp, acr string) map[string]any {
	b.w.t.Helper()
	b.follow()
	status, answer := b.w.redeem(l, l.code(b.w.t, b.leads()))
	if status != http.StatusOK {
		b.w.t.Fatalf("%d %v", status, answer)
	}
	id := claims(b.w.t, answer["id_token"].(string))
	if id["acr"] != acr {
		b.w.t.Errorf("acr %v, want %s", id["acr"], acr)
	}
	return id
}

// refusedWith checks that the app's request was answered with an error.
func (b *browser) refusedWith(l rp, want string) {
	b.w.t.Helper()
	b.follow()
	u := must(url.Parse(b.leads()))
	if got := u.Query().Get("error"); got != want || !strings.HasPrefix(b.leads(), l.redirect) || u.Query().Get("state") != l.state {
		b.w.t.Errorf("answered %q, want %s", b.leads(), want)
	}
}

// remembered is a browser in which Bo signs in with his password alone, because it is remembered.
func (w *world) remembered(app *phone) *browser {
	w.t.Helper()
	b := w.browser()
	b.toCode(newLogin(w.hrm))
	b.post(b.action("/signin/"), "code", app.code(), "remember", "on").follow()
	b.post("/signout").follow()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	return b
}

// TestAnAppThatMustHearOfTheClassStillAsksForOne (OIDC Core §5.5.1): an essential acr without values takes nothing from acr_values.
func TestAnAppThatMustHearOfTheClassStillAsksForOne(t *testing.T) {
	w := on(t)
	app, _ := w.addApp()
	b := w.remembered(app)
	w.clock.Advance(time.Minute)
	b.asks("acr_values", aal2, "claims", `{"id_token":{"acr":{"essential":true}}}`)
	b.shows("Ange din 6-siffriga kod")
}

func TestAStepUpAsksForWhatTheSessionLacksAndForNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.remembered(app)
		before := b.answeredWith(b.asks(), pwd)
		w.clock.Advance(time.Minute)
		l := b.asks("acr_values", aal2)
		b.shows("Ange din 6-siffriga kod")
		b.pressTwice(b.action("/signin/"), "code", app.code())
		after := b.answeredWith(l, aal2)
		if after["sid"] != before["sid"] {
			t.Error("the apps of the session were left behind")
		}
		if after["auth_time"].(float64) <= before["auth_time"].(float64) {
			t.Error("a fresh proof left auth_time where it was")
		}
		b.answeredWith(b.asks("claims", essential), aal2) // and is there for the next
		b.answeredWith(b.asks("claims", strings.ReplaceAll(essential, "aal2", "pwd")), pwd)
	})
}

func TestAStepUpEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.remembered(app)
		b.asks("acr_values", aal2)
		form, kept := b.action("/signin/"), b.cookies()
		b.post("/signout").follow()
		thief := w.browser()
		thief.forgetAllBut(kept)
		thief.post(form, "code", app.code()).follow()
		thief.get("/account").expect(http.StatusSeeOther)
	})
}

func TestWhatIsVoluntaryIsMetWherePossibleAndNeverPretended(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.answeredWith(b.asks("acr_values", aal2), pwd) // he has no app, and is not asked for one
		b.answeredWith(b.asks("acr_values", "urn:portvakt:phr "+aal2), pwd)
		b.answeredWith(b.asks("acr_values", "urn:other:silver"), pwd)
		b.answeredWith(b.asks("acr_values", aal2+" "+pwd), pwd)
		app, _ := w.addApp()
		other := w.remembered(app)
		other.answeredWith(other.asks("acr_values", aal2, "prompt", "none"), pwd)
		// A remembered browser does not do at a first sign-in either.
		other.post("/signout").follow()
		l := other.asks("acr_values", aal2)
		other.post(other.action("/signin/"), "address", bosAddress).follow()
		other.post(other.action("/signin/"), "password", bosPass).follow().shows("Ange din 6-siffriga kod")
		other.post(other.action("/signin/"), "code", app.code())
		other.answeredWith(l, aal2)
	})
}

func TestWhatIsEssentialIsMetOrEndsInTheRightError(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const unmet = "unmet_authentication_requirements"
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.refusedWith(b.asks("claims", strings.ReplaceAll(essential, "aal2", "phr")), unmet)
		b.refusedWith(b.asks("claims", strings.ReplaceAll(essential, aal2, "urn:other:gold")), unmet)
		b.refusedWith(b.asks("claims", essential, "prompt", "none"), "login_required")
		b.refusedWith(b.asks("claims", `{"id_token":`), "invalid_request")
		b.refusedWith(b.asks("claims", `{"id_token":{"acr":{"essential":"yes"}}}`), "invalid_request")
		b.answeredWith(b.asks("claims", `{"id_token":{"acr":{"essential":true},"auth_time":{"essential":true}},"userinfo":{"name":null}}`), pwd)

		l := b.asks("claims", essential)
		b.shows("HRM kräver tvåfaktorsautentisering")
		b.post(b.action("/enrolment/"), "want", "later")
		b.refusedWith(l, unmet)
		b.get("/account").expect(http.StatusOK)

		l = b.asks("claims", essential)
		b.post(b.action("/enrolment/"), "want", "on").enrol()
		b.answeredWith(l, aal2)

		w.policy(organisation.Policy{MFA: organisation.Off})
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		anna.get(link).post(link).follow()
		anna.refusedWith(anna.asks("claims", essential), unmet)
	})
}

// RULES §3: a mailed link never satisfies a step-up of an account that has a password.
func TestAMailedLinkIsNoStepUpWhereThereIsAPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		b.get(link).post(link).follow()
		l := b.asks("claims", strings.ReplaceAll(essential, "aal2", "pwd"))
		b.shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther)
		b.answeredWith(l, pwd)
	})
}

func TestASessionByARecoveryCodeIsNoHalfOfAStepUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(strings.Replace(b.at, "/second", "/recovery", 1))
		b.post(b.action("/signin/"), "recovery_code", recovery)
		b.saveRecovery()
		b.follow()
		b.post(b.action("/signin/"), "want", "keep").follow()
		l := b.asks("claims", essential)
		b.shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.post(b.action("/signin/"), "code", app.code())
		b.answeredWith(l, aal2)
	})
}

func TestAnOldSessionMustProveAllOfItAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code()).follow()
		w.clock.Advance(6 * time.Minute)
		l := b.asks("claims", essential, "max_age", "300")
		b.shows("Ange ditt lösenord").shows(bosAddress) // her name is known
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.post(b.action("/signin/"), "code", app.code())
		b.answeredWith(l, aal2)
	})
}

func TestAnAppThatRequiresMoreGetsItAtEverySignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, _ := w.addApp()
		b := w.remembered(app)
		least := aal2
		if err := w.control(http.MethodPatch, "/relying-parties/"+w.hrm.ClientID, map[string]any{"require_acr": &least}); err != nil {
			t.Fatal(err)
		}
		l := b.asks()
		b.shows("Ange din 6-siffriga kod")
		b.post(b.action("/signin/"), "code", app.code())
		b.answeredWith(l, aal2)
		if err := w.control(http.MethodPatch, "/relying-parties/"+w.hrm.ClientID, map[string]any{"require_acr": "urn:portvakt:phr"}); err == nil {
			t.Error("what nobody can meet was accepted")
		}
	})
}
