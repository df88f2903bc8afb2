package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/recoverycode"
)

// Code is the recovery code that the page shows until it is saved (S16).
func (s *Service) Code(u Under) (recoverycode.Code, error) {
	code, err := u.Progress.OpenCode(s.Keys, s.Now())
	if err != nil {
		return "", ErrNotNow
	}
	return code, nil
}

// SaveCode makes the shown recovery code the account's: the person says that she has saved it.
func (s *Service) SaveCode(ctx context.Context, v Visit) (authn.NewSession, error) {
	press := s.Authn.Press("saved", "")
	u, err := s.Look(ctx, v, authn.ShowRecovery)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	code, err := s.Code(u)
	if err != nil {
		return authn.NewSession{}, err
	}
	verifier, err := s.Hasher.Hash(ctx, code.Reveal())
	if err != nil {
		return authn.NewSession{}, err
	}
	return s.advance(ctx, v, u, press, func(tx Tx, p *authn.Proven) error {
		if err := tx.SaveRecovery(ctx, u.Account.ID, verifier, s.Now()); err != nil {
			return fmt.Errorf("save recovery code: %w", err)
		}
		if err := tx.DeleteIssued(ctx, u.Account.ID); err != nil {
			return fmt.Errorf("delete issued code: %w", err)
		}
		if p.Progress.Stage == authn.Renewing {
			p.Progress.Stage = authn.Proving
		}
		if err := s.spend(ctx, tx, v, u, p); err != nil {
			return err
		}
		if v.Attempt.Goal == authn.RenewCode {
			if err := s.Authn.Tell(ctx, tx, RecoveryMadeTemplate, u.Account, v.Browser, nil); err != nil {
				return err
			}
		}
		p.Progress.Sealed = nil
		if err := tx.Enqueue(ctx, s.reminder(u.Account)); err != nil {
			return fmt.Errorf("enqueue reminder: %w", err)
		}
		return tx.Append(ctx, s.event(audit.RecoveryCodeMade, u.Account.ID, v.Browser))
	})
}

// spend ends every other attempt that the used recovery code has opened: it leads to one session. Of two that save their new
// codes in the same moment, one finds the account's epoch moved.
func (s *Service) spend(ctx context.Context, tx Tx, v Visit, u Under, p *authn.Proven) error {
	if !u.Progress.Has(authn.MethodRecovery) {
		return nil
	}
	epoch, err := s.moveEpoch(ctx, tx, u.Account.ID)
	if err != nil {
		return err
	}
	if epoch != u.Progress.Epoch+1 {
		return authn.ErrAttemptUsed
	}
	p.Account.Epoch = epoch
	return nil
}

// Recovered takes the person's word after a recovery code: her app is still there, or it is gone (RULES §5).
func (s *Service) Recovered(ctx context.Context, v Visit, kept bool) (authn.NewSession, error) {
	press := s.Authn.Press("recovered", strconv.FormatBool(kept))
	u, err := s.Look(ctx, v, authn.AskApp)
	switch {
	case err != nil:
		return s.again(ctx, v, press, err)
	case !kept && !u.Second.MayReplace(u.Progress, s.Now()):
		return authn.NewSession{}, ErrGuarded
	}
	return s.advance(ctx, v, u, press, func(tx Tx, p *authn.Proven) error {
		p.Progress.Stage = authn.Replacing
		if !kept {
			return nil
		}
		p.Progress.Stage = authn.Kept
		return tx.RestoreApps(ctx, u.Account.ID)
	})
}

// TurnOff turns two-factor authentication off, for a person whose app is gone and who has shown the recovery code beside her
// password or a mailed link. Where policy requires it there is no such way: ErrRequired.
func (s *Service) TurnOff(ctx context.Context, v Visit) (authn.NewSession, error) {
	press := s.Authn.Press("off", "")
	u, err := s.Look(ctx, v, authn.Enrol)
	switch {
	case err != nil:
		return s.again(ctx, v, press, err)
	case u.Progress.Stage != authn.Replacing:
		return authn.NewSession{}, ErrNotNow
	}
	return s.advance(ctx, v, u, press, func(tx Tx, p *authn.Proven) error {
		second, err := tx.FindSecond(ctx, u.Account.ID)
		switch {
		case err != nil:
			return fmt.Errorf("find second proofs: %w", err)
		case !second.MayTurnOff(u.Progress, s.Now()):
			return ErrRequired
		}
		if err := tx.DeleteApps(ctx, u.Account.ID); err != nil {
			return fmt.Errorf("delete apps: %w", err)
		}
		if err := tx.DeleteBesideApps(ctx, u.Account.ID); err != nil {
			return fmt.Errorf("delete what exists beside an app: %w", err)
		}
		p.Progress.Stage = authn.Later // the offer would be an odd answer
		if p.Account.Epoch, err = s.moveEpoch(ctx, tx, u.Account.ID); err != nil {
			return err
		}
		if err := s.Authn.Tell(ctx, tx, OffTemplate, u.Account, v.Browser, map[string]string{"authenticator": "", "off": "yes"}); err != nil {
			return err
		}
		return tx.Append(ctx, s.event(audit.AppRemoved, u.Account.ID, v.Browser))
	})
}

// remindAfter is when the person is asked whether she still has her recovery code; a week later the question is old.
const remindAfter, remindFor = 30 * 24 * time.Hour, 7 * 24 * time.Hour

