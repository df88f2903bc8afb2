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

// published is one RP's set. Its lock is held while it is read: whoever waits gets what is read then.
type published struct {
	mu    sync.Mutex
	set   signingkey.KeySet
	read  time.Time // zero: never
	tried time.Time
	err   error // of the last try
}

// ErrKeySet says that a set could not be read.
var ErrKeySet = errors.New("the key set was not read")

// Fetch returns the set at an address. again asks to read it anew, because it lacks a key: an RP may have rotated. It fails with
// ErrKeySet.
func (k *KeySets) Fetch(ctx context.Context, address string, again bool) (signingkey.KeySet, error) {
	k.mu.Lock()
	if k.sets == nil {
		k.sets = map[string]*published{}
	}
	p := k.sets[address]
	if p == nil {
		p = &published{}
		k.sets[address] = p
	}
	k.mu.Unlock()

	p.mu.Lock()
	defer p.mu.Unlock()
	now := k.Now()
	good := !p.read.IsZero() && now.Sub(p.read) < keySetLife
	if good && !again || now.Sub(p.tried) < keySetPause {
		return p.answer(now)
	}
	p.tried = now
	set, err := k.get(ctx, address)
	if p.err = err; err == nil {
		p.set, p.read = set, now
	}
	return p.answer(now)
}

func (p *published) answer(now time.Time) (signingkey.KeySet, error) {
	if p.read.IsZero() || now.Sub(p.read) >= keySetStale {
		return signingkey.KeySet{}, p.err
	}
	return p.set, nil
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
