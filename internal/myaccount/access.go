package myaccount

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
)

// Access is what an app may do for a person now: its standing grants together.
type Access struct {
	ClientID string
	Name     string
	Scope    string // of all its grants, values separated by spaces; some may stand twice
	Since    time.Time
	Used     time.Time // when it last got tokens
	// Stays says that some of it outlives the session (scope offline_access), which the page must say (RULES §9).
	Stays bool
}

// AccessStore is the part of Store about apps with access.
type AccessStore interface {
	// ListAccess lists the RPs with standing grants of the account, by name.
	ListAccess(ctx context.Context, id account.ID, now time.Time) ([]Access, error)
}

// AccessTx is the part of Tx about apps with access.
type AccessTx interface {
	// EndAccess ends all grants of the account that the RP has, and returns how many stood and the sessions that it must
	// hear the end of.
	EndAccess(ctx context.Context, id account.ID, clientID string, now time.Time) (int, []authn.Ended, error)
}

// RevokeAccess ends an app's grants: refresh tokens and access tokens are refused from then on, and the app is told to sign the
// person out. Portvakt's own session stands. It asks for no fresh proof: whoever can only look must be able to stop an
// app. It returns false if the app had no access.
func (s *Service) RevokeAccess(ctx context.Context, current secret.Token, clientID string, b authn.Browser) (bool, error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return false, err
	}
	done, now := false, s.Now()
	err = s.InTx(ctx, func(tx Tx) error {
		n, told, err := tx.EndAccess(ctx, acc.ID, clientID, now)
		if err != nil {
			return fmt.Errorf("end access: %w", err)
		}
		if done = n > 0; !done {
			return nil
		}
		if err := authn.TellApps(ctx, tx, told, now); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.AccessRevoked, At: now, Actor: "account", Account: acc.ID, Client: clientID,
			Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
	return done, err
}
