// Package organisation holds the noun organisation: an employer with its name, look and policy. What its
// administrators may do is not decided here.
package organisation

import (
	"errors"
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
}

// The ways in which an organisation can be refused.
var (
	ErrBadID     = errors.New("a short name has 2 to 40 lower case letters, digits and dashes")
	ErrBadName   = errors.New("a name has 1 to 100 characters, none of them a control character")
	ErrBadColour = errors.New("a colour reads #rrggbb")
	ErrBadPolicy = errors.New("the 2FA policy is off, optional, recommended or required; a browser is remembered for 0 to 90 days; before the day of required there are 0 to 1000 sign-ins without it")
)

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
		o.Policy.SignIns < 0, o.Policy.SignIns > MaxSignIns:
		return ErrBadPolicy
	}
	return nil
}
