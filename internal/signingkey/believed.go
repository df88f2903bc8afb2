package signingkey

import (
	"crypto/sha256"
	"sync"
)

// maxBelieved is how many tokens a set of keys remembers.
const maxBelieved = 1024

// believed remembers the tokens whose signatures were found good: an access token comes with every call, and to check its signature is most
// of what a call costs. What a signature is worth today is not remembered: that is asked each time. It lives as long as its set of keys, a
// minute or so, and holds nothing that was not signed here. The zero value is ready.
type believed struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]proven
}

type proven struct {
	key     Key
	typ     string
	payload []byte // of many readers
}

// of returns what prove finds, or has found.
func (b *believed) of(token, typ string, prove func(token, typ string) (Key, []byte, error)) (Key, []byte, error) {
	sum := sha256.Sum256([]byte(token))
	b.mu.Lock()
	had, ok := b.all[sum]
	b.mu.Unlock()
	if ok && had.typ == typ {
		return had.key, had.payload, nil
	}
	key, payload, err := prove(token, typ)
	if err != nil {
		return Key{}, nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.all == nil || len(b.all) >= maxBelieved {
		b.all = map[[sha256.Size]byte]proven{}
	}
	b.all[sum] = proven{key, typ, payload}
	return key, payload, nil
}
