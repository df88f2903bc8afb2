package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"hash"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/secret"
)

// signer registers an RP that proves itself by signing, with its keys in the registration.
func (w *world) signer(h *holder, change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true, RefreshTokens: true,
		Options: control.Options{AuthMethod: control.PrivateKeyJWT, JWKS: h.set("one")}}
	for _, f := range change {
		f(&rp)
	}
	return w.register(rp)
}

// set is the holder's public key as a JWK Set.
func (h *holder) set(kid string) json.RawMessage {
	jwk := map[string]string{"kid": kid, "use": "sig", "alg": "ES256"}
	maps.Copy(jwk, h.jwk)
	return must(json.Marshal(map[string]any{"keys": []any{map[string]string{"kty": "oct-of-another-kind"}, jwk}}))
}

// assertion is an honest one (RFC 7523 §3), but for what changes says; nil takes a member away.
func (h *holder) assertion(clientID string, changes ...any) string {
	now := h.w.clock.Now().Unix()
	claims := map[string]any{"iss": clientID, "sub": clientID, "aud": issuer, "exp": now + 60, "iat": now, "jti": secret.NewID()}
	header := map[string]any{"alg": "ES256", "kid": "one"}
	for i := 0; i+1 < len(changes); i += 2 {
		in, name := claims, changes[i].(string)
		if inner, ok := strings.CutPrefix(name, "header "); ok {
			in, name = header, inner
		}
		if changes[i+1] == nil {
			delete(in, name)
			continue
		}
		in[name] = changes[i+1]
	}
	return h.sign(header, claims)
}

// signed calls an endpoint with an assertion.
func (w *world) signed(path, assertion string, pairs ...string) (int, map[string]any) {
	return w.call(path, control.RP{}, append([]string{"client_id", "", "client_assertion_type", grant.AssertionType, "client_assertion", assertion}, pairs...)...)
}

func TestAnAppProvesItselfByItsSignature(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		rp := w.signer(h)
		if rp.ClientSecret != "" || rp.Public {
			t.Fatalf("it got a secret, or counts as public: %+v", rp)
		}
		b, l := w.browser(), newLogin(rp)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		redeem := func(assertion string) (int, map[string]any) {
			return w.signed("/token", assertion, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier)
		}
		if status, answer := w.redeem(l, code); status != http.StatusUnauthorized {
			t.Errorf("as a public client: %d %v", status, answer)
		}
		used := h.assertion(rp.ClientID)
		status, tokens := redeem(used)
		if status != http.StatusOK || tokens["refresh_token"] == nil {
			t.Fatalf("redeem: %d %v", status, tokens)
		}
		refresh := []string{"grant_type", "refresh_token", "refresh_token", tokens["refresh_token"].(string)}
		if status, answer := w.signed("/token", used, refresh...); status != http.StatusUnauthorized || !strings.Contains(answer["error_description"].(string), "used before") {
			t.Errorf("the same assertion again: %d %v", status, answer)
		}
		if status, answer := w.signed("/token", h.assertion(rp.ClientID, "aud", []string{issuer + "/token"}), refresh...); status != http.StatusOK {
			t.Errorf("refresh: %d %v", status, answer)
		}
	})
}

