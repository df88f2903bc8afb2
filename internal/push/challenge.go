package push

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
)

// Life is how long a challenge can be answered (DESIGN §5).
const Life = 2 * time.Minute

// Purpose is what a challenge is for.
type Purpose string

// The purposes.
const (
	SignIn Purpose = "signin"
	StepUp Purpose = "step_up"
	Test   Purpose = "test" // right after pairing; it proves nothing more
	Ask    Purpose = "ask"  // of an app that asks without a browser (CIBA): its request's id stands in the attempt's place
)

// Mode is how a person shows that she sees both screens.
type Mode string

// The modes.
const (
	Tap  Mode = "tap"  // one of three numbers
	Type Mode = "type" // six digits (NIST SP 800-63B-4 §3.1.3)
	None Mode = "none" // of a test
	// Message is a text of the app's, which the person compares with what she sees where she began. Her answer repeats it in the number's place: an
	// authenticator that does not know the mode cannot approve, and its try is no denial either.
	Message Mode = "message"
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
	Message string `json:"message,omitempty"`
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
