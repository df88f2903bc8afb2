package bounce

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// TestReportsOfManyKindsAreRead: the files are written by hand, after what servers of several makes send.
func TestReportsOfManyKindsAreRead(t *testing.T) {
	for name, want := range map[string]outbox.Bounce{
		"postfix":        {Failed: true, Status: "5.1.1", Reason: "550 5.1.1 <bo.lind@foretaget.example>: Recipient address rejected: User unknown in local recipient table"},
		"outlook_base64": {Failed: true, Status: "5.2.2", Reason: "552 5.2.2 mailbox full; over quota"},
		"delayed":        {Status: "4.4.1", Reason: "Connection timed out"},
		"international":  {Failed: true, Status: "5.1.10", Reason: "550 5.1.10 Åsa har slutat"},
		"several":        {Failed: true, Status: "5.7.1", Reason: "5.7.1"},
		"plain_qmail":    {Failed: true, Status: "5.1.6", Reason: "unreadable"},
		"plain_warning":  {Reason: "unreadable"},
		"empty_report":   {Failed: true, Reason: "unreadable"},
		"cut":            {Failed: true, Reason: "unreadable"},
	} {
		got, err := parse(file(t, name))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestWhatComesBackWithoutBeingAFailureIsNone(t *testing.T) {
	for _, name := range []string{"holiday", "read", "delivered"} {
		if got, err := parse(file(t, name)); !errors.Is(err, errNoReport) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzParse(f *testing.F) {
	names, err := filepath.Glob("testdata/*.eml")
	if err != nil || len(names) == 0 {
		f.Fatal(names, err)
	}
	for _, name := range names {
		f.Add(file(f, strings.TrimSuffix(filepath.Base(name), ".eml")))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := parse(raw)
		if err == nil && (len([]rune(b.Reason)) > 500 || strings.ContainsAny(b.Reason, "\r\n\x00") || len(b.Status) > 9) {
			t.Errorf("%+v", b)
		}
	})
}

// ledger keeps what it is given.
type ledger struct {
	mu   sync.Mutex
	got  []outbox.Bounce
	fail error
}

// Bounced implements outbox.Bounces.
func (l *ledger) Bounced(_ context.Context, b outbox.Bounce, _ time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail == nil {
		l.got = append(l.got, b)
	}
	return l.fail
}

func (l *ledger) all() []outbox.Bounce { l.mu.Lock(); defer l.mu.Unlock(); return l.got }

// office is a running server, and what it wrote down.
type office struct {
	*ledger
	path *outbox.ReturnPath
	at   string
	now  time.Time
}

func open(t *testing.T) *office {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{ledger: &ledger{}, path: outbox.NewReturnPath("bounces@portvakt.example", k), at: l.Addr().String(),
		now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{Path: o.path, Record: o, Domain: "portvakt.example", Now: func() time.Time { return o.now }, Log: slog.New(slog.DiscardHandler)}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return o
}

// report sends a mail as another server does.
func (o *office) report(t *testing.T, from, to string, raw []byte) error {
	t.Helper()
	c, err := smtp.Dial(o.at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.SendMail(from, []string{to}, bytes.NewReader(raw))
}

func (o *office) sent() outbox.Message {
	return outbox.New(outbox.Mail, "preparation", "bo@foretaget.example", o.now)
}

// code is that of a refusal; 0: it was taken.
func code(err error) int {
	if e, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return e.Code
	}
	return 0
}

func TestAReportIsWrittenDownOnItsMessage(t *testing.T) {
	o := open(t)
	m := o.sent()
	if err := o.report(t, "", strings.ToUpper(o.path.For(m)), file(t, "postfix")); err != nil {
		t.Fatal(err)
	}
	if got := o.all(); len(got) != 1 || got[0].Message != m.ID || got[0].Status != "5.1.1" || !got[0].Failed {
		t.Errorf("%+v", got)
	}
	if err := o.report(t, "", o.path.For(m), file(t, "holiday")); err != nil || len(o.all()) != 1 {
		t.Errorf("somebody is on holiday: %v, %+v", err, o.all())
	}
}

func TestWhatIsNoReportToOneOfOurMailsIsRefused(t *testing.T) {
	o := open(t)
	m := o.sent()
	good := o.path.For(m)
	for name, c := range map[string]struct {
		from, to string
		raw      []byte
		code     int
	}{
		"from somebody":           {"anna@foretaget.example", good, file(t, "postfix"), 550},
		"to a made address":       {"", "bounces+" + m.ID + ".000000000000000000000@portvakt.example", file(t, "postfix"), 550},
		"to another's message":    {"", strings.Replace(good, m.ID, o.sent().ID, 1), file(t, "postfix"), 550},
		"to the mailbox itself":   {"", "bounces@portvakt.example", file(t, "postfix"), 550},
		"to the postmaster":       {"", "postmaster@portvakt.example", file(t, "postfix"), 550},
		"that has no end":         {"", good, bytes.Repeat([]byte("a line of a very long mail\r\n"), 40000), 552},
		"that goes round":         {"", good, append(bytes.Repeat([]byte("Received: from a by b; now\r\n"), 31), file(t, "postfix")...), 554},
		"to a mail of long since": {"", o.path.For(outbox.Message{ID: m.ID, Created: o.now.Add(-60 * 24 * time.Hour)}), file(t, "postfix"), 550},
	} {
		if err := o.report(t, c.from, c.to, c.raw); code(err) != c.code {
			t.Errorf("%s: %v, want %d", name, err, c.code)
		}
	}
	if got := o.all(); len(got) != 0 {
		t.Errorf("written down: %+v", got)
	}
}

func TestAReportHasOneRecipient(t *testing.T) {
	o := open(t)
	c, err := smtp.Dial(o.at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.SendMail("", []string{o.path.For(o.sent()), o.path.For(o.sent())}, bytes.NewReader(file(t, "postfix")))
	if code(err)/100 != 4 && code(err)/100 != 5 || len(o.all()) != 0 {
		t.Errorf("%v, %+v", err, o.all())
	}
}

func TestAReportThatCannotBeWrittenDownComesAgain(t *testing.T) {
	o := open(t)
	m := o.sent()
	o.fail = errors.New("the database is away")
	if err := o.report(t, "", o.path.For(m), file(t, "postfix")); code(err) != 451 {
		t.Errorf("%v", err)
	}
	o.fail = nil
	if err := o.report(t, "", o.path.For(m), file(t, "postfix")); err != nil || len(o.all()) != 1 {
		t.Errorf("%v", err)
	}
}

// TestNobodyHoldsTheServerForLong: the listener alone, whose times a test can choose.
func TestNobodyHoldsTheServerForLong(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	l := newLimit(inner, 2, 2, time.Hour)
	accepted := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	first := <-accepted
	dial()
	<-accepted
	third := dial()
	answer := make([]byte, 100)
	if n, err := third.Read(answer); err != nil || !strings.HasPrefix(string(answer[:n]), "421 ") {
		t.Errorf("the third is told %q (%v)", answer[:n], err)
	}
	first.Close()
	dial()
	again := <-accepted
	again.(*mortal).end.Reset(0) // its time is up
	if _, err := again.Read(answer); err == nil {
		t.Error("it is still served")
	}
}
