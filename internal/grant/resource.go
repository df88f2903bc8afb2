package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// errTarget is for a resource that an RP is not registered for, or a second one (RFC 8707 §2).
var errTarget = Error{"invalid_target", "the client is not registered for this resource, or asked for another one before, or for several at once"}

// errAskedTarget is for a resource beside a question: the person on her phone reads which app asks, and of no other server.
var errAskedTarget = Error{"invalid_target", "what comes of a question is for this issuer alone"}

// target is the resource that an access token is for: the one that is asked for now, or that the request of the person's sign-in named. Empty: none, and
// the token is for userinfo.
func (s *Service) target(rp relyingparty.RP, granted, asked string) (string, error) {
	switch {
	case asked == "" && granted == "":
		return "", nil
	case asked == "":
		asked = granted // which the registration may name no more
	case granted != "" && asked != granted:
		return "", errTarget
	}
	if !slices.Contains(rp.Options.Resources, asked) || relyingparty.IsAt(asked, s.Issuer) { // our own are no RP's to name
		return "", errTarget
	}
	return asked, nil
}

// audience is whom the grant's access tokens are for (RFC 9068 §3).
func (g Grant) audience(issuer string) string {
	if g.Resource != "" {
		return g.Resource
	}
	return issuer
}

// The token types of RFC 8693 §3 that mean something here.
const accessTokenType = "urn:ietf:params:oauth:token-type:access_token"

// Exchange is a token exchange request (RFC 8693 §2.1).
type Exchange struct {
	Client             Client
	Use                Use
	SubjectToken       string
	SubjectTokenType   string
	RequestedTokenType string
	ActorToken         string
	Audience           string
	Resource           string
	Scope              string
}

// actor says who acts for the subject, and for whom that one acted (RFC 8693 §4.1).
type actor struct {
	Subject string `json:"sub"`
	Former  *actor `json:"act,omitempty"`
}

// maxActors is how many may stand behind each other.
const maxActors = 4

var errSubjectToken = Error{"invalid_request", "the subject token is foreign, expired, revoked, or none of the client's organisations' apps"}

// ExchangeToken gives a confidential client an access token for a resource in the place of one that an app of its organisations has sent it, for
// the same person and with no more scope, and notes that it did. It stands as long as the sign-in behind the first token, and never longer
// than that token. It fails with an Error.
func (s *Service) ExchangeToken(ctx context.Context, x Exchange) (Tokens, error) {
	rp, jkt, err := s.identify(ctx, x.Client, x.Use)
	switch {
	case err != nil:
		return Tokens{}, err
	case rp.IsPublic(), !rp.Options.MayUse(relyingparty.TokenExchange):
		return Tokens{}, errGrantType
	case x.SubjectToken == "", x.SubjectTokenType != accessTokenType, x.RequestedTokenType != "" && x.RequestedTokenType != accessTokenType:
		return Tokens{}, Error{"invalid_request", "an access token is exchanged for an access token"}
	case x.ActorToken != "":
		return Tokens{}, Error{"invalid_request", "the client itself is the actor: an actor_token is not supported"}
	}
	resource, err := s.target(rp, "", x.Resource)
	if err != nil || resource == "" || x.Audience != "" && x.Audience != resource {
		return Tokens{}, errTarget
	}
	claims, ok := s.readAccessToken(x.SubjectToken)
	switch {
	case !ok || claims.Grant == "", claims.Audience != s.Issuer && !slices.Contains(rp.Options.Resources, claims.Audience):
		return Tokens{}, errSubjectToken
	case claims.jkt() != "" && jkt == "":
		return Tokens{}, Error{"invalid_request", "a token that is bound to a key is exchanged for one that is bound to the client's: a DPoP proof is missing"}
	}
	found, err := s.Store.FindIntrospected(ctx, rp.ClientID, claims.Grant, claims.ClientID, s.Now())
	if err != nil {
		return Tokens{}, err
	}
	g, now := found.Subject.Grant, s.Now()
	switch {
	case !found.Subject.stands(now), found.outlives(claims.ClientID), g.ClientID != rp.ClientID && !found.Shares:
		return Tokens{}, errSubjectToken
	case g.ClientID != rp.ClientID && (g.Subject != "" || rp.Options.IsPairwise()):
		return Tokens{}, Error{"invalid_request", "who knows the person by a name of its own cannot be given another app's"}
	case claims.Actor.depth() >= maxActors:
		return Tokens{}, Error{"invalid_request", "too many have acted for the person already"}
	}
	scope := x.Scope
	if scope == "" {
		scope = claims.Scope
	}
	for one := range strings.FieldsSeq(scope) {
		if !hasScope(claims.Scope, one) {
			return Tokens{}, errScope
		}
	}
	fresh := claims
	fresh.Audience, fresh.ClientID, fresh.Scope, fresh.ID, fresh.Issued = resource, rp.ClientID, scope, secret.NewID(), now.Unix()
	fresh.Expires, fresh.Confirmation = min(claims.Expires, now.Add(AccessTokenLife).Unix()), confirm(jkt)
	if claims.ClientID != rp.ClientID {
		fresh.Actor = &actor{Subject: rp.ClientID, Former: claims.Actor}
	}
	if err := s.InTx(ctx, func(tx Tx) error {
		line := s.event(audit.TokenExchanged, g)
		line.Client, line.Detail["resource"], line.Detail["from"] = rp.ClientID, resource, claims.ClientID
		return tx.Append(ctx, line)
	}); err != nil {
		return Tokens{}, err
	}
	t := Tokens{TokenType: tokenType(jkt), ExpiresIn: int(fresh.Expires - now.Unix()), Scope: scope, IssuedTokenType: accessTokenType}
	t.AccessToken, err = s.Sign.Sign(signingkey.ES256, "at+jwt", fresh)
	return t, err
}

func (a *actor) depth() int {
	if a == nil {
		return 0
	}
	return 1 + a.Former.depth()
}
