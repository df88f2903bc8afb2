package e2e

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
)

// gallery remembers which templates have been looked at.
type gallery struct {
	mu   sync.Mutex
	seen map[string]bool
}

// look waits for a text of the page and inspects it: both themes, 320 and 1280 pixels, axe. name is the template's, with
// a variant after a dash.
func (g *gallery) look(t *testing.T, p *journey.Person, say func(string) string, name, heading string) {
	t.Helper()
	p.See(say(heading))
	inspect(t, p.Browser, name)
	template, _, _ := strings.Cut(name, "-")
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[template] = true
}

// TestEveryPageIsForEverybody looks at every page where the story shows it, in both languages, and at every template at
// least once.
func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	if chromium == nil {
		t.Skip(why)
	}
	texts := locale.New()
	g := &gallery{seen: map[string]bool{}}
	t.Run("walk", func(t *testing.T) {
		languages := []string{"sv"}
		if os.Getenv("E2E_SHOTS") != "" {
			languages = append(languages, "en") // the same elements with other words: walked by whoever looks at the pictures
		}
		for _, lang := range languages {
			printer := texts.Printer(locale.Language(lang))
			say := func(key string) string {
				return printer.T(key, "Name", "Anna", "App", "HRM", "Employer", "Företaget AB")
			}
			for name, walk := range map[string]func(*testing.T, *world, journey.Options, func(*journey.Person, string, string), func(string) string){
				"sign-in": lookAtSignIn, "recovery": lookAtRecovery, "links": lookAtLinks, "sign-out": lookAtAccountAndSignOut, "mfa": lookAtMFA,
				"phone": lookAtPhone, "details": lookAtDetails, "not-me": lookAtNotMe, "my data": lookAtMyData, "address": lookAtAddress, "offer": lookAtOffer, "push": lookAtPush, "console": lookAtConsole, "preparation": lookAtPreparation, "old password": lookAtOldPassword, "company": lookAtCompany, "by SMS": lookAtSMS, "device": lookAtDevice, "docs": lookAtDocs,
			} {
				t.Run(name+" "+lang, func(t *testing.T) {
					t.Parallel()
					look := func(p *journey.Person, name, heading string) { t.Helper(); g.look(t, p, say, name, heading) }
					walk(t, begin(t), journey.Options{Lang: lang}, look, say)
				})
			}
		}
	})
	files, err := filepath.Glob("../internal/ui/templates/[a-z]*.html")
	if err != nil || len(files) == 0 {
		t.Fatal("no templates", err)
	}
	console, err := filepath.Glob("../internal/admin/templates/[a-z]*.html")
	if err != nil || len(console) == 0 {
		t.Fatal("no templates of the console", err)
	}
	files = append(files, console...)
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".html"); name != "layout" && !g.seen[name] {
			t.Errorf("nobody looked at %s; seen: %s", name, strings.Join(slices.Sorted(maps.Keys(g.seen)), " "))
		}
	}
}

func lookAtSignIn(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.OpenHRM()
	client := clientIDOf(t, b)
	look(b, "signin_identifier", "signin.identifier.title")
	b.Fill(b.Words.Address, "bo")
	b.Press(b.Next)
	look(b, "signin_identifier-problem", "signin.problem.address_invalid")
	b.GiveAddress()
	look(b, "signin_password", "signin.password.title")
	b.Press(b.LogIn)
	look(b, "signin_password-empty", "signin.problem.password_missing")
	for range 8 {
		b.GivePassword(wrongPassword)
		b.See(say("signin.problem.password_wrong"))
	}
	b.GivePassword(wrongPassword)
	look(b, "signin_password-throttled", "signin.throttled")
	page := b.Browser.Address()
	w.clock.move(2 * time.Hour)
	b.Open(page)
	look(b, "signin_restart", "signin.restart.title")

	other := w.elsewhere(b, o)
	other.OpenHRM()
	other.GiveAddress()
	other.Fill(other.Password, demo.Password)
	other.SendAndStay()
	look(other, "signin_continue", "signin.continue.title")

	o.NoScript = true // with scripts the page is left at once
	plain := w.elsewhere(b, o)
	plain.Open(w.Portvakt + "/authorize?" + url.Values{"client_id": {client}, "redirect_uri": {w.HRM + "/callback"}, "response_mode": {"form_post"}}.Encode())
	look(plain, "signin_post", "web.back_app")

	b.Open(w.Portvakt + "/authorize?client_id=nobody&redirect_uri=" + url.QueryEscape(w.HRM))
	look(b, "error-client", "error.client_unknown.title")
	b.Open(w.Portvakt + "/nothing")
	look(b, "error-not-found", "error.not_found.title")
}

