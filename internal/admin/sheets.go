package admin

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// getSheets handles GET /sheets: who has no address that a mail could reach, by unit, and for whom sheets would be printed. It makes none.
func (d *Door) getSheets(v visit) error { return d.sheetsPage(v, http.StatusOK, "") }

func (d *Door) sheetsPage(v visit, status int, problem string) error {
	all, err := d.Preparation.ListUnaddressed(v.r.Context(), v.org.ID)
	if err != nil {
		return err
	}
	now, unit, again := d.Now(), v.r.FormValue("unit"), v.r.FormValue("again") == "on"
	view := Sheets{Frame: d.frame(v, "/mailings"), FilterAction: v.url("/sheets"), Action: v.url("/sheets"), Unit: unit, Again: again, Total: len(all),
		Days: int(preparation.Sheet.Life() / (24 * time.Hour)), Most: preparation.MostSheets, BackURL: v.url("/mailings"), Problem: problem}
	for _, u := range all {
		at := u.Unit(now)
		if n := len(view.Units); at != "" && (n == 0 || view.Units[n-1].Unit != at) {
			view.Units = append(view.Units, UnitRow{Unit: at, URL: v.url("/sheets?" + url.Values{"unit": {at}}.Encode())})
		}
		if n := len(view.Units); at != "" {
			view.Units[n-1].Count++
			if u.Printed.IsZero() {
				view.Units[n-1].Without++
			}
		}
		if unit != "" && at != unit || !again && !u.Printed.IsZero() {
			continue
		}
		if view.Count++; len(view.Rows) < mostShown {
			view.Rows = append(view.Rows, SheetRow{URL: v.url("/people/" + u.Person.ID), Name: u.Person.Name(), Unit: at, Printed: u.Printed})
		}
	}
	return d.page(v, status, "sheets", view)
}

// sheetProblems are the texts for why nothing was printed.
var sheetProblems = []struct {
	err error
	key string
}{
	{preparation.ErrNoSheet, "admin.sheets.problem_nobody"},
	{preparation.ErrAddressed, "admin.people.problem_reason"},
	{preparation.ErrEnded, "admin.mailings.problem_ended"},
	{preparation.ErrDisconnectedLately, "admin.sheets.problem_lately"},
}

func sheetProblem(err error) string {
	for _, p := range sheetProblems {
		if errors.Is(err, p.err) {
			return p.key
		}
	}
	return ""
}

// postSheets handles POST /sheets: it makes the sheets and shows them to be printed. Their secrets are in this answer and nowhere else.
func (d *Door) postSheets(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	made, left, err := d.Preparation.MakeSheets(v.r.Context(), v.by, v.org.ID,
		preparation.SheetChoice{Unit: v.r.PostFormValue("unit"), Again: v.r.PostFormValue("again") == "on"})
	if key := sheetProblem(err); key != "" {
		return d.sheetsPage(v, http.StatusUnprocessableEntity, key)
	}
	if err != nil {
		return err
	}
	return d.printPage(v, "/mailings", v.url("/sheets"), made, left)
}

// postSheet handles POST /people/{person}/sheet: a sheet for one person, who may have an address that she does not read.
func (d *Door) postSheet(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	r, err := d.person(v)
	if err != nil {
		return err
	}
	if r.Account != "" {
		return d.resetSheet(v, r)
	}
	made, _, err := d.Preparation.MakeSheets(v.r.Context(), v.by, v.org.ID, preparation.SheetChoice{Persons: []string{r.ID}, Reason: v.r.PostFormValue("reason")})
	if key := sheetProblem(err); key != "" {
		return d.personPage(v, http.StatusUnprocessableEntity, key, "")
	}
	if err != nil {
		return err
	}
	return d.printPage(v, "/transition", v.url("/people/"+r.ID), made, 0)
}

// resetSheet is a sheet with the link for a new password, for somebody who has a login without an address.
func (d *Door) resetSheet(v visit, r transition.Row) error {
	p, err := d.Recovery.PrintFor(v.r.Context(), v.by, v.org.ID, r.ID, v.r.PostFormValue("reason"))
	if err != nil {
		return d.helped(v, "", err)
	}
	s, err := d.paper(v, p.Language, "/recovery/link/", p.Secret, p.Expires)
	if err != nil {
		return err
	}
	s.Name, s.Unit, s.Number = cmp.Or(p.Name, "–"), r.Units, 1
	s.Title, s.Text, s.Steps[3] = s.say("admin.sheet.title_again"), s.say("admin.sheet.text_again", "Employer", v.org.Name), s.say("admin.sheet.step_in")
	return d.page(v, http.StatusOK, "sheets_print", SheetsPrint{Frame: d.frame(v, "/transition"), Count: 1, BackURL: v.url("/people/" + r.ID),
		Units: []PrintedUnit{{Unit: r.Units, Count: 1, Sheets: []PrintedSheet{s}}}})
}

// printPage shows sheets as they come on paper, each in its reader's own language.
func (d *Door) printPage(v visit, section, back string, made []preparation.Printed, left int) error {
	view := SheetsPrint{Frame: d.frame(v, section), Count: len(made), Left: left, BackURL: back}
	units := map[string]int{}
	for _, p := range made {
		units[p.Unit]++
	}
	for _, p := range made {
		s, err := d.sheet(v, p)
		if err != nil {
			return err
		}
		n := len(view.Units)
		if n == 0 || view.Units[n-1].Unit != p.Unit {
			view.Units = append(view.Units, PrintedUnit{Unit: p.Unit, Count: units[p.Unit]})
			n++
		}
		s.Number = len(view.Units[n-1].Sheets) + 1
		view.Units[n-1].Sheets = append(view.Units[n-1].Sheets, s)
	}
	return d.page(v, http.StatusOK, "sheets_print", view)
}

// sheet is the sheet of somebody who has no login yet.
func (d *Door) sheet(v visit, p preparation.Printed) (PrintedSheet, error) {
	s, err := d.paper(v, p.Language, "/preparation/", p.Secret, p.Expires)
	s.Name, s.Unit = cmp.Or(p.Name, "–"), p.Unit
	s.Title, s.Text, s.Steps[3] = s.say("admin.sheet.title"), s.say("admin.sheet.text", "Employer", v.org.Name), s.say("admin.sheet.step_write")
	return s, err
}

// paper is what all sheets have, in their reader's language, or in that of the page where nobody knows it.
func (d *Door) paper(v visit, language, path string, key secret.Token, expires time.Time) (PrintedSheet, error) {
	lang := web.Language(v.r.Context())
	for _, known := range locale.Languages() {
		if string(known) == language {
			lang = known
		}
	}
	t := d.Catalogue.Printer(lang)
	short := strings.TrimPrefix(d.Signin.Issuer, "https://") + "/sheet"
	s := PrintedSheet{Language: string(lang), Employer: v.org.Name, QRLabel: t.T("admin.sheet.qr"), Code: key.Groups(), CodeLabel: t.T("admin.sheet.code"), Short: short,
		ShortLabel: t.T("admin.sheet.short"), Steps: []string{t.T("admin.sheet.step_scan"), t.T("admin.sheet.step_type", "Short", short), t.T("admin.sheet.step_password"), ""},
		Until: t.T("admin.sheet.until", "Date", t.Date(expires)), Ask: t.T("admin.sheet.ask"), Secret: t.T("admin.sheet.secret"), say: t.T}
	if v.org.Logo.MediaType != "" {
		s.LogoURL = v.url("/logo")
	}
	var err error
	s.QR, err = web.QR(d.Signin.Issuer + path + key.Reveal())
	return s, err
}
