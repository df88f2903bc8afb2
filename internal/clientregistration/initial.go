package clientregistration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// InitialToken is what the operator gives to somebody who may register apps (RFC 7591 §3).
type InitialToken struct {
	ID           string
	Organisation organisation.ID // whose people the apps may know; empty: nobody's
	RequirePKCE  bool            // false: its confidential apps are exempt
	Uses         int             // that are left
	Created      time.Time
	Expires      time.Time // also of one that was revoked
}

// Limits of an initial token.
const (
	MaxUses        = 1000
	MaxInitialLife = 365 * 24 * time.Hour
)

// ErrInitial says what an initial token must be.
var ErrInitial = errors.New("a registration token is for 1 to 1000 uses, within 1 to 365 days")

// ErrUnknownToken says that there is no such initial token.
var ErrUnknownToken = errors.New("there is no registration token with this id, or it has ended")

// MakeInitialToken makes an initial token and returns it, once.
func (s *Service) MakeInitialToken(ctx context.Context, t InitialToken, life time.Duration) (InitialToken, secret.Token, error) {
	if t.Uses < 1 || t.Uses > MaxUses || life < 24*time.Hour || life > MaxInitialLife {
		return t, "", ErrInitial
	}
	if t.Organisation != "" {
		if _, err := s.organisations(ctx, []organisation.ID{t.Organisation}); err != nil {
			return t, "", err
		}
	}
	plain := secret.NewToken()
	t.ID, t.Created = secret.NewID(), s.Now()
	t.Expires = t.Created.Add(life)
	err := s.InTx(ctx, func(tx Tx) error {
		if err := tx.InsertInitialToken(ctx, t, plain.Hash()); err != nil {
			return fmt.Errorf("insert registration token: %w", err)
		}
		return tx.Append(ctx, s.aboutToken(audit.RegistrationTokenMade, t.ID))
	})
	return t, plain, err
}

// ListInitialTokens lists those that still let somebody register, the newest first.
func (s *Service) ListInitialTokens(ctx context.Context) ([]InitialToken, error) {
	return s.Store.ListInitialTokens(ctx, s.Now())
}

// RevokeInitialToken ends an initial token. What was registered by it stays.
func (s *Service) RevokeInitialToken(ctx context.Context, id string) error {
	return s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.EndInitialToken(ctx, id, s.Now())
		if err == nil && !ok {
			err = ErrUnknownToken
		}
		if err != nil {
			return err
		}
		return tx.Append(ctx, s.aboutToken(audit.RegistrationTokenRevoked, id))
	})
}

func (s *Service) aboutToken(kind audit.Kind, id string) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "operator", Detail: map[string]string{"token": id}}
}
