// Package bounce is the engine that receives mails which came back: a mail server that takes nothing but reports to the return
// addresses of mails which Portvakt has sent. It reads what they say (RFC 3464) and hands it on. It sends nothing, answers
// nobody, and keeps no mail.
package bounce

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/portvakt/portvakt/internal/outbox"
)

// Server is that mail server.
type Server struct {
	Path   *outbox.ReturnPath
	Record outbox.Bounces
	Domain string      // our name in greetings
	TLS    *tls.Config // offered by STARTTLS; nil: not
	Now    func() time.Time
	Log    *slog.Logger
}

// What one connection may cost, and all together.
const (
	maxMessage     = 1 << 20
	maxConnections = 50
	maxFromOne     = 20  // connections of one network: the operator's own mail server may hand on all that comes back
	maxMails       = 600 // of one network in a minute
	commandTime    = time.Minute
	connectionTime = 5 * time.Minute
	recordTime     = 20 * time.Second
)

// The answers to what is no business of this server.
var (
	errSender    = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "only reports are taken here, from the null sender (MAIL FROM:<>)"}
	errRecipient = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "there is no such mailbox"}
	errLoop      = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 4, 6}, Message: "this mail has been going round in circles"}
	errPace      = &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "too many mails in a minute; please try again"}
	errLater     = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "it could not be written down; please try again"}
)

// Serve takes reports until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	senders := &senders{now: s.Now}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &visit{server: s, senders: senders, from: network(c.Conn().RemoteAddr())}, nil
	}))
	server.Domain, server.TLSConfig = s.Domain, s.TLS
	server.MaxRecipients, server.MaxMessageBytes = 1, maxMessage
	server.ReadTimeout, server.WriteTimeout = commandTime, commandTime
	server.EnableSMTPUTF8 = true                 // a report may repeat an address with å
	server.ErrorLog = log.New(remarks{s}, "", 0) // strangers that talk nonsense
	stop := context.AfterFunc(ctx, func() {
		server.Close()
		l.Close() // the server does it only where it has begun
	})
	defer stop()
	err := server.Serve(newLimit(l, maxConnections, maxFromOne, connectionTime))
	if errors.Is(err, smtp.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// remarks takes what the library says by itself.
type remarks struct{ *Server }

// Write implements io.Writer.
func (r remarks) Write(line []byte) (int, error) {
	r.Log.Debug("bounce server", "remark", string(bytes.TrimSpace(line)))
	return len(line), nil
}

// visit is one connection.
type visit struct {
	server  *Server
	senders *senders
	from    string // the network that it comes from
	message string // whose return address was named
}

// Mail implements smtp.Session. A report comes from nobody, so that nobody answers it (RFC 5321 §4.5.5): a mail from
// somebody is no report, and with an answer to it we would be part of a loop.
func (v *visit) Mail(from string, _ *smtp.MailOptions) error {
	if !v.senders.mayMail(v.from) {
		return errPace
	}
	if from != "" {
		return errSender
	}
	return nil
}

// Rcpt implements smtp.Session.
func (v *visit) Rcpt(to string, _ *smtp.RcptOptions) error {
	message, ok := v.server.Path.Parse(to, v.server.Now())
	if !ok {
		return errRecipient
	}
	v.message = message
	return nil
}

// Data implements smtp.Session.
func (v *visit) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // the library's own, as "message too big"
	}
	report, err := parse(raw)
	switch {
	case errors.Is(err, errGoesRound):
		return errLoop
	case errors.Is(err, errNoReport):
		v.server.Log.Debug("bounce: what came back is no report", "message", v.message)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	report.Message = v.message
	if err := v.server.Record.Bounced(ctx, report, v.server.Now()); err != nil {
		v.server.Log.Error("bounce: not written down", "message", v.message, "error", err)
		return errLater
	}
	v.server.Log.Info("bounce: a mail came back", "message", v.message, "failed", report.Failed, "status", report.Status)
	return nil
}

// Reset implements smtp.Session.
func (v *visit) Reset() { v.message = "" }

// Logout implements smtp.Session.
func (v *visit) Logout() error { return nil }