func TestAnAssertionIsReadStrictly(t *testing.T) {
	w := on(t)
	h, stranger := w.holder(), w.holder()
	rp := w.signer(h)
	now := w.clock.Now().Unix()
	for name, c := range map[string]struct{ assertion, says string }{
		"by another key":          {stranger.assertion(rp.ClientID), "signature is wrong"},
		"by a key nobody knows":   {h.assertion(rp.ClientID, "header kid", "two"), "no key"},
		"without an algorithm":    {h.assertion(rp.ClientID, "header alg", "none"), "no key"},
		"with a shared secret":    {h.assertion(rp.ClientID, "header alg", "HS256"), "no key"},
		"for another server":      {h.assertion(rp.ClientID, "aud", "https://other.example"), "aud"},
		"for two servers":         {h.assertion(rp.ClientID, "aud", []string{issuer, "https://other.example"}), "aud"},
		"for nobody":              {h.assertion(rp.ClientID, "aud", []string{}), "aud"},
		"by another client":       {h.assertion(rp.ClientID, "iss", w.hrm.ClientID), "iss and sub"},
		"of another client":       {h.assertion(w.hrm.ClientID), "client authentication failed"},
		"without an end":          {h.assertion(rp.ClientID, "exp", nil), "exp"},
		"expired":                 {h.assertion(rp.ClientID, "exp", now-61), "clock"},
		"by a clock five ahead":   {h.assertion(rp.ClientID, "iat", now+300, "exp", now+360), "clock"},
		"by a clock five behind":  {h.assertion(rp.ClientID, "iat", now-300, "exp", now-240), "clock"},
		"not yet":                 {h.assertion(rp.ClientID, "nbf", now+300), "clock"},
		"for a day":               {h.assertion(rp.ClientID, "exp", now+86400), "an hour"},
		"until the end of time":   {h.assertion(rp.ClientID, "exp", 1e300), "clock"},
		"that is a request":       {h.assertion(rp.ClientID, "response_type", "code"), "request object"},
		"without a name":          {h.assertion(rp.ClientID, "jti", nil), "jti"},
		"of a critical extension": {h.assertion(rp.ClientID, "header crit", []string{"x"}), "cannot be read"},
		"of another type":         {h.assertion(rp.ClientID, "header typ", "dpop+jwt"), "cannot be read"},
		"that is no token":        {"a.b.c", "iss and sub"},
		"of 100 KB":               {h.assertion(rp.ClientID, "x", strings.Repeat("x", 100<<10)), "iss and sub"},
	} {
		status, answer := w.signed("/token", c.assertion, "grant_type", "client_credentials")
		if status != http.StatusUnauthorized || answer["error"] != "invalid_client" || !strings.Contains(answer["error_description"].(string), c.says) {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, answer := w.call("/token", control.RP{}, "client_id", rp.ClientID, "client_assertion", h.assertion(rp.ClientID)); status != http.StatusBadRequest {
		t.Errorf("without its type: %d %v", status, answer)
	}
	if status, answer := w.call("/token", w.hrm, "client_assertion_type", grant.AssertionType, "client_assertion", h.assertion(rp.ClientID)); status != http.StatusBadRequest {
		t.Errorf("beside a secret: %d %v", status, answer)
	}
}

// mac is a JWS of the header and the claims by a secret, as the header's algorithm says.
func mac(key string, header, claims map[string]any) string {
	signed := b64(must(json.Marshal(header))) + "." + b64(must(json.Marshal(claims)))
	m := hmac.New(map[any]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}[header["alg"]], []byte(key))
	m.Write([]byte(signed)) //nolint:errcheck // a hash cannot fail
	return signed + "." + b64(m.Sum(nil))
}

func TestAnAppProvesItselfByAMACWithItsSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rp := w.register(control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true, Options: control.Options{AuthMethod: "client_secret_jwt"}})
		now := w.clock.Now().Unix()
		assertion := func(key, alg string, changes ...any) string {
			claims := map[string]any{"iss": rp.ClientID, "sub": rp.ClientID, "aud": issuer, "exp": now + 60, "iat": now, "jti": secret.NewID()}
			for i := 0; i+1 < len(changes); i += 2 {
				claims[changes[i].(string)] = changes[i+1]
			}
			return mac(key, map[string]any{"alg": alg, "typ": "JWT"}, claims)
		}
		proven := func(assertion string) bool {
			status, answer := w.signed("/token", assertion, "grant_type", "client_credentials")
			if status == http.StatusUnauthorized && answer["error"] == "invalid_client" {
				return false
			}
			if answer["error"] != "unauthorized_client" {
				t.Fatalf("%d %v", status, answer)
			}
			return true
		}
		for _, alg := range []string{"HS256", "HS384", "HS512"} {
			once := assertion(rp.ClientSecret, alg)
			if !proven(once) || proven(once) {
				t.Errorf("%s: it must be good, and once", alg)
			}
		}
		h := w.holder()
		signer := w.signer(h)
		for name, bad := range map[string]string{
			"by another secret":        assertion(w.hrm.ClientSecret, "HS256"),
			"for another server":       assertion(rp.ClientSecret, "HS256", "aud", "https://other.example"),
			"expired":                  assertion(rp.ClientSecret, "HS256", "exp", now-61),
			"without a name":           assertion(rp.ClientSecret, "HS256", "jti", ""),
			"by a key":                 h.assertion(rp.ClientID),
			"without an algorithm":     h.assertion(rp.ClientID, "header alg", "none"),
			"by the public key as one": mac(string(h.set("one")), map[string]any{"alg": "HS256", "kid": "one"}, map[string]any{"iss": signer.ClientID, "sub": signer.ClientID, "aud": issuer, "exp": now + 60, "jti": "x"}),
		} {
			if proven(bad) {
				t.Errorf("%s it counts", name)
			}
		}
		if status, answer := w.call("/token", rp, "grant_type", "client_credentials"); status != http.StatusUnauthorized {
			t.Errorf("the secret itself, in the header: %d %v", status, answer)
		}
		if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, map[string]string{"token_endpoint_auth_signing_alg": "HS512"}, new(control.RP)); err != nil {
			t.Fatal(err)
		}
		if proven(assertion(rp.ClientSecret, "HS256")) || !proven(assertion(rp.ClientSecret, "HS512")) {
			t.Error("the one algorithm that it is registered for does not hold")
		}
		var fresh map[string]string
		if err := w.operator(http.MethodPost, "/relying-parties/"+rp.ClientID+"/secret", nil, &fresh); err != nil {
			t.Fatal(err)
		}
		if proven(assertion(rp.ClientSecret, "HS512")) || !proven(assertion(fresh["client_secret"], "HS512")) {
			t.Error("the former secret counts, or the new one does not")
		}
		if stored := w.askDB(`SELECT COUNT(*) FROM relying_parties WHERE client_id = '` + rp.ClientID + `' AND LENGTH(secret) > 0`); stored != "0" {
			t.Error("a hash of the secret stands beside it")
		}
		if err := w.operator(http.MethodDelete, "/relying-parties/"+rp.ClientID, nil, new(map[string]string)); err != nil {
			t.Fatal(err)
		}
		if left := w.askDB(`SELECT COUNT(*) FROM client_secrets`); left != "0" {
			t.Errorf("%s secrets stay behind", left)
		}
	})
}

