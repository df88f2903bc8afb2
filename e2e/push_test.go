package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// What a browser notes of the authenticator's requests: it learns each nonce by a refusal (RFC 9449 §8), and that it was removed
// or came too late by another. A stream that waits ends with its page.
const (
	refusedNonce = `status of 401 \(Unauthorized\) .*/push/`
	comesTooLate = `status of 409 \(Conflict\) .*/push/`
	unknownCode  = `status of 404 \(Not Found\) .*/push/pair`
	disconnected = `net::ERR_INTERNET_DISCONNECTED`
	noCodeYet    = `status of 422 \(Unprocessable Entity\) .*/push/qr`
)

// handset gives somebody a phone with Portvakt Authenticator that nobody has opened yet.
func (w *world) handset(p *journey.Person, o journey.Options) *journey.Handset {
	w.t.Helper()
	return p.Handset(w.browser(journey.HandsetOptions(o.Lang)))
}

// pair goes from the choice of an app to the page after the first ring. The phone reads the code as its camera would.
func (w *world) pair(p *journey.Person, h *journey.Handset, o journey.Options) {
	w.t.Helper()
	p.Press(p.Next)
	w.scan(p, h)
	w.approve(p, h, o)
}

// scan lets the phone read the code.
func (w *world) scan(p *journey.Person, h *journey.Handset) {
	w.t.Helper()
	keepSecret("pairing code", strings.Join(strings.Fields(p.PairKey()), ""))
	h.Scan(p.PairLink())
	h.Comparison()
	w.keepHandset(h) // its device code
}

// approve goes on from the four characters.
func (w *world) approve(p *journey.Person, h *journey.Handset, o journey.Options) {
	w.t.Helper()
	say := saying(w.t, string(language(o)))
	if there, here := h.Comparison(), p.Comparison(); there != here {
		w.t.Fatalf("the phone shows %s and the page %s", there, here)
	}
	p.Press(p.Approve)
	p.See(say("enrolment.test.title"))
	h.Press(say("authenticator.not_now")) // notifications
	h.See(say("authenticator.request.test"))
	h.Press(h.Approve)
	h.See(say("authenticator.done.tested"))
	w.keepHandset(h)
	if o.NoScript {
		p.Press(say("enrolment.test.next"))
	}
}

// withHandset gives Bo a paired phone, from his account's page, and returns it and his recovery code. He is signed in.
func (w *world) withHandset(b *journey.Person, o journey.Options) (*journey.Handset, string) {
	w.t.Helper()
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	h := w.handset(b, o)
	w.pair(b, h, o)
	b.Press(b.Skip)
	b.SeeRole("checkbox", b.Saved)
	code := shownRecovery(b)
	b.Tick(b.Saved)
	b.Press(b.Done)
	b.At(w.Portvakt + "/account")
	return h, code
}

// confirm shows the password and the phone once more, before a change of the account: there, too, digits are typed.
func (w *world) confirm(p *journey.Person, h *journey.Handset, o journey.Options) {
	w.t.Helper()
	say := saying(w.t, string(language(o)))
	p.GivePassword(demo.Password)
	digits := p.ShownNumber()
	h.See(say("authenticator.request.account"))
	h.Fill(say("authenticator.request.type"), digits)
	h.Press(h.Approve)
	h.See(say("authenticator.done.approved"))
}

// toNumber goes from HRM's start page to the number that the phone is asked for.
func toNumber(p *journey.Person) string {
	p.OpenHRM()
	p.GiveAddress()
	p.GivePassword(demo.Password)
	return p.ShownNumber()
}

// fromAccountToNumber signs out on the way.
func (w *world) fromAccountToNumber(p *journey.Person) string {
	w.t.Helper()
	p.Open(w.HRM)
	p.SignOutOfHRM()
	return toNumber(p)
}

// quietHandset asks the phone's console.
func (w *world) quietHandset(h *journey.Handset, expected ...string) {
	w.t.Helper()
	quiet(w.t, h.Browser, append(expected, refusedNonce)...)
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
		phone := w.handset(link, o)
		w.pair(link, phone, o)
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
		w.quietHandset(phone)
	})
}

