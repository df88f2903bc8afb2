package password

import "runtime"

// Occupy holds all slots, and a place in the queue for each, until the returned function is called.
func Occupy(h *Hasher) (release func()) {
	for range cap(h.slots) {
		h.queue <- struct{}{}
		h.slots <- struct{}{}
	}
	return func() {
		for range cap(h.slots) {
			<-h.slots
			<-h.queue
		}
	}
}

// WaitUntilQueued returns when the queue is full.
func WaitUntilQueued(h *Hasher) {
	for len(h.queue) < cap(h.queue) {
		runtime.Gosched()
	}
}

// WithMatch is the hash with a check of the test's own.
func WithMatch(i Imported, match func([]byte) bool) Imported { i.match = match; return i }
