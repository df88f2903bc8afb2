package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

const (
	phoneNumber = "070-174 06 05"
	phoneE164   = "+46701740605"
	phoneFull   = "+46 70 174 06 05"
	phoneEnd    = "05"
)

var shortCode = regexp.MustCompile(`\b[0-9]{6}\b`)

// texted waits for the next SMS and returns its code.
func (w *world) texted(p *journey.Person) string {
	w.t.Helper()
	m := p.Mail.ReadMail(phoneE164, "@localhost #")
	code := shortCode.FindString(m.Text)
	if m.Channel != "sms" || m.From != "Portvakt" || code == "" || !strings.HasSuffix(m.Text, "@localhost #"+code) {
		w.t.Fatalf("the SMS says %q", m.Text)
	}
	return code
}

// addPhone goes from the page that asks for a number to the one after it.
func (w *world) addPhone(p *journey.Person) {
	p.Fill(p.Number, phoneNumber)
	p.Press(p.Next)
	p.See(phoneFull)
	p.Press(p.SendCode)
	p.SeeRole("textbox", p.Code)
	p.DontSee("174 06")
	p.Fill(p.Code, w.texted(p))
	p.Press(p.Next)
}

// toSMS goes from HRM's start page to the page that asks for the code which was sent.
func (h *holder) toSMS() {
	h.toCode()
	h.Press(h.AnotherWay)
	h.Press(h.SMSTo(phoneEnd))
	h.SeeRole("textbox", h.Code)
}

func TestAPhoneIsAddedAndTheDayTheAppIsGoneItSignsIn(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(b.Activate)
		bo := w.bind(b)
		b.Fill(b.Number, "0900-100 1234") // a premium line
		b.Press(b.Next)
		b.SeeRole("textbox", b.Number)
		w.addPhone(b)
		b.Tick(b.Saved)
		b.Press(b.Done)
		b.At(w.Portvakt + "/account")
		b.See("•••• " + phoneEnd)
		b.Open(w.HRM)
		b.Welcomed()
		b.SignOutOfHRM()

		bo.toSMS()
		first := w.texted(b)
		w.clock.move(31 * time.Second)
		b.Reload() // the page says that it may be pressed
		b.Press(b.SendAgain)
		second := w.texted(b)
		b.Fill(b.Code, first)
		b.Press(b.LogIn)
		b.SeeRole("textbox", b.Code) // only the newest counts
		b.Fill(b.Code, second[:3]+" "+second[3:])
		b.Press(b.LogIn)
		b.Welcomed()
		quiet(t, b.Browser, refusedForm)
	})
}

func TestTheWaitIsCountedDownAndThenTheButtonIsThere(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	w.bind(b)
	b.Fill(b.Number, phoneNumber)
	b.Press(b.Next)
	b.Press(b.SendCode)
	b.See("Du kan skicka igen om 2") // 29, 28 …
	if journey.Script[bool](b.Browser, `!document.getElementById("again").disabled`) {
		t.Error("the button can be pressed too early")
	}
	w.clock.move(27 * time.Second)
	b.Reload()
	b.SeeEnabled(b.SendAgain)
	quiet(t, b.Browser)
}

func TestAGatewayInTroubleIsNoDeadEnd(t *testing.T) {
	t.Parallel()
	w := begin(t)
	b := w.bo(journey.Options{})
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	bo := w.bind(b)
	w.addPhone(b)
	b.Tick(b.Saved)
	b.Press(b.Done)
	b.At(w.Portvakt + "/account")
	b.Open(w.HRM)
	b.Welcomed()
	b.SignOutOfHRM()

	b.Mail.Refuse(true)
	bo.toSMS()
	for i := 0; i < 50 && !strings.Contains(b.Text(), "problem med att skicka sms"); i++ {
		w.clock.move(10 * time.Second) // the worker tries again at once
		b.Reload()
	}
	b.See("problem med att skicka sms")
	b.Press(b.AnotherWay)
	b.Press("Kod från appen")
	bo.giveCode()
	b.Welcomed()
	b.Mail.Refuse(false)
	quiet(t, b.Browser)
}

func lookAtPhone(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	bo := w.bind(b)
	look(b, "enrolment_phone", "enrolment.phone.title")
	b.Fill(b.Number, "0900-100 1234")
	b.Press(b.Next)
	look(b, "enrolment_phone-problem", "enrolment.problem.number_not_mobile")
	b.Fill(b.Number, phoneNumber)
	b.Press(b.Next)
	look(b, "enrolment_phone_check", "enrolment.phone_check.title")
	b.Press(b.SendCode)
	look(b, "enrolment_phone_code", "enrolment.phone_code.title")
	code := w.texted(b)
	b.Fill(b.Code, "000000")
	b.Press(b.Next)
	look(b, "enrolment_phone_code-problem", "sms.problem.wrong")
	b.Fill(b.Code, code)
	b.Press(b.Next)
	b.Tick(b.Saved)
	b.Press(b.Done)
	look(b, "myaccount-phone", "myaccount.phone.title")
	b.Press(say("myaccount.phone.remove"))
	look(b, "myaccount_phone", "myaccount.phone.remove_title")
	b.Press(say("myaccount.phone.keep"))
	b.Press(say("myaccount.phone.change"))
	look(b, "enrolment_phone-change", "enrolment.phone.title")
	b.Press(say("web.back"))
	b.Open(w.HRM)
	b.Welcomed()
	b.SignOutOfHRM()

	bo.toCode()
	b.Press(b.AnotherWay)
	look(b, "signin_methods-sms", "signin.methods.sms_text")
	b.Press(b.SMSTo(phoneEnd))
	look(b, "signin_sms", "signin.sms.title")
	b.Press(b.LogIn)
	look(b, "signin_sms-problem", "sms.problem.missing")
}
