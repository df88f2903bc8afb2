package bounce

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"strings"

	"github.com/portvakt/portvakt/internal/outbox"
)

var (
	errNoReport  = errors.New("no report about a delivery")
	errGoesRound = errors.New("too many servers have had it")
)

const (
	maxReceived = 30 // Received fields; RFC 5321 §6.3 wants at least 100 hops for a sender, but a report makes a few
	maxParts    = 20
	maxGroups   = 100
	unreadable  = "unreadable"
)

// parse reads a report. It fails with errNoReport for what came back without being one: an answer of somebody who is on
// holiday goes to the return address too (RFC 3834 §4), and says nothing about the mail's delivery.
func parse(raw []byte) (outbox.Bounce, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return outbox.Bounce{Failed: true, Reason: unreadable}, nil
	}
	if len(m.Header["Received"]) > maxReceived {
		return outbox.Bounce{}, errGoesRound
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err == nil && kind == "multipart/report" {
		switch strings.ToLower(params["report-type"]) {
		case "delivery-status", "global-delivery-status", "":
			return parseReport(m.Body, params["boundary"])
		}
		return outbox.Bounce{}, errNoReport // that it was read, or marked as spam
	}
	return parsePlain(m)
}

// parseReport looks for the part that a program reads. Without it, the mail has come back all the same.
func parseReport(body io.Reader, boundary string) (outbox.Bounce, error) {
	parts := multipart.NewReader(body, boundary)
	for range maxParts {
		p, err := parts.NextRawPart()
		if err != nil {
			break
		}
		switch kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind {
		case "message/delivery-status", "message/global-delivery-status":
			return parseStatus(decoded(p, p.Header.Get("Content-Transfer-Encoding")))
		}
	}
	return outbox.Bounce{Failed: true, Reason: unreadable}, nil
}

func decoded(r io.Reader, encoding string) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		return quotedprintable.NewReader(r)
	}
	return r
}

// parseStatus reads the groups of fields: one about the message, and one for each recipient, of whom our mails have one. A
// report that tells of a failure is about a failure, whatever it tells besides.
func parseStatus(r io.Reader) (found outbox.Bounce, err error) {
	found, err = outbox.Bounce{Failed: true, Reason: unreadable}, nil
	fields := textproto.NewReader(bufio.NewReader(r))
	seen := false
	for range maxGroups {
		group, readErr := fields.ReadMIMEHeader()
		if action := strings.ToLower(strings.TrimSpace(group.Get("Action"))); action != "" {
			switch b := ofGroup(group, action); {
			case b.Failed:
				return b, nil
			case action == "delayed":
				found, err, seen = b, nil, true
			case !seen: // it has arrived, or has been handed on to somebody who does not report
				found, err, seen = outbox.Bounce{}, errNoReport, true
			}
		}
		if readErr != nil {
			break
		}
	}
	return found, err
}

func ofGroup(group textproto.MIMEHeader, action string) outbox.Bounce {
	b := outbox.Bounce{Failed: action == "failed", Status: status(group.Get("Status"))}
	said := group.Get("Diagnostic-Code")
	if kind, text, ok := strings.Cut(said, ";"); ok && len(kind) < 20 { // "smtp; 550 …"
		said = text
	}
	b.Reason = cmp.Or(outbox.Words(said), b.Status, unreadable)
	return b
}

var statuses = regexp.MustCompile(`\b[245]\.\d{1,3}\.\d{1,3}\b`)

// status is the code of RFC 3463 in a field that may have a comment behind it.
func status(field string) string { return statuses.FindString(field) }

// Who sends reports that no program was meant to read, and what they are called.
var (
	reporters = regexp.MustCompile(`(?i)\b(mailer-daemon|postmaster|mail delivery (sub)?system)\b`)
	warnings  = regexp.MustCompile(`(?i)\bwarning\b|\bdelay`)
	verdicts  = regexp.MustCompile(`(?i)undeliver|not be delivered|delivery (has )?fail|failure notice|returned mail|delivery status notification`)
)

// parsePlain judges a mail that is no report by its form. One of a mail server's own is a bounce of the old kind; its words are
// not repeated, because nobody knows what stands in it, but for the code.
func parsePlain(m *mail.Message) (outbox.Bounce, error) {
	subject := m.Header.Get("Subject")
	switch {
	case !reporters.MatchString(m.Header.Get("From")) && !verdicts.MatchString(subject):
		return outbox.Bounce{}, errNoReport
	case warnings.MatchString(subject):
		return outbox.Bounce{Reason: unreadable}, nil
	}
	text, err := io.ReadAll(io.LimitReader(decoded(m.Body, m.Header.Get("Content-Transfer-Encoding")), 64<<10))
	if err != nil && len(text) == 0 {
		return outbox.Bounce{Failed: true, Reason: unreadable}, nil
	}
	for _, code := range statuses.FindAllString(string(text), -1) {
		if strings.HasPrefix(code, "5") {
			return outbox.Bounce{Failed: true, Status: code, Reason: unreadable}, nil
		}
	}
	return outbox.Bounce{Failed: true, Reason: unreadable}, nil
}
