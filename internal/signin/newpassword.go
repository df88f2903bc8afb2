package signin

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/password"
)

// ReplacedTemplate is the mail that tells of a new password, as after any other change of it.
const ReplacedTemplate = "password_changed"

// MaxLength is the longest password in code points.
const MaxLength = password.MaxLength

// Rules are what the new password must fulfil that takes the place of the old login's.
func (s *Service) Rules(ctx context.Context, p Position) (password.Rules, error) {
	return s.rules(ctx, p.Whose, p.Facts.Second)
}

func (s *Service) rules(ctx context.Context, acc account.Account, second authn.Second) (password.Rules, error) {
	employers, err := s.Store.ListEmployers(ctx, acc.ID)
	if err != nil {
		return password.Rules{}, fmt.Errorf("list employers: %w", err)
	}
	return password.RulesFor(acc.Login(), append(employers, acc.GivenName, acc.FamilyName)...).AtLeast(second.Policy.MinPassword), nil
}

// NewPassword sets the password that takes the place of the old login's, which was right and is not what we ask for, and goes on with
// the sign-in (RULES §7). Sessions that stand go on: nothing of them came from the old password. It fails with a reason against the
// password, authn.ErrAttempt, authn.ErrAttemptUsed or authn.ErrBusy.
func (s *Service) NewPassword(ctx context.Context, v Secondly) (authn.NewSession, error) {
	press := s.Authn.Press("new password", v.Typed)
	fresh, err := s.replacePassword(ctx, v, press)
	if err != nil {
		return authn.Again(ctx, s.Authn, s.InTx, v.Attempt, press, v.Browser, v.Current.HashOrZero(), err)
	}
	return fresh, nil
}

func (s *Service) replacePassword(ctx context.Context, v Secondly, press string) (authn.NewSession, error) {
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return authn.NewSession{}, err
	}
	if authn.Needs(v.Attempt, p, second, false, s.Now()) != authn.AskNewPassword {
		return authn.NewSession{}, authn.ErrAttempt
	}
	rules, err := s.rules(ctx, acc, second)
	if err != nil {
		return authn.NewSession{}, err
	}
	if err := rules.Judge(v.Typed); err != nil {
		return authn.NewSession{}, err
	}
	verifier, err := s.Hasher.Hash(ctx, v.Typed)
	if err != nil {
		return authn.NewSession{}, err
	}
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	err = s.InTx(ctx, func(tx Tx) error {
		if err := authn.Lock(ctx, tx, p); err != nil {
			return err
		}
		epoch, err := tx.SetPassword(ctx, acc.ID, verifier, password.IsEnoughAlone(v.Typed), s.Now())
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if epoch != acc.Epoch+1 {
			return authn.ErrAttemptUsed // something has changed since the old password was right
		}
		if err := tx.CarrySessions(ctx, acc.ID, epoch); err != nil {
			return fmt.Errorf("carry sessions: %w", err)
		}
		proven := authn.Proven{Account: acc, Progress: p, Operation: press}
		proven.Account.Epoch, proven.Progress.Epoch = epoch, epoch
		if err := s.Authn.Tell(ctx, tx, ReplacedTemplate, proven.Account, v.Browser, nil); err != nil {
			return err
		}
		if err := tx.Append(ctx, s.event(audit.PasswordReplaced, acc.ID, v.Browser)); err != nil {
			return err
		}
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, proven, v.Browser, v.Current.HashOrZero())
	})
	return fresh, err
}
