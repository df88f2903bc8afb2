package ui

import "github.com/portvakt/portvakt/internal/web"

// Problem keys of push.
const (
	ProblemPushExpired = "signin.problem.push_expired"
	ProblemPushDenied  = "signin.problem.push_denied"
	ProblemPushOff     = "signin.problem.push_off"

	ProblemPairExpired = "enrolment.problem.pair_expired"
	ProblemPairTwice   = "enrolment.problem.pair_twice"
	ProblemPairRefused = "enrolment.problem.pair_refused"
)

// SignInPush is the page signin_push: it shows the number that the person chooses, or types, in her authenticator.
// Form fields: remember ("on" when ticked) to GoAction; none to AskAction.
type SignInPush struct {
	Address      string
	ChangeURL    string // as on SignInSecond
	App          string // name of the app that waits, or ""
	Number       string // "": no phone is being asked
	Typed        bool   // she types the six digits; else she taps the two
	Problem      string // why no phone is being asked any more
	State        string // what the page shows, for EventsURL
	EventsURL    string
	GoAction     string // after the phone's approval; the script sends it
	AskAction    string // asks the phones, once more; "" where push is off
	OtherURL     string // to SignInMethods
	CodeURL      string // to SignInSecond
	RememberDays int    // how long this browser may be remembered; 0 asks nothing
}

// EnrolmentPair is the page enrolment_pair (S12): the phone scans, or the link is pressed on the phone itself, or the key is typed.
// Form fields: none to Action, which makes another code.
type EnrolmentPair struct {
	QR        web.Markup        // of web.QR; "" with a Problem
	Link      web.RegisteredURL // the same, for this device
	Key       string            // the same, to type; in groups
	Issuer    string            // to which the key belongs, for programs that know several
	Action    string
	BackURL   string
	Phone     bool // this device is a phone: the link comes first
	Unfolded  bool // it is one on which the link may not reach the app: the key is shown at once
	Problem   string
	State     string
	EventsURL string
}

// EnrolmentConsent is the page enrolment_consent (S13): whose account, what the phone may, and four characters to compare.
// Form fields: want ("approve", "deny" or "sign_out") to Action.
type EnrolmentConsent struct {
	Action     string
	Address    string
	Name       string // of the phone, as it calls itself
	Comparison string
	EventsURL  string
}

// EnrolmentTest is the page enrolment_test: the phone is paired, and rings for a first time.
// Form fields: none.
type EnrolmentTest struct {
	Action    string
	Waiting   bool
	Answered  bool
	State     string
	EventsURL string
}
