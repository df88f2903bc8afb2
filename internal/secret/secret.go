// Package secret makes random values and keeps them from being printed or stored in the clear.
//
// It holds three things: Token and NewID (random values), Hash (what the database may know of a
// token) and Keyring (seals what a browser carries and what rests in the database). It knows no
// journey, no table and no wire format of others.
package secret

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Crockford is Crockford's base32 alphabet in lower case: no i, l, o, u, so that a person can read it aloud.
var Crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// Token is a secret of at least 128 bits in transport form (base64url). It prints as "[token]".
type Token string

// NewToken returns 256 random bits as 43 characters of base64url.
func NewToken() Token {
	return Token(base64.RawURLEncoding.EncodeToString(Random(32)))
}

// NewShortToken returns 128 random bits as 26 letters and digits (Crockford's base32): for links in text messages, whose characters
// are counted, and in which a phone takes a dash at the end for one of the sentence's.
func NewShortToken() Token { return Token(Crockford.EncodeToString(Random(16))) }

// NewLongToken returns 384 random bits as 64 characters of base64url: as many bytes as the longest MAC needs (RFC 7518 §3.2).
func NewLongToken() Token { return Token(base64.RawURLEncoding.EncodeToString(Random(48))) }

// Groups is a short token as a person types it from paper: in capitals, in groups of four.
func (t Token) Groups() string {
	var groups []string
	for g := range slices.Chunk([]byte(strings.ToUpper(string(t))), 4) {
		groups = append(groups, string(g))
	}
	return strings.Join(groups, " ")
}

// Random returns n bytes from the operating system's generator, which cannot fail (crypto/rand).
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // documented never to return an error
	return b
}

// NewID returns 128 random bits as 26 characters of Crockford's base32. An id is not a secret.
func NewID() string {
	return Crockford.EncodeToString(Random(16))
}

// NewOrderedID is NewID with the time in front, in milliseconds (48 bits), and 80 random bits behind it: for rows of a log, which then lie beside each other in
// every index, where random ones would each cost a page.
func NewOrderedID(at time.Time) string {
	b := Random(16)
	ms := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	copy(b, ms[2:])
	return Crockford.EncodeToString(b)
}

// NewUUID returns a random UUID (RFC 9562 §5.4, version 4).
func NewUUID() string {
	b := Random(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	h := hex.EncodeToString(b)
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

// String hides the token from fmt.
func (Token) String() string { return "[token]" }

// GoString hides the token from %#v.
func (Token) GoString() string { return "[token]" }

// LogValue hides the token from slog.
func (Token) LogValue() slog.Value { return slog.StringValue("[token]") }

// Reveal returns the token itself, for the one place that hands it over.
func (t Token) Reveal() string { return string(t) }

// Hash returns what the database stores of the token. A plain SHA-256 is enough for 128 random bits and more.
func (t Token) Hash() Hash { return HashOf(string(t)) }

// Hash is the SHA-256 of a token.
type Hash [sha256.Size]byte

// HashOf returns the SHA-256 of s.
func HashOf(s string) Hash { return sha256.Sum256([]byte(s)) }

// IsZero says whether h was never set.
func (h Hash) IsZero() bool { return h == Hash{} }

// Equal compares in constant time.
func (h Hash) Equal(other Hash) bool { return subtle.ConstantTimeCompare(h[:], other[:]) == 1 }

// HashFrom reads a hash from its 32 stored bytes; anything else is the zero hash.
func HashFrom(b []byte) (h Hash) {
	if len(b) == len(h) {
		copy(h[:], b)
	}
	return h
}

// mac returns the HMAC-SHA-256 of the parts, each preceded by its length so that parts cannot run into each other.
func mac(key []byte, parts ...string) []byte {
	var b []byte
	for _, p := range parts {
		b = append(strconv.AppendInt(b, int64(len(p)), 10), ':')
		b = append(b, p...)
	}
	m := hmac.New(sha256.New, key)
	m.Write(b)
	return m.Sum(nil)
}

// HashOrZero returns the hash of a token, or the zero hash for an absent one.
func (t Token) HashOrZero() (h Hash) {
	if t != "" {
		h = t.Hash()
	}
	return h
}

// Text returns the hash as 64 hexadecimal digits.
func (h Hash) Text() string { return hex.EncodeToString(h[:]) }

// HashFromText reads what Text wrote; anything else is the zero hash.
func HashFromText(s string) Hash {
	b, err := hex.DecodeString(s)
	if err != nil {
		return Hash{}
	}
	return HashFrom(b)
}
