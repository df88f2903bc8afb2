package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestGateLetsFewerInAfterLosses(t *testing.T) {
	g := newGate(8)
	for range 3 {
		if err := g.enter(t.Context(), false); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		g.leave(true)
	}
	if n := int(g.limit); n != 1 {
		t.Errorf("three losses leave %d", n)
	}
	for range 2000 {
		_ = g.enter(t.Context(), false)
		g.leave(false)
	}
	if n := int(g.limit); n != 8 {
		t.Errorf("peace brings back %d", n)
	}
}

func TestGateAloneMeansAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4)
		var inside atomic.Int32
		visit := func(alone bool) {
			if err := g.enter(t.Context(), alone); err != nil {
				t.Error(err)
			}
			if n := inside.Add(1); alone && n != 1 {
				t.Errorf("%d inside", n)
			}
			time.Sleep(time.Millisecond)
			if n := inside.Add(-1); alone && n != 0 {
				t.Errorf("%d inside beside it", n)
			}
			g.leave(false)
		}
		for i := range 40 {
			go visit(i%5 == 0)
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.inside != 0 || len(g.line) != 0 {
			t.Errorf("left over: %d inside, %d in line", g.inside, len(g.line))
		}
	})
}

func TestGateForgetsThoseWhoLeaveTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1)
		_ = g.enter(t.Context(), false)
		ctx, end := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { left <- g.enter(ctx, true) }()
		synctest.Wait()
		entered := make(chan error, 1)
		go func() { entered <- g.enter(t.Context(), false) }()
		synctest.Wait()
		end()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		g.leave(false)
		if err := <-entered; err != nil {
			t.Error(err)
		}
	})
}
