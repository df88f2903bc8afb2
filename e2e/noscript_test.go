package e2e

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// plainDelay is how long a mail waits that was asked for without JavaScript.
const plainDelay = 5 * time.Minute

func withPlainDelay(o *demo.Options) { o.PlainDelay = plainDelay }

// askPlainly asks for a mail without JavaScript and lets its delay pass.
func askPlainly(t *testing.T, w *world, a *journey.Person, button, subject string) journey.Message {
	t.Helper()
	a.ForgetAtHRM()
	a.AskFor(button)
	if early := a.Mail.Messages(anna); len(early) > 0 {
		t.Errorf("%q came at once", early[0].Subject)
	}
	w.clock.move(plainDelay)
	return a.Receive(subject)
}

func TestWithoutJavaScriptAnnaCreatesHerPassword(t *testing.T) {
	t.Parallel()
	for name, lang := range map[string]string{"Swedish": "sv", "English": "en"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEitherEngine(t, func(t *testing.T, w *world) {
				a := w.anna(journey.Options{NoScript: true, Lang: lang})
				link := a.FollowLink(askPlainly(t, w, a, a.Reset, a.ResetMail), a.ResetButton)
				link.DontSee(link.Elsewhere)
				link.ChoosePassword(chosen)
				link.Welcomed()
				link.SignOutOfHRM()
				link.SignIn(chosen)
				quiet(t, a.Browser)
			}, withPlainDelay)
		})
	}
}

func TestWithoutJavaScriptAnnaCreatesHerPasswordInAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := begin(t, withPlainDelay)
	a := w.anna(journey.Options{NoScript: true})
	other := a.Copy(askPlainly(t, w, a, a.Reset, a.ResetMail), w.browser(journey.Options{NoScript: true}))
	other.See(other.Elsewhere)
	other.ChoosePassword(chosen)
	other.Welcomed()
	quiet(t, other.Browser)
}

func TestWithoutJavaScriptAnnaSignsInByALink(t *testing.T) {
	t.Parallel()
	for name, lang := range map[string]string{"Swedish": "sv", "English": "en"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEitherEngine(t, func(t *testing.T, w *world) {
				a := w.anna(journey.Options{NoScript: true, Lang: lang})
				link := a.FollowLink(askPlainly(t, w, a, a.LoginLink, a.LoginMail), a.LoginButton)
				link.Press(link.LogIn)
				link.Welcomed()
				link.SignOutOfHRM()
				quiet(t, a.Browser)
			}, withPlainDelay)
		})
	}
}

func TestWithoutJavaScriptAnnaSignsInByALinkInAnotherBrowser(t *testing.T) {
	t.Parallel()
	w := begin(t, withPlainDelay)
	a := w.anna(journey.Options{NoScript: true})
	other := a.Copy(askPlainly(t, w, a, a.LoginLink, a.LoginMail), w.browser(journey.Options{NoScript: true}))
	other.See(other.Elsewhere)
	other.Press(other.LogIn)
	other.Welcomed()
	quiet(t, other.Browser)
}
