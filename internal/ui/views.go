// Package ui is the door for people: it speaks HTML to a browser, calls one use case per request, and answers with a page.
// It is not where a rule lives; rules belong to the flows behind it.
//
// This file is the contract between the handlers (Go) and the pages (templates/): one struct per page, one page per template.
// A template sees its struct and nothing else; language, brand and reference number come from the layout (package web).
package ui

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

// "all:" takes the shared parts too, whose names begin with an underscore.
//
//go:embed all:templates
var templates embed.FS

//go:embed static
var static embed.FS

// Templates returns the page templates, embedded in the binary, for web.Options.
func Templates() fs.FS { return sub(templates, "templates") }

// Static returns the stylesheet, scripts and pictures, embedded in the binary, for web.Options.
func Static() fs.FS { return sub(static, "static") }

func sub(f embed.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is embedded by this file: it cannot be missing
	}
	return s
}

// Problem keys of the address field (SignInIdentifier, RecoveryStart).
const (
	ProblemAddressMissing = "signin.problem.address_missing"
	ProblemAddressInvalid = "signin.problem.address_invalid"
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

// Problem keys of turning two-factor authentication on: nothing was chosen (EnrolmentOffer), the tick is missing
// (EnrolmentRecovery).
const (
	ProblemOffer    = "enrolment.problem.offer"
	ProblemNotSaved = "enrolment.problem.not_saved"
)

// Problem keys of the robot check and the choice beneath it (RecoveryStart; the first also on the pages of a link).
const (
	ProblemRobot  = "robot.problem"
	ProblemChoice = "recovery.problem.choice"
)

// Problem keys of a new password (RecoveryLinkPassword).
const (
	ProblemNewPasswordMissing    = "password.problem.missing"
	ProblemNewPasswordShort      = "password.problem.short"
	ProblemNewPasswordLong       = "password.problem.long"
	ProblemNewPasswordCharacters = "password.problem.characters"
	ProblemNewPasswordCommon     = "password.problem.common"
	ProblemNewPasswordWords      = "password.problem.words"
	ProblemNewPasswordRepeat     = "password.problem.repeat"
)

// Notice keys of the account's page (MyAccount).
const (
	NoticeSessionEnded     = "myaccount.notice.session_ended"
	NoticeOthersEnded      = "myaccount.notice.others_ended"
	NoticeAppAdded         = "myaccount.notice.app_added"
	NoticeAppRemoved       = "myaccount.notice.app_removed"
	NoticeAppRenamed       = "myaccount.notice.app_renamed"
	NoticeRecoveryRenewed  = "myaccount.notice.recovery_renewed"
	NoticeBrowserForgotten = "myaccount.notice.browser_forgotten"
	NoticeConfirmed        = "myaccount.notice.confirmed" // a fresh proof was given; the change itself waits for another press
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
	App          string // name of the app that waits, or ""
	Problem      string
	Throttled    bool   // adds one sentence; everything else stays as it is (RULES §2)
	RememberDays int    // how long this browser may be remembered; 0 asks nothing
	OtherURL     string // to SignInMethods
}

// SignInMethods is the page signin_methods: the other ways that the account has to give a second factor. A way without an
// address is not shown.
type SignInMethods struct {
	Address     string
	CodeURL     string // to SignInSecond
	RecoveryURL string // to SignInRecovery
	BackURL     string
}

// SignInRecovery is the page signin_recovery: it asks for the recovery code.
// Form fields: recovery_code (as typed: any case, spaces and hyphens anywhere).
type SignInRecovery struct {
	Action    string
	Address   string
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
}

// SignInContinue is the page signin_continue: signed in, going on to the app. The handler sets the Refresh header too,
// because form-action 'self' forbids a redirect to the app right after a form POST (RULES §11).
type SignInContinue struct {
	App string
	URL web.RegisteredURL // registered by the operator: an app's own scheme is a good one here (RFC 8252 §7.1)
}

// SignInRestart is the page signin_restart: the attempt is too old or unreadable, start again from the app.
type SignInRestart struct {
	App string // "" means the account's own page
	URL string
}

// RecoveryStart is the page recovery_start (S5), "Skapa lösenord": address, robot check, and one of two mails.
// Form fields: address, robot (token + "." + n, filled by recovery.js; absent from the form without JavaScript), want
// ("reset" or "login").
type RecoveryStart struct {
	Action       string // for the form with the robot check
	PlainURL     string // for the form without JavaScript
	ChallengeURL string // POST answers {"challenge","salt","max","token"}
	BackURL      string
	Address      string
	Problem      string
}

// RecoverySent is the page recovery_sent (S6). Address is what the person typed and never what an account holds, so the
// page is the same for known and unknown addresses.
type RecoverySent struct {
	AgainURL string
	BackURL  string
	Address  string
}

// RecoveryLinkPassword is the page recovery_link_password (S8): a new password and its repetition.
// Form fields: new_password, repeat_password, end_others ("on" when ticked), robot (only when Elsewhere), and username,
// hidden, for password managers (the handler ignores it).
type RecoveryLinkPassword struct {
	Action       string
	PlainURL     string // when Elsewhere: where the button goes without JavaScript
	ChallengeURL string // when Elsewhere
	Address      string
	FirstName    string // "" where unknown
	MinLength    int    // in code points
	MaxLength    int
	Words        []string // parts of name, address and employer that the password must not contain
	Problem      string
	KeepOthers   bool   // the person unticked "log out my other devices" before a problem
	Elsewhere    bool   // opened in another browser than the one that asked (RULES §4)
	OtherAccount string // address signed in here now, "" where none or the same
}

// RecoveryLinkSignIn is the page recovery_link_signin (S9): one press signs in.
// Form fields: robot (only when Elsewhere).
type RecoveryLinkSignIn struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	Address      string
	FirstName    string
	App          string
	Problem      string
	Elsewhere    bool
	OtherAccount string
}

