package authn

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/smscode"
	"github.com/portvakt/portvakt/internal/throttle"
)

// TextedCode is a typed code that came by SMS to the account's own phone, in an attempt that has proven something before.
type TextedCode struct {
	Identifier account.Identifier
	Progress   Progress
	Texted     Texted
	Code       string
}

// NewPhone is a typed code that came to a number which is to become the account's: it proves that the phone is hers, and binds it.
type NewPhone struct {
	Identifier account.Identifier
	Progress   Progress
	Texted     Texted
	Code       string
}

func (TextedCode) method() string { return MethodSMS }
func (NewPhone) method() string   { return MethodSMS }

// judgeTexted checks a code against the newest one that the attempt has sent.
func (s *Service) judgeTexted(t Texted, p Progress, use Use, typed string) (judgement, phone.Number, error) {
	now := s.Now()
	j := judgement{account: account.Account{ID: p.Account, Epoch: p.Epoch}}
	if t.Attempt == "" || t.Use != use || t.Account != p.Account {
		return j, "", nil // nothing was sent that this could be
	}
	number, err := t.OpenNumber(s.Keys, now)
	if err != nil {
		return j, "", ErrAttempt
	}
	j.right = t.Sent.Verify(s.Keys, typed, now, t.bound(number)...)
	j.consume = func(ctx context.Context, tx Tx) error {
		if err := Lock(ctx, tx, p); err != nil {
			return err
		}
		first, err := tx.ConsumeTexted(ctx, t.Attempt, t.Sent.ID)
		if err == nil && !first {
			err = ErrWrong
		}
		return err
	}
	return j, number, nil
}

func (s *Service) judgeTextedCode(ctx context.Context, p TextedCode) (judgement, error) {
	j, _, err := s.judgeTexted(p.Texted, p.Progress, ToSignIn, p.Code)
	if err != nil {
		return j, err
	}
	phone, ok, err := s.Store.FindPhone(ctx, p.Progress.Account)
	if err != nil {
		return j, fmt.Errorf("find phone: %w", err)
	}
	j.right = j.right && ok && phone.Suspended.IsZero() // also a code that was sent before
	j.proven = Proven{Account: j.account, Progress: p.Progress.with(p.method(), s.Now())}
	consume := j.consume
	if consume != nil {
		j.consume = func(ctx context.Context, tx Tx) error {
			if err := consume(ctx, tx); err != nil {
				return err
			}
			return tx.TouchPhone(ctx, p.Progress.Account, s.Now())
		}
	}
	return j, err
}

// judgeNewPhone adds nothing to what the attempt has proven: a number that is being bound was no authenticator yet.
func (s *Service) judgeNewPhone(p NewPhone) (judgement, error) {
	j, number, err := s.judgeTexted(p.Texted, p.Progress, ToBind, p.Code)
	j.proven = Proven{Account: j.account, Progress: p.Progress, Phone: number}
	return j, err
}

// tries is the budget of one code: few guesses, whoever makes them from wherever.
func (s *Service) tries(t Texted) []throttle.Slot {
	if t.Sent.ID == "" {
		return nil
	}
	return []throttle.Slot{{Key: s.Keys.Pseudonym(budgetPurpose, "sms code", t.Sent.ID),
		Budget: throttle.Budget{Limit: smscode.Tries, Window: smscode.Life}}}
}
