package admin

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// pageOfPersons is how many persons a page of a list has.
const pageOfPersons = 50

// getTransition handles GET /transition: how far everybody has come, and the list.
func (d *Door) getTransition(v visit) error {
	counts, err := d.Transition.Counts(v.r.Context(), v.org.ID)
	if err != nil {
		return err
	}
	filter := d.readFilter(v)
	after, _ := readPlace(v.r.URL.Query().Get("after"))
	rows, err := d.Transition.List(v.r.Context(), v.org.ID, filter, after, pageOfPersons+1)
	if err != nil {
		return err
	}
	view := Transition{Frame: d.frame(v, "/transition"), Total: counts.Total, Attention: counts.Attention, Funnel: funnel(counts),
		Exempt: counts.Of(transition.Exempt), Left: counts.Of(transition.Left), Problem: counts.Of(transition.Problem), Bounced: counts.Of(transition.Bounced),
		Action: v.url("/transition"), Search: filter.Words, Status: string(filter.Status), OnlyAttention: filter.Attention,
		ExportURL: v.url("/transition.csv?" + d.filterQuery(v, filter).Encode()), AllURL: v.url("/transition"), AttentionURL: v.url("/transition?attention=on")}
	if v.may(administrator.Prepare) {
		q := d.filterQuery(v, filter)
		q.Del("act")
		view.ImportURL = v.url("/import")
		view.BulkURL = v.url("/bulk?" + q.Encode() + "&act=")
	}
	for _, s := range transition.Statuses() {
		view.Statuses = append(view.Statuses, StatusChoice{Status: string(s), Key: statusKeys[s], Count: counts.Of(s)})
	}
	view.Rows, view.NextURL = d.personRows(v, rows, "/transition", filter)
	return d.page(v, http.StatusOK, "transition", view)
}

// postTransition handles POST /transition: a search. It is sent as a form and leads to an address in which it is sealed: who pastes a person
// key into the field leaves none in the browser's history, nor in a log (RULES §7).
func (d *Door) postTransition(v visit) error {
	return see(v.w, v.r, v.url("/transition?"+d.filterQuery(v, formFilter(v)).Encode()))
}

// personRows are the rows of a list, and the address of its next page; rows holds one more than a page has, if there is one.
func (d *Door) personRows(v visit, rows []transition.Row, path string, f transition.Filter) (shown []PersonRow, next string) {
	if len(rows) > pageOfPersons {
		last := rows[pageOfPersons-1]
		q := d.filterQuery(v, f)
		q.Set("after", base64.RawURLEncoding.EncodeToString(last.SortKey)+"."+last.ID)
		rows, next = rows[:pageOfPersons], v.url(path+"?"+q.Encode())
	}
	now := d.Now()
	for _, r := range rows {
		row := PersonRow{URL: v.url("/people/" + r.ID), Name: r.Name, Address: r.Address, Units: r.Units, Status: statusKeys[r.Status(now)], Attention: r.NeedsAttention(now),
			At: newest(r)}
		if r.Flag != "" && r.Account == "" {
			row.Why = findingKeys[transition.Kind(r.Flag)]
		} else if r.IsMarked() && row.Attention {
			row.Why = attentionShort[r.AttentionWhy]
		}
		shown = append(shown, row)
	}
	return shown, next
}

// readPlace reads where a page begins. What cannot be read is the beginning.
func readPlace(text string) (p transition.Place, ok bool) {
	for i := range text {
		if text[i] != '.' {
			continue
		}
		key, err := base64.RawURLEncoding.DecodeString(text[:i])
		if err != nil {
			return p, false
		}
		return transition.Place{SortKey: key, ID: text[i+1:]}, true
	}
	return p, false
}

// funnelWidth is how wide a step's bar may be, in units of its view box.
const funnelWidth = 640

