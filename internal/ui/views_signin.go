package ui

import (
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

// Problem keys of the address field (SignInIdentifier, RecoveryStart).
const (
	ProblemAddressMissing = "signin.problem.address_missing"
	ProblemAddressInvalid = "signin.problem.address_invalid"
	ProblemNumberless     = "signin.problem.identifier_invalid" // where a number does as well
)

// Problem keys of the password field (SignInPassword). A wrong password and an unknown address share one key: the page
// must not tell which it was.
const (
	ProblemPasswordMissing = "signin.problem.password_missing"
	ProblemPasswordWrong   = "signin.problem.password_wrong"
	ProblemBusy            = "signin.problem.busy"
)

// Problem keys of a code from an app (SignInSecond, EnrolmentCode). A wrong code and one that was used already share a key.
const (
	ProblemCodeMissing = "signin.problem.code_missing"
	ProblemCodeWrong   = "signin.problem.code_wrong"
)

// Problem keys of the recovery code (SignInRecovery).
const (
	ProblemRecoveryMissing = "signin.problem.recovery_missing"
	ProblemRecoveryWrong   = "signin.problem.recovery_wrong"
)

// SignInIdentifier is the page signin_identifier (S3): it asks for the address.
// Form fields: address, remember ("on" when ticked).
type SignInIdentifier struct {
	Action   string // where the form is posted
	Address  string // prefilled: what was typed, or the remembered one
	Remember bool   // whether "remember" is ticked
	Problem  string // a key, or ""
	App      string // name of the app that waits, or ""
	BackURL  string // cancels and goes back to the app; "" shows no link
	Number   string // an example of a number to type in place of an address; "": everybody there has an address
	// What the app has registered about itself; "" shows no link.
	PolicyURL, TermsURL string
}

// SignInPassword is the page signin_password (S4): it asks for the password.
// Form fields: password, and username, hidden, for password managers (the handler ignores it).
type SignInPassword struct {
	Action    string
	Address   string // as typed on the page before
	ChangeURL string // back to the address
	ForgotURL string // to RecoveryStart
	Problem   string
	Throttled bool   // adds one sentence; everything else stays as it is (RULES §2)
	App       string // name of the app that waits, or ""
}

// SignInSecond is the page signin_second: it asks for the code that an authenticator app shows.
// Form fields: code (as typed, perhaps with spaces), remember ("on" when ticked).
type SignInSecond struct {
	Action       string
	Address      string
	ChangeURL    string // back to the address; "" where the session is stepped up, which is this account's alone
	App          string // name of the app that waits, or ""
	Problem      string
	Throttled    bool   // adds one sentence; everything else stays as it is (RULES §2)
	RememberDays int    // how long this browser may be remembered; 0 asks nothing
	OtherURL     string // to SignInMethods
}

// SignInMethods is the page signin_methods: the other ways that the account has to give a second factor. A way without an
// address is not shown.
// Form fields: none to SMSAction.
type SignInMethods struct {
	Address     string
	ChangeURL   string // as on SignInSecond
	PushURL     string // to SignInPush
	CodeURL     string // to SignInSecond
	SMS         string // the last digits of the phone that may get a code; "": none
	SMSAction   string // sends it
	Problem     string // no code could be sent
	RecoveryURL string // to SignInRecovery
	BackURL     string
}

// SignInRecovery is the page signin_recovery: it asks for the recovery code.
// Form fields: recovery_code (as typed: any case, spaces and hyphens anywhere).
type SignInRecovery struct {
	Action    string
	Address   string
	ChangeURL string // as on SignInSecond
	Problem   string
	Throttled bool
	OtherURL  string // to SignInMethods
}

// SignInRecovered is the page signin_recovered: the recovery code is used, the new one is saved, and now it asks what has
// become of the authenticator app (RULES §5).
// Form fields: want ("keep" or "gone").
type SignInRecovered struct {
	Action   string
	App      string // name of the app that waits, or ""
	Required bool   // the policy requires two factors
	// Guarded is until when an app cannot be taken away, because the address has changed lately; zero: it can.
	Guarded time.Time
}

// SignInContinue is the page signin_continue: signed in, going on to the app. The handler sets the Refresh header too,
// because form-action 'self' forbids a redirect to the app right after a form POST (RULES §11).
type SignInContinue struct {
	App string
	URL web.RegisteredURL // registered by the operator: an app's own scheme is a good one here (RFC 8252 §7.1)
}

// SignInCompany is the page signin_company: for which of several companies the person comes. Field: company.
type SignInCompany struct {
	Action    string
	App       string // name of the app that asks, or ""
	Companies []string
}

// SignInReady is the page signin_ready: what the attempt still needed was done elsewhere, or is no longer asked for, and one press
// goes on. It has no form fields.
type SignInReady struct {
	Action string
	App    string // name of the app that waits, or ""
}

// SignInRestart is the page signin_restart: the attempt is too old or unreadable, start again from the app.
type SignInRestart struct {
	App string // "" means the account's own page
	URL string
}

// SignInNewPassword is the page signin_newpassword: the password of the old login was right for the last time, and a new one takes
// its place before the session.
// Form fields: new_password, repeat_password, and username, hidden, for password managers (the handler ignores it).
type SignInNewPassword struct {
	Action    string
	Address   string
	FirstName string // "" where unknown
	App       string // name of the app that waits, or ""
	MinLength int    // in code points
	MaxLength int
	Words     []string
	Problem   string
}
