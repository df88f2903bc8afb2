package ui

import "time"

// ProblemEraseAgree asks for the tick on MyAccountErase.
const ProblemEraseAgree = "myaccount.erase.problem"

// MyAccountErase is the page myaccount_erase at /account/erase.
// Form field: agree ("on") to Action.
type MyAccountErase struct {
	Action    string
	CancelURL string
	Address   string
	Guarded   time.Time // until then it cannot be erased: the page says why and has no button; zero: it can
	Problem   string    // a key, or ""
}

// MyAccountErased is the page myaccount_erased, after everything is gone.
type MyAccountErased struct{}
