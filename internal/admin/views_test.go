package admin_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/admin"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/web"
	"github.com/portvakt/portvakt/internal/web/webtest"
)

// sample is one page with one view. The name is the template's, with a variant after a dash.
type sample struct {
	name string
	view any
}

func (s sample) page() string { page, _, _ := strings.Cut(s.name, "-"); return page }

const (
	eva  = "eva.admin@foretaget.example"
	evil = `"><script>alert(1)</script>`
)

var (
	day   = time.Date(2026, 11, 24, 9, 30, 0, 0, time.UTC)
	frame = admin.Frame{Organisation: "Företaget AB", Who: "Eva Admin", SignOutAction: "/signout", Several: true, Notice: "admin.notice.saved",
		Sections: []admin.Section{{Key: "admin.section.settings", URL: "/admin/s", Current: true}, {Key: "admin.section.log", URL: "/admin/l"}}}
	bad   = admin.Frame{Organisation: evil, Who: evil, SignOutAction: "/signout"}
	roles = []admin.RoleChoice{{Role: "owner", Key: "admin.role.owner", TextKey: "admin.role_text.owner"}, {Role: "auditor", Key: "admin.role.auditor", TextKey: "admin.role_text.auditor"}}
)

// full are the pages as administrators meet them.
var full = []sample{
	{"home", admin.Home{Frame: admin.Frame{Who: "Eva Admin", SignOutAction: "/signout"}, Organisations: []admin.HomeRow{{Name: "Företaget AB", URL: "/admin/f", Role: "admin.role.owner"}, {Name: "Kommunen", URL: "/admin/k", Role: "admin.role.auditor"}}}},
	{"administrators", admin.Administrators{Frame: frame, Action: "/a", DismissAction: "/d", Roles: roles, Role: "auditor", Rows: []admin.AdministratorRow{
		{ID: "1", Name: "Eva Admin", Address: eva, Role: "admin.role.owner", Since: day, Self: true}, {ID: "2", Address: eva, Role: "admin.role.auditor", Since: day}}}},
	{"administrators-problem", admin.Administrators{Frame: frame, Action: "/a", Roles: roles, Address: "eva", Problem: "admin.administrators.problem_address"}},
	{"settings", admin.Settings{Frame: frame, Action: "/a", LookAction: "/l", MFA: "required", From: "2026-12-01", SignIns: 12, RememberDays: 30, MinPassword: 15, LeastMin: 15,
		Networks: "192.0.2.0/24", Accounts: 200, Second: 150, Without: 50, Forecast: true, Name: "Företaget AB", Colour: "#1f5d4c", LogoURL: "/logo", StyleURL: "/style"}},
	{"settings-problem", admin.Settings{Frame: frame, Action: "/a", LookAction: "/l", MFA: "off", Problem: "admin.settings.problem_day", LookProblem: "admin.settings.problem_colour", Name: "Företaget AB", Preview: true}},
	{"code", admin.Code{Frame: frame, Name: "Anna Svensson", Code: "7K2M-9QXD-4TVA-W3HN-8PFB", Hours: 24, BackURL: "/p"}},
	{"sender", admin.Sender{Frame: frame, Action: "/a", KeyAction: "/k", Address: "login@foretaget.example", Name: "Företaget", HasAddress: true, Own: true, Operators: "login@portvakt.example", BackURL: "/b", Keys: []admin.SenderKey{{ID: "1", Record: "pv202611abcd._domainkey.foretaget.example", Value: "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", Active: true, At: day}, {ID: "2", Record: "b", Value: "v", At: day}}}},
	{"sender-problem", admin.Sender{Frame: frame, Operators: "login@portvakt.example", Problem: "admin.sender.problem"}},
	{"log", admin.Log{Frame: frame, OlderURL: "/older", Lines: []admin.LogLine{{At: day, Key: "admin.log.appointed", By: "Eva Admin", Person: "Anna Svensson", Reason: "Ringde", Detail: "role owner"}, {At: day, Kind: "other.kind", Actor: "admin.log.by_system"}}}},
	{"transition", admin.Transition{Frame: frame, Total: 200, Attention: 3, Exempt: 1, Left: 2, Funnel: []admin.FunnelRow{{Key: "admin.stage.imported", Count: 200, Percent: 100, Width: 640}, {Key: "admin.stage.second", Count: 20, Percent: 10, Width: 64}},
		Action: "/t", Search: "anna", Status: "problem", OnlyAttention: true, Statuses: []admin.StatusChoice{{Status: "problem", Key: "admin.status.problem", Count: 3}}, Rows: people, NextURL: "/next", ExportURL: "/csv", AllURL: "/all", AttentionURL: "/att"}},
	{"transition-empty", admin.Transition{Frame: frame, ImportURL: "/i"}},
	{"transition-nobody", admin.Transition{Frame: frame, Total: 1, AllURL: "/all", ExportURL: "/csv"}},
	{"preflight", admin.Preflight{Frame: frame, Action: "/p", Unchecked: 4, Total: 200, Found: true, Kinds: []admin.KindRow{{Key: "admin.finding.role", TextKey: "admin.finding_text.role", URL: "/k", Count: 2, Blocks: true}, {Key: "admin.finding.old_password", TextKey: "admin.finding_text.old_password", URL: "/h", Count: 1}},
		Kind: "admin.finding.role", KindText: "admin.finding_text.role", Rows: []admin.FoundRow{{URL: "/p/1", Name: "Anna Svensson", Address: "lager@foretaget.example", Detail: "3"}}, NextURL: "/n", ExportURL: "/csv", In: 150, Outlook: []admin.OutlookRow{{Key: "admin.outlook.password", Count: 100, In: true}, {Key: "admin.outlook.bounced", Count: 3}}}},
	{"guide", admin.Guide{Frame: frame, Action: "/g", CanDraw: true, Problem: "admin.guide.problem_support", Failed: true, Language: "en", Audience: "administrators", Support: "Servicedesk, 08-12 34 56", Rows: guideRows}},
	{"guide-drawing", admin.Guide{Frame: frame, Action: "/g", CanDraw: true, Drawing: true, DrawingID: "1", Percent: 40, AudienceKey: "admin.guide.employees", LanguageKey: "admin.guide.sv", Rows: guideRows[:1]}},
	{"guide-cannot", admin.Guide{Frame: frame, Action: "/g", Command: "portvakt guide --org foretaget --lang sv --out guide"}},
	{"preflight-checking", admin.Preflight{Frame: frame, Checking: true, Percent: 40, Total: 100_000}},
	{"import", admin.Imports{Frame: frame, Action: "/i", MaxBytes: 1 << 20, Holds: 2, HoldsURL: "/h", Rows: []admin.ImportRow{{URL: "/i/1", Name: "register.csv", At: day, State: "admin.job.done", Percent: 100, Rows: 200, Imported: 190, Held: 2, Refused: 8}}}},
	{"import-problem", admin.Imports{Frame: frame, Action: "/i", Problem: "admin.import.problem_register", Columns: []string{"Artikel", "Pris"}}},
	{"import_file", admin.Import{Frame: frame, ImportRow: admin.ImportRow{Name: "register.xlsx", At: day, State: "admin.job.waiting", Rows: 200}, Sheet: "Blad1", Waits: true, Problem: "admin.import.problem_key", BeginAction: "/b", MoveAction: "/m", BackURL: "/i",
		Fields: []admin.FieldChoice{{Field: "person_key", Key: "admin.field.person_key"}, {Field: "address", Key: "admin.field.address"}}, Columns: []admin.ImportColumn{{Name: "Anställningsnummer", Input: "column-0", Field: "person_key", Sample: []string{"1•••", "1•••"}}, {Name: "E-post", Input: "column-1", Field: "address", Sample: []string{eva}}, {Input: "column-2"}}}},
	{"import_file-running", admin.Import{Frame: frame, ImportRow: admin.ImportRow{Name: "register.xlsx", At: day, State: "admin.job.running", Percent: 40, Rows: 200, Imported: 80}, Running: true, MoveAction: "/m", BackURL: "/i"}},
	{"import_file-done", admin.Import{Frame: frame, ImportRow: admin.ImportRow{Name: "register.xlsx", At: day, State: "admin.job.done", Percent: 100, Rows: 200, Imported: 190, Held: 2, Refused: 8}, Done: true, New: 100, Changed: 50, Unchanged: 40, Problems: 8, HoldsURL: "/h", PreflightURL: "/p", ProblemsURL: "/csv", BackURL: "/i",
		List: []admin.ProblemRow{{Line: 4, Column: "Anställd från", Key: "register.bad_date", Refused: true}, {Line: 9, Key: "register.no_key"}}}},
	{"holds", admin.Holds{Frame: frame, Action: "/h", BackURL: "/i", Rows: []admin.HoldRow{{ID: "1", PersonURL: "/p", At: day, NameBefore: "Anna Svensson", NameAfter: "Anna Ek", AddressBefore: eva, AddressAfter: "anna.ek@foretaget.example"}, {ID: "2", NameBefore: "Bo Lind", NameAfter: "Bo Lind", AddressBefore: eva}}}},
	{"holds-none", admin.Holds{Frame: frame, BackURL: "/i"}},
	{"mailings", admin.Mailings{Frame: frame, Phase: "preparation", SwitchOn: "2026-12-01", Rate: 300, PhaseAction: "/p", Problem: "admin.mailings.problem_rate", Unchecked: 2, PreflightURL: "/pf", SendURL: "/s", RemindURL: "/r", MoveAction: "/m", DecideAction: "/d", Running: true,
		Rows:      []admin.MailingRow{{ID: "1", At: day, State: "admin.job.running", Looked: 50, Total: 200, Mailed: 45, Left: 5, Running: true, CanPause: true}, {ID: "2", At: day, State: "admin.job.paused", Running: true, CanResume: true}, {ID: "3", At: day, State: "admin.job.done"}},
		Proposals: []admin.ProposalRow{{ID: "1", Name: "Anna Svensson", PersonURL: "/p/1", From: eva, To: "anna@example.com", At: day, Confirmed: day}, {ID: "2", To: eva, At: day}}}},
	{"mailings-none", admin.Mailings{Frame: frame, Phase: "switched", Rate: 300}},
	{"bulk", admin.Bulk{Frame: frame, Title: "admin.bulk.send", Text: "admin.bulk.send_text", Button: "admin.bulk.send_submit", Action: "/b", Act: "send", Count: 3, Texted: 1, Rows: people, CancelURL: "/c", Problem: "admin.mailings.problem_unchecked", PreflightURL: "/pf"}},
	{"bulk-exempt", admin.Bulk{Frame: frame, Title: "admin.bulk.exempt", Text: "admin.bulk.exempt_text", Button: "admin.bulk.exempt_submit", Action: "/b", Act: "exempt", Count: 2, Rows: people, NeedsReason: true, Attention: true, CancelURL: "/c"}},
	{"bulk-nobody", admin.Bulk{Frame: frame, Title: "admin.bulk.send", CancelURL: "/c"}},
	{"sheets", admin.Sheets{Frame: frame, FilterAction: "/s", Action: "/s", BackURL: "/m", Total: 12, Unit: "Lager", Again: true, Count: 600, Most: 500, Days: 30, Units: []admin.UnitRow{{Unit: "Lager", URL: "/u", Count: 10, Without: 3}, {Unit: "Butik", URL: "/u2", Count: 2}},
		Rows: []admin.SheetRow{{URL: "/p/1", Name: "Wilma Truck", Unit: "Lager", Printed: day}, {URL: "/p/2"}}, Problem: "admin.sheets.problem_nobody"}},
	{"sheets-nobody", admin.Sheets{Frame: frame, BackURL: "/m"}},
	{"sheets_print", admin.SheetsPrint{Frame: frame, Count: 3, Left: 100, BackURL: "/s", Units: []admin.PrintedUnit{{Unit: "Lager", Count: 2, Sheets: []admin.PrintedSheet{handout("sv", "Wilma Truck", 1), handout("en", "Wilma-Katarina af Truckenberg-Ställverksson", 2)}}, {Count: 1, Sheets: []admin.PrintedSheet{handout("sv", "–", 1)}}}}},
	{"help", admin.Help{Frame: frame, Action: "/h"}},
	{"help-approvals", admin.Help{Frame: frame, Action: "/h", Approvals: 2, ApprovalsURL: "/ap"}},
	{"approvals", admin.Approvals{Frame: frame, Action: "/ap", BackURL: "/h", Problem: "admin.approvals.problem_over", Rows: []admin.ApprovalRow{{ID: "1", Name: "Cilla Berg", PersonURL: "/p/1", Key: "admin.approvals.code", At: day, Until: day},
		{ID: "2", Name: "Bo Lind", Key: "admin.approvals.unpair", At: day, Until: day, Mine: true}}}},
	{"approvals-none", admin.Approvals{Frame: frame, BackURL: "/h"}},
	{"person-attention", admin.Person{Frame: frame, Name: "Bo Lind", Address: eva, Status: "admin.status.second", Connected: day, ReturnURL: "/t", Attention: "admin.attention.reported", AttentionAt: day, SettleAction: "/s"}},
	{"person-asked", admin.Person{Frame: frame, Name: "Bo Lind", Address: eva, Status: "admin.status.second", Connected: day, ReturnURL: "/t", RecoverAction: "/r", CodeAction: "/c", ApprovalsURL: "/ap",
		Asked: []admin.AskedRow{{Key: "admin.approvals.code", Until: day}, {Key: "admin.approvals.unpair", Until: day, Granted: true, Mine: true}, {Key: "admin.approvals.code", Until: day, Granted: true}}}},
	{"help-found", admin.Help{Frame: frame, Action: "/h", Search: "anna", Asked: true, Rows: people, More: true}},
	{"help-refusal", admin.Help{Frame: frame, Action: "/h", Search: "7K2M9QXD", Asked: true, Rows: people[:1], Refusal: &admin.RefusalView{Reference: "7K2M9QXD", At: day, Key: "admin.refusal.password", Said: "signin.cancel"}}},
	{"help-nobody", admin.Help{Frame: frame, Action: "/h", Search: "anna", Asked: true}},
	{"person", admin.Person{Frame: frame, Name: "Anna Svensson", Address: eva, Phone: "070-174 06 05", Units: "Lager", Status: "admin.status.problem", Why: "admin.finding.role", WhyText: "admin.finding_text.role", Next: "admin.next.problem", ReturnURL: "/t",
		AddressAction: "/a", PhoneAction: "/p", VouchAction: "/v", SheetAction: "/sh", SheetReason: true, ExemptAction: "/e", SendAction: "/s", Problem: "admin.people.problem_address", Typed: "anna", History: []admin.LogLine{{At: day, Key: "admin.log.address_corrected", By: "Eva Admin", Reason: "Ringde"}},
		Mails: []admin.MailRow{{Key: "admin.mail.confirm", To: eva, At: day, State: "admin.mail.bounced", Words: "5.1.1 no such user", Events: []admin.MailEvent{{At: day, Key: "admin.turn.accepted", Words: "250 ok"}, {At: day, Key: "admin.turn.bounced"}}}, {Key: "admin.mail.reminder", To: eva, At: day, State: "admin.mail.queued"}}}},
	{"person-connected", admin.Person{Frame: frame, Name: "Bo Lind", Address: eva, Login: "bo@example.com", Units: "Butik", Status: "admin.status.second", Next: "admin.next.second", Until: day, Connected: day, SignedIn: day, HasPassword: true, HasSecond: true, ReturnURL: "/t", DisconnectAction: "/d", IncludeAction: "/i", RecoverAction: "/r", CodeAction: "/c", UnpairAction: "/u"}},
}

