package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// op is the smallest login service on which the samples work: it signs Anna in
// without a question. It shows that the samples lean on the protocols alone, and
// tries them in a browser where Portvakt itself is not the question.
type op struct {
	url      string
	stop     func()
	key      *ecdsa.PrivateKey
	mu       sync.Mutex
	codes    map[string]url.Values // the request behind a code
	refresh  string
	rotation int
	asked    int // how often the authorize endpoint was asked
	revoked  bool
	ended    bool
}

func newOP(t *testing.T) *op {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &op{key: key, codes: map[string]url.Values{}}
	o.url, o.stop = serveUntil(t, func(string) http.Handler { return o.handler() })
	return o
}

func (o *op) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("/jwks", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("GET /authorize", o.authorize)
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("GET /userinfo", o.userinfo)
	mux.HandleFunc("POST /revoke", func(http.ResponseWriter, *http.Request) { o.note(&o.revoked) })
	mux.HandleFunc("GET /end_session", o.endSession)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "Authorization")
		if r.Method != http.MethodOptions {
			mux.ServeHTTP(w, r)
		}
	})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (o *op) note(flag *bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	*flag = true
}

func (o *op) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer": o.url, "jwks_uri": o.url + "/jwks", "authorization_endpoint": o.url + "/authorize",
		"token_endpoint": o.url + "/token", "userinfo_endpoint": o.url + "/userinfo",
		"end_session_endpoint": o.url + "/end_session", "revocation_endpoint": o.url + "/revoke",
		"authorization_response_iss_parameter_supported": true,
		"id_token_signing_alg_values_supported":          []string{"ES256"},
	})
}

func (o *op) authorize(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	q, code := r.URL.Query(), rand.Text()
	o.codes[code] = q
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {o.url}}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusSeeOther)
}

func (o *op) token(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	request := o.codes[r.PostFormValue("code")]
	delete(o.codes, r.PostFormValue("code"))
	if request == nil && (r.PostFormValue("refresh_token") != o.refresh || o.refresh == "") {
		w.WriteHeader(http.StatusBadRequest)
		answer(w, map[string]string{"error": "invalid_grant"})
		return
	}
	client := r.PostFormValue("client_id")
	if request != nil {
		client = request.Get("client_id")
	}
	o.rotation++
	o.refresh = "r" + strconv.Itoa(o.rotation)
	answer(w, map[string]any{
		"access_token": "at", "token_type": "Bearer", "refresh_token": o.refresh,
		"id_token": o.idToken(client, request.Get("nonce")),
	})
}

func (o *op) idToken(client, nonce string) string {
	now := time.Now()
	claims := map[string]any{
		"iss": o.url, "aud": client, "sub": "anna", "sid": "s", "nonce": nonce,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: o.key, KeyID: "k"}}, nil)
	if err != nil {
		panic(err)
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return raw
}

func (o *op) userinfo(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"sub": "anna", "given_name": "Anna", "email": "anna.svensson@foretaget.example",
		"urn:portvakt:person": []map[string]string{{"organisation": "foretaget", "key": "1001"}},
	})
}

func (o *op) endSession(w http.ResponseWriter, r *http.Request) {
	o.endTokens()
	o.note(&o.ended)
	q := r.URL.Query()
	http.Redirect(w, r, q.Get("post_logout_redirect_uri")+"?state="+q.Get("state"), http.StatusSeeOther)
}

func (o *op) endTokens() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refresh = ""
}
