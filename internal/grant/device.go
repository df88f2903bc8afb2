package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/token"
)

// The answers of RFC 8628 §3.5.
var (
	errPending   = Error{"authorization_pending", "nobody has approved yet"}
	errSlow      = Error{"slow_down", "wait five seconds more between two requests"}
	errDenied    = Error{"access_denied", "the request was refused"}
	errWorthLess = Error{"access_denied", "the sign-in is worth less than the client requires by now"}
	errExpired   = Error{"expired_token", "nobody has approved in time: begin anew"}
	errDevice    = Error{"invalid_grant", "the code is unknown, used, or not for this client, key and grant type"}
)

// Poll turns an approved device code, or a question that a person has said yes to, into tokens: once. A program that lost the answer may ask again for a few seconds, by the same
// key, and gets the same refresh token; later, and by whom ever else, the code is worth nothing. resource is whom the access token shall be for.
func (s *Service) Poll(ctx context.Context, c Client, u Use, grantType, code, resource string) (Tokens, error) {
	rp, jkt, err := s.identify(ctx, c, u)
	if err != nil {
		return Tokens{}, err
	}
	if (rp.ClientID != token.AuthenticatorClient || grantType != relyingparty.DeviceCode) && !rp.Options.MayUse(grantType) {
		return Tokens{}, errGrantType
	}
	if grantType == relyingparty.CIBA && resource != "" {
		return Tokens{}, errAskedTarget
	}
	if resource, err = s.target(rp, "", resource); err != nil {
		return Tokens{}, err
	}
	now := s.Now()
	to, unread := s.recipient(ctx, rp, rp.Options.IDTokenEncryption())
	var g Grant
	var refused error // an answer that what the poll has changed must outlive
	err = s.InTx(ctx, func(tx Tx) error {
		refused = nil
		d, tooSoon, ok, err := tx.PollDevice(ctx, secret.HashOf(code), rp.ClientID, now)
		switch {
		case err != nil:
			return fmt.Errorf("poll device code: %w", err)
		case !ok, d.JKT != "" && d.JKT != jkt, (d.Delivery != "") != (grantType == relyingparty.CIBA):
			return errDevice // undoes the poll: another key does not make the right one wait
		case tooSoon:
			refused = errSlow
			return nil
		}
		if g, refused, err = s.settle(ctx, tx, rp, d, bound(rp, jkt), now); err == nil && refused == nil {
			err = unread // undoes what was settled: the program asks once more
		}
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Tokens{}, err
	}
	g.Resource = resource
	return s.tokens(rp, to, g, jkt, "")
}

// settle gives what a device code in its state is worth.
func (s *Service) settle(ctx context.Context, tx Tx, rp relyingparty.RP, d token.Device, jkt string, now time.Time) (g Grant, refused, err error) {
	switch {
	case d.State == token.DeviceUsed:
		return s.repeat(ctx, tx, d, jkt, now)
	case d.State == token.DeviceDenied:
		return g, errDenied, nil
	case !now.Before(d.Expires):
		return g, errExpired, nil
	case d.State == token.DeviceWaiting:
		return g, errPending, nil
	case rp.RequireACR != "" && !d.Approval.ACR.Satisfies(session.ACR(rp.RequireACR)): // which it did not when she said yes
		return g, errWorthLess, nil
	}
	g = Grant{ID: d.GrantID, CodeID: d.ID, ClientID: d.ClientID, Account: d.Account, Scope: d.Scope, JKT: jkt,
		Session: d.Approval.Session, Offline: d.Approval.Session == "" || rp.RefreshTokens && hasScope(d.Scope, "offline_access"),
		ACR: d.Approval.ACR, AMR: d.Approval.AMR, AuthTime: d.Approval.AuthTime,
		Rotated: now, FormerRotated: now, Created: now, Expires: now.Add(rp.RefreshLife)}
	switch {
	case rp.RefreshTokens && (d.Delivery == "" || hasScope(d.Scope, "offline_access")):
		g.Generation = 1
	case d.Delivery != "":
		g.Expires = now.Add(AccessTokenLife) // no session stands behind it, and nothing can make it longer
	}
	if g.Subject, err = s.pairwise(ctx, tx, rp, g.Account); err != nil {
		return g, nil, err
	}
	used, err := tx.UseDevice(ctx, d, g, now)
	switch {
	case err != nil:
		return g, nil, fmt.Errorf("use device code: %w", err)
	case !used:
		return g, errDevice, nil
	}
	return g, nil, tx.Append(ctx, s.event(audit.DeviceRedeemed, g))
}

// repeat answers a poll with a code that was used a moment ago: its answer was lost.
func (s *Service) repeat(ctx context.Context, tx Tx, d token.Device, jkt string, now time.Time) (Grant, error, error) {
	sub, err := tx.FindGrant(ctx, d.GrantID, now)
	if err != nil {
		return Grant{}, nil, fmt.Errorf("find grant: %w", err)
	}
	g := sub.Grant
	if !sub.stands(now) || g.JKT != jkt || g.Generation > 1 || judgeReplay(g, g.Generation-1, now) != replaySame {
		return g, errDevice, nil
	}
	if err := tx.CountReplay(ctx, g.ID); err != nil {
		return g, nil, fmt.Errorf("count replay: %w", err)
	}
	return g, nil, tx.Append(ctx, s.event(audit.RefreshReplayed, g))
}
