package myaccount

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// ErasedTemplate is the last mail to a person: her account is erased.
const ErasedTemplate = "account_erased"

// erasedLife is how long the last mail is tried. Afterwards its address goes undelivered.
const erasedLife = 24 * time.Hour

// ErrChanged says that the account has changed since the proof: somebody has ended its sessions, or another press has erased it.
var ErrChanged = errors.New("the account has changed meanwhile")

// ErrGuarded says that the address has changed lately. Whoever had the former one may take the account back for a week (RULES §5),
// and an erasure would leave nothing to take back.
var ErrGuarded = errors.New("the address has changed lately")

// Erasable says until when the account is guarded from erasure; zero: it is not. false if nobody is signed in.
func (s *Service) Erasable(ctx context.Context, current secret.Token) (account.Account, time.Time, bool, error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return acc, time.Time{}, false, err
	}
	second, err := s.Authn.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return acc, time.Time{}, false, fmt.Errorf("find second proofs: %w", err)
	}
	return acc, s.guardedUntil(second), true, nil
}

func (s *Service) guardedUntil(second authn.Second) time.Time {
	until := second.AddressChanged.Add(authn.AddressGuard)
	if second.AddressChanged.IsZero() || s.Now().After(until) {
		return time.Time{}
	}
	return until
}

// EraseTx is the part of Tx about erasing.
type EraseTx interface {
	// EraseAccount closes the account at its epoch and takes from the database all that tells who it was: what stays is a
	// tombstone with its id, which is never used again (RULES §10). It returns false if the account is not open at that epoch.
	EraseAccount(ctx context.Context, id account.ID, epoch int64, now time.Time) (bool, error)
}

// Erase erases the owner's account (GDPR article 17). It fails with authn.ErrStale, ErrGuarded and ErrChanged.
//
// The last mail belongs to no account: so the outbox forgets its address with the delivery.
func (s *Service) Erase(ctx context.Context, o authn.Owner) error {
	_, acc, second, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return err
	}
	if !s.guardedUntil(second).IsZero() {
		return ErrGuarded // a change of address moves the epoch: one that comes meanwhile is ErrChanged below
	}
	now := s.Now()
	farewell := outbox.New(outbox.Mail, ErasedTemplate, acc.Address, now)
	farewell.Language, farewell.Expires = acc.Language, now.Add(erasedLife)
	farewell.Params = map[string]string{"name": acc.GivenName, "user_agent": o.Browser.Device.UserAgent, "ip": o.Browser.Device.Address,
		"at": outbox.FormatTime(now)}
	if n := acc.Identifier.Phone(); acc.Address == "" && s.Authn.MayText(n) == nil {
		s.Authn.ToPhone(&farewell, n, "")
	}
	return s.InTx(ctx, func(tx Tx) error {
		// First, because who must be told is read from the grants.
		if _, err := authn.EndSessions(ctx, tx, authn.Which{Account: acc.ID, Offline: true}, session.EndedByClosing, now); err != nil {
			return err
		}
		erased, err := tx.EraseAccount(ctx, acc.ID, acc.Epoch, now)
		if err != nil {
			return fmt.Errorf("erase account: %w", err)
		}
		if !erased {
			return ErrChanged
		}
		if farewell.To != "" {
			if err := tx.Enqueue(ctx, farewell); err != nil {
				return fmt.Errorf("enqueue the last mail: %w", err)
			}
		}
		return tx.Append(ctx, audit.Event{Kind: audit.Erased, At: now, Actor: "account", Account: acc.ID})
	})
}
