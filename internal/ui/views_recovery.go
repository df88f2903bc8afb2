package ui

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
	SMS      bool // the link goes to a phone: said of every number, whoever has it
	Number   bool // no mail reaches who logs in by a number: a new sheet does
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
