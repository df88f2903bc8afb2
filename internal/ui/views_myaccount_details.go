package ui

import "time"

// Problem keys of the pages about a person's own details.
const (
	ProblemName            = "myaccount.problem.name"
	ProblemLanguage        = "myaccount.problem.language"
	ProblemAddressSame     = "myaccount.problem.address_same"
	ProblemAddressTaken    = "myaccount.problem.address_taken"
	ProblemCurrentPassword = "myaccount.problem.current_password"
)

// MyDetails is the part of MyAccount about the person herself; name and address stand in MyAccount. What has no address has no
// link.
type MyDetails struct {
	ProfileURL      string
	PasswordURL     string
	AddressURL      string
	Pending         string    // an address that waits to be confirmed; "" where none does
	WithdrawAction  string    // a form without fields; "" has no button
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

// MyAccountAddress is the page myaccount_address: which new address?
// Form fields: address.
type MyAccountAddress struct {
	Action    string
	CancelURL string
	Current   string
	Address   string // as typed
	First     bool   // Current is a number: there was no address before
	Problem   string
}

// MyAccountAddressSent is the page myaccount_address_sent: a mail is on its way, the same for every address.
type MyAccountAddressSent struct {
	Address    string
	AgainURL   string
	AccountURL string
}

// MyAccountAddressLink is the page myaccount_address_link, behind the link in that mail.
// Form fields: end_others ("on" when ticked), where Mine.
type MyAccountAddressLink struct {
	Action     string
	CancelURL  string
	Address    string // the new one
	Current    string // the account's; "" where not Mine
	Mine       bool   // the account that has asked is signed in here
	SignInURL  string // where not Mine: first this
	Other      string // where not Mine: the address that is signed in here, or ""
	KeepOthers bool
	Problem    string // the address cannot be used: no button
}
