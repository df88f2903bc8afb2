// Package myaccount is the flow behind /account: a person sees what is hers and ends what should not be. It
// knows neither HTTP nor SQL.
package myaccount

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Service runs the flow.
type Service struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error
	Authn *authn.Service
	Now   func() time.Time

	Hasher *password.Hasher
}

// Store answers questions outside a transaction.
type Store interface {
	// ListSessions lists the account's sessions that stand, last seen first, at most 50.
	ListSessions(ctx context.Context, id account.ID, epoch int64, now time.Time) ([]session.Session, error)
	AccessStore
	ActivityStore
	ExportStore
	// ListRemembered lists the browsers that the account has remembered at its epoch, newest first.
	ListRemembered(ctx context.Context, id account.ID, epoch int64, now time.Time) ([]authn.Remembered, error)
	// FindRecoveryMade says when the account's recovery code was made; zero: it has none.
	FindRecoveryMade(ctx context.Context, id account.ID) (time.Time, error)
	// FindPasswordChanged says when the account's password was set; zero: it has none.
	FindPasswordChanged(ctx context.Context, id account.ID) (time.Time, error)
	// FindPendingAddress returns the address that waits to be confirmed at the account's epoch; the zero value where there is none.
	FindPendingAddress(ctx context.Context, id account.ID, epoch int64, now time.Time) (PendingAddress, error)
	// FindLink reads without consuming: mail scanners open links too.
	FindLink(ctx context.Context, h secret.Hash) (onetime.Link, account.Account, error)
	// ListEmployers lists the names of the account's employers.
	ListEmployers(ctx context.Context, id account.ID) ([]string, error)
}

// Tx is what the flow changes.
type Tx interface {
	authn.Tx
	AccessTx
	EraseTx
	// CarrySessions lets the account's standing sessions go on under a new epoch.
	CarrySessions(ctx context.Context, id account.ID, epoch int64) error
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// SavePendingAddress stores the address in place of another that waits; false if the account's epoch has moved.
	SavePendingAddress(ctx context.Context, p PendingAddress) (bool, error)
	// ReadPendingAddress returns a waiting address by its id, with its account; the zero value where it waits no more.
	ReadPendingAddress(ctx context.Context, id string, now time.Time) (PendingAddress, account.Account, error)
	// TakePendingAddress takes the account's waiting address away and returns it, if it has this id, or any where that is empty.
	TakePendingAddress(ctx context.Context, id account.ID, pending string, epoch int64) (PendingAddress, bool, error)
	// ChangeAddress changes address and identifier, and says when; false, and nothing, if another account has the identifier.
	ChangeAddress(ctx context.Context, id account.ID, identifier account.Identifier, address string, now time.Time) (bool, error)
	// ConfirmAddress marks the address proven and ends all of the account's links (RULES §4).
	ConfirmAddress(ctx context.Context, id account.ID, now time.Time) error
	// SavePrepared stores what Prepare made of a message.
	SavePrepared(ctx context.Context, m outbox.Message, linkID string) error
	// SaveProfile stores the account's names and language.
	SaveProfile(ctx context.Context, id account.ID, p Profile) error
	// SetPassword stores a verifier, ends all links, and moves the epoch; it returns the new epoch.
	SetPassword(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) (int64, error)
}

// Overview is what the page shows.
type Overview struct {
	Account  account.Account
	Current  session.ID
	Sessions []session.Session
	Access   []Access
	// Second, Apps, Remembered and RecoveryMade are the account's two-factor authentication.
	Second       authn.Second
	Apps         []authn.App
	Phones       map[string]push.Key // those apps that are paired, by their ids
	Remembered   []authn.Remembered
	RecoveryMade time.Time // zero: there is no recovery code
	Phone        *Phone    // nil: there is none
	// PasswordChanged is when the password was set; zero: there is none.
	PasswordChanged time.Time
	Pending         PendingAddress
}