// reminder is the question, waiting in the outbox.
func (s *Service) reminder(acc account.Account) outbox.Message {
	m := outbox.New(outbox.Mail, RecoveryReminderTemplate, acc.Address, s.Now())
	m.Account, m.Language, m.Lane = acc.ID, acc.Language, outbox.Routine
	m.NotBefore, m.Expires = s.Now().Add(remindAfter), s.Now().Add(remindAfter+remindFor)
	m.Params = map[string]string{"made": outbox.FormatTime(s.Now())}
	return m
}

// Prepare completes the reminder in the outbox worker: it is sent to an account that still has that very code, at the address that
// it has by then.
func (s *Service) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	prepared := m
	err := s.InTx(ctx, func(tx Tx) error {
		acc, err := tx.ReadAccount(ctx, m.Account)
		if err != nil {
			return fmt.Errorf("read account: %w", err)
		}
		made, err := tx.FindRecoveryMade(ctx, m.Account)
		if err != nil {
			return fmt.Errorf("find recovery code: %w", err)
		}
		if acc.ID == "" || !acc.IsOpen() || acc.Address == "" || outbox.FormatTime(made) != m.Params["made"] {
			return fmt.Errorf("%w: the code is another one", outbox.ErrDrop)
		}
		prepared = m
		prepared.To, prepared.Language, prepared.Prepared = acc.Address, acc.Language, true
		employer, err := tx.FindEmployer(ctx, acc.ID)
		if err != nil {
			return fmt.Errorf("find employer: %w", err)
		}
		prepared.Params = map[string]string{"name": acc.GivenName, "employer": employer}
		return tx.SavePrepared(ctx, prepared, "")
	})
	return prepared, err
}

// IssuedLife is how long a recovery code works that was handed out (NIST SP 800-63B-4 §4.2.1.2: a day at most).
const IssuedLife = 24 * time.Hour

// The ways in which no code is handed out.
var (
	// ErrNoAccount: no open account has the address.
	ErrNoAccount = errors.New("no open account has this address")
	// ErrNothingToRecover: the account has no two-factor authentication, so that a mailed link is enough.
	ErrNothingToRecover = errors.New("the account has no two-factor authentication: a mailed link from the login page is enough")
	// ErrPrintedLately: an administrator has had a sheet for a new password in her hand, the other proof.
	ErrPrintedLately = errors.New("a sheet for a new password was printed in the last days; the operator must do it")
	// ErrNoReason: whoever hands out a code says why.
	ErrNoReason = errors.New("a reason is needed: how you made sure who asks, in a few words")
)

const maxReason = 500 // characters

// reasonOf is why somebody does what touches another's credentials.
func reasonOf(text string) (string, error) {
	if text = strings.TrimSpace(text); text == "" || len([]rune(text)) > maxReason {
		return "", ErrNoReason
	}
	return text, nil
}

// Issue makes a recovery code for a person who has lost everything, at the operator's word. It works once within a day, as one
// proof beside the password or a mailed link, and leads to a recovery code of her own. The person is told by mail, never of the
// code itself (RULES §5). The reason is kept with the audit line's personal fields.
func (s *Service) Issue(ctx context.Context, address, reason string) (recoverycode.Code, error) {
	_, id, err := account.ParseAddress(address)
	if err != nil {
		return "", err
	}
	return s.issue(ctx, administrator.CommandLine, "", reason, func(tx Tx) (administrator.Charge, bool, error) {
		acc, ok, err := tx.FindAccount(ctx, id)
		if err != nil || !ok || !acc.IsOpen() {
			return administrator.Charge{}, false, cmp.Or(err, ErrNoAccount)
		}
		second, err := tx.FindSecond(ctx, acc.ID)
		if err == nil && second.Apps == 0 {
			err = ErrNothingToRecover
		}
		return administrator.Charge{Account: acc}, false, err
	})
}

// IssueTo is Issue by an administrator, for a person of her organisation. Where the account is not her organisation's alone, an
// administrator of each other one is asked first (ErrAsked); once they have agreed, she may do it once. It fails with ErrNoAccount,
// ErrNoReason, ErrNothingToRecover, ErrPrintedLately, ErrRefused or a refusal of administrator.MayTouch.
func (s *Service) IssueTo(ctx context.Context, by administrator.Administrator, o organisation.ID, person, reason string) (recoverycode.Code, error) {
	return s.issue(ctx, by, o, reason, func(tx Tx) (administrator.Charge, bool, error) {
		return s.charge(ctx, tx, by, o, person, administrator.HandOut, reason)
	})
}

func (s *Service) issue(ctx context.Context, by administrator.Administrator, o organisation.ID, reason string, find func(Tx) (c administrator.Charge, waits bool, err error)) (recoverycode.Code, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return "", err
	}
	code := recoverycode.New()
	verifier, err := s.Hasher.Hash(ctx, code.Reveal())
	if err != nil {
		return "", err
	}
	waits := false
	err = s.InTx(ctx, func(tx Tx) error {
		var c administrator.Charge
		if c, waits, err = find(tx); err != nil || waits {
			return err
		}
		e := by.Event(audit.RecoveryCodeIssued, o, reason, s.Now())
		if err := tx.SaveIssued(ctx, c.Account.ID, verifier, e.Actor, s.Now(), s.Now().Add(IssuedLife)); err != nil {
			return fmt.Errorf("save issued code: %w", err)
		}
		if err := s.Authn.Tell(ctx, tx, RecoveryIssuedTemplate, c.Account, authn.Browser{}, nil); err != nil {
			return err
		}
		e.Account, e.Personal["person"] = c.Account.ID, c.Person
		return tx.Append(ctx, e)
	})
	switch {
	case err != nil:
		return "", err
	case waits:
		return "", ErrAsked
	}
	return code, nil
}
