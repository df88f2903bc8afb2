package inbox

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"
)

// errTryLater is a temporary failure (RFC 5321 §4.2.1: the sender keeps the
// mail and tries again).
var errTryLater = &smtp.SMTPError{
	Code:         451,
	EnhancedCode: smtp.EnhancedCode{4, 3, 2},
	Message:      "the inbox takes no mail just now",
}

// errUnreadable refuses for good what no reader could show.
var errUnreadable = &smtp.SMTPError{
	Code:         554,
	EnhancedCode: smtp.EnhancedCode{5, 6, 0},
	Message:      "the message cannot be read",
}

// gate is the switch that makes the SMTP side fail on demand.
type gate struct{ closed atomic.Bool }

func (g *gate) set(closed bool) { g.closed.Store(closed) }

func (g *gate) check() error {
	if g.closed.Load() {
		return errTryLater
	}
	return nil
}

// ServeSMTP accepts mail on the listener until Close.
func (in *Inbox) ServeSMTP(l net.Listener) error {
	err := in.smtp.Serve(l)
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Close ends the SMTP side at once, and waits for its reports.
func (in *Inbox) Close() error {
	defer in.returns.Wait()
	if err := in.smtp.Close(); !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

func newSMTPServer(in *Inbox) *smtp.Server {
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &delivery{in: in}, nil
	}))
	s.Domain = "inbox.localhost"
	s.MaxMessageBytes = in.cfg.MaxMessage
	s.MaxRecipients = 100
	s.ReadTimeout = time.Minute
	s.WriteTimeout = time.Minute
	s.EnableSMTPUTF8 = true
	return s
}

// delivery is one SMTP session: an envelope and, at DATA, its content.
type delivery struct {
	in   *Inbox
	from string
	to   []string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	d.from = from
	return d.in.gate.check()
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := d.in.gate.check(); err != nil {
		return err
	}
	if isCalled(to, rejected) {
		return errNoMailbox
	}
	d.to = append(d.to, to)
	return nil
}

// Data files the mail once for each recipient. The gate is asked again: a
// server may fail between the envelope and the content.
func (d *delivery) Data(r io.Reader) error {
	if err := d.in.gate.check(); err != nil {
		return err
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // the library's own answer, as "message too big"
	}
	m, err := decode(bytes.NewReader(raw))
	if err != nil {
		d.in.cfg.Log.Warn("inbox: unreadable mail refused", "error", err)
		return errUnreadable
	}
	d.file(m)
	return nil
}

func (d *delivery) file(m Message) {
	if m.From == "" {
		m.From = d.from
	}
	m.ReceivedAt = d.in.cfg.Now()
	for _, to := range d.to {
		m.To = to
		d.in.box.add(m)
		if isCalled(to, returned) {
			d.in.sendBack(d.from, to)
		}
	}
}

func (d *delivery) Reset()        { d.from, d.to = "", nil }
func (d *delivery) Logout() error { return nil }
