// Package signingkey holds the noun signing key: the keys that sign what RPs are told, and the one place
// that signs and verifies JSON Web Tokens. Which claims a token has is not its business.
package signingkey

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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
	PS256 Alg = "PS256"
	EdDSA Alg = "EdDSA" // Ed25519
)

// Algs lists what every installation signs with, the preferred first.
func Algs() []Alg { return []Alg{ES256, RS256} }

// allAlgs are those and the ones that few RPs ask for, of which a key is made some minutes later (see Keys.Tend). A key has one algorithm for
// good: RS256 and PS256 have keys of their own (RFC 8017 §A.2.3).
func allAlgs() []Alg { return append(Algs(), PS256, EdDSA) }

// Stored is a signing key at rest: its private half sealed under the master key.
type Stored struct {
	ID      string // kid: the JWK thumbprint (RFC 7638)
	Alg     Alg
	Sealed  []byte // empty: it is retired, and its private half gone
	Public  []byte // JWK; empty: a key from before keys followed each other, whose private half is there
	Created time.Time
	From    time.Time // it signs from then on; zero: from the beginning
	Retired time.Time // zero: it is in use, or will be
	// Distrusted says that somebody else may have had it: what it has signed is believed no more.
	Distrusted bool
}

// Key is a signing key in use.
type Key struct {
	ID         string
	Alg        Alg
	from       time.Time
	retired    time.Time
	distrusted bool
	public     jose.JSONWebKey
	signer     *signer // nil: it is retired
}

// Set is what a node signs and verifies with. It is safe for concurrent use, and its keys never change.
type Set struct {
	byAlg map[Alg][]Key // that sign, in the order in which they do
	all   map[string]Key
	jwks  []byte
	now   func() time.Time

	believed believed
}

// Signer signs, and knows again what it has signed.
type Signer interface {
	// Sign returns the claims as a compact JWS with the given typ header.
	Sign(alg Alg, typ string, claims any) (string, error)
	// Verify checks signature and typ of such a token and decodes its claims. It fails with ErrToken, and checks no times.
	Verify(token, typ string, claims any) error
}

var (
	_ Signer = (*Set)(nil)
	_ Signer = (*Keys)(nil)
)

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
	public, err := publicOf(id, alg, private).MarshalJSON()
	if err != nil {
		return Stored{}, fmt.Errorf("encode %s key: %w", alg, err)
	}
	return Stored{ID: id, Alg: alg, Sealed: m.Seal(row(id), der), Public: public, Created: now, From: now}, nil
}

func newPrivate(alg Alg) (any, error) {
	switch alg {
	case ES256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RS256, PS256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case EdDSA:
		_, private, err := ed25519.GenerateKey(rand.Reader)
		return private, err
	}
	return nil, fmt.Errorf("unknown algorithm %q", alg)
}

func publicOf(id string, alg Alg, private any) jose.JSONWebKey {
	jwk := jose.JSONWebKey{Key: private, KeyID: id, Algorithm: string(alg), Use: "sig"}
	return jwk.Public()
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
// (Back-Channel Logout §2.4), a block of the audit log, the answer about a token (RFC 9701 §5), the answer by way of the browser
// (JARM).
var types = []string{"JWT", "at+jwt", "logout+jwt", auditType, "token-introspection+jwt",
	"oauth-authz-resp+jwt"}

// Open unseals the keys. Of each algorithm the newest that is in use signs; all verify what they may.
func Open(stored []Stored, m *secret.Master, now func() time.Time) (*Set, error) {
	s := &Set{byAlg: map[Alg][]Key{}, all: map[string]Key{}, now: now}
	var published jose.JSONWebKeySet
	for _, st := range stored {
		k, err := open(st, m)
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", st.ID, err)
		}
		s.all[k.ID] = k
		if k.retired.IsZero() {
			published.Keys = append(published.Keys, k.public)
			s.byAlg[k.Alg] = append(s.byAlg[k.Alg], k)
		}
	}
	for _, alg := range Algs() {
		if len(s.byAlg[alg]) == 0 {
			return nil, fmt.Errorf("no %s signing key", alg)
		}
	}
	for _, keys := range s.byAlg {
		slices.SortStableFunc(keys, func(a, b Key) int { return a.from.Compare(b.from) })
	}
	var err error
	s.jwks, err = json.Marshal(published)
	return s, err
}

