// Package phone holds the noun phone number: the number of a mobile phone, to which codes and links are sent, and by which a person
// without an address is known at the first page.
package phone

import (
	"errors"
	"log/slog"
	"strings"
	"unicode"

	"github.com/nyaruka/phonenumbers"
)

// Number is the number of a mobile phone in E.164 form, "+46701740605". It is personal data: it prints as its last two digits.
type Number string

// The ways in which what was typed is no number that gets codes.
var (
	// ErrNotANumber: no number of any country can be read from it.
	ErrNotANumber = errors.New("not a telephone number")
	// ErrNotMobile: a number that exists in form, and is no mobile phone: a fixed line, a premium line, a service.
	ErrNotMobile = errors.New("not a mobile telephone number")
)

// maxTyped bounds what is read at all, in bytes; E.164 has 15 digits.
const maxTyped = 64

// Parse reads a number in any usual spelling: with or without the country's prefix (then it is one of region, an
// ISO 3166 code), with spaces, dashes, brackets, as a link. It fails with ErrNotANumber or ErrNotMobile.
func Parse(typed, region string) (Number, error) {
	typed = strings.TrimSpace(typed)
	if len(typed) > len("tel:") && strings.EqualFold(typed[:len("tel:")], "tel:") {
		typed = typed[len("tel:"):]
	}
	// Letters would be read as on an old telephone's keys, and an extension after ; or , is nothing that gets a message.
	if len(typed) > maxTyped || strings.ContainsFunc(typed, unicode.IsLetter) || strings.ContainsAny(typed, ";,#*") {
		return "", ErrNotANumber
	}
	n, err := phonenumbers.Parse(typed, region)
	if err != nil || n.GetExtension() != "" || !phonenumbers.IsValidNumber(n) {
		return "", ErrNotANumber
	}
	switch phonenumbers.GetNumberType(n) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE: // in North America nobody can tell the two apart
		return Number(phonenumbers.Format(n, phonenumbers.E164)), nil
	}
	return "", ErrNotMobile
}

// IsRegion says whether numbers of the region, an ISO 3166 code as SE, are known.
func IsRegion(code string) bool { return phonenumbers.GetSupportedRegions()[code] }

// Region is the ISO 3166 code of the number's country, "" where it belongs to none.
func (n Number) Region() string {
	parsed, err := phonenumbers.Parse(string(n), "")
	if err != nil {
		return ""
	}
	return phonenumbers.GetRegionCodeForNumber(parsed)
}

// Full is the number as it is shown to its owner before anything is sent to it: "+46 70 174 06 05".
func (n Number) Full() string {
	parsed, err := phonenumbers.Parse(string(n), "")
	if err != nil {
		return string(n)
	}
	// Dashes in a number read as minus signs or ranges, and break the line.
	return strings.ReplaceAll(phonenumbers.Format(parsed, phonenumbers.INTERNATIONAL), "-", " ")
}

// Hidden is the number as it is shown afterwards: its last two digits behind four dots.
func (n Number) Hidden() string {
	if len(n) < 2 {
		return "••••"
	}
	return "•••• " + string(n[len(n)-2:])
}

// String hides the number from fmt.
func (n Number) String() string { return "[number]" }

// GoString hides the number from %#v.
func (n Number) GoString() string { return "[number]" }

// LogValue hides the number from slog.
func (n Number) LogValue() slog.Value { return slog.StringValue("[number]") }

// Reveal returns the number itself, for the gateway and for the row in which it rests sealed.
func (n Number) Reveal() string { return string(n) }
