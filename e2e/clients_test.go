package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

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
			program, err := exec.LookPath(c.program)
			if err == nil {
				_, err = os.Stat(c.installed)
			}
			if err != nil {
				if os.Getenv("CI") != "" {
					t.Fatal(err)
				}
				t.Skip("it is not installed (e2e/install.sh fetches it): ", err)
			}
			onEitherEngine(t, func(t *testing.T, w *world) {
				cmd := exec.CommandContext(t.Context(), program, c.script)
				cmd.Dir, cmd.Stdin = "clients", bytes.NewReader(w.forClients())
				cmd.Env = append(os.Environ(), "PYTHONPATH=python", "PYTHONDONTWRITEBYTECODE=1", "AUTHLIB_INSECURE_TRANSPORT=1", "CLASSPATH=java/*") // the demo is http on this machine
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