// TestBoSaysNoOnHisPhone: a wrong number is a no, and the page says what to do; a no can be followed by a report, which ends what is open
// elsewhere and writes to him.
func TestBoSaysNoOnHisPhone(t *testing.T) {
	t.Parallel()
	inEitherLanguage(t, func(t *testing.T, w *world, o journey.Options) {
		say := saying(t, string(language(o)))
		b := w.bo(o)
		phone, _ := w.withHandset(b, o)
		right := w.fromAccountToNumber(b)
		numbers := phone.Numbers()
		if !slices.Contains(numbers, right) {
			t.Fatalf("the phone offers %q, and the page shows %s", numbers, right)
		}
		phone.Tap(numbers[(slices.Index(numbers, right)+1)%3])
		phone.See(say("authenticator.denied.title"))
		phone.See(say("authenticator.denied.wrong_number"))
		b.See(say("signin.problem.push_denied"))
		phone.Press(say("authenticator.denied.me"))
		phone.See(say("authenticator.done.denied"))
		b.Press(b.SendAgain)
		phone.Tap(b.ShownNumber())
		phone.See(say("authenticator.done.approved"))
		b.Welcomed()

		thief := w.elsewhere(b, o)
		toNumber(thief)
		phone.Numbers()
		phone.Press(phone.Deny)
		phone.See(say("authenticator.denied.title"))
		thief.See(say("signin.problem.push_denied"))
		phone.Press(say("authenticator.denied.not_me")) // "log me out everywhere" is ticked
		phone.See(say("authenticator.done.reported"))
		b.Receive("Någon försökte logga in med ditt lösenord") // in the account's own language
		b.Await(b.LogIn)                                       // HRM hears it by the back channel
		thief.Press(thief.SendAgain)
		thief.GivePassword(demo.Password) // from the beginning
		thief.Press(thief.SendAgain)
		thief.See(say("signin.problem.push_off"))
		thief.SeeRole("link", say("signin.methods.code"))
		phone.Press(say("authenticator.done.button"))
		phone.See(say("authenticator.home.title"))
		phone.DontSee(say("authenticator.request.arrived"))
		quiet(t, b.Browser)
		quiet(t, thief.Browser, tooMany)
		w.quietHandset(phone)
	})
}

// TestNobodyAnswersAndBoAsksAgainOrGoesAnotherWay: the page says by itself that no answer came; the late answer does nothing.
func TestNobodyAnswersAndBoAsksAgainOrGoesAnotherWay(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, w *world) {
		o := journey.Options{Lang: "sv"}
		say := saying(t, o.Lang)
		b := w.bo(o)
		phone, _ := w.withHandset(b, o)
		late := w.fromAccountToNumber(b)
		phone.Numbers()
		w.clock.move(2*time.Minute - time.Second)
		b.Reload() // its last second is real
		b.See(say("signin.problem.push_expired"))
		if slices.Contains(phone.Numbers(), late) {
			phone.Tap(late)
		}
		phone.See(say("authenticator.gone.expired"))
		b.See(say("signin.problem.push_expired"))

		b.Press(b.SendAgain)
		phone.Numbers()
		b.Press(b.SendAgain) // the one that waits is withdrawn, and another takes its place on the phone
		phone.Tap(b.ShownNumber())
		b.Welcomed()

		w.fromAccountToNumber(b)
		phone.Numbers()
		b.Press(b.AnotherWay)
		b.SeeRole("link", say("signin.methods.push"))
		b.Press(say("signin.methods.code"))
		b.SeeRole("textbox", b.Code)
		phone.OpenApp() // the world's clock has been moved: the app asks for it when it is opened
		phone.Numbers()
		phone.Press(say("authenticator.back"))
		b.Fill(b.Code, phone.AppCode())
		phone.See(say("authenticator.request.arrived"))
		b.Press(b.LogIn)
		b.Welcomed()
		phone.Gone(say("authenticator.request.arrived")) // nothing is left to be answered
		quiet(t, b.Browser)
		w.quietHandset(phone, comesTooLate)
	})
}

// TestThePhoneShowsItsCodesWithoutANetwork: the app is kept by its service worker, and what it shows signs in.
func TestThePhoneShowsItsCodesWithoutANetwork(t *testing.T) {
	t.Parallel()
	w, o := begin(t), journey.Options{Lang: "sv"}
	say := saying(t, o.Lang)
	b := w.bo(o)
	phone, _ := w.withHandset(b, o)
	phone.Offline(true)
	phone.OpenApp()
	phone.See(say("authenticator.home.title"))
	if journey.Script[string](phone.Browser, `fetch("/healthz").then(() => "reached", () => "not reached")`) != "not reached" {
		t.Fatal("the phone has a network")
	}
	w.fromAccountToNumber(b)
	b.Press(b.AnotherWay)
	b.Press(say("signin.methods.code"))
	b.Fill(b.Code, phone.AppCode())
	b.Press(b.LogIn)
	b.Welcomed()

	phone.Offline(false)
	phone.Tap(w.fromAccountToNumber(b)) // it hears again by itself
	b.Welcomed()
	quiet(t, b.Browser)
	w.quietHandset(phone, disconnected)
}

