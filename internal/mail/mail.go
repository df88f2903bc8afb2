// Package mail is the engine that turns outbox messages into e-mail and hands them to the operator's mail
// server. It decides nothing: who gets which mail, and with which link, was decided before.
package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// Settings say where mails go and who sends them.
type Settings struct {
	Host     string
	Port     int
	TLS      string // "starttls", "tls" (from the first byte) or "none"
	Username string // empty: the server asks for none
	Password string
	From     string
	FromName string
	Issuer   string         // links in mails begin with it
	RootCAs  *x509.CertPool // nil: the system's
	// Words says in words what a User-Agent names: device and browser, "" where unknown.
	Words func(userAgent string) (device, browser string)
	// Country names the country of an IP address in a language, "" where unknown; nil: nothing is known.
	Country func(address, lang string) string
	// Organisation tells an organisation's name and its own sender, false where there is no such organisation; nil: all mails are
	// the operator's.
	Organisation func(context.Context, organisation.ID) (name string, s organisation.Sender, ok bool, err error)
	// Signer finds the key that signs for an organisation, or for the operator, and a domain; nil: nothing is signed.
	Signer func(ctx context.Context, o organisation.ID, domain string) (dkim.Signer, bool, error)
	// ReturnPath makes the address to which a mail comes back; nil: that of the sender.
	ReturnPath *outbox.ReturnPath
}

// Sender renders and delivers mails. It is safe for concurrent use.
type Sender struct {
	settings  Settings
	domain    string // right half of Message-IDs, and our name in greetings
	from      string // sender in the envelope
	catalogue *locale.Catalogue
	keys      *secret.Keyring
	now       func() time.Time
	pages     templates
}

var _ outbox.Listener = (*Sender)(nil)

// New checks the settings and parses the templates.
func New(s Settings, c *locale.Catalogue, k *secret.Keyring, now func() time.Time) (*Sender, error) {
	u, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("mail: issuer: %w", err)
	}
	from, utf8, err := envelope(s.From)
	if err != nil || utf8 {
		// Found at the start: at the first mail it would count as that mail's fault, and end it.
		return nil, fmt.Errorf("mail: sender %q is not an address that every server takes", s.From)
	}
	switch s.TLS {
	case "starttls", "tls", "none":
	default:
		return nil, fmt.Errorf("mail: TLS mode %q: want starttls, tls or none", s.TLS)
	}
	pages, err := parseTemplates()
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return &Sender{settings: s, domain: u.Hostname(), from: from, catalogue: c, keys: k, now: now, pages: pages}, nil
}

// Send renders the message and hands it to the mail server. An answer that is final for this recipient wraps
// outbox.ErrRefused; everything else is worth another try.
func (s *Sender) Send(ctx context.Context, m outbox.Message) error {
	_, err := s.SendAndListen(ctx, m)
	return err
}

// SendAndListen is Send, with what the mail server says when it takes the mail.
func (s *Sender) SendAndListen(ctx context.Context, m outbox.Message) (words string, err error) {
	to, utf8, err := envelope(m.To)
	if err != nil {
		return "", err
	}
	from, err := s.origin(ctx, m)
	if err != nil {
		return "", err
	}
	letter, err := s.compose(m)
	if err != nil {
		return "", fmt.Errorf("%w: compose: %w", outbox.ErrRefused, err)
	}
	letter.Sender = cmp.Or(m.Params["employer"], from.organisation, letter.Sender)
	raw, err := s.render(m, from, to, letter)
	if err == nil {
		raw, err = from.sign(raw)
	}
	if err != nil {
		return "", fmt.Errorf("%w: render: %w", outbox.ErrRefused, err)
	}
	back := s.from
	if s.settings.ReturnPath != nil {
		back = s.settings.ReturnPath.For(m)
	}
	return s.deliver(ctx, parcel{back, to, utf8, raw})
}
