// Package password is the authenticator "something the person knows": it makes and checks verifiers
// (argon2id) and judges new passwords. It knows no account, no journey and no table.
package password

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/internal/secret"
)

// Verifier is a stored value that a password is checked against, in PHC string form:
// "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH".
type Verifier string

// String hides the verifier from fmt and slog.
func (Verifier) String() string { return "[verifier]" }

// GoString hides the verifier from %#v.
func (Verifier) GoString() string { return "[verifier]" }

// Params are argon2id's costs.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// Standard is OWASP's second recommendation: 19 MiB, two passes, one lane.
var Standard = Params{Memory: 19 << 10, Time: 2, Threads: 1}

// ErrBusy says that more people are waiting for a hash than the machine can serve soon. It is an honest
// answer in place of an out-of-memory.
var ErrBusy = errors.New("too many passwords are being checked at this moment")

// Hasher makes and checks verifiers, a few at once. The rest queues.
type Hasher struct {
	params Params
	slots  chan struct{}
	queue  chan struct{}
	large  chan struct{} // held by an imported hash that takes much memory
	dummy  Verifier      // of no password: what counts is that checking it costs the same
}

const (
	saltLen, hashLen = 16, 32
	queuePerSlot     = 128 // three seconds of waiting
	longestWait      = 10 * time.Second
)

// NewHasher returns a hasher that leaves one core, where there are several, to everybody who needs no hash: who is signed in already must
// not wait behind a crowd that logs in.
func NewHasher(p Params) *Hasher {
	n := max(1, runtime.GOMAXPROCS(0)-1)
	return NewBoundedHasher(p, n, n*queuePerSlot)
}

// NewBoundedHasher returns a hasher with bounds of its own: how many hashes run at once, and how many callers it serves or
// lets wait together. With a queue of 0 it is always busy.
func NewBoundedHasher(p Params, slots, queue int) *Hasher {
	h := &Hasher{params: p, slots: make(chan struct{}, slots), queue: make(chan struct{}, queue), large: make(chan struct{}, 1)}
	h.dummy = p.verifier(secret.Random(saltLen), secret.Random(hashLen))
	return h
}

// Hash returns a new verifier for the password, or ErrBusy.
func (h *Hasher) Hash(ctx context.Context, pw string) (Verifier, error) {
	var v Verifier
	err := h.slot(ctx, func() { v = h.derive(Normalise(pw), secret.Random(saltLen)) })
	return v, err
}

// Verify says whether pw is the password behind v. An empty v costs the same time and is never right: an
// unknown address must not answer sooner. Outdated says that v should be made anew with today's costs.
func (h *Hasher) Verify(ctx context.Context, v Verifier, pw string) (ok, outdated bool, err error) {
	known := v != ""
	if !known {
		v = h.dummy
	}
	stored, err := parse(v)
	if err != nil {
		return false, false, err
	}
	var got []byte
	err = h.slot(ctx, func() {
		got = argon2.IDKey([]byte(Normalise(pw)), stored.salt, stored.Time, stored.Memory, stored.Threads, uint32(len(stored.hash)))
	})
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(got, stored.hash) == 1
	return same && known, stored.Params != h.params, nil
}

// slot runs work while holding one of the slots. The queue is bounded, and nobody waits in it forever.
func (h *Hasher) slot(ctx context.Context, work func()) error { return h.slotFor(ctx, false, work) }

// slotFor is slot, for work that may take much memory: of such, one runs at a time.
func (h *Hasher) slotFor(ctx context.Context, large bool, work func()) error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return ErrBusy
	}
	wait, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	places := []chan struct{}{h.slots}
	if large {
		places = []chan struct{}{h.large, h.slots} // in this order: whoever waits for the others holds no core
	}
	for _, place := range places {
		select {
		case place <- struct{}{}:
			defer func() { <-place }()
		case <-wait.Done():
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return ErrBusy
		}
	}
	work()
	return nil
}

func (h *Hasher) derive(pw string, salt []byte) Verifier {
	p := h.params
	return p.verifier(salt, argon2.IDKey([]byte(pw), salt, p.Time, p.Memory, p.Threads, hashLen))
}

func (p Params) verifier(salt, sum []byte) Verifier {
	return Verifier(fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.Memory, p.Time, p.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)))
}

type parsed struct {
	Params
	salt, hash []byte
}

// errVerifier never reaches a person: a verifier that cannot be read is a damaged database.
var errVerifier = errors.New("unreadable password verifier")

// The largest costs that a stored verifier may ask for: a foreign row must not stop the machine.
const maxMemory, maxTime = 256 << 10, 16

func parse(v Verifier) (parsed, error) {
	parts := strings.Split(string(v), "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return parsed{}, errVerifier
	}
	var p parsed
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.Memory, &p.Time, &p.Threads); err != nil ||
		p.Memory == 0 || p.Memory > maxMemory || p.Time == 0 || p.Time > maxTime || p.Threads == 0 {
		return parsed{}, errVerifier
	}
	var errs [2]error
	p.salt, errs[0] = base64.RawStdEncoding.DecodeString(parts[4])
	p.hash, errs[1] = base64.RawStdEncoding.DecodeString(parts[5])
	if errors.Join(errs[:]...) != nil || len(p.salt) < 8 || len(p.hash) < 16 || len(p.hash) > 64 {
		return parsed{}, errVerifier
	}
	return p, nil
}

// Normalise is NFC, so that the same password typed on another keyboard is the same bytes (NIST SP
// 800-63B-4 §3.1.1.2).
func Normalise(pw string) string { return norm.NFC.String(pw) }
