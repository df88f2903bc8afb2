package enrolment

import (
	"context"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
)

// Begin takes what the owner's session has freshly proven into an attempt, in which she adds an app or gets a new recovery
// code. It fails with authn.ErrStale.
func (s *Service) Begin(ctx context.Context, o authn.Owner, a authn.Attempt, stage authn.Stage) error {
	f, acc, second, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return err
	}
	if (stage == authn.Renewing || stage == authn.Phoning) && second.Apps == 0 {
		return ErrNotNow // without an app there is nothing to recover from
	}
	fresh := authn.Prepare(a.ID, o.Browser.Device, s.Now())
	return s.InTx(ctx, func(tx Tx) error {
		p := authn.Proven{Account: acc, Progress: authn.Progress{Methods: f.Methods(), Stage: stage, ProvenAt: f.Session.AuthTime, From: f.Session.ID}}
		return s.Authn.Advance(ctx, tx, a, &fresh, p, o.Browser, secret.Hash{})
	})
}

// Rename gives one of the owner's apps another name. It returns false if she has none with this id.
func (s *Service) Rename(ctx context.Context, o authn.Owner, app, name string) (bool, error) {
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

// Remove unbinds one of the owner's apps. The last one takes the recovery code and the phone with it; where policy requires two-factor
// authentication it stays (ErrLast). It fails with authn.ErrStale, and returns false if she has no such app.
func (s *Service) Remove(ctx context.Context, o authn.Owner, app string) (bool, error) {
	_, acc, _, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return false, err
	}
	done := false
	err = s.InTx(ctx, func(tx Tx) error {
		done, err = s.unbind(ctx, tx, acc, app, unbinding{browser: o.Browser, actor: "account", fresh: true})
		return err
	})
	if err != nil {
		return false, err
	}
	s.Authn.Rang(acc.ID, "")
	return done, nil
}

// ForgetBrowser makes one of the owner's remembered browsers show the second proof again. It returns false if there is none
// with this id.
func (s *Service) ForgetBrowser(ctx context.Context, o authn.Owner, browser string) (bool, error) {
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
