package secret

import (
	"sync"
	"time"
)

// keptFor is how long a node may go by keys that it has read.
const keptFor = time.Minute

// Kept are keys as this node has read them: it knows within a minute what another has done. The zero value has read nothing. It is safe for
// concurrent use.
type Kept[K any] struct {
	mu   sync.Mutex
	all  []K
	read time.Time
	age  int // how often it was forgotten
}

// List returns what was read, and reads it anew where that is a minute old, or where anew asks for it.
func (k *Kept[K]) List(now time.Time, anew bool, read func() ([]K, error)) ([]K, error) {
	k.mu.Lock()
	all, since, age := k.all, now.Sub(k.read), k.age
	k.mu.Unlock()
	if !anew && since >= 0 && since < keptFor {
		return all, nil
	}
	all, err := read()
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.age == age { // otherwise somebody has changed them since, and this may be from before
		k.all, k.read = all, now
	}
	return all, nil
}

// Forget lets the next List read anew: this node has changed the keys itself.
func (k *Kept[K]) Forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.read, k.age = time.Time{}, k.age+1
}
