package ui

import "time"

// HappenedPrepared is what the mail has told that a person's login is ready.
const HappenedPrepared = "preparation.happened"

// PreparationConfirm is the page preparation_confirm (S1): the person confirms the mailed address, and may choose a password or not.
// Form fields: new_password and repeat_password (both empty: skipped), robot, and username, hidden, for password managers.
type PreparationConfirm struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	AddressURL   string // where another address is proposed; "" where this one was
	FirstName    string
	Employer     string
	Address      string
	SwitchOn     time.Time // zero: not known, or past
	Switched     bool      // people log in here already
	MinLength    int
	MaxLength    int
	Words        []string
	Unfolded     bool // the password fields are open
	Problem      string
	Password     bool // Problem is one of the new password's
	Phone        bool // Address is a number, and a password must be chosen
}

// PreparationSheet is the page preparation_sheet, behind a printed link: the person chooses her password.
// Form fields: new_password, repeat_password and robot.
type PreparationSheet struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	FirstName    string
	Employer     string
	SwitchOn     time.Time // zero: not known, or past
	Switched     bool
	MinLength    int
	MaxLength    int
	Words        []string
	Problem      string
	Password     bool // Problem is one of the new password's
}

// PreparationCode is the page preparation_code: the code of a printed sheet is typed where nothing can scan it.
// Form fields: code.
type PreparationCode struct {
	Action  string
	Code    string // as typed
	Problem string
}

// ProblemSheetCode is the problem of a typed code.
const ProblemSheetCode = "preparation.code.problem"

// PreparationConnect is the page preparation_connect: the address has an account, whose owner connects it by logging in.
type PreparationConnect struct {
	Action    string // where Mine
	SignInURL string // where not
	Employer  string
	Address   string
	Mine      bool
	Stale     bool   // it is signed in here, and must show more before
	Other     string // another account's address that is signed in here, or ""
	Phone     bool   // Address is a number
}

// PreparationDone is the page preparation_done: there is nothing more to do, or there is an app to go to.
type PreparationDone struct {
	FirstName string
	Employer  string
	Address   string
	SwitchOn  time.Time // zero: not known, or past
	Switched  bool
	Phone     bool // Address is a number
	Apps      []PreparationApp
	Sheet     bool   // there is no address: she logs in with Number
	Number    string // "" where another browser than the one that made the account looks
}

// PreparationApp is an app that can be begun at.
type PreparationApp struct{ Name, URL string }

// PreparationAddress is the page preparation_address: which other address?
// Form fields: address, robot.
type PreparationAddress struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	BackURL      string
	Employer     string
	Current      string // the register's, which is told
	Address      string // as typed
	Problem      string
	Robot        bool // Problem is not the address's
}

// PreparationSent is the page preparation_sent: a mail is on its way, the same for every address and every link.
type PreparationSent struct {
	Employer string
	Proposed bool // to an address that was proposed; else to the one that the link was mailed to
}

// PreparationProposed is the page preparation_proposed, behind the mail to a proposed address.
// Form fields: robot.
type PreparationProposed struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	Employer     string
	Address      string
	Problem      string
}

// PreparationObjection is the page preparation_objection, behind the mail that tells the register's address of another.
// Form fields: robot.
type PreparationObjection struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	Employer     string
	Address      string
	Problem      string
}

// PreparationAnswered is the page preparation_answered: the proposed address was confirmed, or withdrawn.
type PreparationAnswered struct {
	Employer string
	Objected bool
}

// PreparationGone is the page preparation_gone: the link does not work. A real one is renewed from here.
// Form fields: robot.
type PreparationGone struct {
	Action       string // "" where the link was never one of ours
	PlainURL     string
	ChallengeURL string
	Problem      string
	Sheet        bool // it was printed: another is had from whoever hands them out
}
