package authn

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Browser is what a request shows of where it comes from. Nothing in it proves anything about a person.
type Browser struct {
	Device  session.Device
	Network string // /24 or /64, text form
	Memory  Memory
	// Language is that of the page that is read in it: the one of a mail to somebody who has never chosen hers.
	Language string
	// Remembered is the token of a browser that may skip the second proof; it is worth something only for the account
	// that it was made for.
	Remembered secret.Token
}

// Memory is what a browser carries between visits, in one sealed cookie: whom it has let in before, and the
// address that its owner asked to be remembered. A known browser has budgets of its own, so that an
// attacker elsewhere cannot pause its owner (RULES §2).
type Memory struct {
	ID      string   `json:"i"`
	Known   []string `json:"k,omitempty"` // pseudonyms of identifiers
	Address string   `json:"a,omitempty"`
}

const (
	memoryPurpose = secret.Purpose("browser")
	knownPurpose  = secret.Purpose("known identifier")
	// MemoryLife is how long the browser's cookie lasts.
	MemoryLife = 365 * 24 * time.Hour
	maxKnown   = 5
)

// OpenMemory reads the browser's cookie. An unreadable one is an absent one.
func OpenMemory(k *secret.Keyring, cookie string, now time.Time) Memory {
	plain, err := k.Open(memoryPurpose, "", cookie, MemoryLife, now)
	var m Memory
	if err != nil || json.Unmarshal(plain, &m) != nil {
		return Memory{}
	}
	return m
}

// Seal returns the cookie's value.
func (m Memory) Seal(k *secret.Keyring, now time.Time) string {
	plain, err := json.Marshal(m)
	if err != nil {
		panic(err) // strings only
	}
	return k.Seal(memoryPurpose, "", plain, now)
}

// Knows says whether the identifier's account has signed in from this browser before.
func (m Memory) Knows(k *secret.Keyring, id account.Identifier) bool {
	return m.ID != "" && slices.Contains(m.Known, k.Pseudonym(knownPurpose, string(id)))
}

// Learn returns the memory after a sign-in of the identifier.
func (m Memory) Learn(k *secret.Keyring, id account.Identifier) Memory {
	if m.ID == "" {
		m.ID = secret.NewID()
	}
	p := k.Pseudonym(knownPurpose, string(id))
	m.Known = slices.DeleteFunc(slices.Clone(m.Known), func(old string) bool { return old == p })
	m.Known = append([]string{p}, m.Known...)
	m.Known = m.Known[:min(len(m.Known), maxKnown)]
	return m
}
