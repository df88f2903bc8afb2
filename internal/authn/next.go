package authn

import (
	"time"

	"github.com/portvakt/portvakt/internal/session"
)

// Step is what an attempt needs next.
type Step int

// The steps of a sign-in, in the order of the guide.
const (
	// AskIdentifier: the first page, which asks for the address.
	AskIdentifier Step = iota
	// AskPassword: the second page.
	AskPassword
	// AskCode: the account has something beside its password, and this browser must show it.
	AskCode
	// AskNewPassword: the password of the old login was right and is not what we ask for; another takes its place first.
	AskNewPassword
	// Offer: two-factor authentication is recommended or required, and not there yet (S11).
	Offer
	// AskMail: the first authenticator of an administrator is about to be added, and nobody has shown that she reads her mail.
	AskMail
	// Enrol: an authenticator app is being added (S12, S14).
	Enrol
	// TryPush: a phone is paired, and rings for a first time (S13).
	TryPush
	// AskPhone: the number of a phone is being added, for the day when the app is lost (S15).
	AskPhone
	// ShowRecovery: a new recovery code is shown until it is saved (S16).
	ShowRecovery
	// AskApp: a recovery code was used; is the app still there?
	AskApp
	// Complete: nothing stands between what has been proven and a session.
	Complete
	// GoOn: the request is answered; on to the app.
	GoOn
	// RestartAtApp: signed in, but the app no longer waits for this request; it must ask again, and is then
	// answered from the session.
	RestartAtApp
	// StartAgain: the attempt is over.
	StartAgain
)

// String names the step.
func (s Step) String() string {
	return [...]string{"ask identifier", "ask password", "ask code", "ask for a new password", "offer", "ask for a mailed link", "enrol", "try the phone", "ask for a phone", "show recovery code", "ask for the app", "complete", "go on", "restart at app", "start again"}[s]
}

// Facts are what Next decides on, besides the attempt: the browser's session, if it has one that stands, and what has been
// proven in the attempt.
type Facts struct {
	Progress Progress        // zero: nothing has been proven, or it no longer counts
	Second   Second          // of the account of Progress
	Session  session.Session // zero: none
	Live     bool            // not ended, inside its absolute limit, of the account's epoch
}

// Waiting is how long the RP of the attempt keeps its side of the request.
type Waiting struct {
	RequestMaxAge time.Duration
}

// Next is the sign-in as one pure function: what the attempt needs, given what has been proven.
func Next(a Attempt, f Facts, w Waiting, now time.Time) Step {
	switch {
	case now.After(a.Begun.Add(AttemptLife)):
		return StartAgain
	case f.Live && f.Session.Attempt == a.ID:
		// This attempt's own proof made the session, so prompt=login and max_age are met.
		if a.Request.ClientID != "" && (a.Request.RedirectURI == "" || now.After(a.Request.Received.Add(w.RequestMaxAge))) {
			return RestartAtApp
		}
		return GoOn
	case f.Progress.Account != "":
		return Needs(a, f.Progress, f.Second, false, now)
	case a.Identifier == "":
		return AskIdentifier
	}
	return AskPassword
}

// SSO says whether a standing session answers a request without a question (OIDC Core §3.1.2.3).
func SSO(r Request, f Facts, now time.Time) bool {
	switch {
	case !f.Live || f.Session.IsIdle(now):
		return false
	case r.HasPrompt("login") || r.HasPrompt("select_account"):
		return false
	case r.MaxAge != nil && now.Unix()-f.Session.AuthTime.Unix() > int64(*r.MaxAge):
		return false
	}
	return true
}
