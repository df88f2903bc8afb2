package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"html"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/secret"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// certificate makes one for two sites, and returns its files.
func certificate(t *testing.T, hosts ...string) (cert, key string) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	made := must(x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}, &x509.Certificate{SerialNumber: big.NewInt(1)}, &private.PublicKey, private))
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: made}, key: {Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(private))}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// overTLS starts Portvakt on a site of its own, where Bo has an account.
func overTLS(t *testing.T, cert, key string) (portvakt *app.App, issuer string) {
	t.Helper()
	l := must(net.Listen("tcp", "127.0.0.1:0"))
	issuer = fmt.Sprintf("https://login.portvakt.example:%d", l.Addr().(*net.TCPAddr).Port)
	o := cheap
	o.Log = slog.New(slog.NewJSONHandler(&logs, nil))
	ctx, stop := context.WithCancel(context.Background())
	portvakt = must(app.New(ctx, config.Settings{Issuer: issuer, DataDir: t.TempDir(), MasterKey: secret.NewMasterKey(), TLSCert: cert, TLSKey: key,
		SMTPHost: "127.0.0.1", SMTPPort: 9, SMTPTLS: "none", MailFrom: "login@portvakt.example"}, o))
	done := make(chan error, 1)
	go func() { done <- portvakt.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		portvakt.Close()
	})
	must(portvakt.Control.Provisioning.CreateAccount(ctx, provisioning.Newcomer{Address: bo, Verified: true, GivenName: "Bo", FamilyName: "Lind", Language: "sv", Password: demo.Password}))
	return portvakt, issuer
}

// vendorsServer listens on the port of all apps of a test, over TLS; its handler comes when they are registered.
func vendorsServer(t *testing.T, cert, key string) (server *http.Server, port string) {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{must(tls.LoadX509KeyPair(cert, key))}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Config, fmt.Sprintf(":%d", s.Listener.Addr().(*net.TCPAddr).Port)
}

// TestAnAppOnAnotherSiteOverTLS has Portvakt and an app on two sites, as in earnest: a browser sends no SameSite=Lax cookie along with a POST from one
// to the other. Ports of one host are the same site and would hide every such fault. The app posts its requests, which the standard lets it do
// (OIDC Core §3.1.2.1, RP-Initiated Logout §2).
func TestAnAppOnAnotherSiteOverTLS(t *testing.T) {
	t.Parallel()
	if chromium == nil {
		t.Skip(why)
	}
	cert, key := certificate(t, "login.portvakt.example", "hrm.vendor.example")
	portvakt, issuer := overTLS(t, cert, key)

	vendor, port := vendorsServer(t, cert, key)
	hrm := "https://hrm.vendor.example" + port
	var made control.RP
	if err := control.InProcess(portvakt.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties",
		control.RP{Name: "HRM", RedirectURIs: []string{hrm + "/callback"}, PostLogoutRedirectURIs: []string{hrm + "/out"}}, &made); err != nil {
		t.Fatal(err)
	}
	vendor.Handler = vendorsApp(t, issuer, hrm, made)

	b := chromium.Person(t, journey.World{Portvakt: issuer, HRM: hrm}, journey.Options{}, bo, "Bo")
	t.Cleanup(b.Close)
	b.Open(hrm)
	b.Press("Logga in")
	b.GiveAddress()
	b.GivePassword(demo.Password)
	b.See("Inloggad i HRM")
	b.Open(hrm)
	b.Press("Logga in")
	b.See("Inloggad i HRM") // without a question: the cookies came along
	b.Press("Logga ut")
	b.See("Utloggad ur HRM")
	b.Open(hrm)
	b.Press("Logga in")
	b.SeeRole("textbox", b.Words.Address)
	quiet(t, b.Browser, `favicon.ico`)
}

// vendorsApp posts its requests to Portvakt from pages of its own.
func vendorsApp(t *testing.T, issuer, hrm string, rp control.RP) http.Handler {
	form := func(action, button string, fields url.Values) string {
		var s strings.Builder
		fmt.Fprintf(&s, `<form method="post" action="%s">`, html.EscapeString(action))
		for name := range fields {
			fmt.Fprintf(&s, `<input type="hidden" name="%s" value="%s">`, name, html.EscapeString(fields.Get(name)))
		}
		return s.String() + "<button>" + button + "</button></form>"
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		page(w, "HRM", form(issuer+"/authorize", "Logga in", url.Values{"client_id": {rp.ClientID}, "redirect_uri": {hrm + "/callback"}, "response_type": {"code"},
			"scope": {"openid"}, "state": {"s1"}}))
	})
	mux.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("state") != "s1" {
			t.Error("the answer to another request")
		}
		page(w, "Inloggad i HRM", form(issuer+"/end_session", "Logga ut", url.Values{"id_token_hint": {redeem(t, r, issuer, hrm+"/callback", rp)}, "post_logout_redirect_uri": {hrm + "/out"}}))
	})
	mux.HandleFunc("GET /out", func(w http.ResponseWriter, _ *http.Request) { page(w, "Utloggad ur HRM", "") })
	return mux
}

// page answers with a page of an app.
func page(w http.ResponseWriter, heading, rest string) {
	_, _ = w.Write([]byte(`<!doctype html><html lang="sv"><meta charset="utf-8"><title>` + heading + "</title><h1>" + heading + "</h1>" + rest + "</html>"))
}

// redeem swaps the code that a browser has brought for an ID token.
func redeem(t *testing.T, r *http.Request, issuer, callback string, rp control.RP) (idToken string) {
	dial := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // the certificate of this test
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, _ := net.SplitHostPort(address)
			return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
		}}}
	ask, err := http.NewRequestWithContext(r.Context(), http.MethodPost, issuer+"/token", strings.NewReader(url.Values{"grant_type": {"authorization_code"},
		"code": {r.FormValue("code")}, "redirect_uri": {callback}}.Encode()))
	if err != nil {
		t.Error(err)
		return ""
	}
	ask.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	ask.SetBasicAuth(rp.ClientID, rp.ClientSecret)
	answer, err := dial.Do(ask)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer answer.Body.Close()
	var got struct {
		ID string `json:"id_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.ID == "" {
		t.Errorf("no ID token: %s, %v", answer.Status, err)
	}
	return got.ID
}