// TestBoLosesHisPhoneAndPairsANewOne by his recovery code; the old phone, found again, says that it is removed.
func TestBoLosesHisPhoneAndPairsANewOne(t *testing.T) {
	t.Parallel()
	inEitherLanguage(t, func(t *testing.T, w *world, o journey.Options) {
		say := saying(t, string(language(o)))
		b := w.bo(o)
		old, recovery := w.withHandset(b, o)
		w.fromAccountToNumber(b)
		old.Numbers()
		b.Press(b.AnotherWay)
		b.Press(b.Words.RecoveryCode)
		b.Fill(b.Words.RecoveryCode, recovery)
		b.Press(b.LogIn)
		b.Tick(b.Saved)
		b.Press(b.Done)
		b.Press(b.AppGone)
		b.Press(b.Next)
		fresh := w.handset(b, o)
		fresh.OpenApp()
		fresh.TypeKey(strings.ToLower(b.PairKey()))
		w.approve(b, fresh, o)
		b.Press(b.Skip)
		b.Welcomed()

		old.OpenApp()
		old.See(say("authenticator.removed.title", "Account", bo))
		old.Press(say("authenticator.ok"))
		old.See(say("authenticator.start.title"))
		fresh.Tap(w.fromAccountToNumber(b))
		b.Welcomed()
		quiet(t, b.Browser)
		w.quietHandset(old, badRequest)
		w.quietHandset(fresh)
	})
}

// TestAPhoneIsRemovedFromEitherSide and both sides know.
func TestAPhoneIsRemovedFromEitherSide(t *testing.T) {
	t.Parallel()
	onPostgreSQL(t, func(t *testing.T, w *world) {
		o := journey.Options{Lang: "sv"}
		say := saying(t, o.Lang)
		b := w.bo(o)
		phone, _ := w.withHandset(b, o)
		phone.Press(say("authenticator.done.button"))
		phone.See(say("authenticator.home.title"))
		b.Press(say("myaccount.mfa.remove") + " Android")
		b.Press(say("myaccount.mfa.remove"))
		w.confirm(b, phone, o)
		phone.Press(say("authenticator.done.button"))
		b.Press(say("myaccount.mfa.remove") + " Android")
		b.Press(say("myaccount.mfa.remove"))
		b.See(say("myaccount.notice.app_removed"))
		phone.See(say("authenticator.removed.title", "Account", bo)) // by its stream
		phone.Press(say("authenticator.ok"))

		b.Press(b.Activate)
		w.pair(b, phone, o)
		b.Press(b.Skip)
		b.Tick(b.Saved)
		b.Press(b.Done)
		b.See(say("myaccount.mfa.paired"))
		phone.Press(say("authenticator.done.button"))
		phone.Press(say("authenticator.settings.of", "Account", "Företaget AB"))
		phone.Press(say("authenticator.remove.offer"))
		phone.Press(say("authenticator.remove.button"))
		phone.See(say("authenticator.remove.done", "Account", bo))
		phone.See(say("authenticator.start.title"))
		b.Receive(say("mail.mfa_off.subject_off"))
		b.Reload()
		b.See(say("myaccount.mfa.state_off"))
		b.DontSee("Android")
		b.Open(w.HRM)
		b.SignOutOfHRM()
		b.SignIn(demo.Password) // nothing but the password any more
		quiet(t, b.Browser)
		w.quietHandset(phone, badRequest)
	})
}

// TestThePhoneReadsTheCodeWithItsOwnCamera: this browser cannot read a picture itself, so that the issuer reads the frames.
func TestThePhoneReadsTheCodeWithItsOwnCamera(t *testing.T) {
	t.Parallel()
	w, o := begin(t), journey.Options{Lang: "sv"}
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	b.Press(b.Next)
	keepSecret("pairing code", strings.Join(strings.Fields(b.PairKey()), ""))
	phone := w.handset(b, o)
	phone.PointCameraAt(b)
	w.approve(b, phone, o)
	b.Press(b.Skip)
	quiet(t, b.Browser)
	w.quietHandset(phone, noCodeYet)
}

