package secret

import (
	"crypto/hmac"
	"encoding/binary"
	"strings"
	"time"
)

// A tag is one byte that names the root, two for the day, and ten of the MAC: 80 bits, for values that a stranger can only
// try against a server, one at a time.
const (
	tagHeader = 1 + 2
	tagLen    = tagHeader + 10
)

// TagText is the length of a tag in characters.
const TagText = (tagLen*8 + 4) / 5

// Tag authenticates the parts in 21 lower-case characters of Crockford's base32, for places that are short and may lose
// their capitals on the way: the local part of a mail address. It carries its day.
func (k *Keyring) Tag(p Purpose, now time.Time, parts ...string) string {
	return Crockford.EncodeToString(k.tag(derivation{p, k.current, dayOf(now)}, parts))
}

// VerifyTag says whether tag is that of the parts, and not older than maxAge, counted in whole days.
func (k *Keyring) VerifyTag(tag string, p Purpose, maxAge time.Duration, now time.Time, parts ...string) bool {
	b, err := Crockford.DecodeString(strings.ToLower(tag))
	if err != nil || len(b) != tagLen || k.roots[b[0]] == nil {
		return false
	}
	d := derivation{p, b[0], uint32(binary.BigEndian.Uint16(b[1:tagHeader]))}
	today := dayOf(now)
	// One day of grace on both sides, as for sealed values.
	if d.day > today+1 || today > d.day+uint32(maxAge/day)+1 {
		return false
	}
	return hmac.Equal(b, k.tag(d, parts))
}

func (k *Keyring) tag(d derivation, parts []string) []byte {
	b := make([]byte, tagHeader, tagLen)
	b[0] = d.root
	binary.BigEndian.PutUint16(b[1:], uint16(d.day))
	return append(b, mac(k.key(d), parts...)[:tagLen-tagHeader]...)
}