// funnel is the funnel as it is drawn.
func funnel(c transition.Counts) []FunnelRow {
	stages := c.Funnel()
	most := max(stages[0].Count, 1)
	var rows []FunnelRow
	for _, s := range stages {
		rows = append(rows, FunnelRow{Key: stageKeys[s.Status], Count: s.Count, Percent: (s.Count*100 + most/2) / most, Width: s.Count * funnelWidth / most})
	}
	return rows
}

// getTransitionCSV handles GET /transition.csv: the list as a spreadsheet.
func (d *Door) getTransitionCSV(v visit) error {
	sheet := newSheet(v.w, v.org.ID, "overgang")
	p := d.printer(v)
	sheet.Write(p("admin.name"), p("signin.address"), p("admin.people.units"), p("admin.status.title"), p("admin.people.why"), p("admin.people.mailed"), p("admin.people.connected"), p("admin.people.signed_in"))
	filter, now := d.readFilter(v), d.Now()
	for after := (transition.Place{}); ; {
		rows, err := d.Transition.List(v.r.Context(), v.org.ID, filter, after, sheetBite)
		if err != nil {
			return err
		}
		for _, r := range rows {
			why := ""
			if r.Flag != "" && r.Account == "" {
				why = p(findingKeys[transition.Kind(r.Flag)])
			}
			sheet.Write(r.Name, r.Address, r.Units, p(statusKeys[r.Status(now)]), why, sheetTime(r.Mailed), sheetTime(r.Connected), sheetTime(r.SignedIn))
		}
		if len(rows) < sheetBite {
			return ended(sheet)
		}
		last := rows[len(rows)-1]
		after = transition.Place{SortKey: last.SortKey, ID: last.ID}
	}
}

// getPreflight handles GET /preflight: what is wrong with the register, and who would get in today.
func (d *Door) getPreflight(v visit) error {
	report, err := d.Transition.Report(v.r.Context(), v.org.ID)
	if err != nil {
		return err
	}
	look, err := d.Transition.Simulate(v.r.Context(), v.org.ID, true)
	if err != nil {
		return err
	}
	view := Preflight{Frame: d.frame(v, "/preflight"), Unchecked: report.Unchecked, Total: report.Total, ExportURL: v.url("/preflight.csv"),
		In: look.In(), Outlook: outlookRows(look)}
	if v.may(administrator.Prepare) {
		view.Action = v.url("/preflight")
		if report.Unchecked == 0 && report.Total > 0 {
			view.MailingsURL = v.url("/mailings")
		}
	}
	running, goesOn, err := d.Transition.Checking(v.r.Context(), v.org.ID)
	if err != nil {
		return err
	}
	if goesOn {
		view.Checking, view.Percent, view.Action, view.MailingsURL = true, int(running.Progress()*100), "", ""
		v.w.Header().Set("Refresh", "3")
	}
	for _, k := range transition.Kinds() {
		view.Kinds = append(view.Kinds, KindRow{Key: findingKeys[k], TextKey: findingTexts[k], Count: report.Counts[k], Blocks: k.Blocks(), URL: v.url("/preflight?kind=" + string(k) + "#list")})
		if report.Counts[k] > 0 {
			view.Found = true
		}
	}
	if kind := transition.Kind(v.r.URL.Query().Get("kind")); findingKeys[kind] != "" {
		found, err := d.Transition.Findings(v.r.Context(), v.org.ID, kind, v.r.URL.Query().Get("after"), pageOfPersons+1)
		if err != nil {
			return err
		}
		view.Kind, view.KindText = findingKeys[kind], findingTexts[kind]
		acts := mends[kind]
		view.Mends = v.may(administrator.Help) && len(acts) > 0
		if len(found) > pageOfPersons {
			found = found[:pageOfPersons]
			view.NextURL = v.url("/preflight?" + url.Values{"kind": {string(kind)}, "after": {found[len(found)-1].Person}}.Encode() + "#list")
		}
		for _, f := range found {
			row := FoundRow{URL: v.url("/people/" + f.Person), Name: f.Name, Address: f.Address, Detail: f.Detail}
			for _, act := range acts {
				row.Acts = append(row.Acts, FoundAct{Key: actKeys[act], URL: row.URL + "?do=" + act + actPlaces[act]})
			}
			view.Rows = append(view.Rows, row)
		}
	}
	return d.page(v, http.StatusOK, "preflight", view)
}

