package sms

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/smscode"
)

// oneMessage is how many characters of the phones' own alphabet (GSM 03.38) fit into one message; å, ä and ö are among them.
const oneMessage = 160

// compose writes the text of a message.
func (s *Sender) compose(m outbox.Message) (text, error) {
	p := s.catalogue.Printer(s.catalogue.Match(m.Language))
	if m.Template == CodeTemplate {
		return s.composeCode(p, m)
	}
	to, token, err := m.OpenTo(s.keys, s.now())
	if err != nil {
		return text{}, err
	}
	t := text{id: m.ID, to: phone.Number(to), expires: m.Expires}
	switch {
	case links[m.Template] != "":
		t.body = s.linked(p, m, s.settings.Issuer+links[m.Template]+token.Reveal())
	case notices[m.Template]:
		link := ""
		if token != "" {
			link = s.settings.Issuer + "/n/" + token.Reveal()
		}
		t.body = s.notice(p, m, link)
	default:
		return text{}, fmt.Errorf("no SMS is called %q", m.Template)
	}
	return t, nil
}

func (s *Sender) composeCode(p *locale.Printer, m outbox.Message) (text, error) {
	sealed, err := m.OpenSecret(s.keys, s.now())
	if err != nil {
		return text{}, err
	}
	to, code, err := smscode.Unpack(sealed)
	if err != nil {
		return text{}, err
	}
	// The last line is what phones fill the code in by: for this host and no other one (WICG, origin-bound one-time codes).
	last := "\n\n@" + s.host + " #" + code.Reveal()
	body := p.T("sms.code", "Code", code.Reveal(), "Name", s.settings.Name)
	if long := body + " " + p.T("sms.code_more", "Minutes", int(smscode.Life.Minutes())); utf8.RuneCountInString(long+last) <= oneMessage {
		body = long
	}
	return text{id: m.ID, to: to, body: body + last, expires: m.Expires}, nil
}

// The messages that carry a link have the names of the mails in whose place they go, which their flows own. Behind each stands the
// short way to the link's page.
const (
	resetTemplate       = "recovery_reset"
	signinTemplate      = "recovery_login"
	preparationTemplate = "preparation_confirm" // param existing, "yes": the number has an account already
	reminderTemplate    = "preparation_reminder"
)

var links = map[string]string{resetTemplate: "/r/", signinTemplate: "/r/", preparationTemplate: "/p/", reminderTemplate: "/p/"}

// linked is the text around a link: the most that one message holds. Whoever gets it must see who writes; the rest may go.
func (s *Sender) linked(p *locale.Printer, m outbox.Message, link string) string {
	var tries []string
	for _, from := range []string{cmp.Or(m.Params["employer"], s.settings.Name), s.settings.Name} {
		data := []any{"From", from, "Link", link, "Name", m.Params["name"]}
		switch {
		case m.Template == resetTemplate:
			tries = append(tries, p.T("sms.reset", data...)+" "+p.T("sms.ignore"), p.T("sms.reset", data...))
		case m.Template == signinTemplate:
			tries = append(tries, p.T("sms.signin", data...)+" "+p.T("sms.ignore"), p.T("sms.signin", data...))
		case m.Params["existing"] != "":
			tries = append(tries, p.T("sms.existing", data...))
		case m.Template == reminderTemplate:
			tries = append(tries, p.T("sms.reminder", data...))
		case isPlainName(m.Params["name"]):
			tries = append(tries, p.T("sms.preparation_named", data...), p.T("sms.preparation", data...))
		default:
			tries = append(tries, p.T("sms.preparation", data...))
		}
	}
	return firstThatFits(tries)
}

// notices are the mails that tell of something and of which a text message says the first sentence, with the text that it is.
var notices = map[string]bool{"password_changed": true, "session_reuse": true, "new_device": true, "address_changed": true, "mfa_on": true, "mfa_off": true,
	"phone_on": true, "phone_off": true, "recovery_code_used": true, "recovery_code_made": true, "recovery_code_issued": true, "signin_failures": true,
	"push_reported": true, "preparation_done": true, "account_erased": true, "reset_printed": true}

// notice says what has happened, and with a link how it is taken back.
func (s *Sender) notice(p *locale.Printer, m outbox.Message, link string) string {
	var what string
	switch {
	case m.Template == "mfa_off" && m.Params["off"] != "":
		what = p.T("mail.mfa_off.subject_off")
	case m.Template == "address_changed":
		what = p.T("sms.address_added") // where it goes to a phone there was none before
	case m.Template == "reset_printed":
		what = p.T("sms.reset_printed") // of which no mail tells
	default:
		what = p.T("mail." + m.Template + ".subject")
	}
	var tries []string
	for _, from := range []string{cmp.Or(m.Params["employer"], s.settings.Name), s.settings.Name} {
		if link != "" {
			tries = append(tries, p.T("sms.notice", "From", from, "What", what)+" "+p.T("sms.restore", "Link", link))
			continue
		}
		tries = append(tries, p.T("sms.notice", "From", from, "What", what)+" "+p.T("sms.not_you"))
	}
	return firstThatFits(tries)
}

// firstThatFits is the first text that is one message; where none is, the last, which a gateway sends as several.
func firstThatFits(tries []string) string {
	for _, t := range tries {
		if fits(t) {
			return t
		}
	}
	return tries[len(tries)-1]
}

// The alphabet of phones (3GPP TS 23.038 §6.2.1). Characters outside of it shrink a message to 70; those in the second list count twice.
const (
	alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	twice    = "^{}\\[~]|€\f"
)

func fits(body string) bool {
	n := 0
	for _, r := range body {
		switch {
		case strings.ContainsRune(alphabet, r):
			n++
		case strings.ContainsRune(twice, r):
			n += 2
		default:
			return false
		}
	}
	return n <= oneMessage
}

// isPlainName refuses what a phone would make a link of: a name comes from a register and stands beside one.
func isPlainName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && r != ' ' && r != '-' && r != '\'' })
}
