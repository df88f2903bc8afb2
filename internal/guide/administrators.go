package guide

import (
	"bytes"
	"os"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

const eva = "eva.admin@foretaget.example"

// midway makes of how far the employees have come, which is another at each moment of a young instance, what it is halfway.
const midway = `document.querySelectorAll(".funnel li").forEach((step, i) => {
  const count = [40, 36, 35, 29, 27, 22, 0, 0][i];
  step.querySelector(".value").textContent = count + " (" + Math.round(count * 2.5) + " %)";
  step.querySelector(".bar").setAttribute("width", count * 16);
})`

// administrators walks the transition as the administrator of an organisation makes it.
func (w *walk) administrators() {
	w.to("admin-import")
	e := w.person(eva, "Eva")
	e.Resize(desk, 900)
	w.enter(e)
	sheet := around("main > *")
	e.Press(w.say("admin.section.import"))
	e.Attach(w.register())
	w.shoot(e.Browser, "admin-import", []string{w.say("admin.import.file"), w.say("admin.import.send")}, low)
	e.Press(w.say("admin.import.send"))
	e.See(w.say("admin.import.guessed"))
	w.shoot(e.Browser, "admin-columns", []string{w.say("admin.import.begin")}, sheet)
	e.Press(w.say("admin.import.begin"))
	e.Await(w.say("admin.job.done"))
	e.Press(w.say("admin.import.next"))
	w.to("admin-preflight")
	e.Press(w.say("admin.preflight.run"))
	e.See(w.say("admin.notice.checked"))
	w.shoot(e.Browser, "admin-preflight", []string{w.say("admin.preflight.run")}, sheet)
	w.to("admin-mailings")
	e.Press(w.say("admin.section.mailings"))
	w.shoot(e.Browser, "admin-mailings", []string{w.say("admin.mailings.send_new")}, sheet, low)
	e.Press(w.say("admin.mailings.send_new"))
	e.Press(w.say("admin.bulk.send_submit"))
	e.See(w.say("admin.notice.mailing"))
	a := w.person(anna, "Anna")
	m := a.Receive(w.say("mail.preparation_confirm.subject", "Employer", w.subject.Name))
	w.mail(a, m, "admin-mail", w.say("mail.preparation_confirm.button"))
	a.Close()
	w.to("admin-follow")
	e.Press(w.say("admin.section.transition"))
	e.SeeRole("heading", w.say("admin.transition.funnel"))
	journey.Script[any](e.Browser, midway)
	w.shoot(e.Browser, "admin-follow", nil, instead("section[aria-labelledby=people]", ""))
	e.Press(w.say("admin.section.mailings"))
	e.Tick(w.say("admin.mailings.switched"))
	w.shoot(e.Browser, "admin-switch", []string{w.say("admin.mailings.switched"), w.say("admin.mailings.save")}, sheet)
	e.Press(w.say("admin.mailings.save"))
	w.to("admin-help")
	e.Press(w.say("admin.section.help"))
	e.Fill(w.say("admin.help.search"), "david")
	e.Press(w.say("admin.help.submit"))
	e.SeeEnabled("David Ek")
	w.shoot(e.Browser, "admin-help", []string{w.say("admin.help.search"), w.say("admin.help.submit"), "David Ek"}, sheet)
	e.Press("David Ek")
	e.SeeEnabled(w.say("admin.people.send"))
	w.shoot(e.Browser, "admin-person", []string{w.say("admin.people.send")}, sheet, low)
	e.Close()
}

// enter opens the console, where an administrator turns two-factor authentication on first.
func (w *walk) enter(e *journey.Person) {
	e.Open(e.World.Portvakt + "/admin")
	e.GiveAddress()
	e.GivePassword(demo.Password)
	e.Press(e.Activate)
	e.Press(w.say("enrolment.mail.send"))
	e.Open(e.Receive(w.say("mail.recovery_login.subject")).Links[0])
	e.Press(e.LogIn)
	e.Press(e.OtherApp)
	app := e.AddApp(journey.Script[string](e.Browser, `document.getElementById("key").textContent`))
	e.Press(e.Next)
	e.Fill(e.Code, app.Code(time.Now()))
	e.Press(e.Next)
	if w.subject.SMS {
		e.Press(e.Skip)
	}
	e.Tick(e.Saved)
	e.Press(e.Done)
	e.See(w.say("admin.section.transition"))
}

// register is the demo's file, of people who read the guide's language: their mails follow the register.
func (w *walk) register() string {
	file, err := os.ReadFile(w.world.Register)
	if err == nil {
		err = os.WriteFile(w.world.Register, bytes.ReplaceAll(file, []byte(";sv;"), []byte(";"+string(w.lang)+";")), 0o600)
	}
	if err != nil {
		w.Fatalf("read the register: %v", err)
	}
	return w.world.Register
}
