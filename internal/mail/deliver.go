package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"golang.org/x/net/idna"

	"github.com/portvakt/portvakt/internal/outbox"
)

const (
	connectTimeout = 10 * time.Second
	commandTimeout = 20 * time.Second
)

// parcel is a mail in its envelope.
type parcel struct {
	from, to string
	utf8     bool // the recipient's local part is beyond ASCII
	raw      []byte
}

// deliver hands the bytes to the mail server for one recipient (RFC 5321), as envelope writes him. The words are the server's at
// its acceptance: its queue id, mostly.
func (s *Sender) deliver(ctx context.Context, p parcel) (words string, err error) {
	c, err := s.connect(ctx)
	if err != nil {
		return "", fmt.Errorf("mail server %s: %w", s.settings.Host, err)
	}
	defer c.Close()
	if ok, _ := c.Extension("SMTPUTF8"); p.utf8 && !ok {
		return "", fmt.Errorf("%w: the mail server cannot send to addresses like this one (SMTPUTF8)", outbox.ErrRefused)
	}
	if err := c.Mail(p.from, &smtp.MailOptions{UTF8: p.utf8}); err != nil {
		return "", fmt.Errorf("sender: %w", err)
	}
	if err := c.Rcpt(p.to, nil); err != nil {
		return "", recipientError(err)
	}
	w, err := c.Data()
	if err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	if _, err := w.Write(p.raw); err != nil {
		return "", fmt.Errorf("data: %w", err)
	}
	// Accepted from here on. What follows can no longer fail the delivery: a lost QUIT must not send it again.
	answer, err := w.CloseWithResponse()
	if err != nil {
		return "", recipientError(err)
	}
	c.Quit() //nolint:errcheck // see above
	return answer.StatusText, nil
}

// envelope returns the address as the server must get it: the domain in ASCII; utf8 where the local part is not.
func envelope(to string) (address string, utf8 bool, err error) {
	at := strings.LastIndexByte(to, '@')
	if at < 1 || strings.ContainsAny(to, "\r\n<> ") {
		return "", false, fmt.Errorf("%w: not an address", outbox.ErrRefused)
	}
	domain, err := idna.Lookup.ToASCII(to[at+1:])
	if err != nil {
		return "", false, fmt.Errorf("%w: not a domain: %w", outbox.ErrRefused, err)
	}
	local := to[:at]
	return local + "@" + domain, strings.ContainsFunc(local, func(r rune) bool { return r > 0x7e }), nil
}

// recipientError tells the server's final no about this recipient or this mail from a "later". Codes of 500 and
// more are final (RFC 5321 §4.2.1).
func recipientError(err error) error {
	e, ok := errors.AsType[*smtp.SMTPError](err)
	switch {
	case !ok:
		return err
	case e.Code >= 500:
		return fmt.Errorf("%w: %w", outbox.ErrRefused, serverSaid(e))
	}
	return serverSaid(e)
}

// serverSaid leaves the text of an answer to those who may read personal data: it often repeats the address.
func serverSaid(e *smtp.SMTPError) error {
	said := fmt.Errorf("the mail server answered %d", e.Code)
	if c := e.EnhancedCode; c[0] > 0 {
		said = fmt.Errorf("%w %d.%d.%d", said, c[0], c[1], c[2])
	}
	return outbox.Personal{Text: e.Message, Err: said}
}

// connect dials, secures, greets and signs in. Nothing is sent in the clear where TLS is asked for: a server that
// does not offer STARTTLS is an error, not a downgrade. The connection ends with ctx.
func (s *Sender) connect(ctx context.Context) (*smtp.Client, error) {
	d := net.Dialer{Timeout: connectTimeout}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(s.settings.Host, strconv.Itoa(s.settings.Port)))
	if err != nil {
		return nil, err
	}
	// Closed and not only given a deadline: the client sets deadlines of its own, which would replace it, and
	// a silent server would hold the message longer than its lease.
	context.AfterFunc(ctx, func() { conn.Close() })
	c, err := s.greet(conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

func (s *Sender) greet(conn net.Conn) (*smtp.Client, error) {
	c, err := s.secure(conn)
	if err != nil {
		return nil, err
	}
	c.CommandTimeout, c.SubmissionTimeout = commandTimeout, commandTimeout
	if err := c.Hello(s.domain); err != nil {
		return nil, err
	}
	if s.settings.Username == "" {
		return c, nil
	}
	if err := c.Auth(sasl.NewPlainClient("", s.settings.Username, s.settings.Password)); err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	return c, nil
}

// errClear is for a host name that config takes for this machine, and the resolver does not.
var errClear = errors.New("mails and passwords go without TLS to this machine only (smtp-tls)")

func (s *Sender) secure(conn net.Conn) (*smtp.Client, error) {
	settings := &tls.Config{ServerName: s.settings.Host, MinVersion: tls.VersionTLS12, RootCAs: s.settings.RootCAs}
	switch s.settings.TLS {
	case "tls":
		return smtp.NewClient(tls.Client(conn, settings)), nil
	case "starttls":
		return smtp.NewClientStartTLS(conn, settings)
	}
	if at, err := netip.ParseAddrPort(conn.RemoteAddr().String()); err != nil || !at.Addr().Unmap().IsLoopback() {
		return nil, errClear
	}
	return smtp.NewClient(conn), nil
}
