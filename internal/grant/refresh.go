package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/token"
)

// ReuseTemplate is the mail that tells a person that a refresh token was used twice and the app signed out.
const ReuseTemplate = "session_reuse"

var errScope = Error{"invalid_scope", "more than was granted"}

var errRefresh = Error{"invalid_grant", "the refresh token is unknown, expired, used or revoked"}

// Refresh rotates a refresh token (RFC 6749 §6). The token just before the newest may be replayed for a few
// seconds and gives the same successor, so that an app that lost an answer is not signed out; anything
// older is theft and ends the family (RFC 9700 §4.14.2). A family that is bound to a key hears nothing without a proof by that key
// (ADR 19): whoever holds a token and not the key gets nothing, and signs nobody out either.
func (s *Service) Refresh(ctx context.Context, c Client, u Use, refresh, scope, resource string) (Tokens, error) {
	rp, jkt, err := s.identify(ctx, c, u)
	if err != nil {
		return Tokens{}, err
	}
	if !rp.RefreshTokens || rp.ClientID != token.AuthenticatorClient && !rp.Options.MayUse(relyingparty.RefreshToken) {
		return Tokens{}, errGrantType
	}
	id, generation, ok := s.parseRefreshToken(refresh)
	if !ok {
		return Tokens{}, errRefresh
	}
	key := bound(rp, jkt)
	now := s.Now()
	to, unread := s.recipient(ctx, rp, rp.Options.IDTokenEncryption())
	var g Grant
	granted := false
	err = s.InTx(ctx, func(tx Tx) error {
		var err error
		if g, granted, err = s.turn(ctx, tx, rp, id, key, generation, now); err != nil {
			return err
		}
		switch {
		case !granted:
			return nil
		case scope != "" && !within(scope, g):
			return errScope // undoes the rotation: the RP keeps the token that it has
		case unread != nil:
			return unread // so does this
		case g.Session == "" && resource != "": // no session: it comes of a question
			return errAskedTarget
		}
		if g.Resource, err = s.target(rp, g.Resource, resource); err != nil || g.Session == "" {
			return err
		}
		return tx.TouchSession(ctx, g.Session, now.Add(-seenEvery), now)
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case !granted:
		return Tokens{}, errRefresh
	case scope != "":
		g.Scope = known(scope, scopesOf(g.ClientID)) // for this access token alone; the grant keeps its own
	}
	return s.tokens(rp, to, g, jkt, "")
}

// turn moves the family to its next token, or, under FAPI 2.0, leaves it at the one that it has.
func (s *Service) turn(ctx context.Context, tx Tx, rp relyingparty.RP, id, jkt string, generation int, now time.Time) (Grant, bool, error) {
	if rp.Options.IsFAPI() {
		return s.renew(ctx, tx, rp, id, jkt, generation, now)
	}
	g, granted, err := tx.Rotate(ctx, id, rp.ClientID, generation, jkt, now)
	if err != nil {
		return g, false, fmt.Errorf("rotate: %w", err)
	}
	if granted {
		return g, true, nil
	}
	return s.replay(ctx, tx, rp, id, jkt, generation, now)
}

// replay decides about a token that is not the newest of its family.
func (s *Service) replay(ctx context.Context, tx Tx, rp relyingparty.RP, id, jkt string, generation int, now time.Time) (Grant, bool, error) {
	sub, err := tx.FindGrant(ctx, id, now)
	if err != nil {
		return Grant{}, false, fmt.Errorf("find grant: %w", err)
	}
	g := sub.Grant
	if !sub.stands(now) || g.ClientID != rp.ClientID || g.JKT != jkt || generation >= g.Generation {
		return g, false, nil
	}
	switch judgeReplay(g, generation, now) {
	case replaySame:
		if err := tx.CountReplay(ctx, id); err != nil {
			return g, false, fmt.Errorf("count replay: %w", err)
		}
		return g, true, tx.Append(ctx, s.event(audit.RefreshReplayed, g))
	case refuseOnly:
		return g, false, nil
	}
	if _, _, err := tx.EndGrant(ctx, id, "", now); err != nil {
		return g, false, fmt.Errorf("end grant: %w", err)
	}
	if err := s.Authn.Tell(ctx, tx, ReuseTemplate, sub.Account, authn.Browser{}, map[string]string{"app": rp.Name}); err != nil {
		return g, false, err
	}
	return g, false, tx.Append(ctx, s.event(audit.RefreshReused, g))
}

type verdict int

const (
	endFamily verdict = iota
	replaySame
	refuseOnly
)

// judgeReplay is RULES §9 as a pure function: what an old generation of a standing grant gets.
func judgeReplay(g Grant, generation int, now time.Time) verdict {
	window := ReplayWindow
	if g.JKT != "" {
		window = BoundReplayWindow
	}
	switch behind := g.Generation - generation; {
	case behind == 1 && now.Sub(g.Rotated) <= window:
		if g.Replays < MaxReplays {
			return replaySame
		}
		return refuseOnly
	case behind == 2 && now.Sub(g.FormerRotated) <= window:
		// Its successor was used already, so this is a late twin of an honest request, or a thief who is late:
		// refused, but the family lives until the window is over.
		return refuseOnly
	}
	return endFamily
}

// stands says whether the grant still entitles to anything.
func (s Subject) stands(now time.Time) bool {
	return s.Grant.ID != "" && s.Grant.Ended.IsZero() && now.Before(s.Grant.Expires) && s.Account.IsOpen() &&
		(s.SessionLive || s.Grant.Offline)
}

func within(scope string, g Grant) bool {
	for _, s := range scopesOf(g.ClientID) {
		if hasScope(scope, s) && !hasScope(g.Scope, s) {
			return false
		}
	}
	return true
}

// scopesOf lists the scope values that mean something to a client.
func scopesOf(clientID string) []string {
	if clientID == token.AuthenticatorClient {
		return token.AuthenticatorScopes()
	}
	return Scopes()
}
