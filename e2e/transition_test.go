package e2e

import (
	"bytes"
	"cmp"
	"os"
	"path/filepath"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store/pgtest"
)

// beginPreparation starts a world in which nobody but Eva has moved.
func beginPreparation(t *testing.T, change ...func(*demo.Options)) *world {
	t.Helper()
	return begin(t, append(change, func(o *demo.Options) { o.Phase, o.People = demo.Preparation, 40 })...)
}

// eva is the administrator, at the console, with two-factor authentication turned on.
func (w *world) eva(o journey.Options) *holder {
	w.t.Helper()
	p := w.prepared(o, "1005", eva, "Eva", "sv")
	p.Open(w.Portvakt + "/admin")
	p.GiveAddress()
	p.GivePassword(demo.Password)
	p.See(p.say("enrolment.offer.administers"))
	p.Press(p.Activate)
	p.Press(p.say("enrolment.mail.send"))
	showsMail(p.Person, p.say("mail.recovery_login.subject"))
	p.Press(p.OtherApp)
	app := p.AddApp(shownKey(p.Person))
	p.Press(p.Next)
	p.Fill(p.Code, app.Code(w.clock.now()))
	p.Press(p.Next)
	p.Press(p.Skip)
	p.Tick(p.Saved)
	p.Press(p.Words.Done)
	p.See(p.say("admin.section.transition"))
	return &holder{p.Person, app, w}
}

// showsMail opens the link that an administrator is sent before she adds her first app, in the same browser.
func showsMail(p *journey.Person, subject string) {
	p.Open(p.Receive(subject).Links[0])
	p.Press(p.LogIn)
}

// TestTheWholeMove is the story: Eva reads the register in, looks for what is wrong, sends the mails; Anna and Bo confirm; the
// day comes; they log in; David, who did nothing, is helped.
func TestTheWholeMove(t *testing.T) {
	t.Parallel()
	t.Run("Swedish", func(t *testing.T) {
		t.Parallel()
		moveOver(t, beginPreparation(t), journey.Options{Lang: "sv"})
	})
	t.Run("English", func(t *testing.T) {
		t.Parallel()
		database := pgtest.Database(t)
		moveOver(t, beginPreparation(t, func(o *demo.Options) { o.Database = database }), journey.Options{Lang: "en"})
	})
}

func moveOver(t *testing.T, w *world, o journey.Options) {
	e := w.eva(o)
	say := w.prepared(o, "1005", eva, "Eva", "sv").say

	e.Press(say("admin.section.import"))
	e.Attach(registerIn(t, w, o.Lang))
	e.Press(say("admin.import.send"))
	e.See(say("admin.import.guessed"))
	e.Press(say("admin.import.begin"))
	e.Await(say("admin.job.done"))
	e.Press(say("admin.import.next"))
	e.Press(say("admin.preflight.run"))
	e.See(say("admin.notice.checked"))
	for _, kind := range []string{"role", "missing", "malformed", "duplicate"} {
		e.See(say("admin.finding." + kind))
	}

	e.Press(say("admin.section.mailings"))
	e.Press(say("admin.mailings.send_new"))
	e.See("David Ek")
	e.Press(say("admin.bulk.send_submit"))
	e.See(say("admin.notice.mailing"))

	anna := w.prepared(o, "1001", anna, "Anna", o.Lang)
	hers := anna.FollowLink(anna.Receive(anna.mail("mail.preparation_confirm.subject")), anna.mail("mail.preparation_confirm.button"))
	hers.Reload() // the kit tells a tab that opens by itself its language too late
	hers.Press(say("preparation.confirm.password"))
	hers.Fill(hers.NewPassword, chosen)
	hers.Fill(hers.Repeat, chosen)
	hers.Press(say("preparation.confirm.submit"))
	hers.See(say("preparation.done.close"))
	bo := w.prepared(o, "1002", bo, "Bo", o.Lang)
	his := bo.FollowLink(bo.Receive(bo.mail("mail.preparation_confirm.subject")), bo.mail("mail.preparation_confirm.button"))
	his.Reload()
	his.Press(say("preparation.confirm.submit"))
	his.See(say("preparation.done.close"))
	david := w.prepared(o, "1004", david, "David", o.Lang)
	david.Receive(david.mail("mail.preparation_confirm.subject"))

	// Two of them have confirmed, beside Eva. Bo comes in by his old password.
	e.Press(say("admin.section.transition"))
	e.Choose(say("admin.status.title"), say("admin.status.password")+" (1)")
	e.Press(say("admin.transition.filter"))
	e.See("Anna Svensson")
	e.DontSee("David Ek")
	e.Choose(say("admin.status.title"), say("admin.status.verified")+" (1)")
	e.Press(say("admin.transition.filter"))
	e.See("Bo Lind")

	// The day has come.
	e.Press(say("admin.section.mailings"))
	e.Tick(say("admin.mailings.switched"))
	e.Press(say("admin.mailings.save"))
	e.See(say("admin.notice.saved"))
	anna.SignIn(chosen)
	bo.SignIn(demo.OldPassword) // what the old system knew

	// David has done nothing, and calls.
	e.Press(say("admin.section.help"))
	e.Fill(say("admin.help.search"), "david")
	e.Press(say("admin.help.submit"))
	e.Press("David Ek")
	e.SeeRole("button", say("admin.people.send"))
	e.Press(say("admin.people.send"))
	e.See(say("admin.notice.sent"))
	helped := david.FollowLink(david.Receive(david.mail("mail.preparation_reminder.subject")), david.mail("mail.preparation_reminder.button"))
	helped.Reload()
	helped.Fill(helped.NewPassword, chosen)
	helped.Fill(helped.Repeat, chosen)
	helped.Press(say("preparation.confirm.submit"))
	helped.See(say("preparation.done.switched"))
	david.SignIn(chosen)
	e.Reload()
	e.See(say("admin.next.signed_in"))
	e.See(say("admin.mail.reminder"))
}

