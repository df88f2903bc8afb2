package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// showsMail sends the link that an administrator opens before her first app, and opens it in the same browser.
func (b *browser) showsMail(address string) *browser {
	b.w.t.Helper()
	b.shows("Visa att det är du")
	b.post(b.action("/enrolment/")).follow().expect(http.StatusOK).shows("Länken är på väg").shows(address)
	link := b.w.link(address)
	b.get(link).expect(http.StatusOK)
	return b.post(link).expect(http.StatusSeeOther).follow()
}

// TestAStolenPasswordOfANewAdministratorAddsNoApp: her first app opens the console, for whoever adds it.
func TestAStolenPasswordOfANewAdministratorAddsNoApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.appoint("foretaget", bosAddress, "owner")
		thief := w.browser()
		thief.signIn(newLogin(w.hrm), bosAddress, bosPass)
		thief.post("/account/apps/add").follow().expect(http.StatusOK).shows("Visa att det är du")
		page := thief.at
		for _, next := range []string{"choice", "app", "code", "pair", "consent"} {
			if thief.get(beside(page, next)).follow(); !strings.HasSuffix(thief.at, "/mail") {
				t.Errorf("%s leads to %s", next, thief.at)
			}
		}
		thief.post(beside(page, "choice"), "want", "other")
		thief.post(beside(page, "code"), "code", "123456")
		thief.get("/admin").follow().post(thief.action("/enrolment/"), "want", "on").follow().shows("Visa att det är du")

		// A link that somebody has opened in another browser adds nothing to what this one has shown.
		thief.post(thief.action("/enrolment/")).follow()
		bo := w.browser()
		bo.post(w.link(bosAddress) + "/plain").expect(http.StatusSeeOther)
		if thief.get(page).follow(); !strings.HasSuffix(thief.at, "/mail") {
			t.Errorf("the thief is at %s", thief.at)
		}
	})
}

// TestALinkFirstAndThenThePasswordAreBothShown: the order is hers.
func TestALinkFirstAndThenThePasswordAreBothShown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Off})
		w.appoint("foretaget", bosAddress, "owner")
		b := w.browser()
		b.get("/admin").follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		attempt := attemptOf(b.at)
		b.post("/recovery/start/"+attempt, "address", bosAddress, "want", "login", "robot", b.solve("/recovery/challenge/"+attempt)).expect(http.StatusSeeOther)
		link := w.link(bosAddress)
		b.get(link)
		b.post(link).follow().expect(http.StatusOK).shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).follow().shows("Administratörer behöver tvåfaktorsautentisering")
		b.post(b.action("/enrolment/"), "want", "on").follow()
		b.bind()
		b.saveRecovery()
		if b.follow(); !strings.HasPrefix(b.at, consoleURL) {
			t.Errorf("the login ended at %s", b.at)
		}
	})
}

// TestALinkToANewAddressProvesNothingYet: whoever has the password changes the address, too.
func TestALinkToANewAddressProvesNothingYet(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.appoint("foretaget", bosAddress, "owner")
		if _, err := w.raw().Exec(`UPDATE accounts SET address_changed_at = $1 WHERE id = $2`, w.clock.Now().UnixMilli(), string(w.bo().ID)); err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/apps/add").follow().expect(http.StatusOK).shows("nyligen ändrad")
		b.post(b.at).follow().shows("nyligen ändrad")
		w.clock.Advance(8 * 24 * time.Hour)
		later := w.browser()
		later.signIn(newLogin(w.hrm), bosAddress, bosPass)
		later.post("/account/apps/add").follow()
		later.showsMail(bosAddress).shows("Jag använder en annan autentiseringsapp")
	})
}
