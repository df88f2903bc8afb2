package mail_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// postOffice is a real SMTP server that keeps what it is given and every byte that reached it in the clear.
type postOffice struct {
	port int

	mu         sync.Mutex
	parcels    []parcel
	heard      bytes.Buffer // commands as the server read them, after any TLS
	secure     bool         // whether the last AUTH came over TLS
	hello      string
	atRcpt     *smtp.SMTPError
	atData     *smtp.SMTPError
	user, pass string // wanted; empty: AUTH is not offered
}

type parcel struct {
	from, to string
	utf8     bool
	raw      []byte
}

type office struct {
	tls      *tls.Config
	implicit bool // TLS from the first byte
	utf8     bool
	user     string
	pass     string
}

func (o office) open(t testing.TB) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{port: l.Addr().(*net.TCPAddr).Port, user: o.user, pass: o.pass}
	server := smtp.NewServer(p)
	server.Domain, server.AllowInsecureAuth, server.EnableSMTPUTF8 = "mail.example", true, o.utf8
	server.Debug, server.ErrorLog = p, log.New(io.Discard, "", 0)
	if o.implicit {
		l = tls.NewListener(l, o.tls)
	} else {
		server.TLSConfig = o.tls
	}
	go server.Serve(l) //nolint:errcheck // ends with Close
	t.Cleanup(func() { server.Close() })
	return p
}

// Write keeps the conversation; go-smtp writes both sides to it.
func (p *postOffice) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.Write(b)
}

func (p *postOffice) conversation() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.String()
}

func (p *postOffice) refuse(rcpt, data *smtp.SMTPError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.atRcpt, p.atData = rcpt, data
}

// one returns the only parcel that has arrived.
func (p *postOffice) one(t testing.TB) parcel {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.parcels) != 1 {
		t.Fatalf("%d mails arrived, want 1", len(p.parcels))
	}
	return p.parcels[0]
}

func (p *postOffice) count() int { p.mu.Lock(); defer p.mu.Unlock(); return len(p.parcels) }

// NewSession implements smtp.Backend.
func (p *postOffice) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &counter{office: p, conn: c}, nil
}

type counter struct {
	office *postOffice
	conn   *smtp.Conn
	authed bool
	now    parcel
}

func (c *counter) AuthMechanisms() []string {
	if c.office.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, pass string) error {
		if _, c.office.secure = c.conn.TLSConnectionState(); user != c.office.user || pass != c.office.pass {
			return errors.New("wrong user or password")
		}
		c.authed = true
		return nil
	}), nil
}

func (c *counter) Mail(from string, o *smtp.MailOptions) error {
	if c.office.user != "" && !c.authed {
		return smtp.ErrAuthRequired
	}
	c.office.mu.Lock()
	c.office.hello = c.conn.Hostname()
	c.office.mu.Unlock()
	c.now = parcel{from: from, utf8: o.UTF8}
	return nil
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	c.now.to = to
	if c.office.atRcpt != nil {
		return c.office.atRcpt
	}
	return nil
}

func (c *counter) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.office.mu.Lock()
	defer c.office.mu.Unlock()
	if c.office.atData != nil {
		return c.office.atData
	}
	c.now.raw = raw
	c.office.parcels = append(c.office.parcels, c.now)
	return nil
}

func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }

// authority is a certificate authority of the test's own.
type authority struct {
	pool *x509.CertPool
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t testing.TB) authority {
	t.Helper()
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, caTemplate, caTemplate, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := authority{x509.NewCertPool(), cert, key}
	a.pool.AddCert(cert)
	return a
}

var caTemplate = &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true,
	BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}

// issue makes a server's certificate for a name or an IP address.
func (a authority) issue(t testing.TB, host string) *tls.Config {
	t.Helper()
	key := newKey(t)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: host}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: caTemplate.NotBefore, NotAfter: caTemplate.NotAfter}
	if ip := net.ParseIP(host); ip != nil {
		leaf.IPAddresses = []net.IP{ip}
	} else {
		leaf.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
