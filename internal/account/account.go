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

// ErrNotAName says that the text cannot be a person's name.
var ErrNotAName = errors.New("not a name")

// MaxName is the longest given or family name, in characters.
const MaxName = 64

// ParseName reads a typed given or family name: trimmed, on one line, without characters that nobody sees. It refuses what turns
// the direction of the text around it, because a name stands in the middle of our sentences. An empty name is one.
func ParseName(typed string) (string, error) {
	name := norm.NFC.String(strings.Join(strings.Fields(typed), " "))
	if !utf8.ValidString(typed) || utf8.RuneCountInString(name) > MaxName || strings.ContainsFunc(typed, notInName) {
		return "", ErrNotAName
	}
	if name != "" && !strings.ContainsFunc(name, unicode.IsLetter) {
		return "", ErrNotAName
	}
	return name, nil
}

// notInName leaves the two joiners in, which some scripts need inside a word.
func notInName(r rune) bool {
	return r != '\u200c' && r != '\u200d' && !unicode.IsSpace(r) && !unicode.IsPrint(r) || unicode.IsControl(r) || r == unicode.ReplacementChar
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
