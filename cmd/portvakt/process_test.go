package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/jhillyerd/enmime/v2"
)

// asProgram makes the test binary be portvakt itself: the same main, as a process that can be killed.
const asProgram = "PORTVAKT_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const (
	issuer  = "https://login.example.com"
	patient = 30 * time.Second // for what comes at once on a machine that has nothing else to do
)

// house is an installation on disk, as portvakt init leaves it, with a certificate and a mail server.
type house struct {
	t    *testing.T
	dir  string
	file string // of the settings
	ca   *x509.CertPool
	post *postOffice
	logs *bytes.Buffer // of all its processes; read it when none runs
}

func newHouse(t *testing.T, settings ...string) *house {
	t.Helper()
	dir, err := os.MkdirTemp("", "portvakt-") // not t.TempDir: the path of a socket has 104 bytes on some systems
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	h := &house{t: t, dir: dir, file: filepath.Join(dir, "portvakt.toml"), post: newPostOffice(t), logs: &bytes.Buffer{}}
	h.must("init", "--issuer", issuer, "--data", dir)
	h.ca = certificate(t, dir)
	h.set(append([]string{fmt.Sprintf("tls-cert = %q", filepath.Join(dir, "cert.pem")), fmt.Sprintf("tls-key = %q", filepath.Join(dir, "key.pem")),
		`listen = "127.0.0.1:0"`, `smtp-host = "127.0.0.1"`, fmt.Sprintf("smtp-port = %d", h.post.port), `smtp-tls = "none"`,
		`mail-from = "login@login.example.com"`}, settings...)...)
	return h
}

// set adds lines to the settings file.
func (h *house) set(lines ...string) {
	h.t.Helper()
	f, err := os.OpenFile(h.file, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.WriteString(f, strings.Join(lines, "\n")+"\n"); err != nil || f.Close() != nil {
		h.t.Fatal(err)
	}
}

// must runs a command on the house, in this process, and returns what it prints.
func (h *house) must(args ...string) string {
	h.t.Helper()
	if args[0] != "init" {
		args = append(args, "--config", h.file)
	}
	out, err := portvakt(h.t, args...)
	if err != nil {
		h.t.Fatalf("portvakt %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// process is a running portvakt serve.
type process struct {
	h       *house
	cmd     *exec.Cmd
	address string
	done    chan struct{} // its output has ended
}

// serve starts portvakt serve and waits until it serves.
func (h *house) serve() *process {
	h.t.Helper()
	p := &process{h: h, cmd: program("serve", "--config", h.file), done: make(chan struct{})}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { p.cmd.Process.Kill(); <-p.done })
	serving := make(chan string, 1)
	go func() {
		defer close(p.done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			h.logs.Write(append(lines.Bytes(), '\n'))
			var line struct{ Msg, Listen string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
				serving <- line.Listen
			}
		}
		close(serving)
	}()
	select {
	case p.address = <-serving:
	case <-time.After(patient):
	}
	if p.address == "" {
		h.t.Fatalf("it does not serve:\n%s", h.logs)
	}
	return p
}

func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// kill is kill -9.
func (p *process) kill() {
	p.cmd.Process.Kill() //nolint:errcheck // it may have ended
	p.wait()
}

// stop is what a service manager does, and returns how the process ended.
func (p *process) stop() error {
	p.h.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.h.t.Fatal(err)
	}
	return p.wait()
}

func (p *process) wait() error {
	p.h.t.Helper()
	select {
	case <-p.done:
	case <-time.After(2 * patient):
		p.h.t.Error("it does not end")
		p.cmd.Process.Kill()
	}
	<-p.done
	return p.cmd.Wait()
}

// browser is one browser at a process.
type browser struct {
	t    *testing.T
	http http.Client
	at   string // path of the page that it shows
	body string
}

func (p *process) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.h.t.Fatal(err)
	}
	b := &browser{t: p.h.t}
	b.http = http.Client{Jar: jar, Timeout: patient, Transport: p.transport()}
	return b
}

// transport reaches the process under the issuer's name.
func (p *process) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.h.ca, ServerName: "login.example.com"}, DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "tcp", p.address)
		}}
}

// send makes a request, follows redirects, and returns the status; 0 if there was no answer.
func (b *browser) send(method, path string, pairs ...string) int {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequest(method, issuer+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", issuer)
	}
	answer, err := b.http.Do(r)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0
	}
	b.at, b.body = answer.Request.URL.Path, string(body)
	return answer.StatusCode
}

func (b *browser) get(path string) int { b.t.Helper(); return b.send(http.MethodGet, path) }

func (b *browser) want(status int, method, path string, pairs ...string) {
	b.t.Helper()
	if got := b.send(method, path, pairs...); got != status {
		b.t.Fatalf("%s %s: status %d, want %d\n%s", method, strings.Split(path, "/")[1], got, status, b.body)
	}
}

