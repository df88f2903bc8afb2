// Package totp is the authenticator "an app on the phone that counts time": it makes keys, writes them for people and
// for apps, and checks the six digits that an app shows (RFC 6238). It knows no account, no journey and no table: that
// a step counts once is the store's to hold, that guesses are few is authn's.
package totp

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

// The one set of parameters that every app has: many ignore what a URI says and use these. SHA-1 is no weakness here,
// HMAC does not rest on collisions (RFC 6238 §1.2, RFC 4226 §B.2).
const (
	digits = 6
	period = 30 // seconds
	drift  = 1  // steps that a clock may be off, either way (RFC 6238 §5.2)

	keyLen    = 20 // bytes, as recommended by RFC 4226 §4 (R6)
	minKeyLen = 16 // bytes; the least that R6 allows
)

// Key is what an app and the server share: 160 random bits. It prints as "[key]", and rests sealed.
type Key []byte

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// NewKey returns a fresh key.
func NewKey() Key { return secret.Random(keyLen) }

// ParseKey reads a key as Text writes it, also in groups. It refuses what is no base32, or shorter than RFC 4226 allows.
func ParseKey(text string) (Key, error) {
	k, err := encoding.DecodeString(strings.ToUpper(strings.ReplaceAll(text, " ", "")))
	if err != nil || len(k) < minKeyLen {
		return nil, errors.New("not the key of an authenticator app")
	}
	return k, nil
}

// String hides the key from fmt.
func (Key) String() string { return "[key]" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "[key]" }

// LogValue hides the key from slog.
func (Key) LogValue() slog.Value { return slog.StringValue("[key]") }

// Text reveals the key in base32, upper case, without padding (RFC 4648 §6): 32 characters.
func (k Key) Text() string { return encoding.EncodeToString(k) }

// Groups reveals the key as Text in groups of four with spaces between, for people to copy.
func (k Key) Groups() string {
	var b strings.Builder
	for i, c := range k.Text() {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// URI reveals the key as an app reads it from a QR code or a link (Key URI Format):
// "otpauth://totp/ISSUER:ACCOUNT?secret=…&issuer=…". Apps first decode the label and then cut it at the first colon, so
// that an issuer with a colon of its own ("S:t Görans sjukhus") stands in the parameter alone, where it needs no cutting.
func (k Key) URI(issuer, account string) string {
	label := escape(account)
	if !strings.Contains(issuer, ":") {
		label = escape(issuer) + ":" + label
	}
	return fmt.Sprintf("otpauth://totp/%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d", label, k.Text(), escape(issuer), digits, period)
}

// escape leaves nothing but the unreserved characters of RFC 3986 §2.3. A space is %20: some apps show a plus as it is.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Step is the number of the window that a moment falls in: windows of 30 s since 1970 (RFC 6238 §4.2).
func Step(at time.Time) int64 { return at.Unix() / period }

// Code is what an app with this key shows at a moment: six digits, leading zeros among them.
func (k Key) Code(at time.Time) string { return k.code(Step(at)) }

// code is HOTP (RFC 4226 §5.3).
func (k Key) code(step int64) string {
	m := hmac.New(sha1.New, k)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := m.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint32(sum[offset:])&0x7fffffff%1_000_000)
}

// Verify says whether typed is a code of this key, now or one step earlier or later, and of which step: whoever asks must
// refuse a step that has been used (RFC 6238 §5.2). It compares with all three in the same time. Where two steps
// happen to have the same code it is the later one, so that the code cannot come back in the next window. A key that is too
// short, as from a damaged row, has no codes.
func (k Key) Verify(typed string, at time.Time) (step int64, ok bool) {
	code := []byte(secret.ReadDigits(typed, digits))
	now, found, off := Step(at), 0, 0
	for d := -drift; d <= drift; d++ {
		same := subtle.ConstantTimeCompare([]byte(k.code(now+int64(d))), code)
		found |= same
		off = subtle.ConstantTimeSelect(same, d, off)
	}
	if found == 0 || len(k) < minKeyLen {
		return 0, false
	}
	return now + int64(off), true
}