// Look returns the overview for the browser's session; false if nobody is signed in.
func (s *Service) Look(ctx context.Context, current secret.Token) (Overview, bool, error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return Overview{}, false, err
	}
	list, err := s.Store.ListSessions(ctx, acc.ID, acc.Epoch, s.Now())
	if err != nil {
		return Overview{}, false, fmt.Errorf("list sessions: %w", err)
	}
	access, err := s.Store.ListAccess(ctx, acc.ID, s.Now())
	if err != nil {
		return Overview{}, false, fmt.Errorf("list access: %w", err)
	}
	o := Overview{Account: acc, Current: f.Session.ID, Sessions: list, Access: access}
	if err := s.lookAtMFA(ctx, &o); err != nil {
		return Overview{}, false, err
	}
	if err := s.lookAtDetails(ctx, &o); err != nil {
		return Overview{}, false, err
	}
	return o, true, nil
}

func (s *Service) lookAtMFA(ctx context.Context, o *Overview) (err error) {
	if o.Second, err = s.Authn.Store.FindSecond(ctx, o.Account.ID); err != nil {
		return fmt.Errorf("find second proofs: %w", err)
	}
	if o.Apps, err = s.Authn.Store.ListApps(ctx, o.Account.ID); err != nil {
		return fmt.Errorf("list apps: %w", err)
	}
	keys, err := s.Authn.Store.ListPushKeys(ctx, o.Account.ID)
	if err != nil {
		return fmt.Errorf("list paired authenticators: %w", err)
	}
	o.Phones = map[string]push.Key{}
	for _, k := range keys {
		o.Phones[k.ID] = k
	}
	if o.Remembered, err = s.Store.ListRemembered(ctx, o.Account.ID, o.Account.Epoch, s.Now()); err != nil {
		return fmt.Errorf("list remembered browsers: %w", err)
	}
	if o.RecoveryMade, err = s.Store.FindRecoveryMade(ctx, o.Account.ID); err != nil {
		return fmt.Errorf("find recovery code: %w", err)
	}
	return s.lookAtPhone(ctx, o)
}

// EndSession ends one of the person's sessions by its id. Somebody else's id ends nothing: the statement
// names the account too. It returns false if nothing ended.
func (s *Service) EndSession(ctx context.Context, current secret.Token, id session.ID, b authn.Browser) (bool, error) {
	if id == "" {
		return false, nil // an empty id would not restrict
	}
	return s.end(ctx, current, b, func(acc account.Account, _ session.ID) authn.Which {
		return authn.Which{Account: acc.ID, Session: id}
	})
}

// EndOthers ends all of the person's sessions but this browser's, and moves the epoch: links, codes and sign-ins under way
// end too (RULES §1). It returns false if nothing ended.
func (s *Service) EndOthers(ctx context.Context, current secret.Token, b authn.Browser) (bool, error) {
	return s.end(ctx, current, b, func(acc account.Account, here session.ID) authn.Which {
		return authn.Which{Account: acc.ID, Except: here, Offline: true}
	})
}

// end ends the chosen sessions, with a line in the audit log for each.
func (s *Service) end(ctx context.Context, current secret.Token, b authn.Browser,
	which func(account.Account, session.ID) authn.Which) (ended bool, err error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return false, err
	}
	now, chosen := s.Now(), which(acc, f.Session.ID)
	err = s.InTx(ctx, func(tx Tx) error {
		ids, err := authn.EndSessions(ctx, tx, chosen, session.EndedByOwner, now)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := tx.Append(ctx, audit.Event{Kind: audit.SessionEnded, At: now, Actor: "account", Account: acc.ID,
				Session: string(id), Personal: audit.From(b.Device.Address, b.Device.UserAgent)}); err != nil {
				return err
			}
		}
		ended = len(ids) > 0
		if chosen.Session != "" {
			return nil
		}
		epoch, err := tx.MoveEpoch(ctx, acc.ID)
		if err != nil {
			return fmt.Errorf("move epoch: %w", err)
		}
		return tx.CarrySessions(ctx, acc.ID, epoch)
	})
	return ended, err
}
