package authn

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/push"
)

// PushAnswer is a signed answer of a paired authenticator to a challenge of its account.
type PushAnswer struct {
	Key       push.Key
	Challenge string // id
	Issuer    string // of this installation, to which the answer must be addressed
	Signed    string // compact JWS
	// Asked says that it answers what an app has asked, and not a sign-in.
	Asked bool
}

func (PushAnswer) method() string { return MethodPush }

// Answered is what a push answer has said.
type Answered struct {
	Challenge push.Challenge
	Decision  push.Decision
	// Wrong says that the number was not the one on the sign-in page: a denial.
	Wrong       bool
	EndSessions bool
}

// proveAnswer takes no slot: nobody can guess a signature, and how many challenges there are is counted where they are made.
// It fails with ErrNoChallenge, ErrGone, ErrAsked, or ErrWrong for what is no answer to this challenge.
func proveAnswer[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, p PushAnswer,
	then func(T, Proven) error) (Proven, error) {
	c, err := s.Store.FindChallenge(ctx, p.Challenge)
	switch {
	case err != nil:
		return Proven{}, fmt.Errorf("find challenge: %w", err)
	case c.ID == "" || c.Account != p.Key.Account:
		return Proven{}, ErrNoChallenge
	case (c.Purpose == push.Ask) != p.Asked:
		return Proven{}, ErrAsked
	}
	now := s.Now()
	if err := c.OpenSecret(s.Keys, now); err != nil {
		return Proven{}, ErrGone
	}
	a, right, ok := p.Key.VerifyAnswer(c, p.Issuer, p.Signed)
	if !ok {
		return Proven{}, ErrWrong
	}
	said := &Answered{Challenge: c, Decision: a.Decision, Wrong: a.Decision == push.Approve && !right,
		EndSessions: a.EndSessions && a.Decision == push.NotMe}
	from, to := push.Waiting, push.Denied
	switch {
	case a.Decision == push.Approve && right:
		to = push.Approved
	case a.Decision == push.NotMe:
		to = push.Reported
		if c.State == push.Denied && c.Key == p.Key.ID && now.Sub(c.Changed) <= push.ReportAfter {
			from = push.Denied // she has said no, and now says why
		}
	}
	if c.State != from || from == push.Waiting && !c.IsOpen(now) {
		return Proven{Answer: said}, ErrGone
	}
	progress, acc, err := s.Store.FindProgress(ctx, c.Attempt)
	if err != nil {
		return Proven{}, fmt.Errorf("find attempt: %w", err)
	}
	proven := Proven{Account: acc, Progress: progress, Answer: said}
	err = inTx(ctx, func(tx T) error {
		first, err := tx.AnswerChallenge(ctx, c.ID, from, to, p.Key.ID, now)
		switch {
		case err != nil:
			return fmt.Errorf("answer: %w", err)
		case !first:
			return ErrGone
		}
		if to == push.Approved && c.Purpose != push.Test && c.Purpose != push.Ask {
			// The browser may have proven another account's password in the same attempt since.
			if progress.Account != c.Account {
				return ErrAttemptUsed
			}
			if err := Lock(ctx, tx, progress); err != nil {
				return err
			}
			proven.Progress = progress.with(pushMethod(c.Mode), now)
			if err := tx.SaveProgress(ctx, proven.Progress); err != nil {
				return err
			}
		}
		return then(tx, proven)
	})
	if errors.Is(err, ErrAttemptUsed) {
		err = ErrGone // the sign-in has gone on without the phone, or is over
	}
	return proven, err
}

// The results of an answer, in the words of the protocol.
const (
	ResultApproved = "approved"
	ResultDenied   = "denied"
	ResultReported = "reported"
	ResultWrong    = "wrong_number"
)

// Result is what the phone is told.
func (a Answered) Result() string {
	switch {
	case a.Wrong:
		return ResultWrong
	case a.Decision == push.Approve:
		return ResultApproved
	case a.Decision == push.NotMe:
		return ResultReported
	}
	return ResultDenied
}

func pushMethod(m push.Mode) string {
	if m == push.Type {
		return MethodTyped
	}
	return MethodPush
}

// NewKey is a phone that has claimed the binding code of the attempt, and that the person has recognised by its four characters:
// it has proven the possession of its key when it claimed the code (RFC 9449).
type NewKey struct {
	Progress Progress
	Pairing  push.Pairing
}

func (NewKey) method() string { return MethodPush }

// proveNewKey takes no slot: nothing was typed.
func proveNewKey[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, p NewKey,
	then func(T, Proven) error) (Proven, error) {
	now := s.Now()
	proven := Proven{Account: account.Account{ID: p.Progress.Account, Epoch: p.Progress.Epoch}, Progress: p.Progress.with(p.method(), now)}
	return proven, inTx(ctx, func(tx T) error {
		if err := Lock(ctx, tx, p.Progress); err != nil {
			return err
		}
		first, err := tx.MovePairing(ctx, p.Pairing.ID, push.CodeClaimed, push.Paired, now)
		switch {
		case err != nil:
			return fmt.Errorf("end pairing: %w", err)
		case !first:
			return ErrGone
		}
		return then(tx, proven)
	})
}

// ReportAttempt ends a sign-in that its owner has disowned, and turns push off for unknown browsers.
func (s *Service) ReportAttempt(ctx context.Context, tx Tx, c push.Challenge) error {
	if err := tx.DeleteProgress(ctx, c.Attempt); err != nil {
		return fmt.Errorf("delete attempt: %w", err)
	}
	if err := tx.StopPush(ctx, c.Account, MaxMisses+1, s.Now()); err != nil {
		return fmt.Errorf("stop push: %w", err)
	}
	if err := tx.MarkReported(ctx, c.Account, ReportedNotMe, s.Now()); err != nil {
		return fmt.Errorf("mark the account's persons: %w", err)
	}
	return nil
}
