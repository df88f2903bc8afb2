package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/config"
)

// good are settings that nobody complains about.
func good() config.Settings {
	return config.Settings{Issuer: "https://login.example.com", Listen: ":8443", DataDir: "/var/lib/portvakt"}
}

// complains fails unless the settings are refused in words that contain all the texts.
func complains(t *testing.T, name string, err error, texts ...string) {
	t.Helper()
	if !errors.Is(err, config.ErrSettings) {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %q does not say %q", name, err, text)
		}
	}
}

func TestAnIssuerIsWrittenAsBrowsersWriteIt(t *testing.T) {
	for _, issuer := range []string{"https://login.example.com", "https://login.example.com:8443", "https://192.0.2.1", "https://[2001:db8::1]:8443"} {
		s := good()
		s.Issuer = issuer
		if err := s.CheckServing(); err != nil {
			t.Errorf("%s: %v", issuer, err)
		}
	}
	for issuer, says := range map[string]string{
		"":                                  "issuer is missing",
		"login.example.com":                 "as https://login.example.com",
		"https://":                          "as https://login.example.com",
		"https://:8443":                     "as https://login.example.com",
		"https://login.example.com/sso":     "as https://login.example.com",
		"https://a@login.example.com":       "as https://login.example.com",
		"https://login.example.com/":        "leave the slash at the end out",
		"https://login.example.com:0":       "no port 0",
		"https://login.example.com:65536":   "no port 65536",
		"https://login.example.com:https":   "as https://login.example.com",
		"https://Login.Example.com":         "write it as browsers do, https://login.example.com",
		"HTTPS://login.example.com":         "write it as browsers do, https://login.example.com",
		"https://login.example.com:443":     "write it as browsers do, https://login.example.com",
		"https://login.example.com:":        "write it as browsers do, https://login.example.com",
		"https://login.example.com:08443":   "write it as browsers do, https://login.example.com:8443",
		"https://login.example.com?":        "write it as browsers do, https://login.example.com",
		"https://[2001:DB8::1]":             "write it as browsers do, https://[2001:db8::1]",
		"https://företaget.example":         "xn--",
		"http://login.example.com":          "only https is served",
		"http://localhost:8080":             "only https is served",
		"ftp://login.example.com":           "only https is served",
		"https://login.example.com/?next=1": "as https://login.example.com",
	} {
		s := good()
		s.Issuer = issuer
		complains(t, issuer, s.Check(), says)
	}
}

func TestTheDemoAloneMayBePlainHTTPOnThisMachine(t *testing.T) {
	s := config.Settings{Demo: true, Issuer: "http://localhost:8080"}
	if err := s.Check(); err != nil {
		t.Error(err)
	}
	s.Issuer = "http://demo.example.com"
	complains(t, "another host", s.Check(), "only https is served")
}

