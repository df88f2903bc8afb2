// Package relyingparty holds the noun relying party (RP): an app that lets Portvakt sign its people in. It
// knows which addresses an RP may be sent to, and nothing of the protocol's endpoints.
package relyingparty

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// RP is a relying party as the operator registered it.
type RP struct {
	ClientID      string
	Name          string // shown to people
	Organisations []organisation.ID
	Secret        secret.Hash // zero for a public client, and for one that signs (RFC 6749 §2.1)
	RedirectURIs  []string
	// PostLogoutRedirectURIs are where a browser may go after sign-out (RP-Initiated Logout §3).
	PostLogoutRedirectURIs []string
	InitiateLoginURI       string // OIDC Core §4
	ClientURI              string // the RP's own home page
	BackchannelLogoutURI   string // Back-Channel Logout §2.2
	RequirePKCE            bool
	RequireACR             string        // the least that a sign-in must be worth, an acr value; empty: anything
	RequireDPoP            bool          // its tokens are always bound to a key (RFC 9449 §5.2)
	IDTokenAlg             string        // one of SigningAlgs
	RequestMaxAge          time.Duration // how long the RP keeps its state (RULES §1)
	RefreshTokens          bool          // whether it gets refresh tokens
	RefreshLife            time.Duration // absolute life of a family
	// Scopes are what a service may do at the API (see service.go); none: people log in to this RP.
	Scopes  []string
	Options Options
	Created time.Time
	// Itself says that the app registered itself. It stays so for good: what such an app names is called in no private network, whatever the operator
	// allows others, because by its own token it may name something else tomorrow.
	Itself bool
}

// Defaults of a new RP.
const (
	DefaultRequestMaxAge = 10 * time.Minute
	DefaultRefreshLife   = 30 * 24 * time.Hour
)

// IsPublic says whether the RP has nothing by which it could prove itself (RFC 6749 §2.1).
func (rp RP) IsPublic() bool { return rp.Secret.IsZero() && rp.Options.AuthMethod == "" }

// GiveRefreshTokens says whether the RP gets refresh tokens, and keeps the list of its grant types in step, where it has one.
func (rp *RP) GiveRefreshTokens(yes bool) {
	rp.RefreshTokens = yes
	types := slices.DeleteFunc(slices.Clone(rp.Options.GrantTypes), func(one string) bool { return one == RefreshToken })
	if yes && len(types) > 0 {
		types = append(types, RefreshToken)
	}
	if len(types) > 0 {
		rp.Options.GrantTypes = types
	}
}

// HasSecret says whether the RP proves itself by a secret.
func (rp RP) HasSecret() bool { return !rp.Secret.IsZero() }

// ErrBadURI says that a registered address cannot be used.
var ErrBadURI = errors.New("not a usable address")

// Check returns what is wrong with the registration, or nil.
func (rp RP) Check() error {
	if n := len([]rune(strings.TrimSpace(rp.Name))); n == 0 || n > 100 {
		return errors.New("a name has 1 to 100 characters")
	}
	if err := rp.Options.check(); err != nil {
		return err
	}
	if rp.IsService() {
		return rp.checkService()
	}
	if err := rp.CheckRedirects(); err != nil {
		return err
	}
	if err := rp.checkSubjects(); err != nil {
		return err
	}
	if !slices.Contains(SigningAlgs(), rp.IDTokenAlg) {
		return fmt.Errorf("%w: %q", ErrSigningAlg, rp.IDTokenAlg)
	}
	if !slices.Contains([]string{"", "urn:portvakt:pwd", "urn:portvakt:aal2"}, rp.RequireACR) {
		return errors.New("a sign-in can be required to be worth urn:portvakt:pwd or urn:portvakt:aal2")
	}
	if rp.IsPublic() && !rp.RequirePKCE {
		return errors.New("a public client always uses PKCE (RFC 9700 §2.1.1)")
	}
	if err := errors.Join(rp.checkBound(), rp.checkLogout(), rp.checkFAPI(), rp.checkBackchannel()); err != nil {
		return err
	}
	pages := append(slices.Clone(rp.PostLogoutRedirectURIs), rp.InitiateLoginURI, rp.ClientURI, rp.BackchannelLogoutURI)
	for _, u := range pages {
		if err := checkWeb(u); u != "" && err != nil {
			return err
		}
	}
	return nil
}

