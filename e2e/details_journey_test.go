package e2e

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

const (
	bosEvil = "bo.lind@evil.example"
	// chosenNext is the password that Bo changes to.
	chosenNext = "fyra stilla svanar vid bryggan"
)

// everywhere tells a story in Swedish and in English, on both engines. say is a text of the product in that language.
func everywhere(t *testing.T, story func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string)) {
	t.Helper()
	inEitherLanguage(t, func(t *testing.T, w *world, o journey.Options) {
		o.Lang = string(language(o))
		story(t, w, o, saying(t, o.Lang))
	})
}

func TestBoChangesHisNameHisLanguageAndHisPassword(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		phone := w.bo(o)
		phone.SignIn(demo.Password)
		b := w.elsewhere(phone, o)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(say("myaccount.details.change") + " " + say("myaccount.details.change_profile"))
		b.Fill(say("myaccount.profile.given_name"), "Bosse")
		b.Press(say("myaccount.profile.submit"))
		b.See(say("myaccount.notice.profile_saved"))
		b.See("Bosse Lind")

		b.Press(say("myaccount.details.change") + " " + say("myaccount.details.change_password"))
		b.Fill(say("myaccount.password.current"), wrongPassword)
		b.ChoosePassword(chosenNext)
		b.See(say("myaccount.problem.current_password"))
		b.Fill(say("myaccount.password.current"), demo.Password)
		b.ChoosePassword(chosenNext)
		b.See(say("myaccount.notice.password_changed"))
		b.Receive(say("mail.password_changed.subject")) // and a scanner has opened its links
		b.Reload()
		b.See("Bosse Lind")
		phone.Open(w.Portvakt + "/account")
		phone.SeeRole("textbox", phone.Words.Address)
		phone.Open(w.HRM)
		phone.Await(phone.LogIn)
		phone.OpenHRM()
		phone.GiveAddress()
		phone.GivePassword(demo.Password)
		phone.See(say("signin.problem.password_wrong"))
		phone.GivePassword(chosenNext)
		phone.Welcomed() // by HRM's own register
		phone.Name = "Bosse"
		phone.Phone() // by the account
		quiet(t, b.Browser, refusedForm)
		quiet(t, phone.Browser, refusedForm)
	})
}

func TestBoMovesToAnotherAddress(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(say("myaccount.details.change") + " " + say("myaccount.details.change_address"))
		b.Fill(say("myaccount.address.new"), bosNew)
		b.Press(say("myaccount.address.submit"))
		b.See(say("recovery.sent.title"))
		m := b.Mail.ReadMail(bosNew, say("mail.address_confirm.subject"))
		b.Mail.Scan(m)
		b.Open(w.Portvakt + "/account")
		b.See(say("myaccount.details.pending")) // the scanner has changed nothing

		phone := b.Copy(m, w.browser(o)) // the mail is on the phone, where he is not signed in
		phone.See(say("myaccount.address.signin_title"))
		phone.Press(say("signin.submit"))
		phone.GiveAddress()
		phone.GivePassword(demo.Password)
		phone.See(say("myaccount.address.confirm_title"))
		phone.Press(say("myaccount.address.confirm"))
		phone.See(say("myaccount.notice.address_changed"))
		phone.See(bosNew)
		b.Open(w.Portvakt + "/account")
		b.SeeRole("textbox", b.Words.Address)
		b.Address = bosNew
		b.Open(w.HRM)
		b.Await(b.LogIn)
		b.SignIn(demo.Password)
		quiet(t, b.Browser)
		quiet(t, phone.Browser)
	})
}

func TestAStolenAccountIsTakenBackFromTheOldAddress(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		thief := w.elsewhere(b, o)
		thief.SignIn(demo.Password)
		thief.Open(w.Portvakt + "/account/address")
		thief.Fill(say("myaccount.address.new"), bosEvil)
		thief.Press(say("myaccount.address.submit"))
		thief.See(say("recovery.sent.title"))
		m := thief.Mail.ReadMail(bosEvil, say("mail.address_confirm.subject"))
		thief.Open(m.Links[0])
		thief.Press(say("myaccount.address.confirm"))
		thief.See(bosEvil)

		warning := b.Receive(say("mail.address_changed.subject")) // a scanner opens its links: nothing is taken back by that
		thief.Reload()
		thief.See(bosEvil)
		there := b.Copy(warning, w.browser(o))
		there.See(say("recovery.not_me.undoes.address"))
		there.Press(say("recovery.not_me.submit"))
		there.See(say("recovery.not_me.done"))
		thief.Open(w.Portvakt + "/account")
		thief.SeeRole("textbox", thief.Words.Address)
		link := there.FollowLink(b.Receive(b.ResetMail), b.ResetButton)
		link.ChoosePassword(chosenNext)
		link.At(w.Portvakt + "/account")
		link.See(bo)
		b.Open(w.HRM)
		b.Await(b.LogIn)
		b.SignIn(chosenNext)
		quiet(t, thief.Browser)
		quiet(t, there.Browser)
	})
}

func TestASignInThatWasNotBosEndsFromTheMailAlsoWithoutJavaScript(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		thief := w.bo(o)
		thief.SignIn(demo.Password)
		m := thief.Receive(say("mail.new_device.subject"))
		thief.Reload()
		thief.Welcomed() // a scanner ends nothing
		reader := thief.Copy(m, w.browser(journey.Options{Lang: o.Lang, NoScript: true}))
		reader.See(say("recovery.not_me.title"))
		reader.Press(say("recovery.not_me.submit"))
		reader.See(say("recovery.not_me.done"))
		thief.Open(w.HRM)
		thief.Await(thief.LogIn)
		thief.OpenHRM()
		thief.GiveAddress()
		thief.GivePassword(demo.Password)
		thief.See(say("signin.problem.password_wrong"))
		link := thief.Copy(thief.Receive(thief.ResetMail), reader.Browser)
		link.ChoosePassword(chosenNext)
		link.At(w.Portvakt + "/account")
		link.See(bo)
		quiet(t, thief.Browser, refusedForm)
	})
}
