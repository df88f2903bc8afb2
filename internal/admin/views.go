package admin

import (
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
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
	"shared":    "admin.notice.shared",
	"withdrawn": "admin.notice.withdrawn",
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
