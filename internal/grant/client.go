package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/token"
)

var errClient = Error{"invalid_client", "client authentication failed"}

// AssertionType is the client_assertion_type of a JWT (RFC 7523 §2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Client is how an RP names and proves itself at an endpoint of programs (RFC 6749 §2.3).
type Client struct {
	ID            string // may be empty beside an assertion, which names it (RFC 7521 §4.2)
	Secret        string // empty: none was given
	InHeader      bool   // the secret came in the Authorization header, not in the body
	Assertion     string // empty: none was given
	AssertionType string
}

// authenticate finds the RP and checks what it proves itself by. A public client proves nothing here; PKCE and the
// rotation of its tokens protect it.
func (s *Service) authenticate(ctx context.Context, c Client) (relyingparty.RP, error) {
	if c.Assertion != "" || c.AssertionType != "" {
		return s.authenticateBySignature(ctx, c, func(id string) (relyingparty.RP, bool, error) { return s.Store.FindRP(ctx, id) })
	}
	if c.ID == token.AuthenticatorClient {
		if c.Secret != "" {
			return relyingparty.RP{}, errClient
		}
		return theAuthenticator(), nil
	}
	rp, ok, err := s.Store.FindRP(ctx, c.ID)
	switch {
	case err != nil:
		return rp, fmt.Errorf("find relying party: %w", err)
	case !ok:
		return rp, errClient
	}
	return rp, proveSecret(rp, c)
}

// proveSecret checks the secret of an RP that has one, and that one without has sent none.
func proveSecret(rp relyingparty.RP, c Client) error {
	method := rp.Options.AuthMethod
	switch {
	case method.Signs(), rp.HasSecret() != (c.Secret != ""), rp.HasSecret() && !secret.HashOf(c.Secret).Equal(rp.Secret):
		return errClient
	case method == relyingparty.SecretBasic && !c.InHeader, method == relyingparty.SecretPost && c.InHeader:
		return errAssertion("the client is registered for " + string(method))
	}
	return nil
}

// assertionClaims are those of RFC 7523 §3.
type assertionClaims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   *float64 `json:"exp"`
	NotBefore *float64 `json:"nbf"`
	Issued    *float64 `json:"iat"`
	ID        string   `json:"jti"`
	// What no assertion has, and a request object does: it travels through browsers, and proves nothing of who sends it.
	ResponseType json.RawMessage `json:"response_type"`
	RedirectURI  json.RawMessage `json:"redirect_uri"`
}

// audience is one name or several (RFC 7519 §4.1.3).
type audience struct {
	names  []string
	isText bool // it is one name, and no list
}

// UnmarshalJSON reads both.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{[]string{one}, true}
		return nil
	}
	return json.Unmarshal(b, &a.names)
}

// Limits of an assertion.
const (
	// maxAssertionLife is how far ahead its end may be: so long its jti is remembered. Some clients ask for an hour.
	maxAssertionLife = time.Hour
	// clockSkew is how far an RP's clock may be from ours.
	clockSkew = time.Minute
)

// assertionTypes are the typ headers of assertions: RFC 7523 knows none, its revision gives it a name of its own.
var assertionTypes = []string{"", "JWT", "client-authentication+jwt"}

func errAssertion(why string) Error { return Error{"invalid_client", why} }

// authenticateBySignature is authenticate for an RP that signs (OIDC Core §9, private_key_jwt and client_secret_jwt). An assertion works
// once. find looks up the RP that it names.
func (s *Service) authenticateBySignature(ctx context.Context, c Client, find func(clientID string) (relyingparty.RP, bool, error)) (relyingparty.RP, error) {
	if c.AssertionType != AssertionType || c.Assertion == "" || c.Secret != "" {
		return relyingparty.RP{}, Error{"invalid_request", "an assertion has the type jwt-bearer, and no secret beside it"}
	}
	named, ok := signingkey.Peek[assertionClaims](c.Assertion)
	if !ok || c.ID != "" && c.ID != named.Subject || named.Issuer != named.Subject || named.Subject == "" {
		return relyingparty.RP{}, errAssertion("iss and sub of the assertion must be the client id")
	}
	rp, ok, err := find(named.Subject)
	switch {
	case err != nil:
		return rp, fmt.Errorf("find relying party: %w", err)
	case !ok || !rp.Options.AuthMethod.Signs():
		return rp, errClient
	}
	var claims assertionClaims
	if err := s.verifyAssertion(ctx, rp, c.Assertion, &claims); err != nil {
		return rp, err
	}
	now := s.Now()
	expires, fault := s.judgeAssertion(rp, claims, now)
	if fault != nil {
		return rp, *fault
	}
	first := false
	err = s.InTx(ctx, func(tx Tx) (err error) {
		first, err = tx.SpendChallenge(ctx, "assertion "+secret.HashOf(rp.ClientID+" "+claims.ID).Text(), expires)
		return err
	})
	if err == nil && !first {
		err = errAssertion("the assertion was used before")
	}
	return rp, err
}

