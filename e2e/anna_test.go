package e2e

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/demo"
)

// TestAnnaCreatesHerPasswordAndReachesBothApps is the story that the guide tells, on both
// engines, from HRM's start page to the sign-out that ends everything.
func TestAnnaCreatesHerPasswordAndReachesBothApps(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.AskFor(a.Reset)
		link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
		link.ChoosePassword(chosen)
		link.Welcomed()
		a.Receive("Ditt lösenord är ändrat")

		phone := link.Phone()
		w.keepTokens(phone)
		link.SignOutOfHRM()
		phone.ShowAgain()
		phone.SeeRole("button", phone.LogIn)
		phone.DontSee("Anna")
		quiet(t, a.Browser, refusedRefresh)

		link.SignIn(chosen) // the password that she chose is hers
	})
}

// TestWithTheRealCostsAnnaCreatesHerPasswordToo tells the same once with the costs of a real installation.
func TestWithTheRealCostsAnnaCreatesHerPasswordToo(t *testing.T) {
	t.Parallel()
	w := begin(t, func(o *demo.Options) { o.App = app.Options{} })
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	a.AskFor(a.Reset)
	link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
	link.ChoosePassword(chosen)
	link.Welcomed()
}

func TestSigningOutInHRMMobileEndsHRMToo(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		b := w.bo(journey.Options{})
		b.SignIn(demo.Password)
		phone := b.Phone()
		w.keepTokens(phone)
		phone.Press(phone.LogOut)
		phone.See(phone.OutEverywhere)
		b.Await("Välkommen till HRM") // HRM hears it by the back channel
		b.SeeRole("link", b.LogIn)
		b.DontSee("Bo")
		b.Press(b.LogIn)
		b.SeeRole("textbox", b.Words.Address) // and nobody is signed in at Portvakt either
		quiet(t, b.Browser)
	})
}

// The tokens of HRM Mobile are bound to a key that its browser shows to nobody. Where the key is gone, they are worth nothing.
func TestHRMMobileThatHasLostItsKeyShowsLoggaIn(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.SignIn(demo.Password)
	phone := b.Phone()
	held := journey.Script[string](phone.Browser, `new Promise((done) => {
		indexedDB.open("hrmmobile").onsuccess = (e) => {
			e.target.result.transaction("keys").objectStore("keys").get("dpop").onsuccess = async (f) => {
				e.target.result.close();
				done(await crypto.subtle.exportKey("jwk", f.target.result.privateKey).then(() => "taken out", (error) => error.name));
			};
		};
	})`)
	if held != "InvalidAccessError" {
		t.Errorf("the private key: %s", held)
	}
	journey.Script[bool](phone.Browser, `new Promise((done) => { indexedDB.deleteDatabase("hrmmobile").onsuccess = () => done(true); })`)
	phone.Open(w.HRMMobile)
	phone.See("Du behöver logga in igen")
	phone.Press(phone.LogIn)
	phone.See(phone.Hello("Bo"))
	quiet(t, phone.Browser)
}

func TestAnnaSignsInByALinkInTheSameBrowser(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) { signInByLink(t, w, "sv") })
	t.Run("English", func(t *testing.T) {
		t.Parallel()
		onEitherEngine(t, func(t *testing.T, w *world) { signInByLink(t, w, "en") })
	})
}

func signInByLink(t *testing.T, w *world, lang string) {
	a := w.anna(journey.Options{Lang: lang})
	a.ForgetAtHRM()
	a.AskFor(a.LoginLink)
	link := a.FollowLink(a.Receive(a.LoginMail), a.LoginButton)
	link.See(anna)
	link.DontSee(link.Elsewhere)
	link.Press(link.LogIn) // one press is enough
	link.Welcomed()

	phone := link.Phone()
	w.keepTokens(phone)
	link.SignOutOfHRM()
	phone.ShowAgain()
	phone.SeeRole("button", phone.LogIn)
	quiet(t, a.Browser, refusedRefresh)
}

