package enrolment

import (
	"context"
	"fmt"
	"strconv"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
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
		return tx.Append(ctx, s.event(audit.RecoveryCodeMade, u.Account.ID, v.Browser))
	})
}

// spend ends every other attempt that the used recovery code has opened: it leads to one session. Of two that save their new
// codes in the same moment, one finds the account's epoch moved.
func (s *Service) spend(ctx context.Context, tx Tx, v Visit, u Under, p *authn.Proven) error {
	if v.Attempt.Goal != "" || !u.Progress.Has(authn.MethodRecovery) {
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
	if err != nil {
		return s.again(ctx, v, press, err)
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
