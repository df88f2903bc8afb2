// Package push is the authenticator "a key on a phone that answers a question": it makes binding codes, the numbers that a person
// compares, and the questions, and checks the signed answers (RULES §8, docs/authenticator-protocol.md). It knows no journey and
// no table: that a question is answered once is the store's to hold, who may be asked is authn's.
package push

import (
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
)

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

// MaxName is how long the name of a phone may be, in characters.
const MaxName = 40

const subscriptionPurpose = secret.Purpose("push subscription")

// SealSubscription seals a subscription to the key's id: whoever knows it can make the phone ring.
func SealSubscription(ring *secret.Keyring, id string, sub Subscription, now time.Time) []byte {
	return ring.SealBytes(subscriptionPurpose, id, []byte(Parcel{Subscription: sub}.Pack().Reveal()), now)
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
