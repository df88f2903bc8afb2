package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
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

// TestAClientOfOthersSpeaksWithPortvakt lets the npm package openid-client do what an app does. It is certified by the OpenID
// Foundation, checks each answer by the book, and knows nothing of Portvakt.
func TestAClientOfOthersSpeaksWithPortvakt(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules/openid-client/package.json")
	}
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("openid-client is not installed (e2e/install.sh fetches it): ", err)
	}
	onEitherEngine(t, func(t *testing.T, w *world) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		jwk := jose.JSONWebKey{Key: key, KeyID: "one", Algorithm: "ES256", Use: "sig"}
		private, err := jwk.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk.Public()}})
		if err != nil {
			t.Fatal(err)
		}
		const back = "http://127.0.0.1:9/back" // nobody listens there: the client reads the address alone
		register := func(rp control.RP) registered {
			t.Helper()
			rp.RedirectURIs, rp.PostLogoutRedirectURIs, rp.PKCE = []string{back}, []string{back}, true
			var made control.RP
			if err := control.InProcess(w.App.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", rp, &made); err != nil {
				t.Fatal(err)
			}
			return registered{ClientID: made.ClientID, Secret: made.ClientSecret, RedirectURI: back}
		}
		signed := register(control.RP{Name: "Signed", Options: control.Options{AuthMethod: control.PrivateKeyJWT, JWKS: public, RequirePAR: true, RequireSigned: true}})
		signed.Key = private
		in, err := json.Marshal(map[string]any{"issuer": w.Portvakt, "person": map[string]string{"address": bo, "password": demo.Password}, "apps": map[string]registered{
			"secret": register(control.RP{Name: "Secret"}), "signed": signed, "public": register(control.RP{Name: "Public", Public: true, RefreshTokens: true, RequireDPoP: true})}})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), node, "openid-client.mjs")
		cmd.Dir, cmd.Stdin = "clients", bytes.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if n := strings.Count(string(out), "ok "); n != 12 {
			t.Errorf("%d things have worked:\n%s", n, out)
		}
	})
}
