package mail_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
	"golang.org/x/net/html"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/mail"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

var update = flag.Bool("update", false, "rewrite the golden files of the mails")

var now = time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC)

const token = "dGhlIHRva2VuIG9mIHRoZSBsaW5r"

// desk is a sender and the keys that seal what it sends.
type desk struct {
	*mail.Sender
	keys *secret.Keyring
}

func settings(port int, mode string) mail.Settings {
	return mail.Settings{Host: "127.0.0.1", Port: port, TLS: mode, From: "login@login.example.com", FromName: "Företaget AB",
		Issuer: "https://login.example.com", Words: func(string) (string, string) { return "iPhone", "Safari" }}
}

func newDesk(t testing.TB, s mail.Settings) desk {
	t.Helper()
	c := locale.New()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sender, err := mail.New(s, c, k, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return desk{sender, k}
}

// message is one of each template, as the flows enqueue it.
func (d desk) message(template, language string) outbox.Message {
	m := outbox.New(outbox.Mail, template, "anna.svensson@foretaget.example", now)
	m.ID, m.Language = "0123456789abcdefghjkmnpqrs", language
	m.Params = map[string]string{"user_agent": "Mozilla/5.0 (iPhone)", "ip": "198.51.100.7", "at": outbox.FormatTime(now), "app": "HRM", "others_ended": "yes",
		"name": "Anna", "employer": "Företaget AB", "authenticator": "Annas telefon", "off": "yes", "number": "•••• 05",
		"phase": "preparation", "switch_on": outbox.FormatTime(now.AddDate(0, 0, 20)), "days": "14", "hours": "72", "guide_sv": "7k3mq2zd8xw5vrtn", "guide_en": "4hbpj6ycae7k3mq2"}
	m.SealSecret(d.keys, token, now)
	return m
}

var templates = []string{"recovery_reset", "recovery_login", "password_changed", "session_reuse",
	"new_device", "address_confirm", "address_changed", "address_new", "mfa_on", "mfa_off", "recovery_code_used", "recovery_code_made", "recovery_code_issued", "recovery_code_reminder", "signin_failures", "account_erased", "old_password_listed", "phone_on", "phone_off", "push_reported",
	"preparation_confirm", "preparation_reminder", "preparation_proposed", "preparation_objection", "preparation_approved", "preparation_done",
	"transition_disconnected", "transition_corrected", "preparation_printed"}

// read takes a mail apart as a mail program does.
func read(t testing.TB, p parcel) *enmime.Envelope {
	t.Helper()
	e, err := enmime.ReadEnvelope(bytes.NewReader(p.raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, complaint := range e.Errors {
		t.Errorf("the mail is not well-formed: %v", complaint)
	}
	return e
}

func TestEachMailReadsAsWrittenInBothLanguages(t *testing.T) {
	for _, language := range []string{"sv", "en"} {
		for _, template := range templates {
			t.Run(language+"/"+template, func(t *testing.T) {
				office := office{}.open(t)
				d := newDesk(t, settings(office.port, "none"))
				if err := d.Send(t.Context(), d.message(template, language)); err != nil {
					t.Fatal(err)
				}
				e := read(t, office.one(t))
				golden(t, language+"_"+template+".txt", "Subject: "+e.GetHeader("Subject")+"\nFrom: "+e.GetHeader("From")+"\n\n"+e.Text)
				golden(t, language+"_"+template+".html", e.HTML)
				saysTheSame(t, e)
				if strings.Contains(e.Text+e.HTML, "mail.") || strings.Contains(e.Text+e.HTML, "no value") {
					t.Error("a text is missing")
				}
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\r\n", "\n")
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test ./internal/mail -update, then read it):\n%s", path, got)
	}
}

// saysTheSame finds every visible word of the HTML part in the text part, and every link to be what it shows.
func saysTheSame(t *testing.T, e *enmime.Envelope) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(e.HTML))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(e.Text), " ")
	found := 0
	for n := range doc.Descendants() {
		switch {
		case n.Type == html.ElementNode && slices.Contains([]string{"img", "script", "link", "iframe", "object", "form", "svg", "picture"}, n.Data):
			t.Errorf("the mail holds <%s>", n.Data)
		case n.Type == html.ElementNode:
			for _, a := range n.Attr {
				if a.Key == "src" || a.Key == "background" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "url(") {
					t.Errorf("the mail holds %s=%q", a.Key, a.Val)
				}
				if a.Key == "href" && !strings.Contains(text, a.Val) {
					t.Errorf("the link %s is not in the text part", a.Val)
				}
			}
		case n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "title":
			if words := strings.Join(strings.Fields(n.Data), " "); words != "" && !slices.Contains(copyHints, words) {
				found++
				if !strings.Contains(text, words) {
					t.Errorf("%q is not in the text part", words)
				}
			}
		}
		if strings.Contains(n.Data, "url(") || strings.Contains(n.Data, "@import") {
			t.Error("the stylesheet fetches something")
		}
	}
	if found < 8 {
		t.Errorf("only %d texts were compared", found)
	}
}

// copyHints explain the button, which the text part does not have.
var copyHints = []string{"Går länken inte att trycka på? Kopiera den och klistra in den i webbläsaren:", "Can you not press the link? Copy it and paste it into your browser:"}

func TestALinkIsWhatItShows(t *testing.T) {
	office := office{}.open(t)
	d := newDesk(t, settings(office.port, "none"))
	if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err != nil {
		t.Fatal(err)
	}
	e := read(t, office.one(t))
	const want = "https://login.example.com/recovery/link/" + token
	if strings.Count(e.HTML, `href="`+want+`"`) != 1 || !strings.Contains(e.HTML, `>`+want+`<`) || strings.Count(e.Text, want) != 1 {
		t.Errorf("want the link once to press and once to read:\n%s\n%s", e.HTML, e.Text)
	}
	for _, address := range regexp.MustCompile(`https?://[^\s"<]+`).FindAllString(e.Text+e.HTML, -1) {
		if address != want && address != "https://login.example.com/account" {
			t.Errorf("an address that nobody asked for: %s", address)
		}
	}
}

func TestTheHeadersSayWhoWhatAndThatNobodyShallAnswer(t *testing.T) {
	office := office{}.open(t)
	d := newDesk(t, settings(office.port, "none"))
	m := d.message("recovery_login", "sv")
	for range 2 { // the second is a retry
		if err := d.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if office.count() != 2 {
		t.Fatalf("%d mails", office.count())
	}
	first, second := read(t, office.parcels[0]), read(t, office.parcels[1])
	for _, header := range []string{"Message-ID", "Date", "Subject", "From", "To"} {
		if first.GetHeader(header) != second.GetHeader(header) {
			t.Errorf("a retry has another %s: %q, %q", header, first.GetHeader(header), second.GetHeader(header))
		}
	}
	if first.Text != second.Text || first.HTML != second.HTML {
		t.Error("a retry reads otherwise")
	}
	for header, want := range map[string]string{
		"Message-ID":       "<0123456789abcdefghjkmnpqrs@login.example.com>",
		"Auto-Submitted":   "auto-generated",
		"Content-Language": "sv",
		"From":             `"Företaget AB" <login@login.example.com>`,
	} {
		if got := first.GetHeader(header); got != want && header != "From" || header == "From" && strings.ReplaceAll(got, `"`, "") != strings.ReplaceAll(want, `"`, "") {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if !strings.Contains(first.GetHeader("Subject"), "inloggningslänk") {
		t.Errorf("subject %q", first.GetHeader("Subject"))
	}
	if at, err := netmail.ParseDate(first.GetHeader("Date")); err != nil || !at.Equal(now) {
		t.Errorf("Date: %v %v", at, err)
	}
	if kind := first.Root.ContentType; kind != "multipart/alternative" || len(first.Attachments)+len(first.Inlines)+len(first.OtherParts) != 0 {
		t.Errorf("%s with %d attachments", kind, len(first.Attachments))
	}
	for line := range bytes.Lines(office.parcels[0].raw) {
		if len(line) > 200 || bytes.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("a line that some servers change: %q", line)
		}
	}
}

func TestTheEnvelopeHasTheRightPeople(t *testing.T) {
	for typed, want := range map[string]string{
		"anna.svensson@foretaget.example":  "anna.svensson@foretaget.example",
		"Anna.Svensson+jobb@företaget.se":  "Anna.Svensson+jobb@xn--fretaget-n4a.se",
		"o'hara@FORETAGET.example":         "o'hara@foretaget.example",
		"anna@xn--fretaget-n4a.se":         "anna@xn--fretaget-n4a.se",
		"dots.and_under-score@a.b.example": "dots.and_under-score@a.b.example",
	} {
		office := office{}.open(t)
		d := newDesk(t, settings(office.port, "none"))
		m := d.message("recovery_reset", "sv")
		m.To = typed
		if err := d.Send(t.Context(), m); err != nil {
			t.Fatalf("%s: %v", typed, err)
		}
		p := office.one(t)
		if p.to != want || p.from != "login@login.example.com" || p.utf8 {
			t.Errorf("%s: to %q from %q, UTF-8 %t", typed, p.to, p.from, p.utf8)
		}
		list, err := netmail.ParseAddressList(read(t, p).GetHeader("To"))
		if err != nil || len(list) != 1 || !strings.EqualFold(list[0].Address, want) {
			t.Errorf("%s: To: %v %v", typed, list, err)
		}
		if head, _, _ := bytes.Cut(p.raw, []byte("\r\n\r\n")); bytes.ContainsFunc(head, func(r rune) bool { return r > 0x7e }) {
			t.Errorf("%s: the headers are not ASCII, and the server was not asked for SMTPUTF8", typed)
		}
		if !strings.Contains(read(t, p).Text, typed) {
			t.Errorf("%s: the mail does not name the address as its owner knows it", typed)
		}
	}
}

func TestALocalPartBeyondASCIIGoesToServersThatCan(t *testing.T) {
	able := office{utf8: true}.open(t)
	d := newDesk(t, settings(able.port, "none"))
	m := d.message("recovery_reset", "sv")
	m.To = "åsa@företaget.example"
	if err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if p := able.one(t); !p.utf8 || p.to != "åsa@xn--fretaget-n4a.example" {
		t.Errorf("%+v", p)
	}
	unable := office{}.open(t)
	d = newDesk(t, settings(unable.port, "none"))
	m.SealSecret(d.keys, token, now)
	if err := d.Send(t.Context(), m); !errors.Is(err, outbox.ErrRefused) {
		t.Errorf("a server that never can: %v", err)
	}
	if unable.count() != 0 || strings.Contains(unable.conversation(), "MAIL") {
		t.Error("it was tried all the same")
	}
}

func TestAnAddressCannotCarryCommandsOrHeaders(t *testing.T) {
	office := office{}.open(t)
	d := newDesk(t, settings(office.port, "none"))
	for _, to := range []string{"a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example>\nBcc: c@d.example", "<a@b.example>", "a b@c.example", "@b.example",
		"a", "", "a@", "a@-b-.example", "a,c@b.example"} {
		m := d.message("password_changed", "sv")
		m.To = to
		if err := d.Send(t.Context(), m); !errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if office.count() != 0 {
		t.Errorf("%d mails went out", office.count())
	}
}

func TestForeignWordsStayWordsInAMail(t *testing.T) {
	office := office{}.open(t)
	s := settings(office.port, "none")
	s.Words = func(string) (string, string) { return `<a href="https://evil.example">iPhone</a>`, "Safari" }
	d := newDesk(t, s)
	m := d.message("session_reuse", "sv")
	m.Params["app"] = `<img src="https://evil.example/x">`
	if err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if e := read(t, office.one(t)); strings.Contains(e.HTML, "<img") || strings.Contains(e.HTML, `href="https://evil`) {
		t.Errorf("markup came through:\n%s", e.HTML)
	}
}

func TestTheNameOfAnAppStaysANameInAMail(t *testing.T) {
	for typed, want := range map[string]string{
		"Annas telefon":                "”Annas telefon”",
		"Åsas mobil, jobbet (ny) 📱":    "”Åsas mobil, jobbet (ny) 📱”",
		"Anna's iPhone & O’Hara's":     "”Anna's iPhone & O’Hara's”",
		"電話":                           "”電話”",
		"  spaced \t out  ":            "”spaced out”",
		"{{.Address}}":                 "”Address”",
		`<img src="//evil.example/x">`: "”img src evil example x”",
		"https://evil.example/a?b=c":   "”https evil example a b c”",
		"evil.example":                 "”evil example”",
		"evil。example evil．example":    "”evil example evil example”",
		"www.evil.example":             "”www evil example”",
		"help@evil.example":            "”help evil example”",
		"mailto:help":                  "”mailto help”",
		"198.51.100.9":                 "”198 51 100 9”",
		"Telefon”. Ring oss genast":    "”Telefon Ring oss genast”",
		"a\r\n\r\nVar det inte du?":    "”a Var det inte du”",
		"a\u2028b\u2029c\u0085d":       "”a b c d”",
		"a\u202egnirts\u202c":          "”agnirts”",
		"a\u200bb\ufeffc\u2066d":       "”abcd”",
		"a\x00b\xffc\x1b[31m":          "”a b c 31m”",
		strings.Repeat("lång ", 100):   "”" + strings.Repeat("lång ", 7) + "lång…”",
	} {
		for _, template := range []string{"mfa_on", "mfa_off"} {
			office := office{}.open(t)
			d := newDesk(t, settings(office.port, "none"))
			m := d.message(template, "sv")
			m.Params["authenticator"] = typed
			if err := d.Send(t.Context(), m); err != nil {
				t.Fatalf("%q: %v", typed, err)
			}
			e := read(t, office.one(t))
			if !strings.Contains(e.Text, "heter "+want+".") {
				t.Errorf("%q: want %s in\n%s", typed, want, e.Text)
			}
			saysTheSame(t, e)
			ours := strings.NewReplacer(m.To, "", "https://login.example.com/account", "", "https://login.example.com/recovery/not-me/"+token, "", m.Params["ip"], "")
			if link := regexp.MustCompile(`\S+[.@。．]\pL\S*|\S*//\S*`).FindString(ours.Replace(e.Text)); link != "" {
				t.Errorf("%q: some mail program makes a link of %q", typed, link)
			}
		}
	}
}

func TestAMailWithoutTheNameOfAnAppNamesNone(t *testing.T) {
	for _, typed := range []string{"", " ", "://", "\u200b", "\xff"} {
		for _, template := range []string{"mfa_on", "mfa_off"} {
			office := office{}.open(t)
			d := newDesk(t, settings(office.port, "none"))
			m := d.message(template, "sv")
			m.Params["authenticator"] = typed
			if err := d.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if e := read(t, office.one(t)); strings.Contains(e.Text, "”") || strings.Contains(e.Text, "Appen") {
				t.Errorf("%q:\n%s", typed, e.Text)
			}
		}
	}
}

func TestTheMailOfARemovedAppSaysWhetherTheSecondFactorIsOff(t *testing.T) {
	for language, off := range map[string]string{"sv": "Tvåfaktorsautentisering", "en": "Two-factor authentication"} {
		office := office{}.open(t)
		d := newDesk(t, settings(office.port, "none"))
		m := d.message("mfa_off", language)
		delete(m.Params, "off")
		if err := d.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		e := read(t, office.one(t))
		if all := e.GetHeader("Subject") + e.Text; strings.Contains(all, off) || !strings.Contains(all, "Annas telefon") {
			t.Errorf("one of several apps was removed:\n%s", all)
		}
		saysTheSame(t, e)
	}
}

func TestTheMailOfFailuresSaysWhatCountsNoMoreAndWhatToDo(t *testing.T) {
	for _, c := range []struct{ kind, suspended, says, not string }{
		{"pwd", "", "så du behöver inte göra något", "kod"},
		{"pwd", "yes", "gäller ditt lösenord inte längre", "kod"},
		{"otp", "", "får vänta allt längre", "gäller inte längre"},
		{"otp", "yes", "gäller inte längre koderna från din app", "telefonnummer"},
		{"sms", "yes", "inga fler koder till ditt telefonnummer. Koderna från din app fungerar som förut", "gäller inte längre"},
		{"recovery", "", "får vänta allt längre", "gäller inte längre"},
	} {
		t.Run(c.kind+c.suspended, func(t *testing.T) {
			office := office{}.open(t)
			d := newDesk(t, settings(office.port, "none"))
			m := d.message("signin_failures", "sv")
			m.Params["kind"], m.Params["suspended"] = c.kind, c.suspended
			if err := d.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			e := read(t, office.one(t))
			if !strings.Contains(e.Text, c.says) || strings.Contains(e.Text, c.not) {
				t.Errorf("it says:\n%s", e.Text)
			}
			saysTheSame(t, e)
		})
	}
}

func TestAMailAboutARecoveryCodeNeverHoldsOne(t *testing.T) {
	code := regexp.MustCompile(`[0-9A-Za-z]{4}(-[0-9A-Za-z]{4}){4}`)
	for _, template := range []string{"recovery_code_used", "recovery_code_made"} {
		office := office{}.open(t)
		d := newDesk(t, settings(office.port, "none"))
		m := d.message(template, "sv")
		m.Params["code"] = "0123-4567-89AB-CDEF-GHJK"
		if err := d.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if e := read(t, office.one(t)); code.MatchString(e.Text + e.HTML) {
			t.Errorf("%s:\n%s", template, e.Text)
		}
	}
}

func TestAMailThatCannotBeWrittenIsGivenUp(t *testing.T) {
	office := office{}.open(t)
	d := newDesk(t, settings(office.port, "none"))
	unknown := d.message("recovery_reset", "sv")
	unknown.Template = "campaign"
	foreign := newDesk(t, settings(office.port, "none")).message("recovery_reset", "sv")
	wiped := d.message("recovery_login", "sv")
	wiped.Secret = nil
	for name, m := range map[string]outbox.Message{"unknown template": unknown, "secret under another key": foreign, "wiped secret": wiped} {
		if err := d.Send(t.Context(), m); !errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if strings.Contains(office.conversation(), "MAIL") {
		t.Error("half a mail was sent")
	}
}

func TestTheServersNoIsFinalAndItsLaterIsNot(t *testing.T) {
	for _, c := range []struct {
		name       string
		rcpt, data *smtp.SMTPError
		final      bool
	}{
		{"no such mailbox", &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}, nil, true},
		{"greylisted", &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "later"}, nil, false},
		{"mailbox full", &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "full"}, nil, false},
		{"content refused", nil, &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "looks like spam"}, true},
		{"disk full", nil, &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "disk full"}, false},
	} {
		office := office{}.open(t)
		office.refuse(c.rcpt, c.data)
		d := newDesk(t, settings(office.port, "none"))
		m := d.message("recovery_reset", "sv")
		if err := d.Send(t.Context(), m); err == nil || errors.Is(err, outbox.ErrRefused) != c.final {
			t.Errorf("%s: %v", c.name, err)
		}
		office.refuse(nil, nil)
		if err := d.Send(t.Context(), m); err != nil || office.count() != 1 {
			t.Errorf("%s, the next time: %v, %d mails", c.name, err, office.count())
		}
	}
}

