// Package push is the authenticator "a key on a phone that answers a question": it makes binding codes, the numbers that a person
// compares, and the questions, and checks the signed answers (RULES §8, docs/authenticator-protocol.md). It knows no journey and
// no table: that a question is answered once is the store's to hold, who may be asked is authn's.
package push

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Life is how long a challenge can be answered (DESIGN §5).
const Life = 2 * time.Minute

// ReportAfter is how long after a denial its author may still say "it was not me".
const ReportAfter = 10 * time.Minute

// Key is a paired authenticator: an app whose key can answer.
type Key struct {
	ID       string // the app's
	Account  account.ID
	Name     string
	Signing  []byte // public JWK of the key that signs
	Wrapping []byte // public JWK of the key to which the key for codes is encrypted
	Grant    string // behind its tokens
	Language string // of what is sent to it
	// Subscription is sealed; empty: it gets no messages, and asks by itself.
	Subscription []byte
	VAPID        string // the key that the subscription was made with
	Seen         time.Time
	Lost         time.Time // when it said that its keys are gone; zero: they are there
}

// Purpose is what a challenge is for.
type Purpose string

// The purposes.
const (
	SignIn Purpose = "signin"
	StepUp Purpose = "step_up"
	Test   Purpose = "test" // right after pairing; it proves nothing more
)

// Mode is how a person shows that she sees both screens.
type Mode string

// The modes.
const (
	Tap  Mode = "tap"  // one of three numbers
	Type Mode = "type" // six digits (NIST SP 800-63B-4 §3.1.3)
	None Mode = "none" // of a test
)

// State is what has become of a challenge. One that is Waiting past its end is expired.
type State string

// The states.
const (
	Waiting   State = "waiting"
	Approved  State = "approved"
	Denied    State = "denied" // also by a wrong number
	Reported  State = "reported"
	Cancelled State = "cancelled" // another one took its place, or the sign-in went on by other means
)

// Shown is what the phone shows of the browser that waits. Its words are in the language of the phone; any may be empty.
type Shown struct {
	App     string `json:"app"`
	Browser string `json:"browser"`
	Device  string `json:"device"`
	Place   string `json:"place"`
	Address string `json:"address"` // IP address
	Time    int64  `json:"time"`    // Unix ms
}

// Challenge is one question to all of an account's phones: is it you who signs in? The number, the choices and the nonce rest
// sealed.
type Challenge struct {
	ID       string
	Account  account.ID
	Attempt  string
	Purpose  Purpose
	Mode     Mode
	ClientID string
	Shown    Shown
	State    State
	Key      string // whose answer was taken
	Created  time.Time
	Expires  time.Time
	Changed  time.Time
	Secret   Secret
	Sealed   []byte // Secret at rest
}

// Secret is what of a challenge is shown to one side alone. It prints as "[number]".
type Secret struct {
	Number  string   `json:"n"` // the one that the sign-in page shows; empty for a test
	Choices []string `json:"c"` // those that the phone shows
	Nonce   string   `json:"o"` // 128 bits
}

// String hides the number from fmt.
func (Secret) String() string { return "[number]" }

// GoString hides the number from %#v.
func (Secret) GoString() string { return "[number]" }

const purpose = secret.Purpose("push challenge")

// NewChallenge draws a challenge. What it is about is the caller's to fill in before SealSecret.
func NewChallenge(id account.ID, attempt string, p Purpose, m Mode, now time.Time) Challenge {
	return Challenge{ID: secret.NewID(), Account: id, Attempt: attempt, Purpose: p, Mode: m, State: Waiting, Created: now, Changed: now,
		Expires: now.Add(Life).Truncate(time.Second), Secret: draw(m)}
}

// draw makes the number of a mode. Taking the rest of 64 bits makes no number likelier that anybody could notice.
func draw(m Mode) Secret {
	s := Secret{Nonce: base64.RawURLEncoding.EncodeToString(secret.Random(16))}
	switch m {
	case Type:
		s.Number = fmt.Sprintf("%06d", pick(1_000_000))
	case Tap:
		for len(s.Choices) < 3 {
			if n := fmt.Sprint(10 + pick(90)); !slices.Contains(s.Choices, n) {
				s.Choices = append(s.Choices, n)
			}
		}
		s.Number = s.Choices[pick(3)]
	}
	return s
}

func pick(n uint64) uint64 { return binary.BigEndian.Uint64(secret.Random(8)) % n }

// SealSecret seals the number, the choices and the nonce for the row.
func (c *Challenge) SealSecret(k *secret.Keyring) {
	plain, err := json.Marshal(c.Secret)
	if err != nil {
		panic(err) // strings
	}
	c.Sealed = k.SealBytes(purpose, c.ID, plain, c.Created)
}

// OpenSecret fills in what SealSecret sealed, or returns secret.ErrSealed.
func (c *Challenge) OpenSecret(k *secret.Keyring, now time.Time) error {
	plain, err := k.OpenBytes(purpose, c.ID, c.Sealed, 24*time.Hour, now)
	if err == nil {
		err = json.Unmarshal(plain, &c.Secret)
	}
	return err
}

// IsOpen says whether the challenge can be answered.
func (c Challenge) IsOpen(now time.Time) bool {
	return c.ID != "" && c.State == Waiting && now.Before(c.Expires)
}

// How is the challenge's state in the words of the protocol; "" while it waits.
func (c Challenge) How(now time.Time) string {
	switch {
	case c.State == Waiting && now.Before(c.Expires):
		return ""
	case c.State == Waiting:
		return "expired"
	case c.State == Reported:
		return string(Denied)
	}
	return string(c.State)
}

