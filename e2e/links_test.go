package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// again goes on from the page of a link that is gone, with a new one, to HRM.
func again(a *journey.Person, link *journey.Person) {
	link.See("Länken gäller inte längre")
	link.SeeRole("link", "Tillbaka till HRM")
	link.Press("Få en ny länk")
	link.Fill(link.Words.Address, anna)
	link.AskFor(link.LoginLink)
	next := link.FollowLink(a.Receive(a.LoginMail), a.LoginButton)
	next.Press(next.LogIn)
	next.Welcomed()
}

func TestAUsedLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	a.AskFor(a.Reset)
	m := a.Receive(a.ResetMail)
	link := a.FollowLink(m, a.ResetButton)
	link.ChoosePassword(chosen)
	link.Welcomed()
	other := a.Copy(m, w.browser(journey.Options{}))
	again(a, other)
	quiet(t, other.Browser, goneLink)
}

func TestAnExpiredLoginLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	a.AskFor(a.LoginLink)
	m := a.Receive(a.LoginMail)
	w.clock.move(16 * time.Minute)
	again(a, a.FollowLink(m, a.LoginButton))
	quiet(t, a.Browser, goneLink)
}

func TestAnExpiredResetLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	a.AskFor(a.Reset)
	link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
	w.clock.move(25 * time.Hour) // with the page open
	link.ChoosePassword(chosen)
	again(a, link)
	quiet(t, a.Browser, goneLink)
}

func TestAMistypedLinkOffersANewOne(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.Open(w.Portvakt + "/recovery/link/nobody-mailed-this")
	a.See("Länken gäller inte längre")
	a.Press("Få en ny länk")
	a.Fill(a.Words.Address, anna)
	a.AskFor(a.LoginLink)
	link := a.FollowLink(a.Receive(a.LoginMail), a.LoginButton)
	link.Press(link.LogIn)
	link.At(w.Portvakt + "/account") // no app is known here
	link.See(anna)
	quiet(t, a.Browser, goneLink)
}

func TestALinkWhereSomebodyElseIsSignedInSaysSoAndChangesToItsOwn(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.SignIn(demo.Password)
		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.AskFor(a.LoginLink)
		there := a.Copy(a.Receive(a.LoginMail), b.Browser)
		there.See("Här är " + bo + " redan inloggad.")
		there.See(anna)
		there.Press(there.LogIn)
		there.Welcomed()
		there.DontSee("Bo")
		there.Open(w.Portvakt + "/account")
		there.See(anna)
		quiet(t, b.Browser)
	})
}

func TestANewPasswordIsJudgedAndTheLinkIsNotSpent(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{NoScript: true}) // the server judges; the page's script only helps
	helped := w.elsewhere(a, journey.Options{})
	helped.ForgetAtHRM()
	helped.AskFor(helped.Reset)
	m := a.Receive(a.ResetMail)
	a.Open(m.Links[0])
	for password, problem := range map[string]string{
		"kort":                     "Lösenordet är för kort.",
		strings.Repeat("å1 ", 100): "Lösenordet är för långt.",
		"passwordpassword":         "Det lösenordet är vanligt och lätt att gissa.",
		"Anna.Svensson2026!":       "Lösenordet är för likt ditt namn",
	} {
		a.ChoosePassword(password)
		a.See(problem)
	}
	a.Fill(a.NewPassword, chosen)
	a.Fill(a.Repeat, wrongPassword)
	a.Press(a.SetPassword)
	a.See("Lösenorden är inte lika.")

	link := helped.FollowLink(m, helped.ResetButton)
	met := func() int64 {
		return journey.Script[int64](link.Browser, `document.querySelectorAll("#rules .met").length`)
	}
	for typed, rules := range map[string]int64{"anna": 0, "katt": 1, "Anna.Svensson2026!": 1, "en anka som heter anna": 2} {
		if link.Fill(link.NewPassword, typed); met() != rules {
			t.Errorf("%q fulfils %d rules", typed, met())
		}
	}
	link.Fill(link.NewPassword, chosen)
	link.Fill(link.Repeat, "något")
	link.See("Lösenorden är inte lika än.")
	link.Fill(link.Repeat, chosen)
	link.See("Lösenorden är lika.")
	link.Press(link.SetPassword)
	link.Welcomed()
	quiet(t, helped.Browser)
	quiet(t, a.Browser, refusedForm)
}

func TestAMailThatHadToWaitForTheMailServerStillWorks(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.Mail.Refuse(true)
		a.AskFor(a.Reset) // the page is the same
		w.clock.move(10 * time.Minute)
		w.clock.move(50 * time.Minute)
		if early := a.Mail.Messages(anna); len(early) > 0 {
			t.Errorf("%q came from a server that refuses", early[0].Subject)
		}
		a.Mail.Refuse(false)
		w.clock.move(15 * time.Minute)
		link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
		link.ChoosePassword(chosen)
		link.Welcomed()
		quiet(t, a.Browser)
	})
}

func TestAnUnknownAddressGetsTheSamePageAndNoMail(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	nobody := w.person(journey.Options{}, "nobody@foretaget.example", "")
	var pages []string
	for _, p := range []*journey.Person{a, nobody} {
		p.ForgetAtHRM()
		p.AskFor(p.Reset)
		pages = append(pages, strings.ReplaceAll(p.Text(), p.Address, "…"))
	}
	if pages[0] != pages[1] {
		t.Errorf("known: %s\nunknown: %s", pages[0], pages[1])
	}
	a.Receive(a.ResetMail) // asked for first, sent first
	if sent := nobody.Mail.Messages(nobody.Address); len(sent) > 0 {
		t.Errorf("%q went to nobody", sent[0].Subject)
	}
}

// TestATickBeforeTheScriptIsThereCounts is a quick person, or a slow network.
func TestATickBeforeTheScriptIsThereCounts(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	journey.Script[bool](a.Browser, `(async () => {
		document.getElementById("human").checked = true; // nobody hears of it
		await import(document.querySelector('script[src*="recovery.js"]').src + "?late");
		return true;
	})()`)
	a.Press(a.Reset)
	a.See(a.Sent)
	a.Receive(a.ResetMail)
	quiet(t, a.Browser)
}