func lookAtRecovery(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	a := w.anna(o)
	a.ForgetAtHRM()
	look(a, "recovery_start", "recovery.start.title")
	a.Tick(a.Human)
	look(a, "recovery_start-ticked", "robot.done")
	a.Fill(a.Words.Address, "anna")
	a.Press(a.Reset)
	look(a, "recovery_start-problem", "signin.problem.address_invalid")
	a.Fill(a.Words.Address, anna)
	a.AskFor(a.Reset)
	look(a, "recovery_sent", "recovery.sent.title")

	plain := w.elsewhere(a, journey.Options{Lang: o.Lang, NoScript: true})
	plain.ForgetAtHRM()
	look(plain, "recovery_start-plain", "recovery.start.plain")

	m := a.Receive(a.ResetMail)
	link := a.FollowLink(m, a.ResetButton)
	look(link, "recovery_link_password", "password.new")
	link.Fill(link.NewPassword, chosen)
	link.Fill(link.Repeat, chosen)
	look(link, "recovery_link_password-met", "password.rule.same")
	link.ChoosePassword("kort")
	look(link, "recovery_link_password-problem", "password.new")
	link.ChoosePassword(chosen)
	link.Welcomed()
	link.Open(m.Links[0])
	look(link, "recovery_link_gone", "recovery.gone.title")
}

func lookAtLinks(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	a := w.anna(o)
	a.ForgetAtHRM()
	a.AskFor(a.LoginLink)
	m := a.Receive(a.LoginMail)
	elsewhere := a.Copy(m, w.browser(o))
	elsewhere.SeeEnabled(elsewhere.LogIn) // the silent check is done
	look(elsewhere, "recovery_link_signin-elsewhere", "recovery.link.elsewhere")
	b := w.bo(o)
	b.SignIn(demo.Password)
	there := a.Copy(m, b.Browser)
	there.SeeEnabled(there.LogIn)
	look(there, "recovery_link_signin-other", "recovery.link.signin_text_app")
	plain := a.Copy(m, w.browser(journey.Options{Lang: o.Lang, NoScript: true}))
	look(plain, "recovery_link_signin-plain", "recovery.link.elsewhere")
	link := a.FollowLink(m, a.LoginButton)
	look(link, "recovery_link_signin", "recovery.link.signin_title_named")

	late := w.elsewhere(a, o)
	late.ForgetAtHRM()
	late.AskFor(late.Reset)
	far := a.Copy(a.Receive(a.ResetMail), w.browser(o))
	far.SeeEnabled(far.SetPassword)
	look(far, "recovery_link_password-elsewhere", "recovery.link.elsewhere")
}

func lookAtAccountAndSignOut(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	phone := w.bo(journey.Options{Lang: o.Lang, Agent: iPhone, Width: 390, Height: 844})
	phone.SignIn(demo.Password)
	home := w.elsewhere(phone, journey.Options{Lang: o.Lang, Agent: windows})
	home.SignIn(demo.Password)
	b := w.elsewhere(phone, o)
	b.OpenHRM()
	client := clientIDOf(t, b)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.Welcomed()
	b.Open(w.Portvakt + "/account")
	look(b, "myaccount", "myaccount.title")
	b.Press(say("myaccount.end") + " iPhone, Safari")
	look(b, "myaccount-ended", "myaccount.notice.session_ended")
	b.Open(w.Portvakt + "/account?" + url.Values{"app": {client}}.Encode())
	look(b, "myaccount-app", "myaccount.back_app")

	b.Open(w.Portvakt + "/end_session?" + url.Values{"client_id": {client}, "post_logout_redirect_uri": {w.HRM + "/signed-out"}}.Encode())
	look(b, "signout_confirm", "signout.confirm.title")
	b.SendAndStay()
	look(b, "signout_continue", "signout.continue.text_app")
	home.Open(w.Portvakt + "/end_session")
	home.Press(home.LogOut)
	look(home, "signout_done", "signout.done.title")
}