func TestAnAppThatInsistsOnAWayIsTakenByNoOther(t *testing.T) {
	w := on(t)
	for _, method := range []control.AuthMethod{"client_secret_basic", "client_secret_post"} {
		rp := w.register(control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true, Options: control.Options{AuthMethod: method}})
		_, header := w.call("/token", rp, "grant_type", "client_credentials")
		_, body := w.call("/token", control.RP{ClientID: rp.ClientID}, "client_secret", rp.ClientSecret, "grant_type", "client_credentials")
		if byHeader := method == "client_secret_basic"; (header["error"] == "unauthorized_client") != byHeader || (body["error"] == "unauthorized_client") == byHeader {
			t.Errorf("%s: in the header %v, in the body %v", method, header, body)
		}
	}
}

func TestTwentyUsesOfOneAssertionOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		rp := w.signer(h)
		assertion, won := h.assertion(rp.ClientID), 0
		for status := range race(20, func() int {
			status, _ := w.signed("/par", assertion, "redirect_uri", rp.RedirectURIs[0], "response_type", "code", "scope", "openid",
				"code_challenge", strings.Repeat("x", 43), "code_challenge_method", "S256")
			return status
		}) {
			if status == http.StatusCreated {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d of 20 won", won)
		}
	})
}

// TestAKeyEndpointThatHangsCostsItsOwnAppAnAnswer: at the first contact there are no keys to go by. Everybody else is served while that app's
// server is waited for, and the app is told so: when its server's time is up, and at once the next time.
func TestAKeyEndpointThatHangsCostsItsOwnAppAnAnswer(t *testing.T) {
	w := on(t)
	h := w.holder()
	var asked atomic.Int32
	begun := make(chan struct{}, 9)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		rw.(http.Flusher).Flush() // it answers, and says no more: the time counts to the answer's end
		begun <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	rp, other := w.signer(h, func(rp *control.RP) { rp.JWKS, rp.JWKSURI = nil, server.URL }), w.signer(h)
	again := func(patience time.Duration) {
		if err := w.app.Close(); err != nil {
			t.Fatal(err)
		}
		w.patience = patience
		w.app = w.start()
	}
	ask := func(rp control.RP) (int, map[string]any) {
		return w.signed("/token", h.assertion(rp.ClientID), "grant_type", "refresh_token", "refresh_token", "x")
	}
	refused := func() {
		status, answer := ask(rp)
		if text, _ := answer["error_description"].(string); status != http.StatusUnauthorized || answer["error"] != "invalid_client" || !strings.Contains(text, "jwks_uri") {
			t.Errorf("%d %v", status, answer)
		}
	}

	again(time.Hour)
	var all sync.WaitGroup
	for range 3 {
		all.Go(refused)
	}
	<-begun
	if status, answer := ask(other); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
		t.Errorf("another app meanwhile: %d %v", status, answer)
	}
	server.CloseClientConnections()
	all.Wait()
	if asked.Load() != 1 {
		t.Errorf("it asked %d times for three", asked.Load())
	}

	again(100 * time.Millisecond)
	refused()
	refused() // by what was found out just now
	if asked.Load() != 2 {
		t.Errorf("it asked %d times", asked.Load()-1)
	}
}

