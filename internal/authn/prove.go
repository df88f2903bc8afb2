package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Proof is one thing that a person shows. The set is closed: Password and MailedLink.
type Proof interface{ amr() string }

// Password is a typed password for an identifier.
type Password struct {
	Identifier account.Identifier
	Password   string
}

// MailedLink is the secret of a one-time link.
type MailedLink struct {
	Token secret.Token
	// Operation names this use: a second press, or a retry after a lost answer, finds its own name and has won (RULES §10).
	Operation string
}

func (Password) amr() string   { return "pwd" }
func (MailedLink) amr() string { return "mail" }

// Proven is what a proof established.
type Proven struct {
	Account account.Account
	Link    onetime.Link // of a mailed link
	Again   bool         // the same operation has consumed the link before: its effect is there already
	ACR     session.ACR
	AMR     []string
}

// Prove runs one proof through the funnel: (1) take a slot or refuse, (2) verify outside any transaction,
// (3) in one transaction consume what works once, give the slot back, and run the flow's own effect. A
// thousand parallel guesses cannot pass before one is counted. then may run again and must not have
// effects outside tx.
func Prove[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, b Browser, p Proof,
	then func(T, Proven) error) (Proven, error) {
	start := s.Now()
	var proven Proven
	var err error
	switch p := p.(type) {
	case Password:
		proven, err = provePassword(ctx, s, inTx, b, p, then)
	case MailedLink:
		return proveLink(ctx, s, inTx, p, then)
	default:
		return Proven{}, fmt.Errorf("unknown proof %T", p)
	}
	if errors.Is(err, ErrWrong) || errors.Is(err, ErrThrottled) {
		s.Sleep(ctx, start.Add(s.Deadline).Sub(s.Now()))
	}
	return proven, err
}

func provePassword[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, b Browser, p Password,
	then func(T, Proven) error) (Proven, error) {
	slots := s.slots(p.Identifier, b)
	if err := inTx(ctx, func(tx T) error { return takeSlots(ctx, tx, slots, s.Now()) }); err != nil {
		return Proven{}, err
	}
	c, ok, fresh, err := s.verify(ctx, p)
	if err != nil {
		// Nothing was proven wrong: a busy machine must not pause anybody. Given back even if the person has gone.
		ctx := context.WithoutCancel(ctx)
		return Proven{}, errors.Join(err, inTx(ctx, func(tx T) error { return giveBack(ctx, tx, slots) }))
	}
	if !ok || c.Suspended || !c.Account.IsOpen() {
		if err := inTx(ctx, func(tx T) error { return s.recordFailure(ctx, tx, p.Identifier, c, b) }); err != nil {
			return Proven{}, fmt.Errorf("record a failure: %w", err)
		}
		return Proven{}, ErrWrong
	}
	proven := Proven{Account: c.Account, ACR: session.Pwd, AMR: []string{p.amr()}}
	return proven, inTx(ctx, func(tx T) error {
		if err := s.recordSuccess(ctx, tx, slots, p.Identifier); err != nil {
			return err
		}
		if fresh != "" {
			if err := tx.ReplaceVerifier(ctx, c.Account.ID, c.Verifier, fresh); err != nil {
				return err
			}
		}
		return then(tx, proven)
	})
}

// proveLink takes no slot: 256 random bits cannot be guessed, and a pause never stops a mailed link (RULES §2).
func proveLink[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, p MailedLink,
	then func(T, Proven) error) (Proven, error) {
	var proven Proven
	try := func(tx T) error {
		link, acc, first, err := tx.ConsumeLink(ctx, p.Token.Hash(), p.Operation, s.Now())
		if err != nil {
			return err
		}
		if !first && !link.IsJustUsed(acc.Epoch, s.Now()) {
			return ErrNoLink
		}
		proven = Proven{Account: acc, Link: link, Again: !first, ACR: session.Mail, AMR: []string{p.amr()}}
		return then(tx, proven)
	}
	err := inTx(ctx, try)
	if errors.Is(err, ErrOutcomeUnknown) {
		err = inTx(ctx, try) // it finds its own use of the link, if that was committed
	}
	return proven, err
}

