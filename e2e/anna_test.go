package e2e

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
)

// TestAnnaCreatesHerPasswordAndReachesBothApps is the story that the guide tells, on both
// engines, from HRM's start page to the sign-out that ends everything.
func TestAnnaCreatesHerPasswordAndReachesBothApps(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, w *world) {
		a := w.anna(journey.Options{})
		a.OpenHRM()
		a.GiveAddress()
		a.Forget()
		a.AskFor(a.Reset)
		link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
		link.ChoosePassword(chosen)
		link.Welcomed()

		phone := link.Phone()
		w.keepTokens(phone)
		link.Press(link.LogOut)
		link.At(w.HRM)
		link.See(link.SignedOut)
		link.SeeRole("link", link.LogIn)
		showAgain(phone)
		phone.SeeRole("button", phone.LogIn)
		phone.DontSee("Anna")
		quiet(t, a.Browser, refusedRefresh)
	})
}

// showAgain brings an app back to the front, where it looks whether it is still signed in.
func showAgain(p *journey.Person) {
	journey.Script[bool](p.Browser, `document.dispatchEvent(new Event("visibilitychange"))`)
}
