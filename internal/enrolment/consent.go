package enrolment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/token"
	"github.com/portvakt/portvakt/internal/totp"
)

// refuse ends a pairing without a phone.
func (s *Service) refuse(ctx context.Context, tx Tx, p push.Pairing, to push.PairingState) error {
	ok, err := tx.MovePairing(ctx, p.ID, push.CodeClaimed, to, s.Now())
	switch {
	case err != nil:
		return fmt.Errorf("end pairing: %w", err)
	case !ok:
		return ErrNotNow
	}
	if _, err := tx.DenyDevice(ctx, p.Device, "", s.Now()); err != nil {
		return fmt.Errorf("deny the phone: %w", err)
	}
	return tx.Append(ctx, audit.Event{Kind: audit.PairingRefused, At: s.Now(), Actor: "account", Account: p.Account, Detail: map[string]string{"why": string(to)}})
}

// RefusePairing is **Neka**: the phone is told so.
func (s *Service) RefusePairing(ctx context.Context, v Visit) error {
	u, err := s.Look(ctx, v, authn.Enrol)
	if err != nil {
		return err
	}
	p, err := s.Store.FindAttemptPairing(ctx, v.Attempt.ID)
	if err != nil {
		return fmt.Errorf("find pairing: %w", err)
	}
	return s.InTx(ctx, func(tx Tx) error {
		if err := authn.Lock(ctx, tx, u.Progress); err != nil {
			return err
		}
		return s.refuse(ctx, tx, p, push.Refused)
	})
}

// ownName tells phones apart that call themselves the same: the second "Android" is "Android 2".
func (s *Service) ownName(ctx context.Context, u Under, name string) (string, error) {
	if u.Progress.Stage == authn.Replacing || name == "" {
		return name, nil
	}
	apps, err := s.Authn.Store.ListApps(ctx, u.Account.ID)
	if err != nil {
		return "", fmt.Errorf("list apps: %w", err)
	}
	own := name
	for n := 2; slices.ContainsFunc(apps, func(a authn.App) bool { return a.Name == own }); n++ {
		own = fmt.Sprintf("%s %d", name, n)
	}
	return own, nil
}

// ApprovePairing is **Godkänn**: it binds the phone whose four characters the person has compared, lets it have its tokens and a
// key for codes, and rings it for a first time (S13). pairing is the one whose characters the page has shown: another that has taken its
// place since is another phone's. It fails with ErrNotNow and ErrTooMany.
func (s *Service) ApprovePairing(ctx context.Context, v Visit, pairing string) (authn.NewSession, error) {
	press := s.Authn.Press("pair", "")
	u, err := s.Look(ctx, v, authn.Enrol)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	p, err := s.Store.FindAttemptPairing(ctx, v.Attempt.ID)
	switch {
	case err != nil:
		return authn.NewSession{}, fmt.Errorf("find pairing: %w", err)
	case !p.IsOpen(push.CodeClaimed, s.Now()) || p.Account != u.Account.ID || p.ID != pairing:
		return authn.NewSession{}, ErrNotNow
	}
	now := s.Now()
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, now)
	name, err := s.ownName(ctx, u, p.Name)
	if err != nil {
		return authn.NewSession{}, err
	}
	app := authn.App{ID: secret.NewID(), Account: u.Account.ID, Name: name, Created: now}
	app.Sealed = authn.SealApp(s.Keys, app.ID, totp.NewKey(), now)
	key := push.Key{ID: app.ID, Account: u.Account.ID, Signing: p.Signing, Wrapping: p.Wrapping, Grant: secret.NewID(), Language: p.Language, Seen: now}
	test := push.NewChallenge(u.Account.ID, v.Attempt.ID, push.Test, push.None, now)
	test.ClientID, test.Shown.Time = v.Attempt.Request.ClientID, now.UnixMilli()
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, authn.NewKey{Progress: u.Progress, Pairing: p}, func(tx Tx, proven authn.Proven) error {
		if err := s.replace(ctx, tx, u, v.Browser); err != nil {
			return err
		}
		if err := s.bindPhone(ctx, tx, app, key, p, now); err != nil {
			return err
		}
		proven.Progress.Stage, proven.Progress.Sealed = authn.Trying, nil
		if s.afterApp(u) == authn.Phoning {
			proven.Progress.Stage = authn.TryingNew
		}
		if proven.Account.Epoch, err = s.moveEpoch(ctx, tx, u.Account.ID); err != nil {
			return err
		}
		if err := s.Authn.Tell(ctx, tx, OnTemplate, u.Account, v.Browser, map[string]string{"authenticator": app.Name, authn.BoundParam: app.ID}); err != nil {
			return err
		}
		e := s.event(audit.PhonePaired, u.Account.ID, v.Browser)
		e.Detail = map[string]string{"key": key.ID}
		if err := tx.Append(ctx, e); err != nil {
			return err
		}
		if err := s.Authn.Challenge(ctx, tx, test); err != nil {
			return err
		}
		proven.Operation = press
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, proven, v.Browser, v.Current.HashOrZero())
	})
	switch {
	case errors.Is(err, authn.ErrGone):
		return authn.NewSession{}, ErrNotNow
	case err != nil:
		return s.again(ctx, v, press, err)
	}
	s.Authn.Rang(u.Account.ID, v.Attempt.ID)
	return fresh, nil
}

func (s *Service) bindPhone(ctx context.Context, tx Tx, app authn.App, key push.Key, p push.Pairing, now time.Time) error {
	ok, err := tx.InsertApp(ctx, app, maxApps)
	switch {
	case err != nil:
		return fmt.Errorf("insert app: %w", err)
	case !ok:
		return ErrTooMany
	}
	if err := tx.InsertPushKey(ctx, key); err != nil {
		return fmt.Errorf("insert key: %w", err)
	}
	ok, err = tx.ApproveDevice(ctx, p.Device, key.Account, key.Grant, token.Approval{}, now)
	switch {
	case err != nil:
		return fmt.Errorf("approve the phone: %w", err)
	case !ok:
		return authn.ErrGone
	}
	return nil
}

// Tried goes on after the first ring of a new phone, answered or not: **Fortsätt**.
func (s *Service) Tried(ctx context.Context, v Visit) (authn.NewSession, error) {
	press := s.Authn.Press("tried", "")
	u, err := s.Look(ctx, v, authn.TryPush)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	fresh, err := s.advance(ctx, v, u, press, func(tx Tx, p *authn.Proven) error {
		p.Progress.Stage = authn.Proving
		if u.Progress.Stage == authn.TryingNew {
			p.Progress.Stage = authn.Phoning
		}
		return tx.CancelChallenges(ctx, v.Attempt.ID, s.Now())
	})
	if err == nil {
		s.Authn.Rang(u.Account.ID, v.Attempt.ID)
	}
	return fresh, err
}
