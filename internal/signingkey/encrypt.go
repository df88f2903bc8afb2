package signingkey

import (
	"crypto/rsa"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// What others are told under a key of theirs (RFC 7516). Such a key is for encryption, or for everything.

// EncryptionAlgs lists how the key of an encrypted token travels, EncryptionMethods by what the token is encrypted (RFC 7518 §4.1, §5.1).
// RSA with PKCS #1 padding is not among them.
func EncryptionAlgs() []string { return []string{"ECDH-ES", "ECDH-ES+A256KW", "RSA-OAEP-256"} }

// EncryptionMethods lists by what a token is encrypted.
func EncryptionMethods() []string { return []string{"A256GCM", "A128CBC-HS256"} }

// Encrypts says whether the set has a key for an algorithm of EncryptionAlgs.
func (s KeySet) Encrypts(alg string) bool {
	_, ok := s.encrypting(alg)
	return ok
}

func (s KeySet) encrypting(alg string) (namedKey, bool) {
	for _, k := range s.encrypt {
		_, isRSA := k.key.Key.(*rsa.PublicKey)
		if (k.alg == "" || k.alg == alg) && isRSA == (alg == "RSA-OAEP-256") {
			return k, true
		}
	}
	return namedKey{}, false
}

// Encrypt returns the plaintext as a compact JWE to the first key of the set that fits. content is the plaintext's kind ("JWT" for a token
// that was signed before, RFC 7519 §5.2). It fails with ErrKey where no key fits.
func (s KeySet) Encrypt(alg, method, content string, plaintext []byte) (string, error) {
	key, ok := s.encrypting(alg)
	if !ok {
		return "", ErrKey
	}
	options := &jose.EncrypterOptions{}
	if content != "" {
		options = options.WithContentType(jose.ContentType(content))
	}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(method), jose.Recipient{Algorithm: jose.KeyAlgorithm(alg), Key: key.key.Key, KeyID: key.id}, options)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	jwe, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return jwe.CompactSerialize()
}
