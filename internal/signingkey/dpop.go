package signingkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/strictjson"
)

// Keys of others. Such a key comes as a public JWK, is judged before it is used, and proves no more than that whoever sent a
// token holds its private half.

// ErrKey says that a JWK is not a public key that is taken here.
var ErrKey = errors.New("not a public key that is taken here")

// ProofAlgs lists what a DPoP proof may be signed with (RFC 9449 §5.1): asymmetric algorithms alone.
func ProofAlgs() []string { return []string{"ES256", "EdDSA", "PS256", "RS256"} }

// maxProof is the longest proof in characters. One with an RSA key of 4,096 bits has about 1,800.
const maxProof = 4096

// PublicKey is somebody else's key.
type PublicKey struct {
	JWK        []byte // the required members alone, in the order of RFC 7638: the same key is the same text
	Thumbprint string // RFC 7638, SHA-256
	key        jose.JSONWebKey
	alg        string // the one that it is for (RFC 7517 §4.4); empty: any that fits
}

// IsP256 says whether the key signs ES256.
func (k PublicKey) IsP256() bool {
	pub, ok := k.key.Key.(*ecdsa.PublicKey)
	return ok && pub.Curve == elliptic.P256()
}

// algs are those that the key can sign by: an algorithm never comes from the token alone.
func (k PublicKey) algs() []string {
	switch k.key.Key.(type) {
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	case *rsa.PublicKey:
		return []string{"PS256", "RS256"}
	}
	return []string{"ES256"}
}

// readKey judges a JWK.
func readKey(jwk []byte) (PublicKey, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(jwk, &members); err != nil {
		return PublicKey{}, ErrKey
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"} {
		if _, there := members[private]; there {
			return PublicKey{}, fmt.Errorf("%w: it has a private part", ErrKey)
		}
	}
	var key jose.JSONWebKey
	if err := key.UnmarshalJSON(jwk); err != nil || !key.Valid() || !key.IsPublic() {
		return PublicKey{}, ErrKey
	}
	k := PublicKey{key: jose.JSONWebKey{Key: key.Key}, alg: key.Algorithm}
	switch pub := key.Key.(type) {
	case *ecdsa.PublicKey:
		if pub.Curve != elliptic.P256() {
			return PublicKey{}, fmt.Errorf("%w: the curve must be P-256", ErrKey)
		}
		if _, err := pub.ECDH(); err != nil {
			return PublicKey{}, fmt.Errorf("%w: the point is not on the curve", ErrKey)
		}
	case *rsa.PublicKey:
		if bits := pub.N.BitLen(); bits < 2048 || bits > 4096 || pub.E < 3 || pub.E > 1<<31-1 || pub.E%2 == 0 {
			return PublicKey{}, fmt.Errorf("%w: an RSA key has 2048 to 4096 bits", ErrKey)
		}
	case ed25519.PublicKey:
	default:
		return PublicKey{}, ErrKey
	}
	var err error
	if k.Thumbprint, err = thumbprint(key.Key); err != nil {
		return PublicKey{}, ErrKey
	}
	if k.JWK, err = canonical(k.key); err != nil {
		return PublicKey{}, ErrKey
	}
	return k, nil
}

// canonical writes the members that RFC 7638 §3.2 requires, by name. A map is encoded in the order of its keys.
func canonical(key jose.JSONWebKey) ([]byte, error) {
	raw, err := key.MarshalJSON()
	if err != nil {
		return nil, err
	}
	all, required := map[string]any{}, map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	for _, name := range []string{"crv", "e", "kty", "n", "x", "y"} {
		if v, there := all[name]; there {
			required[name] = v
		}
	}
	return json.Marshal(required)
}

// Thumbprint returns the JWK thumbprint of a public key (RFC 7638), base64url of SHA-256.
func Thumbprint(jwk []byte) (string, error) {
	k, err := readKey(jwk)
	return k.Thumbprint, err
}

// VerifyProof checks a token that carries the key it is signed by (RFC 9449 §4.3, steps 2 to 7): one compact JWS of the given typ, by
// an asymmetric algorithm that fits the key, and no private half in it. What the claims say is the caller's to judge.
func VerifyProof(token, typ string, claims any) (PublicKey, error) {
	if len(token) > maxProof {
		return PublicKey{}, ErrToken
	}
	head, err := readHeader(token)
	if err != nil || head.typ != typ || len(head.jwk) == 0 {
		return PublicKey{}, ErrToken
	}
	key, err := readKey(head.jwk)
	if err != nil {
		return key, err
	}
	if key.alg != "" && key.alg != head.alg {
		return key, ErrToken
	}
	return key, verifyBy(key, token, key.algs(), claims)
}

// VerifyBy checks a compact JWS of the given typ, ES256, by the public key whose JWK is given, and decodes its claims.
func VerifyBy(jwk []byte, token, typ string, claims any) error {
	head, err := readHeader(token)
	if err != nil || head.typ != typ {
		return ErrToken
	}
	key, err := readKey(jwk)
	if err != nil {
		return err
	}
	if !key.IsP256() {
		return ErrKey
	}
	return verifyBy(key, token, []string{"ES256"}, claims)
}

// foreignHeader is what is read of the header of a token of others, before its signature is checked.
type foreignHeader struct {
	typ, alg, kid string // empty where they are not there
	jwk           []byte
}

// readHeader reads the header. Nothing critical (RFC 7515 §4.1.11) is understood here, so nothing critical is accepted.
func readHeader(token string) (h foreignHeader, err error) {
	if !isStrict(token) {
		return h, ErrToken
	}
	encoded, _, _ := strings.Cut(token, ".")
	var members map[string]json.RawMessage // a struct would take "TYP" for typ
	raw, err := unb64(encoded)
	if err != nil || json.Unmarshal(raw, &members) != nil || members["crit"] != nil {
		return h, ErrToken
	}
	for name, to := range map[string]*string{"typ": &h.typ, "alg": &h.alg, "kid": &h.kid} {
		if member, there := members[name]; there && json.Unmarshal(member, to) != nil {
			return h, ErrToken
		}
	}
	h.jwk = members["jwk"]
	return h, nil
}

func verifyBy(key PublicKey, token string, algs []string, claims any) error {
	var allowed []jose.SignatureAlgorithm
	for _, alg := range algs {
		allowed = append(allowed, jose.SignatureAlgorithm(alg))
	}
	jws, err := jose.ParseSignedCompact(token, allowed)
	if err != nil || len(jws.Signatures) != 1 {
		return ErrToken
	}
	payload, err := jws.Verify(key.key)
	if err != nil || strictjson.Unmarshal(payload, claims) != nil {
		return ErrToken
	}
	return nil
}

// EncryptTo returns the plaintext as a compact JWE (RFC 7516) to a public key on P-256: ECDH-ES, A256GCM.
func EncryptTo(jwk []byte, plaintext []byte) (string, error) {
	key, err := readKey(jwk)
	if err != nil {
		return "", err
	}
	if !key.IsP256() {
		return "", ErrKey
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.key.Key}, nil)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	jwe, err := encrypter.Encrypt(plaintext)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return jwe.CompactSerialize()
}
