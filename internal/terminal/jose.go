package terminal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(text string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(text) }

// jwk is a public key on P-256 (RFC 7518 §6.2.1).
type jwk struct {
	Kty string `json:"kty"`
	Crv string `json:"crv"`
	X   string `json:"x"`
	Y   string `json:"y"`
}

// jwkOf writes an uncompressed point.
func jwkOf(point []byte) jwk { return jwk{"EC", "P-256", b64(point[1:33]), b64(point[33:])} }

// point reads the uncompressed point of a JWK.
func (k jwk) point() ([]byte, error) {
	x, err := unb64(k.X)
	if err != nil {
		return nil, err
	}
	y, err := unb64(k.Y)
	if err != nil {
		return nil, err
	}
	if k.Kty != "EC" || k.Crv != "P-256" || len(x) != 32 || len(y) != 32 {
		return nil, errors.New("not a key on P-256")
	}
	return append(append([]byte{4}, x...), y...), nil
}

// newKey makes a key pair on P-256 in PKCS #8.
func newKey() ([]byte, error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return x509.MarshalPKCS8PrivateKey(k)
}

func readKey(der []byte) (*ecdsa.PrivateKey, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if ec, ok := k.(*ecdsa.PrivateKey); ok && ec.Curve == elliptic.P256() {
		return ec, nil
	}
	return nil, errors.New("not a key on P-256")
}

// publicOf is the public half in the form that the issuer takes.
func publicOf(k *ecdsa.PrivateKey) (jwk, error) {
	point, err := k.PublicKey.Bytes()
	if err != nil {
		return jwk{}, err
	}
	return jwkOf(point), nil
}

// sign makes a compact JWS (RFC 7515 §3.1) with ES256 (RFC 7518 §3.4).
func sign(k *ecdsa.PrivateKey, header, claims any) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", err
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := b64(h) + "." + b64(c)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, k, sum[:])
	if err != nil {
		return "", err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + b64(signature), nil
}

var errJWE = errors.New("the encrypted key for codes cannot be read")

// decrypt opens a compact JWE (RFC 7516 §3.1) of the one kind that the protocol has: ECDH-ES directly, A256GCM.
func decrypt(k *ecdsa.PrivateKey, token string) ([]byte, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 5 || parts[1] != "" { // with ECDH-ES alone no key is sent along (RFC 7518 §4.6)
		return nil, errJWE
	}
	raw := make([][]byte, 5)
	for i, part := range parts {
		var err error
		if raw[i], err = unb64(part); err != nil {
			return nil, errJWE
		}
	}
	var header struct {
		Alg  string   `json:"alg"`
		Enc  string   `json:"enc"`
		Epk  jwk      `json:"epk"`
		Apu  string   `json:"apu"`
		Apv  string   `json:"apv"`
		Zip  string   `json:"zip"`
		Crit []string `json:"crit"`
	}
	if json.Unmarshal(raw[0], &header) != nil || header.Alg != "ECDH-ES" || header.Enc != "A256GCM" || header.Zip != "" || header.Crit != nil {
		return nil, errJWE
	}
	key, err := agree(k, header.Epk, header.Enc, header.Apu, header.Apv, 256)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errJWE, err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	if len(raw[2]) != gcm.NonceSize() || len(raw[4]) != gcm.Overhead() {
		return nil, errJWE
	}
	plain, err := gcm.Open(nil, raw[2], append(raw[3], raw[4]...), []byte(parts[0]))
	if err != nil {
		return nil, errJWE
	}
	return plain, nil
}

// agree derives a key of at most 256 bits (RFC 7518 §4.6.2): one round of the Concat KDF with SHA-256.
func agree(k *ecdsa.PrivateKey, epk jwk, enc, apu, apv string, bits uint32) ([]byte, error) {
	point, err := epk.point()
	if err != nil {
		return nil, err
	}
	theirs, err := ecdh.P256().NewPublicKey(point)
	if err != nil {
		return nil, err
	}
	ours, err := k.ECDH()
	if err != nil {
		return nil, err
	}
	z, err := ours.ECDH(theirs)
	if err != nil {
		return nil, err
	}
	u, err := unb64(apu)
	if err != nil {
		return nil, err
	}
	v, err := unb64(apv)
	if err != nil {
		return nil, err
	}
	input := append(binary.BigEndian.AppendUint32(nil, 1), z...)
	for _, field := range [][]byte{[]byte(enc), u, v} {
		input = append(binary.BigEndian.AppendUint32(input, uint32(len(field))), field...)
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(input, bits))
	return sum[:bits/8], nil
}