// verify checks the password outside of any transaction. fresh is a verifier with today's costs, where the stored one
// is outdated.
func (s *Service) verify(ctx context.Context, p Password) (c Credentials, ok bool, fresh password.Verifier, err error) {
	if c, err = s.Store.FindCredentials(ctx, p.Identifier); err != nil {
		return c, false, "", fmt.Errorf("find credentials: %w", err)
	}
	ok, outdated, err := s.Hasher.Verify(ctx, c.Verifier, p.Password)
	if err == nil && ok && outdated {
		fresh, err = s.Hasher.Hash(ctx, p.Password)
	}
	return c, ok, fresh, err
}

const (
	budgetPurpose = secret.Purpose("budget")
	rowPurpose    = secret.Purpose("failures in a row")
)

// slots are the budgets that a password for the identifier from this browser draws on, the identifier's first. A
// browser that knows the account has a budget of its own, and no pause of its network stops it (RULES §2): otherwise
// one guesser in an office would lock the office out.
func (s *Service) slots(id account.Identifier, b Browser) []throttle.Slot {
	if b.Memory.Knows(s.Keys, id) {
		return []throttle.Slot{{Key: s.Keys.Pseudonym(budgetPurpose, "known", b.Memory.ID, string(id)), Budget: throttle.Identifier}}
	}
	return []throttle.Slot{
		{Key: s.Keys.Pseudonym(budgetPurpose, "identifier", string(id)), Budget: throttle.Identifier},
		{Key: s.Keys.Pseudonym(budgetPurpose, "network", b.Network), Budget: throttle.Network},
	}
}

func takeSlots(ctx context.Context, tx Tx, slots []throttle.Slot, now time.Time) error {
	taken, err := tx.TakeSlots(ctx, slots, now)
	if err != nil {
		return fmt.Errorf("take slots: %w", err)
	}
	for _, t := range taken {
		if !t.Granted {
			return ErrThrottled
		}
	}
	return nil
}

func giveBack(ctx context.Context, tx Tx, slots []throttle.Slot) error {
	for _, slot := range slots {
		if err := tx.GiveBack(ctx, slot.Key, false); err != nil {
			return fmt.Errorf("give slots back: %w", err)
		}
	}
	return nil
}

// failuresInARow counts an identifier's failures from every browser since its last success from any.
func (s *Service) failuresInARow(id account.Identifier) throttle.Slot {
	return throttle.Slot{Key: s.Keys.Pseudonym(rowPurpose, string(id)), Budget: throttle.Row}
}

// recordFailure notes a failed proof, and suspends the password after too many in a row. An unknown identifier is counted
// alike.
func (s *Service) recordFailure(ctx context.Context, tx Tx, id account.Identifier, c Credentials, b Browser) error {
	now := s.Now()
	taken, err := tx.TakeSlots(ctx, []throttle.Slot{s.failuresInARow(id)}, now)
	if err != nil {
		return err
	}
	personal := audit.From(b.Device.Address, b.Device.UserAgent)
	if taken[0].InARow%throttle.SuspendAfter == 0 {
		if err := tx.SuspendPassword(ctx, id, now); err != nil {
			return fmt.Errorf("suspend password: %w", err)
		}
		suspended := audit.From(b.Device.Address, b.Device.UserAgent)
		suspended["identifier"] = string(id) // of whom, also where there is no such account
		err := tx.Append(ctx, audit.Event{Kind: audit.PasswordSuspended, At: now, Actor: "anonymous", Account: c.Account.ID, Personal: suspended})
		if err != nil {
			return err
		}
	}
	return tx.Append(ctx, audit.Event{Kind: audit.SigninFailed, At: now, Actor: "anonymous", Account: c.Account.ID, Personal: personal})
}

// recordSuccess gives the slots back and ends the row of failures. Only the identifier's own budget is cleared: otherwise
// an attacker would wash a network's count clean by signing in to an account of his own.
func (s *Service) recordSuccess(ctx context.Context, tx Tx, slots []throttle.Slot, id account.Identifier) error {
	for i, slot := range slots {
		if err := tx.GiveBack(ctx, slot.Key, i == 0); err != nil {
			return err
		}
	}
	return tx.GiveBack(ctx, s.failuresInARow(id).Key, true)
}
