package grant

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Use is a request that presents an access token, or a bare DPoP proof, at an endpoint of ours.
type Use struct {
	Scheme string // of the Authorization header: "Bearer" or "DPoP", in any case; empty: no token
	Token  string
	Proofs []string // the DPoP header fields
	Method string
	URL    string // of the endpoint, as the client names it
}

// IsDPoP says whether the token is presented as one that is bound to a key.
func (u Use) IsDPoP() bool { return strings.EqualFold(u.Scheme, "DPoP") }

// Access is what an access token gives at an endpoint of ours.
type Access struct {
	Account  account.ID
	ClientID string
	Grant    string
	Scope    string
	JKT      string // of the key that it is bound to; empty: none
	Expires  time.Time
}

// The errors of RFC 9449 (§§5, 8).
var (
	errNonce   = Error{"use_dpop_nonce", "the DPoP proof needs the nonce of the DPoP-Nonce header"}
	errNoProof = Error{"invalid_dpop_proof", "a DPoP proof is required"}
)

func errProof(why string) Error { return Error{"invalid_dpop_proof", why} }

// proofClaims are those of RFC 9449 §4.2.
type proofClaims struct {
	ID     string   `json:"jti"`
	Method string   `json:"htm"`
	URL    string   `json:"htu"`
	Issued *float64 `json:"iat"` // must be there; what it says is not judged beside a nonce
	Hash   string   `json:"ath"`
	Nonce  string   `json:"nonce"`
}

const (
	noncePurpose = secret.Purpose("dpop nonce")
	// NonceLife is how long a nonce is good.
	NonceLife = time.Minute
	// nonceSkew is how far another node's clock may be ahead.
	nonceSkew = 5 * time.Second
	maxJTI    = 256
)

// DPoPNonce returns a fresh nonce: a time, sealed, that every node of this installation can read (RULES §9).
func (s *Service) DPoPNonce() string {
	now := s.Now()
	return s.Keys.Seal(noncePurpose, "", binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli())), now)
}

// readNonce returns when a nonce was made; false for one that is foreign, or too old.
func (s *Service) readNonce(nonce string, now time.Time) (time.Time, bool) {
	b, err := s.Keys.Open(noncePurpose, "", nonce, NonceLife, now)
	if err != nil || len(b) != 8 {
		return time.Time{}, false
	}
	made := time.UnixMilli(int64(binary.BigEndian.Uint64(b)))
	age := now.Sub(made)
	return made, age < NonceLife && age >= -nonceSkew
}

// proof is a DPoP proof that was checked, but for its jti.
type proof struct {
	key  signingkey.PublicKey
	id   string
	made time.Time // its nonce
}

// check judges the proof of a request (RFC 9449 §4.3); ok is false where there is none. The nonce comes last: whoever gets a new one
// shall not hear of another fault afterwards.
func (s *Service) check(u Use) (p proof, ok bool, err error) {
	switch len(u.Proofs) {
	case 0:
		return p, false, nil
	case 1:
	default:
		return p, false, errProof("there is more than one DPoP header")
	}
	var c proofClaims
	key, err := signingkey.VerifyProof(u.Proofs[0], "dpop+jwt", &c)
	switch {
	case errors.Is(err, signingkey.ErrKey):
		return p, false, errProof("the key of the DPoP proof is not taken here")
	case err != nil:
		return p, false, errProof("the DPoP proof is not a JWT of type dpop+jwt that is signed by its own key")
	case c.ID == "" || len(c.ID) > maxJTI || c.Issued == nil:
		return p, false, errProof("jti or iat is missing")
	case c.Method != u.Method:
		return p, false, errProof("htm is another method")
	case !sameEndpoint(c.URL, u.URL):
		return p, false, errProof("htu is another address")
	case u.Token != "" && c.Hash != hashOf(u.Token):
		return p, false, errProof("ath is not the hash of the access token")
	}
	made, good := s.readNonce(c.Nonce, s.Now())
	if !good {
		return p, false, errNonce
	}
	return proof{key: key, id: c.ID, made: made}, true, nil
}

// spend takes the proof's jti: a second time it is refused.
func (s *Service) spend(p proof) error {
	switch s.proofs.take(secret.HashOf(p.key.Thumbprint+" "+p.id), p.made, s.Now()) {
	case jtiUsed:
		return errProof("the DPoP proof was used before")
	case jtiForgotten:
		return errNonce
	}
	return nil
}

// prove is check and spend for the token endpoint; the thumbprint is empty where there is no proof.
func (s *Service) prove(u Use) (jkt string, err error) {
	p, ok, err := s.check(u)
	if err != nil || !ok {
		return "", err
	}
	return p.key.Thumbprint, s.spend(p)
}

