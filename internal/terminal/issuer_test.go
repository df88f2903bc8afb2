package terminal_test

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// issuer speaks the protocol's other side, by its page alone and with another library than the program under test. It is strict:
// what the page calls a MUST is an error of the test.
type issuer struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	now      time.Time
	nonces   map[string]bool // they can be used again, as the server's own: two requests at once may have the same
	polls    int             // at /token, while nobody has decided
	decision string          // "", "approve", "deny", "expire"
	slow     int             // how many polls are answered with slow_down
	failing  int             // how many requests are answered with 503
	lost     int             // how many answers to refreshes get lost on their way

	jkt      string          // of the paired key
	wrapping jose.JSONWebKey // its key for decryption
	name     string
	refresh  map[string]string // token → its successor; "" while it is the newest
	access   map[string]bool
	refreshs int
	removed  bool
	last     bool
	noStream bool

	requests []map[string]any
	answers  []map[string]any
	how      map[string]string // request id → what became of it
	changed  chan struct{}     // closed at each change
}

const goodCode = "7K3MABCDEFGH0123456789JKMN"

func newIssuer(t *testing.T) *issuer {
	i := &issuer{t: t, now: time.Now(), nonces: map[string]bool{}, refresh: map[string]string{}, access: map[string]bool{}, how: map[string]string{}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /push/pair", i.pair)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /push/account", i.with("2fa.push:read", i.account))
	mux.HandleFunc("DELETE /push/account", i.with("2fa.push:delete", i.leave))
	mux.HandleFunc("GET /push/challenges", i.with("2fa.push:read", i.challenges))
	mux.HandleFunc("POST /push/challenges/{id}", i.with("2fa.push:approve", i.answer))
	mux.HandleFunc("GET /push/events", i.with("2fa.push:read", i.events))
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		fail := i.failing > 0
		if fail {
			i.failing--
		}
		i.mu.Unlock()
		if fail {
			http.Error(w, "<html>a proxy's page</html>", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(i.Close)
	return i
}

// change changes the issuer's state and wakes its streams.
func (i *issuer) change(do func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	do()
	close(i.changed)
	i.changed = make(chan struct{})
}

// nonce makes a fresh one and puts it into the answer.
func (i *issuer) nonce(w http.ResponseWriter) {
	n := rand.Text()
	i.nonces[n] = true
	w.Header().Set("DPoP-Nonce", n)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the client has gone away
}

func fail(w http.ResponseWriter, status int, code string) {
	reply(w, status, map[string]string{"error": code, "reference": "REF"})
}

// proven checks a DPoP proof and returns its key's thumbprint; "" after an answer of failure.
func (i *issuer) proven(w http.ResponseWriter, r *http.Request, status int) (jkt string) {
	jws, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		i.t.Errorf("%s: DPoP: %v", r.URL, err)
		fail(w, status, "invalid_dpop_proof")
		return ""
	}
	h := jws.Signatures[0].Protected
	if h.ExtraHeaders["typ"] != "dpop+jwt" || h.JSONWebKey == nil || !h.JSONWebKey.IsPublic() {
		i.t.Errorf("%s: header %v", r.URL, h)
	}
	var c struct {
		ID, HTM, HTU, Nonce, Ath string
		IAT                      int64
		JTI                      string
	}
	plain, err := jws.Verify(h.JSONWebKey)
	if err != nil || json.Unmarshal(plain, &c) != nil {
		i.t.Errorf("%s: proof: %v", r.URL, err)
	}
	if c.HTM != r.Method || c.HTU != i.URL+r.URL.Path || len(c.JTI) < 16 {
		i.t.Errorf("%s: claims %s", r.URL, plain)
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP "); ok {
		if sum := sha256.Sum256([]byte(token)); c.Ath != base64.RawURLEncoding.EncodeToString(sum[:]) {
			i.t.Errorf("%s: ath %q", r.URL, c.Ath)
		}
	}
	known := i.nonces[c.Nonce]
	i.nonce(w)
	if !known {
		fail(w, status, "use_dpop_nonce")
		return ""
	}
	sum, err := h.JSONWebKey.Thumbprint(crypto.SHA256)
	if err != nil {
		i.t.Error(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

func (i *issuer) pair(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	jkt := i.proven(w, r, http.StatusUnauthorized)
	if jkt == "" {
		return
	}
	var in struct {
		Code, Name, Lang string
		Key              jose.JSONWebKey
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil || !in.Key.IsPublic() {
		i.t.Errorf("pair: %v", err)
	}
	switch {
	case in.Code != goodCode:
		fail(w, http.StatusNotFound, "invalid_code")
	case i.jkt != "":
		fail(w, http.StatusConflict, "already_used")
	default:
		i.jkt, i.wrapping, i.name = jkt, in.Key, in.Name
		reply(w, http.StatusOK, map[string]any{"device_code": "dev-1", "comparison": "ABC1", "expires_in": 600, "interval": 2, "unknown": []int{1}})
	}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	jkt := i.proven(w, r, http.StatusBadRequest)
	if jkt == "" {
		return
	}
	if r.FormValue("client_id") != "portvakt-authenticator" || jkt != i.jkt {
		fail(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if r.FormValue("grant_type") == "refresh_token" {
		i.renew(w, r.FormValue("refresh_token"))
		return
	}
	if r.FormValue("grant_type") != "urn:ietf:params:oauth:grant-type:device_code" || r.FormValue("device_code") != "dev-1" {
		i.t.Errorf("token: %v", r.Form)
	}
	i.polls++
	switch {
	case i.slow > 0:
		i.slow--
		fail(w, http.StatusBadRequest, "slow_down")
	case i.decision == "":
		fail(w, http.StatusBadRequest, "authorization_pending")
	case i.decision == "deny":
		fail(w, http.StatusBadRequest, "access_denied")
	case i.decision == "expire":
		fail(w, http.StatusBadRequest, "expired_token")
	default:
		first := "refresh-0"
		i.refresh[first] = ""
		i.tokens(w, first)
	}
}

// renew rotates a refresh token; the same one again gets the same successor while that one is unused.
func (i *issuer) renew(w http.ResponseWriter, old string) {
	next, known := i.refresh[old]
	if i.removed || !known || next != "" && i.refresh[next] != "" {
		fail(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	if next == "" {
		i.refreshs++
		next = fmt.Sprintf("refresh-%d", i.refreshs)
		i.refresh[old], i.refresh[next] = next, ""
	}
	if i.lost > 0 {
		i.lost--
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			i.t.Error(err)
			return
		}
		c.Close()
		return
	}
	i.tokens(w, next)
}

func (i *issuer) tokens(w http.ResponseWriter, refresh string) {
	access := rand.Text()
	i.access[access] = true
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "DPoP", "expires_in": 600, "refresh_token": refresh, "scope": "2fa.push:read"})
}

// with lets requests with a good token through. The handler is called with the lock held, but for events.
func (i *issuer) with(_ string, handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		jkt := i.proven(w, r, http.StatusUnauthorized)
		if jkt == "" {
			return
		}
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP "); !ok || !i.access[token] || jkt != i.jkt || i.removed {
			w.Header().Set("WWW-Authenticate", `DPoP error="invalid_token"`)
			w.WriteHeader(http.StatusUnauthorized) // without a body: the header tells
			return
		}
		handle(w, r)
	}
}

const cillasKey = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func (i *issuer) account(w http.ResponseWriter, _ *http.Request) {
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: i.wrapping.Key}, nil)
	if err != nil {
		i.t.Error(err)
		return
	}
	jwe, err := encrypter.Encrypt([]byte(`{"secret":"` + cillasKey + `","algorithm":"SHA1","digits":6,"period":30}`))
	if err != nil {
		i.t.Error(err)
		return
	}
	totp, err := jwe.CompactSerialize()
	if err != nil {
		i.t.Error(err)
	}
	reply(w, http.StatusOK, map[string]any{"key_id": "key-1", "account": "sub-1", "name": "Anna\x1b[2J Svensson", "address": "anna@foretaget.example", "employer": "Företaget AB",
		"device": i.name, "totp": totp, "vapid": map[string]string{"id": "v", "key": "k"}, "subscribed": false, "lost_token": "l", "now": i.now.UnixMilli()})
}

func (i *issuer) leave(w http.ResponseWriter, _ *http.Request) {
	if i.last {
		fail(w, http.StatusConflict, "last")
		return
	}
	i.removed = true
	w.WriteHeader(http.StatusNoContent)
}

// ask makes a request wait.
// compared is what an app asks about.
const compared = "Kassa 4-17"

func (i *issuer) ask(id, purpose, mode string, numbers ...string) {
	i.change(func() {
		if numbers == nil {
			numbers = []string{}
		}
		i.requests = append(i.requests, map[string]any{"id": id, "nonce": "nonce " + id, "attempt": "attempt " + id, "purpose": purpose, "mode": mode, "numbers": numbers,
			"client_id": "hrm", "exp": i.now.Unix() + 120 + int64(len(i.requests)),
			"shown": map[string]any{"message": map[string]string{"message": compared}[mode], "app": "HRM", "browser": "Chrome", "device": "Windows", "place": "Sverige\x1b]0;x\x07", "address": "203.0.113.7", "time": 1764432000000, "more": map[string]any{"a": 1}}})
	})
}

func (i *issuer) waits() (all []map[string]any) {
	for _, r := range slices.Backward(i.requests) {
		if i.how[r["id"].(string)] == "" {
			all = append(all, r)
		}
	}
	return all
}

func (i *issuer) challenges(w http.ResponseWriter, _ *http.Request) {
	all := i.waits()
	if all == nil {
		all = []map[string]any{}
	}
	reply(w, http.StatusOK, map[string]any{"challenges": all, "now": i.now.UnixMilli()})
}

func (i *issuer) answer(w http.ResponseWriter, r *http.Request) {
	var in struct{ Answer string }
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &in) != nil {
		i.t.Errorf("answer: %s %v", body, err)
	}
	id := r.PathValue("id")
	n := slices.IndexFunc(i.requests, func(one map[string]any) bool { return one["id"] == id })
	if n < 0 {
		fail(w, http.StatusNotFound, "not_found")
		return
	}
	claims := i.opened(in.Answer, i.requests[n])
	if how := i.how[id]; how != "" && (how != "denied" || claims["decision"] != "not_me") {
		reply(w, http.StatusConflict, map[string]string{"error": "gone", "how": how})
		return
	}
	i.answers = append(i.answers, claims)
	result := map[string]string{"approve": "approved", "deny": "denied", "not_me": "reported"}[claims["decision"].(string)]
	if result == "approved" && i.requests[n]["mode"] != "none" && claims["number"] != "42" && claims["number"] != "123456" && claims["number"] != compared {
		result = "wrong_number"
	}
	i.how[id] = map[string]string{"approved": "approved"}[result]
	if i.how[id] == "" {
		i.how[id] = "denied"
	}
	close(i.changed)
	i.changed = make(chan struct{})
	reply(w, http.StatusOK, map[string]string{"result": result})
}

// opened verifies an answer against its request (§6).
func (i *issuer) opened(token string, request map[string]any) map[string]any {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		i.t.Fatalf("answer: %v", err)
	}
	h := jws.Signatures[0].Protected
	if h.KeyID != "key-1" || h.ExtraHeaders["typ"] != "portvakt-approval+jwt" {
		i.t.Errorf("answer's header: %v", h)
	}
	var claims map[string]any
	if err := json.Unmarshal(jws.UnsafePayloadWithoutVerification(), &claims); err != nil {
		i.t.Error(err)
	}
	want, err := json.Marshal(request)
	if err != nil {
		i.t.Error(err)
	}
	var asked map[string]any
	json.Unmarshal(want, &asked) //nolint:errcheck // just written
	for _, name := range []string{"nonce", "attempt", "purpose", "client_id", "shown", "exp"} {
		if fmt.Sprint(claims[name]) != fmt.Sprint(asked[name]) {
			i.t.Errorf("answer's %s is %v, asked was %v", name, claims[name], asked[name])
		}
	}
	if claims["iss"] != "key-1" || claims["aud"] != i.URL || claims["sub"] != "sub-1" || claims["challenge"] != asked["id"] {
		i.t.Errorf("answer: %v", claims)
	}
	return claims
}

func (i *issuer) events(w http.ResponseWriter, r *http.Request) {
	if i.noStream {
		http.Error(w, "<html>no such page</html>", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	told := map[string]string{}
	for {
		i.write(w, told)
		if i.removed {
			fmt.Fprint(w, "event: removed\ndata: {}\n\n")
			return
		}
		w.(http.Flusher).Flush()
		changed := i.changed
		i.mu.Unlock()
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		i.mu.Lock()
		if r.Context().Err() != nil {
			return
		}
	}
}

func (i *issuer) write(w io.Writer, told map[string]string) {
	fmt.Fprint(w, ": hello\n\n")
	for _, one := range i.requests {
		id := one["id"].(string)
		how := i.how[id]
		before, known := told[id]
		text, err := json.Marshal(one)
		if err != nil {
			i.t.Error(err)
		}
		switch {
		case !known && how == "":
			fmt.Fprintf(w, "event: challenge\ndata: %s\n\n", text)
		case known && before == "" && how != "":
			fmt.Fprintf(w, "event:gone\ndata: {\"id\": %q,\ndata: \"how\": %q, \"elsewhere\": true}\n\n", id, how)
		}
		told[id] = how
	}
}
