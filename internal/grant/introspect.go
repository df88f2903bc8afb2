package grant

import (
	"context"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Introspection is what a resource server hears of a token (RFC 7662 §2.2). Of one that is not active it hears nothing else.
type Introspection struct {
	Active    bool        `json:"active"`
	Scope     string      `json:"scope,omitempty"`
	ClientID  string      `json:"client_id,omitempty"`
	TokenType string      `json:"token_type,omitempty"` // "Bearer" or "DPoP"; none: a refresh token
	Expires   int64       `json:"exp,omitempty"`        // Unix seconds
	Issued    int64       `json:"iat,omitempty"`
	Subject   string      `json:"sub,omitempty"`
	Audience  string      `json:"aud,omitempty"`
	Issuer    string      `json:"iss,omitempty"`
	ID        string      `json:"jti,omitempty"`
	AuthTime  int64       `json:"auth_time,omitempty"` // RFC 9470 §6.2
	ACR       session.ACR `json:"acr,omitempty"`
	AMR       []string    `json:"amr,omitempty"`
	Actor     *actor      `json:"act,omitempty"` // RFC 8693 §4.1
	// Confirmation is the key that the token is bound to: the resource server holds the proof against it (RFC 9449 §6.2).
	Confirmation *confirmation `json:"cnf,omitempty"`
}

// Introspected is what an answer about a token depends on, in one read.
type Introspected struct {
	RP relyingparty.RP // that asks; zero: unknown
	// Subject is the grant behind the token, its account as far as it is open, and its session; zero: there is no such grant.
	Subject Subject
	// Shares says that the RP that asks and the grant's belong to one organisation, Holds that so do the one that was given the token and the grant's.
	Shares, Holds bool
}

// outlives says whether a token that an RP got in an exchange has outlived what it got it by: that there is such an RP, in an organisation
// of the grant's.
func (i Introspected) outlives(holder string) bool {
	return holder != i.Subject.Grant.ClientID && !i.Holds
}

// Introspect says whether a token still counts, by what stands in the database when the question comes: a sign-out is known at once, where the
// token alone counts for ten minutes. An RP hears of its own tokens, and of the access tokens of the other RPs of its organisations: an app's
// server is asked by the app on the phone. It fails with an Error.
func (s *Service) Introspect(ctx context.Context, c Client, token string) (Introspection, error) {
	_, answer, err := s.introspect(ctx, c, token)
	return answer, err
}

// IntrospectSigned is Introspect with a signed answer (RFC 9701 §5), that can be kept as evidence.
func (s *Service) IntrospectSigned(ctx context.Context, c Client, token string) (string, error) {
	rp, answer, err := s.introspect(ctx, c, token)
	if err != nil {
		return "", err
	}
	return s.Sign.Sign(signingkey.ES256, "token-introspection+jwt", struct {
		Issuer   string        `json:"iss"`
		Audience string        `json:"aud"`
		Issued   int64         `json:"iat"`
		Answer   Introspection `json:"token_introspection"`
	}{s.Issuer, rp.ClientID, s.Now().Unix(), answer})
}

func (s *Service) introspect(ctx context.Context, c Client, token string) (relyingparty.RP, Introspection, error) {
	claims, isAccess := s.readAccessToken(token)
	id, generation, isRefresh := claims.Grant, 0, false
	if !isAccess {
		id, generation, isRefresh = s.parseRefreshToken(token)
	}
	found, err := s.findIntrospected(ctx, c, id, claims.ClientID)
	if err != nil {
		return found.RP, Introspection{}, err
	}
	g, now := found.Subject.Grant, s.Now()
	switch {
	case isAccess && claims.Grant == "" && claims.serves(found.RP): // nobody stands behind it: it is the service's own
		claims.Scope = strings.Join(claims.served(found.RP), " ")
	case !isAccess && !isRefresh, !found.Subject.stands(now), isAccess && found.outlives(claims.ClientID), g.ClientID != found.RP.ClientID && !found.Shares, isRefresh && (generation != g.Generation || g.ClientID != found.RP.ClientID):
		return found.RP, Introspection{}, nil
	case isRefresh:
		return found.RP, Introspection{Active: true, Scope: g.Scope, ClientID: g.ClientID, Expires: g.Expires.Unix(), Issued: g.Rotated.Unix(),
			Subject: g.subject(), Issuer: s.Issuer, Confirmation: confirm(g.JKT)}, nil
	}
	answer := Introspection{Active: true, Scope: claims.Scope, ClientID: claims.ClientID, TokenType: "Bearer", Expires: claims.Expires, Issued: claims.Issued,
		Subject: claims.Subject, Audience: claims.Audience, Issuer: claims.Issuer, ID: claims.ID, AuthTime: claims.AuthTime, ACR: claims.ACR, AMR: claims.AMR, Actor: claims.Actor,
		Confirmation: claims.Confirmation}
	if claims.Confirmation != nil {
		answer.TokenType = "DPoP"
	}
	if g.ClientID != found.RP.ClientID && (g.Subject != "" || found.RP.Options.IsPairwise()) {
		answer.Subject = "" // it is the other app's name for the person
	}
	return found.RP, answer, nil
}

// findIntrospected finds who asks, checks that it is the one, and reads what it asks about. A public client may not ask: anybody could
// in its name (RFC 7662 §2.1).
func (s *Service) findIntrospected(ctx context.Context, c Client, grantID, holder string) (found Introspected, err error) {
	find := func(clientID string) (relyingparty.RP, bool, error) {
		found, err = s.Store.FindIntrospected(ctx, clientID, grantID, holder, s.Now())
		if err != nil {
			err = fmt.Errorf("find what is asked about: %w", err)
		}
		return found.RP, found.RP.ClientID != "" && !found.RP.IsPublic(), err
	}
	if c.Assertion != "" || c.AssertionType != "" {
		_, err = s.authenticateBySignature(ctx, c, find)
		return found, err
	}
	switch rp, ok, err := find(c.ID); {
	case err != nil:
		return found, err
	case !ok:
		return found, errClient
	default:
		return found, proveSecret(rp, c)
	}
}

func confirm(jkt string) *confirmation {
	if jkt == "" {
		return nil
	}
	return &confirmation{jkt}
}
