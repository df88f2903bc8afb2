package e2e

import (
	"cmp"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
)

// recommended is the policy that the demo is seeded with; other stories are told without it.
var recommended = organisation.Policy{MFA: organisation.Recommended}

// TestAnnaFollowsTheWholeGuide is the guide from its first page to its last, with an authenticator app of another maker: the reset
// mail, the password, two-factor authentication, a phone, the recovery code, both apps; and then the days after: a sign-in with
// the app, one by SMS, one with the recovery code.
func TestAnnaFollowsTheWholeGuide(t *testing.T) {
	t.Parallel()
	inEachWay(t, followTheGuide)
}

func followTheGuide(t *testing.T, w *world, o journey.Options) {
	w.policy(recommended)
	a := w.anna(o)
	a.ForgetAtHRM()
	a.AskFor(a.Reset)
	if o.NoScript {
		w.clock.move(2 * time.Minute) // mails of the form without JavaScript wait
	}
	link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
	link.ChoosePassword(chosen)
	link.SeeRole("button", link.Later)
	link.Press(link.Activate)
	anna := w.bind(link)
	w.addPhone(link)
	link.SeeRole("checkbox", link.Saved)
	recovery := shownRecovery(link)
	link.Tick(link.Saved)
	link.Press(link.Done)
	link.Welcomed() // where she wanted to go in the first place
	if !o.NoScript {
		phone := link.Phone()
		w.keepTokens(phone)
	}
	link.SignOutOfHRM()

	anna.toMyCode()
	anna.giveCode()
	anna.Welcomed()
	anna.SignOutOfHRM()

	w.clock.move(time.Minute)
	anna.toMyCode()
	anna.Press(anna.AnotherWay)
	anna.Press(anna.SMSTo(phoneEnd))
	anna.SeeRole("textbox", anna.Code)
	anna.Fill(anna.Code, w.texted(anna.Person))
	anna.Press(anna.LogIn)
	anna.Welcomed()
	anna.SignOutOfHRM()

	anna.toMyCode()
	anna.Press(anna.AnotherWay)
	anna.Press(anna.Words.RecoveryCode)
	anna.Fill(anna.Words.RecoveryCode, recovery)
	anna.Press(anna.LogIn)
	anna.Tick(anna.Saved)
	anna.Press(anna.Done)
	anna.Press(anna.StillHere)
	anna.Welcomed()
	quiet(t, a.Browser, refusedRefresh)
}

// toMyCode goes from HRM's start page to the page that asks for the app's code, with the password that Anna chose.
func (h *holder) toMyCode() {
	h.OpenHRM()
	h.GiveAddress()
	h.GivePassword(chosen)
	h.SeeRole("textbox", h.Code)
}

// TestLaterUntilTheDate: the offer comes back at every third sign-in and names the day; when the day has come there is no later.
func TestLaterUntilTheDate(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		day := w.clock.now().AddDate(0, 0, 20)
		day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, time.UTC)
		w.policy(organisation.Policy{MFA: organisation.Required, From: day, SignIns: 9})
		b := w.bo(o)
		printer := texts(t).Printer(language(o))
		for i := range 4 {
			b.OpenHRM()
			b.GiveAddress()
			b.GivePassword(demo.Password)
			if i%3 == 0 {
				b.See(printer.Date(day))
				b.See(printer.Plural("enrolment.offer.left", 9-i))
				b.Press(b.Later)
			}
			b.Welcomed()
			b.SignOutOfHRM()
		}
		w.clock.move(day.Sub(w.clock.now()))
		b.OpenHRM()
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.SeeRole("button", b.Activate)
		b.DontSee(b.Later)
		b.Press(b.Activate)
		bo, _ := w.enrol(b)
		bo.Welcomed()
		quiet(t, b.Browser)
	})
}

