package signingkey_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/signingkey"
)

func b64(b []byte) string { return encode(string(b)) }

func newP256(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k, publicEC(t, k)
}

func publicEC(t testing.TB, k *ecdsa.PrivateKey) string {
	t.Helper()
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, b64(point[1:33]), b64(point[33:]))
}

// signES256 puts a compact JWS together, whatever the header says.
func signES256(t testing.TB, k *ecdsa.PrivateKey, header, payload string) string {
	t.Helper()
	signed := encode(header) + "." + encode(payload)
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

func proofHeader(alg, jwk string) string {
	return fmt.Sprintf(`{"typ":"dpop+jwt","alg":"%s","jwk":%s}`, alg, jwk)
}

func TestAProofIsGoodByItsOwnKeyInEachAlgorithm(t *testing.T) {
	const payload = `{"sub":"anna"}`
	ec, ecJWK := newP256(t)
	big2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaJWK := fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64(big2048.N.Bytes()))
	signed := map[string]string{"ES256": signES256(t, ec, proofHeader("ES256", ecJWK), payload)}
	for alg, sign := range map[string]func([]byte) ([]byte, error){
		"RS256": func(m []byte) ([]byte, error) {
			sum := sha256.Sum256(m)
			return rsa.SignPKCS1v15(rand.Reader, big2048, crypto.SHA256, sum[:])
		},
		"PS256": func(m []byte) ([]byte, error) {
			sum := sha256.Sum256(m)
			return rsa.SignPSS(rand.Reader, big2048, crypto.SHA256, sum[:], &rsa.PSSOptions{SaltLength: 32})
		},
	} {
		text := encode(proofHeader(alg, rsaJWK)) + "." + encode(payload)
		signature, err := sign([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		signed[alg] = text + "." + b64(signature)
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := encode(proofHeader("EdDSA", fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","x":"%s"}`, b64(edPublic)))) + "." + encode(payload)
	signed["EdDSA"] = text + "." + b64(ed25519.Sign(ed, []byte(text)))
	for _, alg := range signingkey.ProofAlgs() {
		var got claims
		key, err := signingkey.VerifyProof(signed[alg], "dpop+jwt", &got)
		if err != nil || got.Subject != "anna" {
			t.Errorf("%s: %v %+v", alg, err, got)
		}
		if jkt, err := signingkey.Thumbprint(key.JWK); err != nil || jkt != key.Thumbprint || len(jkt) != 43 {
			t.Errorf("%s: the thumbprint of what was returned is %q %v, not %q", alg, jkt, err, key.Thumbprint)
		}
		if key.IsP256() != (alg == "ES256") {
			t.Errorf("%s: P-256: %t", alg, key.IsP256())
		}
	}
}

func TestAProofThatIsNotOneIsRefused(t *testing.T) {
	const payload = `{"sub":"anna"}`
	k, jwk := newP256(t)
	other, otherJWK := newP256(t)
	good := signES256(t, k, proofHeader("ES256", jwk), payload)
	part := strings.Split(good, ".")
	macWith := func(secret []byte) string {
		text := encode(proofHeader("HS256", jwk)) + "." + encode(payload)
		m := hmac.New(sha256.New, secret)
		m.Write([]byte(text))
		return text + "." + b64(m.Sum(nil))
	}
	oct := `{"kty":"oct","k":"` + encode("secret") + `"}`
	octProof := func() string {
		text := encode(proofHeader("HS256", oct)) + "." + encode(payload)
		m := hmac.New(sha256.New, []byte("secret"))
		m.Write([]byte(text))
		return text + "." + b64(m.Sum(nil))
	}()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	smallProof := "a.b.c"
	if err == nil { // newer versions of Go refuse to make one
		text := encode(proofHeader("RS256", fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":"%s"}`, b64(small.N.Bytes())))) + "." + encode(payload)
		sum := sha256.Sum256([]byte(text))
		if signature, err := rsa.SignPKCS1v15(rand.Reader, small, crypto.SHA256, sum[:]); err == nil {
			smallProof = text + "." + b64(signature)
		}
	}
	edPublic, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	edProof := encode(proofHeader("EdDSA", fmt.Sprintf(`{"kty":"OKP","crv":"X25519","x":"%s"}`, b64(edPublic)))) + "." + encode(payload)
	edProof += "." + b64(ed25519.Sign(ed, []byte(edProof)))
	d, err := k.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	private := strings.TrimSuffix(jwk, "}") + `,"d":"` + b64(d) + `"}`
	// One bit of y is turned: no point of the curve has these two coordinates.
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	point[64] ^= 1
	offCurve := fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, b64(point[1:33]), b64(point[33:]))
	for name, proof := range map[string]string{
		"of another key":                       signES256(t, other, proofHeader("ES256", jwk), payload),
		"with the private key":                 signES256(t, k, proofHeader("ES256", private), payload),
		"with an empty private part":           signES256(t, k, proofHeader("ES256", strings.TrimSuffix(jwk, "}")+`,"d":""}`), payload),
		"without a key":                        signES256(t, k, `{"typ":"dpop+jwt","alg":"ES256"}`, payload),
		"with a key that is null":              signES256(t, k, proofHeader("ES256", "null"), payload),
		"of another typ":                       signES256(t, k, `{"typ":"JWT","alg":"ES256","jwk":`+jwk+`}`, payload),
		"of a typ in capitals":                 signES256(t, k, `{"typ":"DPOP+JWT","alg":"ES256","jwk":`+jwk+`}`, payload),
		"without a typ":                        signES256(t, k, `{"alg":"ES256","jwk":`+jwk+`}`, payload),
		"whose typ is named otherwise":         signES256(t, k, `{"TYP":"dpop+jwt","alg":"ES256","jwk":`+jwk+`}`, payload),
		"with something critical":              signES256(t, k, `{"typ":"dpop+jwt","alg":"ES256","crit":["b64"],"b64":true,"jwk":`+jwk+`}`, payload),
		"with two keys in one header":          signES256(t, k, `{"typ":"dpop+jwt","alg":"ES256","jwk":`+otherJWK+`,"jwk":`+jwk+`}`, payload),
		"alg none":                             encode(proofHeader("none", jwk)) + "." + part[1] + ".",
		"alg none with the signature":          encode(proofHeader("none", jwk)) + "." + part[1] + "." + part[2],
		"alg HS256 with the public key":        macWith([]byte(jwk)),
		"alg HS256 with the coordinates":       macWith(point[1:]),
		"alg HS256 with a key of its own":      octProof,
		"alg RS256 over an EC key":             signES256(t, k, proofHeader("RS256", jwk), payload),
		"by a key for another algorithm":       signES256(t, k, proofHeader("ES256", strings.TrimSuffix(jwk, "}")+`,"alg":"ES384"}`), payload),
		"alg ES384 over P-256":                 signES256(t, k, proofHeader("ES384", jwk), payload),
		"an RSA key of 1024 bits":              smallProof,
		"a key that signs nothing":             edProof,
		"alg EdDSA over an EC key":             signES256(t, k, proofHeader("EdDSA", jwk), payload),
		"a point that is not on the curve":     signES256(t, k, proofHeader("ES256", offCurve), payload),
		"another payload":                      part[0] + "." + encode(`{"sub":"eva"}`) + "." + part[2],
		"a payload that is no JSON":            signES256(t, k, proofHeader("ES256", jwk), "anna"),
		"no signature":                         part[0] + "." + part[1] + ".",
		"two parts":                            part[0] + "." + part[1],
		"four parts":                           good + ".x",
		"two proofs in one field":              good + ", " + good,
		"the JSON serialisation":               `{"protected":"` + part[0] + `","payload":"` + part[1] + `","signature":"` + part[2] + `"}`,
		"nothing":                              "",
		"more than four thousand characters":   signES256(t, k, proofHeader("ES256", jwk), `{"sub":"`+strings.Repeat("a", 4000)+`"}`),
		"padding behind":                       good + "=",
		"a line break in it":                   part[0] + "\n." + part[1] + "." + part[2],
		"the certificate's way of naming keys": signES256(t, k, `{"typ":"dpop+jwt","alg":"ES256","kid":"1"}`, payload),
	} {
		var got claims
		if key, err := signingkey.VerifyProof(proof, "dpop+jwt", &got); err == nil {
			t.Errorf("%s was accepted, by %s", name, key.JWK)
		}
	}
	said := signES256(t, k, proofHeader("ES256", strings.TrimSuffix(jwk, "}")+`,"alg":"ES256"}`), payload)
	for name, proof := range map[string]string{"the honest one": good, "by a key that says its algorithm": said} {
		if _, err := signingkey.VerifyProof(proof, "dpop+jwt", &claims{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The key of RFC 7638 §3.1, whose thumbprint the RFC computes.
func TestTheThumbprintIsThatOfTheRFC(t *testing.T) {
	const jwk = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`
	if got, err := signingkey.Thumbprint([]byte(jwk)); err != nil || got != "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" {
		t.Errorf("%q %v", got, err)
	}
}

func TestTheSameKeyIsTheSameTextHoweverItWasWritten(t *testing.T) {
	k, jwk := newP256(t)
	var members map[string]string
	if err := json.Unmarshal([]byte(jwk), &members); err != nil {
		t.Fatal(err)
	}
	written := fmt.Sprintf(`{ "y":"%s", "use":"sig", "kid":"x", "x":"%s", "crv":"P-256", "kty":"EC" }`, members["y"], members["x"])
	first, err := signingkey.VerifyProof(signES256(t, k, proofHeader("ES256", jwk), `{}`), "dpop+jwt", &claims{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := signingkey.VerifyProof(signES256(t, k, proofHeader("ES256", written), `{}`), "dpop+jwt", &claims{})
	if err != nil || string(first.JWK) != string(second.JWK) || first.Thumbprint != second.Thumbprint {
		t.Errorf("%v\n%s\n%s", err, first.JWK, second.JWK)
	}
	if want := fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, members["x"], members["y"]); string(first.JWK) != want {
		t.Errorf("%s, want %s", first.JWK, want)
	}
}

func TestAnAnswerIsVerifiedByTheKeyThatIsKnownAndNotByItsOwn(t *testing.T) {
	k, jwk := newP256(t)
	other, otherJWK := newP256(t)
	const typ = "portvakt-approval+jwt"
	head := func(alg string) string { return `{"alg":"` + alg + `","typ":"` + typ + `"}` }
	var got claims
	if err := signingkey.VerifyBy([]byte(jwk), signES256(t, k, head("ES256"), `{"sub":"anna"}`), typ, &got); err != nil || got.Subject != "anna" {
		t.Errorf("%v %+v", err, got)
	}
	for name, token := range map[string]string{
		"another key":                   signES256(t, other, head("ES256"), `{}`),
		"another key that it brings":    signES256(t, other, `{"alg":"ES256","typ":"`+typ+`","jwk":`+otherJWK+`}`, `{}`),
		"another typ":                   signES256(t, k, `{"alg":"ES256","typ":"dpop+jwt"}`, `{}`),
		"no typ":                        signES256(t, k, `{"alg":"ES256"}`, `{}`),
		"alg none":                      encode(head("none")) + "." + encode(`{}`) + ".",
		"alg EdDSA":                     signES256(t, k, head("EdDSA"), `{}`),
		"a signature in ASN.1":          asn1Signed(t, k, head("ES256")),
		"a signature of zeros":          encode(head("ES256")) + "." + encode(`{}`) + "." + b64(make([]byte, 64)),
		"a payload without its object":  signES256(t, k, head("ES256"), `[]`),
		"something critical in the way": signES256(t, k, `{"alg":"ES256","typ":"`+typ+`","crit":["exp"],"exp":1}`, `{}`),
	} {
		if err := signingkey.VerifyBy([]byte(jwk), token, typ, &claims{}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	for name, bad := range map[string]string{"no JSON": "x", "nothing": "", "another kind of key": `{"kty":"oct","k":"eA"}`,
		"Ed25519": `{"kty":"OKP","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}`} {
		if err := signingkey.VerifyBy([]byte(bad), signES256(t, k, head("ES256"), `{}`), typ, &claims{}); !errors.Is(err, signingkey.ErrKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func asn1Signed(t *testing.T, k *ecdsa.PrivateKey, header string) string {
	t.Helper()
	signed := encode(header) + "." + encode(`{}`)
	sum := sha256.Sum256([]byte(signed))
	der, err := ecdsa.SignASN1(rand.Reader, k, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return signed + "." + b64(der)
}

func TestWhatIsEncryptedToAKeyOpensWithItAlone(t *testing.T) {
	k, jwk := newP256(t)
	other, _ := newP256(t)
	sealed, err := signingkey.EncryptTo([]byte(jwk), []byte("the key for codes"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := signingkey.EncryptTo([]byte(jwk), []byte("the key for codes"))
	if err != nil || again == sealed {
		t.Errorf("the same twice: %v", err)
	}
	jwe, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := jwe.Decrypt(k); err != nil || string(plain) != "the key for codes" {
		t.Errorf("%q %v", plain, err)
	}
	if _, err := jwe.Decrypt(other); err == nil {
		t.Error("another key opens it")
	}
	point := new(big.Int).SetBytes([]byte{1}).FillBytes(make([]byte, 32))
	for name, bad := range map[string]string{
		"a point that is not on the curve": fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, b64(point), b64(point)),
		"another curve":                    `{"kty":"EC","crv":"P-384","x":"` + b64(make([]byte, 48)) + `","y":"` + b64(make([]byte, 48)) + `"}`,
		"the point at infinity":            fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, b64(make([]byte, 32)), b64(make([]byte, 32))),
		"a short coordinate":               `{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ"}`,
		"no JSON":                          "{",
	} {
		if _, err := signingkey.EncryptTo([]byte(bad), []byte("x")); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzVerifyProof(f *testing.F) {
	// Signed beforehand: the fuzzer's processes must agree on it.
	const jwk = `{"kty":"EC","crv":"P-256","x":"wxlZPnBaTaAwACw9vOEdRycSPsMP-d6ELnfBzIv_yjk","y":"Za1SIlgspKSFluvbWUqAlE1IZy9JwSNj-iXuqXROGK8"}`
	good := encode(proofHeader("ES256", jwk)) + "." + encode(`{"sub":"anna"}`) +
		".EiG740d_WR8npANd6fZqUf84EadncNqPsDiKLoOdilq193vhhSfNdWxSZ-NBecmH3KuIFs2Ul9By6A0k-vqg5A"
	if _, err := signingkey.VerifyProof(good, "dpop+jwt", &claims{}); err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add(encode(`{"typ":"dpop+jwt","alg":"none","jwk":`+jwk+`}`) + "..")
	f.Add(encode(`{"typ":"dpop+jwt","alg":"RS256","jwk":{"kty":"RSA","e":"","n":""}}`) + ".e30.AAAA")
	f.Fuzz(func(t *testing.T, proof string) {
		var c claims
		if key, err := signingkey.VerifyProof(proof, "dpop+jwt", &c); err == nil && (proof != good || key.Thumbprint == "") {
			t.Errorf("%q is a proof", proof)
		}
	})
}
