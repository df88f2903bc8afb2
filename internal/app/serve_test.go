package app_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
)

// served is a world's Portvakt on a real port.
type served struct {
	t       *testing.T
	address string
	cancel  context.CancelFunc
	ended   chan error
}

func (w *world) opens(t *testing.T) *served {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := &served{t: t, address: l.Addr().String(), cancel: cancel, ended: make(chan error, 1)}
	go func() { s.ended <- w.app.Serve(ctx, l) }()
	return s
}

// end asks the server to end and waits for it.
func (s *served) end() {
	s.t.Helper()
	s.cancel()
	if err := <-s.ended; err != nil {
		s.t.Error(err)
	}
}

// ground is a world whose data folder has a path that a socket can have, on every system.
func ground(t *testing.T) *world {
	t.Helper()
	w := on(t)
	dir, err := os.MkdirTemp("", "portvakt-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	w.settings.DataDir = dir
	w.restart()
	return w
}

func (s *served) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// TestARequestUnderWayIsAnsweredWhenTheServerEnds sends half a request, and the other half when nobody else is let in any more.
func TestARequestUnderWayIsAnsweredWhenTheServerEnds(t *testing.T) {
	w := ground(t)
	s := w.opens(t)
	c := s.dial()
	answers := bufio.NewReader(c)
	const body = "grant_type=authorization_code&code=x"
	fmt.Fprintf(c, "POST /token HTTP/1.1\r\nHost: login.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	goOn, err := http.ReadResponse(answers, nil)
	if err != nil || goOn.StatusCode != http.StatusContinue {
		t.Fatal(goOn, err)
	}
	s.cancel()
	for {
		other, err := net.Dial("tcp", s.address)
		if err != nil {
			break
		}
		other.Close()
	}
	io.WriteString(c, body) //nolint:errcheck // the answer tells
	answer, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusUnauthorized || !strings.Contains(string(text), "invalid_client") {
		t.Errorf("%d %s %v", answer.StatusCode, text, err)
	}
	s.end()
	if _, answers := control.Dial(w.settings.ControlSocket()); answers {
		t.Error("the control socket still answers")
	}
}

func TestHealthAndReadinessAreAnsweredOverHTTP(t *testing.T) {
	w := ground(t)
	s := w.opens(t)
	defer s.end()
	ask := func(path string) (int, string) {
		t.Helper()
		answer, err := http.Get("http://" + s.address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, strings.TrimSpace(string(text))
	}
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready"} {
		if status, text := ask(path); status != http.StatusOK || text != want {
			t.Errorf("%s: %d %q", path, status, text)
		}
	}
	if err := w.app.Close(); err != nil {
		t.Fatal(err)
	}
	if status, text := ask("/readyz"); status != http.StatusServiceUnavailable || text != "not ready" {
		t.Errorf("without its database: %d %q", status, text)
	}
	if status, _ := ask("/healthz"); status != http.StatusOK {
		t.Errorf("the process itself lives: %d", status)
	}
}

func TestARenewedCertificateIsTakenWithoutARestart(t *testing.T) {
	w := ground(t)
	cert, key := filepath.Join(w.settings.DataDir, "cert.pem"), filepath.Join(w.settings.DataDir, "key.pem")
	written := time.Now()
	put := func(path string, text []byte) {
		t.Helper()
		// Two writings of a test may fall into one tick of the file system's clock; a renewal's do not.
		written = written.Add(time.Second)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
	first, firstKey := selfSigned(t, 1)
	second, secondKey := selfSigned(t, 2)
	put(cert, first)
	put(key, firstKey)
	w.settings.TLSCert, w.settings.TLSKey = cert, key
	w.restart()
	s := w.opens(t)
	defer s.end()
	shows := func(when string, want int64) {
		t.Helper()
		c, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		defer c.Close()
		if got := c.ConnectionState().PeerCertificates[0].SerialNumber.Int64(); got != want {
			t.Errorf("%s: certificate %d, want %d", when, got, want)
		}
	}
	const warning = "cannot be used: the former one is kept"
	shows("at first", 1)
	put(cert, second)
	shows("within seconds nobody looks", 1)
	w.clock.Advance(5 * time.Second)
	shows("with half a renewal", 1)
	w.clock.Advance(5 * time.Second)
	shows("with half a renewal, later", 1)
	if n := strings.Count(w.log.String(), warning); n != 1 {
		t.Errorf("%d warnings of one fault", n)
	}
	put(key, secondKey)
	w.clock.Advance(5 * time.Second)
	shows("renewed", 2)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(5 * time.Second)
	shows("with its file gone", 2)
	if n := strings.Count(w.log.String(), warning); n != 2 {
		t.Errorf("%d warnings of two faults:\n%s", n, w.log.String())
	}
}

func TestTLSIsSpokenByRecommendedCiphersAlone(t *testing.T) {
	w := ground(t)
	w.settings.TLSCert, w.settings.TLSKey = filepath.Join(w.settings.DataDir, "cert.pem"), filepath.Join(w.settings.DataDir, "key.pem")
	cert, key := selfSigned(t, 1)
	for path, text := range map[string][]byte{w.settings.TLSCert: cert, w.settings.TLSKey: key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.restart()
	s := w.opens(t)
	defer s.end()
	greets := func(suites ...uint16) bool {
		c, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: suites})
		if err == nil {
			c.Close()
		}
		return err == nil
	}
	if !greets(tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256) {
		t.Error("a recommended cipher was refused")
	}
	if greets(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA) {
		t.Error("a cipher without authentication of its own was taken")
	}
	if c, err := tls.Dial("tcp", s.address, &tls.Config{InsecureSkipVerify: true}); err != nil {
		t.Error(err)
	} else if c.Close(); c.ConnectionState().Version != tls.VersionTLS13 {
		t.Error("TLS 1.3 is not spoken")
	}
}

func TestACertificateThatCannotBeReadStopsTheStart(t *testing.T) {
	w := ground(t)
	w.settings.TLSCert, w.settings.TLSKey = filepath.Join(w.settings.DataDir, "none.pem"), filepath.Join(w.settings.DataDir, "none.pem")
	w.restart()
	s := w.opens(t)
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "tls-cert") {
		t.Error(err)
	}
	if c, err := net.Dial("tcp", s.address); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
	if strings.Contains(w.log.String(), `"serving"`) {
		t.Error("it said that it serves")
	}
}

// TestAStrangerWhoSpeaksNoTLSIsNoErrorOfOurs: scanners knock at every port, every day.
func TestAStrangerWhoSpeaksNoTLSIsNoErrorOfOurs(t *testing.T) {
	w := ground(t)
	w.settings.TLSCert, w.settings.TLSKey = filepath.Join(w.settings.DataDir, "cert.pem"), filepath.Join(w.settings.DataDir, "key.pem")
	cert, key := selfSigned(t, 1)
	for path, text := range map[string][]byte{w.settings.TLSCert: cert, w.settings.TLSKey: key} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.restart()
	s := w.opens(t)
	c := s.dial()
	fmt.Fprint(c, "\x16\x03\x01\x00\x05hello")
	io.Copy(io.Discard, c) //nolint:errcheck // until the server has noticed, and said so
	s.end()
	found := false
	for line := range strings.Lines(w.log.String()) {
		var said struct{ Level, Msg, Remark string }
		if err := json.Unmarshal([]byte(line), &said); err != nil {
			t.Errorf("not JSON: %q", line)
		}
		if strings.Contains(said.Remark, "TLS handshake error") {
			found = true
			if said.Level != slog.LevelDebug.String() {
				t.Errorf("at level %s", said.Level)
			}
		}
	}
	if !found {
		t.Errorf("nothing about the handshake in\n%s", w.log.String())
	}
}

func TestWhatAServerLacksIsSaidOnceAtItsStart(t *testing.T) {
	const noMail, plain = "no mail server is set", "plain HTTP, and no proxy"
	w := ground(t)
	start := func(change func()) string {
		t.Helper()
		w.settings.SMTPHost, w.settings.TrustedProxies = "127.0.0.1", []string{"127.0.0.1"}
		change()
		w.restart()
		before := len(w.log.String())
		s := w.opens(t)
		s.reached()
		s.end()
		return w.log.String()[before:]
	}
	if said := start(func() {}); strings.Contains(said, noMail) || strings.Contains(said, plain) {
		t.Errorf("nothing is missing:\n%s", said)
	}
	if said := start(func() { w.settings.SMTPHost = "" }); strings.Count(said, noMail) != 1 || strings.Contains(said, plain) {
		t.Errorf("no mail server:\n%s", said)
	}
	if said := start(func() { w.settings.TrustedProxies = nil }); strings.Count(said, plain) != 1 || strings.Contains(said, noMail) {
		t.Errorf("neither a certificate nor a proxy:\n%s", said)
	}
	w.settings.SMTPHost = ""
	w.app.Close()
	var log lockedBuffer
	a, err := app.New(t.Context(), w.settings, app.Options{Log: slog.New(slog.NewJSONHandler(&log, nil)), Hashing: cheap})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if strings.Contains(log.String(), noMail) {
		t.Error("an operator's command does not send mail, and need not say so")
	}
}

// reached waits until the server answers.
func (s *served) reached() {
	s.t.Helper()
	answer, err := http.Get("http://" + s.address + "/healthz")
	if err != nil {
		s.t.Fatal(err)
	}
	answer.Body.Close()
}

// selfSigned makes a certificate and its key, in PEM.
func selfSigned(t *testing.T, serial int64) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"login.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}