// attempt goes to the password page for an address and returns the attempt's id.
func (b *browser) attempt(address string) string {
	b.t.Helper()
	b.want(200, http.MethodGet, "/account")
	id := strings.Split(b.at, "/")[2]
	b.want(200, http.MethodPost, "/signin/"+id, "address", address)
	return id
}

// signsIn says whether the password is the account's.
func (b *browser) signsIn(address, pass string) bool {
	b.t.Helper()
	id := b.attempt(address)
	b.send(http.MethodPost, "/signin/"+id+"/password", "password", pass)
	return b.get("/account") == 200 && b.at == "/account"
}

// ask asks for a reset link.
func (b *browser) ask(address string) {
	b.t.Helper()
	id := b.attempt(address)
	b.want(200, http.MethodPost, "/recovery/start/"+id, "address", address, "want", "reset", "robot", b.solve("/recovery/challenge/"+id))
}

func (b *browser) solve(path string) string {
	b.t.Helper()
	var puzzle struct {
		Challenge, Salt, Token string
		Max                    int
	}
	b.want(200, http.MethodPost, path)
	if err := json.Unmarshal([]byte(b.body), &puzzle); err != nil {
		b.t.Fatal(err)
	}
	for n := 0; n <= puzzle.Max; n++ {
		if sum := sha256.Sum256([]byte(puzzle.Salt + strconv.Itoa(n))); hex.EncodeToString(sum[:]) == puzzle.Challenge {
			return puzzle.Token + "." + strconv.Itoa(n)
		}
	}
	b.t.Fatal("the puzzle has no answer")
	return ""
}

// reset presses the link's button, as in a browser that did not ask for it, and returns the status.
func (b *browser) reset(link, pass string) int {
	b.t.Helper()
	return b.send(http.MethodPost, link, "new_password", pass, "repeat_password", pass, "end_others", "on", "robot", b.solve(link+"/challenge"))
}

// postOffice is a real mail server that outlives the processes.
type postOffice struct {
	port int

	mu    sync.Mutex
	mails []letter
	// hold, if set, is called when a mail has been taken and not yet acknowledged.
	hold func(letter)
}

type letter struct{ to, id, subject, text, link string }

func newPostOffice(t testing.TB) *postOffice {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &postOffice{port: l.Addr().(*net.TCPAddr).Port}
	server := smtp.NewServer(p)
	server.ErrorLog = log.New(io.Discard, "", 0)
	go server.Serve(l) //nolint:errcheck // ends with Close
	t.Cleanup(func() { server.Close() })
	return p
}

// NewSession implements smtp.Backend.
func (p *postOffice) NewSession(*smtp.Conn) (smtp.Session, error) { return &delivery{office: p}, nil }

type delivery struct {
	office *postOffice
	to     string
}

func (d *delivery) Mail(string, *smtp.MailOptions) error      { return nil }
func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error { d.to = to; return nil }
func (d *delivery) Reset()                                    {}
func (d *delivery) Logout() error                             { return nil }
func (p *postOffice) holdBack(hold func(letter))              { p.mu.Lock(); defer p.mu.Unlock(); p.hold = hold }

var linkInMail = regexp.MustCompile(regexp.QuoteMeta(issuer) + `(/recovery/link/[A-Za-z0-9_-]+)`)

func (d *delivery) Data(r io.Reader) error {
	e, err := enmime.ReadEnvelope(r)
	if err != nil {
		return err
	}
	m := letter{to: d.to, id: e.GetHeader("Message-ID"), subject: e.GetHeader("Subject"), text: e.Text}
	if found := linkInMail.FindStringSubmatch(e.Text); found != nil {
		m.link = found[1]
	}
	d.office.mu.Lock()
	d.office.mails = append(d.office.mails, m)
	hold := d.office.hold
	d.office.mu.Unlock()
	if hold != nil {
		hold(m)
	}
	return nil
}

// to returns the mails to an address that pass, oldest first.
func (p *postOffice) to(address string, pass func(letter) bool) []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []letter
	for _, m := range p.mails {
		if m.to == address && pass(m) {
			found = append(found, m)
		}
	}
	return found
}

func isLink(m letter) bool    { return m.link != "" }
func isChanged(m letter) bool { return m.subject == "Ditt lösenord är ändrat" }

// ids are the different Message-IDs.
func ids(mails []letter) map[string]bool {
	all := map[string]bool{}
	for _, m := range mails {
		all[m.id] = true
	}
	return all
}

// await waits until n different mails to the address pass, and returns the newest.
func (p *postOffice) await(t *testing.T, address string, n int, pass func(letter) bool) letter {
	t.Helper()
	for end := time.Now().Add(patient); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if found := p.to(address, pass); len(ids(found)) >= n {
			return found[len(found)-1]
		}
	}
	t.Fatalf("fewer than %d mails came to %s", n, address)
	return letter{}
}

// certificate writes a certificate of an authority of its own for the issuer's host.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	rootDER, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(rootDER)
	if err != nil {
		t.Fatal(err)
	}
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{"login.example.com"}, NotBefore: authority.NotBefore,
		NotAfter: authority.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, root, own.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool
}
