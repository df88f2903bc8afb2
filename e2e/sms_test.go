package e2e

import (
	"cmp"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

// lookAtSMS is Vera, who has a phone and no address: she prepares, logs in, forgets her password, and adds an address.
func lookAtSMS(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	row := person.Person{Organisation: "foretaget", Key: "vera", GivenName: "Vera", FamilyName: "Holm", Phone: phoneNumber, Language: cmp.Or(o.Lang, "sv")}
	if err := w.App.Control.Provisioning.AddPersons(t.Context(), []person.Person{row}); err != nil {
		t.Fatal(err)
	}
	w.recheck("foretaget")
	id, ok, err := w.App.DB.FindPersonByKey(t.Context(), "foretaget", row.Key)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err := w.App.Preparation.Send(t.Context(), administrator.CommandLine, "foretaget", preparation.Choice{Persons: []string{id}}); err != nil {
		t.Fatal(err)
	}
	v := w.person(o, phoneFull, "Vera")
	m := v.Mail.ReadMail(phoneE164, "/p/")
	if m.Channel != "sms" || len(m.Links) != 1 {
		t.Fatalf("the SMS: %+v", m)
	}
	v.Open(m.Links[0])
	v.SeeEnabled(say("preparation.phone.submit"))
	look(v, "preparation_confirm-phone", "preparation.phone.submit")
	v.Press(say("preparation.phone.submit"))
	v.SeeEnabled(say("preparation.phone.submit"))
	look(v, "preparation_confirm-phone-problem", "password.problem.missing")
	v.Fill(v.NewPassword, chosen)
	v.Fill(v.Repeat, chosen)
	v.Press(say("preparation.phone.submit"))
	look(v, "preparation_done-phone", "preparation.phone.done")

	v.Open(w.Portvakt + "/account")
	v.GiveAddress()
	v.GivePassword(chosen)
	look(v, "myaccount-phone", "myaccount.details.add_address")
	v.Press(say("myaccount.details.add_address"))
	look(v, "myaccount_address-first", "myaccount.address.first_title")

	other := w.elsewhere(v, o)
	other.ForgetAtHRM()
	if !o.NoScript {
		other.Tick(other.Human)
	}
	other.Press(other.Reset)
	look(other, "recovery_sent-phone", "recovery.texted.title")
	link := other.Copy(v.Mail.ReadMail(phoneE164, "/r/"), w.browser(o))
	look(link, "recovery_link_password-phone", "password.new")
}
