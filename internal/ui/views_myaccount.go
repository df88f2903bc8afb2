package ui

import (
	"time"
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
	NoticeProfileSaved     = "myaccount.notice.profile_saved"
	NoticePasswordChanged  = "myaccount.notice.password_changed"
	NoticeAddressChanged   = "myaccount.notice.address_changed"
	NoticeAddressWithdrawn = "myaccount.notice.address_withdrawn"
	NoticePhoneAdded       = "myaccount.notice.phone_added"
	NoticePhoneRemoved     = "myaccount.notice.phone_removed"
	NoticeConfirmed        = "myaccount.notice.confirmed" // a fresh proof was given; the change itself waits for another press
)

// MyAccount is the page myaccount at /account (S10).
// Form fields: session (the row's ID) to EndAction; none to EndOthersAction and SignOutAction. Those of MFA stand there.
type MyAccount struct {
	Name            string
	Address         string
	Number          bool // Address is a number, because there is no address
	Sessions        []SessionRow
	Access          []AccessRow // see views_access.go
	RevokeAction    string
	ActivityURL     string
	ExportAction    string
	EraseURL        string
	Notice          string // a key, or ""
	App             string // name of an app that has no start address of its own: the page says to go back to it
	EndAction       string
	EndOthersAction string
	SignOutAction   string
	MFA             *MyMFA // nil: nothing is said of it
	Details         MyDetails
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
	Phone        *PhoneRow // nil: there is none
	// PhoneAction adds a phone or changes it, RemovePhoneAction removes it, by GET, which answers with MyAccountPhone.
	PhoneAction       string
	RemovePhoneAction string
	Remembered        []RememberedRow
	Policy            string    // of the strictest organisation: "off", "optional", "recommended" or "required"
	Until             time.Time // the first day on which it is required (its date in UTC is shown); zero: no date, or it has come
}

// AppRow is one authenticator app on MyAccount.
type AppRow struct {
	ID    string
	Name  string
	Added time.Time
	Used  time.Time // zero: never

	Paired   bool // it approves sign-ins
	Messages bool // and is called for them
	Lost     bool // it says that its keys are gone
}

// RememberedRow is one browser that is not asked for a code, on MyAccount.
type RememberedRow struct {
	ID      string
	Device  string // "" where unknown
	Browser string // "" where unknown
	Place   string // country; "" where unknown
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
	Place   string // country; "" where unknown
	Address string // IP address
	First   time.Time
	Last    time.Time
	Current bool // the browser that looks at the page
}