// ProveKey checks a bare proof by an ES256 key, as pairing asks for. It returns the key's thumbprint, and its public half as JSON.
func (s *Service) ProveKey(_ context.Context, u Use) (jkt string, jwk []byte, err error) {
	p, ok, err := s.check(u)
	switch {
	case err != nil:
		return "", nil, err
	case !ok:
		return "", nil, errNoProof
	case !p.key.IsP256():
		return "", nil, errProof("the key must be on P-256")
	}
	return p.key.Thumbprint, p.key.JWK, s.spend(p)
}

// Authorize says what the access token of a request gives, with one read: that its grant still stands. The scope is what the
// endpoint asks for. A token that is bound to a key is good with a proof by that key alone, whoever holds it.
func (s *Service) Authorize(ctx context.Context, u Use, scope string) (Access, error) {
	a, _, err := s.open(ctx, u, scope, false)
	return a, err
}

// open is Authorize with the person behind the grant.
func (s *Service) open(ctx context.Context, u Use, scope string, persons bool) (Access, Subject, error) {
	claims, ok := s.openAccessToken(u.Token)
	if !ok {
		return Access{}, Subject{}, ErrToken
	}
	if err := s.proveBinding(u, claims.jkt()); err != nil {
		return Access{}, Subject{}, err
	}
	if scope != "" && !hasScope(claims.Scope, scope) {
		return Access{}, Subject{}, Error{"insufficient_scope", "the access token lacks the scope " + scope}
	}
	sub, err := s.Store.FindSubject(ctx, claims.Grant, persons && hasScope(claims.Scope, "person"))
	switch {
	case err != nil:
		return Access{}, Subject{}, fmt.Errorf("find subject: %w", err)
	case !sub.stands(s.Now()):
		return Access{}, Subject{}, ErrToken
	}
	if err := checkProofs(sub.Options, u); err != nil {
		return Access{}, Subject{}, err
	}
	return Access{Account: sub.Account.ID, ClientID: claims.ClientID, Grant: claims.Grant, Scope: claims.Scope, JKT: claims.jkt(),
		Expires: time.Unix(claims.Expires, 0)}, sub, nil
}

// errBinding is for a bound token that comes as a bearer token or by another key, and for a bearer token that comes with a proof
// (RFC 9449 §7.1, §7.2).
var errBinding = Error{"invalid_token", "the access token is not bound to the key of a DPoP proof in this request"}

// hashOf is ath (RFC 9449 §4.2).
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameEndpoint compares htu with the endpoint's address after normalisation (RFC 3986 §6.2.2, §6.2.3), without query and fragment
// (RFC 9449 §4.3).
func sameEndpoint(htu, endpoint string) bool {
	a, ok := normalised(htu)
	b, okEndpoint := normalised(endpoint)
	return ok && okEndpoint && a == b
}

func normalised(raw string) (string, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	host := strings.ToLower(u.Host)
	switch u.Scheme {
	case "https":
		host = strings.TrimSuffix(strings.TrimSuffix(host, ":443"), ":")
	case "http":
		host = strings.TrimSuffix(strings.TrimSuffix(host, ":80"), ":")
	default:
		return "", false
	}
	// Escaped in one way alone, then without dot segments. No endpoint of ours has an address in which an escaped slash means another
	// thing than a slash.
	if strings.Contains(strings.ToLower(u.RawPath), "%2f") {
		return "", false
	}
	u.RawPath = ""
	return u.Scheme + "://" + host + "/" + strings.TrimPrefix(new(url.URL).ResolveReference(u).EscapedPath(), "/"), true
}

// jtis remembers the proofs that this node has taken, for as long as their nonces live. Its memory is bounded: where too many come
// at once it forgets all of them, and with them the right to use a nonce from before. Then clients ask once more with a new
// nonce, and a replay still finds nothing. The zero value is ready.
type jtis struct {
	mu    sync.Mutex
	taken map[secret.Hash]time.Time // the nonce's time
	floor time.Time                 // nonces up to here are refused
}

// maxJTIs bounds the memory: some ten megabytes.
const maxJTIs = 1 << 16

type jtiVerdict int

const (
	jtiTaken jtiVerdict = iota
	jtiUsed
	jtiForgotten
)

func (j *jtis) take(id secret.Hash, made, now time.Time) jtiVerdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !made.After(j.floor) {
		return jtiForgotten
	}
	if _, used := j.taken[id]; used {
		return jtiUsed
	}
	if len(j.taken) >= maxJTIs {
		j.shrink(now)
		if !made.After(j.floor) {
			return jtiForgotten
		}
	}
	if j.taken == nil {
		j.taken = map[secret.Hash]time.Time{}
	}
	j.taken[id] = made
	return jtiTaken
}

// shrink drops what has outlived its nonce; where that is less than half, everything.
func (j *jtis) shrink(now time.Time) {
	for id, made := range j.taken {
		if now.Sub(made) >= NonceLife {
			delete(j.taken, id)
		}
	}
	if len(j.taken) <= maxJTIs/2 {
		return
	}
	for _, made := range j.taken {
		if made.After(j.floor) {
			j.floor = made
		}
	}
	clear(j.taken)
}