func TestAnnaSignsInByALinkInAnotherBrowser(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) { signInByLinkElsewhere(t, w, "sv") })
	t.Run("English", func(t *testing.T) {
		t.Parallel()
		onEitherEngine(t, func(t *testing.T, w *world) { signInByLinkElsewhere(t, w, "en") })
	})
}

func signInByLinkElsewhere(t *testing.T, w *world, lang string) {
	a := w.anna(journey.Options{Lang: lang})
	a.ForgetAtHRM()
	a.AskFor(a.LoginLink)
	other := a.Copy(a.Receive(a.LoginMail), w.browser(journey.Options{Lang: lang, Width: 390, Height: 844}))
	other.See(anna) // the page names the account
	other.See(other.Elsewhere)
	other.Press(other.LogIn)
	other.Welcomed() // in the browser in which the link was opened

	a.Open(w.HRM)
	a.SeeRole("link", a.LogIn)
	a.DontSee("Anna") // and in no other
	a.Press(a.LogIn)
	a.SeeRole("textbox", a.Words.Address)
	quiet(t, a.Browser)
	quiet(t, other.Browser)
}

func TestAnnaCreatesHerPasswordInAnotherBrowserAndInEnglish(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		a := w.anna(journey.Options{Lang: "en"})
		a.ForgetAtHRM()
		a.AskFor(a.Reset)
		other := a.Copy(a.Receive(a.ResetMail), w.browser(journey.Options{Lang: "en"}))
		other.See(anna)
		other.See(other.Elsewhere)
		other.ChoosePassword(chosen)
		other.Welcomed()
		phone := other.Phone()
		w.keepTokens(phone)
		other.SignOutOfHRM()
		phone.ShowAgain()
		phone.SeeRole("button", phone.LogIn)
		quiet(t, a.Browser)
		quiet(t, other.Browser, refusedRefresh)
	})
}

func TestAnnaTakesTwentyFiveMinutesAndLandsInHRMAllTheSame(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.AskFor(a.Reset)
		m := a.Receive(a.ResetMail)
		w.clock.move(25 * time.Minute)
		link := a.FollowLink(m, a.ResetButton)
		link.ChoosePassword(chosen)
		link.Welcomed()
		quiet(t, a.Browser)
	})
}

func TestAnnaComesWhenHerAttemptHasExpiredAndLandsInHRMAllTheSame(t *testing.T) {
	t.Parallel()
	w := begin(t)
	a := w.anna(journey.Options{})
	a.ForgetAtHRM()
	a.AskFor(a.Reset)
	m := a.Receive(a.ResetMail)
	w.clock.move(5 * time.Hour) // the attempt lives one, the link a day
	link := a.FollowLink(m, a.ResetButton)
	link.ChoosePassword(chosen)
	link.Welcomed()
	quiet(t, a.Browser)
}

func TestBoComesBackAfterHRMStoppedWaitingAndLandsThereAllTheSame(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.GiveAddress()
	w.clock.move(16 * time.Minute) // HRM's state lives 15
	b.GivePassword(demo.Password)
	b.Welcomed()
	quiet(t, b.Browser)
}

func TestHRMThatNoLongerKnowsTheLoginOffersToStartAgain(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.Open(w.HRM + "/callback?code=c&state=old&iss=" + w.Portvakt)
	b.See("Inloggningen hann bli för gammal")
	b.Press(b.LogIn)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.Welcomed()
	quiet(t, b.Browser, badRequest)
}

func TestAnAttemptOfYesterdayLeadsBackToHRM(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.OpenHRM()
	b.GiveAddress()
	w.clock.move(20 * time.Hour)
	b.GivePassword(demo.Password)
	b.See("Börja om inloggningen")
	b.Press("Tillbaka till HRM")
	b.At(w.Portvakt)
	b.SeeRole("textbox", b.Password) // the app's hint spares the address
	b.See(bo)
	b.GivePassword(demo.Password)
	b.Welcomed()
	quiet(t, b.Browser, goneLink)
}
