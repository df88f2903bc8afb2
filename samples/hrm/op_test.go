package hrm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
)

// op plays the login service: it hands out whatever the test put into it.
type op struct {
	*httptest.Server
	t       *testing.T
	key     *ecdsa.PrivateKey
	id      map[string]any // claims of the id token
	info    map[string]any // userinfo
	refuse  string         // the token endpoint's error
	request url.Values     // of the last token request
}

func newOP(t *testing.T) *op {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := &op{t: t, key: key, id: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("GET /jwks", o.jwks)
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("GET /userinfo", func(w http.ResponseWriter, _ *http.Request) { o.answer(w, o.info) })
	o.Server = httptest.NewServer(mux)
	t.Cleanup(o.Close)
	o.info = map[string]any{
		"sub": "sub-anna", "email": "anna.svensson@foretaget.example",
		"urn:portvakt:person": []personClaim{{Organisation: "foretaget", Key: "1001"}},
	}
	return o
}

func (o *op) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		o.t.Error(err)
	}
}

func (o *op) discovery(w http.ResponseWriter, _ *http.Request) {
	o.answer(w, map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/authorize", "token_endpoint": o.URL + "/token",
		"jwks_uri": o.URL + "/jwks", "userinfo_endpoint": o.URL + "/userinfo",
		"end_session_endpoint":                           o.URL + "/end_session",
		"authorization_response_iss_parameter_supported": true,
		"id_token_signing_alg_values_supported":          []string{"ES256"},
	})
}

func (o *op) jwks(w http.ResponseWriter, _ *http.Request) {
	o.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
}

func (o *op) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		o.t.Error(err)
	}
	o.request = r.PostForm
	if id, secret, _ := r.BasicAuth(); id != "hrm" || secret != "s3cret" {
		o.t.Errorf("client %q %q", id, secret)
	}
	if o.refuse != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		o.answer(w, map[string]string{"error": o.refuse})
		return
	}
	o.answer(w, map[string]any{"access_token": "at", "token_type": "Bearer", "id_token": o.sign(o.key, "JWT", o.id)})
}

func (o *op) sign(key *ecdsa.PrivateKey, typ string, claims map[string]any) string {
	o.t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		o.t.Fatal(err)
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		o.t.Fatal(err)
	}
	return raw
}

// world is an HRM, its login service, a clock and a browser.
type world struct {
	*testing.T
	op      *op
	app     *App
	url     string
	now     time.Time
	browser *http.Client
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{T: t, op: newOP(t), now: time.Now().Truncate(time.Second)}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	cfg := Config{
		Issuer: w.op.URL, ClientID: "hrm", ClientSecret: "s3cret", BaseURL: w.url,
		Organisation: "foretaget", Employer: "Företaget AB", Lang: "sv",
		Employees: map[string]Employee{"1001": {FirstName: "Anna", LastName: "Svensson", Title: "Lagerledare"}},
		Now:       func() time.Time { return w.now },
	}
	for _, c := range change {
		c(&cfg)
	}
	w.app = New(cfg)
	server.Config.Handler = w.app.Handler()
	server.Start()
	t.Cleanup(server.Close)
	w.browser = newBrowser(t)
	return w
}

// newBrowser keeps cookies and stops at each redirect.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// begin presses Logga in and returns the request that reaches the login service.
func (w *world) begin(path string) url.Values {
	w.Helper()
	res := w.get(path)
	target, err := res.Location()
	if err != nil {
		w.Fatalf("%s: %s: %v", path, res.Status, err)
	}
	return target.Query()
}

// finish comes back from the login service as the person that the op describes.
func (w *world) finish(request url.Values, change ...func(url.Values)) *http.Response {
	w.Helper()
	if w.op.id["sub"] == nil {
		w.op.id["sub"] = "sub-anna"
	}
	claims := map[string]any{
		"iss": w.op.URL, "aud": "hrm", "sid": "sid-1", "nonce": request.Get("nonce"),
		"iat": w.now.Unix(), "exp": w.now.Add(time.Hour).Unix(),
	}
	for name, value := range w.op.id {
		claims[name] = value
	}
	w.op.id = claims
	answer := url.Values{"code": {"c"}, "state": {request.Get("state")}, "iss": {w.op.URL}}
	for _, c := range change {
		c(answer)
	}
	res := w.get("/callback?" + answer.Encode())
	w.op.id = map[string]any{}
	return res
}

func (w *world) signIn() {
	w.Helper()
	if res := w.finish(w.begin("/login")); res.StatusCode != http.StatusSeeOther {
		w.Fatalf("sign-in: %s", res.Status)
	}
}

func (w *world) challengeFits(request url.Values) bool {
	return request.Get("code_challenge") == oauth2.S256ChallengeFromVerifier(w.op.request.Get("code_verifier"))
}
