package password

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The lengths of DESIGN §5, in code points.
const (
	MinAlone  = 15 // of a password that is the only proof
	MaxLength = 256
)

// Why a new password is refused. Each has a sentence of its own for the person.
var (
	ErrTooShort  = errors.New("password is too short")
	ErrTooLong   = errors.New("password is too long")
	ErrCommon    = errors.New("password is on the list of common passwords")
	ErrPersonal  = errors.New("password contains a name, the address or the employer")
	ErrUnusable  = errors.New("password contains a control character")
	ErrRepeating = errors.New("password repeats the same few characters")
)

// Rules are what a new password of one account must fulfil.
type Rules struct {
	Min   int      // code points
	Words []string // names, address and employer: none may stand in the password
}

// RulesFor are the rules for the account with the address. words are its owner's names and her employers'. A policy that
// requires two-factor authentication does not shorten a password before there is a second factor to require.
func RulesFor(address string, words ...string) Rules {
	local, domain, _ := strings.Cut(address, "@")
	r := Rules{Min: MinAlone, Words: append(slices.Clone(words), address, local, domain, strings.Split(domain, ".")[0])}
	r.Words = append(r.Words, strings.FieldsFunc(local, func(c rune) bool { return c == '.' || c == '-' || c == '_' || c == '+' })...)
	return r
}

// AtLeast are the same rules with a longer minimum, where a policy asks for one.
func (r Rules) AtLeast(characters int) Rules {
	r.Min = max(r.Min, characters)
	return r
}

// IsEnoughAlone says whether the password has the length of one that is the only proof.
func IsEnoughAlone(pw string) bool { return utf8.RuneCountInString(Normalise(pw)) >= MinAlone }

// Judge returns nil for a password that may be set, otherwise the first reason against it. There are no
// character classes and no history: length and the list do more (NIST SP 800-63B-4 §3.1.1.2).
func (r Rules) Judge(pw string) error {
	pw = Normalise(pw)
	switch n := utf8.RuneCountInString(pw); {
	case !utf8.ValidString(pw) || strings.ContainsFunc(pw, unicode.IsControl):
		return ErrUnusable
	case n < r.Min:
		return ErrTooShort
	case n > MaxLength:
		return ErrTooLong
	}
	folded := strings.ToLower(pw)
	switch {
	case isMonotonous(folded):
		return ErrRepeating
	case isCommon(folded) || isCommon(unit(folded)):
		return ErrCommon
	case r.isPersonal(folded):
		return ErrPersonal
	}
	return nil
}

// isPersonal finds a word in the password when little else remains: "Anna" inside a long sentence is no
// help to a guesser, "anna.svensson2026" is.
func (r Rules) isPersonal(folded string) bool {
	rest := folded
	for _, w := range r.Words {
		if w = strings.ToLower(Normalise(w)); utf8.RuneCountInString(w) >= 3 {
			rest = strings.ReplaceAll(rest, w, "")
		}
	}
	left := utf8.RuneCountInString(rest)
	return rest != folded && left < max(r.Min/2, 4)
}

// isMonotonous finds "aaaaaaaaaaaaaaa" and "abcabcabc…" of fewer than four different characters, and runs
// along the alphabet or the digits.
func isMonotonous(s string) bool {
	different := map[rune]bool{}
	var previous rune
	steps := 0
	for i, c := range s {
		different[c] = true
		if d := c - previous; i > 0 && (d == 1 || d == -1 || d == 0 || previous == '9' && c == '0') {
			steps++
		}
		previous = c
	}
	return len(different) < 4 || steps >= utf8.RuneCountInString(s)-2
}

// unit returns the shortest text of which s is a repetition ("abab" → "ab"), or s itself.
func unit(s string) string {
	if i := strings.Index((s + s)[1:], s) + 1; i > 0 && i < len(s) {
		return s[:i]
	}
	return s
}
