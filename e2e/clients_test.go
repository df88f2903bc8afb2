package e2e

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
)

// registered is an app as a foreign client is told of it.
type registered struct {
	ClientID    string          `json:"client_id"`
	Secret      string          `json:"client_secret,omitempty"`
	RedirectURI string          `json:"redirect_uri"`
	Key         json.RawMessage `json:"key,omitempty"` // with its private half
}

// TestAClientOfOthersSpeaksWithPortvakt lets clients that others have written do what an app does: the npm package openid-client, which
// is certified by the OpenID Foundation, Python's Authlib, and Java's oauth2-oidc-sdk. They check each answer by the book, and know nothing of Portvakt.
func TestAClientOfOthersSpeaksWithPortvakt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		program, script, installed string
		things                     int // that have worked
	}{
		{"node", "openid-client.mjs", "node_modules/openid-client/package.json", 16},
		{"python3", "authlib_client.py", "clients/python/authlib/__init__.py", 6},
		{"java", "Nimbus.java", "clients/java", 6},
	} {
		t.Run(c.script, func(t *testing.T) {
			t.Parallel()
			program := installedOr(t, c.program, c.installed)
			onEitherEngine(t, func(t *testing.T, w *world) {
				cmd := exec.CommandContext(t.Context(), program, c.script)
				cmd.Dir, cmd.Stdin = "clients", bytes.NewReader(w.forClients())
				cmd.Env = clientsEnv()
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
				if n := strings.Count(string(out), "ok "); n != c.things {
					t.Errorf("%d things have worked:\n%s", n, out)
				}
			})
		})
	}
}

// TestAServerOfOthersLogsPeopleIn has Bo log in to, and out of, the servers that docs/relying-parties.md shows. Each is built on a library of others; beside his
// browser stands somebody who brings answers of his own.
func TestAServerOfOthersLogsPeopleIn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ program, script, installed string }{
		{"node", "server.mjs", "node_modules/openid-client/package.json"},
		{"python3", "server.py", "clients/python/authlib/__init__.py"},
		{"java", "Server.java", "clients/java"},
	} {
		t.Run(c.script, func(t *testing.T) {
			t.Parallel()
			program := installedOr(t, c.program, c.installed)
			w := begin(t)
			app := w.server(program, c.script)
			b := w.bo(journey.Options{})
			b.Open(app)
			b.Press("Log in")
			b.GiveAddress()
			b.GivePassword(demo.Password)
			b.See("Hello Bo Lind")
			b.At(app + "/")
			b.Open(app + "/callback?code=x&state=x&iss=" + url.QueryEscape(w.Portvakt))
			b.See("That did not work") // and he stays logged in
			w.deceives(app, b.Cookies(w.Portvakt))
			b.Open(app)
			b.Press("Log out")
			b.See("Nobody is logged in")
			b.Press("Log in")
			b.SeeRole("textbox", b.Words.Address) // at Portvakt as well
			quiet(t, b.Browser, `favicon.ico`, `400 \(Bad Request\)`)
		})
	}
}

// server starts a program of the folder clients, which listens where it likes, behind an address that was registered beforehand.
func (w *world) server(program, script string) (address string) {
	w.t.Helper()
	var behind url.URL
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&behind) }})
	w.t.Cleanup(front.Close)
	var made control.RP
	rp := control.RP{Name: "App", PKCE: true, RedirectURIs: []string{front.URL + "/callback"}, PostLogoutRedirectURIs: []string{front.URL + "/"}, InitiateLoginURI: front.URL + "/login"}
	if err := control.InProcess(w.App.Control.Handler()).Do(w.t.Context(), http.MethodPost, "/relying-parties", rp, &made); err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.CommandContext(w.t.Context(), program, script)
	cmd.Dir, cmd.Env = "clients", append(clientsEnv(), "ISSUER="+w.Portvakt, "CLIENT_ID="+made.ClientID, "CLIENT_SECRET="+made.ClientSecret, "BASE_URL="+front.URL, "PORT=0")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = cmd.Wait() }) // it was ended with the test
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		w.t.Fatalf("it does not listen: %v\n%s", err, complaints.String())
	}
	at, err := url.Parse(strings.TrimSpace(line))
	if err != nil {
		w.t.Fatal(err)
	}
	behind = *at
	return front.URL
}

// deceives brings a server answers that are not what its login has asked for: each has a good code, for somebody who is logged in at Portvakt by these
// cookies.
func (w *world) deceives(app string, cookies map[string]string) {
	w.t.Helper()
	for _, c := range []struct {
		name   string
		change func(q url.Values)
		status int
	}{
		{"its own answer", func(url.Values) {}, http.StatusSeeOther},
		{"another state", func(q url.Values) { q.Set("state", "x") }, http.StatusBadRequest},
		{"no state", func(q url.Values) { q.Del("state") }, http.StatusBadRequest},
		{"another provider's", func(q url.Values) { q.Set("iss", "https://evil.example") }, http.StatusBadRequest},
		{"nobody's", func(q url.Values) { q.Del("iss") }, http.StatusBadRequest},
		{"another code", func(q url.Values) { q.Set("code", "x") }, http.StatusBadRequest},
		{"an error", func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") }, http.StatusBadRequest},
	} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			w.t.Fatal(err)
		}
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		get := func(address string, cookies map[string]string) (status int, to *url.URL) {
			w.t.Helper()
			ask, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, address, nil)
			if err != nil {
				w.t.Fatal(err)
			}
			for name, value := range cookies {
				ask.AddCookie(&http.Cookie{Name: name, Value: value})
			}
			answer, err := client.Do(ask)
			if err != nil {
				w.t.Fatal(err)
			}
			answer.Body.Close()
			to, _ = answer.Location()
			return answer.StatusCode, to
		}
		_, to := get(app+"/login?login_hint="+url.QueryEscape(bo), nil)
		if to == nil || to.Query().Get("login_hint") != bo || to.Query().Get("nonce") == "" {
			w.t.Fatalf("a login leads to %v", to)
		}
		_, back := get(to.String(), cookies)
		if back == nil || back.Query().Get("code") == "" {
			w.t.Fatalf("no answer: %v", back)
		}
		q := back.Query()
		c.change(q)
		back.RawQuery = q.Encode()
		if status, _ := get(back.String(), nil); status != c.status {
			w.t.Errorf("%s: %d, want %d", c.name, status, c.status)
		}
		if status, _ := get(back.String(), nil); status != http.StatusBadRequest {
			w.t.Errorf("%s, a second time: %d", c.name, status)
		}
	}
}