func TestMailsTravelOverTLSAsSet(t *testing.T) {
	ca := newAuthority(t)
	for mode, o := range map[string]office{
		"starttls": {tls: ca.issue(t, "127.0.0.1"), user: "portvakt", pass: "hemlig"},
		"tls":      {tls: ca.issue(t, "127.0.0.1"), implicit: true, user: "portvakt", pass: "hemlig"},
	} {
		t.Run(mode, func(t *testing.T) {
			office := o.open(t)
			s := settings(office.port, mode)
			s.RootCAs, s.Username, s.Password = ca.pool, "portvakt", "hemlig"
			d := newDesk(t, s)
			if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err != nil {
				t.Fatal(err)
			}
			office.one(t)
			if !office.secure {
				t.Error("the password did not travel over TLS")
			}
			if office.hello != "login.example.com" {
				t.Errorf("it greets as %q, which many servers refuse", office.hello)
			}
		})
	}
}

func TestAServerThatIsNotTheRightOneGetsNothing(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	for name, certificate := range map[string]office{
		"another name":              {tls: ca.issue(t, "mail.evil.example")},
		"another authority":         {tls: stranger.issue(t, "127.0.0.1")},
		"another name, implicit":    {tls: ca.issue(t, "mail.evil.example"), implicit: true},
		"another authority at once": {tls: stranger.issue(t, "127.0.0.1"), implicit: true},
	} {
		t.Run(name, func(t *testing.T) {
			certificate.user, certificate.pass = "portvakt", "hemlig"
			office := certificate.open(t)
			mode := "starttls"
			if certificate.implicit {
				mode = "tls"
			}
			s := settings(office.port, mode)
			s.RootCAs, s.Username, s.Password = ca.pool, "portvakt", "hemlig"
			d := newDesk(t, s)
			err := d.Send(t.Context(), d.message("recovery_reset", "sv"))
			if err == nil || errors.Is(err, outbox.ErrRefused) {
				t.Errorf("want another try once the certificate is mended: %v", err)
			}
			if talk := office.conversation(); office.count() != 0 || strings.Contains(talk, "MAIL FROM") || strings.Contains(talk, "\nAUTH ") {
				t.Errorf("it was told:\n%s", talk)
			}
		})
	}
}