var guideRows = []admin.GuideRow{
	{AudienceKey: "admin.guide.employees", LanguageKey: "admin.guide.sv", Language: "sv", Audience: "employees", Made: day, OpenURL: "/o", PDFURL: "/p", ZipURL: "/z", MayShare: true, Link: "https://login.foretaget.example/guide/7k3mq2zd8xw5vrtn/"},
	{AudienceKey: "admin.guide.employees", LanguageKey: "admin.guide.en", Language: "en", Audience: "employees", Made: day, Stale: true, OpenURL: "/o", PDFURL: "/p", ZipURL: "/z", MayShare: true},
	{AudienceKey: "admin.guide.administrators", LanguageKey: "admin.guide.sv", Language: "sv", Audience: "administrators", Made: day, OpenURL: "/o", PDFURL: "/p", ZipURL: "/z"}}

var people = []admin.PersonRow{{URL: "/p/1", Name: "Anna Svensson", Address: "anna.svensson@foretaget.example", Units: "Lager", Status: "admin.status.problem", Why: "admin.finding.duplicate", Attention: true, At: day},
	{URL: "/p/2", Status: "admin.status.waiting"}}

// handout is a sheet as it is printed.
func handout(lang, name string, n int) admin.PrintedSheet {
	c := locale.New()
	code, err := web.QR("https://login.foretaget.example/preparation/7k3mq2zd8xw5vrtn4hbpj6ycae")
	if err != nil {
		panic(err)
	}
	t := c.Printer(locale.Language(lang))
	short := "login.foretaget.example/sheet"
	return admin.PrintedSheet{Language: lang, Name: name, Unit: "Lager", Employer: "Företaget AB", Number: n, Title: t.T("admin.sheet.title"), Text: t.T("admin.sheet.text", "Employer", "Företaget AB"), QR: code,
		QRLabel: t.T("admin.sheet.qr"), Code: "7K3M Q2ZD 8XW5 VRTN 4HBP J6YC AE", CodeLabel: t.T("admin.sheet.code"), Short: short, ShortLabel: t.T("admin.sheet.short"), Until: t.T("admin.sheet.until", "Date", t.Date(day)),
		Ask: t.T("admin.sheet.ask"), Secret: t.T("admin.sheet.secret"),
		Steps: []string{t.T("admin.sheet.step_scan"), t.T("admin.sheet.step_type", "Short", short), t.T("admin.sheet.step_password"), t.T("admin.sheet.step_write")}}
}

