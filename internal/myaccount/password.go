package myaccount

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/session"
)

// MaxLength is the longest password in code points.
const MaxLength = password.MaxLength

// PasswordTemplate is the mail that tells of a new password.
const PasswordTemplate = "password_changed"

// NewPassword is what the page about the password sends.
type NewPassword struct {
	Current   string // empty where the account has none
	Password  string
	EndOthers bool // log out all other devices
}

// PasswordForm is what the page about the password shows.
type PasswordForm struct {
	Account     account.Account
	HasPassword bool
	Rules       password.Rules
}

// LookAtPassword returns what the page about the password shows, or authn.ErrStale. Looking changes nothing.
func (s *Service) LookAtPassword(ctx context.Context, o authn.Owner) (PasswordForm, error) {
	_, form, err := s.passwordForm(ctx, o)
	return form, err
}

func (s *Service) passwordForm(ctx context.Context, o authn.Owner) (authn.Facts, PasswordForm, error) {
	f, acc, second, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return f, PasswordForm{}, err
	}
	employers, err := s.Store.ListEmployers(ctx, acc.ID)
	if err != nil {
		return f, PasswordForm{}, fmt.Errorf("list employers: %w", err)
	}
	rules := password.RulesFor(acc.Login(), append(employers, acc.GivenName, acc.FamilyName)...).AtLeast(second.Policy.MinPassword)
	return f, PasswordForm{Account: acc, HasPassword: second.Password, Rules: rules}, nil
}

// ChangePassword gives the account a new password, or its first one. Beside the fresh proof it asks for the password that is
// to go (ASVS 5.0 §6.2.3). Links, sign-ins under way and remembered browsers end; the owner's session goes on. It fails with
// authn.ErrStale, authn.ErrWrong, authn.ErrThrottled, authn.ErrBusy, or a reason against the password.
func (s *Service) ChangePassword(ctx context.Context, o authn.Owner, n NewPassword) error {
	f, form, err := s.passwordForm(ctx, o)
	if err != nil {
		return err
	}
	if err := form.Rules.Judge(n.Password); err != nil {
		return err
	}
	verifier, err := s.Hasher.Hash(ctx, n.Password)
	if err != nil {
		return err
	}
	set := func(tx Tx) error {
		epoch, err := tx.SetPassword(ctx, form.Account.ID, verifier, password.IsEnoughAlone(n.Password), s.Now())
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		if epoch != form.Account.Epoch+1 {
			return authn.ErrStale // something has changed since the page was asked for: the session may have been ended for it
		}
		return s.passwordChanged(ctx, tx, o, f, form.Account, epoch, n.EndOthers)
	}
	if !form.HasPassword {
		return s.InTx(ctx, set)
	}
	proof := authn.Password{Identifier: form.Account.Identifier, Password: n.Current}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, o.Browser, proof, func(tx Tx, p authn.Proven) error {
		if p.Account.ID != form.Account.ID {
			return authn.ErrWrong
		}
		return set(tx)
	})
	return err
}

// passwordChanged does what a new password means for everything else.
func (s *Service) passwordChanged(ctx context.Context, tx Tx, o authn.Owner, f authn.Facts, acc account.Account, epoch int64, endOthers bool) error {
	told := map[string]string{}
	if endOthers {
		which := authn.Which{Account: acc.ID, Except: f.Session.ID, Offline: true}
		if _, err := authn.EndSessions(ctx, tx, which, session.EndedByOwner, s.Now()); err != nil {
			return err
		}
		told["others_ended"] = "yes"
	}
	if err := tx.CarrySessions(ctx, acc.ID, epoch); err != nil {
		return fmt.Errorf("carry sessions: %w", err)
	}
	if err := s.Authn.Tell(ctx, tx, PasswordTemplate, acc, o.Browser, told); err != nil {
		return err
	}
	return tx.Append(ctx, s.event(audit.PasswordChanged, acc.ID, f.Session.ID, o.Browser))
}
