package ui

import "time"

// MyAccountActivity is the page myaccount_activity at /account/activity.
type MyAccountActivity struct {
	Rows     []ActivityRow
	OlderURL string // "" where nothing is older
	BackURL  string
}

// ActivityRow is one happening on MyAccountActivity.
type ActivityRow struct {
	Text      string // a key; "" says that sign-ins have failed, Count of them
	By        string // a key: who did it; "" where it was done in the account's name
	App       string // name of the app that it is about; "" where there is none any more
	At        time.Time
	Device    string // "" where unknown
	Browser   string // "" where unknown
	Place     string // country; "" where unknown
	Address   string // IP address; "" where there is none
	Count     int
	Addresses int // from how many IP addresses
}
