// Package recovery is the flow of the mailed links: a new password, or one sign-in without one (steps S5 to
// S9 of the design). It knows neither HTTP nor SQL. Whether an address has an account is decided in
// Prepare, in the outbox worker, after the person has been answered.
package recovery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Service runs the recovery flow.
type Service struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Authn  *authn.Service
	Hasher *password.Hasher
	Keys   *secret.Keyring
	Robot  Robot
	Now    func() time.Time
	// PlainDelay is how long a request without JavaScript waits before its mail goes out: there the budgets
	// protect, not the puzzle (RULES §4).
	PlainDelay time.Duration
	Region     string // country of telephone numbers without a prefix, an ISO 3166 code
}

// Robot is the check that costs a machine more than a person.
type Robot interface {
	// Challenge makes a puzzle bound to a purpose and a context (an attempt's id, a link's).
	Challenge(purpose, bound string, now time.Time) Challenge
	// Check verifies an answer and returns the puzzle's id and end of life: the caller spends the id once.
	Check(purpose, bound, answer string, now time.Time) (id string, expires time.Time, err error)
}

// Challenge is a puzzle as the browser gets it: find n up to Max with SHA-256(Salt + n) = Challenge.
type Challenge struct {
	Challenge string `json:"challenge"` // hex
	Salt      string `json:"salt"`
	Max       int    `json:"max"`
	Token     string `json:"token"`
}

// Store answers questions outside a transaction.
type Store interface {
	// FindLink reads without consuming: mail scanners open links too.
	FindLink(ctx context.Context, h secret.Hash) (onetime.Link, account.Account, error)
	// ListEmployers lists the names of the account's employers.
	ListEmployers(ctx context.Context, id account.ID) ([]string, error)
}

// Tx changes what recovery owns.
type Tx interface {
	authn.Tx
	// FindCharge finds the account behind a person of the organisation; false for another's, and where there is none.
	FindCharge(ctx context.Context, o organisation.ID, person string) (administrator.Charge, bool, error)
	// WasHelped says whether a recovery code for the account was handed out, or an administrator took its second factor away, after the given
	// time.
	WasHelped(ctx context.Context, id account.ID, after time.Time) (bool, error)
	// SpendChallenge records a solved puzzle until its end of life; false if it was spent before.
	SpendChallenge(ctx context.Context, id string, expires time.Time) (bool, error)
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// SavePrepared stores what Prepare made of a message.
	SavePrepared(ctx context.Context, m outbox.Message, linkID string) error
	// SetPassword stores a verifier, lifts a suspension, ends all links, and moves the epoch; it returns the new epoch.
	SetPassword(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) (int64, error)
	// CarrySessions lets the account's standing sessions go on under a new epoch.
	CarrySessions(ctx context.Context, id account.ID, epoch int64) error
	// ChangeAddress changes address and identifier, and says when; false, and nothing, if another account has the identifier.
	ChangeAddress(ctx context.Context, id account.ID, identifier account.Identifier, address string, now time.Time) (bool, error)
	// EndLaterNotMe ends the account's links of "this was not me" that were made since, but for one.
	EndLaterNotMe(ctx context.Context, id account.ID, but string, since, now time.Time) error
	// DeleteSecondSince unbinds the apps, and takes the recovery codes away, that were added since.
	DeleteSecondSince(ctx context.Context, id account.ID, since time.Time) error
	// HoldPassword suspends the account's password until it is set anew.
	HoldPassword(ctx context.Context, id account.ID, now time.Time) error
	// DeleteApp unbinds one of the account's apps and returns its name; false if it has none with this id.
	DeleteApp(ctx context.Context, id account.ID, app string) (string, bool, error)
	// DeleteBesideApps takes away what exists beside an app alone: recovery codes and the phone.
	DeleteBesideApps(ctx context.Context, id account.ID) error
	// DeletePhone unbinds the account's phone; false if it has none.
	DeletePhone(ctx context.Context, id account.ID) (bool, error)
	// DeleteIssued takes a handed-out recovery code away.
	DeleteIssued(ctx context.Context, id account.ID) error
	// DeleteRecovery takes the account's recovery code away.
	DeleteRecovery(ctx context.Context, id account.ID) error
	// EndLinks ends all of the account's links but those that outlive others.
	EndLinks(ctx context.Context, id account.ID, now time.Time) error
	// ConfirmAddress marks the address proven and ends all of the account's links (RULES §4).
	ConfirmAddress(ctx context.Context, id account.ID, now time.Time) error
}

// The templates of the mails.
const (
	ResetTemplate   = "recovery_reset"
	SigninTemplate  = "recovery_login"
	ChangedTemplate = "password_changed"
)

// ErrRobot says that the robot check's answer is wrong, old or spent.
var ErrRobot = errors.New("the robot check did not pass")

// Request is what a person asks for on the page "Skapa lösenord".
type Request struct {
	Address string
	Purpose onetime.Purpose
	Answer  string // of the robot check
	Plain   bool   // from the form without JavaScript: no answer, smaller budgets, later delivery
}

const robotRequest, robotLink = "recovery", "link"

// Challenge makes the puzzle for the page of an attempt.
func (s *Service) Challenge(a authn.Attempt) Challenge {
	return s.Robot.Challenge(robotRequest, a.ID, s.Now())
}

// BySMS says whether the link that the attempt asks for goes by SMS. It is answered by the form of what was typed.
func (s *Service) BySMS(a authn.Attempt) bool { return s.Authn.ByPhone(a.Identifier) }

