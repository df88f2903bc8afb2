package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// ErrSealed says that a sealed value is foreign, changed, too old, or of an unknown key. The reasons are
// one error because a browser can present any of them and none deserves another answer.
var ErrSealed = errors.New("sealed value cannot be opened")

// Purpose names what a key is for. Each purpose has a key of its own, renewed every day.
type Purpose string

const (
	sealVersion = 1
	headerLen   = 1 + 1 + 4 // version, root, day
	rootLen     = 32
	day         = 24 * time.Hour
)

// Keyring derives one key per purpose and day from root secrets (HKDF-SHA-256, RFC 5869).
// It is safe for concurrent use. The roots themselves rest sealed in the database.
type Keyring struct {
	roots   map[byte][]byte
	current byte
	aeads   sync.Map // derivation → cipher.AEAD
	keys    sync.Map // derivation → []byte
	kept    atomic.Int32
}

// maxKept bounds the keys in memory: a stranger may name any day.
const maxKept = 1000

type derivation struct {
	purpose Purpose
	root    byte
	day     uint32
}

// NewRoot returns a fresh root secret of 32 bytes.
func NewRoot() []byte { return Random(rootLen) }

// NewKeyring takes the roots by id. New values are sealed under current; older ones still open.
func NewKeyring(roots map[byte][]byte, current byte) (*Keyring, error) {
	for id, root := range roots {
		if len(root) != rootLen {
			return nil, fmt.Errorf("root key %d has %d bytes, want %d", id, len(root), rootLen)
		}
	}
	if roots[current] == nil {
		return nil, fmt.Errorf("root key %d is missing", current)
	}
	return &Keyring{roots: roots, current: current}, nil
}

// Seal encrypts plain for a purpose and an id (both authenticated with it) and returns base64url.
func (k *Keyring) Seal(p Purpose, id string, plain []byte, now time.Time) string {
	return base64.RawURLEncoding.EncodeToString(k.SealBytes(p, id, plain, now))
}

// SealBytes is Seal without the text encoding.
func (k *Keyring) SealBytes(p Purpose, id string, plain []byte, now time.Time) []byte {
	d := derivation{p, k.current, dayOf(now)}
	header := make([]byte, headerLen, headerLen+len(plain)+64)
	header[0], header[1] = sealVersion, d.root
	binary.BigEndian.PutUint32(header[2:], d.day)
	return k.aead(d).Seal(header, nil, plain, aad(p, id, header))
}

// Open decrypts what Seal made for the same purpose and id within maxAge, counted in whole days.
func (k *Keyring) Open(p Purpose, id, sealed string, maxAge time.Duration, now time.Time) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, ErrSealed
	}
	return k.OpenBytes(p, id, b, maxAge, now)
}

// OpenBytes is Open without the text encoding.
func (k *Keyring) OpenBytes(p Purpose, id string, b []byte, maxAge time.Duration, now time.Time) ([]byte, error) {
	if len(b) < headerLen || b[0] != sealVersion || k.roots[b[1]] == nil {
		return nil, ErrSealed
	}
	d := derivation{p, b[1], binary.BigEndian.Uint32(b[2:headerLen])}
	today := dayOf(now)
	// One day of grace on both sides: a value sealed just before midnight, and a node whose clock runs ahead.
	if d.day > today+1 || today > d.day+uint32(maxAge/day)+1 {
		return nil, ErrSealed
	}
	plain, err := k.aead(d).Open(nil, nil, b[headerLen:], aad(p, id, b[:headerLen]))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// MAC authenticates the parts under the purpose's key of the day that at falls in: one byte that names the
// root, then 16 bytes. The day is the caller's to store or carry beside the result.
func (k *Keyring) MAC(p Purpose, at time.Time, parts ...string) []byte {
	return k.macUnder(k.current, p, at, parts)
}

// VerifyMAC says whether sum is the MAC of the parts, under any root that is still kept.
func (k *Keyring) VerifyMAC(sum []byte, p Purpose, at time.Time, parts ...string) bool {
	return len(sum) == MACLen && k.roots[sum[0]] != nil && hmac.Equal(sum, k.macUnder(sum[0], p, at, parts))
}

// MACLen is the length of a MAC in bytes.
const MACLen = 1 + 16

func (k *Keyring) macUnder(root byte, p Purpose, at time.Time, parts []string) []byte {
	sum := mac(k.key(derivation{p, root, dayOf(at)}), parts...)
	return append([]byte{root}, sum[:MACLen-1]...)
}

// Pseudonym turns a value into a stable opaque key, for tables that must not hold the value itself.
// It does not change with the day: budgets must find the same row tomorrow.
func (k *Keyring) Pseudonym(p Purpose, parts ...string) string {
	sum := mac(k.key(derivation{p, k.current, 0}), parts...)
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// key derives a key, or finds it where it was derived before.
func (k *Keyring) key(d derivation) []byte {
	if key, ok := k.keys.Load(d); ok {
		return key.([]byte)
	}
	if k.kept.Add(1) > maxKept {
		k.keys.Clear()
		k.kept.Store(1)
	}
	key := k.derive(d)
	k.keys.Store(d, key)
	return key
}

func (k *Keyring) derive(d derivation) []byte {
	info := fmt.Sprintf("portvakt %d|%s|%d", sealVersion, d.purpose, d.day)
	key, err := hkdf.Key(sha256.New, k.roots[d.root], nil, info, 32)
	if err != nil {
		panic(err) // only a wrong length can fail, and it is a constant
	}
	return key
}

func (k *Keyring) aead(d derivation) cipher.AEAD {
	if a, ok := k.aeads.Load(d); ok {
		return a.(cipher.AEAD)
	}
	a, _ := k.aeads.LoadOrStore(d, newAEAD(k.derive(d)))
	return a.(cipher.AEAD)
}

func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the key's length is a constant
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

func aad(p Purpose, id string, header []byte) []byte {
	b := make([]byte, 0, len(p)+len(id)+2*len(header)+8)
	b = append(append(b, p...), '|')
	b = append(strconv.AppendInt(b, int64(len(id)), 10), '|')
	b = append(append(b, id...), '|')
	return hex.AppendEncode(b, header)
}

func dayOf(t time.Time) uint32 { return uint32(t.Unix() / int64(day/time.Second)) }
