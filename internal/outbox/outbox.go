// Package outbox holds the noun outbox message, and the worker that delivers what transactions have
// enqueued: mails, text messages, questions and pushes to phones, and logout tokens and pings to RPs. It renders nothing and speaks no network protocol: a
// Preparer decides what becomes of a message, a Sender delivers it.
package outbox

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// Lane orders messages: a smaller lane overtakes a larger one, so that a login link never waits for a campaign.
type Lane int

// The lanes.
const (
	Urgent  Lane = 10 // a person waits in front of the screen
	Notice  Lane = 50 // news about an account
	Routine Lane = 90 // everything else
)

// Channel is the way out.
type Channel string

// The channels.
const (
	Mail   Channel = "mail"
	Logout Channel = "logout" // back-channel logout of one RP
	SMS    Channel = "sms"    // its recipient rests in the secret, because the number is personal data
	Push   Channel = "push"   // to a push service; its address rests in the secret, because whoever has it can push
	Ask    Channel = "ask"    // to a person whom an app names: whether there is one, and a phone, is decided here
	Ping   Channel = "ping"   // to an app that waits for such an answer
)

// Message is a row of the outbox. It holds a template's name and parameters, never a finished body; a secret in
// it is sealed and wiped at acceptance, expiry or dead letter (RULES §4).
type Message struct {
	ID        string
	Channel   Channel
	Template  string // which text, or which kind of call
	To        string // address as typed, or URL
	Account   account.ID
	Language  string
	Params    map[string]string
	Secret    []byte // sealed; see SealSecret
	Link      string // id of the one-time link whose secret that is, where the message is enqueued with it; else ""
	Lane      Lane
	Created   time.Time
	NotBefore time.Time // earliest try
	Expires   time.Time // afterwards it is of no use to anybody
	Attempts  int
	// Organisation is in whose name the message goes; "": in the operator's.
	Organisation organisation.ID
	// Person is the row of a register that the message is about, where it goes to somebody without an account; "": none.
	Person string
	// Prepared says that the Preparer has decided and made what the message needs (a link, say). A retry
	// sends the very same.
	Prepared bool
}

// Enqueuer writes messages in the caller's transaction.
type Enqueuer interface {
	// Enqueue adds a message. It fails only when the transaction fails.
	Enqueue(ctx context.Context, m Message) error
}

const sealPurpose secret.Purpose = "outbox"

// New returns a message with an id of its own, to be filled in further.
func New(channel Channel, template, to string, now time.Time) Message {
	return Message{ID: secret.NewID(), Channel: channel, Template: template, To: to, Lane: Notice,
		Created: now, NotBefore: now, Expires: now.Add(24 * time.Hour), Params: map[string]string{}}
}

// SealSecret puts a secret into the message, sealed to its id.
func (m *Message) SealSecret(k *secret.Keyring, s secret.Token, now time.Time) {
	m.Secret = k.SealBytes(sealPurpose, m.ID, []byte(s.Reveal()), now)
}

// OpenSecret returns the sealed secret, or secret.ErrSealed.
func (m Message) OpenSecret(k *secret.Keyring, now time.Time) (secret.Token, error) {
	b, err := k.OpenBytes(sealPurpose, m.ID, m.Secret, 8*24*time.Hour, now)
	return secret.Token(b), err
}

// SealTo puts a recipient whom nobody shall read in the row, and a secret for her, into the message; the secret may be empty.
func (m *Message) SealTo(k *secret.Keyring, to string, s secret.Token, now time.Time) {
	m.SealSecret(k, secret.Token(to+" "+s.Reveal()), now)
}

// OpenTo returns what SealTo has sealed, or secret.ErrSealed.
func (m Message) OpenTo(k *secret.Keyring, now time.Time) (to string, s secret.Token, err error) {
	both, err := m.OpenSecret(k, now)
	cut := strings.LastIndexByte(both.Reveal(), ' ')
	if err != nil || cut < 1 {
		return "", "", cmp.Or(err, secret.ErrSealed)
	}
	return both.Reveal()[:cut], both[cut+1:], nil
}

// FormatTime is how a time stands in Params: Unix milliseconds.
func FormatTime(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// ParseTime reads what FormatTime wrote; anything else is the zero time.
func ParseTime(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
