package admin

import (
	"time"

	"github.com/portvakt/portvakt/internal/transition"
)

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
