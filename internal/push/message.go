package push

import (
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

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
