// Package smscode is the authenticator "a code that came by SMS": it makes the codes that are sent to mobile phones, and checks what is typed. SMS is the weaker way (NIST SP 800-63B-4 §3.1.3.3 calls it restricted): a number
// stands beside an authenticator app and never alone. It sends and stores nothing.
package smscode

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
)

// Code is the six digits of one message. It prints as "[code]".
type Code string

const (
	digits = 6
	// Life is how long a code counts after it was made (NIST SP 800-63B-4 §3.1.3.2).
	Life = 10 * time.Minute
	// Tries is how many codes may be typed against one that was sent.
	Tries = 5

	purpose = secret.Purpose("sms code")
)

// Sent is what is kept of a code: with it a typed one can be checked, and none can be read from it.
type Sent struct {
	ID  string
	MAC []byte // of the code, under a sealed key; see Make
	At  time.Time
}

// Make draws a code and what is kept of it. bound are the things that the code belongs to: its account, what it is for, the
// number, the attempt. Six digits are few, so that they are kept as a MAC under a sealed key and never as a hash (RULES §4).
func Make(k *secret.Keyring, now time.Time, bound ...string) (Code, Sent) {
	c, s := draw(), Sent{ID: secret.NewID(), At: now}
	s.MAC = k.MAC(purpose, now, s.parts(string(c), bound)...)
	return c, s
}

// draw returns six random digits. Taking the rest of 64 bits makes no digit likelier that anybody could notice.
func draw() Code {
	return Code(fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint64(secret.Random(8))%1_000_000))
}

func (s Sent) parts(code string, bound []string) []string {
	return append([]string{s.ID, code}, bound...)
}

// Verify says whether typed is the code that was sent, for the same things, and still counts. Whoever asks must see to it that
// it counts once.
func (s Sent) Verify(k *secret.Keyring, typed string, now time.Time, bound ...string) bool {
	if s.ID == "" || !now.Before(s.At.Add(Life)) {
		return false
	}
	return k.VerifyMAC(s.MAC, purpose, s.At, s.parts(secret.ReadDigits(typed, digits), bound)...)
}

// String hides the code from fmt.
func (Code) String() string { return "[code]" }

// GoString hides the code from %#v.
func (Code) GoString() string { return "[code]" }

// LogValue hides the code from slog.
func (Code) LogValue() slog.Value { return slog.StringValue("[code]") }

// Reveal returns the code itself, for the message that carries it.
func (c Code) Reveal() string { return string(c) }

// Pack puts a number and a code into the secret of one message.
func Pack(n phone.Number, c Code) secret.Token { return secret.Token(string(n) + " " + string(c)) }

// Unpack reads what Pack wrote.
func Unpack(packed secret.Token) (phone.Number, Code, error) {
	number, code, ok := strings.Cut(packed.Reveal(), " ")
	if !ok || number == "" || secret.ReadDigits(code, digits) != code || code == "" {
		return "", "", ErrNotPacked
	}
	return phone.Number(number), Code(code), nil
}

// ErrNotPacked says that a message's secret holds no number with a code.
var ErrNotPacked = errors.New("no number and code")
