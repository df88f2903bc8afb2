package selftest

import (
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/emersion/go-smtp"
)

// sink is a mail server that takes everything and keeps nothing but the links of preparation mails.
type sink struct {
	server   *smtp.Server
	listener net.Listener

	mu    sync.Mutex
	links map[string]string // path, by recipient
	mails int
}

func newSink() (*sink, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{listener: l, links: map[string]string{}}
	s.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &delivery{sink: s}, nil }))
	s.server.Domain = "sink.localhost"
	go s.server.Serve(l) //nolint:errcheck // it ends with close
	return s, nil
}

func (s *sink) port() int { return s.listener.Addr().(*net.TCPAddr).Port }

func (s *sink) close() error {
	if err := s.server.Close(); !errors.Is(err, smtp.ErrServerClosed) {
		return err
	}
	return nil
}

// count says how many mails have come.
func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mails
}

// link is the path of the newest link that was mailed to the address.
func (s *sink) link(to string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.links[to]
}

// delivery is one SMTP session.
type delivery struct {
	sink *sink
	to   string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error { return nil }

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = to
	return nil
}

// mailedLink finds the link in a mail whose soft line breaks are gone.
var mailedLink = regexp.MustCompile(`/preparation/[A-Za-z0-9_-]{20,}`)

func (d *delivery) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	link := mailedLink.FindString(strings.ReplaceAll(string(text), "=\r\n", ""))
	d.sink.mu.Lock()
	defer d.sink.mu.Unlock()
	d.sink.mails++
	if link != "" {
		d.sink.links[d.to] = strings.Clone(link)
	}
	return nil
}

func (d *delivery) Reset()        {}
func (d *delivery) Logout() error { return nil }
