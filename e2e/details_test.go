package e2e

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

func lookAtDetails(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account/profile")
	look(b, "myaccount_profile", "myaccount.profile.title")
	b.Fill(say("myaccount.profile.given_name"), "")
	b.Press(say("myaccount.profile.submit"))
	look(b, "myaccount_profile-problem", "myaccount.problem.name")
	b.Open(w.Portvakt + "/account/password")
	look(b, "myaccount_password", "myaccount.password.title")
	b.Fill(say("myaccount.password.current"), wrongPassword)
	b.ChoosePassword(chosen)
	look(b, "myaccount_password-problem", "myaccount.problem.current_password")
}

func lookAtNotMe(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	m := b.Receive(say("mail.new_device.subject"))
	here := b.FollowLink(m, say("mail.not_me.button"))
	look(here, "recovery_not_me", "recovery.not_me.title")
	there := b.Copy(m, w.browser(o))
	there.SeeEnabled(say("recovery.not_me.submit")) // the silent check is done
	look(there, "recovery_not_me-elsewhere", "recovery.not_me.title")
	there.Press(say("recovery.not_me.submit"))
	look(there, "recovery_not_me_done", "recovery.not_me.done")
}

// bosNew is where Bo moves his mail.
const bosNew = "bo@hemma.example"

func lookAtAddress(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account/address")
	look(b, "myaccount_address", "myaccount.address.title")
	b.Fill(say("myaccount.address.new"), bo)
	b.Press(say("myaccount.address.submit"))
	look(b, "myaccount_address-problem", "myaccount.problem.address_same")
	b.Fill(say("myaccount.address.new"), bosNew)
	b.Press(say("myaccount.address.submit"))
	look(b, "myaccount_address_sent", "recovery.sent.title")
	b.Press(say("web.to_account"))
	look(b, "myaccount-pending", "myaccount.details.pending")
	m := b.Mail.ReadMail(bosNew, say("mail.address_confirm.subject"))
	b.Mail.Scan(m)
	stranger := b.Copy(m, w.browser(o))
	look(stranger, "myaccount_address_link-signin", "myaccount.address.signin_title")
	link := b.FollowLink(m, say("mail.address_confirm.button"))
	look(link, "myaccount_address_link", "myaccount.address.confirm_title")
	link.Press(say("myaccount.address.confirm"))
	link.See(say("myaccount.notice.address_changed"))
	back := b.Copy(b.Receive(say("mail.address_changed.subject")), w.browser(o))
	look(back, "recovery_not_me-address", "recovery.not_me.undoes.address")
}
