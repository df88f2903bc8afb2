package app_test

import (
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// postOffice is a real SMTP server that keeps what it is given, and can be out of order.
type postOffice struct {
	port int

	mu     sync.Mutex
	mails  []mail
	answer *smtp.SMTPError // to every recipient; nil: accept
}

type mail struct {
	to, text, id    string
	path            string // in the envelope, where it comes back to
	from, signature string // headers
}

func newPostOffice(t testing.TB) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{port: l.Addr().(*net.TCPAddr).Port}
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	go server.Serve(l) //nolint:errcheck // ends with Close
	t.Cleanup(func() { server.Close() })
	return p
}

// refuse makes the server answer every recipient so; nil makes it accept again.
func (p *postOffice) refuse(e *smtp.SMTPError) { p.mu.Lock(); defer p.mu.Unlock(); p.answer = e }

// to returns the text parts of the mails to an address, oldest first.
func (p *postOffice) to(address string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var texts []string
	for _, m := range p.mails {
		if strings.EqualFold(m.to, address) {
			texts = append(texts, m.text)
		}
	}
	return texts
}

// newDevice is what the mail about a sign-in on a new device says.
const newDevice = "på en enhet som vi inte känner igen"

// news are the mails to an address but for those about new devices: most stories begin in a fresh browser.
func (p *postOffice) news(address string) []string {
	return slices.DeleteFunc(p.to(address), func(text string) bool { return strings.Contains(text, newDevice) })
}

// tokens are random: by chance one of them spells any short name.
var tokens = regexp.MustCompile(`[A-Za-z0-9_-]{20,}`)

// about are the mails to an address that hold these words. Mails of one moment come in any order, so that none of them is "the last".
func (p *postOffice) about(address, words string) []string {
	return slices.DeleteFunc(p.to(address), func(text string) bool { return !strings.Contains(text, words) })
}

// last is the newest mail to an address.
func (p *postOffice) last(address string) (found mail) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		if strings.EqualFold(m.to, address) {
			found = m
		}
	}
	return found
}

func (p *postOffice) count() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.mails) }

// NewSession implements smtp.Backend.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{office: p}, nil }

type delivery struct {
	office   *postOffice
	from, to string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error { d.from = from; return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	if d.office.answer != nil {
		return d.office.answer
	}
	d.to = to
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	e, err := enmime.ReadEnvelope(r)
	if err != nil {
		return err
	}
	d.office.mu.Lock()
	defer d.office.mu.Unlock()
	d.office.mails = append(d.office.mails, mail{d.to, e.Text, e.GetHeader("Message-ID"), d.from, e.GetHeader("From"), e.GetHeader("DKIM-Signature")})
	return nil
}

func (d *delivery) Reset()        {}
func (d *delivery) Logout() error { return nil }
