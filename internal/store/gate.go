package store

import (
	"context"
	"slices"
	"sync"
)

// gate decides how many writing transactions this node runs at once on PostgreSQL. Serializable transactions that
// overlap are told apart by page: while tables are small, strangers meet on the same page of an index all the time, and
// more of them at once only lose more often. So the number falls with each lost run and recovers with each commit, as a
// network's sender does it; and a run that has lost too often gets the node for itself.
type gate struct {
	mu     sync.Mutex
	most   float64
	limit  float64
	inside int
	closed bool // somebody is inside alone
	line   []*visitor
}

type visitor struct {
	alone bool
	enter chan struct{}
}

// The weights were measured with 32 callers on two cores, on one node and on two: see TestManyWritersSeeNoError.
const (
	gateLoss = 0.7
	gateGain = 0.1
)

// newGate lets few in at first: a start under load is when the tables are smallest.
func newGate(most int) *gate { return &gate{most: float64(most), limit: min(4, float64(most))} }

// enter waits for admission, first come, first served.
func (g *gate) enter(ctx context.Context, alone bool) error {
	g.mu.Lock()
	if len(g.line) == 0 && g.fits(alone) {
		g.admit(alone)
		g.mu.Unlock()
		return nil
	}
	v := &visitor{alone: alone, enter: make(chan struct{})}
	g.line = append(g.line, v)
	g.mu.Unlock()
	select {
	case <-v.enter:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	if i := slices.Index(g.line, v); i >= 0 {
		g.line = slices.Delete(g.line, i, i+1)
		g.next() // those behind may have waited for this one
		g.mu.Unlock()
		return ctx.Err()
	}
	g.mu.Unlock()
	g.leave(false) // admitted in the same moment
	return ctx.Err()
}

// leave tells how it went: lost means that another transaction won.
func (g *gate) leave(lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.closed = false
	if lost {
		g.limit = max(1, g.limit*gateLoss)
	} else {
		g.limit = min(g.most, g.limit+gateGain/g.limit)
	}
	g.next()
}

func (g *gate) fits(alone bool) bool {
	if alone {
		return g.inside == 0
	}
	return !g.closed && g.inside < int(g.limit)
}

func (g *gate) admit(alone bool) {
	g.inside++
	g.closed = alone
}

func (g *gate) next() {
	for len(g.line) > 0 && g.fits(g.line[0].alone) {
		v := g.line[0]
		g.line = slices.Delete(g.line, 0, 1)
		g.admit(v.alone)
		close(v.enter)
	}
}
