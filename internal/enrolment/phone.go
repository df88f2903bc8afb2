package enrolment

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
)

// What is no number that can get a code.
var (
	ErrNotANumber = phone.ErrNotANumber
	ErrNotMobile  = phone.ErrNotMobile
)

// ErrOwnNumber says that the account is named by the number: whoever reads its messages gets the link for a new password by them, and
// a code beside it would prove nothing more (ADR 27).
var ErrOwnNumber = errors.New("the account is named by this number")

// The templates of the mails about the phone.
const (
	PhoneOnTemplate  = "phone_on"
	PhoneOffTemplate = "phone_off"
)

// afterApp is what comes after an app is bound: after the first one, or one that replaces what was lost, a phone, where codes can
// be sent (S15).
func (s *Service) afterApp(u Under) authn.Stage {
	first := u.Second.Apps == 0 && !u.Second.Phone
	if s.Authn.SMS != nil && (first || u.Progress.Stage == authn.Replacing) {
		return authn.Phoning
	}
	return authn.Proving
}

// GiveNumber puts the number into the attempt, to be shown before anything is sent to it. It fails as authn.ParseNumber does, or with
// ErrOwnNumber.
func (s *Service) GiveNumber(ctx context.Context, v Visit, typed string) error {
	u, err := s.Look(ctx, v, authn.AskPhone)
	if err != nil {
		return err
	}
	n, err := s.Authn.ParseNumber(typed)
	if err != nil {
		return err
	}
	if n == u.Account.Identifier.Phone() {
		return ErrOwnNumber
	}
	return s.InTx(ctx, func(tx Tx) error {
		if err := authn.Lock(ctx, tx, u.Progress); err != nil {
			return err
		}
		row, err := tx.FindTexted(ctx, v.Attempt.ID)
		if err != nil {
			return fmt.Errorf("find what was sent: %w", err)
		}
		// How many were sent stays, and when: another number is no way to more. The code of the number before is worth nothing.
		row.Attempt, row.Account, row.Use, row.Expires = v.Attempt.ID, u.Account.ID, authn.ToBind, v.Attempt.Begun.Add(authn.AttemptLife)
		row.Sealed, row.Sent.ID, row.Sent.MAC = authn.SealTyped(s.Keys, v.Attempt.ID, n, s.Now()), "", nil
		return tx.SaveTexted(ctx, row)
	})
}

// Number is the number that was given, and what was sent to it. It fails with ErrNotNow where none was.
func (s *Service) Number(ctx context.Context, a authn.Attempt) (authn.Pending, error) {
	p, err := s.Authn.Pending(ctx, a, authn.ToBind)
	if err == nil && p.Number == "" {
		err = ErrNotNow
	}
	return p, err
}

// SendCode sends a code to the number that was given, the first one or another. It fails as authn.SendCode does.
func (s *Service) SendCode(ctx context.Context, v Visit, language string) error {
	u, err := s.Look(ctx, v, authn.AskPhone)
	if err != nil {
		return err
	}
	p, err := s.Number(ctx, v.Attempt)
	if err != nil {
		return err
	}
	return authn.SendCode(ctx, s.Authn, s.InTx, authn.Sending{Attempt: v.Attempt, Progress: u.Progress, Account: u.Account, Use: authn.ToBind,
		Number: p.Number, Language: language, Browser: v.Browser})
}

// ConfirmPhone binds the phone whose code was typed, in place of an older one. It fails with authn.ErrWrong or authn.ErrThrottled.
func (s *Service) ConfirmPhone(ctx context.Context, v Visit, code string) (authn.NewSession, error) {
	press := s.Authn.Press("phone", code)
	u, err := s.Look(ctx, v, authn.AskPhone)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	texted, err := s.Authn.Store.FindTexted(ctx, v.Attempt.ID)
	if err != nil {
		return authn.NewSession{}, fmt.Errorf("find what was sent: %w", err)
	}
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	proof := authn.NewPhone{Identifier: u.Account.Identifier, Progress: u.Progress, Texted: texted, Code: code}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, proof, func(tx Tx, p authn.Proven) error {
		now := s.Now()
		if err := tx.SavePhone(ctx, authn.Phone{Account: u.Account.ID, Sealed: authn.SealPhone(s.Keys, u.Account.ID, p.Phone, now), Created: now}); err != nil {
			return fmt.Errorf("save phone: %w", err)
		}
		p.Progress.Stage = authn.Proving
		if p.Account.Epoch, err = s.moveEpoch(ctx, tx, u.Account.ID); err != nil {
			return err
		}
		if err := s.Authn.Tell(ctx, tx, PhoneOnTemplate, u.Account, v.Browser, map[string]string{"number": p.Phone.Hidden()}); err != nil {
			return err
		}
		if err := tx.Append(ctx, s.event(audit.PhoneAdded, u.Account.ID, v.Browser)); err != nil {
			return err
		}
		p.Operation = press
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, p, v.Browser, v.Current.HashOrZero())
	})
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	return fresh, nil
}

// SkipPhone goes on without a phone: **Hoppa över**.
func (s *Service) SkipPhone(ctx context.Context, v Visit) (authn.NewSession, error) {
	press := s.Authn.Press("skip phone", "")
	u, err := s.Look(ctx, v, authn.AskPhone)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	return s.advance(ctx, v, u, press, func(_ Tx, p *authn.Proven) error {
		p.Progress.Stage = authn.Proving
		return nil
	})
}

// RemovePhone unbinds the owner's phone. It fails with authn.ErrStale, and returns false if she has none.
func (s *Service) RemovePhone(ctx context.Context, o authn.Owner) (bool, error) {
	_, acc, _, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return false, err
	}
	// A number that cannot be opened any more can still be removed.
	more := map[string]string{}
	if _, number, ok, err := s.Authn.OwnPhone(ctx, acc.ID); err == nil && ok {
		more["number"] = number.Hidden()
	} else if err != nil && !errors.Is(err, secret.ErrSealed) {
		return false, err
	}
	done := false
	err = s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.DeletePhone(ctx, acc.ID)
		if err != nil || !ok {
			return err
		}
		epoch, err := s.moveEpoch(ctx, tx, acc.ID)
		if err == nil && epoch != acc.Epoch+1 {
			err = authn.ErrStale // something has changed since the proof: the session may have been ended for it
		}
		if err != nil {
			return err
		}
		if err := s.Authn.Tell(ctx, tx, PhoneOffTemplate, acc, o.Browser, more); err != nil {
			return err
		}
		done = true
		return tx.Append(ctx, s.event(audit.PhoneRemoved, acc.ID, o.Browser))
	})
	return done, err
}