// TestCillaTurnsTwoFactorAuthenticationOff with her recovery code beside her password, because her phone is gone; and, where she has
// it, from her account's page.
func TestCillaTurnsTwoFactorAuthenticationOff(t *testing.T) {
	t.Parallel()
	inEitherLanguage(t, func(t *testing.T, w *world, o journey.Options) {
		c := w.cilla(o)
		say := texts(t).Printer(language(o)).T
		c.toCode()
		c.Press(c.AnotherWay)
		c.Press(c.Words.RecoveryCode)
		c.Fill(c.Words.RecoveryCode, demo.CillasRecovery)
		c.Press(c.LogIn)
		c.Tick(c.Saved)
		c.Press(c.Done)
		c.Press(c.AppGone)
		c.Press(say("enrolment.choice.off"))
		c.Welcomed()
		c.Receive(say("mail.mfa_off.subject_off"))
		c.SignOutOfHRM()
		c.SignIn(demo.Password) // no code any more

		c.Open(w.Portvakt + "/account")
		c.Press(c.Activate)
		w.enrol(c.Person)
		c.At(w.Portvakt + "/account")
		c.Press(say("myaccount.mfa.remove") + " " + say("myaccount.mfa.unnamed"))
		c.Press(say("myaccount.mfa.remove"))
		c.See(say("myaccount.notice.app_removed"))
		c.Open(w.HRM)
		c.SignOutOfHRM()
		c.SignIn(demo.Password)
		quiet(t, c.Browser)
	})
}

// TestTheOperatorsCodeLetsCillaInWhoHasLostEverything: the command's code, once, and a code of her own after it.
func TestTheOperatorsCodeLetsCillaInWhoHasLostEverything(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		code, err := w.App.Control.Enrolment.Issue(t.Context(), cilla, "hon visade legitimation i receptionen")
		if err != nil {
			t.Fatal(err)
		}
		c := w.cilla(journey.Options{})
		c.Receive("En återställningskod har lämnats ut")
		c.toCode()
		c.Press(c.AnotherWay)
		c.Press(c.Words.RecoveryCode)
		c.Fill(c.Words.RecoveryCode, code.Reveal())
		c.Press(c.LogIn)
		c.Tick(c.Saved)
		c.Press(c.Done)
		c.Press(c.AppGone)
		fresh := w.bind(c.Person)
		c.Press(c.Skip)
		fresh.Welcomed()
		quiet(t, c.Browser)
	})
}

func language(o journey.Options) locale.Language { return locale.Language(cmp.Or(o.Lang, "sv")) }

func texts(t *testing.T) *locale.Catalogue {
	t.Helper()
	c := locale.New()
	return c
}

// lookAtOffer looks at the pages that ask for two-factor authentication, and at what stands around them.
func lookAtOffer(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	w.policy(recommended)
	b := w.bo(o)
	b.OpenHRM()
	b.GiveAddress()
	b.GivePassword(demo.Password)
	look(b, "enrolment_offer-later", "enrolment.offer.title")
	day := time.Date(w.clock.now().Year()+1, time.January, 15, 0, 0, 0, 0, time.UTC)
	w.policy(organisation.Policy{MFA: organisation.Required, From: day, SignIns: 12})
	b.Reload()
	look(b, "enrolment_offer-date", "enrolment.offer.title")
	w.policy(organisation.Policy{MFA: organisation.Optional})
	page := b.Browser.Address()
	b.Open(page)
	look(b, "signin_ready", "signin.ready.title")
	b.Press(say("web.continue"))
	b.Welcomed()

	c := w.cilla(o)
	c.toCode()
	c.Press(c.AnotherWay)
	c.Press(c.Words.RecoveryCode)
	c.Fill(c.Words.RecoveryCode, demo.CillasRecovery)
	c.Press(c.LogIn)
	c.Tick(c.Saved)
	c.Press(c.Done)
	c.Press(c.AppGone)
	look(c.Person, "enrolment_choice-gone", "enrolment.choice.off")
	c.Press(c.OtherApp)
	c.Press(c.Next)
	c.Press(say("enrolment.code.name_it"))
	look(c.Person, "enrolment_code-name", "enrolment.code.name")
}
