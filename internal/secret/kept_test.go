package secret_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

func TestKeysAreKeptForAMinute(t *testing.T) {
	var k secret.Kept[string]
	now, reads, all := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC), 0, []string{"a"}
	list := func(at time.Time, anew bool) []string {
		t.Helper()
		got, err := k.List(at, anew, func() ([]string, error) { reads++; return slices.Clone(all), nil })
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for _, test := range []struct {
		what  string
		at    time.Duration
		anew  bool
		reads int
	}{{"the first", 0, false, 1}, {"within a minute", 59 * time.Second, false, 1}, {"anew", 59 * time.Second, true, 2}, {"a minute later", 2 * time.Minute, false, 3},
		{"a clock that was set back", 0, false, 4}} {
		if list(now.Add(test.at), test.anew); reads != test.reads {
			t.Errorf("%s: %d reads", test.what, reads)
		}
	}
	k.Forget()
	if list(now, false); reads != 5 {
		t.Errorf("after a change: %d reads", reads)
	}
	if _, err := k.List(now, true, func() ([]string, error) { return nil, errors.New("down") }); err == nil {
		t.Error("a failure is hidden")
	}
}

// TestWhatWasReadBeforeAChangeIsNotKept: the read began before this node changed the keys, and ended after it.
func TestWhatWasReadBeforeAChangeIsNotKept(t *testing.T) {
	var k secret.Kept[string]
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	k.List(now, false, func() ([]string, error) { k.Forget(); return []string{"old"}, nil }) //nolint:errcheck // it cannot fail
	got, err := k.List(now, false, func() ([]string, error) { return []string{"new"}, nil })
	if err != nil || !slices.Equal(got, []string{"new"}) {
		t.Error(got, err)
	}
}
