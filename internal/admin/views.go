package admin

import (
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// Frame is what stands around each page.
type Frame struct {
	Organisation  string
	Who           string // the administrator's own name
	Sections      []Section
	Several       bool // there are other organisations to go to
	SignOutAction string
	Notice        string // key of what has just been done; empty: nothing
}

// Section is a link of the navigation.
type Section struct {
	Key     string
	URL     string
	Current bool
}

// Home is the choice of an organisation.
type Home struct {
	Frame
	Organisations []HomeRow
	Operator      bool
}

// HomeRow is one of them.
type HomeRow struct {
	Name string
	URL  string
	Role string // key
}

// roleKeys are the names of the roles.
var roleKeys = map[administrator.Role]string{
	administrator.Owner: "admin.role.owner", administrator.Manager: "admin.role.administrator",
	administrator.Helpdesk: "admin.role.helpdesk", administrator.Auditor: "admin.role.auditor",
}

const roleOperator = "admin.role.operator"

// roleTexts say what each role may do.
var roleTexts = map[administrator.Role]string{
	administrator.Owner: "admin.role_text.owner", administrator.Manager: "admin.role_text.administrator",
	administrator.Helpdesk: "admin.role_text.helpdesk", administrator.Auditor: "admin.role_text.auditor",
}

// notices are what a page may say at its top, by the word in its URL: never a text from the URL itself.
var notices = map[string]string{
	"saved":     "admin.notice.saved",
	"appointed": "admin.notice.appointed",
	"dismissed": "admin.notice.dismissed",

	"sent":         "admin.notice.sent",
	"recovering":   "admin.notice.recovering",
	"unpaired":     "admin.notice.unpaired",
	"mailing":      "admin.notice.mailing",
	"approved":     "admin.notice.approved",
	"refused":      "admin.notice.refused",
	"exempted_all": "admin.notice.exempted_all",
	"checked":      "admin.notice.checked",
	"corrected":    "admin.notice.corrected",
	"texted":       "admin.notice.texted",
	"vouched":      "admin.notice.vouched",
	"exempted":     "admin.notice.exempted",
	"included":     "admin.notice.included",
	"disconnected": "admin.notice.disconnected",
	"asked":        "admin.notice.asked",
	"settled":      "admin.notice.settled",
	"agreed":       "admin.notice.agreed",
	"disagreed":    "admin.notice.disagreed",
}

// Settings is the page about an organisation's policy and look.
type Settings struct {
	Frame
	Action, LookAction string
	SenderURL          string
	Problem            string // key
	LookProblem        string // key

	MFA          string // off, optional, recommended, required
	From         string // 2026-12-01
	SignIns      int
	RememberDays int
	TypedPush    bool
	MinPassword  int
	LeastMin     int // what MinPassword is at least
	Networks     string

	// Of the people who can log in today: how many there are, and how many have a second factor.
	Accounts, Second int
	Without          int // those who would be stopped on the day
	Forecast         bool

	Name, Colour string
	LogoURL      string // "" none
	Preview      bool   // shows how Colour looks, before it is saved
	StyleURL     string
}

// Administrators is the page about who looks after an organisation.
type Administrators struct {
	Frame
	Action, DismissAction string
	Rows                  []AdministratorRow
	Roles                 []RoleChoice
	Address, Role         string // as typed
	Problem               string // key
}

// RoleChoice is a role that can be given.
type RoleChoice struct {
	Role, Key, TextKey string
}

// AdministratorRow is one administrator.
type AdministratorRow struct {
	ID, Name, Address string
	Role              string // key
	Since             time.Time
	Self              bool
}

// Log is the page of the organisation's lines of the audit log.
type Log struct {
	Frame
	Lines    []LogLine
	OlderURL string
}

// LogLine is one of them.
type LogLine struct {
	At     time.Time
	Key    string // of what has happened; empty: Kind is shown as it is
	Kind   string
	By     string
	Actor  string // key: who, where By is empty; empty: nobody knows
	Person string
	Reason string
	Detail string
}

// statusKeys are the names of the statuses, stageKeys those of the funnel's steps.
var (
	statusKeys = map[transition.Status]string{
		transition.Waiting: "admin.status.waiting", transition.Mailed: "admin.status.mailed", transition.Delivered: "admin.status.delivered",
		transition.Opened: "admin.status.opened", transition.Verified: "admin.status.verified", transition.Password: "admin.status.password",
		transition.SignedIn: "admin.status.signed_in", transition.Second: "admin.status.second", transition.Problem: "admin.status.problem",
		transition.Bounced: "admin.status.bounced", transition.Exempt: "admin.status.exempt", transition.Left: "admin.status.left",
	}
	stageKeys = map[transition.Status]string{
		transition.Waiting: "admin.stage.imported", transition.Mailed: "admin.stage.mailed", transition.Delivered: "admin.stage.delivered",
		transition.Opened: "admin.stage.opened", transition.Verified: "admin.stage.verified", transition.Password: "admin.stage.password",
		transition.SignedIn: "admin.stage.signed_in", transition.Second: "admin.stage.second",
	}
	findingKeys = map[transition.Kind]string{
		transition.Missing: "admin.finding.missing", transition.Phone: "admin.finding.phone", transition.PhoneShared: "admin.finding.phone_shared", transition.PhoneCountry: "admin.finding.phone_country", transition.ByPhone: "admin.finding.by_phone", transition.Malformed: "admin.finding.malformed",
		transition.Duplicate: "admin.finding.duplicate", transition.Shared: "admin.finding.shared", transition.Role: "admin.finding.role",
		transition.Disposable: "admin.finding.disposable", transition.Twice: "admin.finding.twice", transition.Companies: "admin.finding.companies",
		transition.Hash: "admin.finding.old_password",
	}
	findingTexts = map[transition.Kind]string{
		transition.Missing: "admin.finding_text.missing", transition.Phone: "admin.finding_text.phone", transition.PhoneShared: "admin.finding_text.phone_shared", transition.PhoneCountry: "admin.finding_text.phone_country", transition.ByPhone: "admin.finding_text.by_phone", transition.Malformed: "admin.finding_text.malformed",
		transition.Duplicate: "admin.finding_text.duplicate", transition.Shared: "admin.finding_text.shared", transition.Role: "admin.finding_text.role",
		transition.Disposable: "admin.finding_text.disposable", transition.Twice: "admin.finding_text.twice", transition.Companies: "admin.finding_text.companies",
		transition.Hash: "admin.finding_text.old_password",
	}
)

// newest is when something last happened to the person on her way.
func newest(r transition.Row) time.Time {
	var last time.Time
	for _, t := range []time.Time{r.Mailed, r.Accepted, r.Bounced, r.Opened, r.Attention, r.Connected, r.SignedIn} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// Transition is the page that shows how far everybody has come.
type Transition struct {
	Frame
	Total, Attention, Exempt, Left, Problem, Bounced int
	Funnel                                           []FunnelRow
	Action                                           string // of the search
	Search, Status                                   string
	OnlyAttention                                    bool
	Statuses                                         []StatusChoice
	Rows                                             []PersonRow
	NextURL, ExportURL, AllURL, AttentionURL         string
	ImportURL                                        string // empty: not this visitor's
	BulkURL                                          string // of a bulk act on those who are shown, but for its name; empty: not this visitor's
}

// FunnelRow is a step of the funnel, drawn.
type FunnelRow struct {
	Key                   string
	Count, Percent, Width int
}

// StatusChoice is a status to filter by.
type StatusChoice struct {
	Status, Key string
	Count       int
}

// PersonRow is a person in a list. Her key is in none.
type PersonRow struct {
	URL, Name, Address, Units string
	Status                    string // key
	Why                       string // key; empty: nothing speaks against the address
	Attention                 bool
	At                        time.Time // when something last happened
}

// Preflight is the page about what is wrong with the register.
type Preflight struct {
	Frame
	Action           string // empty: the visitor may only look
	Unchecked, Total int
	Kinds            []KindRow
	Found            bool
	Kind, KindText   string // of the list; empty: none is shown
	Rows             []FoundRow
	Mends            bool // the rows have acts
	NextURL          string
	ExportURL        string
	MailingsURL      string // the next step; empty: not yet, or not this visitor's
	Checking         bool   // a job looks through the register, and has come so far
	Percent          int
	In               int
	Outlook          []OutlookRow
}

// KindRow is a kind of finding.
type KindRow struct {
	Key, TextKey, URL string
	Count             int
	Blocks            bool
}

// FoundRow is a person with a finding.
type FoundRow struct {
	URL, Name, Address, Detail string
	Acts                       []FoundAct // what mends it, and the way out
}

// FoundAct leads to the form of an act on the person's page.
type FoundAct struct{ Key, URL string }

// OutlookRow is a line of the simulation.
type OutlookRow struct {
	Key   string
	Count int
	In    bool
}

// Person is the page of one person.
type Person struct {
	Frame
	Name, Address, Phone, Units, Login string
	Status                             string // key
	Why, WhyText                       string // keys; empty: nothing speaks against the address
	Exempt                             time.Time
	Until                              time.Time
	Connected, SignedIn                time.Time
	HasPassword, HasSecond             bool
	Next                               string // key: what to do now, in plain words
	Mails                              []MailRow
	History                            []LogLine
	Problem                            string // key
	Asked                              []AskedRow
	Attention                          string // key: why somebody should look; empty: nobody needs to
	AttentionAt                        time.Time
	SettleAction                       string
	ApprovalsURL                       string // others ask about her; empty: nobody does

	ReturnURL string

	// Where each act is sent; empty: the visitor may not, or it makes no sense now.
	PhoneAction, AddressAction, VouchAction, ExemptAction, IncludeAction, DisconnectAction, SendAction string
	RecoverAction, CodeAction, UnpairAction                                                            string
	SheetAction                                                                                        string
	SheetReason                                                                                        bool   // she has an address, or a login: why does she get a sheet?
	SheetAgain                                                                                         bool   // it is for a new password
	Typed, TypedPhone                                                                                  string // an address, or a number, that was refused
	Open                                                                                               string // the act whose form is open, by the last word of its address
	Mailed                                                                                             bool   // there was a mail before
}

// Code is the page that shows a recovery code to whoever hands it over, once.
type Code struct {
	Frame
	Name, Code string
	Hours      int
	BackURL    string
}

// MailRow is a mail, and what became of it.
type MailRow struct {
	Key    string // what it was
	To     string
	At     time.Time
	State  string // key
	Words  string // the server's
	Events []MailEvent
}

// MailEvent is one thing that happened to a mail.
type MailEvent struct {
	At    time.Time
	Key   string
	Words string
}

// Help is the page on which a helpdesk searches.
type Help struct {
	Frame
	Action string
	Search string
	Asked  bool
	Rows   []PersonRow
	More   bool
	// Approvals is how many questions wait for the organisation's word.
	Approvals    int
	ApprovalsURL string
	// Refusal is what was searched for by its number; nil: nothing.
	Refusal *RefusalView
}

// RefusalView is a page that refused something, in plain words.
type RefusalView struct {
	Reference string
	At        time.Time
	Key       string
	Said      string // key of the sentence that the person has read; empty: none
}

// Mailings is the page about the phase of the move, its mails, and the addresses that people propose.
type Mailings struct {
	Frame
	Phase, SwitchOn          string
	Rate                     int
	PhaseAction              string
	Problem                  string // key
	Unchecked                int
	PreflightURL             string
	SendURL, RemindURL       string
	SheetsURL                string
	MoveAction, DecideAction string
	Rows                     []MailingRow
	Running                  bool // one is under way: the page looks again by itself
	Proposals                []ProposalRow
}

// MailingRow is a mailing.
type MailingRow struct {
	ID                  string
	At                  time.Time
	State               string // key
	Looked, Total       int64  // persons looked at
	Mailed, Left        int64  // got a mail, or an SMS; were left out
	Texted              int64  // of the former, by SMS
	Running             bool
	CanPause, CanResume bool
}

// ProposalRow is an address that somebody with a person's link wants to use.
type ProposalRow struct {
	ID, Name, PersonURL, From, To string
	At, Confirmed, Settled        time.Time
	Approved                      bool
}

// Bulk is the preview of a bulk action.
type Bulk struct {
	Frame
	Title, Text, Button string // keys
	Action, Act         string
	Status, Words       string
	Attention           bool
	Count, Texted       int // of these, by SMS
	Rows                []PersonRow
	NeedsReason         bool
	CancelURL           string
	Problem             string // key
	PreflightURL        string
}

// What became of a mail, in words.
var (
	mailKeys = map[string]string{
		preparation.ConfirmTemplate: "admin.mail.confirm", preparation.ReminderTemplate: "admin.mail.reminder", preparation.ProposedTemplate: "admin.mail.proposed",
		preparation.ObjectionTemplate: "admin.mail.objection", preparation.ApprovedTemplate: "admin.mail.approved", preparation.DoneTemplate: "admin.mail.done",
	}
	mailStates = map[outbox.State]string{
		"queued": "admin.mail.queued", outbox.Sent: "admin.mail.sent", outbox.Dropped: "admin.mail.dropped", outbox.Expired: "admin.mail.expired", outbox.Dead: "admin.mail.dead",
	}
	turnKeys = map[outbox.TurnKind]string{
		outbox.Postponed: "admin.turn.postponed", outbox.Accepted: "admin.turn.accepted", outbox.Refused: "admin.turn.refused", outbox.Withheld: "admin.turn.withheld",
		outbox.TooLate: "admin.turn.expired", outbox.Delayed: "admin.turn.delayed", outbox.Returned: "admin.turn.bounced",
	}
)

// Sender is the page about in whose name an organisation's mails go.
type Sender struct {
	Frame
	Action, KeyAction string
	Address, Name     string
	HasAddress        bool
	Own               bool // mails go in this name
	Operators         string
	Keys              []SenderKey
	BackURL           string
	Problem           string // key
}

// SenderKey is a key that signs, and what the domain publishes for it.
type SenderKey struct {
	ID, Record, Value string
	Active            bool
	At                time.Time
}

// Imports is the page where the register's files are taken in.
type Imports struct {
	Frame
	Action   string
	MaxBytes int64
	Rows     []ImportRow
	Holds    int
	HoldsURL string
	Problem  string   // key
	Columns  []string // of a table that is no register
}

// ImportRow is a file that was taken in.
type ImportRow struct {
	URL, Name                     string
	At                            time.Time
	State                         string // key
	Percent                       int
	Rows, Imported, Held, Refused int
}

// Import is the page of one file.
type Import struct {
	Frame
	ImportRow
	Sheet                                                                 string
	Remembered, Waits, Running, Paused, Done                              bool
	Failed                                                                string // key
	Problem                                                               string // key
	Columns                                                               []ImportColumn
	Fields                                                                []FieldChoice
	New, Changed, Unchanged, Problems                                     int
	List                                                                  []ProblemRow
	BeginAction, MoveAction, ProblemsURL, HoldsURL, PreflightURL, BackURL string
}

// ImportColumn is a column of a file, and what it holds.
type ImportColumn struct {
	Name, Input, Field string
	Sample             []string
}

// FieldChoice is what a column may hold.
type FieldChoice struct{ Field, Key string }

// ProblemRow is what was wrong with a row.
type ProblemRow struct {
	Line    int
	Column  string
	Key     string
	Refused bool
}

// Holds is the page of what waits for a word, because it would change somebody who logs in already.
type Holds struct {
	Frame
	Action, BackURL string
	Rows            []HoldRow
}

// HoldRow is a change that waits.
type HoldRow struct {
	ID, PersonURL                                      string
	At                                                 time.Time
	NameBefore, NameAfter, AddressBefore, AddressAfter string
}

// Sheets is the page about the people whom no mail reaches.
type Sheets struct {
	Frame
	FilterAction, Action, BackURL string
	Total                         int // how many there are
	Units                         []UnitRow
	Unit                          string // that is chosen; empty: all
	Again                         bool   // also those who have a sheet
	Count                         int    // how many sheets would be made
	Most                          int    // how many are made at once
	Days                          int    // for which a sheet works
	Rows                          []SheetRow
	Problem                       string // key
}

// UnitRow is a unit with people whom no mail reaches.
type UnitRow struct {
	Unit, URL      string
	Count, Without int // all of them; those without a sheet
}

// SheetRow is somebody for whom a sheet would be made. Her number is not shown.
type SheetRow struct {
	URL, Name, Unit string
	Printed         time.Time // her sheet; zero: none
}

// SheetsPrint is the page that is printed: it holds the secrets of its sheets, once.
type SheetsPrint struct {
	Frame
	Count, Left int
	Units       []PrintedUnit
	BackURL     string
}

// PrintedUnit is the pile of sheets of a unit.
type PrintedUnit struct {
	Unit   string
	Count  int
	Sheets []PrintedSheet
}

// PrintedSheet is one person's sheet of A4, in words of her own language.
type PrintedSheet struct {
	Language, Name, Unit, Employer, LogoURL     string
	Number                                      int // in the pile of the unit
	Title, Text, Until, Ask, Secret             string
	Steps                                       []string
	QR                                          web.Markup
	QRLabel, Code, CodeLabel, Short, ShortLabel string
	say                                         func(key string, data ...any) string // in its language
}