func lookAtMFA(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	look(b, "enrolment_choice", "enrolment.choice.title")
	b.Press(b.OtherApp)
	look(b, "enrolment_app", "enrolment.app.title")
	app := b.AddApp(shownKey(b))
	b.Press(b.Next)
	look(b, "enrolment_code", "enrolment.code.title")
	b.Fill(b.Code, "000000")
	b.Press(b.Next)
	look(b, "enrolment_code-problem", "signin.problem.code_wrong")
	b.Fill(b.Code, app.Code(w.clock.now()))
	b.Press(b.Next)
	b.Press(b.Skip)
	look(b, "enrolment_recovery", "enrolment.recovery.title")
	b.Tick(b.Saved)
	b.Press(b.Done)
	look(b, "myaccount-mfa", "myaccount.mfa.state_on")
	b.Press(say("myaccount.mfa.remove") + " " + say("myaccount.mfa.unnamed"))
	look(b, "myaccount_remove", "myaccount.remove.title")
	b.Press(say("myaccount.remove.cancel"))
	b.See(say("myaccount.title"))

	w.require(t)
	b.Press(say("myaccount.mfa.remove") + " " + say("myaccount.mfa.unnamed"))
	look(b, "myaccount_remove-forbidden", "myaccount.remove.forbidden_title")

	c := w.cilla(o)
	c.toCode()
	look(c.Person, "signin_second", "signin.second.title")
	c.Fill(c.Code, "12345")
	c.Press(c.LogIn)
	look(c.Person, "signin_second-problem", "signin.problem.code_wrong")
	c.Press(c.AnotherWay)
	look(c.Person, "signin_methods", "signin.methods.title")
	c.Press(c.Words.RecoveryCode)
	look(c.Person, "signin_recovery", "signin.recovery.title")
	c.Fill(c.Words.RecoveryCode, "AAAA-AAAA-AAAA-AAAA-AAAA")
	c.Press(c.LogIn)
	look(c.Person, "signin_recovery-problem", "signin.problem.recovery_wrong")
	c.Fill(c.Words.RecoveryCode, demo.CillasRecovery)
	c.Press(c.LogIn)
	look(c.Person, "enrolment_recovery-again", "enrolment.recovery.again")
	c.Tick(c.Saved)
	c.Press(c.Done)
	look(c.Person, "signin_recovered", "signin.recovered.title")

	eva := w.person(journey.Options{Lang: o.Lang, Agent: iPhone, Width: 390, Height: 844}, eva, "Eva")
	eva.OpenHRM()
	eva.GiveAddress()
	eva.GivePassword(demo.Password)
	look(eva, "enrolment_offer", "enrolment.offer.title")
	eva.Press(eva.Activate)
	look(eva, "enrolment_mail", "enrolment.mail.title")
	eva.Press(say("enrolment.mail.send"))
	look(eva, "enrolment_mail-sent", "enrolment.mail.sent")
	showsMail(eva, say("mail.recovery_login.subject"))
	eva.Press(eva.OtherApp)
	look(eva, "enrolment_app-phone", "enrolment.app.title")
	eva.Press(say("enrolment.app.not_open"))
	look(eva, "enrolment_app-phone_key", "enrolment.app.key_phone")
}

func lookAtMyData(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.OpenHRM()
	b.GiveAddress()
	for range 3 {
		b.GivePassword(wrongPassword)
		b.See(say("signin.problem.password_wrong"))
	}
	b.GivePassword(demo.Password)
	b.Welcomed()
	b.Phone()
	b.Open(w.Portvakt + "/account")
	look(b, "myaccount-access", "myaccount.access.title")
	b.Press(say("myaccount.access.revoke") + " HRM Mobile")
	look(b, "myaccount-revoked", "myaccount.notice.access_revoked")
	b.Press(say("myaccount.data.activity"))
	look(b, "myaccount_activity", "myaccount.activity.text")
	b.Press(say("web.to_account"))
	b.Press(say("myaccount.data.erase"))
	look(b, "myaccount_erase", "myaccount.erase.title")
	b.Press(say("myaccount.erase.submit"))
	look(b, "myaccount_erase-problem", "myaccount.erase.problem")
	b.Tick(say("myaccount.erase.agree"))
	b.Press(say("myaccount.erase.submit"))
	look(b, "myaccount_erased", "myaccount.erased.title")

	c := w.cilla(o)
	c.toCode()
	c.Tick(c.RememberBrowser)
	c.giveCode()
	c.Welcomed()
	words := hrmSays[o.Lang]
	c.Press(words["bank"])
	c.SeeRole("button", words["submit"])
	inspect(t, c.Browser, "hrm-bankaccount")
	c.Fill(words["label"], "12")
	c.Press(words["submit"])
	c.SeeRole("button", words["submit"])
	inspect(t, c.Browser, "hrm-bankaccount-problem")
	c.Fill(words["label"], "8327-9 111 222 333")
	c.Press(words["submit"])
	c.See(words["changed"])
	inspect(t, c.Browser, "hrm-bankaccount-changed")
	c.Open(w.Portvakt + "/account")
	look(c.Person, "myaccount-remembered", "myaccount.mfa.remembered_text")
}