// registerIn is the demo's file, of people who read that language: their mails and the pages behind them follow the register.
func registerIn(t *testing.T, w *world, lang string) string {
	t.Helper()
	file, err := os.ReadFile(w.Register)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "register.csv")
	if err := os.WriteFile(copied, bytes.ReplaceAll(file, []byte(";sv;"), []byte(";"+lang+";")), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}

// lookAtConsole walks through the pages of the console.
func lookAtConsole(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	file := filepath.Join(t.TempDir(), "register.csv")
	if err := os.WriteFile(file, demo.RegisterFile(40), 0o600); err != nil {
		t.Fatal(err)
	}
	e := w.eva(o)
	look(e.Person, "transition", "admin.transition.funnel")
	e.Press(say("admin.section.import"))
	look(e.Person, "import", "admin.import.upload")
	e.DontSee(say("admin.import.problem_large")) // which a script shows, where there is reason to
	e.Attach(file)
	e.Press(say("admin.import.send"))
	look(e.Person, "import_file", "admin.import.begin")
	e.Press(say("admin.import.begin"))
	e.Await(say("admin.job.done"))
	look(e.Person, "import_file-done", "admin.import.next")
	e.Open(w.Portvakt + "/admin/organisations/foretaget/holds")
	look(e.Person, "holds", "admin.holds.title")
	e.Press(say("admin.section.preflight"))
	e.Press(say("admin.preflight.run"))
	e.Press(say("admin.finding.role"))
	look(e.Person, "preflight", "admin.outlook.title")
	e.Press(say("admin.section.mailings"))
	look(e.Person, "mailings", "admin.mailings.phase")
	e.Press(say("admin.sheets.print"))
	look(e.Person, "sheets", "admin.sheets.title")
	e.Press(say("admin.sheets.submit"))
	look(e.Person, "sheets_print", "admin.sheets.now")
	e.Press(say("admin.sheets.finished"))
	e.Press(say("admin.section.mailings"))
	e.Press(say("admin.mailings.send_new"))
	look(e.Person, "bulk", "admin.bulk.send_text")
	e.Press(say("admin.bulk.send_submit"))
	look(e.Person, "mailings-sent", "admin.notice.mailing")
	e.Press(say("admin.section.guide"))
	look(e.Person, "guide-none", "admin.guide.none")
	e.Press(say("admin.guide.draw"))
	e.Await(say("admin.guide.made"))
	e.Press(say("admin.guide.share") + " " + say("admin.guide."+cmp.Or(o.Lang, "sv")))
	look(e.Person, "guide", "admin.guide.link_text")
	e.Press(say("admin.section.help"))
	look(e.Person, "help", "admin.help.search")
	e.Fill(say("admin.help.search"), "david")
	e.Press(say("admin.help.submit"))
	look(e.Person, "help-found", "admin.help.search")
	e.Press("David Ek")
	look(e.Person, "person", "admin.people.acts")
	e.Press(say("admin.section.help"))
	e.Fill(say("admin.help.search"), "cilla")
	e.Press(say("admin.help.submit"))
	e.Press("Cilla Berg")
	e.Press(say("admin.people.code"))
	e.Fill(say("admin.people.how_known"), "hon visade legitimation")
	look(e.Person, "person-code", "admin.people.code_text")
	e.Press(say("admin.people.code_submit"))
	look(e.Person, "code", "admin.code.how")
	e.Press(say("admin.section.settings"))
	look(e.Person, "settings", "admin.settings.look")
	e.Press(say("admin.settings.sender"))
	look(e.Person, "sender", "admin.sender.own_title")
	e.Press(say("admin.section.administrators"))
	look(e.Person, "administrators", "admin.administrators.appoint")
	e.Press(say("admin.section.log"))
	look(e.Person, "log", "admin.log.text")
	if err := w.makeOperator(eva); err != nil {
		t.Fatal(err)
	}
	e.Open(w.Portvakt + "/admin/organisations/nowhere/settings")
	look(e.Person, "error", "error.not_found.title")
	if err := w.makeOrganisation("kommunen", "Kommunen"); err != nil {
		t.Fatal(err)
	}
	e.Open(w.Portvakt + "/admin")
	look(e.Person, "home", "admin.home_text")
	w.askFromElsewhere("kommunen")
	e.Open(w.Portvakt + "/admin/organisations/foretaget/approvals")
	look(e.Person, "approvals", "admin.approvals.text")
}

// makeOperator lets somebody look after every organisation.
func (w *world) makeOperator(address string) error {
	return w.App.Control.Administration.Appoint(w.t.Context(), administrator.CommandLine, "", address, "operator")
}

func (w *world) makeOrganisation(id organisation.ID, name string) error {
	_, err := w.App.Control.Provisioning.SetOrganisation(w.t.Context(), organisation.Organisation{ID: id, Name: name})
	return err
}
