package e2e

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/smtp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/samples/hrm"
	"github.com/portvakt/portvakt/samples/hrmmobile"
	"github.com/portvakt/portvakt/samples/inbox"
)

// serve runs a handler that needs to know its own address, on the name localhost.
func serve(t *testing.T, handler func(base string) http.Handler) string {
	t.Helper()
	base, _ := serveUntil(t, handler)
	return base
}

// serveUntil is serve with a switch: stop makes the address dead.
func serveUntil(t *testing.T, handler func(base string) http.Handler) (base string, stop func()) {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	base = "http://localhost:" + port
	server.Config.Handler = handler(base)
	server.Start()
	stop = func() { server.CloseClientConnections(); server.Close() }
	t.Cleanup(stop)
	return base, stop
}

func serveHRM(t *testing.T, issuer string) string {
	t.Helper()
	return serve(t, func(base string) http.Handler {
		return hrm.New(hrm.Config{
			Issuer: issuer, ClientID: "hrm", ClientSecret: "secret", BaseURL: base,
			Organisation: "foretaget", Employer: "Företaget AB",
			Employees: map[string]hrm.Employee{
				"1001": {FirstName: "Anna", LastName: "Svensson", Title: "Lagerledare", Unit: "Lager"},
			},
		}).Handler()
	})
}

func serveMobile(t *testing.T, issuer string) string {
	t.Helper()
	return serve(t, func(base string) http.Handler {
		return hrmmobile.New(hrmmobile.Config{Issuer: issuer, ClientID: "mobile", BaseURL: base}).Handler()
	})
}

// wantNoComplaints asks the console: a policy that stops our own page says so there.
func wantNoComplaints(t *testing.T, b *journey.Browser) {
	t.Helper()
	if said := b.Complaints(); len(said) > 0 {
		t.Errorf("the console says %q", said)
	}
}

func TestTheSamplesSignedOut(t *testing.T) {
	issuer := newOP(t).url
	apps := map[string]string{"hrm": serveHRM(t, issuer), "hrmmobile": serveMobile(t, issuer)}
	words := map[string]string{"sv": "Logga in", "en": "Log in"}
	for name, base := range apps {
		for lang, login := range words {
			t.Run(name+"/"+lang, func(t *testing.T) {
				b := open(t, journey.Options{Lang: lang})
				b.Open(base)
				b.SeeRole(map[string]string{"hrm": "link", "hrmmobile": "button"}[name], login)
				b.DontSee("Anna")
				wantNoComplaints(t, b)
				inspect(t, b, name+"-signed-out")
			})
		}
	}
}

func TestHRMWorksWithoutScripts(t *testing.T) {
	base := serveHRM(t, newOP(t).url)
	b := open(t, journey.Options{NoScript: true})
	b.Open(base)
	b.Press("Logga in")
	b.See("Hej Anna!")
	b.Press("Lönebesked")
	b.See("Att få ut")
	b.Press("Logga ut")
	b.See("Du är utloggad")
	b.SeeRole("link", "Logga in")
}

func TestHRMSignedIn(t *testing.T) {
	base := serveHRM(t, newOP(t).url)
	b := open(t, journey.Options{})
	b.Open(base)
	b.Press("Logga in")
	b.See("Hej Anna!")
	inspect(t, b, "hrm-home")
	b.Press("Lönebesked")
	b.At(base + "/payslips")
	inspect(t, b, "hrm-payslips")
	b.Press("Tidrapport")
	b.At(base + "/time")
	inspect(t, b, "hrm-time")
	b.Press("Logga ut bara här")
	b.See("I andra appar kan du fortfarande vara inloggad")
	b.Open(base + "/callback?code=c&state=old")
	inspect(t, b, "hrm-expired")
}

func TestTheKeyboardAloneReachesLoggaIn(t *testing.T) {
	b := open(t, journey.Options{})
	b.Open(serveHRM(t, newOP(t).url))
	b.SeeRole("link", "Logga in")
	for range 5 {
		b.Key(kb.Tab)
		if b.Focused() == "Logga in" {
			b.Key(kb.Enter)
			b.See("Hej Anna!")
			return
		}
	}
	t.Error("Tab never comes to Logga in")
}

func TestHRMMobileFromLoginToLogout(t *testing.T) {
	op := newOP(t)
	base := serveMobile(t, op.url)
	b := open(t, journey.Options{Width: 390, Height: 844})
	b.Open(base)
	b.Press("Logga in")
	b.See("Hej Anna!")
	wantNoComplaints(t, b)
	inspect(t, b, "hrmmobile-home")
	b.Open(base) // opening it again asks nobody anything
	b.See("Hej Anna!")
	if op.asked != 1 || op.rotation < 2 {
		t.Errorf("asked %d times, refreshed to %d", op.asked, op.rotation)
	}
	b.Press("Logga ut")
	b.See("Du är utloggad från alla appar")
	b.Open(base)
	b.SeeRole("button", "Logga in")
	b.DontSee("Anna")
	if !op.revoked || !op.ended {
		t.Error("the login service was not told")
	}
}

func TestHRMMobileStaysOutHere(t *testing.T) {
	op := newOP(t)
	base := serveMobile(t, op.url)
	b := open(t, journey.Options{Width: 390, Height: 844})
	b.Open(base + "/login?iss=" + op.url)
	b.See("Hej Anna!")
	other := b.Tab()
	other.Open(base)
	other.See("Hej Anna!")
	b.Press("Logga ut bara här")
	b.See("Du är utloggad här")
	other.See("Du behöver logga in igen") // told by the browser
	if op.ended {
		t.Error("ended the session everywhere")
	}
}

