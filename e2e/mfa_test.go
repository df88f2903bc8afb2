package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/organisation"
)

const (
	cilla = "cilla.berg@foretaget.example"
	eva   = "eva.admin@foretaget.example"
)

// holder is somebody with an authenticator app.
type holder struct {
	*journey.Person
	app *journey.App
	w   *world
}

func (w *world) cilla(o journey.Options) *holder {
	w.t.Helper()
	p := w.person(o, cilla, "Cilla")
	return &holder{p, p.AddApp(demo.CillasKey), w}
}

// toCode goes from HRM's start page to the page that asks for a code.
func (h *holder) toCode() {
	h.OpenHRM()
	h.GiveAddress()
	h.GivePassword(demo.Password)
	h.SeeRole("textbox", h.Code)
}

// giveCode fills in what the app shows next: every code counts once.
func (h *holder) giveCode() {
	h.w.clock.move(30 * time.Second)
	h.Fill(h.Code, h.app.Code(h.w.clock.now()))
	h.Press(h.LogIn)
}

// require makes the demo's employer require two-factor authentication, from now on.
func (w *world) require(t *testing.T) {
	t.Helper()
	_, err := w.App.Control.Provisioning.SetOrganisation(context.Background(), organisation.Organisation{ID: "foretaget",
		Policy: organisation.Policy{MFA: organisation.Required}})
	if err != nil {
		t.Fatal(err)
	}
}

// shownKey is the key that the page shows to be copied.
func shownKey(p *journey.Person) string {
	return journey.Script[string](p.Browser, `document.getElementById("key").textContent`)
}

// shownRecovery is the recovery code that the page shows, without the places where it may be broken.
func shownRecovery(p *journey.Person) string {
	return strings.TrimSpace(journey.Script[string](p.Browser, `document.getElementById("recovery-code").textContent`))
}

// bind goes from the choice of an app to its first code.
func (w *world) bind(p *journey.Person) *holder {
	p.Press(p.OtherApp)
	p.SeeRole("link", p.Next)
	h := &holder{p, p.AddApp(shownKey(p)), w}
	p.Press(p.Next)
	p.Fill(p.Code, h.app.Code(w.clock.now()))
	p.Press(p.Next)
	return h
}

// enrol goes from the choice of the first app through Klar, without a phone, and returns the app and the recovery code.
func (w *world) enrol(p *journey.Person) (*holder, string) {
	h := w.bind(p)
	p.Press(p.Skip)
	p.SeeRole("checkbox", p.Saved)
	code := shownRecovery(p)
	p.Tick(p.Saved)
	p.Press(p.Done)
	return h, code
}

func TestBoTurnsOnTwoFactorAuthenticationAndComesBackWithIt(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(b.Activate)
		bo, recovery := w.enrol(b)
		b.At(w.Portvakt + "/account")
		b.Open(w.HRM)
		b.Welcomed()
		b.SignOutOfHRM()

		bo.toCode()
		bo.Fill(bo.Code, "123456")
		bo.Press(bo.LogIn)
		bo.SeeRole("textbox", bo.Code)
		bo.Tick(bo.RememberBrowser)
		bo.giveCode()
		bo.Welcomed()
		bo.SignOutOfHRM()
		bo.SignIn(demo.Password) // remembered: the password is enough here

		other := &holder{w.elsewhere(b, o), bo.app, w}
		other.toCode()
		other.Press(other.AnotherWay)
		other.Press(other.Words.RecoveryCode)
		other.Fill(other.Words.RecoveryCode, strings.ToLower(strings.ReplaceAll(recovery, "-", " ")))
		other.Press(other.LogIn)
		other.SeeRole("checkbox", other.Saved)
		if fresh := shownRecovery(other.Person); fresh == recovery || len(fresh) != len(recovery) {
			t.Errorf("the new recovery code is %q", fresh)
		}
		other.Tick(other.Saved)
		other.Press(other.Done)
		other.Press(other.StillHere)
		other.Welcomed()
		quiet(t, b.Browser, refusedForm)
		quiet(t, other.Browser, refusedForm)
	})
}

func TestCillaSignsInAndNeitherHerPasswordNorHerCodeIsEnough(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		thief := w.cilla(journey.Options{})
		thief.toCode()
		thief.Open(w.Portvakt + "/account") // the password alone is no session
		thief.SeeRole("textbox", thief.Words.Address)

		c := w.cilla(journey.Options{})
		c.toCode()
		c.giveCode()
		c.Welcomed()
		c.Phone() // one login for both apps, and no second code
		quiet(t, thief.Browser)
		quiet(t, c.Browser)
	})
}

func TestAnAddressCanBeChangedAtTheSecondFactorToo(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		c := w.cilla(journey.Options{})
		c.toCode()
		c.SeeRole("link", c.Change)
		c.Press(c.AnotherWay)
		c.SeeRole("link", c.Change)
		c.Press(c.Words.RecoveryCode)
		c.Press(c.Change)
		c.Fill(c.Words.Address, bo) // at a computer that both use
		c.Press(c.Next)
		c.GivePassword(demo.Password)
		c.Name = "Bo"
		c.Welcomed()
		quiet(t, c.Browser)
	})
}

func TestALostAppIsReplacedWithTheRecoveryCode(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		c := w.cilla(journey.Options{})
		c.toCode()
		c.Press(c.AnotherWay)
		c.Press(c.Words.RecoveryCode)
		c.Fill(c.Words.RecoveryCode, demo.CillasRecovery)
		c.Press(c.LogIn)
		c.Tick(c.Saved)
		c.Press(c.Done)
		c.Press(c.AppGone)
		fresh := w.bind(c.Person)
		c.Press(c.Skip) // and no second recovery code
		fresh.Welcomed()
		c.SignOutOfHRM()

		c.toCode()
		c.giveCode() // that of the app that is gone
		c.SeeRole("textbox", c.Code)
		fresh.giveCode()
		fresh.Welcomed()
		quiet(t, c.Browser, refusedForm)
	})
}

func TestAnEmployerThatRequiresTwoFactorsGetsThem(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		w.require(t)
		b := w.bo(journey.Options{})
		b.OpenHRM()
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.See("kräver tvåfaktorsautentisering")
		b.Open(w.Portvakt + "/account") // no way around
		b.SeeRole("textbox", b.Words.Address)
		b.OpenHRM()
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.Press(b.Activate)
		bo, _ := w.enrol(b)
		bo.Welcomed()
		quiet(t, b.Browser)
	})
}
