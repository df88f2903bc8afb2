package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// atAccount is a browser in which Bo has just signed in.
func (w *world) atAccount() *browser {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	return b
}

const bosNext = "sju svarta hattar på en gren"

func newPassword(current, fresh string, more ...string) []string {
	return append([]string{"current_password", current, "new_password", fresh, "repeat_password", fresh}, more...)
}

func TestBoChangesHisPasswordAndItEndsEverythingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other, thief := w.atAccount(), w.browser()
		thief.askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		offline := newLogin(w.mobile)
		other.get(offline.authorize("scope", "openid offline_access"))
		_, tokens := w.redeem(offline, offline.code(t, other.leads()))
		b := w.atAccount()

		b.get("/account/password").expect(http.StatusOK).shows("Byt lösenord")
		b.post("/account/password", newPassword(bosPass, bosNext, "end_others", "on")...).follow().shows("Ditt nya lösenord gäller nu.")
		other.get("/account").expect(http.StatusSeeOther)
		thief.get(link).expect(http.StatusGone)
		if status, _ := w.refresh(w.mobile, tokens["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("an app's access outlives the change: %d", status)
		}
		if code := w.browser().signIn(newLogin(w.hrm), bosAddress, bosNext); !strings.HasPrefix(code, hrmURL) {
			t.Errorf("the new password leads to %q", code)
		}
		late := w.browser()
		late.toPassword(newLogin(w.hrm), bosAddress)
		late.post(late.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity)
		w.deliver()
		if mails := w.post.to(bosAddress); !strings.Contains(strings.Join(mails, "\n"), "har just ändrats") {
			t.Errorf("nobody was told: %q", mails)
		}
	})
}

func TestOtherDevicesStayWhereBoUnticksThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other, b := w.atAccount(), w.atAccount()
		b.post("/account/password", newPassword(bosPass, bosNext)...).follow().shows("Ditt nya lösenord gäller nu.")
		other.get("/account").expect(http.StatusOK)
	})
}

func TestANewPasswordIsRefusedForEachOfItsReasons(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		for _, c := range []struct{ current, fresh, says string }{
			{"", bosNext, "Skriv ditt lösenord"},
			{"fel lösenord här ja", bosNext, "Det är inte ditt nuvarande lösenord."},
			{bosPass, "fjorton tecken", "för kort"},
			{bosPass, strings.Repeat("ord på rad ", 40), "för långt"},
			{bosPass, "passwordpassword", "lätt att gissa"},
			{bosPass, "bo.lind.foretaget", "för likt ditt namn"},
			{bosPass, "ett\x00helt nytt lösenord", ""},
		} {
			b.post("/account/password", newPassword(c.current, c.fresh)...).expect(http.StatusUnprocessableEntity).shows(c.says)
		}
		b.post("/account/password", "current_password", bosPass, "new_password", bosNext, "repeat_password", bosNext+"x").expect(http.StatusUnprocessableEntity)
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass) // nothing has changed
	})
}

// TestAThiefAtAnUnlockedComputerCannotChangeThePassword: he has the session, and neither the password nor endless guesses.
func TestAThiefAtAnUnlockedComputerCannotChangeThePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		for range 8 {
			b.post("/account/password", newPassword("en gissning till bara", bosNext)...).expect(http.StatusUnprocessableEntity)
		}
		b.post("/account/password", newPassword(bosPass, bosNext)...).expect(http.StatusUnprocessableEntity).shows("Vänta")
		w.clock.Advance(6 * time.Minute)
		b.get("/account/password").follow().shows("Logga in") // no longer fresh
		b.post("/account/password", newPassword(bosPass, bosNext)...).follow().shows("Logga in")
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass)
	})
}

func TestAFreshProofLeadsBackToThePage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		w.clock.Advance(6 * time.Minute)
		b.get("/account/password").follow().shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Byt lösenord")
		b.post("/account/password", newPassword(bosPass, bosNext)...).follow().shows("Ditt nya lösenord gäller nu.")
	})
}

func TestAnnaMakesHerFirstPasswordOnTheAccountPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		b.get(link).post(link).follow()
		b.get("/account").shows("Du har inget lösenord")
		b.get("/account/password").shows("Skapa lösenord")
		if strings.Contains(b.body, "current_password") {
			t.Error("it asks for a password that she does not have")
		}
		b.post("/account/password", newPassword("", bosNext)...).follow().shows("Ditt nya lösenord gäller nu.")
		w.browser().signIn(newLogin(w.hrm), annas, bosNext)
		// Now that there is one, a mailed link alone changes it no more (RULES §3).
		b.get("/account/password").follow().shows("Ange ditt lösenord")
	})
}

func TestTwoTabsChangeThePasswordOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.post("/account/password", newPassword(bosPass, bosNext)...).expect(http.StatusSeeOther)
		b.post("/account/password", newPassword(bosPass, bosNext+" igen")...).expect(http.StatusUnprocessableEntity) // the old one counts no more
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosNext)
	})
}

func TestBoIsGreetedByTheNameThatHeChose(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.get("/account/profile").expect(http.StatusOK).shows("Namn och språk")
		b.post("/account/profile", "given_name", " Bosse ", "family_name", "Lind af Å", "language", "en").follow().shows("Your details are saved.")
		b.get("/account").shows("Bosse Lind af Å").shows("English")
		l := newLogin(w.hrm)
		b.get(l.authorize())
		_, answer := w.redeem(l, l.code(t, b.leads()))
		if _, person := w.userinfo(answer["access_token"].(string)); person["given_name"] != "Bosse" || person["locale"] != "en" {
			t.Errorf("the app hears %v", person)
		}
		b.post("/account/password", newPassword(bosPass, bosNext)...).expect(http.StatusSeeOther)
		w.deliver()
		if len(w.post.about(bosAddress, "Hello Bosse")) != 1 {
			t.Errorf("the mail does not follow: %q", w.post.to(bosAddress))
		}
	})
}

func TestANameThatIsNoneIsRefusedAndNothingIsLost(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		for _, form := range []url.Values{
			{"given_name": {""}, "family_name": {"Lind"}, "language": {"sv"}},
			{"given_name": {"   "}, "family_name": {"Lind"}, "language": {"sv"}},
			{"given_name": {strings.Repeat("Bo", 100)}, "family_name": {"Lind"}, "language": {"sv"}},
			{"given_name": {"Bo\u202edniL"}, "family_name": {"Lind"}, "language": {"sv"}},
			{"given_name": {"Bo"}, "family_name": {"Li\x00nd"}, "language": {"sv"}},
			{"given_name": {"Bo"}, "family_name": {"\xff\xfe"}, "language": {"sv"}},
			{"given_name": {"Bo"}, "family_name": {"Lind"}, "language": {"xx"}},
			{},
		} {
			b.send(http.MethodPost, "/account/profile", form).expect(http.StatusUnprocessableEntity)
		}
		b.get("/account").shows("Bo Lind").shows("Svenska")
		w.browser().post("/account/profile", "given_name", "Eve", "family_name", "X", "language", "sv").expect(http.StatusSeeOther)
		b.get("/account").shows("Bo Lind")
	})
}
