package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/control"
)

// response opens a signed answer.
func (l rp) response(t testing.TB, signed string) map[string]any {
	t.Helper()
	if head := header(t, signed); head["typ"] != "oauth-authz-resp+jwt" || head["alg"] != l.AnswerSigned {
		t.Errorf("header: %v", head)
	}
	c := claims(t, signed)
	if c["iss"] != issuer || c["aud"] != l.ClientID || c["exp"] == nil || c["state"] != l.state {
		t.Errorf("answer: %v", c)
	}
	return c
}

// TestAnAnswerCanBeSigned walks through the modes of JARM §2.3, and what is refused.
func TestAnAnswerCanBeSigned(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.inFront(func(rp *control.RP) { rp.AnswerSigned = "RS256" })
		b, l := w.browser(), newLogin(c)
		only := func(q url.Values) string {
			t.Helper()
			if len(q) != 1 || q.Get("response") == "" {
				t.Fatalf("not one signed answer: %v", q)
			}
			return q.Get("response")
		}
		b.get(l.authorize("response_mode", "jwt")).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		code := l.response(t, only(mustURL(b.leads()).Query()))["code"].(string)
		if status, answer := w.redeem(l, code); status != http.StatusOK {
			t.Errorf("after the password: %d %v", status, answer)
		}
		for mode, cut := range map[string]string{"jwt": "#", "fragment.jwt": "#"} {
			l := newLogin(c)
			b.get(l.authorize("response_type", "code id_token", "response_mode", mode))
			at, response, _ := strings.Cut(b.leads(), cut)
			got := l.response(t, only(must(url.ParseQuery(response))))
			if at != l.redirect || got["code"] == nil || got["id_token"] == nil {
				t.Errorf("%s: %v at %s", mode, got, at)
			}
		}
		l = newLogin(c)
		b.get(l.authorize("response_mode", "form_post.jwt", "scope", "email")).expect(http.StatusOK)
		if got := l.response(t, only(b.fields())); got["error"] != "invalid_scope" || strings.Contains(b.body, "Du är inloggad") {
			t.Errorf("an error: %v\n%s", got, plain(b.body))
		}
		l = newLogin(c)
		b.get(l.authorize("response_mode", "query.jwt", "prompt", "login consent none"))
		if got := l.response(t, only(mustURL(b.leads()).Query())); got["error"] != "invalid_request" {
			t.Errorf("an error in the query: %v", got)
		}
		// An answer is no ID token: as a hint of who was signed in it counts for nothing.
		if to := b.get("/end_session?" + url.Values{"id_token_hint": {only(mustURL(b.leads()).Query())}}.Encode()).last.StatusCode; to != http.StatusBadRequest {
			t.Errorf("an answer as a hint: %d", to)
		}
		for name, pairs := range map[string][]string{"tokens in the query": {"response_type", "code token", "response_mode", "query.jwt"}, "an unknown mode": {"response_mode", "smoke.jwt"}} {
			l := newLogin(c)
			if to := b.get(l.authorize(pairs...)).leads(); !strings.Contains(to, "error=invalid_request") {
				t.Errorf("%s: %s", name, to)
			}
		}
		l = newLogin(w.hrm)
		if to := b.get(l.authorize("response_mode", "jwt")).leads(); !strings.HasPrefix(to, l.redirect+"?error=invalid_request") {
			t.Errorf("an app that is not registered for it: %s", to)
		}
	})
}

// opener holds a key to which Portvakt encrypts.
type opener struct{ key *ecdsa.PrivateKey }

func (o opener) set() json.RawMessage {
	return must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "enc", Use: "enc"}}}))
}

func (o opener) open(t testing.TB, sealed string) string {
	t.Helper()
	jwe, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.ECDH_ES, jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM, jose.A128CBC_HS256})
	if err != nil {
		t.Fatalf("%v: %s", err, sealed)
	}
	plain, err := jwe.Decrypt(o.key)
	if err != nil || jwe.Header.KeyID != "enc" {
		t.Fatalf("%v: %v", err, jwe.Header)
	}
	return string(plain)
}

