package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

const wilmasPass = "en gul truck i hall 3"

// TestWhoHasNoAddressLogsInByNumberOrPhone reads like RULES §7: on the same first page, and nothing of the number leaves the house.
func TestWhoHasNoAddressLogsInByNumberOrPhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("", "Wilma", "Truck", wilmasPass, "19800101-1234")
		for _, typed := range []string{"19800101-1234@foretaget", "198001011234 Foretaget", "19800101-1234/foretaget"} {
			b, l := w.browser(), newLogin(w.hrm)
			b.toPassword(l, typed).shows("198001011234@foretaget")
			b.post(b.action("/signin/"), "password", wilmasPass).follow().expect(http.StatusOK)
			_, answer := w.redeem(l, l.code(t, b.leads()))
			status, info := w.userinfo(answer["access_token"].(string))
			if status != http.StatusOK || info["given_name"] != "Wilma" || info["email"] != nil || info["email_verified"] != nil {
				t.Fatalf("%s: userinfo: %d %v", typed, status, info)
			}
		}
		vera := account.Account{ID: account.ID(secret.NewUUID()), Identifier: "+46701740605", GivenName: "Vera", Epoch: 1, Created: w.clock.Now()}
		w.givePassword(vera, wilmasPass)
		b, l := w.browser(), newLogin(w.hrm)
		b.toPassword(l, "070-174 06 05").shows("+46 70 174 06 05")
		b.post(b.action("/signin/"), "password", wilmasPass).follow().expect(http.StatusOK)
		l.code(t, b.leads())
		for _, secret := range []string{"1234@foretaget", "19800101", "701740605", "70 174 06 05"} {
			if strings.Contains(w.log.String(), secret) {
				t.Errorf("the log says %s", secret)
			}
		}
	})
}

// TestNoURLNamesWhoHasNoAddress holds the way back to the app, which takes an address along where there is one.
func TestNoURLNamesWhoHasNoAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("", "Wilma", "Truck", wilmasPass, "19800101-1234")
		b, l := w.browser(), newLogin(w.hrm)
		b.toPassword(l, "19800101-1234@foretaget")
		w.clock.Advance(25 * time.Minute) // HRM's request is too old by then: the journey ends where a person begins
		b.post(b.action("/signin/"), "password", wilmasPass).follow().expect(http.StatusOK)
		if to := b.leads(); !strings.Contains(to, hrmURL+"/login") || strings.Contains(to, "1234") || strings.Contains(to, "login_hint") {
			t.Errorf("the way back is %q", to)
		}
	})
}

// TestNobodyLearnsWhetherANumberHasAnAccount holds that the second page and a wrong password are the same for a number that is nobody's.
func TestNobodyLearnsWhetherANumberHasAnAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("", "Wilma", "Truck", wilmasPass, "1007")
		answers := map[string]alike{}
		for _, typed := range []string{"1007@foretaget", "1008@foretaget"} {
			b := w.browser()
			b.ip = "203.0.113." + typed[3:4]
			b.toPassword(newLogin(w.hrm), typed)
			attempt := strings.Split(b.action("/signin/"), "/")[2]
			b.wrongPassword(1)
			answers[typed] = b.answer(typed, attempt)
		}
		if answers["1007@foretaget"] != answers["1008@foretaget"] {
			t.Errorf("the answers differ:\n%+v\n%+v", answers["1007@foretaget"], answers["1008@foretaget"])
		}
	})
}

// givePassword stores an account with a password.
func (w *world) givePassword(a account.Account, typed string) {
	w.t.Helper()
	verifier, err := w.app.Control.Provisioning.Hasher.Hash(w.t.Context(), typed)
	if err != nil {
		w.t.Fatal(err)
	}
	w.inTx(func(tx *store.Tx) error {
		if ok, err := tx.InsertAccount(w.t.Context(), a); err != nil || !ok {
			w.t.Fatal(ok, err)
		}
		return tx.InsertVerifier(w.t.Context(), a.ID, verifier, true, w.clock.Now())
	})
}
