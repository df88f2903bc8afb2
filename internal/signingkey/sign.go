package signingkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// signer writes compact JWS (RFC 7515 §7.1) with one key. It is not go-jose's, which reads and verifies here, because every token would cost two thirds more: a
// header that never changes is encoded once.
type signer struct {
	alg     Alg
	key     crypto.Signer
	headers map[string]string // encoded, by typ
	size    int               // of a signature in bytes
}

// header is the protected header (RFC 7515 §4).
type header struct {
	Alg Alg    `json:"alg"`
	ID  string `json:"kid"`
	Typ string `json:"typ"`
}

func newSigner(id string, alg Alg, private any) (*signer, error) {
	key, ok := private.(crypto.Signer)
	if !ok || !fits(alg, key) {
		return nil, fmt.Errorf("a %T does not sign %s", private, alg)
	}
	s := &signer{alg: alg, key: key, headers: map[string]string{}, size: 64}
	if public, isRSA := key.Public().(*rsa.PublicKey); isRSA {
		s.size = public.Size()
	}
	for _, typ := range types {
		text, err := json.Marshal(header{alg, id, typ})
		if err != nil {
			return nil, err
		}
		s.headers[typ] = b64(text)
	}
	return s, nil
}

// fits says whether the key is one of the algorithm's.
func fits(alg Alg, key crypto.Signer) bool {
	switch public := key.Public().(type) {
	case *ecdsa.PublicKey:
		return alg == ES256 && public.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return alg == RS256 || alg == PS256
	case ed25519.PublicKey:
		return alg == EdDSA
	}
	return false
}

// sign returns the payload under a header of the typ.
func (s *signer) sign(typ string, payload []byte) (string, error) {
	header, ok := s.headers[typ]
	if !ok {
		return "", fmt.Errorf("nobody signs the type %q", typ)
	}
	enc := base64.RawURLEncoding
	token := make([]byte, 0, len(header)+enc.EncodedLen(len(payload))+enc.EncodedLen(s.size)+2)
	token = append(token, header...)
	token = append(token, '.')
	token = enc.AppendEncode(token, payload)
	signature, err := s.signature(token)
	if err != nil {
		return "", err
	}
	token = append(token, '.')
	return string(enc.AppendEncode(token, signature)), nil
}

// signature is that of RFC 7518 §3.3 (RS256), §3.4 (ES256), §3.5 (PS256) and RFC 8037 §3.1 (EdDSA).
func (s *signer) signature(signed []byte) ([]byte, error) {
	if s.alg == EdDSA {
		return s.key.Sign(rand.Reader, signed, crypto.Hash(0))
	}
	sum := sha256.Sum256(signed)
	switch key := s.key.(type) {
	case *ecdsa.PrivateKey:
		der, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			return nil, err
		}
		return concatenated(der)
	case *rsa.PrivateKey:
		if s.alg == PS256 {
			return key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})
		}
		return key.Sign(rand.Reader, sum[:], crypto.SHA256)
	}
	return nil, fmt.Errorf("a %T does not sign %s", s.key, s.alg)
}

var errDER = errors.New("not a signature in DER")

// concatenated turns an ECDSA signature by P-256 from DER into its two numbers, 32 bytes each (RFC 7518 §3.4).
func concatenated(der []byte) ([]byte, error) {
	var inner cryptobyte.String
	var r, s []byte
	whole := cryptobyte.String(der)
	if !whole.ReadASN1(&inner, asn1.SEQUENCE) || !whole.Empty() || !inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) || !inner.Empty() ||
		len(r) > 32 || len(s) > 32 {
		return nil, errDER
	}
	both := make([]byte, 64)
	copy(both[32-len(r):], r)
	copy(both[64-len(s):], s)
	return both, nil
}
