package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// toOffer signs Bo in as far as the page that offers two-factor authentication.
func (b *browser) toOffer() *browser {
	b.w.t.Helper()
	b.toPassword(newLogin(b.w.hrm), bosAddress)
	return b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Aktivera")
}

// isOffered says whether Bo's next sign-in stops at the offer; where it does, he answers that he wants it later.
func (w *world) isOffered() bool {
	w.t.Helper()
	b, l := w.browser(), newLogin(w.hrm)
	b.toPassword(l, bosAddress)
	b.post(b.action("/signin/"), "password", bosPass).follow()
	offered := strings.Contains(b.body, "Påminn mig senare")
	if offered {
		b.post(b.action("/enrolment/"), "want", "later").expect(http.StatusSeeOther)
		b.follow()
	}
	if status, answer := w.redeem(l, l.code(w.t, b.leads())); status != http.StatusOK || claims(w.t, answer["id_token"].(string))["acr"] != "urn:portvakt:pwd" {
		w.t.Fatalf("the app's request did not survive: %d %v", status, answer)
	}
	return offered
}

func TestTheOfferComesBackAtEveryThirdSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Recommended})
		for i := range 8 {
			if got := w.isOffered(); got != (i%3 == 0) {
				t.Errorf("sign-in %d: offered %t", i+1, got)
			}
		}
		w.policy(organisation.Policy{MFA: organisation.Optional})
		for range 4 {
			if w.isOffered() {
				t.Error("offered where it is left to everybody")
			}
		}
	})
}

func TestBeforeTheDayThePageNamesItAndWhatIsLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		day := time.Date(w.clock.Now().Year()+1, time.March, 1, 0, 0, 0, 0, time.UTC)
		w.policy(organisation.Policy{MFA: organisation.Required, From: day, SignIns: 4})
		b := w.browser()
		b.toOffer().shows("1 mars").shows("kräver Företaget AB").shows("4 gånger till")
		b.post(b.action("/enrolment/")).expect(http.StatusUnprocessableEntity).shows("Aktivera") // nothing was chosen
		b.post(b.action("/enrolment/"), "want", "later").expect(http.StatusSeeOther)
		for range 2 {
			if w.isOffered() {
				t.Fatal("offered again at once")
			}
		}
		// Two tabs at the last sign-in without it: one of them has it.
		first, second := w.browser(), w.browser()
		first.toOffer().shows("1 gång till")
		second.toOffer().shows("1 gång till")
		first.post(first.action("/enrolment/"), "want", "later").expect(http.StatusSeeOther)
		first.follow()
		second.post(second.action("/enrolment/"), "want", "later").follow().expect(http.StatusOK)
		if second.shows("Aktivera"); strings.Contains(second.body, "Påminn mig senare") {
			t.Error("it can be put off for ever")
		}
		second.get("/account").expect(http.StatusSeeOther)
		// An operator who counts no longer gives everybody time until the day.
		w.policy(organisation.Policy{MFA: organisation.Required, From: day})
		for range 2 {
			if w.isOffered() {
				t.Fatal("offered again at once")
			}
		}
		second.toOffer().shows("Påminn mig senare")
		w.clock.Advance(day.Sub(w.clock.Now()))
		second.post(second.action("/enrolment/"), "want", "later")
		second.get("/account").expect(http.StatusSeeOther) // the page was open when the day came
	})
}

func TestATabThatWantsItLaterDoesNotPutOffTheOneThatTurnsItOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Recommended})
		on, later := w.browser(), w.browser()
		on.toOffer()
		later.toOffer()
		on.post(on.action("/enrolment/"), "want", "on").enrol()
		// The account has changed since the other tab's password.
		later.post(later.action("/enrolment/"), "want", "later").follow()
		later.get("/account").expect(http.StatusSeeOther)
		on.get("/account").expect(http.StatusOK)
	})
}
