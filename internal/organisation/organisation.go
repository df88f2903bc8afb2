// Package organisation holds the noun organisation: an employer with its name, look and policy. What its
// administrators may do is not decided here.
package organisation

import (
	"errors"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
)

// ID is an organisation's short name: lower case letters, digits and dashes, chosen once.
type ID string

// MFA is an organisation's policy for two-factor authentication.
type MFA string

// The policies, from loosest to strictest.
const (
	Off         MFA = "off"
	Optional    MFA = "optional"
	Recommended MFA = "recommended"
	Required    MFA = "required"
)

// Strictness orders policies; an unknown one is -1.
func (s MFA) Strictness() int {
	for i, p := range []MFA{Off, Optional, Recommended, Required} {
		if p == s {
			return i
		}
	}
	return -1
}

// Organisation is an employer.
type Organisation struct {
	ID     ID
	Name   string
	Colour string // "#rrggbb" as chosen; pages correct its contrast; empty: ours
	Logo   Logo
	Policy Policy
	// Networks are its own, from which many colleagues come behind one address: their budget of failures grows with the number
	// of people (RULES §2).
	Networks []netip.Prefix
	// WithoutAddress says that people log in who have no address: they have had sheets, or links by SMS.
	WithoutAddress bool
}

// The ways in which an organisation can be refused.
var (
	ErrBadID       = errors.New("a short name has 2 to 40 lower case letters, digits and dashes")
	ErrBadName     = errors.New("a name has 1 to 100 characters, none of them a control character")
	ErrBadColour   = errors.New("a colour reads #rrggbb")
	ErrBadPolicy   = errors.New("the 2FA policy is off, optional, recommended or required; a browser is remembered for 0 to 90 days; before the day of required there are 0 to 1000 sign-ins without it; a password has at least 15 to 64 characters")
	ErrBadNetworks = errors.New("an organisation has at most 50 networks of its own, public ones of at most /16 (IPv4) or /32 (IPv6)")
)

// maxNetworks is how many networks an organisation may name.
const maxNetworks = 50

var (
	idPattern     = regexp.MustCompile(`^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])$`)
	colourPattern = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
)

// Check returns what is wrong with o, or nil.
func (o Organisation) Check() error {
	switch name := strings.TrimSpace(o.Name); {
	case !idPattern.MatchString(string(o.ID)):
		return ErrBadID
	case name == "" || len([]rune(name)) > 100 || strings.ContainsFunc(o.Name, unicode.IsControl):
		return ErrBadName
	case o.Colour != "" && !colourPattern.MatchString(o.Colour):
		return ErrBadColour
	case o.Policy.MFA.Strictness() < 0, o.Policy.RememberDays < 0, o.Policy.RememberDays > MaxRememberDays,
		o.Policy.SignIns < 0, o.Policy.SignIns > MaxSignIns,
		o.Policy.MinPassword != 0 && (o.Policy.MinPassword < LeastMinPassword || o.Policy.MinPassword > MostMinPassword):
		return ErrBadPolicy
	case len(o.Networks) > maxNetworks:
		return ErrBadNetworks
	}
	for _, n := range o.Networks {
		// A larger one is no employer's, and would lift the limit for strangers.
		if !n.IsValid() || n.Addr().Is4() && n.Bits() < 16 || n.Addr().Is6() && n.Bits() < 32 {
			return ErrBadNetworks
		}
	}
	return nil
}
