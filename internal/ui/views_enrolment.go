package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

// Problem keys of turning two-factor authentication on: nothing was chosen (EnrolmentOffer), the tick is missing
// (EnrolmentRecovery).
const (
	ProblemOffer    = "enrolment.problem.offer"
	ProblemNotSaved = "enrolment.problem.not_saved"
)

// EnrolmentOffer is the page enrolment_offer (S11): two-factor authentication, now or later.
// Form fields: want ("on" or "later"; only "on" when Required).
type EnrolmentOffer struct {
	Action   string
	App      string    // name of the app that waits, or ""
	Employer string    // who recommends or requires it; "" where unknown
	Until    time.Time // the first day on which it is required (its date in UTC is shown); zero: no date
	Required bool      // that day has come, or nothing is left: there is no "later"
	Asked    bool      // App asks for it, for what the person wants to do there: "later" leads back to it with that undone
	Counted  bool      // sign-ins without it are counted until that day
	Left     int       // how many there still are, this one among them
	Problem  string
	// Administers says that she is on her way to the console, which asks for it whatever the policy says.
	Administers bool
}

// EnrolmentMail is the page enrolment_mail: an administrator opens a mailed link before she adds her first app.
type EnrolmentMail struct {
	Action  string
	Address string    // to which the link goes; "": the account has none, and nothing can be sent
	Sent    bool      // it is on its way
	Guarded time.Time // the address is new, and proves nothing before then; zero: it does
}

// EnrolmentChoice is the page enrolment_choice (S12): Portvakt's own app is fetched, or another one is used.
// Form fields: want ("own" or "other").
type EnrolmentChoice struct {
	AppURL    string     // of Portvakt's own app
	QR        web.Markup // the same, of web.QR
	Phone     bool       // this device is a phone: the link comes first
	Action    string
	BackURL   string
	OffAction string // the app is gone, and policy lets her do without: turns it off; ""
}

// EnrolmentApp is the page enrolment_app (S14): the key goes into the app, by camera, by hand or by a press.
type EnrolmentApp struct {
	QR      web.Markup        // of web.QR
	Key     string            // base32; grouped or not
	KeyURL  web.RegisteredURL // otpauth:, for an app on this device
	NextURL string            // to EnrolmentCode
	BackURL string
	Phone   bool // this device is a phone: the press comes first
}

// Grouped is the key in groups of four characters, as one types it.
func (v EnrolmentApp) Grouped() string {
	var groups []string
	for group := range slices.Chunk([]rune(strings.Join(strings.Fields(v.Key), "")), 4) {
		groups = append(groups, string(group))
	}
	return strings.Join(groups, " ")
}

// EnrolmentCode is the page enrolment_code: the app shows its first code, which proves that it has the key.
// Form fields: code, name (of the app, may be empty).
type EnrolmentCode struct {
	Action  string
	BackURL string // to EnrolmentApp
	Name    string // as typed before a problem
	Problem string
}

// EnrolmentRecovery is the page enrolment_recovery (S16): the recovery code, shown this once. It is valid when the form has
// been sent.
// Form fields: saved ("on" when ticked).
type EnrolmentRecovery struct {
	Action      string
	Code        string // XXXX-XXXX-XXXX-XXXX-XXXX
	DownloadURL string // answers it as a file; "" shows no link
	Problem     string
	Again       bool // the old code was used at this sign-in
}

// Groups are the parts of the code, between which a narrow page may break it.
func (v EnrolmentRecovery) Groups() []string { return strings.Split(v.Code, "-") }
