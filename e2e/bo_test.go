package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

const attemptCookie = "pv_attempt_"

func TestBoSignsInIsRememberedAndSignsOut(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.OpenHRM()
		b.Tick(b.Remember)
		b.GiveAddress()
		b.GivePassword(wrongPassword)
		b.See("E-postadressen eller lösenordet stämmer inte.")
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.SignOutOfHRM()

		b.Press(b.LogIn)
		b.SeeRole("textbox", b.Words.Address)
		if kept := journey.Script[string](b.Browser, `document.getElementById("address").value`); kept != bo {
			t.Errorf("remembered %q", kept)
		}
		b.Press(b.Next) // the address stands there already, and so does the tick
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.SignOutOfHRM()

		b.Press(b.LogIn)
		b.Untick(b.Remember)
		b.Press(b.Next)
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.SignOutOfHRM()
		b.Press(b.LogIn)
		b.SeeRole("textbox", b.Words.Address)
		if kept := journey.Script[string](b.Browser, `document.getElementById("address").value`); kept != "" {
			t.Errorf("still remembered %q", kept)
		}
		quiet(t, b.Browser, refusedForm)
	})
}

func TestAnAddressCanBeChangedOnThePasswordPage(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.Fill(b.Words.Address, "bo")
	b.Press(b.Next)
	b.See("Det ser inte ut som en e-postadress.")
	b.Fill(b.Words.Address, "bo.lindh@foretaget.example") // nobody; the page is the same
	b.Press(b.Next)
	b.GivePassword(demo.Password)
	b.See("E-postadressen eller lösenordet stämmer inte.")
	b.Press(b.Change)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.Welcomed()
	quiet(t, b.Browser, refusedForm)
}

func TestOldAttemptCookieCannotSignInAgain(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.OpenHRM()
		b.GiveAddress()
		page := b.Browser.Address()
		kept := b.CookiesNamed(w.Portvakt, attemptCookie)
		if len(kept) != 1 {
			t.Fatalf("%d attempts under way", len(kept))
		}
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.SignOutOfHRM()

		w.clock.move(time.Minute) // past a double click
		for name, value := range kept {
			b.PutCookie(w.Portvakt, name, value)
		}
		b.Open(strings.Replace(page, "/password", "/continue", 1))
		b.SeeRole("textbox", b.Password) // it leads to the proof that the same attempt would need
		b.Open(page)
		b.GivePassword(demo.Password)
		b.See("Börja om inloggningen")
		b.Open(w.HRM)
		b.SeeRole("link", b.LogIn)
		b.DontSee("Bo")
		quiet(t, b.Browser, goneLink)
	})
}

func TestCookieFromBeforeResetIsRefused(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		thief := w.bo(journey.Options{})
		thief.SignIn(demo.Password)
		thief.Open(w.Portvakt + "/account")
		thief.See("Mitt konto")
		thief.Open(w.HRM)
		thief.Press(thief.LogOutHere) // only Portvakt's own session is left
		thief.OpenHRMWithoutAQuestion()
		half := w.elsewhere(thief, journey.Options{})
		half.OpenHRM()
		half.GiveAddress()

		b := w.elsewhere(thief, journey.Options{})
		b.ForgetAtHRM()
		b.AskFor(b.Reset)
		link := b.FollowLink(b.Receive(b.ResetMail), b.ResetButton)
		link.ChoosePassword(chosen)
		link.Welcomed()

		thief.Await("Välkommen till HRM") // the back channel ended HRM's session
		thief.Open(w.Portvakt + "/account")
		thief.SeeRole("textbox", thief.Words.Address)
		thief.DontSee("Mitt konto")
		thief.Open(w.HRM)
		thief.Press(thief.LogIn)
		thief.SeeRole("textbox", thief.Words.Address)
		half.GivePassword(demo.Password) // the old password is worth nothing either
		half.See("E-postadressen eller lösenordet stämmer inte.")
		quiet(t, thief.Browser)
	})
}

func TestBackAndReloadLeadNowhereStrange(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.OpenHRM()
		b.GiveAddress()
		b.Reload()
		b.See(bo)
		b.Back()
		b.SeeRole("textbox", b.Words.Address)
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.Reload()
		b.Welcomed()
		b.Back() // to a page of the sign-in that is over
		b.At(w.Portvakt)
		b.See("Du är inloggad")
		b.Press("Fortsätt till HRM")
		b.Welcomed()
		b.SignOutOfHRM()
		b.Back() // to a page of HRM that is over
		b.DontSee(b.Hello("Bo"))
		quiet(t, b.Browser, goneLink)
	})
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		first := w.bo(journey.Options{})
		first.OpenHRM()
		second := first.In(first.Tab())
		second.OpenHRM()
		second.GiveAddress()
		first.GiveAddress()
		second.GivePassword(demo.Password)
		second.Welcomed()
		first.GivePassword(demo.Password)
		first.Welcomed()

		first.Open(w.Portvakt + "/account")
		first.See("Den här enheten")
		first.DontSee("Avsluta alla andra") // one session, not two
		quiet(t, first.Browser)
	})
}

// cameThrough waits for the end of a sign-in that was pressed twice. Without scripts nothing holds the second press back, and
// it can stop the browser from leaving the page that says she is signed in: there she goes on by its link.
func cameThrough(p *journey.Person, o journey.Options) {
	if o.NoScript {
		p.See("Du är inloggad")
		return
	}
	p.Welcomed()
}