// judgeAssertion says until when the assertion counts, or what is wrong with it.
func (s *Service) judgeAssertion(rp relyingparty.RP, c assertionClaims, now time.Time) (time.Time, *Error) {
	bad := func(why string) (time.Time, *Error) { return time.Time{}, &Error{"invalid_client", why} }
	// The issuer is the name that FAPI 2.0 knows; the addresses are what RPs use by RFC 7523 §3.
	us := []string{s.Issuer, s.Issuer + "/token", s.Issuer + "/par", s.Issuer + "/introspect", s.Issuer + "/revoke", s.Issuer + "/device_authorization", s.Issuer + CIBAPath}
	switch {
	case len(c.Audience.names) == 0 || slices.ContainsFunc(c.Audience.names, func(a string) bool { return !slices.Contains(us, a) }):
		return bad("aud of the assertion must be the issuer")
	case rp.Options.IsFAPI() && (!c.Audience.isText || c.Audience.names[0] != s.Issuer): // Security Profile §5.3.2.1
		return bad("aud of the assertion must be the issuer, as a text")
	case c.ResponseType != nil || c.RedirectURI != nil:
		return bad("a request object is no assertion (RFC 9101 10.8)")
	case c.ID == "" || len(c.ID) > maxJTI:
		return bad("jti of the assertion is missing, or longer than 256 bytes")
	case c.Expires == nil:
		return bad("exp of the assertion is missing")
	}
	expires := numericDate(*c.Expires)
	switch {
	case !now.Before(expires.Add(clockSkew)):
		return bad("the assertion has expired: is the clock right?")
	case expires.Sub(now) > maxAssertionLife+clockSkew:
		return bad("exp of the assertion is more than an hour ahead")
	case c.Issued != nil && numericDate(*c.Issued).Sub(now) > clockSkew, c.NotBefore != nil && numericDate(*c.NotBefore).Sub(now) > clockSkew:
		return bad("the assertion is from the future: is the clock right?")
	}
	return expires.Add(clockSkew), nil
}

// numericDate reads a NumericDate (RFC 7519 §2). One that no calendar knows is long ago.
func numericDate(seconds float64) time.Time {
	if seconds < 0 || seconds > 1<<40 {
		return time.Time{}
	}
	return time.UnixMilli(int64(seconds * 1000))
}

// verifyAssertion checks an assertion by what the RP is registered for, whatever its header says: by a key of the RP's, or by its secret.
func (s *Service) verifyAssertion(ctx context.Context, rp relyingparty.RP, assertion string, claims any) error {
	if want := rp.Options.AuthAlg; want != "" && signingkey.AlgOf(assertion) != want {
		return errAssertion("the client is registered to sign its assertions by " + want)
	}
	if rp.Options.AuthMethod == relyingparty.PrivateKeyJWT {
		return s.verifyFrom(ctx, rp, assertion, assertionTypes, claims)
	}
	sealed, err := s.Store.FindSealedSecret(ctx, rp.ClientID)
	if err != nil {
		return fmt.Errorf("find sealed secret: %w", err)
	}
	key, err := relyingparty.OpenSecret(s.Keys, rp.ClientID, sealed, s.Now())
	if err != nil {
		return fmt.Errorf("open secret: %w", err)
	}
	if signingkey.VerifyShared(key, assertion, assertionTypes, claims) != nil {
		return errAssertion("the assertion cannot be read, or it is not signed by the client's secret (HS256, HS384, HS512)")
	}
	return nil
}

// verifyFrom checks what an RP has signed. A key that is not in what it published is looked for once more.
func (s *Service) verifyFrom(ctx context.Context, rp relyingparty.RP, signed string, types []string, claims any) error {
	if forbidsAlg(rp.Options, signed) {
		return errAssertion(errAlg)
	}
	set, err := s.keysOf(ctx, rp, false)
	if err == nil {
		if err = set.Verify(signed, types, claims); errors.Is(err, signingkey.ErrKey) && rp.Options.JWKSURI != "" {
			if set, err = s.keysOf(ctx, rp, true); err == nil {
				err = set.Verify(signed, types, claims)
			}
		}
	}
	switch {
	case errors.Is(err, errKeySet):
		return errAssertion("the keys at jwks_uri could not be read")
	case errors.Is(err, signingkey.ErrKey):
		return errAssertion("the signature is by no key that the client has registered for its algorithm")
	case err != nil:
		return errAssertion("the signed token cannot be read, or its signature is wrong")
	}
	return nil
}

var errKeySet = errors.New("key set")

// keysOf are the RP's public keys; again asks to read those that it publishes anew.
func (s *Service) keysOf(ctx context.Context, rp relyingparty.RP, again bool) (signingkey.KeySet, error) {
	if rp.Options.JWKSURI == "" {
		return signingkey.ReadKeySet(rp.Options.JWKS)
	}
	set, err := s.outside(rp).KeySets(ctx, rp.Options.JWKSURI, again)
	if err != nil {
		return set, fmt.Errorf("%w: %w", errKeySet, err)
	}
	return set, nil
}

// theAuthenticator is the client that is built in (RULES §8). It is found here alone: at /authorize nobody knows it, and with no
// redirect URI there is no code that it could redeem.
func theAuthenticator() relyingparty.RP {
	return relyingparty.RP{ClientID: token.AuthenticatorClient, RequirePKCE: true, RequireDPoP: true, IDTokenAlg: string(signingkey.ES256),
		RefreshTokens: true, RefreshLife: token.AuthenticatorLife}
}

// identify is authenticate with the proof of a token request: jkt is the thumbprint of its key, empty where there is none.
func (s *Service) identify(ctx context.Context, c Client, u Use) (rp relyingparty.RP, jkt string, err error) {
	if rp, err = s.authenticate(ctx, c); err != nil {
		return rp, "", err
	}
	if err = checkProofs(rp.Options, u); err != nil {
		return rp, "", err
	}
	if jkt, err = s.prove(u); err == nil && jkt == "" && rp.RequireDPoP {
		err = errNoProof // RFC 9449 §5.2
	}
	return rp, jkt, err
}