func TestAnAddressToListenOnHasAPort(t *testing.T) {
	for _, listen := range []string{":8443", "127.0.0.1:8443", "[::1]:8443", "localhost:65535", "127.0.0.1:0"} {
		s := good()
		s.Listen = listen
		if err := s.CheckServing(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
	for listen, says := range map[string]string{
		"8443":            `as ":8443"`,
		"localhost":       `as ":8443"`,
		"::1:8443":        `as ":8443"`,
		"http://:8443":    `as ":8443"`,
		":65536":          "from 1 to 65535",
		":https":          "from 1 to 65535",
		":":               "from 1 to 65535",
		"127.0.0.1:-8443": "from 1 to 65535",
	} {
		s := good()
		s.Listen = listen
		complains(t, listen, s.Check(), says)
	}
	s := good()
	s.Listen = ""
	complains(t, "none", s.CheckServing(), `want HOST:PORT`, `as ":8443"`)
}

func TestMailNeedsASenderAPortAndTLS(t *testing.T) {
	mailing := func(change func(*config.Settings)) error {
		s := good()
		s.SMTPHost, s.SMTPPort, s.SMTPTLS, s.MailFrom = "mail.example.com", 587, "starttls", "login@example.com"
		change(&s)
		return s.Check()
	}
	for name, change := range map[string]func(*config.Settings){
		"a server":            func(*config.Settings) {},
		"this machine":        func(s *config.Settings) { s.SMTPHost, s.SMTPTLS = "localhost", "none" },
		"its address":         func(s *config.Settings) { s.SMTPHost, s.SMTPTLS = "::1", "none" },
		"none, with the port": func(s *config.Settings) { s.SMTPHost, s.MailFrom = "", "" },
	} {
		if err := mailing(change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for says, change := range map[string]func(*config.Settings){
		"mail-from is missing": func(s *config.Settings) { s.MailFrom = "" },
		"an address alone":     func(s *config.Settings) { s.MailFrom = "Portvakt <login@example.com>" },
		"readable":             func(s *config.Settings) { s.SMTPTLS = "none" },
		"smtp-port 0":          func(s *config.Settings) { s.SMTPPort = 0 },
		"smtp-port 65536":      func(s *config.Settings) { s.SMTPPort = 65536 },
		"smtp-port -1":         func(s *config.Settings) { s.SMTPHost, s.SMTPPort = "", -1 },
	} {
		complains(t, says, mailing(change), says)
	}
}

func TestNetworksAndWaitsAreChecked(t *testing.T) {
	for says, change := range map[string]func(*config.Settings){
		"trusted-proxies": func(s *config.Settings) { s.TrustedProxies = []string{"10.0.0.0/8", "the proxy"} },
		"outbound-allow":  func(s *config.Settings) { s.OutboundAllow = []string{"10.0.0.0/33"} },
		"plain-delay":     func(s *config.Settings) { s.PlainDelay = -time.Second },
	} {
		s := good()
		change(&s)
		complains(t, says, s.Check(), says)
	}
}

func TestANetworkMayBeASingleAddress(t *testing.T) {
	got, err := config.Prefixes([]string{"10.0.0.0/8", " 192.0.2.1 ", "::1"})
	if err != nil || len(got) != 3 || got[0].String() != "10.0.0.0/8" || got[1].String() != "192.0.2.1/32" || got[2].String() != "::1/128" {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "10.0.0.0/33", "proxy.example.com", "10.0.0"} {
		if got, err := config.Prefixes([]string{bad}); err == nil || !strings.Contains(err.Error(), "10.0.0.0/8") {
			t.Errorf("%q: %v %v", bad, got, err)
		}
	}
}

func TestADataFolderLeavesRoomForTheSocket(t *testing.T) {
	s := good()
	s.DataDir = "/srv/" + strings.Repeat("x", 100-len("/srv//control.sock"))
	if err := s.CheckServing(); err != nil {
		t.Error(err)
	}
	s.DataDir += "x"
	complains(t, "one byte more", s.CheckServing(), "data", "too long", "101 bytes", "choose another folder")
	t.Chdir(t.TempDir())
	deep := strings.Repeat("y", 100)
	if err := os.Mkdir(deep, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(deep)
	s.DataDir = "."
	complains(t, "by where it stands", s.CheckServing(), "too long")
}

func TestACertificateIsReadBeforeServing(t *testing.T) {
	dir := t.TempDir()
	cert, key := pair(t, dir, "a")
	_, other := pair(t, dir, "b")
	empty, none := filepath.Join(dir, "empty.pem"), filepath.Join(dir, "none.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(cert, key string) error {
		s := good()
		s.TLSCert, s.TLSKey = cert, key
		return s.CheckServing()
	}
	if err := check(cert, key); err != nil {
		t.Error(err)
	}
	complains(t, "half of it", check(cert, ""), "belong together")
	complains(t, "no certificate", check(none, key), "tls-cert", none)
	complains(t, "no key", check(cert, none), "tls-key", none)
	complains(t, "another key", check(cert, other), "tls-cert", "tls-key", "does not match")
	complains(t, "an empty certificate", check(empty, key), "tls-cert", empty)
	complains(t, "an empty key", check(cert, empty), "tls-key", empty)
	s := good()
	s.TLSCert, s.TLSKey = none, none
	if err := s.Check(); err != nil {
		t.Errorf("a command that does not serve need not read the key: %v", err)
	}
}

// pair writes a certificate and its key.
func pair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"login.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, name+"-cert.pem"), filepath.Join(dir, name+"-key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