// RecoveryLinkGone is the page recovery_link_gone: unknown, used and expired links look the same here; it offers a new one.
type RecoveryLinkGone struct {
	AgainURL string // to RecoveryStart; "" where only the app can begin one
	App      string
	URL      string // the app's own start
}

// EnrolmentOffer is the page enrolment_offer (S11): two-factor authentication, now or later.
// Form fields: want ("on" or "later"; only "on" when Required).
type EnrolmentOffer struct {
	Action   string
	App      string    // name of the app that waits, or ""
	Employer string    // who recommends or requires it; "" where unknown
	Until    time.Time // the first day on which it is required (its date in UTC is shown); zero: no date
	Required bool      // that day has come: there is no "later"
	Problem  string
}

// EnrolmentChoice is the page enrolment_choice (S12): which authenticator it shall be. It shows what works: for now every
// other app.
// Form fields: want ("other").
type EnrolmentChoice struct {
	Action  string
	BackURL string
}

// EnrolmentApp is the page enrolment_app (S14): the key goes into the app, by camera, by hand or by a press.
type EnrolmentApp struct {
	QR      web.Markup        // of qrSVG
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
// Form fields: code.
type EnrolmentCode struct {
	Action  string
	BackURL string // to EnrolmentApp
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

// MyAccount is the page myaccount at /account (S10).
// Form fields: session (the row's ID) to EndAction; none to EndOthersAction and SignOutAction. Those of MFA stand there.
type MyAccount struct {
	Name            string
	Address         string
	Sessions        []SessionRow
	OfflineApps     []string // apps that keep their access after a sign-out
	Notice          string   // a key, or ""
	App             string   // name of an app that has no start address of its own: the page says to go back to it
	EndAction       string
	EndOthersAction string
	SignOutAction   string
	MFA             *MyMFA // nil: nothing is said of it
}

// MyMFA is the part of MyAccount about two-factor authentication; it is on where there is an app. An action without an
// address has no button.
// Form fields: none to AddAction and RenewAction; app (the row's ID) and name to RenameAction; app to RemoveAction, by GET,
// which answers with MyAccountRemove; browser (the row's ID) to ForgetAction.
type MyMFA struct {
	Apps         []AppRow
	AddAction    string
	RenameAction string
	RemoveAction string
	RenewAction  string
	ForgetAction string
	RecoveryMade time.Time // zero: there is no recovery code
	Remembered   []RememberedRow
	Policy       string    // of the strictest organisation: "off", "optional", "recommended" or "required"
	Until        time.Time // the first day on which it is required (its date in UTC is shown); zero: no date, or it has come
}

// AppRow is one authenticator app on MyAccount.
type AppRow struct {
	ID    string
	Name  string
	Added time.Time
	Used  time.Time // zero: never
}

// RememberedRow is one browser that is not asked for a code, on MyAccount.
type RememberedRow struct {
	ID      string
	Device  string // "" where unknown
	Browser string // "" where unknown
	Added   time.Time
	Until   time.Time
}

// MyAccountRemove is the page myaccount_remove: it asks before an authenticator app is removed.
// Form fields: app (the ID) to Action; none to AddAction.
type MyAccountRemove struct {
	Action    string
	AddAction string // where a Forbidden page's button begins to add another app; "" leads back to CancelURL instead
	CancelURL string
	ID        string
	Name      string
	Last      bool // two-factor authentication is off afterwards
	Forbidden bool // it is the last one and the policy requires one: the page has no button to remove it
}

// SessionRow is one recently used device on MyAccount.
type SessionRow struct {
	ID      string
	Device  string // "" where unknown
	Browser string // "" where unknown
	Address string // IP address
	First   time.Time
	Last    time.Time
	Current bool // the browser that looks at the page
}

// SignOutConfirm is the page signout_confirm: a sign-out that did not begin here asks first.
// Hidden carries what the handler needs back, as form fields.
type SignOutConfirm struct {
	Action    string
	CancelURL string
	App       string // the app that asks, or ""
	Address   string // who is signed in, or ""
	Hidden    map[string]string
}

// SignOutDone is the page signout_done.
type SignOutDone struct {
	App string
	URL string // back to the app; "" leads to a new sign-in
}

// SignOutContinue is the page signout_continue: signed out, going on to the app (with a Refresh header, as SignInContinue).
type SignOutContinue struct {
	App string
	URL web.RegisteredURL // registered by the operator
}
