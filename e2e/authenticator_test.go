package e2e

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/store"
)

// lookAtPush looks at Portvakt's pages around the authenticator.
func lookAtPush(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	b.Press(b.Next)
	look(b, "enrolment_pair", "enrolment.pair.title")
	b.Press(say("enrolment.pair.no_scan"))
	look(b, "enrolment_pair-key", "enrolment.pair.key")
	w.clock.move(10 * time.Minute)
	b.Reload()
	look(b, "enrolment_pair-expired", "enrolment.problem.pair_expired")
	b.Press(say("enrolment.pair.again"))
	h := w.handset(b, o)
	h.Scan(b.PairLink())
	h.Comparison()
	look(b, "enrolment_consent", "enrolment.consent.title")
	b.Press(b.Deny)
	look(b, "enrolment_pair-refused", "enrolment.problem.pair_refused")
	b.Press(say("enrolment.pair.again"))
	h.Scan(b.PairLink())
	h.Comparison()
	b.Press(b.Approve)
	look(b, "enrolment_test", "enrolment.test.title")
	h.Press(say("authenticator.not_now"))
	h.Press(h.Approve)
	b.Press(b.Skip)
	b.Tick(b.Saved)
	b.Press(b.Done)
	look(b, "myaccount-paired", "myaccount.mfa.paired")

	right := w.fromAccountToNumber(b)
	look(b, "signin_push", "signin.push.tap")
	numbers := h.Numbers()
	h.Tap(numbers[(slices.Index(numbers, right)+1)%3])
	look(b, "signin_push-denied", "signin.problem.push_denied")
	b.Press(b.SendAgain)
	b.ShownNumber()
	w.clock.move(2 * time.Minute)
	b.Reload()
	look(b, "signin_push-expired", "signin.problem.push_expired")
	b.Press(b.AnotherWay)
	look(b, "signin_methods-push", "signin.methods.push")
	thief := w.elsewhere(b, o)
	thief.OpenHRM()
	thief.GiveAddress()
	thief.GivePassword(demo.Password)
	thief.Press(say("signin.push.ask"))
	look(thief, "signin_push-off", "signin.problem.push_off")

	eva := w.person(journey.Options{Lang: o.Lang, Agent: journey.Android, Width: 390, Height: 844}, eva, "Eva")
	eva.SignIn(demo.Password)
	eva.Open(w.Portvakt + "/account")
	eva.Press(eva.Activate)
	eva.Press(say("enrolment.mail.send"))
	showsMail(eva, say("mail.recovery_login.subject"))
	look(eva, "enrolment_choice-phone", "enrolment.choice.title")
	eva.Press(eva.Next)
	look(eva, "enrolment_pair-phone", "enrolment.pair.title")
	there := eva.In(eva.PressOut(say("enrolment.pair.open"))) // the authenticator on the same phone
	four := there.Comparison()
	there.Reload() // the tab's language was set after it had opened
	if here := eva.Comparison(); four != here {
		t.Errorf("the app shows %s and the page %s", four, here)
	}
	eva.Press(eva.Approve)
	there.Press(say("authenticator.not_now"))
	there.Press(there.Approve)
	eva.Press(eva.Skip)
	eva.Tick(eva.Saved)
	eva.Press(eva.Done)
	w.clock.move(6 * time.Minute)
	eva.Press(say("myaccount.mfa.add"))
	eva.GivePassword(demo.Password)
	look(eva, "signin_push-typed", "signin.push.type")
}

// screens looks at screens of the authenticator as the pages are looked at, and at twice the size of letters.
type screens struct {
	t *testing.T
	*journey.Handset
	say  func(string, ...any) string
	lang string
}

func (s screens) look(name, words string, data ...any) {
	s.t.Helper()
	s.See(s.say(words, data...))
	inspect(s.t, s.Browser, "authenticator-"+name)
	if s.lang != "sv" { // the longer language
		return
	}
	journey.Script[bool](s.Browser, `(document.documentElement.style.fontSize = "200%") !== ""`)
	s.Screenshot("authenticator-" + name + "-zoomed")
	s.Fits()
	journey.Script[bool](s.Browser, `(document.documentElement.style.fontSize = "") === ""`)
}

// TestEveryScreenOfTheAuthenticatorIsForEverybody walks through the web app on the phone.
func TestEveryScreenOfTheAuthenticatorIsForEverybody(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"sv", "en"} {
		for name, walk := range map[string]func(*testing.T, *world, journey.Options){"adding": lookAtAdding, "requests": lookAtRequests} {
			if name == "adding" && lang != "sv" {
				continue // its sentences are those of a page without data; Swedish ones are longer
			}
			t.Run(name+" "+lang, func(t *testing.T) {
				t.Parallel()
				walk(t, begin(t), journey.Options{Lang: lang})
			})
		}
	}
}