// TestTwoPhonesAreAskedAndTheFirstAnswerWins, and the other one says so.
func TestTwoPhonesAreAskedAndTheFirstAnswerWins(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, w *world) {
		o := journey.Options{Lang: "sv"}
		say := saying(t, o.Lang)
		b := w.bo(o)
		first, _ := w.withHandset(b, o)
		b.Press(say("myaccount.mfa.add"))
		w.confirm(b, first, o)
		b.Press(say("myaccount.mfa.add"))
		second := w.handset(b, o)
		w.pair(b, second, o)
		b.At(w.Portvakt + "/account")
		b.See("Android 2")
		number := w.fromAccountToNumber(b)
		first.Numbers()
		second.Tap(number)
		b.Welcomed()
		first.See(say("authenticator.gone.approved"))
		first.See(say("authenticator.gone.approved_elsewhere"))
		quiet(t, b.Browser)
		w.quietHandset(first)
		w.quietHandset(second)
	})
}

// TestACodeThatTwoPhonesScanIsTakenFromBoth, and all three screens say so.
func TestACodeThatTwoPhonesScanIsTakenFromBoth(t *testing.T) {
	t.Parallel()
	onPostgreSQL(t, func(t *testing.T, w *world) {
		o := journey.Options{Lang: "sv"}
		say := saying(t, o.Lang)
		b := w.bo(o)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(b.Activate)
		b.Press(b.Next)
		link := b.PairLink()
		first, second := w.handset(b, o), w.handset(b, o)
		first.Scan(link)
		first.Comparison()
		b.Comparison()
		second.Scan(link)
		second.See(say("authenticator.problem.already_used"))
		b.See(say("enrolment.problem.pair_twice"))
		first.See(say("authenticator.problem.access_denied"))

		b.Press(say("enrolment.pair.again"))
		first.Scan(b.PairLink())
		first.Comparison()
		b.Comparison()
		b.Press(b.Deny)
		b.See(say("enrolment.problem.pair_refused"))
		first.See(say("authenticator.problem.access_denied"))

		b.Press(say("enrolment.pair.again"))
		key := b.PairKey()
		w.clock.move(10*time.Minute - time.Second)
		b.Reload()
		b.See(say("enrolment.problem.pair_expired"))
		second.OpenApp()
		second.TypeKey(key[:20])
		second.See(say("authenticator.key.wrong"))
		second.Fill(second.Words.Key, key)
		second.Press(second.Next)
		second.See(say("authenticator.problem.invalid_code"))

		b.Press(say("enrolment.pair.again"))
		w.scan(b, second)
		w.approve(b, second, o)
		b.Press(b.Skip)
		quiet(t, b.Browser)
		w.quietHandset(first, badRequest)
		w.quietHandset(second, comesTooLate, unknownCode)
	})
}

// TestBoConfirmsHisNewBankAccountByTyping what the page shows: a step-up asks for more than a tap (RFC 9470, RULES §8).
func TestBoConfirmsHisNewBankAccountByTyping(t *testing.T) {
	t.Parallel()
	inEitherLanguage(t, func(t *testing.T, w *world, o journey.Options) {
		lang := string(language(o))
		say, words := saying(t, lang), hrmSays[lang]
		b := w.bo(o)
		phone, _ := w.withHandset(b, o)
		w.clock.move(6 * time.Minute)
		b.Open(w.HRM)
		b.Press(words["bank"])
		b.Fill(words["label"], "8327-9 111 222 333")
		b.Press(words["submit"])
		b.At(w.Portvakt)
		b.GivePassword(demo.Password)
		digits := b.ShownNumber()
		if len(digits) != 6 {
			t.Fatalf("the page shows %q", digits)
		}
		phone.See(say("authenticator.request.signin", "App", "HRM"))
		phone.Fill(say("authenticator.request.type"), digits[:3]+" "+digits[3:])
		phone.Press(phone.Approve)
		phone.See(say("authenticator.done.approved"))
		b.At(w.HRM)
		b.See(words["changed"])
		b.See("•••• 2333")
		quiet(t, b.Browser)
		w.quietHandset(phone)
	})
}
