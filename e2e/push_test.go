package e2e

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
)

// handset gives somebody a phone with Portvakt Authenticator, which is opened for the first time.
func (w *world) handset(p *journey.Person, o journey.Options) *journey.Handset {
	w.t.Helper()
	return p.Handset(w.browser(journey.HandsetOptions(o.Lang)))
}

// TestAnnaFollowsTheWholeGuideWithPortvaktAuthenticator is the guide with the authenticator that it recommends, on a phone that is a
// browser of its own: the pairing, the four characters on both screens, the first ring; and the next day a sign-in by one tap.
func TestAnnaFollowsTheWholeGuideWithPortvaktAuthenticator(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		w.policy(recommended)
		say := saying(t, string(language(o)))
		a := w.anna(o)
		a.ForgetAtHRM()
		a.AskFor(a.Reset)
		if o.NoScript {
			w.clock.move(2 * time.Minute) // mails of the form without JavaScript wait
		}
		link := a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
		link.ChoosePassword(chosen)
		link.Press(link.Activate)
		link.Press(link.Next)
		phone := w.handset(link, o)
		phone.Scan(link.PairLink())
		if on, here := phone.Comparison(), link.Comparison(); on != here {
			t.Fatalf("the phone shows %s and the page %s", on, here)
		}
		link.Press(link.Approve)
		link.See(say("enrolment.test.title"))
		phone.Press(say("authenticator.not_now")) // notifications
		phone.See(say("authenticator.request.test"))
		phone.Press(phone.Approve)
		phone.See(say("authenticator.done.tested"))
		if o.NoScript {
			link.Press(say("enrolment.test.next"))
		}
		link.Press(link.Skip)
		link.Tick(link.Saved)
		link.Press(link.Done)
		link.Welcomed()
		link.SignOutOfHRM()

		link.OpenHRM()
		link.GiveAddress()
		link.GivePassword(chosen)
		phone.Tap(link.ShownNumber())
		if o.NoScript {
			link.Press(say("web.continue"))
		}
		link.Welcomed()
		quiet(t, a.Browser)
		quiet(t, phone.Browser, badRequest, refusedNonce)
	})
}

// refusedNonce is how the authenticator learns its first nonces.
const refusedNonce = `status of 401 \(Unauthorized\) .*/push/`
