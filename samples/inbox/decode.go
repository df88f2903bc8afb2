package inbox

import (
	"io"
	"strings"

	"github.com/emersion/go-message"
	_ "github.com/emersion/go-message/charset" // others than UTF-8
	"github.com/emersion/go-message/mail"
)

// decode turns a mail as it travels (RFC 5322, MIME) into what a person reads. It
// makes no text of HTML, so that a test sees when a sender forgot the text part, and
// it guesses no character set: a mail program on a telephone does not guess either.
func decode(r io.Reader) (Message, error) {
	parts, err := mail.CreateReader(r)
	if err != nil && !message.IsUnknownCharset(err) {
		return Message{}, err
	}
	m := Message{Channel: Mail, From: header(parts.Header, "From"), Subject: header(parts.Header, "Subject")}
	for {
		part, err := parts.NextPart()
		if part == nil { // that was the last one, or what follows cannot be read: a person would see what there is
			break
		}
		if err != nil && !message.IsUnknownCharset(err) {
			return Message{}, err
		}
		if err := m.read(part); err != nil {
			return Message{}, err
		}
	}
	m.Links = appendNew(Links(m.Text), hrefs(m.HTML))
	return m, nil
}

// header is one line of the header, its encoded words decoded (RFC 2047); as it came where they cannot be.
func header(h mail.Header, name string) string {
	text, err := h.Text(name)
	if err != nil {
		return h.Get(name)
	}
	return text
}

// read takes in what a part adds to the text or to the HTML. What is attached is not read.
func (m *Message) read(part *mail.Part) error {
	inline, ok := part.Header.(*mail.InlineHeader)
	if !ok {
		return nil
	}
	kind, _, err := inline.ContentType()
	if err != nil {
		kind = "text/plain" // RFC 2045 §5.2
	}
	if kind != "text/plain" && kind != "text/html" {
		return nil
	}
	body, err := io.ReadAll(part.Body)
	if kind == "text/html" {
		m.HTML += string(body)
		return err
	}
	if m.Text != "" {
		m.Text += "\n"
	}
	m.Text += strings.ReplaceAll(string(body), "\r\n", "\n")
	return err
}
