package terminal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The words of a request (§5).
const (
	Test = "test" // purposes
	Ask  = "ask"

	Tap     = "tap" // modes
	Type    = "type"
	None    = "none"
	Message = "message"

	Approve = "approve" // decisions
	Deny    = "deny"
	NotMe   = "not_me"
)

// Request is a question that waits for an answer (§5).
type Request struct {
	ID       string   `json:"id"`
	Nonce    string   `json:"nonce"`
	Attempt  string   `json:"attempt"`
	Purpose  string   `json:"purpose"`
	Mode     string   `json:"mode"`
	Numbers  []string `json:"numbers"`
	ClientID string   `json:"client_id"`
	// Shown is signed as it came: members that this program does not know belong to it.
	Shown json.RawMessage `json:"shown"`
	Ends  int64           `json:"exp"` // Unix seconds, by the issuer's clock
}

// Shown is what a person is told of the browser that waits. Any member may be empty.
type Shown struct {
	App     string `json:"app"`
	Browser string `json:"browser"`
	Device  string `json:"device"`
	Place   string `json:"place"`
	Address string `json:"address"`
	Time    int64  `json:"time"`
	Message string `json:"message"`
}

// About reads what a person is told.
func (r Request) About() (s Shown) {
	if json.Unmarshal(r.Shown, &s) != nil {
		return Shown{}
	}
	for _, text := range []*string{&s.App, &s.Browser, &s.Device, &s.Place, &s.Address, &s.Message} {
		*text = plain(*text)
	}
	return s
}

// Waiting lists the requests that wait, the newest first (§5).
func (a *Authenticator) Waiting(ctx context.Context, account *Account) ([]Request, error) {
	var answer struct {
		Challenges []Request `json:"challenges"`
		Now        int64     `json:"now"`
	}
	if err := a.ask(ctx, account, call{method: http.MethodGet, path: "/push/challenges"}, &answer); err != nil {
		return nil, err
	}
	return answer.Challenges, a.setClock(account, answer.Now)
}

// drift is how far a clock may be off until it is noted: answers are on their way for a while.
const drift = 2 * time.Second

// setClock keeps how far the issuer's clock is ahead: codes count by it, and this machine's clock may have been set since.
func (a *Authenticator) setClock(account *Account, now int64) error {
	ahead := now - a.Now().UnixMilli()
	if off := time.Duration(ahead-account.Ahead) * time.Millisecond; off.Abs() < drift {
		return nil
	}
	account.Ahead = ahead
	_, err := a.update(account.ID, func(inFile *Account) error {
		inFile.Ahead = ahead
		return nil
	})
	return err
}

// Newest is the newest request that waits for one of the accounts.
func (a *Authenticator) Newest(ctx context.Context, accounts []Account) (account Account, newest Request, err error) {
	found := false
	for _, one := range accounts {
		all, err := a.Waiting(ctx, &one)
		if err != nil {
			return one, Request{}, err
		}
		if len(all) > 0 && (!found || all[0].Ends > newest.Ends) {
			account, newest, found = one, all[0], true
		}
	}
	if !found {
		return Account{}, Request{}, ErrNothing
	}
	return account, newest, nil
}

// Check says whether a number, or a message, can be the answer to a request, before anything is sent: a wrong number is a denial.
func (r Request) Check(number string) error {
	switch r.Mode {
	case None:
		return nil
	case Message: // who has not said what she compared it with may not have looked
		if number == "" {
			return fmt.Errorf("%w: the message", ErrChoose)
		}
		if number != r.About().Message {
			return fmt.Errorf("%w: another message is asked about", ErrNotAChoice)
		}
		return nil
	case Type:
		if number == "" {
			return fmt.Errorf("%w: 6 digits", ErrChoose)
		}
		if len(number) != 6 || strings.Trim(number, "0123456789") != "" {
			return fmt.Errorf("%w: 6 digits are asked for", ErrNotAChoice)
		}
		return nil
	case Tap:
		if number == "" {
			return fmt.Errorf("%w: one of %s", ErrChoose, strings.Join(r.Numbers, ", "))
		}
		if !slices.Contains(r.Numbers, number) {
			return fmt.Errorf("%w: %s", ErrNotAChoice, strings.Join(r.Numbers, ", "))
		}
		return nil
	}
	return ErrMode
}

