package grant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// APIPath is where the API begins; with the issuer before it, it is whom a service's tokens are for.
const APIPath = "/api"

// ServiceToken gives a service an access token for the API (RFC 6749 §4.4), by its secret alone: with one read and no write. There is
// no grant behind it, and neither refresh nor ID token beside it. Without a scope it gets all that it is registered for. resource can name
// nothing but the API.
func (s *Service) ServiceToken(ctx context.Context, c Client, u Use, scope, resource string) (Tokens, error) {
	rp, jkt, err := s.identify(ctx, c, u)
	if err != nil {
		return Tokens{}, err
	}
	if !rp.IsService() {
		return Tokens{}, Error{"unauthorized_client", "this client is not registered as a service"}
	}
	if resource != "" && resource != s.Issuer+APIPath {
		return Tokens{}, Error{"invalid_target", "a service's token is for the API alone"}
	}
	wanted := strings.Fields(scope)
	if len(wanted) == 0 {
		wanted = rp.Scopes
	}
	for _, one := range wanted {
		if !slices.Contains(rp.Scopes, one) {
			return Tokens{}, Error{"invalid_scope", "the service is not registered for one of the scopes"}
		}
	}
	now := s.Now()
	claims := accessClaims{Issuer: s.Issuer, Subject: rp.ClientID, Audience: s.Issuer + APIPath, ClientID: rp.ClientID, Issued: now.Unix(),
		Expires: now.Add(AccessTokenLife).Unix(), ID: secret.NewID(), Scope: strings.Join(slices.Compact(slices.Sorted(slices.Values(wanted))), " ")}
	t := Tokens{TokenType: "Bearer", ExpiresIn: int(AccessTokenLife / time.Second), Scope: claims.Scope}
	if jkt != "" {
		t.TokenType, claims.Confirmation = "DPoP", &confirmation{jkt}
	}
	t.AccessToken, err = s.Sign.Sign(signingkey.ES256, "at+jwt", claims)
	return t, err
}

// AuthorizeService says which service presents its access token, with one read: what the operator has taken from it since counts no
// more, whatever the token says. It fails with an Error for a token that is not good.
func (s *Service) AuthorizeService(ctx context.Context, u Use) (relyingparty.RP, error) {
	var c accessClaims
	if s.Sign.Verify(u.Token, "at+jwt", &c) != nil || c.Issuer != s.Issuer || c.Audience != s.Issuer+APIPath || s.Now().Unix() >= c.Expires {
		return relyingparty.RP{}, ErrToken
	}
	if err := s.proveBinding(u, c.jkt()); err != nil {
		return relyingparty.RP{}, err
	}
	rp, ok, err := s.Store.FindRP(ctx, c.ClientID)
	switch {
	case err != nil:
		return rp, fmt.Errorf("find relying party: %w", err)
	case !ok || !c.serves(rp):
		return rp, ErrToken
	}
	rp.Scopes = c.served(rp)
	return rp, nil
}

// serves says whether a token is the service's own, and still good by what it is registered for.
func (c accessClaims) serves(rp relyingparty.RP) bool {
	return rp.IsService() && c.Subject == rp.ClientID && (!rp.RequireDPoP || c.jkt() != "")
}

// served are the scopes of a service's token that it is still registered for.
func (c accessClaims) served(rp relyingparty.RP) []string {
	return slices.DeleteFunc(slices.Clone(rp.Scopes), func(scope string) bool { return !hasScope(c.Scope, scope) })
}

// proveBinding holds a token against the key that it is bound to; jkt is empty for a bearer token.
func (s *Service) proveBinding(u Use, jkt string) error {
	if u.IsDPoP() != (jkt != "") {
		return errBinding
	}
	if jkt == "" {
		return nil
	}
	p, ok, err := s.check(u)
	switch {
	case err != nil:
		return err
	case !ok:
		return errNoProof
	case p.key.Thumbprint != jkt:
		return errBinding
	}
	return s.spend(p)
}
