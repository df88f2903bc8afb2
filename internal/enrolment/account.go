package enrolment

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
)

// freshFor is how long a proof is fresh enough for a change of one's own authenticators (RULES §3).
const freshFor = 5 * time.Minute

// Owner is somebody who is signed in and looks after her account.
type Owner struct {
	Browser authn.Browser
	Current secret.Token // of the session
}

// own returns the owner's session, account and second proofs, or ErrStale where her proof is too old or less than her
// account can show. A browser that is remembered has shown less.
func (s *Service) own(ctx context.Context, o Owner) (authn.Facts, account.Account, authn.Second, error) {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil {
		return f, acc, authn.Second{}, err
	}
	if !f.Live {
		return f, acc, authn.Second{}, ErrStale
	}
	second, err := s.Authn.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return f, acc, second, fmt.Errorf("find second proofs: %w", err)
	}
	old := s.Now().Sub(f.Session.AuthTime) > freshFor
	shown := func(method string) bool { return slices.Contains(f.Session.AMR, method) }
	less := second.Apps > 0 && !shown(authn.MethodOTP) || second.Password && !shown(authn.MethodPassword)
	if old || less {
		return f, acc, second, ErrStale
	}
	return f, acc, second, nil
}

// Begin takes what the owner's session has freshly proven into an attempt, in which she adds an app or gets a new recovery
// code. It fails with ErrStale.
func (s *Service) Begin(ctx context.Context, o Owner, a authn.Attempt, stage authn.Stage) error {
	f, acc, second, err := s.own(ctx, o)
	if err != nil {
		return err
	}
	if stage == authn.Renewing && second.Apps == 0 {
		return ErrNotNow // without an app there is nothing to recover from
	}
	methods := slices.DeleteFunc(slices.Clone(f.Session.AMR), func(m string) bool {
		return m != authn.MethodPassword && m != authn.MethodMail && m != authn.MethodOTP && m != authn.MethodRecovery
	})
	fresh := authn.Prepare(a.ID, o.Browser.Device, s.Now())
	return s.InTx(ctx, func(tx Tx) error {
		p := authn.Proven{Account: acc, Progress: authn.Progress{Methods: methods, Stage: stage, ProvenAt: f.Session.AuthTime}}
		return s.Authn.Advance(ctx, tx, a, &fresh, p, o.Browser, secret.Hash{})
	})
}

// Rename gives one of the owner's apps another name. It returns false if she has none with this id.
func (s *Service) Rename(ctx context.Context, o Owner, app, name string) (bool, error) {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil || !f.Live {
		return false, err
	}
	done := false
	err = s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.RenameApp(ctx, acc.ID, app, cleanName(name))
		if err != nil || !ok {
			return err
		}
		done = true
		return tx.Append(ctx, s.event(audit.AppRenamed, acc.ID, o.Browser))
	})
	return done, err
}

// Remove unbinds one of the owner's apps. The last one takes the recovery code with it; where policy requires two-factor
// authentication it stays (ErrLast). It fails with ErrStale, and returns false if she has no such app.
func (s *Service) Remove(ctx context.Context, o Owner, app string) (bool, error) {
	_, acc, _, err := s.own(ctx, o)
	if err != nil {
		return false, err
	}
	done := false
	err = s.InTx(ctx, func(tx Tx) error {
		name, ok, err := tx.DeleteApp(ctx, acc.ID, app)
		if err != nil || !ok {
			return err
		}
		left, err := tx.FindSecond(ctx, acc.ID)
		if err != nil {
			return fmt.Errorf("find second proofs: %w", err)
		}
		more := map[string]string{"authenticator": name}
		if left.Apps == 0 {
			if left.Policy.IsRequired(s.Now()) {
				return ErrLast
			}
			more["off"] = "yes"
			if err := tx.DeleteRecovery(ctx, acc.ID); err != nil {
				return fmt.Errorf("delete recovery code: %w", err)
			}
		}
		if _, err := s.moveEpoch(ctx, tx, acc.ID); err != nil {
			return err
		}
		if err := s.tell(ctx, tx, OffTemplate, acc, o.Browser, more); err != nil {
			return err
		}
		done = true
		return tx.Append(ctx, s.event(audit.AppRemoved, acc.ID, o.Browser))
	})
	return done, err
}

// ForgetBrowser makes one of the owner's remembered browsers show the second proof again. It returns false if there is none
// with this id.
func (s *Service) ForgetBrowser(ctx context.Context, o Owner, browser string) (bool, error) {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil || !f.Live {
		return false, err
	}
	done := false
	err = s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.ForgetBrowser(ctx, acc.ID, browser)
		if err != nil || !ok {
			return err
		}
		done = true
		return tx.Append(ctx, s.event(audit.BrowserForgotten, acc.ID, o.Browser))
	})
	return done, err
}