// answer is what is signed (§6).
type answer struct {
	Issuer      string          `json:"iss"`
	Audience    string          `json:"aud"`
	Subject     string          `json:"sub"`
	Challenge   string          `json:"challenge"`
	Nonce       string          `json:"nonce"`
	Attempt     string          `json:"attempt"`
	Purpose     string          `json:"purpose"`
	ClientID    string          `json:"client_id"`
	Shown       json.RawMessage `json:"shown"`
	Number      string          `json:"number"`
	Decision    string          `json:"decision"`
	EndSessions bool            `json:"end_sessions,omitempty"`
	Ends        int64           `json:"exp"`
}

// signed is the answer to a request as a compact JWS.
func (account Account) signed(r Request, decision, number string, endSessions bool) (string, error) {
	key, err := readKey(account.Signing)
	if err != nil {
		return "", err
	}
	return sign(key, map[string]string{"alg": "ES256", "typ": "portvakt-approval+jwt", "kid": account.KeyID},
		answer{Issuer: account.KeyID, Audience: account.Issuer, Subject: account.Subject, Challenge: r.ID, Nonce: r.Nonce, Attempt: r.Attempt,
			Purpose: r.Purpose, ClientID: r.ClientID, Shown: r.Shown, Number: number, Decision: decision, EndSessions: endSessions, Ends: r.Ends})
}

// Answer answers a request, and returns what has become of it: "approved", "denied" or "reported" (§6).
func (a *Authenticator) Answer(ctx context.Context, account Account, r Request, decision, number string, endSessions bool) (string, error) {
	if decision != Approve {
		number = ""
	} else if err := r.Check(number); err != nil {
		return "", err
	}
	token, err := account.signed(r, decision, number, endSessions)
	if err != nil {
		return "", err
	}
	var out struct {
		Result string `json:"result"`
	}
	err = a.ask(ctx, &account, call{method: http.MethodPost, path: "/push/challenges/" + url.PathEscape(r.ID), body: map[string]string{"answer": token}}, &out)
	switch p, _ := errors.AsType[*Problem](err); {
	case err == nil:
	case problem(err, "gone"):
		if p.How == "" {
			return "", ErrGone
		}
		return "", fmt.Errorf("%w: it was %s", ErrGone, p.How)
	case problem(err, "not_found"):
		return "", ErrGone
	case problem(err, "invalid_answer"):
		return "", fmt.Errorf("%w: %w", ErrInvalidAnswer, err)
	default:
		return "", err
	}
	wrong := out.Result == "wrong_number"
	if wrong || decision == Deny {
		_, err = a.update(account.ID, func(inFile *Account) error {
			inFile.Denied, inFile.DeniedAt = &r, a.Now().UnixMilli()
			return nil
		})
	}
	if wrong {
		err = errors.Join(ErrWrongNumber, err)
	}
	return out.Result, err
}

// reportAfter is how long after a denial it may still be said that the request was somebody else's (§6).
const reportAfter = 10 * time.Minute

// Reportable is what "it was not me" is about: the newest request that waits, or else the one that was denied last.
func (a *Authenticator) Reportable(ctx context.Context, accounts []Account) (Account, Request, error) {
	account, r, err := a.Newest(ctx, accounts)
	if !errors.Is(err, ErrNothing) {
		return account, r, err
	}
	var last int64
	for _, one := range accounts {
		if one.Denied != nil && one.DeniedAt > last && a.Now().UnixMilli()-one.DeniedAt < reportAfter.Milliseconds() {
			account, r, last = one, *one.Denied, one.DeniedAt
		}
	}
	if last == 0 {
		return Account{}, Request{}, ErrNothing
	}
	return account, r, nil
}
