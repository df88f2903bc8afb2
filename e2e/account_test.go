package e2e

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
)

// What other devices call themselves.
const (
	iPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
)

func TestBoEndsASessionOnAnotherDevice(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"sv", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			say := texts(t).Printer(locale.Language(lang)).T
			welcome := map[string]string{"sv": "Välkommen till HRM", "en": "Welcome to HRM"}[lang]
			onEitherEngine(t, func(t *testing.T, w *world) {
				desk := w.bo(journey.Options{Lang: lang})
				desk.SignIn(demo.Password)
				phone := w.elsewhere(desk, journey.Options{Lang: lang, Agent: iPhone, Width: 390, Height: 844})
				phone.SignIn(demo.Password)
				home := w.elsewhere(desk, journey.Options{Lang: lang, Agent: windows})
				home.SignIn(demo.Password)

				desk.Open(w.Portvakt + "/account")
				desk.See("Bo Lind")
				desk.See(say("myaccount.current"))
				desk.See("Windows, Firefox")
				desk.Press(say("myaccount.end") + " iPhone, Safari")
				desk.See(say("myaccount.notice.session_ended"))
				desk.DontSee("iPhone")
				phone.Await(welcome) // HRM hears it by the back channel
				phone.Open(w.Portvakt + "/account")
				phone.SeeRole("textbox", phone.Words.Address)
				home.Reload()
				home.Welcomed()

				desk.Press(say("myaccount.end_others"))
				desk.See(say("myaccount.notice.others_ended"))
				desk.DontSee("Windows")
				home.Await(welcome)
				home.Open(w.Portvakt + "/account")
				home.SeeRole("textbox", home.Words.Address)

				desk.Press(desk.LogOut)
				desk.See(desk.SignedOut)
				desk.Open(w.Portvakt + "/account")
				desk.SeeRole("textbox", desk.Words.Address)
				desk.Open(w.HRM)
				desk.Await(welcome)
				quiet(t, desk.Browser)
				quiet(t, phone.Browser)
				quiet(t, home.Browser)
			})
		})
	}
}

func TestAResetSignsOutTheOtherDevicesUnlessBoUnticksIt(t *testing.T) {
	t.Parallel()
	w := begin(t)
	desk := w.bo(journey.Options{})
	desk.SignIn(demo.Password)
	phone := w.elsewhere(desk, journey.Options{Agent: iPhone, Width: 390, Height: 844})
	phone.ForgetAtHRM()
	phone.AskFor(phone.Reset)
	link := phone.FollowLink(phone.Receive(phone.ResetMail), phone.ResetButton)
	link.Untick(link.EndOthers)
	link.ChoosePassword(chosen)
	link.Welcomed()
	desk.Open(w.Portvakt + "/account")
	desk.See("iPhone, Safari")
	quiet(t, desk.Browser)
	quiet(t, phone.Browser)
}

func TestMyAccountAsksWhoComesAndLetsHerSignIn(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.Open(w.Portvakt)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.At(w.Portvakt + "/account")
	b.See("Bo Lind")
	b.OpenHRMWithoutAQuestion() // one login for all
	quiet(t, b.Browser)
}

func TestSigningOutAsksWhereAnotherSiteMayHaveSentThePerson(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/end_session")
	b.See("Vill du logga ut?")
	b.See(bo)
	b.Press("Nej, fortsätt vara inloggad")
	b.See("Mitt konto")
	b.Open(w.Portvakt + "/end_session")
	b.Press(b.LogOut)
	b.See(b.SignedOut)
	b.Open(w.HRM)
	b.Await("Välkommen till HRM")
	quiet(t, b.Browser)
}

func TestTheKeyboardAloneLooksAfterTheAccount(t *testing.T) {
	t.Parallel()
	w := begin(t)
	phone := w.bo(journey.Options{Agent: iPhone, Width: 390, Height: 844})
	phone.SignIn(demo.Password)
	b := w.elsewhere(phone, journey.Options{})
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.TabTo("Avsluta iPhone, Safari")
	b.Enter()
	b.See("Enheten är utloggad.")
	b.TabTo("English")
	b.Enter()
	b.See("My account")
	b.TabTo("Log out")
	b.Enter()
	b.See("You are logged out")
	b.TabTo("Log in again")
	b.Enter()
	b.SeeRole("textbox", "Email address")
	quiet(t, b.Browser)
}