// AttemptHash names the attempt to a phone without telling its id, which stands in the browser's addresses.
func (c Challenge) AttemptHash() string {
	sum := sha256.Sum256([]byte("portvakt-attempt " + c.Attempt))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Decision is what a person says to a challenge.
type Decision string

// The decisions.
const (
	Approve Decision = "approve"
	Deny    Decision = "deny"
	NotMe   Decision = "not_me"
)

// Answer is what a phone signs: everything that it was asked, and what its owner says to it.
type Answer struct {
	Issuer      string     `json:"iss"` // the key's id
	Audience    string     `json:"aud"` // the installation's issuer
	Subject     account.ID `json:"sub"`
	Challenge   string     `json:"challenge"`
	Nonce       string     `json:"nonce"`
	Attempt     string     `json:"attempt"`
	Purpose     Purpose    `json:"purpose"`
	ClientID    string     `json:"client_id"`
	Shown       Shown      `json:"shown"`
	Number      string     `json:"number"`
	Decision    Decision   `json:"decision"`
	EndSessions bool       `json:"end_sessions"`
	Expires     int64      `json:"exp"` // Unix seconds, as in the challenge
}

// answerType is the typ header of an answer, so that no other thing that the key signs can be taken for one.
const answerType = "portvakt-approval+jwt"

// VerifyAnswer says whether token is this key's own answer to this very challenge, and whether its number is the one on the
// sign-in page; the challenge's Secret must be open. It looks at no clock: whether the challenge still waits is asked where it
// is consumed, and a phone whose clock is off signs the end that it was given.
func (k Key) VerifyAnswer(c Challenge, issuer, token string) (a Answer, right, ok bool) {
	if signingkey.VerifyBy(k.Signing, token, answerType, &a) != nil || k.Account != c.Account {
		return Answer{}, false, false
	}
	want := Answer{Issuer: k.ID, Audience: issuer, Subject: c.Account, Challenge: c.ID, Nonce: c.Secret.Nonce, Attempt: c.AttemptHash(),
		Purpose: c.Purpose, ClientID: c.ClientID, Shown: c.Shown, Number: a.Number, Decision: a.Decision, EndSessions: a.EndSessions,
		Expires: c.Expires.Unix()}
	if a != want || a.Decision != Approve && a.Decision != Deny && a.Decision != NotMe {
		return Answer{}, false, false
	}
	typed := a.Number
	if c.Mode == Type {
		typed = secret.ReadDigits(typed, len(c.Secret.Number))
	}
	return a, typed == c.Secret.Number, true
}

// MaxName is how long the name of a phone may be, in characters.
const MaxName = 40

// wire is a challenge as an authenticator gets it.
type wire struct {
	ID       string   `json:"id"`
	Nonce    string   `json:"nonce"`
	Attempt  string   `json:"attempt"`
	Purpose  Purpose  `json:"purpose"`
	Mode     Mode     `json:"mode"`
	Numbers  []string `json:"numbers"`
	ClientID string   `json:"client_id"`
	Shown    Shown    `json:"shown"`
	Expires  int64    `json:"exp"`
}

// MarshalJSON writes the challenge as an authenticator gets it: never with the number.
func (c Challenge) MarshalJSON() ([]byte, error) {
	numbers := c.Secret.Choices
	if numbers == nil {
		numbers = []string{}
	}
	return json.Marshal(wire{c.ID, c.Secret.Nonce, c.AttemptHash(), c.Purpose, c.Mode, numbers, c.ClientID, c.Shown, c.Expires.Unix()})
}

// message is what a push message says: enough to show that somebody waits, and no number.
type message struct {
	Type    string  `json:"type"`
	Key     string  `json:"key_id"`
	ID      string  `json:"id,omitempty"`
	App     string  `json:"app,omitempty"`
	Purpose Purpose `json:"purpose,omitempty"`
}

// Call is the payload that wakes a phone for a challenge.
func (k Key) Call(c Challenge) []byte {
	return write(message{Type: "challenge", Key: k.ID, ID: c.ID, App: c.Shown.App, Purpose: c.Purpose})
}

// Gone is the payload that takes a challenge back.
func (k Key) Gone(c Challenge) []byte { return write(message{Type: "gone", Key: k.ID, ID: c.ID}) }

// Removed is the payload that tells a phone that the account has removed it.
func (k Key) Removed() []byte { return write(message{Type: "removed", Key: k.ID}) }

func write(m message) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings
	}
	return b
}

const subscriptionPurpose = secret.Purpose("push subscription")

// SealSubscription seals a subscription to the key's id: whoever knows it can make the phone ring.
func SealSubscription(ring *secret.Keyring, id string, sub Subscription, now time.Time) []byte {
	return ring.SealBytes(subscriptionPurpose, id, []byte(Parcel{Subscription: sub}.Pack().Reveal()), now)
}

// Parcel addresses a payload to the phone, or returns secret.ErrSealed.
func (k Key) Parcel(ring *secret.Keyring, payload []byte, now time.Time) (secret.Token, error) {
	plain, err := ring.OpenBytes(subscriptionPurpose, k.ID, k.Subscription, 100*365*24*time.Hour, now)
	if err != nil {
		return "", err
	}
	p, err := Unpack(secret.Token(plain))
	p.Payload = payload
	return p.Pack(), err
}

const lostPurpose = secret.Purpose("lost authenticator")

// LostToken is what a phone says when its keys are gone: nothing is stored for it.
func LostToken(ring *secret.Keyring, id string) string {
	return id + "." + ring.Pseudonym(lostPurpose, id)
}

// ReadLostToken returns the id in a token that LostToken made; false for any other.
func ReadLostToken(ring *secret.Keyring, token string) (id string, ok bool) {
	id, _, _ = strings.Cut(token, ".")
	return id, token == LostToken(ring, id)
}
