// Package throttle holds the noun budget: how many failures a key (an identifier, a network, a recipient)
// may have before it must pause. Counting happens in the database, by one statement, before the work.
package throttle

import (
	"math"
	"time"
)

// Budget is the rule for one kind of key.
type Budget struct {
	Limit    int           // slots in a window
	Window   time.Duration // length of a window
	Pause    time.Duration // first pause after the limit; doubled at each further one; 0: until the window ends
	MaxPause time.Duration
	Weight   int // slots that one take costs; 0 counts as 1
}

// The budgets of RULES §2 and §4.
var (
	// Identifier is for failed sign-ins of one identifier, or of one identifier in a known browser.
	Identifier = Budget{Limit: 8, Window: 10 * time.Minute, Pause: time.Minute, MaxPause: 30 * time.Minute}
	// Network is for failed sign-ins from one /24 or /64.
	Network = Budget{Limit: 300, Window: 10 * time.Minute}
	// Recipient and RecipientDay are for mails that anybody can cause to one address.
	Recipient    = Budget{Limit: 5, Window: 15 * time.Minute}
	RecipientDay = Budget{Limit: 20, Window: 24 * time.Hour}
	// Requests is for recovery requests from one network: as many as colleagues on switch day may need.
	Requests = Budget{Limit: 300, Window: 10 * time.Minute}
	// SMSNumber, SMSNumberDay, SMSAccountDay and SMSNetwork are for codes by SMS, which cost money.
	SMSNumber     = Budget{Limit: 5, Window: 15 * time.Minute}
	SMSNumberDay  = Budget{Limit: 10, Window: 24 * time.Hour}
	SMSAccountDay = Budget{Limit: 10, Window: 24 * time.Hour}
	SMSNetwork    = Budget{Limit: 300, Window: time.Hour}
	// SMSNotice is for messages by SMS that tell one person what has happened to her account.
	SMSNotice = Budget{Limit: 10, Window: 24 * time.Hour}
	// Listed is for the mail that leads away from an old password which everybody knows.
	Listed = Budget{Limit: 1, Window: 24 * time.Hour}
	// Plain and PlainGlobal are for the recovery form without JavaScript, which has no puzzle.
	Plain       = Budget{Limit: 3, Window: time.Hour}
	PlainGlobal = Budget{Limit: 600, Window: time.Hour}
	// Questions is for what one app asks one person on her phone.
	Questions = Budget{Limit: 10, Window: time.Hour}
	// RegistrationsDay is for apps that register themselves without a token, all together.
	RegistrationsDay = Budget{Limit: 1000, Window: 24 * time.Hour}
)

// Row only counts: of its slots none is refused. What counts is the length of the row since the last success.
var Row = Budget{Limit: math.MaxInt32, Window: Keep}

// SuspendAfter is the number of failures in a row that suspends an authenticator (NIST SP 800-63B-4 §3.2.2).
const SuspendAfter = 100

// UnusualAfter is the number of failures in a row of which the person is told.
const UnusualAfter = 20

// Keep is how long an untouched row stays.
const Keep = 24 * time.Hour

// Slot is one key to take from and its rule.
type Slot struct {
	Key    string // a pseudonym: the table never holds an address
	Budget Budget
}

// Taken is what taking a slot found.
type Taken struct {
	Granted bool
	Count   int // slots taken in the present window
	InARow  int // failures since the last success
}

// PauseAfter is how long the key must wait after its n-th pause, from 1.
func (b Budget) PauseAfter(n int) time.Duration {
	if b.Pause == 0 {
		return b.Window
	}
	p := b.Pause
	for range min(n-1, 16) {
		p *= 2
	}
	return min(p, b.MaxPause)
}
