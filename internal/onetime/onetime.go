// Package onetime holds the noun one-time link: a secret that was mailed to a person and works once.
// Who may use it and what it does is the business of the flows; that only one caller wins is the store's.
package onetime

import (
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
)

// Purpose says what a link is good for. A link of one purpose is nothing at another's page.
type Purpose string

// The purposes of links.
const (
	// Reset lets its holder choose a new password.
	Reset Purpose = "reset"
	// Signin signs its holder in once and leaves the password alone.
	Signin Purpose = "signin"
	// NotMe lets whoever was told of something say that it was not she. It stands in the mail that told her.
	NotMe Purpose = "notme"
	// Address confirms the new address to which it was mailed, for somebody who is signed in.
	Address Purpose = "address"
)

// Life is how long a link of the purpose works, counted from the mail server's first acceptance (RULES §4).
func (p Purpose) Life() time.Duration {
	switch p {
	case Signin:
		return 15 * time.Minute
	case NotMe:
		return 7 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// Outlives says whether links of the purpose outlive what ends others: a change of password or address, a use of another, and
// more than MaxLiving of their kind. Otherwise a thief would silence the warning by what it warns of.
func (p Purpose) Outlives() bool { return p == NotMe }

// MaxLiving is how many links of one purpose are valid together for one account. With one alone, anybody
// could kill Anna's link by asking for another.
const MaxLiving = 3

// Link is a one-time link at rest. It never holds a redirect URI, a state or a nonce (RULES §4).
type Link struct {
	ID       string
	Secret   secret.Hash
	Purpose  Purpose
	Account  account.ID
	Epoch    int64  // the account's epoch when it was made: a later change of password or address kills it
	ClientID string // the RP on whose behalf it was asked for; may be empty
	Language string
	Attempt  string      // the attempt that asked, to be recognised in the same browser
	Binding  secret.Hash // of that attempt's binding secret
	Created  time.Time
	Expires  time.Time
	Consumed time.Time
	// About is what the mail around the link tells of; the flow that makes the link reads it again.
	About map[string]string
}

// DoubleClick is how long after its use a link may be pressed once more by the one who used it: a browser drops the answer
// to the first of two clicks, and an answer can be lost on its way.
const DoubleClick = 30 * time.Second

// IsJustUsed says whether the link was used a moment ago and nothing has changed since: a reset and a change of address move the epoch once.
func (l Link) IsJustUsed(epoch int64, now time.Time) bool {
	after := l.Epoch
	if l.Purpose == Reset || l.Purpose == Address {
		after++
	}
	return l.ID != "" && !l.Consumed.IsZero() && now.Sub(l.Consumed) < DoubleClick && (epoch == after || l.Purpose.Outlives())
}

// IsLiving says whether the link can still be used.
func (l Link) IsLiving(epoch int64, now time.Time) bool {
	return l.ID != "" && l.Consumed.IsZero() && now.Before(l.Expires) && (l.Epoch == epoch || l.Purpose.Outlives())
}
