package secret

import (
	"strings"
	"unicode"
)

// ReadDigits returns the n digits of a code as it was typed or pasted, or "". Apps show "123 456", mails and keyboards make other
// spaces and dashes of it, and a Japanese keyboard writes full-width digits. Everything else, and any other length, is no code.
func ReadDigits(typed string, n int) string {
	code := make([]byte, 0, n)
	for _, r := range typed {
		if '０' <= r && r <= '９' {
			r += '0' - '０'
		}
		switch {
		case '0' <= r && r <= '9' && len(code) < n:
			code = append(code, byte(r))
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), r == '−': // the last is a minus sign
		default:
			return ""
		}
	}
	if len(code) < n {
		return ""
	}
	return string(code)
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ReadCrockford returns the n characters of a code in Crockford's base32 as it was typed or pasted, in upper case, or "": in
// either case, with any spaces and dashes or none, and with the letters that the alphabet leaves out for the digits they look
// like (o for 0, i and l for 1).
func ReadCrockford(typed string, n int) string {
	read := make([]byte, 0, n)
	for _, r := range typed {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) || r == '−' { // the last is a minus sign
			continue
		}
		c, ok := character(r)
		if !ok || len(read) == n {
			return ""
		}
		read = append(read, c)
	}
	if len(read) != n {
		return ""
	}
	return string(read)
}

// character maps by hand: Unicode's upper case would make letters of the alphabet from such that are none of it.
func character(r rune) (c byte, ok bool) {
	if 'a' <= r && r <= 'z' {
		r -= 'a' - 'A'
	}
	switch r {
	case 'O':
		r = '0'
	case 'I', 'L':
		r = '1'
	}
	return byte(r), strings.ContainsRune(crockford, r)
}