func TestWhatAnAppIsToldCanBeEncryptedToItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := opener{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
		c := w.inFront(func(rp *control.RP) {
			rp.JWKS, rp.IDTokenEncryptedAlg, rp.AnswerSigned, rp.AnswerEncryptedAlg, rp.AnswerEncryptedEnc = o.set(), "ECDH-ES", "ES256", "ECDH-ES+A256KW", "A256GCM"
		})
		b, l := w.browser(), newLogin(c)
		status, tokens := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass)))
		if status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, tokens)
		}
		if id := claims(t, o.open(t, tokens["id_token"].(string))); id["nonce"] != l.nonce || id["at_hash"] != half(tokens["access_token"].(string)) {
			t.Errorf("the ID token: %v", id)
		}
		if status, answer := w.refresh(c, tokens["refresh_token"].(string)); status != http.StatusOK || claims(t, o.open(t, answer["id_token"].(string)))["aud"] != c.ClientID {
			t.Errorf("refreshed: %d %v", status, answer)
		}
		for alg, kind := range map[string]string{"": "JSON", "ES256": "a JWT"} {
			change := control.RPChange{Metadata: json.RawMessage(`{"userinfo_encrypted_response_alg":"ECDH-ES","userinfo_signed_response_alg":"` + alg + `"}`)}
			if err := w.operator(http.MethodPatch, "/relying-parties/"+c.ClientID, change, &struct{}{}); err != nil {
				t.Fatal(err)
			}
			rec := w.serve(userinfoRequest("Bearer", tokens["access_token"].(string)))
			info := o.open(t, rec.Body.String())
			if kind == "a JWT" {
				info = string(must(json.Marshal(claims(t, info))))
			}
			if rec.Header().Get("Content-Type") != "application/jwt" || !strings.Contains(info, `"email":"`+bosAddress) {
				t.Errorf("userinfo as %s: %v %s", kind, rec.Header(), info)
			}
		}
		l = newLogin(c)
		b.get(l.authorize("response_type", "code id_token", "response_mode", "jwt"))
		_, response, _ := strings.Cut(b.leads(), "#response=")
		answer := l.response(t, o.open(t, response))
		if id := claims(t, o.open(t, answer["id_token"].(string))); id["c_hash"] != half(answer["code"].(string)) {
			t.Errorf("the answer: %v", answer)
		}
	})
}

func TestEncryptionIsRegisteredWithAKeyForIt(t *testing.T) {
	w := on(t)
	o := opener{must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
	for text, change := range map[string]func(*control.RP){
		"need the app's public keys": func(rp *control.RP) { rp.IDTokenEncryptedAlg = "ECDH-ES" },
		"have none to which":         func(rp *control.RP) { rp.JWKS, rp.IDTokenEncryptedAlg = o.set(), "RSA-OAEP-256" },
		"none to which tokens":       func(rp *control.RP) { rp.JWKS, rp.UserinfoEncryptedAlg = w.holder().set("sig"), "ECDH-ES" },
		"tokens are encrypted by":    func(rp *control.RP) { rp.JWKS, rp.IDTokenEncryptedAlg = o.set(), "RSA1_5" },
		"with A256GCM":               func(rp *control.RP) { rp.JWKS, rp.IDTokenEncryptedEnc = o.set(), "A256GCM" },
		"signed before":              func(rp *control.RP) { rp.JWKS, rp.AnswerEncryptedAlg = o.set(), "ECDH-ES" },
		"answers are signed by":      func(rp *control.RP) { rp.AnswerSigned = "none" },
		"one public key that signs":  func(rp *control.RP) { rp.JWKS, rp.AuthMethod = o.set(), control.PrivateKeyJWT },
	} {
		rp := control.RP{Name: "Payroll", RedirectURIs: []string{"https://payroll.example.com/callback"}, PKCE: true}
		change(&rp)
		w.refuses(http.MethodPost, "/relying-parties", rp, text)
	}
	// What an app publishes at an address can be gone: then its people are told, and nothing leaves in the clear.
	c := w.inFront(func(rp *control.RP) { rp.JWKSURI, rp.IDTokenEncryptedAlg = "https://127.0.0.1:1/keys", "ECDH-ES" })
	b, l := w.browser(), newLogin(c)
	if status, answer := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass))); status != http.StatusServiceUnavailable || answer["error"] != "server_error" || answer["id_token"] != nil {
		t.Errorf("the keys cannot be read: %d %v", status, answer)
	}
	l = newLogin(c)
	b.get(l.authorize("response_type", "code id_token"))
	if got := l.fragment(t, b.leads()); got.Get("error") != "server_error" || got.Has("id_token") || got.Has("code") {
		t.Errorf("the keys cannot be read, by way of the browser: %v", got)
	}
}
