package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// keyed is a program that holds a key and asks as HRM Mobile does: with proofs of it (RFC 9449).
type keyed struct {
	t      *testing.T
	signer jose.Signer
	nonce  string
}

func newKeyed(t *testing.T) *keyed {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	return &keyed{t: t, signer: signer}
}

// token asks the token endpoint, once more where a nonce is asked for, and returns the answer's texts.
func (h *keyed) token(w *world, form url.Values) (int, map[string]string) {
	h.t.Helper()
	status, texts := h.once(w, form)
	if texts["error"] == "use_dpop_nonce" {
		return h.once(w, form)
	}
	return status, texts
}

func (h *keyed) once(w *world, form url.Values) (int, map[string]string) {
	h.t.Helper()
	claims := map[string]any{"jti": rand.Text(), "htm": http.MethodPost, "htu": w.Portvakt + "/token", "iat": time.Now().Unix(), "nonce": h.nonce}
	proof, err := jwt.Signed(h.signer).Claims(claims).Serialize()
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, w.Portvakt+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("DPoP", proof)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	h.nonce = res.Header.Get("DPoP-Nonce")
	var all map[string]any
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		h.t.Fatal(err)
	}
	texts := map[string]string{}
	for name, value := range all {
		if s, ok := value.(string); ok {
			texts[name] = s
		}
	}
	return res.StatusCode, texts
}
