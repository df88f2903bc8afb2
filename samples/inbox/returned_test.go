package inbox

import (
	"errors"
	"io"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// office is a mail server that gets reports.
type office chan [3]string // from, to, text

func (o office) NewSession(*smtp.Conn) (smtp.Session, error) { return &clerk{office: o}, nil }

type clerk struct {
	office   office
	from, to string
}

func (c *clerk) Mail(from string, _ *smtp.MailOptions) error { c.from = from; return nil }
func (c *clerk) Rcpt(to string, _ *smtp.RcptOptions) error   { c.to = to; return nil }
func (c *clerk) Reset()                                      {}
func (c *clerk) Logout() error                               { return nil }
func (c *clerk) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	c.office <- [3]string{c.from, c.to, string(b)}
	return err
}

func TestAMailToAnAddressThatBouncesComesBack(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	reports := make(office, 4)
	server := smtp.NewServer(reports)
	go server.Serve(l) //nolint:errcheck // ends with Close
	t.Cleanup(func() { server.Close() })
	in, addr := start(t, Config{ReturnTo: l.Addr().String()})
	if err := send(addr, "Subject: hej\n\nhej\n", "a@b.example", "Bounce.Bertil@b.example"); err != nil {
		t.Fatal(err)
	}
	got := <-reports
	if got[0] != "" || got[1] != "noreply@portvakt.example" {
		t.Errorf("from %q to %q", got[0], got[1])
	}
	for _, want := range []string{"multipart/report", "Action: failed", "Status: 5.2.1", "Final-Recipient: rfc822; Bounce.Bertil@b.example"} {
		if !strings.Contains(got[2], want) {
			t.Errorf("the report does not say %q:\n%s", want, got[2])
		}
	}
	if len(in.Messages("bounce.bertil@b.example")) != 1 {
		t.Error("the mail itself is not shown")
	}
	if err := in.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if n := len(reports); n != 0 {
		t.Errorf("%d reports more", n)
	}
}

func TestAnAddressThatIsRejectedGetsNothing(t *testing.T) {
	in, addr := start(t, Config{Now: time.Now})
	var refusal *textproto.Error
	if err := send(addr, "Subject: hej\n\nhej\n", "reject.rune@b.example"); !errors.As(err, &refusal) || refusal.Code != 550 {
		t.Errorf("want a 550, got %v", err)
	}
	if got := in.Messages(""); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestANobodysMailIsNotSentBack(t *testing.T) {
	in := New(Config{ReturnTo: "127.0.0.1:1"})
	in.sendBack("", "bounce@b.example")
	in.returns.Wait()
}