// installedOr finds a program, and skips the test where it, or what it needs, is missing.
func installedOr(t *testing.T, program, needs string) (path string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		_, err = os.Stat(needs)
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("it is not installed (e2e/install.sh fetches it): ", err)
	}
	return path
}

func clientsEnv() []string { // the demo is http on this machine
	return append(os.Environ(), "PYTHONPATH=python", "PYTHONDONTWRITEBYTECODE=1", "AUTHLIB_INSECURE_TRANSPORT=1", "CLASSPATH=java/*")
}

// forClients registers apps of each kind and tells of them, and of a person who logs in, as JSON.
func (w *world) forClients() []byte {
	w.t.Helper()
	must := func(b []byte, err error) []byte {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
		return b
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		w.t.Fatal(err)
	}
	jwk := jose.JSONWebKey{Key: key, KeyID: "one", Algorithm: "ES256", Use: "sig"}
	public := must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}}))
	const back = "http://127.0.0.1:9/back" // nobody listens there: a client reads the address alone
	register := func(rp control.RP, private []byte) registered {
		w.t.Helper()
		if len(rp.RedirectURIs) == 0 {
			rp.RedirectURIs, rp.PostLogoutRedirectURIs = []string{back}, []string{back}
		}
		rp.PKCE = true
		var made control.RP
		if err := control.InProcess(w.App.Control.Handler()).Do(w.t.Context(), http.MethodPost, "/relying-parties", rp, &made); err != nil {
			w.t.Fatal(err)
		}
		return registered{ClientID: made.ClientID, Secret: made.ClientSecret, RedirectURI: made.RedirectURIs[0], Key: private}
	}
	private := must(jwk.MarshalJSON())
	signs := control.Options{AuthMethod: control.PrivateKeyJWT, JWKS: public}
	strict, held, sealed := signs, signs, signs
	strict.RequirePAR, strict.RequireSigned = true, true
	held.FAPI = "message-signing"
	sealed.JWKS = must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public(), {Key: key.Public(), KeyID: "one", Use: "enc"}}}))
	sealed.AnswerSigned, sealed.AnswerEncryptedAlg, sealed.IDTokenEncryptedAlg, sealed.UserinfoEncryptedAlg = "ES256", "ECDH-ES", "ECDH-ES", "ECDH-ES"
	sealed.UserinfoAlg = "ES256"
	sealed.AnswerEncryptedEnc, sealed.IDTokenEncryptedEnc, sealed.UserinfoEncryptedEnc = "A256GCM", "A256GCM", "A256GCM"
	logout, heard := w.ear()
	return must(json.Marshal(map[string]any{"issuer": w.Portvakt, "heard": heard, "person": map[string]string{"address": bo, "password": demo.Password}, "apps": map[string]registered{
		"secret": register(control.RP{Name: "Secret"}, nil), "keyed": register(control.RP{Name: "Keyed", RefreshTokens: true, Options: signs}, private),
		"signed": register(control.RP{Name: "Signed", Options: strict}, private),
		"front":  register(control.RP{Name: "Front", Options: control.Options{ResponseTypes: []string{"id_token", "code id_token"}}}, nil),
		"sealed": register(control.RP{Name: "Sealed", Options: sealed}, private),
		"told":   register(control.RP{Name: "Told", RefreshTokens: true, BackchannelLogoutURI: logout}, nil),
		"fapi":   register(control.RP{Name: "Bank", RefreshTokens: true, RedirectURIs: []string{"https://127.0.0.1:9/back"}, Options: held}, private),
		"public": register(control.RP{Name: "Public", Public: true, RefreshTokens: true, RequireDPoP: true}, nil)}}))
}

// ear is the server of an app that is told of a sign-out: at heard it says by which token, once it has been told.
func (w *world) ear() (logout, heard string) {
	tokens := make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /logout", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case tokens <- r.PostFormValue("logout_token"):
		default: // it was told already
		}
	})
	mux.HandleFunc("GET /heard", func(rw http.ResponseWriter, r *http.Request) {
		select {
		case token := <-tokens:
			io.WriteString(rw, token) //nolint:errcheck // a test's server
		case <-r.Context().Done():
		}
	})
	server := httptest.NewServer(mux)
	w.t.Cleanup(server.Close)
	return server.URL + "/logout", server.URL + "/heard"
}
