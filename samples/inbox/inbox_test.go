package inbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"
)

// start serves an inbox on a real socket and returns the socket's address.
func start(t *testing.T, cfg Config) (*Inbox, string) {
	t.Helper()
	in := New(cfg)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- in.ServeSMTP(l) }()
	t.Cleanup(func() {
		if err := errors.Join(in.Close(), <-served); err != nil {
			t.Error(err)
		}
	})
	return in, l.Addr().String()
}

func send(addr, mail string, to ...string) error {
	body := strings.ReplaceAll(mail, "\n", "\r\n")
	return smtp.SendMail(addr, nil, "noreply@portvakt.example", to, []byte(body))
}

const resetMail = `From: =?utf-8?q?F=C3=B6retaget_AB?= <noreply@portvakt.example>
To: anna.svensson@foretaget.example
Subject: =?utf-8?q?V=C3=A4lj_ett_nytt_l=C3=B6senord?=
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Hej Anna! L=C3=A4nken g=C3=A4ller i 24 timmar:

http://localhost:8080/recovery/new?k=3Dabc&l=3Dsv

Hj=C3=A4lp: http://localhost:8080/help.
--x
Content-Type: text/html; charset=utf-8
Content-Transfer-Encoding: base64

PGh0bWw+PGhlYWQ+PC9oZWFkPjxwPkhlaiBBbm5hISDDpcOkw7Y8L3A+PGEgaHJlZj0iaHR0cDov
L2xvY2FsaG9zdDo4MDgwL3JlY292ZXJ5L25ldz9rPWFiYyZhbXA7bD1zdiI+QW5nZSBueXR0IGzD
tnNlbm9yZDwvYT48YSBocmVmPSJodHRwOi8vbG9jYWxob3N0OjgwODAvYWNjb3VudCI+a29udG88
L2E+PC9odG1sPg==
--x--
`

func TestAMultipartMailIsDecoded(t *testing.T) {
	in, addr := start(t, Config{})
	if err := send(addr, resetMail, "anna.svensson@foretaget.example"); err != nil {
		t.Fatal(err)
	}
	m := in.Messages("ANNA.svensson@foretaget.example")[0]
	if m.Channel != Mail || m.Subject != "Välj ett nytt lösenord" || !strings.HasPrefix(m.From, "Företaget AB") {
		t.Errorf("envelope: %+v", m)
	}
	if !strings.HasPrefix(m.Text, "Hej Anna! Länken gäller i 24 timmar:\n\nhttp") {
		t.Errorf("text: %q", m.Text)
	}
	if !strings.Contains(m.HTML, "åäö") {
		t.Errorf("html: %q", m.HTML)
	}
	want := []string{
		"http://localhost:8080/recovery/new?k=abc&l=sv", "http://localhost:8080/help", "http://localhost:8080/account",
	}
	if !slices.Equal(m.Links, want) {
		t.Errorf("links: %q", m.Links)
	}
}

func TestAMailInAnotherCharacterSetIsDecoded(t *testing.T) {
	in, addr := start(t, Config{})
	mail := "Subject: x\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nsm=F6rg=E5s\n"
	if err := send(addr, mail, "a@b.example"); err != nil {
		t.Fatal(err)
	}
	if got := in.Messages("")[0].Text; got != "smörgås\n" {
		t.Errorf("text: %q", got)
	}
}

func TestEveryRecipientHasTheMail(t *testing.T) {
	in, addr := start(t, Config{})
	if err := send(addr, "Subject: hej\n\nhej\n", "a@b.example", "c@d.example"); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{"a@b.example", "c@d.example"} {
		if len(in.Messages(to)) != 1 {
			t.Errorf("%s: %v", to, in.Messages(to))
		}
	}
}

func TestARefusedMailMayBeSentAgain(t *testing.T) {
	in, addr := start(t, Config{})
	in.Refuse(true)
	var refusal *textproto.Error
	if err := send(addr, "Subject: hej\n\nhej\n", "a@b.example"); !errors.As(err, &refusal) || refusal.Code != 451 {
		t.Errorf("want a 451, got %v", err)
	}
	in.Refuse(false)
	if err := send(addr, "Subject: hej\n\nhej\n", "a@b.example"); err != nil {
		t.Error(err)
	}
	if got := len(in.Messages("")); got != 1 {
		t.Errorf("%d messages", got)
	}
}

