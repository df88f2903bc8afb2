package signin

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
)

// AskPush asks the account's phones whether it is their owner who signs in. shown says, in a language, what the phones show of the
// browser. It fails as authn.AskPush does, and with authn.ErrAttempt.
func (s *Service) AskPush(ctx context.Context, v Secondly, shown func(lang string) push.Shown) error {
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return err
	}
	if authn.Needs(v.Attempt, p, second, false, s.Now()) != authn.AskCode {
		return authn.ErrAttemptUsed
	}
	asking := authn.Asking{Attempt: v.Attempt, Progress: p, Account: acc, Second: second, Purpose: push.SignIn, Browser: v.Browser, Shown: shown(acc.Language)}
	if p.From != "" || v.Attempt.Goal != "" {
		asking.Purpose = push.StepUp
	}
	asking.Shown.Time = s.Now().UnixMilli()
	return authn.AskPush(ctx, s.Authn, s.InTx, asking)
}

// Asked is the newest challenge of an attempt, as its page shows it.
type Asked struct {
	ID      string // empty: there is none that the page should speak of
	How     string // what has become of it: "approved", "denied" or "expired"; empty: it waits
	Number  string // what the person chooses, or types, on her phone
	Typed   bool   // she types it
	Expires time.Time
}

// Asked is the newest challenge of the attempt. One that was withdrawn is none.
func (s *Service) Asked(ctx context.Context, a authn.Attempt) (Asked, error) {
	c, err := s.Store.FindAttemptChallenge(ctx, a.ID)
	if err != nil || c.ID == "" {
		return Asked{}, err
	}
	// Sealed by a root that is gone: as good as none.
	if c.OpenSecret(s.Keys, s.Now()) != nil || c.State == push.Cancelled {
		return Asked{}, nil
	}
	return Asked{ID: c.ID, How: c.How(s.Now()), Number: c.Secret.Number, Typed: c.Mode == push.Type, Expires: c.Expires}, nil
}

// Pushed goes on after a phone's approval, and remembers the browser if the person wishes. It fails with authn.ErrAttempt, and
// with authn.ErrNoChallenge where no phone has approved.
func (s *Service) Pushed(ctx context.Context, v Secondly) (authn.NewSession, secret.Token, error) {
	press := s.Authn.Press("push", "")
	again := func(err error) (authn.NewSession, secret.Token, error) {
		fresh, err := authn.Again(ctx, s.Authn, s.InTx, v.Attempt, press, v.Browser, v.Current.HashOrZero(), err)
		return fresh, "", err
	}
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return again(err)
	}
	if !p.Has(authn.MethodPush) && !p.Has(authn.MethodTyped) {
		return authn.NewSession{}, "", authn.ErrNoChallenge
	}
	// What a standing session has proven before is no proof of who sits here now: such a browser is not remembered for it.
	v.Remember = v.Remember && p.From == ""
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	token := s.prepareRemembered(v, second)
	err = s.InTx(ctx, func(tx Tx) error {
		if err := authn.Lock(ctx, tx, p); err != nil {
			return err
		}
		if err := s.remember(ctx, tx, v, second, token, acc); err != nil {
			return err
		}
		proven := authn.Proven{Account: acc, Progress: p, Operation: press}
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, proven, v.Browser, v.Current.HashOrZero())
	})
	if err != nil {
		return again(err)
	}
	return fresh, token, nil
}

// ListWaiting lists the challenges that a paired authenticator's owner can answer now, newest first.
func (s *Service) ListWaiting(ctx context.Context, k push.Key) ([]push.Challenge, error) {
	all, err := s.Store.ListChallenges(ctx, k.Account, s.Now())
	if err != nil {
		return nil, fmt.Errorf("list challenges: %w", err)
	}
	open := all[:0]
	for _, c := range all {
		if c.OpenSecret(s.Keys, s.Now()) == nil {
			open = append(open, c)
		}
	}
	return open, nil
}

// Gone is what a phone hears of a challenge that it cannot answer any more.
type Gone struct {
	ID        string
	How       string // "approved", "denied", "expired" or "cancelled"
	Elsewhere bool   // another phone has answered
}

// Gone says what has become of a challenge of the authenticator's account. It fails with authn.ErrNoChallenge.
func (s *Service) Gone(ctx context.Context, k push.Key, id string) (Gone, error) {
	c, err := s.Store.FindChallenge(ctx, id)
	if err != nil {
		return Gone{}, fmt.Errorf("find challenge: %w", err)
	}
	if c.ID == "" || c.Account != k.Account {
		return Gone{}, authn.ErrNoChallenge
	}
	return Gone{ID: c.ID, How: cmp.Or(c.How(s.Now()), string(push.Cancelled)), // one that waits is of a sign-in that is over
		Elsewhere: c.Key != "" && c.Key != k.ID}, nil
}

// Answer takes a phone's signed answer, once. b is where the phone is. It fails as authn.PushAnswer does.
func (s *Service) Answer(ctx context.Context, k push.Key, challenge, signed string, b authn.Browser) (string, error) {
	proof := authn.PushAnswer{Key: k, Challenge: challenge, Issuer: s.Issuer, Signed: signed}
	proven, err := authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, p authn.Proven) error { return s.Authn.Answered(ctx, tx, k, p, b) })
	if err != nil {
		return "", err
	}
	c := proven.Answer.Challenge
	s.Authn.Rang(c.Account, c.Attempt)
	return proven.Answer.Result(), nil
}
