// Package account holds the noun that everything else hangs on: an account, and the identifier by which
// a person names it at the first page. It knows no password, no session and no register row.
package account

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// ID is an account's subject identifier: a random UUID for life, never reused (OIDC Core §2, sub).
type ID string

// Account is one person's login. Address is as its owner typed it, for display and for mail.
type Account struct {
	ID         ID
	Address    string
	Verified   time.Time // when the address was last proven; zero: never
	GivenName  string
	FamilyName string
	Language   string // "sv" or "en"; empty: never chosen
	// Epoch moves on every change of password, address or authenticator, on recovery and on "end all".
	// What was made under an older epoch is refused (RULES §1).
	Epoch   int64
	Created time.Time
	Closed  time.Time
}

// IsOpen says whether the account may sign in.
func (a Account) IsOpen() bool { return a.Closed.IsZero() }

// Identifier is what is typed first, folded for comparison: NFC, lower case, the domain in ASCII.
type Identifier string

// ErrNotAnAddress says that the text cannot be an e-mail address.
var ErrNotAnAddress = errors.New("not an e-mail address")

// domains folds a domain as a browser does (UTS 46), and refuses empty and overlong labels besides.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

const maxAddress = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets

// ParseAddress reads a typed address and returns it without the white space around it, and folded into an
// identifier. It refuses what cannot be delivered to and never "repairs" plus signs or dots: those belong to the
// mail server. What stands in a row or a cookie is the returned text, never the typed one, which has no limit.
func ParseAddress(typed string) (address string, id Identifier, err error) {
	s := norm.NFC.String(strings.TrimSpace(typed))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > maxAddress || !utf8.ValidString(s) {
		return "", "", ErrNotAnAddress
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || strings.ContainsFunc(local, notInLocalPart) || strings.HasPrefix(local, ".") ||
		strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", "", ErrNotAnAddress
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" {
		return "", "", ErrNotAnAddress
	}
	return s, Identifier(strings.ToLower(local) + "@" + strings.ToLower(ascii)), nil
}

// Domain returns the part after the @.
func (i Identifier) Domain() string {
	return string(i)[strings.LastIndexByte(string(i), '@')+1:]
}

// notInLocalPart refuses white space, control characters and the characters that would need quoting
// (RFC 5321 §4.1.2): no person's address has them, and header injection does.
func notInLocalPart(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>@[\]`, r) || r == unicode.ReplacementChar
}
