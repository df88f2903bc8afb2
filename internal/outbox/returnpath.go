package outbox

import (
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

// ReturnPath makes the address to which a mail comes back when it cannot be delivered: one of its own for each mail, so that a
// bounce names its mail whatever else is in it. The address carries a tag, because everybody who gets a mail sees it, and
// whoever could make one could report any mail as undeliverable.
type ReturnPath struct {
	local, domain string
	keys          *secret.Keyring
}

const (
	returnPurpose secret.Purpose = "return path"
	// returnLife is how long a mail may be under way and still be reported. Queues give up after five days, mostly.
	returnLife = 31 * 24 * time.Hour
	idText     = 26 // characters of an id
	// LongestReturn is how long the local part of the address may be that they are made of: 64 are a mailbox's (RFC 5321 §4.5.3.1.1).
	LongestReturn = 64 - len("+") - idText - len(".") - secret.TagText
)

// NewReturnPath makes addresses out of one, as bounces@portvakt.example.
func NewReturnPath(address string, k *secret.Keyring) *ReturnPath {
	at := strings.LastIndexByte(address, '@')
	return &ReturnPath{local: address[:at], domain: address[at+1:], keys: k}
}

// For is the address of a message.
func (r *ReturnPath) For(m Message) string {
	return r.local + "+" + m.ID + "." + r.keys.Tag(returnPurpose, m.Created, m.ID) + "@" + r.domain
}

// Parse reads an address that For has made; false for any other. Servers on the way may have changed its capitals.
func (r *ReturnPath) Parse(address string, now time.Time) (message string, ok bool) {
	at := strings.LastIndexByte(address, '@')
	if at < 0 || !strings.EqualFold(address[at+1:], r.domain) {
		return "", false
	}
	local := strings.ToLower(address[:at])
	rest, ok := strings.CutPrefix(local, strings.ToLower(r.local)+"+")
	if !ok {
		return "", false
	}
	id, tag, ok := strings.Cut(rest, ".")
	if !ok || len(id) != idText || !r.keys.VerifyTag(tag, returnPurpose, returnLife, now, id) {
		return "", false
	}
	return id, true
}
