package authn

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// guess is what a typed proof may be: one try at an identifier's authenticator of this kind. The first code of an app that is being
// added has no kind: its key stands on the page beside it.
type guess struct {
	id   account.Identifier
	kind string // a method, or ""
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
		{Key: s.Keys.Pseudonym(budgetPurpose, "network", b.Network), Budget: s.Room(b, throttle.Network)},
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
	keys := make([]string, len(slots))
	for i, slot := range slots {
		keys[i] = slot.Key
	}
	if err := tx.GiveBack(ctx, keys, false); err != nil {
		return fmt.Errorf("give slots back: %w", err)
	}
	return nil
}

// failuresInARow counts the failures of one kind of proof of an identifier, from every browser, since its last success from any.
func (s *Service) failuresInARow(g guess) throttle.Slot {
	return throttle.Slot{Key: s.Keys.Pseudonym(rowPurpose, g.kind, string(g.id)), Budget: throttle.Row}
}

// recordFailure notes a failed proof. After an unusual number in a row of its kind the person is told; after too many the
// authenticator is suspended that was guessed at, and no other (NIST SP 800-63B-4 §3.2.2). An unknown identifier is counted alike.
func (s *Service) recordFailure(ctx context.Context, tx Tx, g guess, whose account.Account, b Browser) error {
	now, row := s.Now(), 0
	if g.kind != "" {
		taken, err := tx.TakeSlots(ctx, []throttle.Slot{s.failuresInARow(g)}, now)
		if err != nil {
			return err
		}
		row = taken[0].InARow
	}
	if row > 0 && row%throttle.SuspendAfter == 0 {
		if err := s.suspend(ctx, tx, g, whose, b, now); err != nil {
			return err
		}
	}
	if row == throttle.UnusualAfter || row == throttle.SuspendAfter {
		if err := tx.Enqueue(ctx, s.failuresMessage(g, row, b, now)); err != nil {
			return fmt.Errorf("tell of failures: %w", err)
		}
	}
	return tx.Append(ctx, audit.Event{Kind: audit.SigninFailed, At: now, Actor: "anonymous", Account: whose.ID,
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
}

// suspend takes the authenticator out of use that was guessed at: a password comes back by a reset, an app by recovery (RULES
// §2). A recovery code stays: with 100 random bits there is nothing to guess, and it is the way back.
func (s *Service) suspend(ctx context.Context, tx Tx, g guess, whose account.Account, b Browser, now time.Time) error {
	var kind audit.Kind
	var err error
	switch g.kind {
	case MethodPassword:
		kind, err = audit.PasswordSuspended, tx.SuspendPassword(ctx, g.id, now)
	case MethodOTP:
		kind, err = audit.AppsSuspended, tx.SuspendApps(ctx, whose.ID, now)
	case MethodSMS:
		kind, err = audit.PhoneSuspended, tx.SuspendPhone(ctx, whose.ID, now)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	personal := audit.From(b.Device.Address, b.Device.UserAgent)
	personal["identifier"] = string(g.id) // of whom, also where there is no such account
	return tx.Append(ctx, audit.Event{Kind: kind, At: now, Actor: "anonymous", Account: whose.ID, Personal: personal})
}

// FailuresTemplate is the mail that tells a person of an unusual number of failures. Whether there is such a person is decided
// when it is sent: the same row is written for every identifier.
const FailuresTemplate = "signin_failures"

func (s *Service) failuresMessage(g guess, row int, b Browser, now time.Time) outbox.Message {
	m := outbox.New(outbox.Mail, FailuresTemplate, "", now)
	m.Params = map[string]string{"kind": g.kind, "count": strconv.Itoa(row),
		"user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(now)}
	s.Direct(&m, string(g.id), g.id)
	if row == throttle.SuspendAfter && g.kind != MethodRecovery {
		m.Params["suspended"] = "yes"
	}
	return m
}

// forgive clears the counts of failures, once a sign-in is complete: the identifier's own budget, and the rows of what has been
// proven. A network's count stays: an attacker would wash it clean by signing in to an account of his own. So do the counts of a
// sign-in that is not over: whoever knows the password would wash away the codes that he guesses.
func (s *Service) forgive(ctx context.Context, tx Tx, id account.Identifier, b Browser, methods []string) error {
	var keys []string
	for _, m := range methods {
		if m != MethodMail {
			keys = append(keys, s.failuresInARow(guess{id, m}).Key)
		}
	}
	if len(keys) > 0 {
		keys = append(keys, s.slots(id, b)[0].Key)
	}
	if err := tx.GiveBack(ctx, keys, true); err != nil {
		return fmt.Errorf("forgive failures: %w", err)
	}
	return nil
}
