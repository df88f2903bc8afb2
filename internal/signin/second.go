package signin

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
)

// Secondly is a typed second proof, in an attempt that has proven the first.
type Secondly struct {
	Attempt  authn.Attempt
	Typed    string
	Remember bool // let this browser skip the second proof for as long as policy allows
	Browser  authn.Browser
	Current  secret.Token
}

// Code signs in with a code of an authenticator app. It returns the session, if nothing more is needed, and the token of a
// browser that shall be remembered, or "". It fails as Password does.
func (s *Service) Code(ctx context.Context, v Secondly) (authn.NewSession, secret.Token, error) {
	press := s.Authn.Press("code", v.Typed)
	again := func(err error) (authn.NewSession, secret.Token, error) {
		fresh, err := authn.Again(ctx, s.Authn, s.InTx, v.Attempt, press, v.Browser, v.Current.HashOrZero(), err)
		return fresh, "", err
	}
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return again(err)
	}
	fresh, token := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now()), s.prepareRemembered(v, second)
	proof := authn.Code{Identifier: acc.Identifier, Progress: p, Code: v.Typed}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, proof, func(tx Tx, p authn.Proven) error {
		if err := s.remember(ctx, tx, v, second, token, p.Account); err != nil {
			return err
		}
		p.Operation = press
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, p, v.Browser, v.Current.HashOrZero())
	})
	if err != nil {
		return again(err)
	}
	return fresh, token, nil
}

// Finish goes on in an attempt that needs nothing more, because what it needed was done elsewhere meanwhile, or is no longer
// asked for. It fails with authn.ErrAttempt where it does need something.
func (s *Service) Finish(ctx context.Context, a authn.Attempt, b authn.Browser, current secret.Token) (authn.NewSession, error) {
	press := s.Authn.Press("finish", "")
	fresh := authn.Prepare(a.ID, b.Device, s.Now())
	p, acc, _, err := s.Authn.Progress(ctx, a, current)
	if err == nil {
		err = s.InTx(ctx, func(tx Tx) error {
			if err := authn.Lock(ctx, tx, p); err != nil {
				return err
			}
			proven := authn.Proven{Account: acc, Progress: p, Operation: press}
			return s.Authn.Advance(ctx, tx, a, &fresh, proven, b, current.HashOrZero())
		})
	}
	if err != nil {
		return authn.Again(ctx, s.Authn, s.InTx, a, press, b, current.HashOrZero(), err)
	}
	return fresh, nil
}

// RecoveryCode signs in with the account's recovery code. What comes next is always another step: the new code is shown
// first. It fails as Password does.
func (s *Service) RecoveryCode(ctx context.Context, v Secondly) (authn.NewSession, error) {
	p, acc, _, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return authn.NewSession{}, err
	}
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	proof := authn.RecoveryCode{Identifier: acc.Identifier, Progress: p, Code: v.Typed}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, proof, func(tx Tx, p authn.Proven) error {
		if err := s.Authn.Tell(ctx, tx, RecoveryUsedTemplate, acc, v.Browser, nil); err != nil {
			return err
		}
		if err := tx.Append(ctx, s.event(audit.RecoveryCodeUsed, acc.ID, v.Browser)); err != nil {
			return err
		}
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, p, v.Browser, v.Current.HashOrZero())
	})
	return fresh, err
}

// RecoveryUsedTemplate is the mail that tells a person that her recovery code was used.
const RecoveryUsedTemplate = "recovery_code_used"

// prepareRemembered draws the token of a browser that shall be remembered; "" where it shall or may not.
func (s *Service) prepareRemembered(v Secondly, second authn.Second) secret.Token {
	if v.Remember && second.Policy.RememberDays > 0 {
		return secret.NewToken()
	}
	return ""
}

// remember lets the browser skip the second proof for as long as policy allows.
func (s *Service) remember(ctx context.Context, tx Tx, v Secondly, second authn.Second, token secret.Token, acc account.Account) error {
	if token == "" {
		return nil
	}
	now := s.Now()
	err := tx.RememberBrowser(ctx, authn.Remembered{ID: secret.NewID(), Secret: token.Hash(), Account: acc.ID, Epoch: acc.Epoch, Device: v.Browser.Device,
		Created: now, Expires: now.AddDate(0, 0, second.Policy.RememberDays)})
	if err != nil {
		return fmt.Errorf("remember browser: %w", err)
	}
	return tx.Append(ctx, s.event(audit.BrowserRemembered, acc.ID, v.Browser))
}
