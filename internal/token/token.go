// Package token holds the noun device code: what a program without a browser of its own polls with until a person has
// approved it elsewhere (RFC 8628; by an app that asks her there, CIBA), and the one client that is built in, the authenticator.
package token

import (
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// DeviceState is how far a device code has come.
type DeviceState string

// The states. From waiting it goes to approved or denied, from approved to used or denied.
const (
	DeviceWaiting  DeviceState = "waiting"
	DeviceApproved DeviceState = "approved"
	DeviceDenied   DeviceState = "denied"
	DeviceUsed     DeviceState = "used"
)

// Device is a device authorization under way (RFC 8628 §3.2).
type Device struct {
	ID       string
	Code     secret.Hash // of the device code, which the program alone holds
	ClientID string
	Scope    string
	JKT      string // thumbprint of the key that began it and must go on with it; empty: none did
	State    DeviceState
	Account  account.ID // who approved; empty until then
	Created  time.Time
	Expires  time.Time
	Polled   time.Time     // the last time that it was asked for; zero: never
	Interval time.Duration // the least time between two polls
	GrantID  string        // the grant that its use makes; chosen at the approval
	// UserCode is the pseudonym of the short code that a person types elsewhere; empty: an authenticator's, which is approved otherwise.
	UserCode string
	// Delivery is how an app that asks a person on her phone hears of the answer; empty: this is a device code. Its Account is then who is asked, and
	// its Approval.Epoch that of then.
	Delivery string
	Notify   string // sealed: what such an app is pinged with; empty: it polls
	Approval Approval
}

// Approval is the sign-in in which a person approved a device code. Its zero value: nobody did, or by the pairing of an authenticator.
type Approval struct {
	Session  session.ID // with which the grant ends, unless it is for longer
	ACR      session.ACR
	AMR      []string
	AuthTime time.Time
	Epoch    int64 // the account's; a higher one since, and the approval counts no more
	At       time.Time
}

// The code that a person types (RFC 8628 §6.1): consonants alone, so that no words come about and no letter is taken for a figure.
const (
	UserCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	UserCodeLength  = 8 // 34 bits
)

// DeviceLife is how long a device code waits for a person; DevicePoll is how long its device waits between two polls.
const (
	DeviceLife = 15 * time.Minute
	DevicePoll = 5 * time.Second
)

// How often a device code may be asked for (RFC 8628 §3.5).
const (
	// SlowDown is what each poll that comes too soon adds to the interval.
	SlowDown = 5 * time.Second
	// MaxInterval is where that ends: whoever mends his ways shall still get an answer.
	MaxInterval = time.Minute
)

// Waits says whether a person may still approve it.
func (d Device) Waits(now time.Time) bool { return d.State == DeviceWaiting && now.Before(d.Expires) }

// IsTooSoon says whether a poll at now comes before its time. A quarter of the interval is forgiven: two requests do not
// take the same time to arrive.
func (d Device) IsTooSoon(now time.Time) bool {
	return d.Waits(now) && !d.Polled.IsZero() && now.Before(d.Polled.Add(d.Interval-d.Interval/4))
}

// AuthenticatorClient is the client id of every authenticator (docs/authenticator-protocol.md). It is built in: no row, no
// redirect URI, no registration.
const AuthenticatorClient = "portvakt-authenticator"

// AuthenticatorLife is how long an authenticator's grant lasts: a phone is paired for good, until somebody unpairs it.
const AuthenticatorLife = 10 * 365 * 24 * time.Hour

// AuthenticatorScopes are the rights of an authenticator. The first four exist for its device codes alone (RULES §8).
func AuthenticatorScopes() []string {
	return []string{"2fa.push:configure", "2fa.push:read", "2fa.push:approve", "2fa.push:delete",
		"profile", "address", "email", "phone", "offline_access"}
}