func TestATooBigMailIsRefused(t *testing.T) {
	in, addr := start(t, Config{MaxMessage: 1000})
	mail := "Subject: x\n\n" + strings.Repeat("0123456789\n", 200)
	var refusal *textproto.Error
	if err := send(addr, mail, "a@b.example"); !errors.As(err, &refusal) || refusal.Code != 552 {
		t.Errorf("want a 552, got %v", err)
	}
	if len(in.Messages("")) != 0 {
		t.Error("kept a refused mail")
	}
}

func TestTheOldestMessagesGoFirst(t *testing.T) {
	in := New(Config{Keep: 3})
	for i := range 5 {
		in.AddSMS("+46701740605", "Portvakt", fmt.Sprint(i))
	}
	var got []string
	for _, m := range in.Messages("") {
		got = append(got, m.Text)
	}
	if !slices.Equal(got, []string{"4", "3", "2"}) {
		t.Errorf("kept %q", got)
	}
}

func TestBigMessagesAreBoundedByTheirBytes(t *testing.T) {
	in := New(Config{MaxTotal: 1000})
	for range 10 {
		in.AddSMS("1", "2", strings.Repeat("x", 400))
	}
	if got := len(in.Messages("")); got != 2 {
		t.Errorf("%d messages kept", got)
	}
}

func get(t *testing.T, in *Inbox, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	in.Handler().ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestTheListIsJSONNewestFirst(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	in := New(Config{Now: func() time.Time { return now }})
	in.AddSMS("+46701740605", "Portvakt", "första")
	in.AddSMS("+46701740605", "Portvakt", "Kod: 123456 http://localhost:8080/a?b=1&c=2")
	body := get(t, in, "GET", "/api/messages?to=%2B46701740605").Body.String()
	var got []map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0]["channel"] != "sms" || got[0]["received_at"] != "2026-11-24T08:00:00Z" {
		t.Errorf("list: %s", body)
	}
	if !strings.Contains(body, `"links":["http://localhost:8080/a?b=1&c=2"]`) || !strings.Contains(body, `"links":[]`) {
		t.Errorf("links: %s", body)
	}
	if other := get(t, in, "GET", "/api/messages?to=nobody").Body.String(); strings.TrimSpace(other) != "[]" {
		t.Errorf("nobody has %s", other)
	}
}

func TestTheSwitchIsWorkedByHTTPToo(t *testing.T) {
	in := New(Config{})
	get(t, in, "PUT", "/api/refuse")
	if in.gate.check() == nil {
		t.Error("still open")
	}
	get(t, in, "DELETE", "/api/refuse")
	if in.gate.check() != nil {
		t.Error("still closed")
	}
}

func TestAStrangersHTMLIsShutIn(t *testing.T) {
	in := New(Config{})
	in.box.add(Message{Channel: Mail, HTML: "<html><head><title>x</title></head><script>alert(1)</script>"})
	w := get(t, in, "GET", "/messages/1/html")
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(csp, "sandbox ") || strings.Contains(csp, "allow-scripts") || strings.Contains(csp, "allow-same-origin") {
		t.Errorf("policy: %s", csp)
	}
	if !strings.Contains(w.Body.String(), `<head><base target="_blank">`) {
		t.Errorf("body: %s", w.Body)
	}
}

func TestPagesEscapeWhatAMailSays(t *testing.T) {
	in := New(Config{})
	in.box.add(Message{Channel: Mail, Subject: "<b>x</b>", Text: "<i>y</i>"})
	for _, path := range []string{"/", "/messages/1"} {
		w := get(t, in, "GET", path)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "<b>") || strings.Contains(w.Body.String(), "<i>") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestAnUnknownMessageHasAPageWithAWayOn(t *testing.T) {
	for _, path := range []string{"/messages/7", "/messages/7/html", "/nowhere"} {
		w := get(t, New(Config{}), "GET", path)
		if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), `href="/"`) {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestThePagesSpeakTheBrowsersLanguage(t *testing.T) {
	cases := map[string]string{"sv": "Inkorg", "en-GB,en": "Inbox", "": "Inbox", "fr": "Inbox"}
	for header, want := range cases {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", header)
		w := httptest.NewRecorder()
		New(Config{Lang: "en"}).Handler().ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), "<h1>"+want) {
			t.Errorf("%q does not get %s", header, want)
		}
	}
}

func TestBothLanguagesHaveTheSameTexts(t *testing.T) {
	for key := range texts["sv"] {
		if texts["en"][key] == "" {
			t.Errorf("en lacks %s", key)
		}
	}
	if len(texts["sv"]) != len(texts["en"]) {
		t.Error("the languages differ in their number of texts")
	}
}
