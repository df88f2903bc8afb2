package signin

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/authn"
)

// Phone is the last digits of the phone that may get a code in this attempt, as "•••• 05"; "" where none may.
func (s *Service) Phone(ctx context.Context, p Position) (string, error) {
	if s.Authn.SMS == nil || !p.Facts.Second.Phone || p.Facts.Second.Apps == 0 {
		return "", nil
	}
	_, n, ok, err := s.Authn.OwnPhone(ctx, p.Whose.ID)
	if err != nil || !ok {
		return "", err
	}
	return n.Hidden(), nil
}

// Texted is what the attempt has sent to the account's phone.
func (s *Service) Texted(ctx context.Context, a authn.Attempt) (authn.Pending, error) {
	return s.Authn.Pending(ctx, a, authn.ToSignIn)
}

// SendCode sends a code to the account's phone, the first one or another. It fails as authn.SendCode does.
func (s *Service) SendCode(ctx context.Context, v Secondly, language string) error {
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return err
	}
	if authn.Needs(v.Attempt, p, second, false, s.Now()) != authn.AskCode {
		return authn.ErrAttemptUsed
	}
	_, number, ok, err := s.Authn.OwnPhone(ctx, acc.ID)
	switch {
	case err != nil:
		return err
	case !ok || !second.Phone:
		return authn.ErrNoSMS
	}
	return authn.SendCode(ctx, s.Authn, s.InTx, authn.Sending{Attempt: v.Attempt, Progress: p, Account: acc, Use: authn.ToSignIn, Number: number,
		Language: language, Browser: v.Browser})
}

// TextedCode signs in with a code that came by SMS. It fails as Password does.
func (s *Service) TextedCode(ctx context.Context, v Secondly) (authn.NewSession, error) {
	press := s.Authn.Press("sms", v.Typed)
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	err := s.proveTexted(ctx, v, press, &fresh)
	if err != nil {
		return authn.Again(ctx, s.Authn, s.InTx, v.Attempt, press, v.Browser, v.Current.HashOrZero(), err)
	}
	return fresh, nil
}

func (s *Service) proveTexted(ctx context.Context, v Secondly, press string, fresh *authn.NewSession) error {
	p, acc, _, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return err
	}
	texted, err := s.Authn.Store.FindTexted(ctx, v.Attempt.ID)
	if err != nil {
		return fmt.Errorf("find what was sent: %w", err)
	}
	proof := authn.TextedCode{Identifier: acc.Identifier, Progress: p, Texted: texted, Code: v.Typed}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, proof, func(tx Tx, p authn.Proven) error {
		p.Operation = press
		return s.Authn.Advance(ctx, tx, v.Attempt, fresh, p, v.Browser, v.Current.HashOrZero())
	})
	return err
}
