package e2e

import (
	"cmp"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
)

// What Sixten knew at the old login, and what that has kept of it.
const (
	sixten     = "sixten.palm@foretaget.example"
	oldSecret  = "Fjällräv-7"
	oldVersion = "{SSHA}Dhwu+VT6Fdc/rDIT8ztHyuCJ/Ecv5Xyv"
)

// sixten is in the register with a password of the old login, which is right and too short.
func (w *world) sixten(o journey.Options) *prepared {
	w.t.Helper()
	lang := cmp.Or(o.Lang, "sv")
	row := person.Person{Organisation: "foretaget", Key: "sixten", GivenName: "Sixten", FamilyName: "Palm", Address: sixten, Language: lang, ImportedHash: oldVersion}
	if err := w.App.Control.Provisioning.AddPersons(w.t.Context(), []person.Person{row}); err != nil {
		w.t.Fatal(err)
	}
	p := w.prepared(o, row.Key, sixten, "Sixten", lang)
	w.phase(organisation.Preparation, w.clock.now().Add(20*24*time.Hour))
	link := p.Copy(p.invite(), w.browser(o))
	link.SeeEnabled(p.say("preparation.confirm.submit"))
	link.Press(p.say("preparation.confirm.submit"))
	link.See(p.say("preparation.done.close"))
	w.clock.move(21 * 24 * time.Hour)
	w.phase(organisation.Switched, time.Time{})
	return p
}

// TestSixtenLogsInWithHisOldPasswordAndChoosesAnother is RULES §7: it opens the one page that replaces it.
func TestSixtenLogsInWithHisOldPasswordAndChoosesAnother(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		s := w.sixten(o)
		s.Open(w.Portvakt + "/account")
		s.GiveAddress()
		s.GivePassword(oldSecret)
		s.See(s.say("signin.newpassword.title_named"))
		s.Fill(s.NewPassword, chosen)
		s.Fill(s.Repeat, chosen)
		s.Press(s.say("recovery.link.password_submit"))
		s.See(s.say("myaccount.title"))
		s.Receive(s.say("mail.password_changed.subject"))

		again := w.elsewhere(s.Person, o)
		again.Open(w.Portvakt + "/account")
		again.GiveAddress()
		again.GivePassword(oldSecret)
		again.See(s.say("signin.problem.password_wrong"))
		again.GivePassword(chosen)
		again.See(s.say("myaccount.title"))
	})
}

// lookAtOldPassword looks at the page that takes an old password's place.
func lookAtOldPassword(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	t.Helper()
	s := w.sixten(o)
	s.OpenHRM()
	s.GiveAddress()
	s.GivePassword(oldSecret)
	look(s.Person, "signin_newpassword", "signin.newpassword.text")
	s.Fill(s.NewPassword, oldSecret)
	s.Fill(s.Repeat, oldSecret)
	s.Press(say("recovery.link.password_submit"))
	look(s.Person, "signin_newpassword-problem", "password.new")
}