func TestADoubleClickIsOneSignIn(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]journey.Options{"with JavaScript": {}, "without JavaScript": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEitherEngine(t, func(t *testing.T, w *world) {
				b := w.bo(o)
				b.Open(w.HRM)
				b.PressTwice(b.LogIn)
				b.Fill(b.Words.Address, bo)
				b.PressTwice(b.Next)
				b.Fill(b.Password, demo.Password)
				b.PressTwice(b.LogIn)
				cameThrough(b, o)
				b.Open(w.Portvakt + "/account")
				b.See("Den här enheten")
				b.DontSee("Avsluta alla andra")
				b.Open(w.HRM + "/login")
				b.Welcomed() // and nothing is asked again, wherever the second press has left her
				quiet(t, b.Browser)
			})
		})
	}
}

func TestADoubleClickOnALinkIsOneSignIn(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]journey.Options{"with JavaScript": {}, "without JavaScript": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := begin(t)
			a := w.anna(o)
			a.ForgetAtHRM()
			a.AskFor(a.LoginLink)
			w.clock.move(time.Minute)
			link := a.FollowLink(a.Receive(a.LoginMail), a.LoginButton)
			link.PressTwice(link.LogIn)
			cameThrough(link, o)
			quiet(t, a.Browser)

			a.Open(w.Portvakt + "/account")
			a.See("Den här enheten")
			a.DontSee("Avsluta alla andra")
		})
	}
}

// TestTheSecondOfTwoClicksLeadsOn is the slower kind of double click: the first has done its work when the second arrives.
func TestTheSecondOfTwoClicksLeadsOn(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{NoScript: true})
		b.OpenHRM()
		b.GiveAddress()
		late := b.In(b.Tab())
		late.Open(b.Browser.Address())
		b.GivePassword(demo.Password)
		b.Welcomed()
		late.GivePassword(demo.Password)
		late.Welcomed()

		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.AskFor(a.LoginLink)
		m := a.Receive(a.LoginMail)
		first, second := a.FollowLink(m, a.LoginButton), a.FollowLink(m, a.LoginButton)
		first.Press(first.LogIn)
		first.Welcomed()
		second.Press(second.LogIn)
		second.Welcomed()
		w.clock.move(time.Minute) // that was no click any more
		third := a.Copy(m, a.Tab())
		third.See("Länken gäller inte längre")
		quiet(t, a.Browser, goneLink)
	})
}

func TestATamperedAttemptLeadsBackToHRM(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.GiveAddress()
	for name, value := range b.CookiesNamed(w.Portvakt, attemptCookie) {
		b.PutCookie(w.Portvakt, name, value[:len(value)-4]+"AAAA")
	}
	b.GivePassword(demo.Password)
	b.See("Börja om inloggningen")
	b.See("Ärendenummer")
	b.Press("Tillbaka till HRM")
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.Welcomed()
	quiet(t, b.Browser, goneLink)
}

func TestAnUnreadableSessionIsAnAbsentOne(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.PutCookie(w.Portvakt, "pv_session", "nobody-made-this")
	b.PutCookie(w.Portvakt, "pv_browser", "nor-this")
	b.SignIn(demo.Password)
	quiet(t, b.Browser)
}

func TestTooManyWrongPasswordsPauseTheBrowserAndLeaveTheLink(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.GiveAddress()
	for range 8 {
		b.GivePassword(wrongPassword)
		b.See("stämmer inte")
	}
	b.GivePassword(demo.Password)
	b.See("Det har blivit många försök.")
	b.Forget()
	b.AskFor(b.LoginLink)
	link := b.FollowLink(b.Receive(b.LoginMail), b.LoginButton)
	link.Press(link.LogIn)
	link.Welcomed()
	quiet(t, b.Browser, refusedForm)
}

func TestTheKeyboardAloneSignsIn(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.Open(w.HRM)
	b.TabTo(b.LogIn)
	b.Enter()
	b.At(w.Portvakt)
	b.SeeRole("textbox", b.Words.Address)
	b.TabTo(b.Words.Address)
	b.Type(bo)
	b.TabTo(b.Remember)
	b.Type(" ")
	b.TabTo(b.Next)
	b.Enter()
	b.SeeRole("textbox", b.Password)
	b.TabTo(b.Password)
	b.Type(demo.Password)
	b.TabTo(b.LogIn)
	b.Enter()
	b.Welcomed()
	b.TabTo(b.LogOut)
	b.Enter()
	b.See(b.SignedOut)

	b.TabTo(b.LogIn)
	b.Enter()
	b.SeeRole("textbox", b.Words.Address)
	b.TabTo(b.Next)
	b.Enter()
	b.SeeRole("textbox", b.Password)
	b.TabTo(b.Forgot)
	b.Enter()
	b.SeeRole("checkbox", b.Human)
	b.TabTo(b.Human)
	b.Type(" ")
	b.SeeEnabled(b.Reset)
	b.TabTo(b.Reset)
	b.Enter()
	b.See(b.Sent)
	b.Open(b.Receive(b.ResetMail).Links[0])
	b.TabTo(b.NewPassword)
	b.Type(chosen)
	b.TabTo(b.Repeat)
	b.Type(chosen)
	b.TabTo(b.SetPassword)
	b.Enter()
	b.Welcomed()
	quiet(t, b.Browser)
}
