package e2e

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

const (
	david = "david.ek@foretaget.example"
	disa  = "disa.holm@foretaget.example"
)

// prepared is somebody of the register who has not confirmed her address, in her browser.
type prepared struct {
	*journey.Person
	w         *world
	key       person.Key
	say, mail func(string) string // what pages and mails say to her
}

func (w *world) prepared(o journey.Options, key person.Key, address, name, mails string) *prepared {
	w.t.Helper()
	texts := locale.New()
	in := func(lang string) func(string) string {
		printer := texts.Printer(locale.Language(lang))
		return func(text string) string {
			return printer.T(text, "Name", name, "App", "HRM", "Employer", "Företaget AB")
		}
	}
	return &prepared{Person: w.person(o, address, name), w: w, key: key, say: in(cmp.Or(o.Lang, "sv")), mail: in(mails)}
}

// david is in the register of the demo, which does not say what language he reads: his mails are in Swedish, his pages in his own.
func (w *world) david(o journey.Options) *prepared {
	w.t.Helper()
	return w.prepared(o, "1004", david, "David", "sv")
}

// disa adds Disa to the register, who reads everything in her own language.
func (w *world) disa(o journey.Options) *prepared {
	w.t.Helper()
	lang := cmp.Or(o.Lang, "sv")
	row := person.Person{Organisation: "foretaget", Key: "disa", GivenName: "Disa", FamilyName: "Holm", Address: disa, Language: lang}
	if err := w.App.Control.Provisioning.AddPersons(w.t.Context(), []person.Person{row}); err != nil {
		w.t.Fatal(err)
	}
	return w.prepared(o, row.Key, disa, "Disa", lang)
}

// phase sets where Företaget AB stands.
func (w *world) phase(p organisation.Phase, on time.Time) {
	w.t.Helper()
	if err := w.App.Preparation.SetPhase(w.t.Context(), administrator.CommandLine, "foretaget", p, on); err != nil {
		w.t.Fatal(err)
	}
}

// recheck lets the pre-flight look at the register: no mail leaves before it has.
func (w *world) recheck(o organisation.ID) {
	w.t.Helper()
	if err := w.App.Transition.Recheck(w.t.Context(), o); err != nil {
		w.t.Fatal(err)
	}
}

// invite sends her the mail, and reads it.
func (p *prepared) invite() journey.Message {
	p.w.t.Helper()
	p.w.recheck("foretaget")
	id, ok, err := p.w.App.DB.FindPersonByKey(p.w.t.Context(), "foretaget", p.key)
	if err != nil || !ok {
		p.w.t.Fatal(ok, err)
	}
	if _, err := p.w.App.Preparation.Send(p.w.t.Context(), administrator.CommandLine, "foretaget", preparation.Choice{Persons: []string{id}}); err != nil {
		p.w.t.Fatal(err)
	}
	return p.Receive(p.mail("mail.preparation_confirm.subject"))
}

// TestDavidConfirmsHisAddressBeforehandAndLogsInOnTheDay is S1 and S2: the mail, the page, the day, HRM.
func TestDavidConfirmsHisAddressBeforehandAndLogsInOnTheDay(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		d := w.david(o)
		w.phase(organisation.Preparation, w.clock.now().Add(20*24*time.Hour))
		link := d.FollowLink(d.invite(), d.mail("mail.preparation_confirm.button"))
		link.Reload() // the kit tells a tab that opens by itself its language too late, and this link leaves it to the browser
		link.See(d.say("preparation.confirm.title_named"))
		link.See(david)
		link.SeeRole("link", d.say("preparation.confirm.another"))
		link.Press(d.say("preparation.confirm.password"))
		link.Fill(link.NewPassword, chosen)
		link.Fill(link.Repeat, chosen)
		link.Press(d.say("preparation.confirm.submit"))
		link.See(d.say("preparation.done.title_named"))
		link.See(d.say("preparation.done.close"))
		link.Open(w.Portvakt + "/account")
		link.SeeRole("textbox", link.Words.Address) // nobody was signed in by the link
		d.Receive(d.say("mail.preparation_done.subject"))

		w.clock.move(21 * 24 * time.Hour)
		w.phase(organisation.Switched, time.Time{})
		d.SignIn(chosen)
	})
}

