// Package session holds the noun session: one browser's signed-in state, what it is worth (acr, amr) and
// how long it lasts. It does not make or end sessions: authn makes them, flows end them.
package session

import (
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
)

// ID names a session in lists, grants and logs. It is not the secret that the cookie carries.
type ID string

// ACR is an authentication context class: what a sign-in is worth (RULES §3).
type ACR string

// The ladder of assurance, lowest first.
const (
	Mail ACR = "urn:portvakt:mail"
	Pwd  ACR = "urn:portvakt:pwd"
	MFA  ACR = "urn:portvakt:mfa"
	AAL2 ACR = "urn:portvakt:aal2"
	PHR  ACR = "urn:portvakt:phr"
)

// Ladder lists the classes from lowest to highest.
func Ladder() []ACR { return []ACR{Mail, Pwd, MFA, AAL2, PHR} }

// Rank is the place on the ladder, from 1; an unknown class has 0.
func (a ACR) Rank() int {
	for i, rung := range Ladder() {
		if rung == a {
			return i + 1
		}
	}
	return 0
}

// Satisfies says whether a is at least want.
func (a ACR) Satisfies(want ACR) bool { return a.Rank() >= want.Rank() && want.Rank() > 0 }

// Why a session ended; stored with it and shown in the audit log.
const (
	EndedBySignOut  = "sign-out"
	EndedByOwner    = "ended by owner"
	EndedByReset    = "password reset"
	EndedByNotMe    = "this was not me"
	EndedByReplaced = "replaced by a new sign-in"
	EndedByClosing  = "account closed"
	// EndedByAdministrator: the connection with an organisation was taken away.
	EndedByAdministrator = "connection removed"
	EndedByTime          = "absolute limit"
)

// Device is where a session, or a request, comes from. Both fields are personal data.
type Device struct {
	UserAgent string // at most 512 bytes
	Address   string // IP address, text form
}

// Session is a browser's signed-in state.
type Session struct {
	ID       ID
	Account  account.ID
	Secret   secret.Hash // of the token in the cookie
	Attempt  string      // id of the attempt that made it: an attempt makes one session
	Epoch    int64       // the account's epoch when it was made
	ACR      ACR
	AMR      []string // RFC 8176, and ours: mail, push, recovery
	AuthTime time.Time
	Created  time.Time
	LastSeen time.Time
	Expires  time.Time     // absolute end
	Idle     time.Duration // longest silence that keeps single sign-on; 0: no idle limit
	Ended    time.Time
	EndedBy  string
	Device   Device
}

// IsLive says whether the session still stands: not ended, inside its absolute limit, of the account's
// present epoch.
func (s Session) IsLive(epoch int64, now time.Time) bool {
	return s.ID != "" && s.Ended.IsZero() && now.Before(s.Expires) && s.Epoch == epoch
}

// IsIdle says whether single sign-on is over for want of activity. Idle sends no logout and ends no
// refresh token: it only asks for a proof again (RULES §9).
func (s Session) IsIdle(now time.Time) bool {
	return s.Idle > 0 && now.Sub(s.LastSeen) > s.Idle
}

// Limits are how long a session lasts.
type Limits struct {
	Absolute time.Duration
	Idle     time.Duration // 0: none
}

// The presets of RULES §9.
var (
	// Office is for people at their own desk, with two factors.
	Office = Limits{Absolute: 10 * time.Hour, Idle: time.Hour}
	// Simple is for a password or a mailed link alone.
	Simple = Limits{Absolute: 10 * time.Hour}
)
