// Package terminal is an authenticator without a phone: it is paired, listens and answers by docs/authenticator-protocol.md alone,
// and imports nothing of Portvakt, so that it tells whether that page is enough. It signs and decrypts by the standard library,
// while the server does so by another one. It prints nothing: the command does.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// clientID is every authenticator's (§1).
const clientID = "portvakt-authenticator"

// Authenticator holds the accounts of one file.
type Authenticator struct {
	File string
	// HTTP reaches the issuers; it needs no overall time limit, because a stream of events is long.
	HTTP *http.Client
	Now  func() time.Time
	// Pause waits between two questions; it returns early when ctx ends.
	Pause func(ctx context.Context, d time.Duration)

	nonces nonces
}

// New returns the authenticator of a file, which need not exist yet.
func New(file string) *Authenticator {
	return &Authenticator{File: file, HTTP: newHTTP(), Now: time.Now, Pause: pause}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// The ways in which something does not work. Each says what a person can do about it.
var (
	ErrLink          = errors.New("this is neither a pairing link nor a key of 26 characters")
	ErrOtherIssuer   = errors.New("the link belongs to another installation")
	ErrNoIssuer      = errors.New("a key alone does not tell where it belongs to: say --issuer, with the address that stands beside the key")
	ErrCode          = errors.New("the code is unknown, or its ten minutes are over: show a new one")
	ErrCodeUsed      = errors.New("another authenticator was quicker with this code: if that was not you, refuse it on the sign-in page, and show a new code")
	ErrRefused       = errors.New("the pairing was refused on the sign-in page, or its code was used twice")
	ErrPairingLate   = errors.New("nobody approved the pairing within its ten minutes: show a new code")
	ErrRemoved       = errors.New("the account has removed this authenticator: its keys are deleted here")
	ErrNoAccount     = errors.New("there is no such account here; portvakt authenticator list shows them")
	ErrAmbiguous     = errors.New("this could be several accounts")
	ErrNothing       = errors.New("no request is waiting")
	ErrChoose        = errors.New("what is shown where you began is needed")
	ErrNotAChoice    = errors.New("this cannot be what is shown where you began; nothing was sent")
	ErrMode          = errors.New("this program does not know how such a request is approved: a newer one may")
	ErrWrongNumber   = errors.New("this is not the number on the sign-in page: the request counts as denied")
	ErrGone          = errors.New("the request can no longer be answered")
	ErrLast          = errors.New("the employer requires two-factor authentication, and this is the account's last authenticator: add another one first")
	ErrInvalidAnswer = errors.New("the answer was not accepted")
)

// Problem is an error that the issuer has answered with (§9).
type Problem struct {
	Status      int    `json:"-"`
	Code        string `json:"error"`
	Description string `json:"error_description"`
	Reference   string `json:"reference"`
	How         string `json:"how"`
}

// Error says what the issuer said.
func (p *Problem) Error() string {
	text := fmt.Sprintf("the issuer answered %d", p.Status)
	if p.Code != "" {
		text += " " + p.Code
	}
	if p.Description != "" {
		text += ": " + p.Description
	}
	if p.Reference != "" {
		text += " (reference " + p.Reference + ")"
	}
	return text
}

func problem(err error, code string) bool {
	p, ok := errors.AsType[*Problem](err)
	return ok && p.Code == code
}

// passing says whether an error may be over in a moment: the network's, or a server's that is being started anew.
func passing(err error) bool {
	p, ok := errors.AsType[*Problem](err)
	return err != nil && (!ok || p.Status >= http.StatusInternalServerError || p.Status == http.StatusTooManyRequests)
}

// List lists the accounts, in the order in which they were paired.
func (a *Authenticator) List() ([]Account, error) {
	s, err := a.read()
	return s.Accounts, err
}

// Find is the account that a person means: by its number in the list, its address, its key id, or how one of these begins.
func (a *Authenticator) Find(meant string) (Account, error) {
	all, err := a.List()
	if err != nil {
		return Account{}, err
	}
	return find(all, meant)
}

func find(all []Account, meant string) (Account, error) {
	if meant == "" {
		switch len(all) {
		case 0:
			return Account{}, ErrNoAccount
		case 1:
			return all[0], nil
		}
		return Account{}, fmt.Errorf("%w: %s", ErrAmbiguous, names(all))
	}
	for i, one := range all {
		if meant == fmt.Sprint(i+1) {
			return one, nil
		}
	}
	var begins []Account
	for _, one := range all {
		if strings.EqualFold(meant, one.Address) && alone(all, one.Address) || meant == one.KeyID && meant != "" {
			return one, nil
		}
		if hasPrefix(one.Address, meant) || hasPrefix(one.KeyID, meant) {
			begins = append(begins, one)
		}
	}
	switch len(begins) {
	case 0:
		return Account{}, fmt.Errorf("%w: %q", ErrNoAccount, meant)
	case 1:
		return begins[0], nil
	}
	return Account{}, fmt.Errorf("%w: %s", ErrAmbiguous, names(begins))
}

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// alone says whether an address stands once in the list: it can be an account's of two issuers.
func alone(all []Account, address string) bool {
	n := 0
	for _, one := range all {
		if strings.EqualFold(one.Address, address) {
			n++
		}
	}
	return n == 1
}

func names(all []Account) string {
	var texts []string
	for _, one := range all {
		texts = append(texts, one.Address+" ("+one.KeyID+")")
	}
	return strings.Join(texts, ", ")
}
