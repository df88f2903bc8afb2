package push

import (
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// ReportAfter is how long after a denial its author may still say "it was not me".
const ReportAfter = 10 * time.Minute

// Decision is what a person says to a challenge.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	NotMe   Decision = "not_me"
)

// Answer is what a phone signs: everything that it was asked, and what its owner says to it.
type Answer struct {
	Issuer      string     `json:"iss"` // the key's id
	Audience    string     `json:"aud"` // the installation's issuer
	Subject     account.ID `json:"sub"`
	Challenge   string     `json:"challenge"`
	Nonce       string     `json:"nonce"`
	Attempt     string     `json:"attempt"`
	Purpose     Purpose    `json:"purpose"`
	ClientID    string     `json:"client_id"`
	Shown       Shown      `json:"shown"`
	Number      string     `json:"number"`
	Decision    Decision   `json:"decision"`
	EndSessions bool       `json:"end_sessions"`
	Expires     int64      `json:"exp"` // Unix seconds, as in the challenge
}

// answerType is the typ header of an answer, so that no other thing that the key signs can be taken for one.
const answerType = "portvakt-approval+jwt"

// VerifyAnswer says whether token is this key's own answer to this very challenge, and whether its number is the one on the
// sign-in page; the challenge's Secret must be open. It looks at no clock: whether the challenge still waits is asked where it
// is consumed, and a phone whose clock is off signs the end that it was given.
func (k Key) VerifyAnswer(c Challenge, issuer, token string) (a Answer, right, ok bool) {
	if signingkey.VerifyBy(k.Signing, token, answerType, &a) != nil || k.Account != c.Account {
		return Answer{}, false, false
	}
	want := Answer{Issuer: k.ID, Audience: issuer, Subject: c.Account, Challenge: c.ID, Nonce: c.Secret.Nonce, Attempt: c.AttemptHash(),
		Purpose: c.Purpose, ClientID: c.ClientID, Shown: c.Shown, Number: a.Number, Decision: a.Decision, EndSessions: a.EndSessions,
		Expires: c.Expires.Unix()}
	if a != want || a.Decision != Approve && a.Decision != Deny && a.Decision != NotMe {
		return Answer{}, false, false
	}
	if c.Mode == Message && a.Decision == Approve && a.Number == "" {
		return Answer{}, false, false // by a program that knows of no messages: not her no, which would keep every app from asking
	}
	typed := a.Number
	if c.Mode == Type {
		typed = secret.ReadDigits(typed, len(c.Secret.Number))
	}
	return a, typed == c.Secret.Number, true
}