func lookAtAdding(t *testing.T, w *world, o journey.Options) {
	say := saying(t, o.Lang)
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	b.Press(b.Next)

	iphone := screens{t, b.Handset(w.browser(journey.Options{Lang: o.Lang, Agent: iPhone, Width: 390, Height: 844})), say, o.Lang}
	iphone.Scan(b.PairLink())
	iphone.look("ios", "authenticator.install.ios_title")
	if n := journey.Script[int](iphone.Browser, keysKept); n != 0 {
		t.Errorf("a tab on an iPhone has made %d keys", n)
	}

	h := screens{t, w.handset(b, o), say, o.Lang}
	h.OpenApp()
	h.look("start", "authenticator.start.title")
	h.Press(say("authenticator.install.offer"))
	h.look("install", "authenticator.install.title")
	h.Press(say("authenticator.back"))
	h.Press(h.AddAccount)
	h.look("add", "authenticator.add.no_camera")
	h.Press(h.ByHand)
	h.look("key", "authenticator.key.title")
	h.Fill(h.Words.Key, "abc")
	h.Press(h.Next)
	h.look("key-wrong", "authenticator.key.wrong")
	h.Fill(h.Words.Key, "0123 4567 89AB CDEF GHJK MNPQ RS")
	h.Press(h.Next)
	h.look("problem", "authenticator.problem.invalid_code")
	h.Scan(w.Portvakt + "/authenticator/#code=0123456789ABCDEFGHJKMNPQRS&iss=https://login.example")
	h.look("problem-issuer", "authenticator.problem.other_issuer")

	h.Press(say("authenticator.problem.scan_again"))
	h.Press(h.ByHand)
	h.Press(say("authenticator.service.offer"))
	h.look("service", "authenticator.service.title")
	h.Press(say("authenticator.save"))
	h.look("service-problem", "authenticator.service.name_missing")
	h.Fill(say("authenticator.service.name"), "Kommunens bibliotek")
	h.Fill(say("authenticator.service.key"), demo.CillasKey)
	h.Press(say("authenticator.save"))
	cilla := h.AddApp(demo.CillasKey)
	if now, code := time.Now(), h.AppCode(); code != cilla.Code(now) && code != cilla.Code(now.Add(30*time.Second)) {
		t.Errorf("the app shows %s for another service's key", code)
	}
	h.Press(say("authenticator.settings.of", "Account", "Kommunens bibliotek"))
	h.look("service-settings", "authenticator.settings.title")
	h.Press(say("authenticator.service.remove"))
	h.look("service-remove", "authenticator.service.remove_title")

	h.Scan(b.PairLink())
	h.Comparison()
	h.look("pairing", "authenticator.pair.title")
	h.Reload() // a phone that is short of memory: the pairing goes on
	h.Comparison()
	b.Press(b.Approve)
	h.look("paired", "authenticator.paired.title")
	h.Press(say("authenticator.not_now"))
	h.look("request-test", "authenticator.request.test")
	h.Press(h.Approve)
	h.look("done-tested", "authenticator.done.tested")
	h.Press(say("authenticator.done.button"))
	h.look("accounts", "authenticator.home.title")
	h.Press(say("authenticator.notifications.how"))
	h.look("notifications", "authenticator.notifications.ask_text")
	h.Notifications("denied")
	h.Reload()
	h.look("notifications-denied", "authenticator.notifications.browser_step1")
	h.Notifications("prompt")
	h.Press(say("authenticator.back"))
	h.Press(say("authenticator.settings.of", "Account", "Företaget AB"))
	h.look("account", "authenticator.settings.issuer")
	h.Press(say("authenticator.remove.offer"))
	h.look("remove", "authenticator.remove.title")
	quiet(t, b.Browser)
	w.quietHandset(h.Handset, unknownCode)
	w.quietHandset(iphone.Handset)
}

// keysKept counts what the app keeps of accounts.
const keysKept = `new Promise((done) => {
	indexedDB.open("portvakt-authenticator").onsuccess = ({ target: { result: db } }) => {
		if (!db.objectStoreNames.contains("accounts")) return done(0);
		db.transaction("accounts").objectStore("accounts").count().onsuccess = (e) => done(e.target.result);
	};
})`