// mends are the acts that mend a finding or take the person out, by the last word of their addresses. A finding without one asks for
// nothing.
var mends = map[transition.Kind][]string{
	transition.Missing: {"address", "sheet", "exempt"}, transition.Phone: {"address", "exempt"}, transition.PhoneShared: {"address", "sheet", "exempt"},
	transition.PhoneCountry: {"address", "sheet", "exempt"}, transition.Malformed: {"address", "sheet", "exempt"},
	transition.Duplicate: {"address", "exempt"}, transition.Shared: {"address", "exempt"}, transition.Role: {"address", "vouch", "exempt"},
	transition.Disposable: {"address", "vouch", "exempt"}, transition.Twice: {"exempt"}, transition.Companies: {"exempt"},
}

// actKeys are the names of those acts.
var actKeys = map[string]string{"address": "admin.people.correct_submit", "vouch": "admin.people.vouch_submit", "sheet": "admin.people.sheet", "exempt": "admin.people.exempt_submit"}

// actPlaces are where their forms stand on the page.
var actPlaces = map[string]string{"address": "#acts", "vouch": "#acts", "exempt": "#part"}

// outlookRows is the simulation as a table.
func outlookRows(o transition.Outlook) []OutlookRow {
	rows := []OutlookRow{{"admin.outlook.password", o.Password, true}, {"admin.outlook.imported", o.Imported, true}, {"admin.outlook.link", o.Link, true},
		{"admin.outlook.confirm", o.Confirm, o.Switched}, {"admin.outlook.bounced", o.Bounced, false}}
	for _, k := range transition.Kinds() {
		if k.Blocks() {
			rows = append(rows, OutlookRow{findingKeys[k], o.Flags[k], false})
		}
	}
	rows = append(rows, OutlookRow{"admin.outlook.exempt", o.Exempt, false}, OutlookRow{"admin.outlook.left", o.Left, false})
	return slices.DeleteFunc(rows, func(r OutlookRow) bool { return r.Count == 0 })
}

// postPreflight handles POST /preflight: looks at the whole register anew.
func (d *Door) postPreflight(v visit) error {
	j, err := d.Transition.Preflight(v.r.Context(), v.by, v.org.ID)
	if err != nil {
		return err
	}
	if !j.State.Ended() {
		return v.back("/preflight", "") // which says how far it has come
	}
	return v.back("/preflight", "checked")
}

// getPreflightCSV handles GET /preflight.csv.
func (d *Door) getPreflightCSV(v visit) error {
	sheet := newSheet(v.w, v.org.ID, "forkontroll")
	p := d.printer(v)
	sheet.Write(p("admin.name"), p("signin.address"), p("admin.preflight.finding"), p("admin.preflight.detail"), p("admin.preflight.means"))
	for after := ""; ; {
		found, err := d.Transition.Findings(v.r.Context(), v.org.ID, "", after, sheetBite)
		if err != nil {
			return err
		}
		if len(found) == sheetBite {
			// A person's findings stay together: the last one's may go on in the next bite.
			last := found[len(found)-1].Person
			for len(found) > 0 && found[len(found)-1].Person == last {
				found = found[:len(found)-1]
			}
		}
		if len(found) == 0 {
			return ended(sheet)
		}
		for _, f := range found {
			sheet.Write(f.Name, f.Address, p(findingKeys[f.Kind]), f.Detail, p(findingTexts[f.Kind]))
		}
		after = found[len(found)-1].Person
	}
}

// printer says texts in the language of the visit, for files.
func (d *Door) printer(v visit) func(key string) string {
	p := d.Catalogue.Printer(web.Language(v.r.Context()))
	return func(key string) string { return p.T(key) }
}
