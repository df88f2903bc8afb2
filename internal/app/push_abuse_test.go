package app_test

import (
	"net/http"
	"testing"
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
		thief.get("/signin/"+attempt).expect(http.StatusOK)
		thief.post(thief.action("/signin/"), "address", bosAddress).follow()
		thief.post(thief.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Ange din 6-siffriga kod")
		if out := cillas.answer(mine, "approve", number); out.text("error") != "gone" {
			t.Errorf("his own phone answers for Bo's sign-in: %d %v", out.status, out.body)
		}
		thief.post("/signin/" + attempt + "/push")
		thief.get("/account").expect(http.StatusSeeOther)
	})
}