// Ask records a request. For every well-formed address it does the same work and writes the same rows;
// whether a mail goes out is decided later. It fails with account.ErrNotAnAddress, ErrRobot or
// authn.ErrThrottled.
func (s *Service) Ask(ctx context.Context, a authn.Attempt, r Request, b authn.Browser) error {
	address, id, err := account.ParseIdentifier(r.Address, s.Region)
	if err != nil {
		return err
	}
	now := s.Now()
	r.Address = address
	puzzle, expires, err := s.check(robotRequest, a.ID, r)
	if err != nil {
		return err
	}
	m := s.message(a, r, id, b, now)
	return s.InTx(ctx, func(tx Tx) error {
		if err := s.spend(ctx, tx, puzzle, expires); err != nil {
			return err
		}
		if err := s.takeSlots(ctx, tx, r.Plain, b, now); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.RecoveryRequested, At: now, Actor: "anonymous", Client: a.Request.ClientID, Message: m.ID,
			Detail: map[string]string{"purpose": string(r.Purpose)}, Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
}

// AskProven sends a login link to the address of an account that has shown its password in the attempt: it leads back to it. The proof
// stands in place of the robot check; the recipient has the budget of all requests. It fails with authn.ErrThrottled.
func (s *Service) AskProven(ctx context.Context, a authn.Attempt, acc account.Account, b authn.Browser) error {
	now := s.Now()
	m := s.message(a, Request{Address: acc.Address, Purpose: onetime.Signin}, acc.Identifier, b, now)
	return s.InTx(ctx, func(tx Tx) error {
		if err := s.takeSlots(ctx, tx, false, b, now); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.RecoveryRequested, At: now, Actor: "account", Client: a.Request.ClientID, Message: m.ID,
			Detail: map[string]string{"purpose": string(onetime.Signin)}, Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
}

// ErrNoReason says that an administrator has not said why, or too much.
var ErrNoReason = errors.New("say why, in a few words")

// maxReason is the longest reason in bytes.
const maxReason = 400

// AskFor sends a person of the administrator's organisation the link by which she makes a new password: to her own confirmed address, and
// within its budget, as if she had asked herself. It fails with ErrNoAccount, ErrNoReason or administrator.ErrForbidden.
func (s *Service) AskFor(ctx context.Context, by administrator.Administrator, o organisation.ID, person, reason string) error {
	if !by.May(o, administrator.Help) {
		return administrator.ErrForbidden
	}
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > maxReason {
		return ErrNoReason
	}
	now := s.Now()
	return s.InTx(ctx, func(tx Tx) error {
		c, ok, err := tx.FindCharge(ctx, o, person)
		if err != nil {
			return fmt.Errorf("find the account of a person: %w", err)
		}
		if !ok {
			return ErrNoAccount
		}
		a := authn.Attempt{Language: c.Account.Language, Binding: secret.NewToken()}
		m := s.message(a, Request{Address: c.Account.Login(), Purpose: onetime.Reset}, c.Account.Identifier, authn.Browser{}, now)
		m.Lane = outbox.Notice
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		e := by.Event(audit.RecoveryRequested, o, reason, now)
		e.Message, e.Detail["purpose"], e.Personal["person"] = m.ID, string(onetime.Reset), person
		return tx.Append(ctx, e)
	})
}

// check verifies the robot check's answer; the plain form has none.
func (s *Service) check(purpose, bound string, r Request) (string, time.Time, error) {
	if r.Plain {
		return "", time.Time{}, nil
	}
	id, expires, err := s.Robot.Check(purpose, bound, r.Answer, s.Now())
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrRobot, err)
	}
	return id, expires, nil
}

func (s *Service) spend(ctx context.Context, tx Tx, puzzle string, expires time.Time) error {
	if puzzle == "" {
		return nil
	}
	first, err := tx.SpendChallenge(ctx, puzzle, expires)
	if err == nil && !first {
		err = ErrRobot
	}
	return err
}

const budgetPurpose = secret.Purpose("recovery budget")

func (s *Service) takeSlots(ctx context.Context, tx Tx, plain bool, b authn.Browser, now time.Time) error {
	slots := []throttle.Slot{{Key: s.Keys.Pseudonym(budgetPurpose, "network", b.Network), Budget: s.Authn.Room(b, throttle.Requests)}}
	if plain {
		slots = []throttle.Slot{
			{Key: s.Keys.Pseudonym(budgetPurpose, "plain network", b.Network), Budget: throttle.Plain},
			{Key: s.Keys.Pseudonym(budgetPurpose, "plain"), Budget: throttle.PlainGlobal},
		}
	}
	taken, err := tx.TakeSlots(ctx, slots, now)
	for _, t := range taken {
		if !t.Granted {
			return authn.ErrThrottled
		}
	}
	return err
}

// message is the outbox row of a request, the same for known and unknown addresses.
func (s *Service) message(a authn.Attempt, r Request, id account.Identifier, b authn.Browser, now time.Time) outbox.Message {
	template, life := ResetTemplate, 24*time.Hour
	if r.Purpose == onetime.Signin {
		// A sign-in link that comes a quarter of an hour late finds nobody waiting (RULES §4).
		template, life = SigninTemplate, 15*time.Minute
	}
	m := outbox.New(outbox.Mail, template, "", now)
	m.Lane, m.Language = outbox.Urgent, a.Language
	if r.Plain {
		m.NotBefore = now.Add(s.PlainDelay)
	}
	m.Expires = m.NotBefore.Add(life)
	known := ""
	if b.Memory.Knows(s.Keys, id) {
		known = b.Memory.ID
	}
	m.Params = map[string]string{
		"purpose": string(r.Purpose), "client_id": a.Request.ClientID, "attempt": a.ID,
		"binding": a.Binding.Hash().Text(), "known": known,
		"user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(now),
	}
	s.Authn.Direct(&m, r.Address, id)
	return m
}
