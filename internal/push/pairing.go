package push

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
)

// PairingLife is how long a binding code can be used (NIST SP 800-63B-4 §4.1.2.2).
const PairingLife = 10 * time.Minute

// PairingState is what has become of a binding code.
type PairingState string

// The states of a pairing. One that is Shown or Claimed past its end is expired.
const (
	CodeShown    PairingState = "shown"     // the browser shows its code
	CodeClaimed  PairingState = "claimed"   // a phone has used the code; both screens show the same four characters
	Paired       PairingState = "paired"    // the person has compared and approved
	Refused      PairingState = "refused"   // she has not
	ScannedTwice PairingState = "twice"     // a second phone came with the same code: neither gets it
	Withdrawn    PairingState = "withdrawn" // another code took its place
)

// Pairing is the row of a binding code.
type Pairing struct {
	ID         string
	Code       secret.Hash
	Sealed     []byte // the code, for its page; see OpenCode
	Account    account.ID
	Attempt    string
	State      PairingState
	Device     string // the device code that its phone polls with
	Signing    []byte // as in Key, from here on
	Wrapping   []byte
	Name       string
	Language   string
	Comparison string // four characters that two screens show and no endpoint takes
	Created    time.Time
	Expires    time.Time
	Changed    time.Time
}

// BindingCode is 128 random bits as 26 characters of Crockford's base32: in the QR code, in the link, and to be typed. It prints
// as "[token]".
type BindingCode = secret.Token

const codeLength = 26

const codePurpose = secret.Purpose("binding code")

// NewPairing makes a pairing with a fresh code.
func NewPairing(k *secret.Keyring, id account.ID, attempt string, now time.Time) Pairing {
	code := BindingCode(strings.ToUpper(secret.NewID()))
	p := Pairing{ID: secret.NewID(), Code: code.Hash(), Account: id, Attempt: attempt, State: CodeShown, Created: now, Changed: now,
		Expires: now.Add(PairingLife)}
	p.Sealed = k.SealBytes(codePurpose, p.ID, []byte(code.Reveal()), now)
	return p
}

// ParseCode reads a binding code as it was typed or scanned; false for what is none.
func ParseCode(typed string) (BindingCode, bool) {
	read := secret.ReadCrockford(typed, codeLength)
	return BindingCode(read), read != ""
}

// OpenCode returns the code itself, or secret.ErrSealed.
func (p Pairing) OpenCode(k *secret.Keyring, now time.Time) (BindingCode, error) {
	plain, err := k.OpenBytes(codePurpose, p.ID, p.Sealed, PairingLife, now)
	return BindingCode(plain), err
}

// IsOpen says whether the pairing is in the state and in its time.
func (p Pairing) IsOpen(s PairingState, now time.Time) bool {
	return p.ID != "" && p.State == s && now.Before(p.Expires)
}

// Groups is the code as a person types it: in groups of four.
func Groups(c BindingCode) string {
	var b strings.Builder
	for i, r := range c.Reveal() {
		if i > 0 && i%4 == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Link is the address that a QR code holds: the code travels in the fragment, which no server sees.
func Link(app string, c BindingCode, issuer string) string {
	return app + "#code=" + c.Reveal() + "&iss=" + url.QueryEscape(issuer)
}

// letters and figures of a comparison: those that nobody mistakes for another.
const (
	letters = "ABCDEFGHJKMNPQRSTUVWXYZ"
	figures = "23456789"
)

// NewComparison draws the four characters, as "ABC1".
func NewComparison() string {
	from := func(s string) string { return string(s[pick(uint64(len(s)))]) }
	return fmt.Sprint(from(letters), from(letters), from(letters), from(figures))
}