// zero are the same pages with nothing filled in.
var zero = []sample{
	{"sheets", admin.Sheets{}}, {"sheets_print", admin.SheetsPrint{}},
	{"code", admin.Code{}}, {"import", admin.Imports{}}, {"import_file", admin.Import{}}, {"holds", admin.Holds{}}, {"sender", admin.Sender{}}, {"mailings", admin.Mailings{}}, {"bulk", admin.Bulk{}},
	{"guide", admin.Guide{}}, {"transition", admin.Transition{}}, {"preflight", admin.Preflight{}}, {"help", admin.Help{}}, {"person", admin.Person{}},
	{"approvals", admin.Approvals{}},
	{"home", admin.Home{}}, {"administrators", admin.Administrators{}}, {"settings", admin.Settings{}}, {"log", admin.Log{}},
}

// hostile are pages that carry what a stranger typed.
var hostile = []sample{
	{"sheets", admin.Sheets{Frame: bad, Total: 1, Count: 1, Unit: evil, Units: []admin.UnitRow{{Unit: evil, URL: "javascript:alert(1)"}}, Rows: []admin.SheetRow{{URL: "javascript:alert(1)", Name: evil, Unit: evil}}}},
	{"sheets_print", admin.SheetsPrint{Frame: bad, Units: []admin.PrintedUnit{{Unit: evil, Sheets: []admin.PrintedSheet{{Language: evil, Name: evil, Unit: evil, Employer: evil, LogoURL: "javascript:alert(1)", Title: evil, Text: evil, Steps: []string{evil}, Code: evil, Short: evil}}}}}},
	{"code", admin.Code{Frame: bad, Name: evil, Code: evil, BackURL: evil}},
	{"import", admin.Imports{Frame: bad, Problem: "admin.import.problem_register", Columns: []string{evil}, Rows: []admin.ImportRow{{URL: "javascript:alert(1)", Name: evil, State: "admin.job.done"}}}},
	{"import_file", admin.Import{Frame: bad, ImportRow: admin.ImportRow{Name: evil}, Sheet: evil, Waits: true, Columns: []admin.ImportColumn{{Name: evil, Input: "column-0", Field: evil, Sample: []string{evil}}}, Fields: []admin.FieldChoice{{Field: evil, Key: "admin.field.ignore"}}}},
	{"holds", admin.Holds{Frame: bad, Rows: []admin.HoldRow{{ID: evil, PersonURL: evil, NameBefore: evil, NameAfter: "x" + evil, AddressBefore: evil, AddressAfter: "y" + evil}}}},
	{"sender", admin.Sender{Frame: bad, Address: evil, Name: evil, HasAddress: true, Own: true, Keys: []admin.SenderKey{{ID: evil, Record: evil, Value: evil}}}},
	{"mailings", admin.Mailings{Frame: bad, Phase: evil, SwitchOn: evil, Proposals: []admin.ProposalRow{{ID: evil, Name: evil, PersonURL: "javascript:alert(1)", From: evil, To: evil}}}},
	{"bulk", admin.Bulk{Frame: bad, Act: evil, Words: evil, Status: evil, Count: 1, Rows: bads, CancelURL: evil}},
	{"transition", admin.Transition{Frame: bad, Total: 1, Search: evil, Status: evil, Rows: bads, NextURL: "javascript:alert(1)", ExportURL: evil}},
	{"preflight", admin.Preflight{Frame: bad, Found: true, Kind: "admin.finding.role", KindText: "admin.finding_text.role", Rows: []admin.FoundRow{{URL: evil, Name: evil, Address: evil, Detail: evil}}}},
	{"guide", admin.Guide{Frame: bad, Action: "/g", CanDraw: true, Drawing: true, DrawingID: evil, Language: evil, Audience: evil, Support: evil, Rows: []admin.GuideRow{{AudienceKey: "admin.guide.employees", LanguageKey: "admin.guide.sv", Language: evil, Audience: evil, OpenURL: "javascript:alert(1)", PDFURL: evil, ZipURL: evil, MayShare: true, Link: evil}}}},
	{"help", admin.Help{Frame: bad, Search: evil, Asked: true, Rows: bads}},
	{"approvals", admin.Approvals{Frame: bad, Action: evil, BackURL: "javascript:alert(1)", Rows: []admin.ApprovalRow{{ID: evil, Name: evil, PersonURL: "javascript:alert(1)", Key: "admin.approvals.code"}}}},
	{"person", admin.Person{Frame: bad, Name: evil, Address: evil, Phone: evil, Units: evil, Login: evil, Status: "admin.status.left", Typed: evil, TypedPhone: evil, PhoneAction: evil, AddressAction: evil, Connected: day}},
	{"home", admin.Home{Organisations: []admin.HomeRow{{Name: evil, URL: "javascript:alert(1)", Role: "admin.role.owner"}}}},
	{"administrators", admin.Administrators{Frame: bad, Address: evil, Role: evil, Problem: "admin.administrators.problem_address", Rows: []admin.AdministratorRow{{ID: evil, Name: evil, Address: evil, Role: "admin.role.owner"}}}},
	{"settings", admin.Settings{Frame: bad, MFA: evil, From: evil, Networks: evil, Name: evil, Colour: evil, LogoURL: "javascript:alert(1)", StyleURL: evil}},
	{"log", admin.Log{Frame: bad, Lines: []admin.LogLine{{Kind: evil, By: evil, Person: evil, Reason: evil, Detail: evil}}}},
}