// TestDavidWhoPreparedNothingIsHelpedAtHisFirstLogin is the last row of RULES §7.
func TestDavidWhoPreparedNothingIsHelpedAtHisFirstLogin(t *testing.T) {
	t.Parallel()
	onSQLite(t, func(t *testing.T, w *world) {
		d := w.david(journey.Options{Lang: "sv"})
		d.ForgetAtHRM()
		d.AskFor(d.Reset)
		link := d.FollowLink(d.Receive(d.mail("mail.preparation_confirm.subject")), d.mail("mail.preparation_confirm.button"))
		link.Fill(link.NewPassword, chosen)
		link.Fill(link.Repeat, chosen)
		link.Press(d.say("preparation.confirm.submit"))
		link.See(d.say("preparation.done.switched"))
		link.Press(d.say("web.continue_app"))
		link.GivePassword(chosen)
		link.Welcomed()
	})
}

// sheet prints the sheet of somebody in the register who has no address.
func (w *world) sheet(lang string) preparation.Printed {
	w.t.Helper()
	row := person.Person{Organisation: "foretaget", Key: "1977", GivenName: "Wilma", FamilyName: "Truck", Language: lang}
	if err := w.App.Control.Provisioning.AddPersons(w.t.Context(), []person.Person{row}); err != nil {
		w.t.Fatal(err)
	}
	made, _, err := w.App.Preparation.MakeSheets(w.t.Context(), administrator.CommandLine, "foretaget", preparation.SheetChoice{})
	if err != nil || len(made) != 1 {
		w.t.Fatal(len(made), err)
	}
	return made[0]
}

// TestWilmaHasNoAddressAndComesInByASheetOfPaper: no camera, and not even scripts.
func TestWilmaHasNoAddressAndComesInByASheetOfPaper(t *testing.T) {
	t.Parallel()
	onEitherEngine(t, func(t *testing.T, w *world) {
		p := w.prepared(journey.Options{Lang: "sv", NoScript: true}, "1977", "1977@foretaget", "Wilma", "sv")
		sheet := w.sheet("sv")
		p.Open(w.Portvakt + "/sheet")
		p.Fill(p.say("preparation.code.label"), strings.ToLower(sheet.Code()))
		p.Press(p.Next)
		p.See(p.say("preparation.sheet.title_named"))
		p.DontSee("1977")
		p.Fill(p.NewPassword, chosen)
		p.Fill(p.Repeat, chosen)
		p.Press(p.say("preparation.sheet.submit"))
		p.See("1977@foretaget")
		p.Open(w.Portvakt + "/account")
		p.GiveAddress()
		p.GivePassword(chosen)
		p.See("Wilma Truck")
	})
}

