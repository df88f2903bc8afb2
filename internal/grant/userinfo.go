package grant

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/token"
)

// PersonClaim is the claim by which an RP knows the person of its register (RULES §6).
const PersonClaim = "urn:portvakt:person"

// CompanyClaim is the claim that says for which company the person is there, as the register names it.
const CompanyClaim = "urn:portvakt:company"

// Userinfo is a userinfo response (OIDC Core §5.3.2). Only what the scope grants is set.
type Userinfo struct {
	Subject       string         `json:"sub"`
	Name          string         `json:"name,omitempty"`
	GivenName     string         `json:"given_name,omitempty"`
	FamilyName    string         `json:"family_name,omitempty"`
	Locale        string         `json:"locale,omitempty"`
	Email         string         `json:"email,omitempty"`
	EmailVerified *bool          `json:"email_verified,omitempty"`
	Persons       []person.Claim `json:"urn:portvakt:person,omitempty"`
	Company       string         `json:"urn:portvakt:company,omitempty"`
}

// ErrToken says that an access token is missing, foreign, expired or revoked (RFC 6750 §3.1).
var ErrToken = Error{"invalid_token", "the access token is foreign, expired or revoked"}

// Userinfo answers what the access token's scope grants, with one read. signed is the answer as a JWT, for an RP that
// is registered for one, signed or encrypted.
func (s *Service) Userinfo(ctx context.Context, u Use) (plain Userinfo, signed string, err error) {
	a, sub, err := s.open(ctx, u, "openid", true)
	if err != nil {
		return Userinfo{}, "", err
	}
	plain = reveal(a.Scope, sub)
	if alg := sub.Options.UserinfoAlg; alg != "" {
		// Without an end: so it is no ID token, whoever holds it out as one (OIDC Core §5.3.2).
		signed, err = s.Sign.Sign(signingkey.Alg(alg), "JWT", struct {
			Userinfo
			Issuer   string `json:"iss"`
			Audience string `json:"aud"`
		}{plain, s.Issuer, a.ClientID})
	}
	if err == nil && sub.Options.UserinfoEncryption().IsOn() {
		signed, err = s.encryptUserinfo(ctx, relyingparty.RP{ClientID: a.ClientID, Options: sub.Options, Itself: sub.Itself}, plain, signed)
	}
	return plain, signed, err
}

// encryptUserinfo encrypts the answer as it was signed, or the JSON where it was not (OIDC Core §5.3.2).
func (s *Service) encryptUserinfo(ctx context.Context, rp relyingparty.RP, plain Userinfo, signed string) (string, error) {
	content := "JWT"
	if signed == "" {
		body, err := json.Marshal(plain)
		if err != nil {
			return "", err
		}
		content, signed = "", string(body)
	}
	return s.encrypt(ctx, rp, rp.Options.UserinfoEncryption(), content, signed)
}

// openAccessToken reads a token that is for Portvakt's own endpoints.
func (s *Service) openAccessToken(value string) (accessClaims, bool) {
	c, ok := s.readAccessToken(value)
	return c, ok && c.Audience == s.Issuer
}

// readAccessToken reads a token of ours, whomever it is for.
func (s *Service) readAccessToken(value string) (c accessClaims, ok bool) {
	if s.Sign.Verify(value, "at+jwt", &c) != nil || c.Issuer != s.Issuer {
		return c, false
	}
	return c, s.Now().Unix() < c.Expires
}

func reveal(scope string, sub Subject) Userinfo {
	a := sub.Account
	u := Userinfo{Subject: sub.Grant.subject(), Company: sub.Grant.company(scope)}
	grants := func(claim string) bool { return hasScope(scope, scopeOf(claim)) || hasScope(scope, claimScope+claim) }
	if grants("name") {
		u.Name = strings.TrimSpace(a.GivenName + " " + a.FamilyName)
	}
	if grants("given_name") {
		u.GivenName = a.GivenName
	}
	if grants("family_name") {
		u.FamilyName = a.FamilyName
	}
	if grants("locale") {
		u.Locale = a.Language
	}
	if grants("email") {
		u.Email = a.Address
	}
	if verified := !a.Verified.IsZero(); grants("email_verified") && a.Address != "" {
		u.EmailVerified = &verified
	}
	if hasScope(scope, "person") {
		u.Persons = slices.Clone(sub.Persons)
	}
	return u
}

// Revoke ends the grant behind a refresh or access token (RFC 7009 §2.1). A token that is unknown, or
// another client's, is no error: the RP's wish is already true, or none of its business.
func (s *Service) Revoke(ctx context.Context, c Client, value string) error {
	rp, err := s.authenticate(ctx, c)
	if err != nil {
		return err
	}
	if rp.ClientID == token.AuthenticatorClient {
		return Error{"unsupported_token_type", "an authenticator leaves by DELETE /push/account"}
	}
	id, _, ok := s.parseRefreshToken(value)
	if !ok {
		claims, isAccess := s.readAccessToken(value)
		if !isAccess || claims.ClientID != rp.ClientID {
			return nil
		}
		switch {
		case claims.Grant == "":
			return Error{"unsupported_token_type", "a service's token ends by itself after ten minutes, or with the service"}
		case claims.Actor != nil:
			return Error{"unsupported_token_type", "a token from an exchange ends with the sign-in behind it"}
		}
		id = claims.Grant
	}
	now := s.Now()
	return s.InTx(ctx, func(tx Tx) error {
		sub, err := tx.FindGrant(ctx, id, now)
		if err != nil || sub.Grant.ClientID != rp.ClientID {
			return err
		}
		g, ended, err := tx.EndGrant(ctx, id, "", now)
		if err != nil || !ended {
			return err
		}
		return tx.Append(ctx, s.event(audit.GrantRevoked, g))
	})
}
