package store

import (
	"context"
	"errors"
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
		inside := 0
		visit := func(alone bool) {
			if err := g.enter(t.Context(), alone); err != nil {
				t.Error(err)
			}
			inside++
			if alone && inside != 1 {
				t.Errorf("%d inside", inside)
			}
			time.Sleep(time.Millisecond)
			if alone && inside != 1 {
				t.Errorf("%d inside", inside)
			}
			inside--
			g.leave(false)
		}
		for i := range 40 {
			go visit(i%5 == 0)
			time.Sleep(100 * time.Microsecond)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		if inside != 0 || g.inside != 0 || len(g.line) != 0 {
			t.Errorf("left over: %d, %+v", inside, g)
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
