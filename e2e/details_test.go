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
