package secret

import "unicode"

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
