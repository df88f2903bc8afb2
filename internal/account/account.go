// Package account holds the noun that everything else hangs on: an account, and the identifier by which
// a person names it at the first page. It knows no password, no session and no register row.
package account

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ID is an account's subject identifier: a random UUID for life, never reused (OIDC Core §2, sub).
type ID string

// Account is one person's login. Address is as its owner typed it, for display and for mail; empty where she has none, and is
// known by a phone number or a number of her employer's.
type Account struct {
	ID         ID
	Identifier Identifier
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

// Login is how its owner names the account at the first page.
func (a Account) Login() string {
	if a.Address != "" {
		return a.Address
	}
	return a.Identifier.Shown()
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