func TestARefusedRefreshShowsLoggaIn(t *testing.T) {
	op := newOP(t)
	base := serveMobile(t, op.url)
	b := open(t, journey.Options{Width: 390, Height: 844})
	b.Open(base + "/login")
	b.See("Hej Anna!")
	op.endTokens()
	journey.Script[bool](b, `document.dispatchEvent(new Event("visibilitychange"))`)
	b.See("Du behöver logga in igen")
	inspect(t, b, "hrmmobile-ended")
	b.Press("Logga in")
	b.See("Hej Anna!")
}

func TestHRMMobileFinishesInAnotherTab(t *testing.T) {
	op := newOP(t)
	base := serveMobile(t, op.url)
	b := open(t, journey.Options{Width: 390, Height: 844})
	b.Open(base + "/callback?code=c&state=of-another-tab")
	b.See("Hej Anna!")
	b.Open(base + "/login?iss=https://evil.example")
	b.See("Du blev inte inloggad")
}

func TestHRMMobileKeepsItsTokensOffline(t *testing.T) {
	op := newOP(t)
	base, stop := serveUntil(t, func(base string) http.Handler {
		return hrmmobile.New(hrmmobile.Config{Issuer: op.url, ClientID: "mobile", BaseURL: base}).Handler()
	})
	b := open(t, journey.Options{Width: 390, Height: 844})
	b.Open(base + "/login")
	b.See("Hej Anna!")
	journey.Script[bool](b, `navigator.serviceWorker.ready.then(() => true)`)
	stop()
	op.stop()
	b.Open(base)
	b.See("Du är offline")
	inspect(t, b, "hrmmobile-offline")
	if kept := journey.Script[bool](b, `localStorage.getItem("hrmmobile.tokens") !== null`); !kept {
		t.Error("lost its tokens")
	}
}

func TestTwoProfilesShareNothing(t *testing.T) {
	base := serveHRM(t, newOP(t).url)
	anna, bo := open(t, journey.Options{}), open(t, journey.Options{Lang: "en"})
	anna.Open(base)
	anna.Press("Logga in")
	anna.See("Hej Anna!")
	bo.Open(base)
	bo.SeeRole("link", "Log in")
	bo.DontSee("Anna")
	tab := anna.Tab()
	tab.Open(base)
	tab.See("Hej Anna!")
}

// serveInbox starts both sides and returns their addresses.
func serveInbox(t *testing.T) (*inbox.Inbox, string, string) {
	t.Helper()
	in := inbox.New(inbox.Config{Lang: "sv"})
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = in.ServeSMTP(l) }()
	t.Cleanup(func() { _ = in.Close() })
	return in, l.Addr().String(), serve(t, func(string) http.Handler { return in.Handler() })
}

func TestTheInboxShowsMail(t *testing.T) {
	in, addr, base := serveInbox(t)
	b := open(t, journey.Options{})
	b.Open(base)
	b.See("Inget här än")
	inspect(t, b, "inbox-empty")
	in.AddSMS("+46701740605", "Portvakt", "Din kod är 123456.")
	send(t, addr, base)
	b.See("Välkommen till Portvakt") // appears by itself
	wantNoComplaints(t, b)
	inspect(t, b, "inbox-list")
	b.Press("Välkommen till Portvakt")
	b.See("Länkar i meddelandet")
	wantNoComplaints(t, b)
	inspect(t, b, "inbox-message")
}

func TestReadMailFindsTheLink(t *testing.T) {
	_, addr, base := serveInbox(t)
	mails := journey.NewInbox(t, base)
	send(t, addr, base)
	m := mails.ReadMail("anna.svensson@foretaget.example", "Välkommen")
	if !slices.Equal(m.Links, []string{base + "/"}) {
		t.Errorf("links %q", m.Links)
	}
	mails.Scan(m)
	mails.Refuse(true)
	if err := smtp.SendMail(addr, nil, "a@b.example", []string{"c@d.example"}, []byte("\r\n")); err == nil {
		t.Error("the inbox still takes mail")
	}
	mails.Refuse(false)
}

func send(t *testing.T, addr, link string) {
	t.Helper()
	mail := fmt.Sprintf("From: Portvakt <noreply@portvakt.example>\r\nSubject: =?utf-8?q?V=C3=A4lkommen_till_Portvakt?=\r\n"+
		"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"+
		"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHej Anna!\r\n\r\nÖppna sidan: %[1]s/\r\n\r\nVänliga hälsningar\r\n"+
		"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<!doctype html><html lang=sv><head><title>Portvakt</title></head>"+
		"<body style=\"font-family:sans-serif\"><main><h1>Hej Anna!</h1><p><a href=\"%[1]s/\">Öppna sidan</a></p></main></body></html>\r\n--x--\r\n", link)
	err := smtp.SendMail(addr, nil, "noreply@portvakt.example", []string{"anna.svensson@foretaget.example"}, []byte(mail))
	if err != nil {
		t.Fatal(err)
	}
}

// failure stands in for a test whose step fails.
type failure struct {
	*testing.T
	said string
}

// Fatalf ends the step, as in a test, but not this test.
func (f *failure) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f)
}

func TestAFailingStepSaysWhatStoodOnThePage(t *testing.T) {
	base := serveHRM(t, newOP(t).url)
	open(t, journey.Options{}) // skips where there is no browser
	f := &failure{T: t}
	b := chromium.Browser(f, journey.Options{})
	t.Cleanup(b.Close)
	b.Open(base)
	defer func() {
		if recover() == nil || !strings.Contains(f.said, "Välkommen till HRM") || !strings.Contains(f.said, base) {
			t.Errorf("said %q", f.said)
		}
	}()
	b.DontSee("Välkommen till HRM")
}
