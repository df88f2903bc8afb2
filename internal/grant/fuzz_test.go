package grant

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/token"
)

// app is one that signs, with whatever bytes it puts under its signature.
type app struct {
	relyingparty.RP
	key *ecdsa.PrivateKey
}

func newApp(t testing.TB) app {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	text := base64.RawURLEncoding.EncodeToString
	jwks := fmt.Sprintf(`{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","x":%q,"y":%q}]}`, text(point[1:33]), text(point[33:]))
	return app{relyingparty.RP{ClientID: "hrm", Name: "HRM", RedirectURIs: []string{"https://hrm.example/callback"},
		Options: relyingparty.Options{AuthMethod: relyingparty.PrivateKeyJWT, JWKS: json.RawMessage(jwks)}}, key}
}

func (a app) signs(t testing.TB, claims string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, a.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	var signature [64]byte
	return signed + "." + base64.RawURLEncoding.EncodeToString(slices.Concat(r.FillBytes(signature[:32]), s.FillBytes(signature[32:])))
}

// member is one of an object's members as encoding/json reads it, the last of a name.
func member(object, name string) any {
	var all map[string]any
	json.Unmarshal([]byte(object), &all) //nolint:errcheck // what cannot be read has none
	return all[name]
}

// FuzzRequestObject has an app sign anything: what counts is for us, of that app, not over, one value each, and holds no other request.
func FuzzRequestObject(f *testing.F) {
	s, a := service(f), newApp(f)
	f.Add(`{"iss":"hrm","aud":"https://login.example","exp":1764000000,"response_type":"code","max_age":5,"claims":{"id_token":null}}`)
	f.Add(`{"client_id":"hrm","aud":["x","https://login.example"],"nbf":1763971200.5,"scope":"openid","state":"å"}`)
	f.Add(`{"iss":"hrm","scope":["openid"],"request":"x"}`)
	f.Add(`{"iss":"hrm","scope":"a","scope":"b","Scope":"c"}`)
	f.Fuzz(func(t *testing.T, claims string) {
		q, signed, fault := s.unpack(t.Context(), url.Values{"request": {a.signs(t, claims)}, "scope": {"beside"}}, a.RP)
		if fault != nil {
			if fault.Description != ascii(fault.Description) {
				t.Errorf("%q is answered with %q", claims, fault.Description)
			}
			return
		}
		for name, values := range q {
			if len(values) != 1 || strings.HasPrefix(name, "request") || name == "exp" || name == "scope" && values[0] == "beside" && member(claims, "scope") != "beside" {
				t.Errorf("%q becomes %q", claims, q)
			}
		}
		exp, ends := member(claims, "exp").(float64)
		if !signed || q.Get("client_id") != a.ClientID || member(claims, "sub") == a.ClientID || ends && exp < float64(now.Add(-clockSkew).Unix()) {
			t.Errorf("%q counts as %q", claims, q)
		}
	})
}

// FuzzAssertion has an app sign anything: what proves it is for us, ends within the hour, and can be told from every other.
func FuzzAssertion(f *testing.F) {
	s, a := service(f), newApp(f)
	f.Add(`{"iss":"hrm","sub":"hrm","aud":"https://login.example","exp":1795507260,"jti":"1"}`)
	f.Add(`{"iss":"hrm","sub":"hrm","aud":["https://login.example/token"],"exp":1795507260.25,"nbf":1795507200,"iat":1795507200,"jti":"1"}`)
	f.Add(`{"iss":"hrm","sub":"hrm","aud":{},"exp":1e300,"jti":"\ud800"}`)
	f.Fuzz(func(t *testing.T, text string) {
		var c assertionClaims
		if s.verifyAssertion(t.Context(), a.RP, a.signs(t, text), &c) != nil {
			return
		}
		until, fault := s.judgeAssertion(a.RP, c, now)
		if fault != nil {
			return
		}
		if !until.After(now) || until.After(now.Add(maxAssertionLife+2*clockSkew)) || c.ID == "" {
			t.Errorf("%q counts until %v", text, until)
		}
		for _, one := range c.Audience.names {
			if !strings.HasPrefix(one, s.Issuer) {
				t.Errorf("%q is for %q", text, one)
			}
		}
	})
}

// FuzzAsk reads what an app asks of a person: what stands on her phone is short and plain, and the question ends.
func FuzzAsk(f *testing.F) {
	s, a := service(f), newApp(f)
	a.Options.Delivery = relyingparty.Poll
	f.Add("scope=openid&login_hint=anna%40example.com&binding_message=Order+42&requested_expiry=9999999999999999999")
	f.Add("scope=openid&login_hint=anna%40example.com&binding_message=%E2%80%AE42&requested_expiry=60&acr_values=x&claims=%7B%7D")
	f.Add("scope=openid&id_token_hint=x&login_hint_token=y&binding_message=a")
	f.Fuzz(func(t *testing.T, form string) {
		q, err := url.ParseQuery(form)
		if err != nil || q.Has("request") {
			return
		}
		ask, err := s.readAsk(t.Context(), a.RP, q)
		if err != nil {
			return
		}
		plain := func(c rune) bool { return c == ' ' || unicode.IsLetter(c) && !unicode.IsMark(c) || c > ' ' && c < 0x7f }
		if n := utf8.RuneCountInString(ask.Message); n < 1 || n > 20 || strings.ContainsFunc(ask.Message, func(c rune) bool { return !plain(c) }) {
			t.Errorf("on the phone stands %q", ask.Message)
		}
		if ask.life < 30*time.Second || ask.life > 5*time.Minute || !hasScope(ask.device.Scope, "openid") || ask.Identifier == "" {
			t.Errorf("%q is read as %+v", form, ask)
		}
	})
}

// FuzzReadUserCode types a device's code: what is read has letters of codes alone, and reads the same the second time.
func FuzzReadUserCode(f *testing.F) {
	f.Add("bcdf-ghjk")
	f.Add("ſ BCDF ıghjk")
	f.Fuzz(func(t *testing.T, typed string) {
		read := readUserCode(typed)
		if strings.Trim(read, token.UserCodeLetters) != "" || readUserCode(read) != read && len(read) <= 10*token.UserCodeLength || len(read) > len(typed) {
			t.Errorf("%q is read as %q, and that as %q", typed, read, readUserCode(read))
		}
	})
}

// FuzzReadHint has a token of ours to begin with, read once already: whatever becomes of it, nothing passes but that one.
func FuzzReadHint(f *testing.F) {
	s := service(f)
	master, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		f.Fatal(err)
	}
	var stored []signingkey.Stored
	for _, alg := range signingkey.Algs() {
		k, err := signingkey.Generate(alg, master, now.Add(-time.Hour))
		if err != nil {
			f.Fatal(err)
		}
		stored = append(stored, k)
	}
	if s.Sign, err = signingkey.Open(stored, master, s.Now); err != nil {
		f.Fatal(err)
	}
	good := map[string]bool{}
	for _, alg := range signingkey.Algs() {
		hint, err := s.Sign.Sign(alg, "JWT", idClaims{Issuer: s.Issuer, Subject: "anna", Audience: "hrm", Expires: now.Unix()})
		if err != nil {
			f.Fatal(err)
		}
		if _, ok := s.readHint(hint); !ok {
			f.Fatal("a hint of ours is not read")
		}
		good[hint] = true
		f.Add(hint)
	}
	f.Add("")
	f.Add("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbm5hIn0.")
	f.Fuzz(func(t *testing.T, hint string) {
		if c, ok := s.readHint(hint); ok != good[hint] {
			t.Errorf("%q: %t, %+v", hint, ok, c)
		}
	})
}
