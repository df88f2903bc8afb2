// Package signingkey holds the noun signing key: the keys that sign what RPs are told, and the one place
// that signs and verifies JSON Web Tokens. Which claims a token has is not its business.
package signingkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/secret"
)

// Alg is a signature algorithm by its JOSE name (RFC 7518 §3.1).
type Alg string

// The algorithms. ES256 is the default: an RS256 signature costs thirty times as much.
const (
	ES256 Alg = "ES256"
	RS256 Alg = "RS256"
)

// Algs lists what Portvakt signs with, the preferred first.
func Algs() []Alg { return []Alg{ES256, RS256} }

// Stored is a signing key at rest: its private half sealed under the master key.
type Stored struct {
	ID      string // kid: the JWK thumbprint (RFC 7638)
	Alg     Alg
	Sealed  []byte
	Created time.Time
}

// Key is a signing key in use.
type Key struct {
	ID     string
	Alg    Alg
	public jose.JSONWebKey
	signer map[string]jose.Signer // by typ header
}

// Set is what a node signs and verifies with. It is safe for concurrent use and never changes.
type Set struct {
	byAlg  map[Alg]Key
	public jose.JSONWebKeySet
	jwks   []byte
}

// Generate makes a new key and seals it.
func Generate(alg Alg, m *secret.Master, now time.Time) (Stored, error) {
	private, err := newPrivate(alg)
	if err != nil {
		return Stored{}, fmt.Errorf("generate %s key: %w", alg, err)
	}
	id, err := thumbprint(private)
	if err != nil {
		return Stored{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return Stored{}, fmt.Errorf("encode %s key: %w", alg, err)
	}
	return Stored{ID: id, Alg: alg, Sealed: m.Seal(row(id), der), Created: now}, nil
}

func newPrivate(alg Alg) (any, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	}
	return nil, fmt.Errorf("unknown algorithm %q", alg)
}

func row(id string) string { return "signing_keys|" + id }

func thumbprint(private any) (string, error) {
	sum, err := (&jose.JSONWebKey{Key: private}).Thumbprint(crypto256)
	if err != nil {
		return "", fmt.Errorf("thumbprint: %w", err)
	}
	return b64(sum), nil
}

// types are the typ headers that Portvakt signs: ID token, access token (RFC 9068 §2.1), logout token
// (Back-Channel Logout §2.4), a block of the audit log, the answer about a token (RFC 9701 §5).
var types = []string{"JWT", "at+jwt", "logout+jwt", "portvakt-audit+jwt", "token-introspection+jwt"}

// Open unseals the keys. The newest of each algorithm signs; all verify.
func Open(stored []Stored, m *secret.Master) (*Set, error) {
	s := &Set{byAlg: map[Alg]Key{}}
	newest := map[Alg]time.Time{}
	for _, st := range stored {
		k, err := open(st, m)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", st.ID, err)
		}
		s.public.Keys = append(s.public.Keys, k.public)
		if _, ok := s.byAlg[k.Alg]; !ok || st.Created.After(newest[k.Alg]) {
			s.byAlg[k.Alg], newest[k.Alg] = k, st.Created
		}
	}
	for _, alg := range Algs() {
		if _, ok := s.byAlg[alg]; !ok {
			return nil, fmt.Errorf("no %s signing key", alg)
		}
	}
	var err error
	s.jwks, err = json.Marshal(s.public)
	return s, err
}

func open(st Stored, m *secret.Master) (Key, error) {
	der, err := m.Open(row(st.ID), st.Sealed)
	if err != nil {
		return Key{}, err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return Key{}, err
	}
	jwk := jose.JSONWebKey{Key: private, KeyID: st.ID, Algorithm: string(st.Alg), Use: "sig"}
	k := Key{ID: st.ID, Alg: st.Alg, public: jwk.Public(), signer: map[string]jose.Signer{}}
	for _, typ := range types {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(st.Alg), Key: jwk},
			(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
		if err != nil {
			return Key{}, err
		}
		k.signer[typ] = signer
	}
	return k, nil
}

// JWKS returns the public keys as a JWK Set (RFC 7517 §5), made beforehand.
func (s *Set) JWKS() []byte { return s.jwks }

// Sign returns the claims as a compact JWS with the given typ header.
func (s *Set) Sign(alg Alg, typ string, claims any) (string, error) {
	signer := s.byAlg[alg].signer[typ]
	if signer == nil {
		return "", fmt.Errorf("no signer for %s %s", alg, typ)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return jws.CompactSerialize()
}

// ErrToken says that a token is not one of ours, or not of the wanted typ.
var ErrToken = errors.New("not a token of ours")

// Verify checks signature and typ of a token that Portvakt itself signed and decodes its claims. It checks no
// times: an expired ID token is still a good hint (RP-Initiated Logout §2).
func (s *Set) Verify(token, typ string, claims any) error {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil || len(jws.Signatures) != 1 {
		return ErrToken
	}
	header := jws.Signatures[0].Protected
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return ErrToken
	}
	keys := s.public.Key(header.KeyID)
	if len(keys) != 1 || keys[0].Algorithm != header.Algorithm {
		return ErrToken
	}
	payload, err := jws.Verify(keys[0])
	if err != nil {
		return ErrToken
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return ErrToken
	}
	return nil
}
