package push

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Change is a row that has changed: a challenge's or a pairing's.
type Change struct {
	ID      string
	Topics  []string // who may wait for it: an account, an attempt
	Changed time.Time
}

// Bell wakes those who wait for a change: the page of a sign-in, and a phone that listens. A change of this node rings at once;
// those of others are looked for in the database, with one read for all who wait, as long as somebody does.
type Bell struct {
	// Changes lists what has changed since the given time.
	Changes func(ctx context.Context, since time.Time) ([]Change, error)
	Now     func() time.Time
	Log     *slog.Logger
	Every   time.Duration // between two looks; 0: 100 ms

	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool // by topic
	running bool
	closed  chan struct{}
}

const (
	lookEvery = 100 * time.Millisecond
	// lookBack covers what nodes' clocks differ by (RULES §10: 2 s at most) and a transaction that was slow to commit.
	lookBack = 5 * time.Second
)

// maxWaiting is how many may wait for one topic at one node: each of a person's phones and pages does, and each change makes each of
// them look.
const maxWaiting = 32

// Wait returns a channel that gets a value at each change of the topic. stop must be called in the end. It returns false where too
// many wait for the topic already.
func (b *Bell) Wait(topic string) (rung <-chan struct{}, stop func(), ok bool) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting[topic]) >= maxWaiting {
		return nil, nil, false
	}
	if b.waiting == nil {
		b.waiting = map[string]map[chan struct{}]bool{}
	}
	if b.waiting[topic] == nil {
		b.waiting[topic] = map[chan struct{}]bool{}
	}
	b.waiting[topic][c] = true
	if !b.running {
		b.running = true
		go b.look()
	}
	stop = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.waiting[topic], c); len(b.waiting[topic]) == 0 {
			delete(b.waiting, topic)
		}
	}
	return c, stop, true
}

// Ring wakes those who wait for one of the topics.
func (b *Bell) Ring(topics ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, topic := range topics {
		for c := range b.waiting[topic] {
			select {
			case c <- struct{}{}:
			default: // it has not looked since the last one: it will see this one too
			}
		}
	}
}

// Closed returns a channel that is closed when the server stops: whoever waits ends then.
func (b *Bell) Closed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ending()
}

// Close ends all waiting, once.
func (b *Bell) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case <-b.ending():
	default:
		close(b.closed)
	}
}

func (b *Bell) ending() chan struct{} {
	if b.closed == nil {
		b.closed = make(chan struct{})
	}
	return b.closed
}

// isIdle says whether nobody waits, and if so ends the looking.
func (b *Bell) isIdle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		b.running = false
	}
	return !b.running
}

// look rings for the changes of other nodes until nobody waits any more.
func (b *Bell) look() {
	every := b.Every
	if every == 0 {
		every = lookEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	seen := map[string]time.Time{} // what was rung for, so that it rings once
	for range ticker.C {
		if b.isIdle() {
			return
		}
		since := b.Now().Add(-lookBack)
		changes, err := b.Changes(context.Background(), since)
		if err != nil {
			b.Log.Warn("push: cannot look for changes", "error", err)
			continue
		}
		for _, c := range changes {
			if seen[c.ID] != c.Changed {
				seen[c.ID] = c.Changed
				b.Ring(c.Topics...)
			}
		}
		for id, at := range seen {
			if at.Before(since) {
				delete(seen, id)
			}
		}
	}
}
