package organisation

import (
	"errors"
	"strings"
	"unicode"
)

// Sender is in whose name an organisation's mails go to its people. An empty address means the operator's, with the
// organisation's name beside it.
type Sender struct {
	Address string
	Name    string // that mail programs show; "": the organisation's
}

// ErrBadSender says why a sender is refused.
var ErrBadSender = errors.New("a sender has an address as login@example.com, without å, ä and ö before the @, and a name of at most 100 characters")

// Check returns what is wrong with the sender, or nil. That the address is one has been found before.
func (s Sender) Check() error {
	local, domain, _ := strings.Cut(s.Address, "@")
	beyond := func(r rune) bool { return r > unicode.MaxASCII }
	switch {
	case s.Address == "" && s.Name != "", len([]rune(s.Name)) > 100, strings.ContainsFunc(s.Name, unicode.IsControl),
		strings.ContainsFunc(local, beyond), strings.ContainsFunc(domain, beyond):
		return ErrBadSender
	}
	return nil
}

// Domain is the domain of the address, or "".
func (s Sender) Domain() string {
	_, domain, _ := strings.Cut(s.Address, "@")
	return domain
}