var bads = []admin.PersonRow{{URL: "javascript:alert(1)", Name: evil, Address: evil, Units: evil, Status: "admin.status.left"}}

func newKit(t *testing.T) *web.Kit {
	t.Helper()
	c := locale.New()
	// The shared look stands beside the people's pages.
	k, err := web.New(web.Options{Issuer: "https://login.example.com", Catalogue: c, Templates: admin.Templates(),
		Static: web.Overlay(os.DirFS("../ui/static"), admin.Static()), WayOn: "/admin", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func render(t *testing.T, kit *web.Kit, s sample, lang string) string {
	t.Helper()
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", lang)
	if err := kit.Page(w, r, http.StatusOK, s.page(), s.view); err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	return w.Body.String()
}

func TestEveryPageOfTheConsoleRendersInEveryLanguage(t *testing.T) {
	kit := newKit(t)
	for _, lang := range []string{"sv", "en"} {
		for kind, samples := range map[string][]sample{"full": full, "zero": zero, "hostile": hostile} {
			for _, s := range samples {
				t.Run(lang+" "+kind+" "+s.name, func(t *testing.T) {
					body := render(t, kit, s, lang)
					webtest.CheckPage(t, body)
					if strings.Contains(body, "<script>alert") || strings.Contains(body, `"javascript:alert`) {
						t.Error("what was typed became markup")
					}
				})
			}
		}
	}
}

func TestEveryTemplateOfTheConsoleHasASample(t *testing.T) {
	files, err := os.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if strings.HasPrefix(name, "_") || name == "layout" || name == "error" {
			continue
		}
		has := func(s sample) bool { return s.page() == name }
		if !slices.ContainsFunc(full, has) || !slices.ContainsFunc(zero, has) || !slices.ContainsFunc(hostile, has) {
			t.Errorf("%s: no full, no zero or no hostile view", f.Name())
		}
	}
}

// TestTheConsoleIsPreviewed shows every sample over HTTP. With PORTVAKT_PREVIEW=localhost:8091 it stays: the place to look at a page
// while changing it.
func TestTheConsoleIsPreviewed(t *testing.T) {
	kit := newKit(t)
	mux := http.NewServeMux()
	mux.Handle("GET /static/", kit.Static())
	mux.Handle("POST /language", kit.ChangeLanguage())
	mux.Handle("GET /page/{name}", kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		for _, s := range full {
			if s.name == r.PathValue("name") {
				return kit.Page(w, r, http.StatusOK, s.page(), s.view)
			}
		}
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}))
	preview := kit.Wrap(mux)
	if addr := os.Getenv("PORTVAKT_PREVIEW"); addr != "" {
		t.Fatal(http.ListenAndServe(addr, preview))
	}
	for _, s := range full {
		w := httptest.NewRecorder()
		preview.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/page/"+s.name, nil))
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "admin.css") {
			t.Errorf("%s: %d", s.name, w.Code)
		}
	}
}