func TestNothingIsSentInTheClearWhereTLSIsAskedFor(t *testing.T) {
	office := office{user: "portvakt", pass: "hemlig"}.open(t) // no STARTTLS on offer
	for _, mode := range []string{"starttls", "tls"} {
		s := settings(office.port, mode)
		s.Username, s.Password = "portvakt", "hemlig"
		d := newDesk(t, s)
		if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err == nil || errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%q: %v", mode, err)
		}
	}
	talk := office.conversation()
	if office.count() != 0 || strings.Contains(talk, "MAIL FROM") || strings.Contains(talk, "\nAUTH ") || strings.Contains(talk, token) {
		t.Errorf("in the clear:\n%s", talk)
	}
}

func TestAWrongPasswordAtTheMailServerIsTheOperatorsToMend(t *testing.T) {
	ca := newAuthority(t)
	office := office{tls: ca.issue(t, "127.0.0.1"), user: "portvakt", pass: "hemlig"}.open(t)
	s := settings(office.port, "starttls")
	s.RootCAs, s.Username, s.Password = ca.pool, "portvakt", "fel"
	d := newDesk(t, s)
	err := d.Send(t.Context(), d.message("recovery_reset", "sv"))
	if err == nil || errors.Is(err, outbox.ErrRefused) {
		t.Errorf("the mail must wait: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "fel") && strings.Contains(err.Error(), "hemlig") {
		t.Errorf("the error holds a password: %v", err)
	}
	if office.count() != 0 {
		t.Error("a mail went out")
	}
}

func TestAWrongSettingShowsAtTheStart(t *testing.T) {
	for name, change := range map[string]func(*mail.Settings){
		"a mode that does not exist":                   func(s *mail.Settings) { s.TLS = "ssl" },
		"no sender address":                            func(s *mail.Settings) { s.From = "" },
		"a sender that is no address":                  func(s *mail.Settings) { s.From = "Portvakt" },
		"a sender with a name, which has its own key":  func(s *mail.Settings) { s.From = "Portvakt <a@b.example>" },
		"a sender that only some servers can write to": func(s *mail.Settings) { s.From = "åsa@b.example" },
	} {
		s := settings(25, "none")
		change(&s)
		if _, err := mail.New(s, nil, nil, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestWithoutTLSNothingLeavesThisMachine(t *testing.T) {
	l, err := net.Listen("tcp", net.JoinHostPort(ownAddress(t), "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan string, 1)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		fmt.Fprint(conn, "220 mail.example\r\n")
		said, _ := io.ReadAll(conn)
		heard <- string(said)
	}()
	s := settings(l.Addr().(*net.TCPAddr).Port, "none")
	s.Host, s.Username, s.Password = ownAddress(t), "portvakt", "hemlig"
	d := newDesk(t, s)
	if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err == nil || !strings.Contains(err.Error(), "smtp-tls") {
		t.Errorf("got %v", err)
	}
	if said := <-heard; said != "" {
		t.Errorf("it said %q", said)
	}
}

// ownAddress is an address of this machine that is none of its loopback addresses.
func ownAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no network")
	return ""
}

func TestASilentServerIsLeftWhenTheTimeIsUp(t *testing.T) {
	for _, mode := range []string{"none", "starttls", "tls"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			if _, err := l.Accept(); err == nil { // and then it says nothing
				cancel()
			}
		}()
		d := newDesk(t, settings(l.Addr().(*net.TCPAddr).Port, mode))
		// Without the end of ctx this would hang until the test's own.
		if err := d.Send(ctx, d.message("recovery_reset", "sv")); err == nil || errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%s: %v", mode, err)
		}
		cancel()
	}
}

func TestAMailServerThatIsDownIsTriedAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	d := newDesk(t, settings(port, "none"))
	if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err == nil || errors.Is(err, outbox.ErrRefused) {
		t.Error(err)
	}
}
