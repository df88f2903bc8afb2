package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Owner is somebody who is signed in and looks after her account.
type Owner struct {
	Browser Browser
	Current secret.Token // of the session
}

// ErrStale says that the person must prove who she is anew before this.
var ErrStale = errors.New("a fresh proof is needed")

// freshFor is how long a proof is fresh enough for a sensitive change (RULES §3).
const freshFor = 5 * time.Minute

// Fresh returns the owner's session, account and second proofs, or ErrStale where her proof is older than five minutes or less
// than her account can show (RULES §3). A browser that is remembered has shown less.
func (s *Service) Fresh(ctx context.Context, o Owner) (Facts, account.Account, Second, error) {
	f, acc, err := s.Current(ctx, o.Current)
	if err != nil {
		return f, acc, Second{}, err
	}
	if !f.Live {
		return f, acc, Second{}, ErrStale
	}
	second, err := s.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return f, acc, second, fmt.Errorf("find second proofs: %w", err)
	}
	old := s.Now().Sub(f.Session.AuthTime) > freshFor
	less := !f.shows(second)
	if old || less {
		return f, acc, second, ErrStale
	}
	return f, acc, second, nil
}

// AtOwnLevel says whether the session has shown all that its account can show, however long ago.
func (s *Service) AtOwnLevel(ctx context.Context, f Facts, acc account.Account) (bool, error) {
	second, err := s.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return false, fmt.Errorf("find second proofs: %w", err)
	}
	return f.shows(second), nil
}

// shows says whether the session has shown what the account has.
func (f Facts) shows(second Second) bool {
	shown := func(method string) bool { return slices.Contains(f.Session.AMR, method) }
	// A tap is less than typed digits. Without a password there is no class between the two.
	pushed := shown(MethodPush) && (f.Session.ACR.Satisfies(session.AAL2) || !second.Password)
	return (second.Apps == 0 || shown(MethodOTP) || shown(MethodSMS) || pushed) && (!second.Password || shown(MethodPassword))
}
