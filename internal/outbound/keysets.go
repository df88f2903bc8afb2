package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/signingkey"
)

// KeySets reads the JWK Sets that RPs publish (OIDC Core §10.1), and keeps what it has read. It is safe for concurrent use.
type KeySets struct {
	Client *http.Client
	Now    func() time.Time

	mu   sync.Mutex
	sets map[string]*published
}

// How long a set is used before it is read again; how soon it may be read again for a key that it does not have; how long it is used
// where the RP's server does not answer.
const (
	keySetLife  = 10 * time.Minute
	keySetPause = 10 * time.Second
	keySetStale = time.Hour
)

// maxSets is how many are kept at a node.
const maxSets = 1000

// published is one RP's set.
type published struct {
	reading sync.Mutex // held while it is read: whoever needs it waits, and gets what is read then
	mu      sync.Mutex // guards the rest, for moments
	set     signingkey.KeySet
	read    time.Time // zero: never
	tried   time.Time // when the last try ended
	err     error     // of the last try
}

// ErrKeySet says that a set could not be read.
var ErrKeySet = errors.New("the key set was not read")

// Fetch returns the set at an address. again asks to read it anew, because it lacks a key: an RP may have rotated. It fails with
// ErrKeySet. A server that hangs keeps those waiting who need what it has not told yet, once, and nobody else.
func (k *KeySets) Fetch(ctx context.Context, address string, again bool) (signingkey.KeySet, error) {
	k.mu.Lock()
	if k.sets == nil {
		k.sets = map[string]*published{}
	}
	p := k.sets[address]
	if p == nil {
		for other := range k.sets { // one of many: whoever still needs it reads it anew
			if len(k.sets) < maxSets {
				break
			}
			delete(k.sets, other)
		}
		p = &published{}
		k.sets[address] = p
	}
	k.mu.Unlock()

	if set, is, err := p.has(k.Now(), again); is {
		return set, err
	}
	if !p.reading.TryLock() {
		if set, err := p.answer(k.Now()); err == nil && !again {
			return set, nil // the old one, while somebody reads
		}
		p.reading.Lock()
	}
	defer p.reading.Unlock()
	if set, is, err := p.has(k.Now(), again); is { // somebody has read it meanwhile
		return set, err
	}
	set, err := k.get(ctx, address)
	now := k.Now()
	p.mu.Lock()
	if p.tried, p.err = now, err; err == nil {
		p.set, p.read = set, now
	}
	p.mu.Unlock()
	return p.answer(now)
}

// has says what is known without another look: a set that is fresh enough, or that a look just now has not helped.
func (p *published) has(now time.Time, again bool) (set signingkey.KeySet, is bool, err error) {
	p.mu.Lock()
	fresh, justTried := !p.read.IsZero() && now.Sub(p.read) < keySetLife, !p.tried.IsZero() && now.Sub(p.tried) < keySetPause
	p.mu.Unlock()
	if fresh && !again || justTried {
		set, err = p.answer(now)
		return set, true, err
	}
	return set, false, nil
}

// answer is the set that was read last, as long as it may be used; else why there is none.
func (p *published) answer(now time.Time) (signingkey.KeySet, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case !p.read.IsZero() && now.Sub(p.read) < keySetStale:
		return p.set, nil
	case p.err != nil:
		return signingkey.KeySet{}, p.err
	}
	return signingkey.KeySet{}, ErrKeySet
}

func (k *KeySets) get(ctx context.Context, address string) (signingkey.KeySet, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, address, nil) // the others wait for it too
	if err != nil {
		return signingkey.KeySet{}, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := k.Client.Do(req)
	if err != nil {
		return signingkey.KeySet{}, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, signingkey.MaxKeySet+1))
	switch {
	case err != nil:
		return signingkey.KeySet{}, fmt.Errorf("%w: %w", ErrKeySet, err)
	case answer.StatusCode != http.StatusOK:
		return signingkey.KeySet{}, fmt.Errorf("%w: status %d", ErrKeySet, answer.StatusCode)
	}
	set, err := signingkey.ReadKeySet(body)
	if err != nil {
		return set, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	return set, nil
}