func open(st Stored, m *secret.Master) (Key, error) {
	k := Key{ID: st.ID, Alg: st.Alg, from: st.From, retired: st.Retired, distrusted: st.Distrusted}
	if !st.Retired.IsZero() {
		err := k.public.UnmarshalJSON(st.Public)
		return k, err
	}
	if k.from.IsZero() {
		k.from = st.Created
	}
	private, err := unseal(st, m)
	if err != nil {
		return Key{}, err
	}
	k.public = publicOf(st.ID, st.Alg, private)
	k.signer, err = newSigner(st.ID, st.Alg, private)
	return k, err
}

func unseal(st Stored, m *secret.Master) (any, error) {
	der, err := m.Open(row(st.ID), st.Sealed)
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(der)
}

// signs is the key of the algorithm that signs now. Where a clock says that none does yet, the first one.
func (s *Set) signs(alg Alg) (k Key) {
	now := s.now()
	for i, one := range s.byAlg[alg] {
		if i == 0 || !one.from.After(now) {
			k = one
		}
	}
	return k
}

// has says whether there is a key of the algorithm.
func (s *Set) has(alg Alg) bool { return len(s.byAlg[alg]) > 0 }

// JWKS returns the public keys as a JWK Set (RFC 7517 §5), made beforehand.
func (s *Set) JWKS() []byte { return s.jwks }

// Sign returns the claims as a compact JWS with the given typ header.
func (s *Set) Sign(alg Alg, typ string, claims any) (string, error) {
	signer := s.signs(alg).signer
	if signer == nil {
		return "", fmt.Errorf("no key signs %s", alg)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return signer.sign(typ, payload)
}

// hintLife is how long an ID token of a key that is retired is still a hint of who was signed in (RULES §9).
const hintLife = 365 * 24 * time.Hour

// auditType is the typ of a block of the audit log, which is proven for good.
const auditType = "portvakt-audit+jwt"

// verifies says whether what the key has signed is believed. When a key retires, everything that it signed has expired but two: an ID
// token, which is a hint for a year, and a block of the audit log.
func (k Key) verifies(typ string, now time.Time) bool {
	switch {
	case k.retired.IsZero(), typ == auditType:
		return true
	case k.distrusted:
		return false
	}
	return typ == "JWT" && now.Before(k.retired.Add(hintLife))
}

// ErrToken says that a token is not one of ours, or not of the wanted typ.
var ErrToken = errors.New("not a token of ours")

// errDistrusted is an ErrToken; see IsDistrusted.
var errDistrusted = fmt.Errorf("%w: its key was replaced, because somebody else may have had it", ErrToken)

// IsDistrusted says, of an error of Verify, that the token is by a key that was replaced: it may be ours, and proves nothing. Its claims were
// decoded nevertheless.
func IsDistrusted(err error) bool { return errors.Is(err, errDistrusted) }

// Verify checks signature and typ of a token that Portvakt itself signed and decodes its claims. It checks no
// times: an expired ID token is still a good hint (RP-Initiated Logout §2).
func (s *Set) Verify(token, typ string, claims any) error {
	key, payload, err := s.believed.of(token, typ, s.prove)
	if err != nil || !key.distrusted && !key.verifies(typ, s.now()) {
		return ErrToken
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return ErrToken
	}
	if !key.verifies(typ, s.now()) {
		return errDistrusted
	}
	return nil
}

// prove checks signature and typ alone, by the key that the header names.
func (s *Set) prove(token, typ string) (key Key, payload []byte, err error) {
	if !isStrict(token) {
		return Key{}, nil, ErrToken
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA})
	if err != nil || len(jws.Signatures) != 1 {
		return Key{}, nil, ErrToken
	}
	header := jws.Signatures[0].Protected
	if got, _ := header.ExtraHeaders[jose.HeaderType].(string); got != typ {
		return Key{}, nil, ErrToken
	}
	key, known := s.all[header.KeyID]
	if !known || string(key.Alg) != header.Algorithm {
		return Key{}, nil, ErrToken
	}
	payload, err = jws.Verify(key.public)
	return key, payload, err
}
