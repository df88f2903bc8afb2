// Package person holds the noun person: one row of an employer's HR register, known by its person key, and
// the connection from that row to an account. A person is not an account: one account may be several
// employers' person, and a person may have no account yet.
package person

import "github.com/portvakt/portvakt/internal/organisation"

// Key identifies a person for good within an organisation and a source. It may be a national identity
// number: never in logs, URLs or list views (RULES §7).
type Key string

// String hides the key from fmt and slog.
func (Key) String() string { return "[person key]" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "[person key]" }

// Reveal returns the key itself, for the claim and the store.
func (k Key) Reveal() string { return string(k) }

// Person is a row of the register.
type Person struct {
	ID           string
	Organisation organisation.ID
	Source       string // which register; "hr" where there is one
	Key          Key
	GivenName    string
	FamilyName   string
	Address      string // as the register has it; the account's own may differ
	Employments  []Employment
}

// Employment is one of a person's employments. Dates read YYYY-MM-DD; an empty To has no end.
type Employment struct {
	Company string `json:"company"`
	Unit    string `json:"unit,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// Claim is one element of the claim urn:portvakt:person, by which an RP knows the person (RULES §6).
type Claim struct {
	Organisation organisation.ID `json:"organisation"`
	Key          string          `json:"key"`
	Employments  []Employment    `json:"employments"`
}