// lookAtPreparation walks through the pages of the preparation.
func lookAtPreparation(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	d := w.disa(o)
	w.phase(organisation.Preparation, w.clock.now().Add(20*24*time.Hour))
	m := d.invite()
	link := d.Copy(m, w.browser(o))
	link.SeeEnabled(say("preparation.confirm.submit"))
	look(link, "preparation_confirm", "preparation.confirm.another")
	link.Press(say("preparation.confirm.password"))
	link.Fill(link.NewPassword, "kort")
	link.Fill(link.Repeat, "kort")
	link.Press(say("preparation.confirm.submit"))
	link.SeeEnabled(say("preparation.confirm.submit"))
	look(link, "preparation_confirm-problem", "password.new")
	plain := d.Copy(m, w.browser(journey.Options{Lang: o.Lang, NoScript: true}))
	look(plain, "preparation_confirm-plain", "preparation.confirm.another")

	link.Press(say("preparation.confirm.another"))
	link.SeeEnabled(say("preparation.address.submit"))
	look(link, "preparation_address", "preparation.address.title")
	link.Fill(say("myaccount.address.new"), "disa")
	link.Press(say("preparation.address.submit"))
	link.SeeEnabled(say("preparation.address.submit"))
	look(link, "preparation_address-problem", "signin.problem.address_invalid")
	link.Fill(say("myaccount.address.new"), "disa@hemma.example")
	link.Press(say("preparation.address.submit"))
	look(link, "preparation_sent-proposed", "preparation.sent.proposed_next")
	own := *d.Person
	own.Address = "disa@hemma.example"
	proposed := own.Copy(own.Receive(say("mail.preparation_proposed.subject")), w.browser(o))
	proposed.SeeEnabled(say("preparation.proposed.submit"))
	look(proposed, "preparation_proposed", "preparation.proposed.title")
	proposed.Press(say("preparation.proposed.submit"))
	look(proposed, "preparation_answered", "preparation.answered.confirmed")
	objection := d.Copy(d.Receive(say("mail.preparation_objection.subject")), w.browser(o))
	objection.SeeEnabled(say("preparation.objection.submit"))
	look(objection, "preparation_objection", "preparation.objection.title")
	objection.Press(say("preparation.objection.submit"))
	look(objection, "preparation_answered-objected", "preparation.answered.objected")

	sheet := w.sheet(cmp.Or(o.Lang, "sv"))
	paper := w.prepared(o, "1977", "1977@foretaget", "Wilma", cmp.Or(o.Lang, "sv")).Person
	paper.Open(w.Portvakt + "/sheet")
	look(paper, "preparation_code", "preparation.code.title")
	paper.Fill(say("preparation.code.label"), sheet.Code())
	paper.Press(paper.Next)
	paper.SeeEnabled(say("preparation.sheet.submit"))
	look(paper, "preparation_sheet", "preparation.sheet.submit")
	paper.Fill(paper.NewPassword, chosen)
	paper.Fill(paper.Repeat, chosen)
	paper.Press(say("preparation.sheet.submit"))
	look(paper, "preparation_done-sheet", "preparation.done.number")

	// Bo has a login, and stands in the register of another employer.
	if _, err := w.App.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "kommunen", Name: "Kommunen"}); err != nil {
		t.Fatal(err)
	}
	row := person.Person{Organisation: "kommunen", Key: "7", GivenName: "Bo", FamilyName: "Lind", Address: bo, Language: cmp.Or(o.Lang, "sv")}
	if err := w.App.Control.Provisioning.AddPersons(t.Context(), []person.Person{row}); err != nil {
		t.Fatal(err)
	}
	w.recheck("kommunen")
	if _, err := w.App.Preparation.Send(t.Context(), administrator.CommandLine, "kommunen", preparation.Choice{}); err != nil {
		t.Fatal(err)
	}
	b := w.bo(o)
	existing := b.Copy(b.Receive("Kommunen"), w.browser(o))
	look(existing, "preparation_connect", "preparation.connect.title")
	existing.Press(existing.LogIn)
	existing.GivePassword(demo.Password)
	look(existing, "preparation_connect-mine", "preparation.connect.submit")
	existing.Press(say("preparation.connect.submit"))
	look(existing, "preparation_done-switched", "preparation.done.switched")

	w.clock.move(15 * 24 * time.Hour)
	link.Open(m.Links[0])
	link.SeeEnabled(say("preparation.gone.again"))
	look(link, "preparation_gone", "recovery.gone.title")
	link.Press(say("preparation.gone.again"))
	look(link, "preparation_sent", "preparation.sent.renewed")
	fresh := d.Copy(d.Receive(say("mail.preparation_confirm.subject")), w.browser(o))
	fresh.Press(say("preparation.confirm.submit"))
	look(fresh, "preparation_done", "preparation.done.close")
	fresh.Open(w.Portvakt + "/preparation/" + strings.Repeat("a", 43))
	look(fresh, "preparation_gone-unknown", "preparation.gone.unknown")
}
