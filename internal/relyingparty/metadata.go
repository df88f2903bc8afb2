package relyingparty

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Metadata are what an RP says of itself and of its requests, by the names of OIDC Registration §2 and RFC 7591 §2.
type Metadata struct {
	// What counts for a request that does not say itself.
	DefaultMaxAge *int     `json:"default_max_age,omitempty"` // seconds
	DefaultACRs   []string `json:"default_acr_values,omitempty"`
	// RequireAuthTime asks for auth_time, which every ID token has.
	RequireAuthTime bool `json:"require_auth_time,omitempty"`
	// ObjectAlg is the one algorithm that the RP signs its request objects by; empty: any. RequestURIs are where such objects may be fetched.
	ObjectAlg   string   `json:"request_object_signing_alg,omitempty"`
	RequestURIs []string `json:"request_uris,omitempty"`
	// UserinfoAlg is what its answers of userinfo are signed by; empty: they are plain JSON.
	UserinfoAlg string `json:"userinfo_signed_response_alg,omitempty"`
	// GrantTypes are the ways in which the RP may get tokens; none: those that the rest of its registration allows.
	GrantTypes []string `json:"grant_types,omitempty"`
	// Resources are those that the RP may get access tokens for (RFC 8707 §2). It is a name of our own: no standard has one.
	Resources       []string `json:"resources,omitempty"`
	ApplicationType string   `json:"application_type,omitempty"` // web or native; empty: nobody has said
	// PolicyURI and TermsURI are links on the first page.
	PolicyURI string `json:"policy_uri,omitempty"`
	TermsURI  string `json:"tos_uri,omitempty"`
	// These are kept for whoever administers the RP. No page shows them: a picture of somebody else's server would tell it who logs in.
	LogoURI  string   `json:"logo_uri,omitempty"`
	Contacts []string `json:"contacts,omitempty"`
}

// The grant types that an RP can be registered for (RFC 7591 §2).
const (
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
	Implicit          = "implicit" // tokens by way of the browser, by its response types
	// DeviceCode is for devices without a browser (RFC 8628 §3.4). It is had by whoever names it, and by nobody else.
	DeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
	// TokenExchange is for a server that calls another one for a person (RFC 8693). It is had as DeviceCode is.
	TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	// CIBA is for an app that asks a person on her phone (see backchannel.go). It is had as DeviceCode is.
	CIBA = "urn:openid:params:grant-type:ciba"
)

// byName are those that are had by whoever names them, and by nobody else.
var byName = []string{DeviceCode, TokenExchange, CIBA}

// GrantTypes lists them.
func GrantTypes() []string {
	return []string{AuthorizationCode, RefreshToken, Implicit, DeviceCode, TokenExchange, CIBA}
}

// MayUse says whether the RP may get tokens by a grant type.
func (m Metadata) MayUse(grantType string) bool {
	return len(m.GrantTypes) == 0 && !slices.Contains(byName, grantType) || slices.Contains(m.GrantTypes, grantType)
}

// ObjectAlgs lists what a request object can be signed by.
func ObjectAlgs() []string { return []string{"ES256", "EdDSA", "PS256", "RS256"} }

// Limits of metadata: more than anybody needs, and too little to fill a table with.
const (
	maxListed = 20
	maxWord   = 500 // bytes
)

// ErrMetadata says that a member of the metadata cannot be used.
var ErrMetadata = errors.New("not usable as client metadata")

func (m Metadata) check() error {
	bad := func(name string, v any) error { return fmt.Errorf("%w: %s %q", ErrMetadata, name, fmt.Sprint(v)) }
	lists := map[string][]string{"default_acr_values": m.DefaultACRs, "request_uris": m.RequestURIs, "grant_types": m.GrantTypes, "resources": m.Resources, "contacts": m.Contacts}
	for name, list := range lists {
		if len(list) > maxListed {
			return bad(name, len(list))
		}
		for _, word := range list {
			if name == "grant_types" && !slices.Contains(GrantTypes(), word) {
				return bad(name, word)
			}
			if word == "" || len(word) > maxWord || strings.ContainsFunc(word, unicode.IsControl) || name != "contacts" && strings.Contains(word, " ") {
				return bad(name, word)
			}
		}
	}
	switch {
	case m.DefaultMaxAge != nil && *m.DefaultMaxAge < 0:
		return bad("default_max_age", *m.DefaultMaxAge)
	case m.ObjectAlg != "" && !slices.Contains(ObjectAlgs(), m.ObjectAlg):
		return bad("request_object_signing_alg", m.ObjectAlg)
	case m.UserinfoAlg != "" && !slices.Contains(SigningAlgs(), m.UserinfoAlg):
		return bad("userinfo_signed_response_alg", m.UserinfoAlg)
	case !slices.Contains([]string{"", "web", "native"}, m.ApplicationType):
		return bad("application_type", m.ApplicationType)
	}
	for name, page := range map[string]string{"logo_uri": m.LogoURI, "policy_uri": m.PolicyURI, "tos_uri": m.TermsURI} {
		if page != "" && (len(page) > maxWord || checkWeb(page) != nil) {
			return bad(name, page)
		}
	}
	for _, at := range m.Resources {
		if u, err := url.Parse(at); err != nil || !u.IsAbs() || strings.Contains(at, "#") {
			return bad("resources", at)
		}
	}
	for _, at := range m.RequestURIs {
		if address, _, _ := strings.Cut(at, "#"); checkWeb(address) != nil {
			return bad("request_uris", at)
		}
	}
	return nil
}

// MatchRequestURI says whether a request object may be fetched from an address: one that is registered, to the letter. A fragment, which
// is the hash of what is there (OIDC Core §6.2), may be added to one that is registered without.
func (m Metadata) MatchRequestURI(at string) bool {
	address, _, _ := strings.Cut(at, "#")
	return slices.Contains(m.RequestURIs, at) || slices.Contains(m.RequestURIs, address)
}

// checkApplication holds the redirect URIs against the application type (OIDC Registration §2). What comes by way of the browser goes to no
// program that happens to listen on this machine.
func (rp RP) checkApplication() error {
	for _, raw := range rp.RedirectURIs {
		u, err := url.Parse(raw)
		if err != nil {
			return err
		}
		isPage := u.Scheme == "https" && (u.Hostname() != "localhost" || !slices.Contains(rp.Options.GrantTypes, Implicit))
		switch {
		case rp.Options.ApplicationType == "web" && !isPage:
			return fmt.Errorf("%w: redirect URI %q: a web app has https and, for the grant type implicit, not localhost", ErrBadURI, raw)
		case rp.Options.ApplicationType == "native" && u.Scheme == "http" && !isLoopback(u.Hostname()):
			return fmt.Errorf("%w: redirect URI %q: a native app has its own scheme, https, or an address of this machine", ErrBadURI, raw)
		}
	}
	return nil
}
