package sms

import (
	"fmt"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/smscode"
)

// oneMessage is how many characters of the phones' own alphabet (GSM 03.38) fit into one message; å, ä and ö are among them.
const oneMessage = 160

// compose writes the text of a message.
func (s *Sender) compose(m outbox.Message) (text, error) {
	if m.Template != CodeTemplate {
		return text{}, fmt.Errorf("no SMS is called %q", m.Template)
	}
	sealed, err := m.OpenSecret(s.keys, s.now())
	if err != nil {
		return text{}, err
	}
	to, code, err := smscode.Unpack(sealed)
	if err != nil {
		return text{}, err
	}
	p := s.catalogue.Printer(s.catalogue.Match(m.Language))
	// The last line is what phones fill the code in by: for this host and no other one (WICG, origin-bound one-time codes).
	last := "\n\n@" + s.host + " #" + code.Reveal()
	body := p.T("sms.code", "Code", code.Reveal(), "Name", s.settings.Name)
	if long := body + " " + p.T("sms.code_more", "Minutes", int(smscode.Life.Minutes())); utf8.RuneCountInString(long+last) <= oneMessage {
		body = long
	}
	return text{id: m.ID, to: to, body: body + last, expires: m.Expires}, nil
}
