package mail

import (
	"bytes"
	"embed"
	htmltemplate "html/template"
	"text/template"

	gomail "github.com/wneessen/go-mail"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
)

//go:embed templates
var files embed.FS

type templates struct {
	text *template.Template
	html *htmltemplate.Template
}

func parseTemplates() (t templates, err error) {
	if t.text, err = template.ParseFS(files, "templates/letter.txt"); err != nil {
		return t, err
	}
	t.html, err = htmltemplate.ParseFS(files, "templates/letter.html")
	return t, err
}

// render makes the bytes of the mail. They are made once and sent as they are: a second rendering would have
// another boundary, and a signature over the first would not hold.
// The header names the recipient as the envelope does: a domain beyond ASCII in it would need SMTPUTF8.
func (s *Sender) render(m outbox.Message, from origin, to string, l letter) ([]byte, error) {
	var text, html bytes.Buffer
	if err := s.pages.text.Execute(&text, struct {
		letter
		Copy string
	}{l, s.copyHint(l)}); err != nil {
		return nil, err
	}
	if err := s.pages.html.Execute(&html, struct {
		letter
		Copy string
	}{l, s.copyHint(l)}); err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	if err := msg.FromFormat(from.name, from.address); err != nil {
		return nil, err
	}
	if err := msg.To(to); err != nil {
		return nil, err
	}
	msg.Subject(l.Subject)
	// A retry carries the same id and date, so that a mail which did arrive is not shown twice.
	msg.SetMessageIDWithValue(m.ID + "@" + s.domain)
	msg.SetDateWithValue(m.Created)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	msg.SetGenHeader(gomail.HeaderContentLang, l.Language)
	msg.SetBodyString(gomail.TypeTextPlain, text.String())
	msg.AddAlternativeString(gomail.TypeTextHTML, html.String())
	var raw bytes.Buffer
	_, err := msg.WriteTo(&raw)
	return raw.Bytes(), err
}

func (s *Sender) copyHint(l letter) string {
	return s.catalogue.Printer(locale.Language(l.Language)).T("mail.copy")
}
