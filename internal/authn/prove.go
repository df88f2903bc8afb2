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
	// Operation names this use: a retry after a lost answer finds its own name and has won (RULES §10).
	Operation string
}

func (Password) amr() string   { return "pwd" }
func (MailedLink) amr() string { return "mail" }

// Proven is what a proof established.
type Proven struct {
	Account account.Account
	Link    onetime.Link // of a mailed link
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
	if err := inTx(ctx, func(tx T) error { return takeSlots(ctx, tx, slots, p.Identifier, b, s.Now()) }); err != nil {
		return Proven{}, err
	}
	c, err := s.Store.FindCredentials(ctx, p.Identifier)
	if err != nil {
		return Proven{}, fmt.Errorf("find credentials: %w", err)
	}
	ok, outdated, err := s.Hasher.Verify(ctx, c.Verifier, p.Password)
	if err != nil {
		return Proven{}, err
	}
	if !ok || c.Suspended || !c.Account.IsOpen() {
		return Proven{}, errors.Join(ErrWrong, inTx(ctx, func(tx T) error { return tx.Append(ctx, s.failed(c, b)) }))
	}
	var fresh password.Verifier
	if outdated {
		if fresh, err = s.Hasher.Hash(ctx, p.Password); err != nil {
			return Proven{}, err
		}
	}
	proven := Proven{Account: c.Account, ACR: session.Pwd, AMR: []string{p.amr()}}
	return proven, inTx(ctx, func(tx T) error {
		for i, slot := range slots {
			// Only the identifier's own budget is cleared: otherwise an attacker would wash a network's
			// count clean by signing in to an account of his own.
			if err := tx.GiveBack(ctx, slot.Key, i == 0); err != nil {
				return err
			}
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
	err := inTx(ctx, func(tx T) error {
		link, acc, err := tx.ConsumeLink(ctx, p.Token.Hash(), p.Operation, s.Now())
		if err != nil {
			return err
		}
		proven = Proven{Account: acc, Link: link, ACR: session.Mail, AMR: []string{p.amr()}}
		return then(tx, proven)
	})
	return proven, err
}

// slots are the budgets that a password for the identifier from this browser draws on, the identifier's first.
func (s *Service) slots(id account.Identifier, b Browser) []throttle.Slot {
	key := s.Keys.Pseudonym(budgetPurpose, "identifier", string(id))
	if b.Memory.Knows(s.Keys, id) {
		key = s.Keys.Pseudonym(budgetPurpose, "known", b.Memory.ID, string(id))
	}
	return []throttle.Slot{
		{Key: key, Budget: throttle.Identifier},
		{Key: s.Keys.Pseudonym(budgetPurpose, "network", b.Network), Budget: throttle.Network},
	}
}

const budgetPurpose = secret.Purpose("budget")

func takeSlots(ctx context.Context, tx Tx, slots []throttle.Slot, id account.Identifier, b Browser, now time.Time) error {
	taken, err := tx.TakeSlots(ctx, slots, now)
	if err != nil {
		return fmt.Errorf("take slots: %w", err)
	}
	for _, t := range taken {
		if !t.Granted {
			return ErrThrottled
		}
	}
	if taken[0].InARow != throttle.SuspendAfter {
		return nil
	}
	if err := tx.SuspendPassword(ctx, id, now); err != nil {
		return fmt.Errorf("suspend password: %w", err)
	}
	personal := audit.From(b.Device.Address, b.Device.UserAgent)
	personal["identifier"] = string(id) // of whom, also where there is no such account
	return tx.Append(ctx, audit.Event{Kind: audit.PasswordSuspended, At: now, Actor: "anonymous", Personal: personal})
}

func (s *Service) failed(c Credentials, b Browser) audit.Event {
	return audit.Event{Kind: audit.SigninFailed, At: s.Now(), Actor: "anonymous", Account: c.Account.ID,
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
}
