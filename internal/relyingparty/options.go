package relyingparty

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Options are what few RPs need. Their names are those of client metadata (RFC 7591 §2, RFC 9126 §6).
type Options struct {
	// AuthMethod is how the RP proves itself at the token endpoint. Empty: by its secret, in the header or in the body; a public
	// client: not at all. AuthAlg is the one algorithm that it signs its assertions by; empty: any.
	AuthMethod AuthMethod `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg    string     `json:"token_endpoint_auth_signing_alg,omitempty"`
	// JWKS are the RP's public keys, a JWK Set; JWKSURI is where it publishes them. At most one of the two is given.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI string          `json:"jwks_uri,omitempty"`
	// RequirePAR says that the RP's requests come by the back channel or not at all (RFC 9126 §6).
	// RequireSigned says that the RP signs its requests, or they are not answered (RFC 9101 §10.5).
	RequireSigned bool `json:"require_signed_request_object,omitempty"`
	RequirePAR    bool `json:"require_pushed_authorization_requests,omitempty"`
	// ResponseTypes are what the RP may ask for; none: a code, and nothing by way of the browser (see responsetype.go).
	ResponseTypes []string `json:"response_types,omitempty"`
	Metadata               // see metadata.go
	Subjects               // see subject.go
	Answers                // see answers.go
	SingleLogout           // see logout.go
	Backchannel            // see backchannel.go
	FAPI          FAPI     `json:"fapi,omitempty"` // see fapi.go
}

// HasKeys says whether the RP has told its public keys.
func (o Options) HasKeys() bool { return len(o.JWKS) > 0 || o.JWKSURI != "" }

// The ways in which options do not fit each other.
var (
	ErrAuthMethod = errors.New("the way to prove itself is private_key_jwt, client_secret_jwt, client_secret_basic or client_secret_post")
	ErrAuthAlg    = errors.New("an algorithm for assertions belongs to private_key_jwt (ES256, EdDSA, PS256, RS256) or client_secret_jwt (HS256, HS384, HS512)")
	ErrNoKeys     = errors.New("private_key_jwt, signed requests and encrypted tokens need the app's public keys: a JWK Set, or the address where it publishes one")
	ErrBothKeys   = errors.New("the app's public keys stand in the registration or at an address, not in both")
)

func (o Options) check() error {
	switch {
	case o.AuthMethod != "" && !slices.Contains(AuthMethods(), o.AuthMethod):
		return fmt.Errorf("%w: %q", ErrAuthMethod, o.AuthMethod)
	case o.AuthAlg != "" && !o.AuthMethod.checkAlg(o.AuthAlg):
		return fmt.Errorf("%w: %q", ErrAuthAlg, o.AuthAlg)
	case (o.AuthMethod == PrivateKeyJWT || o.RequireSigned) && !o.HasKeys():
		return ErrNoKeys
	case len(o.JWKS) > 0 && o.JWKSURI != "":
		return ErrBothKeys
	case o.JWKSURI != "":
		if err := checkWeb(o.JWKSURI); err != nil {
			return err
		}
	}
	return errors.Join(o.Metadata.check(), o.checkResponseTypes(), o.checkAnswers())
}
