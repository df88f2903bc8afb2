package signingkey_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func clock() time.Time { return now.Add(2 * time.Hour) }

func master(t *testing.T) *secret.Master {
	t.Helper()
	m, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fewAskFor are the algorithms of which there is no key from the beginning.
var fewAskFor = []signingkey.Alg{signingkey.PS256, signingkey.EdDSA}

func keys(t *testing.T, m *secret.Master, more ...signingkey.Alg) []signingkey.Stored {
	t.Helper()
	var all []signingkey.Stored
	for _, alg := range append(signingkey.Algs(), more...) {
		k, err := signingkey.Generate(alg, m, now)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, k)
	}
	return all
}

type claims struct {
	Subject string `json:"sub"`
}

func TestWhatIsSignedVerifiesUnderItsOwnTypeAlone(t *testing.T) {
	m := master(t)
	set, err := signingkey.Open(keys(t, m, fewAskFor...), m, clock)
	if err != nil {
		t.Fatal(err)
	}
	other, err := signingkey.Open(keys(t, m), m, clock)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range append(signingkey.Algs(), fewAskFor...) {
		token, err := set.Sign(alg, "at+jwt", claims{"anna"})
		if err != nil {
			t.Fatal(err)
		}
		var got claims
		if err := set.Verify(token, "at+jwt", &got); err != nil || got.Subject != "anna" {
			t.Errorf("%s: %v %+v", alg, err, got)
		}
		part := strings.Split(token, ".")
		for name, bad := range map[string]error{
			"an access token as an ID token": set.Verify(token, "JWT", &got),
			"of another issuer's keys":       other.Verify(token, "at+jwt", &got),
			"with other claims":              set.Verify(part[0]+"."+encode(`{"sub":"eva"}`)+"."+part[2], "at+jwt", &got),
			"without a signature":            set.Verify(part[0]+"."+part[1]+".", "at+jwt", &got),
			"alg none":                       set.Verify(encode(`{"alg":"none","typ":"at+jwt"}`)+"."+part[1]+".", "at+jwt", &got),
			"alg HS256 with the public key":  set.Verify(encode(`{"alg":"HS256","typ":"at+jwt"}`)+"."+part[1]+"."+part[2], "at+jwt", &got),
			"two parts":                      set.Verify(part[0]+"."+part[1], "at+jwt", &got),
			"nothing":                        set.Verify("", "at+jwt", &got),
		} {
			if bad == nil {
				t.Errorf("%s: %s was accepted", alg, name)
			}
		}
	}
	if _, err := set.Sign(signingkey.ES256, "made+up", claims{}); err == nil {
		t.Error("an unknown typ was signed")
	}
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func TestTheNewestKeySignsAndAllVerify(t *testing.T) {
	m := master(t)
	old := keys(t, m)
	before, err := signingkey.Open(old, m, clock)
	if err != nil {
		t.Fatal(err)
	}
	token, err := before.Sign(signingkey.ES256, "JWT", claims{"anna"})
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := signingkey.Generate(signingkey.ES256, m, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	after, err := signingkey.Open(append([]signingkey.Stored{fresh}, old...), m, clock)
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Verify(token, "JWT", &claims{}); err != nil {
		t.Errorf("the old key's token: %v", err)
	}
	again, err := after.Sign(signingkey.ES256, "JWT", claims{"anna"})
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Verify(again, "JWT", &claims{}); err == nil {
		t.Error("the old key still signs")
	}
	var jwks struct{ Keys []map[string]any }
	if err := json.Unmarshal(after.JWKS(), &jwks); err != nil || len(jwks.Keys) != 3 {
		t.Fatalf("%v: %s", err, after.JWKS())
	}
	for _, k := range jwks.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if k[private] != nil {
				t.Errorf("the JWKS tells %q", private)
			}
		}
		if k["kid"] == "" || k["use"] != "sig" || k["alg"] == nil {
			t.Errorf("key %v", k)
		}
	}
}

func TestAForeignMasterKeyOpensNothing(t *testing.T) {
	if _, err := signingkey.Open(keys(t, master(t)), master(t), clock); err == nil {
		t.Error("keys opened under a foreign master key")
	}
	if _, err := signingkey.Open(nil, master(t), clock); err == nil {
		t.Error("a set without keys was made")
	}
}
