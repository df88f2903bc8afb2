package admin

import (
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/web"
)

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
