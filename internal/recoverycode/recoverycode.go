// Package recoverycode is the authenticator "a code that was written down": it makes the one code that an account has for the day
// its app is lost, and reads it as people type it. It compares and stores nothing: package password hashes the code
// as it does a password, and authn takes it as one proof beside another.
package recoverycode

import (
	"log/slog"
	"strings"

	"github.com/portvakt/portvakt/internal/secret"
)

// Code is a recovery code in its one form, XXXX-XXXX-XXXX-XXXX-XXXX: 100 bits in Crockford's base32, upper case. NIST SP 800-63B-4
// §4.2.1.1 asks for 64 bits. It prints as "[code]".
type Code string

const (
	length = 20 // characters of 5 bits
	group  = 4
)

// New returns a fresh code.
func New() Code {
	// 13 bytes are 104 bits; the characters beyond the 100th bit are left away.
	return grouped(strings.ToUpper(secret.Crockford.EncodeToString(secret.Random(13))[:length]))
}

// Parse reads a code as it was typed or pasted; see secret.ReadCrockford. Any other length is no code.
func Parse(typed string) (Code, bool) {
	read := secret.ReadCrockford(typed, length)
	return grouped(read), read != ""
}

func grouped(s string) Code {
	var b strings.Builder
	for i := 0; i < len(s); i += group {
		if i > 0 {
			b.WriteByte('-')
		}
		b.WriteString(s[i : i+group])
	}
	return Code(b.String())
}

// String hides the code from fmt.
func (Code) String() string { return "[code]" }

// GoString hides the code from %#v.
func (Code) GoString() string { return "[code]" }

// LogValue hides the code from slog.
func (Code) LogValue() slog.Value { return slog.StringValue("[code]") }

// Reveal returns the code itself, for the page that shows it once and for the hash.
func (c Code) Reveal() string { return string(c) }
