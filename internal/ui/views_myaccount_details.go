package ui

import "time"

// Problem keys of the pages about a person's own details.
const (
	ProblemName            = "myaccount.problem.name"
	ProblemLanguage        = "myaccount.problem.language"
	ProblemCurrentPassword = "myaccount.problem.current_password"
)

// MyDetails is the part of MyAccount about the person herself; name and address stand in MyAccount. What has no address has no
// link.
type MyDetails struct {
	ProfileURL      string
	PasswordURL     string
	Language        string    // its own name: the one that was chosen, else the page's
	PasswordChanged time.Time // zero: there is no password
}

// MyAccountProfile is the page myaccount_profile: name and language.
// Form fields: given_name, family_name, language (a code).
type MyAccountProfile struct {
	Action          string
	CancelURL       string
	GivenName       string
	FamilyName      string
	Languages       []LanguageChoice
	GivenProblem    string
	FamilyProblem   string
	LanguageProblem string
}

// LanguageChoice is one language to choose.
type LanguageChoice struct {
	Code   string
	Own    string // the language's own name
	Chosen bool
}

// MyAccountPassword is the page myaccount_password: a new password, or the first one.
// Form fields: current_password (where HasPassword), new_password, repeat_password, end_others ("on" when ticked), and username,
// hidden, for password managers (the handler ignores it).
type MyAccountPassword struct {
	Action         string
	CancelURL      string
	ForgotURL      string // where HasPassword: the way of somebody who does not know it
	Address        string
	HasPassword    bool
	MinLength      int // in code points
	MaxLength      int
	Words          []string
	CurrentProblem string
	Throttled      bool // beside CurrentProblem: there were too many failures
	Problem        string
	KeepOthers     bool // the person unticked "log out my other devices" before a problem
}