func lookAtRequests(t *testing.T, w *world, o journey.Options) {
	say := saying(t, o.Lang)
	b := w.bo(o)
	phone, _ := w.withHandset(b, o)
	h := screens{t, phone, say, o.Lang}
	b.Open(w.HRM)
	b.SignOutOfHRM()

	right := toNumber(b)
	numbers := h.Numbers()
	h.look("request-tap", "authenticator.request.tap")
	h.Tap(numbers[(slices.Index(numbers, right)+1)%3])
	h.look("denied-wrong", "authenticator.denied.wrong_number")
	h.Press(say("authenticator.denied.me"))
	h.look("done-denied", "authenticator.done.denied")
	b.Press(b.SendAgain)
	h.Tap(b.ShownNumber())
	h.look("done-approved", "authenticator.done.approved")
	b.Welcomed()

	ask := asker(t, w)
	ask()
	h.OpenApp()
	h.look("request-ask", "authenticator.request.message")
	h.Press(h.Approve)
	h.look("done-answered", "authenticator.done.answered_text")
	ask()
	h.See(say("authenticator.request.message"))
	h.Press(h.Deny)
	h.look("denied-ask", "authenticator.denied.ask", "App", "Kassan i matsalen")
	h.Press(say("authenticator.denied.me"))
	h.look("done-refused", "authenticator.done.refused_text")
	err := store.InTx[*store.Tx](w.App.DB)(t.Context(), func(tx *store.Tx) error {
		acc, _, err := tx.FindAccount(t.Context(), account.Identifier(bo))
		return errors.Join(err, tx.ForgivePush(t.Context(), acc.ID)) // else no browser that nobody knows could ring from here on
	})
	if err != nil {
		t.Fatal(err)
	}

	w.clock.move(6 * time.Minute)
	b.Open(w.Portvakt + "/account")
	b.Press(say("myaccount.mfa.add"))
	b.GivePassword(demo.Password)
	b.ShownNumber()
	h.OpenApp()
	h.look("request-type", "authenticator.request.type")
	h.Press(h.Approve)
	h.look("request-type-problem", "authenticator.request.type_wrong")
	other := w.elsewhere(b, o)
	other.OpenHRM()
	other.GiveAddress()
	other.GivePassword(demo.Password)
	other.ShownNumber()
	h.look("request-second", "authenticator.request.arrived")
	h.Press(say("authenticator.back"))
	h.look("accounts-requests", "authenticator.request.arrived")
	h.Press(say("authenticator.request.show"))
	h.look("requests", "authenticator.requests.title")
	w.clock.move(2 * time.Minute)
	h.OpenApp()
	h.See(say("authenticator.home.title"))
	b.Reload()
	b.Press(b.SendAgain)
	h.See(say("authenticator.request.type"))
	h.Press(h.Deny)
	h.look("denied", "authenticator.denied.title")
	h.Untick(say("authenticator.denied.everywhere"))
	h.Press(say("authenticator.denied.not_me"))
	h.look("done-reported", "authenticator.done.reported")
	for how, words := range map[string]string{"approved": "authenticator.gone.approved", "denied": "authenticator.gone.denied",
		"expired": "authenticator.gone.expired", "cancelled": "authenticator.gone.cancelled"} {
		h.Open(w.Portvakt + "/authenticator/#/gone/" + how)
		h.look("gone-"+how, words)
	}
	h.Open(w.Inbox) // an app that is open hears of it at once, and has told of it when it is opened again
	if _, err := w.App.Control.Enrolment.RemoveFor(t.Context(), bo, "Android", "telefonen är stulen"); err != nil {
		t.Fatal(err)
	}
	h.OpenApp()
	h.look("removed", "authenticator.removed.title", "Account", bo)
	w.quietHandset(h.Handset, badRequest, comesTooLate)
}

// asker registers an app that asks Bo on his phone, and returns what makes it do so.
func asker(t *testing.T, w *world) func() {
	t.Helper()
	var made control.RP
	err := control.InProcess(w.App.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", control.RP{Name: "Kassan i matsalen", Organisations: []string{"foretaget"},
		Options: control.Options{Metadata: relyingparty.Metadata{GrantTypes: []string{relyingparty.CIBA}}, Backchannel: relyingparty.Backchannel{Delivery: relyingparty.Poll}}}, &made)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		form := url.Values{"client_id": {made.ClientID}, "client_secret": {made.ClientSecret}, "scope": {"openid"}, "login_hint": {bo}, "binding_message": {"Kassa 4: kvitto 1718"}}
		answer, err := http.PostForm(w.Portvakt+"/backchannel_authentication", form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("ask: %s", answer.Status)
		}
	}
}

// TestTheKeyboardAloneAnswersOnThePhone, and the focus goes to each new heading, where a screen reader begins.
func TestTheKeyboardAloneAnswersOnThePhone(t *testing.T) {
	t.Parallel()
	w := begin(t)
	o := journey.Options{Lang: "sv"}
	say := saying(t, o.Lang)
	b := w.bo(o)
	phone, _ := w.withHandset(b, o)
	phone.TabTo(say("authenticator.done.button"))
	phone.Enter()
	phone.See(say("authenticator.home.title"))
	w.focused(phone, say("authenticator.home.title"))
	number := w.fromAccountToNumber(b)
	phone.Numbers() // shown by itself
	w.focused(phone, say("authenticator.request.signin", "App", "HRM"))
	phone.TabTo(number)
	phone.Enter()
	phone.See(say("authenticator.done.approved"))
	w.focused(phone, say("authenticator.done.approved"))
	b.Welcomed()

	w.fromAccountToNumber(b)
	phone.Numbers()
	phone.TabTo(phone.Deny)
	phone.Enter()
	phone.See(say("authenticator.denied.title"))
	w.focused(phone, say("authenticator.denied.title"))
	phone.TabTo(say("authenticator.denied.me"))
	phone.Enter()
	phone.See(say("authenticator.done.denied"))
	quiet(t, b.Browser)
	w.quietHandset(phone)
}

func (w *world) focused(h *journey.Handset, heading string) {
	w.t.Helper()
	if at := h.Focused(); at != heading {
		w.t.Errorf("the focus is at %q and not at the heading %q", at, heading)
	}
}
