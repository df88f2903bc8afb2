package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const verasNew = "vera@hemma.example"

// atVeras is Vera, named by her phone, at her account's page.
func (w *world) atVeras() *browser {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), verasNumber, wilmasPass)
	return b.get("/account").expect(http.StatusOK)
}

// TestWhoIsNamedByAPhoneAddsAnAddress, and logs in with it from then on; her phone is told, and can take the account back (RULES §5).
func TestWhoIsNamedByAPhoneAddsAnAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		b := w.atVeras().shows("+46 70 174 06 05").shows("Byt till e-post")
		b.get("/account/address").expect(http.StatusOK).shows("Lägg till en e-postadress")
		b.changeAddress(verasNew).shows(verasNew)
		w.deliver()
		all := o.got()
		news := all[len(all)-1]
		if !strings.Contains(news, "En e-postadress är tillagd") || !strings.Contains(news, "/n/") {
			t.Fatalf("the phone was told %q", all)
		}
		w.browser().signIn(newLogin(w.hrm), verasNew, wilmasPass)
		w.refused(verasNumber, wilmasPass)
		short := strings.TrimPrefix(news[strings.Index(news, issuer):], issuer)
		stranger := w.browser()
		link := stranger.get(short).expect(http.StatusSeeOther).leads()
		stranger.get(link).expect(http.StatusOK).shows("Var det inte du?").shows("+46 70 174 06 05")
		stranger.pressNotMe(link)
		w.refused(verasNew, wilmasPass)
		if got := w.askDB(`SELECT address FROM accounts WHERE identifier = $1`, verasE164); got != "" || w.accountOf(verasE164) == "" {
			t.Errorf("the account is named otherwise: %q", got)
		}
		reset := o.linkTo(w, verasE164)
		if !strings.HasPrefix(reset, "/r/") {
			t.Fatalf("no link for a new password: %q", o.got())
		}
		page := w.browser().get(reset).leads()
		c := w.browser()
		c.post(page, "new_password", freshPass, "repeat_password", freshPass, "robot", c.solve(page+"/challenge")).expect(http.StatusSeeOther)
		w.browser().signIn(newLogin(w.hrm), verasNumber, freshPass)
		w.saysNothing("701740605", "70 174 06 05")
	})
}

// TestAnAddressThatIsAddedCannotRemoveTheSecondFactorForSevenDays, as any new one (RULES §5).
func TestAnAddressThatIsAddedCannotRemoveTheSecondFactorForSevenDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.byPhone() // no gateway: nobody can be told
		b := w.atVeras()
		b.changeAddress(verasNew)
		if changed := w.askDB(`SELECT address_changed_at > 0 FROM accounts WHERE identifier = $1`, verasNew); changed != "1" && changed != "true" {
			t.Error("the address counts as an old one")
		}
	})
}

// TestWhoHasNoAddressGetsAnExportAndIsErased, and the last message goes to the phone.
func TestWhoHasNoAddressGetsAnExportAndIsErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		b := w.atVeras()
		mine := b.export()["account"].(map[string]any)
		if mine["address"] != "" || mine["login"] != "+46 70 174 06 05" || fmt.Sprint(mine["given_name"]) != "Vera" {
			t.Errorf("exported: %v", mine)
		}
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		w.deliver()
		all := o.got()
		if last := all[len(all)-1]; !strings.Contains(last, "Ditt konto är raderat") {
			t.Errorf("told: %q", all)
		}
		for _, query := range []string{`SELECT count(*) FROM accounts WHERE identifier = $1`, `SELECT count(*) FROM accounts WHERE address LIKE $1`} {
			if w.askDB(query, verasE164) != "0" {
				t.Error("she is still known")
			}
		}
		w.clock.Advance(time.Minute)
		w.refused(verasNumber, wilmasPass)
		w.saysNothing("701740605")
	})
}

// TestWhoIsNamedByAnEmployersNumberIsToldNothingByMailOrSMS: her account's page says it.
func TestWhoIsNamedByAnEmployersNumberIsToldNothingByMailOrSMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.newcomer("", "Wilma", "Truck", wilmasPass, "1007")
		b := w.browser()
		b.signIn(newLogin(w.hrm), "1007@foretaget", wilmasPass)
		b.get("/account").expect(http.StatusOK).shows("1007@foretaget").shows("Byt till e-post")
		b.post("/account/password", "current_password", wilmasPass, "new_password", freshPass, "repeat_password", freshPass).expect(http.StatusSeeOther)
		w.deliver()
		if len(o.got()) != 0 || w.post.count() != 0 {
			t.Errorf("%q, %d mails", o.got(), w.post.count())
		}
		b.get("/account/activity").expect(http.StatusOK).shows("lösenord")
	})
}
