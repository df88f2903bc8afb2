package signingkey_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/signingkey"
)

func TestWhatIsEncryptedIsReadByItsKeyAlone(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	modulus, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	published, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: curve.Public(), KeyID: "signs", Use: "sig"}, {Key: curve.Public(), KeyID: "curve", Use: "enc"}, {Key: modulus.Public(), KeyID: "modulus"}}})
	if err != nil {
		t.Fatal(err)
	}
	set, err := signingkey.ReadKeySet(published)
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range signingkey.EncryptionAlgs() {
		for _, method := range signingkey.EncryptionMethods() {
			sealed, err := set.Encrypt(alg, method, "JWT", []byte("hej"))
			if err != nil {
				t.Fatalf("%s %s: %v", alg, method, err)
			}
			jwe, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.ContentEncryption(method)})
			if err != nil {
				t.Fatalf("%s %s: %v", alg, method, err)
			}
			key, other, kid := any(curve), any(modulus), "curve"
			if alg == "RSA-OAEP-256" {
				key, other, kid = modulus, curve, "modulus"
			}
			if plain, err := jwe.Decrypt(key); err != nil || string(plain) != "hej" || jwe.Header.KeyID != kid || jwe.Header.ExtraHeaders["cty"] != "JWT" {
				t.Errorf("%s %s: %q %v %+v", alg, method, plain, err, jwe.Header)
			}
			if _, err := jwe.Decrypt(other); err == nil {
				t.Errorf("%s %s: another key reads it", alg, method)
			}
		}
	}
	if _, err := set.Encrypt("dir", "A256GCM", "", nil); err == nil {
		t.Error("it encrypts by a way that is none")
	}
	signs, err := signingkey.ReadKeySet([]byte(`{"keys":[` + aKey + `,"use":"sig"}]}`))
	if err != nil || signs.Encrypts("ECDH-ES") || !signs.Signs() {
		t.Errorf("a key that signs is one to encrypt to: %v", err)
	}
	if _, err := signs.Encrypt("ECDH-ES", "A256GCM", "", nil); !errors.Is(err, signingkey.ErrKey) {
		t.Errorf("without a key: %v", err)
	}
}
