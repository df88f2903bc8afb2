package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/session"
)

// The limits of push (RULES §8, DESIGN §5).
const (
	// MaxMisses is how many challenges in a row may be wrong, denied or unanswered before push is off for unknown browsers.
	MaxMisses = 2
	// MaxPushes is how many an account gets in a day without a success.
	MaxPushes = 10
)

// Why no phone is asked.
var (
	// ErrNoPush: the account has no phone that could answer.
	ErrNoPush = errors.New("no paired authenticator")
	// ErrPushOff: too many challenges were wrong, denied or unanswered; another factor turns push on again.
	ErrPushOff = errors.New("push is off until another factor succeeds")
	// ErrGone: the challenge was answered before, is over, or its sign-in is.
	ErrGone = errors.New("the challenge cannot be answered any more")
	// ErrAsked: an app has asked, and not a sign-in, or the other way round: it is another flow's to answer.
	ErrAsked = errors.New("the challenge is not of this flow")
	// ErrNoChallenge: there is no such challenge for this phone's account.
	ErrNoChallenge = errors.New("no such challenge")
)

// The templates of push messages.
const (
	PushTemplate        = "push_challenge"
	PushGoneTemplate    = "push_gone"
	PushRemovedTemplate = "push_removed"
)

// PushKey is a paired authenticator, and Shown what it shows of a sign-in. Doors know both by these names.
type (
	PushKey = push.Key
	Shown   = push.Shown
)

// PushRecords is what the account's limits of push are kept on, in one statement each, so that fifty sign-ins at once do not
// ring fifty times.
type PushRecords interface {
	// TakePush counts one more challenge; false where the account has had its share. misses is how many may have failed before
	// it, most how many are sent in the day that began at since.
	TakePush(ctx context.Context, id account.ID, misses, most int, since, now time.Time) (bool, error)
	// ForgivePush clears the count after a success of another factor.
	ForgivePush(ctx context.Context, id account.ID) error
	// EasePush clears the count after a success of push itself. Where more than misses had failed before, push stays off for unknown
	// browsers.
	EasePush(ctx context.Context, id account.ID, misses int) error
	// StopPush turns push off for unknown browsers.
	StopPush(ctx context.Context, id account.ID, misses int, now time.Time) error
}

// Asking is a sign-in that wants a phone's answer.
type Asking struct {
	Attempt  Attempt
	Progress Progress
	Account  account.Account
	Second   Second
	Purpose  push.Purpose
	Shown    push.Shown
	Browser  Browser
}

// mode is how the person is to show that she sees both screens: typed digits where the sign-in must be worth aal2, and before
// a change of her own account (RULES §8).
func (a Asking) mode() push.Mode {
	if a.Purpose == push.Test {
		return push.None
	}
	if a.Second.Policy.TypedPush || a.Attempt.Goal != "" || a.Attempt.Request.Least().Rank() > session.MFA.Rank() {
		return push.Type
	}
	return push.Tap
}

// AskPush makes a challenge and calls all of the account's phones. A challenge of the same attempt that still waited is
// withdrawn. It fails with ErrNoPush, ErrPushOff or ErrAttemptUsed.
func AskPush[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, a Asking) error {
	if a.Second.Push == 0 {
		return ErrNoPush
	}
	p := a.Progress
	if !p.hasFirst() {
		return ErrAttemptUsed // a push goes out only after another proof
	}
	c := push.NewChallenge(a.Account.ID, a.Attempt.ID, a.Purpose, a.mode(), s.Now())
	c.ClientID, c.Shown = a.Attempt.Request.ClientID, a.Shown
	off := false
	err := inTx(ctx, func(tx T) error {
		off = false
		if err := Lock(ctx, tx, p); err != nil {
			return err
		}
		taken, err := s.takePush(ctx, tx, a)
		if err != nil {
			return err
		}
		if !taken {
			off = true
			if err := tx.MarkReported(ctx, c.Account, ReportedPushOff, s.Now()); err != nil {
				return fmt.Errorf("mark the account's persons: %w", err)
			}
			e := s.PushEvent(audit.PushOff, c)
			e.Personal = audit.From(a.Browser.Device.Address, a.Browser.Device.UserAgent)
			return tx.Append(ctx, e)
		}
		if !p.Session.IsZero() { // a step-up has had no row; the phone's answer needs one
			row := p
			row.Attempt, row.Binding, row.Expires = a.Attempt.ID, a.Attempt.Binding.Hash(), s.Now().Add(AttemptLife)
			if err := tx.SaveProgress(ctx, row); err != nil {
				return fmt.Errorf("save attempt: %w", err)
			}
		}
		return s.Challenge(ctx, tx, c)
	})
	switch {
	case err != nil:
		return err
	case off:
		return ErrPushOff
	}
	s.Rang(a.Account.ID, a.Attempt.ID)
	return nil
}