// CheckRedirects returns what is wrong with the redirect URIs, or nil.
func (rp RP) CheckRedirects() error {
	if len(rp.RedirectURIs) == 0 && (rp.Options.MayUse(AuthorizationCode) || rp.Options.MayUse(Implicit)) {
		return errors.New("at least one redirect URI is needed")
	}
	for _, u := range rp.RedirectURIs {
		if err := checkRedirect(u); err != nil {
			return err
		}
	}
	return rp.checkApplication()
}

// checkRedirect accepts https, http on this machine, and an app's own scheme with a dot (RFC 8252 §7.1).
func checkRedirect(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs() || strings.Contains(raw, "#") || strings.ContainsAny(raw, " *\\"):
		return fmt.Errorf("%w: redirect URI %q: absolute, without a fragment", ErrBadURI, raw)
	case u.Scheme == "https" || u.Scheme == "http":
		return checkWeb(raw)
	case !strings.Contains(u.Scheme, "."):
		return fmt.Errorf("%w: redirect URI %q: an app's scheme is a reversed domain name (RFC 8252 §7.1)", ErrBadURI, raw)
	}
	return nil
}

func checkWeb(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return fmt.Errorf("%w: %q", ErrBadURI, raw)
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("%w: %q: https, except on this machine", ErrBadURI, raw)
}

// MatchRedirect says whether an authorization request may name uri: an exact string match (RFC 9700
// §2.1), but for the port of a loopback address, which a native app gets at run time (RFC 8252 §7.3).
func (rp RP) MatchRedirect(uri string) bool {
	return slices.ContainsFunc(rp.RedirectURIs, func(registered string) bool {
		return registered == uri || sameButLoopbackPort(registered, uri)
	})
}

// MatchPostLogout says whether a browser may go to uri after sign-out: exact match.
func (rp RP) MatchPostLogout(uri string) bool {
	return slices.Contains(rp.PostLogoutRedirectURIs, uri)
}

// sameButLoopbackPort compares as text: an address that merely parses to the same ("HTTP://…", an empty port) is another one.
func sameButLoopbackPort(registered, uri string) bool {
	r, err := url.Parse(registered)
	if err != nil || r.Scheme != "http" {
		return false
	}
	// The address, never the name "localhost", which another interface may answer (RFC 8252 §8.3).
	ip, err := netip.ParseAddr(r.Hostname())
	if err != nil || !ip.IsLoopback() {
		return false
	}
	host := strings.TrimSuffix(r.Host, ":"+r.Port())
	behind, ok := strings.CutPrefix(registered, "http://"+r.Host)
	port, okURI := strings.CutPrefix(uri, "http://"+host)
	port, okRest := strings.CutSuffix(port, behind)
	if !ok || !okURI || !okRest {
		return false
	}
	digits, hasPort := strings.CutPrefix(port, ":")
	return port == "" || hasPort && isPort(digits)
}

func isPort(digits string) bool {
	n, err := strconv.ParseUint(digits, 10, 16)
	return err == nil && n > 0 && digits[0] != '0'
}

// Start is where a person begins anew at the RP: its third-party login page, else its home page; empty if
// it has neither (RULES §1).
func (rp RP) Start(issuer, loginHint string) string {
	if rp.InitiateLoginURI == "" {
		return rp.ClientURI
	}
	u, err := url.Parse(rp.InitiateLoginURI)
	if err != nil {
		return rp.ClientURI
	}
	q := u.Query()
	q.Set("iss", issuer)
	if loginHint != "" {
		q.Set("login_hint", loginHint)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