// TestKeysThatAnAppPublishesAreReadAgainWhenTheyRotate holds how often Portvakt asks, and what an endpoint that hangs or is gone does.
func TestKeysThatAnAppPublishesAreReadAgainWhenTheyRotate(t *testing.T) {
	w := on(t)
	before, after := w.holder(), w.holder()
	var asked, broken atomic.Int32
	var set atomic.Value
	set.Store(before.set("one"))
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if broken.Load() != 0 {
			http.Redirect(rw, r, "http://169.254.169.254/", http.StatusFound) // which is not followed
			return
		}
		rw.Write(set.Load().(json.RawMessage)) //nolint:errcheck // a test's server
	}))
	t.Cleanup(server.Close)
	rp := w.signer(before, func(rp *control.RP) { rp.JWKS, rp.JWKSURI = nil, server.URL })
	good := func(h *holder, kid string) bool {
		status, answer := w.signed("/token", h.assertion(rp.ClientID, "header kid", kid), "grant_type", "refresh_token", "refresh_token", "x")
		if status == http.StatusBadRequest && answer["error"] == "invalid_grant" {
			return true
		}
		if status != http.StatusUnauthorized {
			t.Fatalf("%d %v", status, answer)
		}
		return false
	}
	for range 3 {
		if !good(before, "one") {
			t.Fatal("an honest assertion is refused")
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times for what it had", asked.Load())
	}
	set.Store(after.set("two"))
	w.clock.Advance(11 * time.Second)
	if !good(after, "two") || asked.Load() != 2 {
		t.Errorf("a new key is not found, after %d questions", asked.Load())
	}
	for range 5 {
		if good(before, "three") {
			t.Error("an unknown key is good")
		}
	}
	if asked.Load() != 2 {
		t.Errorf("unknown keys make it ask %d times", asked.Load())
	}
	broken.Store(1)
	w.clock.Advance(11 * time.Minute)
	if !good(after, "two") {
		t.Error("keys that could not be read anew are forgotten at once")
	}
	w.clock.Advance(time.Hour)
	if good(after, "two") {
		t.Error("keys that could not be read for an hour are still good")
	}
}

func TestWhatAnAppMayRegisterToProveItselfBy(t *testing.T) {
	w := on(t)
	h := w.holder()
	rp := func(o control.Options) control.RP {
		return control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true, Options: o}
	}
	private := json.RawMessage(strings.Replace(string(h.set("one")), `"crv"`, `"d":"AAAA","crv"`, 1))
	for name, o := range map[string]control.Options{
		"no keys":                  {AuthMethod: control.PrivateKeyJWT},
		"keys twice":               {AuthMethod: control.PrivateKeyJWT, JWKS: h.set("one"), JWKSURI: "https://payroll.example/jwks"},
		"a private key":            {AuthMethod: control.PrivateKeyJWT, JWKS: private},
		"no set":                   {AuthMethod: control.PrivateKeyJWT, JWKS: json.RawMessage(`{"kty":"EC"}`)},
		"an empty set":             {AuthMethod: control.PrivateKeyJWT, JWKS: json.RawMessage(`{"keys":[]}`)},
		"keys over http":           {AuthMethod: control.PrivateKeyJWT, JWKSURI: "http://payroll.example/jwks"},
		"an unknown way":           {AuthMethod: "tls_client_auth", JWKS: h.set("one")},
		"a key's alg for a MAC":    {AuthMethod: "client_secret_jwt", AuthAlg: "ES256"},
		"a MAC's alg for a key":    {AuthMethod: control.PrivateKeyJWT, JWKS: h.set("one"), AuthAlg: "HS256"},
		"an alg for a bare secret": {AuthMethod: "client_secret_basic", AuthAlg: "HS256"},
		"the name of none":         {AuthMethod: "none"},
	} {
		if err := w.operator(http.MethodPost, "/relying-parties", rp(o), new(control.RP)); err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	made := w.signer(h)
	if err := w.operator(http.MethodPost, "/relying-parties/"+made.ClientID+"/secret", nil, new(map[string]string)); err == nil {
		t.Error("an app that signs got a secret")
	}
	other := w.holder()
	if err := w.operator(http.MethodPatch, "/relying-parties/"+made.ClientID, control.RPChange{JWKS: other.set("one")}, new(control.RP)); err != nil {
		t.Fatal(err)
	}
	if status, answer := w.signed("/token", h.assertion(made.ClientID), "grant_type", "client_credentials"); status != http.StatusUnauthorized {
		t.Errorf("a key that was replaced: %d %v", status, answer)
	}
	if status, answer := w.signed("/token", other.assertion(made.ClientID), "grant_type", "client_credentials"); answer["error"] != "unauthorized_client" {
		t.Errorf("the new key: %d %v", status, answer)
	}
}