// takePush takes one of the account's challenges; false where it has had its share. A browser that knows the account goes on after failures: an
// attacker elsewhere does not turn off her push.
func (s *Service) takePush(ctx context.Context, tx Tx, a Asking) (bool, error) {
	misses := MaxMisses
	if a.Browser.Memory.Knows(s.Keys, a.Account.Identifier) {
		misses = MaxPushes
	}
	now := s.Now()
	ok, err := tx.TakePush(ctx, a.Account.ID, misses, MaxPushes, now.Add(-24*time.Hour), now)
	if err != nil {
		return false, fmt.Errorf("count the push: %w", err)
	}
	return ok, nil
}

// Challenge stores a challenge in place of the attempt's former one, and calls the account's phones.
func (s *Service) Challenge(ctx context.Context, tx Tx, c push.Challenge) error {
	c.SealSecret(s.Keys)
	if err := tx.CancelChallenges(ctx, c.Attempt, c.Created); err != nil {
		return fmt.Errorf("withdraw challenges: %w", err)
	}
	if err := tx.InsertChallenge(ctx, c); err != nil {
		return fmt.Errorf("insert challenge: %w", err)
	}
	keys, err := tx.ListPushKeys(ctx, c.Account)
	if err != nil {
		return fmt.Errorf("list paired authenticators: %w", err)
	}
	return s.CallPhones(ctx, tx, keys, PushTemplate, func(k push.Key) []byte { return k.Call(c) }, c.ID, c.Expires)
}

// CallPhones enqueues a push message to each of the phones that take any. topic lets a later message take the place of an
// earlier one that was not delivered yet (RFC 8030 §5.4).
func (s *Service) CallPhones(ctx context.Context, tx outbox.Enqueuer, keys []push.Key, template string, payload func(push.Key) []byte,
	topic string, expires time.Time) error {
	now := s.Now()
	for _, k := range keys {
		if len(k.Subscription) == 0 || !k.Lost.IsZero() {
			continue
		}
		parcel, err := k.Parcel(s.Keys, payload(k), now)
		if err != nil {
			continue // sealed by a root that is gone: the phone subscribes anew when it is opened
		}
		m := outbox.New(outbox.Push, template, "", now)
		m.Account, m.Language, m.Lane, m.Expires = k.Account, k.Language, outbox.Urgent, expires
		m.Params = map[string]string{"key_id": k.ID, "topic": topic}
		m.SealSecret(s.Keys, parcel, now)
		if err := tx.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("call a phone: %w", err)
		}
	}
	return nil
}

// forgivePush takes note of a success. Push that is off comes back by another factor alone (RULES §8): a person who confirms her own
// sign-in in a browser that knows her would turn it on again for the thief whom she has just reported.
func forgivePush(ctx context.Context, tx Tx, p Progress) error {
	forgive := tx.ForgivePush
	if !p.Has(MethodOTP) && !p.Has(MethodSMS) && !p.Has(MethodRecovery) {
		forgive = func(ctx context.Context, id account.ID) error { return tx.EasePush(ctx, id, MaxMisses) }
	}
	if err := forgive(ctx, p.Account); err != nil {
		return fmt.Errorf("forgive push: %w", err)
	}
	return nil
}

// Rang wakes the pages and phones that wait for the account or the attempt, and the outbox, after a commit.
func (s *Service) Rang(id account.ID, attempt string) {
	if s.Bell != nil {
		s.Bell.Ring(string(id), attempt)
	}
	if s.RingOutbox != nil {
		s.RingOutbox()
	}
}

// PushEvent is an audit line about push.
func (s *Service) PushEvent(kind audit.Kind, c push.Challenge) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: c.Account, Client: c.ClientID,
		Detail: map[string]string{"purpose": string(c.Purpose), "mode": string(c.Mode)}}
}
