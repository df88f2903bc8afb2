package selftest_test

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/selftest"
)

// TestEveryOperationIsMeasured lets the client do each operation for a moment, at a private Portvakt and at the floor.
func TestEveryOperationIsMeasured(t *testing.T) {
	for name, serve := range map[string]func(context.Context, func(selftest.Target) error) error{
		"Portvakt": func(ctx context.Context, ready func(selftest.Target) error) error {
			return selftest.ServePrivate(ctx, 1, 1, "", ready)
		},
		"floor": func(ctx context.Context, ready func(selftest.Target) error) error {
			return selftest.ServeFloor(ctx, "", ready)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			targets, done := make(chan selftest.Target, 1), make(chan error, 1)
			go func() { done <- serve(ctx, func(target selftest.Target) error { targets <- target; return nil }) }()
			select {
			case target := <-targets:
				measure(t, target)
			case err := <-done:
				t.Fatal(err)
			}
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func measure(t *testing.T, target selftest.Target) {
	client, err := selftest.NewClient(t.Context(), target, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range selftest.Operations() {
		s, err := client.Measure(t.Context(), op, 2, 20*time.Millisecond)
		if err != nil || s.Count == 0 || s.Errors > 0 || s.High < s.Middle || s.Middle == 0 || runtime.GOOS == "linux" && s.Resident == 0 {
			t.Errorf("%s: %+v, %v", op, s, err)
		}
	}
	target.Cookies, target.Service, target.Addresses, target.HashAt = nil, "", nil, ""
	if client, err = selftest.NewClient(t.Context(), target, 1); err != nil {
		t.Fatal(err)
	}
	for _, op := range []selftest.Operation{selftest.Hop, selftest.ClientCredentials, selftest.Login} {
		if _, err := client.Measure(t.Context(), op, 1, time.Millisecond); !errors.Is(err, selftest.ErrNotHad) {
			t.Errorf("%s without what it needs: %v", op, err)
		}
	}
}
