package guide

import (
	"strings"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// The people of the pictures.
const (
	anna    = "anna.svensson@foretaget.example"
	bo      = "bo.lind@foretaget.example"
	bosNew  = "bo.lind@hemma.example"
	chosen  = "tre gula kanoter i regn"
	mobile  = "070-174 06 05"
	carried = "+46701740605"
)

// employees walks what an employee does: Anna with our own authenticator, Bo with another, and what comes later.
func (w *walk) employees() {
	w.linkOfBo()
	a := w.firstLogin()
	if hasMFA(w.subject) {
		a, h := w.ownApp(a)
		w.addPhone(a)
		w.saveRecovery(a)
		w.arrive(a)
		w.daily(a, h)
		a.Close()
	} else {
		w.arrive(a)
	}
	w.bo()
}

// firstLogin is Anna's way to a password.
func (w *walk) firstLogin() *journey.Person {
	w.to("first-open")
	a := w.person(anna, "Anna")
	a.Open(a.World.HRM)
	w.shoot(a.Browser, "first-open", []string{a.LogIn}, below(60))
	a.Press(a.LogIn)
	a.Fill(a.Words.Address, a.Address)
	a.Tick(a.Remember)
	w.shoot(a.Browser, "first-address", []string{a.Words.Address, a.Remember, a.Next})
	a.Press(a.Next)
	a.SeeRole("textbox", a.Password)
	w.shoot(a.Browser, "first-password", []string{a.Password, a.LogIn, a.Forgot})
	w.shoot(a.Browser, "forgotten-start", []string{a.Forgot}, below(90))
	a.Forget()
	a.Tick(a.Human)
	a.SeeEnabled(a.Reset)
	a.See(w.say("robot.done"))
	w.shoot(a.Browser, "create-start", []string{a.Human, a.Reset}, below(70))
	a.Press(a.Reset)
	a.See(a.Sent)
	w.shoot(a.Browser, "create-sent", nil)
	m := a.Receive(a.ResetMail)
	w.mail(a, m, "create-mail", a.ResetButton)
	link := a.FollowLink(m, a.ResetButton)
	link.Resize(narrow, 844)
	link.Reload() // the kit tells a tab that opens by itself its language too late
	link.Fill(link.NewPassword, chosen)
	link.Fill(link.Repeat, chosen)
	link.See(w.say("password.rule.same"))
	w.shoot(link.Browser, "create-choose", []string{link.NewPassword, link.Repeat, link.SetPassword})
	link.Press(link.SetPassword)
	return link
}

// mail takes a picture of a mail, as a mail program shows it.
func (w *walk) mail(p *journey.Person, m journey.Message, name, button string) {
	w.to(name)
	reader := p.In(p.Tab())
	reader.Resize(560, 844)
	reader.Open(p.World.Inbox + "/messages/" + m.ID + "/html")
	w.shoot(reader.Browser, name, []string{button}, around("body > *"), below(170))
	reader.Close()
}

// linkOfBo is the one-time link, which changes nothing.
func (w *walk) linkOfBo() {
	w.to("link-start")
	b := w.person(bo, "Bo")
	b.ForgetAtHRM()
	b.Tick(b.Human)
	b.SeeEnabled(b.LoginLink)
	b.See(w.say("robot.done"))
	w.shoot(b.Browser, "link-start", []string{b.LoginLink})
	b.Press(b.LoginLink)
	b.See(b.Sent)
	m := b.Receive(b.LoginMail)
	w.mail(b, m, "link-mail", b.LoginButton)
	link := b.FollowLink(m, b.LoginButton)
	link.Resize(narrow, 844)
	link.Reload()
	link.SeeRole("button", link.LogIn)
	w.shoot(link.Browser, "link-press", []string{link.LogIn})
	b.Close()
}

// ownApp turns two-factor authentication on with our own authenticator.
func (w *walk) ownApp(a *journey.Person) (*journey.Person, *journey.Handset) {
	w.to("second-offer")
	w.toAccount(a)
	a.SeeEnabled(a.Activate)
	w.shoot(a.Browser, "second-offer", w.offer(a), low)
	a.Press(a.Activate)
	if asksNobody(w.subject) {
		a.GivePassword(chosen) // the link by which she came in is no proof of the kind that her account has now
		a.Press(a.Activate)
	}
	a.SeeRole("button", a.Next)
	a.Resize(wide, 900)
	w.shoot(a.Browser, "own-choice", []string{".qr-frame => " + w.say("guide.mark.square"), a.Next}, around("main"), low)
	w.to("own-start")
	h := w.handset(a)
	h.SeeEnabled(h.AddAccount)
	w.shoot(h.Browser, "own-start", []string{h.AddAccount}, phone, low)
	a.Press(a.Next)
	a.SeeRole("DisclosureTriangle", w.say("enrolment.pair.no_scan"))
	pairing := a.PairLink()
	w.shoot(a.Browser, "own-pair", []string{".qr-frame => " + w.say("guide.mark.square"), w.say("enrolment.pair.no_scan")}, around("main"))
	h.Scan(pairing)
	if there, here := h.Comparison(), a.Comparison(); there != here {
		w.Fatalf("the phone shows %s and the page %s", there, here)
	}
	w.shoot(a.Browser, "own-compare", []string{"#comparison => " + w.say("guide.mark.characters"), a.Approve}, around("main"), above(115))
	w.shoot(h.Browser, "own-compare-phone", []string{"#comparison => " + w.say("guide.mark.characters")}, from(2), phone, low)
	w.to("own-test")
	h.Resize(narrow, 560)
	a.Press(a.Approve)
	h.SeeEnabled(w.say("authenticator.notifications.turn_on"))
	w.shoot(h.Browser, "own-notify", []string{w.say("authenticator.notifications.turn_on")}, phone, low)
	h.Press(w.say("authenticator.not_now")) // a browser without a window has none
	h.See(w.say("authenticator.request.test"))
	journey.Script[any](h.Browser, `for (let clock = setTimeout(() => {}); clock > 0; clock--) clearTimeout(clock)`) // the time to answer in stands still
	w.shoot(h.Browser, "own-test", []string{h.Approve}, phone, low, w.left())
	h.Press(h.Approve)
	h.See(w.say("authenticator.done.tested"))
	a.Resize(narrow, 844)
	return a, h
}

// handset gives somebody a phone with our own authenticator. It is a short one: its pages fill it.
func (w *walk) handset(p *journey.Person) *journey.Handset {
	o := journey.HandsetOptions(string(w.lang))
	o.Height = 700
	h := p.Handset(w.chromium.Browser(w, o))
	h.OpenApp()
	return h
}

// offer are the buttons of the offer: where the day has come there is no later.
func (w *walk) offer(p *journey.Person) []string {
	if strings.Contains(p.Text(), p.Later) {
		return []string{p.Activate, p.Later}
	}
	return []string{p.Activate}
}

// addPhone adds a number, where codes come by SMS.
func (w *walk) addPhone(a *journey.Person) {
	if !hasSMS(w.subject) {
		return
	}
	w.to("phone-number")
	a.SeeRole("textbox", a.Number)
	a.Fill(a.Number, mobile)
	w.shoot(a.Browser, "phone-number", []string{a.Number, a.Next, a.Skip})
	a.Press(a.Next)
	a.SeeRole("button", a.SendCode)
	w.shoot(a.Browser, "phone-check", []string{a.SendCode})
	a.Press(a.SendCode)
	a.SeeRole("textbox", a.Code)
	m := a.Mail.ReadMail(carried, "@localhost #")
	code := m.Text[strings.LastIndex(m.Text, "#")+1:]
	a.Fill(a.Code, sampleCode)
	w.shoot(a.Browser, "phone-code", []string{a.Code, a.Next}, low)
	a.Fill(a.Code, strings.TrimSpace(code))
	a.Press(a.Next)
}

// saveRecovery saves the recovery code.
func (w *walk) saveRecovery(a *journey.Person) {
	w.to("recovery-save")
	a.SeeRole("checkbox", a.Saved)
	a.Tick(a.Saved)
	w.shoot(a.Browser, "recovery-save", []string{"#recovery-code => " + w.say("guide.mark.recovery"), a.Saved, a.Done})
	a.Press(a.Done)
}

// arrive comes to HRM, and to HRM Mobile with the same login.
func (w *walk) arrive(a *journey.Person) {
	w.to("finish-app")
	w.fromAccount(a)
	a.Welcomed()
	w.shoot(a.Browser, "finish-app", []string{a.LogOut}, instead(".cards", ""), below(300))
	w.to("mobile-open")
	p := a.In(a.Tab())
	p.Resize(narrow, 640)
	p.Open(p.World.HRMMobile)
	p.SeeRole("button", p.LogIn)
	w.shoot(p.Browser, "mobile-open", []string{p.LogIn}, phone)
	p.Press(p.LogIn)
	p.See(p.Hello(p.Name))
	p.SeeRole("button", p.LogOut)
	w.shoot(p.Browser, "mobile-in", nil, phone, instead(".card", ""))
	p.Close()
}

// daily is the login of the next day: the password and one tap.
func (w *walk) daily(a *journey.Person, h *journey.Handset) {
	w.to("daily-number")
	a.SignOutOfHRM()
	a.Press(a.LogIn)
	a.GiveAddress()
	a.GivePassword(chosen)
	a.ShownNumber()
	show, shown := w.number()
	w.shoot(a.Browser, "daily-number", []string{"#number => " + shown}, instead("#number", show), low)
	if w.subject.TypedPush {
		h.Fill(w.say("authenticator.request.type"), strings.ReplaceAll(sampleDigits, " ", ""))
		w.shoot(h.Browser, "daily-phone", []string{w.say("authenticator.request.type"), h.Approve}, from(1), phone, w.left())
		return
	}
	h.Numbers()
	journey.Script[any](h.Browser, `document.querySelectorAll("button.number").forEach((b, i) => { b.textContent = ["83", "`+sampleNumber+`", "12"][i]; b.dataset.shown = i })`)
	w.shoot(h.Browser, "daily-phone", []string{`.number[data-shown="1"] => ` + w.say("guide.mark.same")}, from(1), phone, w.left())
}

// number is what the login page shows in the pictures, and what the text calls it.
func (w *walk) number() (show, called string) {
	if w.subject.TypedPush {
		return sampleDigits, w.say("guide.mark.digits")
	}
	return sampleNumber, w.say("guide.mark.number")
}

// left is a fixed time to answer in.
func (w *walk) left() shot {
	return func(s *journey.Shot, _ *picture) {
		s.Samples = append(s.Samples, journey.Sample{Match: `\b\d:\d\d\b`, Text: "1:52"}, journey.Sample{Match: `\b\d\d:\d\d\b`, Text: "08:15"})
	}
}

// bo has a password already, and an authenticator app of another maker.
func (w *walk) bo() {
	w.to("other-choice")
	b := w.person(bo, "Bo")
	b.OpenHRM()
	b.GiveAddress()
	b.GivePassword(demo.Password)
	if hasMFA(w.subject) {
		w.otherApp(b)
	}
	b.Welcomed()
	w.changeAddress(b)
	if hasMFA(w.subject) {
		w.newPhone(b)
		w.lostPhone(b)
	}
	b.Close()
}

func (w *walk) otherApp(b *journey.Person) {
	w.toAccount(b)
	b.Press(b.Activate)
	b.SeeRole("button", b.OtherApp)
	b.Resize(wide, 900)
	w.shoot(b.Browser, "other-choice", []string{b.OtherApp}, around("main"), above(280))
	b.Press(b.OtherApp)
	b.SeeRole("link", b.Next)
	key := journey.Script[string](b.Browser, `document.getElementById("key").textContent`)
	app := b.AddApp(key)
	w.shoot(b.Browser, "other-app", []string{".qr-frame => " + w.say("guide.mark.square"), "#key => " + w.say("guide.mark.key"), b.Next}, around("main"), instead("#key", sampleKey))
	b.Press(b.Next)
	b.Resize(narrow, 844)
	b.Fill(b.Code, sampleCode)
	w.shoot(b.Browser, "other-code", []string{b.Code, b.Next})
	b.Fill(b.Code, app.Code(time.Now()))
	b.Press(b.Next)
	if hasSMS(w.subject) {
		b.Press(b.Skip)
	}
	b.SeeRole("checkbox", b.Saved)
	w.recovery = journey.Script[string](b.Browser, `document.getElementById("recovery-code").textContent`)
	b.Tick(b.Saved)
	b.Press(b.Done)
	w.fromAccount(b)
}

// fromAccount goes back to HRM from where two-factor authentication was turned on unasked.
func (w *walk) fromAccount(p *journey.Person) {
	if hasMFA(w.subject) && !offers(w.subject) {
		p.At(p.World.Portvakt + "/account")
		p.Open(p.World.HRM)
	}
}

// toAccount goes there, where nobody is asked.
func (w *walk) toAccount(p *journey.Person) {
	if !offers(w.subject) {
		p.Welcomed()
		p.Open(p.World.Portvakt + "/account")
	}
}

// changeAddress is done on the account's page.
func (w *walk) changeAddress(b *journey.Person) {
	w.to("address-account")
	change := w.say("myaccount.details.change") + " " + w.say("myaccount.details.change_address")
	b.Open(b.World.Portvakt + "/account")
	w.shoot(b.Browser, "address-account", []string{change}, around("section[aria-labelledby=details]"))
	b.Press(change)
	b.Fill(w.say("myaccount.address.new"), bosNew)
	w.shoot(b.Browser, "address-new", []string{w.say("myaccount.address.new"), w.say("myaccount.address.submit")}, low)
	b.Press(w.say("myaccount.address.submit"))
	b.See(b.Sent)
	m := b.Mail.ReadMail(bosNew, w.say("mail.address_confirm.subject"))
	w.mail(b, m, "address-mail", w.say("mail.address_confirm.button"))
	link := b.FollowLink(m, w.say("mail.address_confirm.button"))
	link.Resize(narrow, 844)
	link.Reload()
	link.SeeRole("button", w.say("myaccount.address.confirm"))
	w.shoot(link.Browser, "address-confirm", []string{w.say("myaccount.address.confirm")}, low)
	link.Close() // his address stays: the other pictures are of the same person
}

// newPhone is the place on the account's page, and the old app's end, beside a new one.
func (w *walk) newPhone(b *journey.Person) {
	w.to("new-account")
	b.Open(b.World.Portvakt + "/account")
	add, remove := w.say("myaccount.mfa.add"), w.say("myaccount.mfa.remove")+" "+w.say("myaccount.mfa.unnamed")
	b.SeeEnabled(add)
	w.shoot(b.Browser, "new-account", []string{add}, around("section[aria-labelledby=mfa]"), above(280))
	b.Press(add)
	w.to("new-old")
	b.Press(b.Next)
	h := w.handset(b)
	h.Scan(b.PairLink())
	h.Comparison()
	b.Press(b.Approve)
	h.Press(w.say("authenticator.not_now"))
	h.Press(h.Approve)
	h.See(w.say("authenticator.done.tested"))
	h.Close()
	b.SeeEnabled(remove) // his page goes back by itself
	w.shoot(b.Browser, "new-old", []string{remove}, around("section[aria-labelledby=mfa]"), below(240))
	b.Press(remove)
	b.SeeEnabled(w.say("myaccount.remove.submit"))
	w.shoot(b.Browser, "new-sure", []string{w.say("myaccount.remove.submit")})
}

// lostPhone is the way in with the recovery code.
func (w *walk) lostPhone(b *journey.Person) {
	w.to("lost-code")
	b.Open(b.World.HRM)
	b.SignOutOfHRM()
	b.Press(b.LogIn)
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.ShownNumber()
	show, _ := w.number()
	w.shoot(b.Browser, "lost-code", []string{b.AnotherWay}, instead("#number", show))
	b.Press(b.AnotherWay)
	w.shoot(b.Browser, "lost-methods", []string{b.Words.RecoveryCode})
	b.Press(b.Words.RecoveryCode)
	b.Fill(b.Words.RecoveryCode, sampleRecovery)
	w.shoot(b.Browser, "lost-recovery", []string{b.Words.RecoveryCode, b.LogIn})
	b.Fill(b.Words.RecoveryCode, w.recovery)
	b.Press(b.LogIn)
	b.Tick(b.Saved)
	w.shoot(b.Browser, "lost-fresh", []string{"#recovery-code => " + w.say("guide.mark.fresh"), b.Saved, b.Done})
	b.Press(b.Done)
	b.SeeRole("button", b.AppGone)
	w.shoot(b.Browser, "lost-gone", []string{b.AppGone, b.StillHere})
}
