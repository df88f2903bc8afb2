package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

// TestTheKeyOfPushServicesAgesWithoutARestart: housekeeping makes its successor, and takes it away when nobody needs it any more.
func TestTheKeyOfPushServicesAgesWithoutARestart(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list := func() (all []control.VAPIDKey) {
			t.Helper()
			if err := control.InProcess(w.app.Control.Handler()).Do(t.Context(), http.MethodGet, "/keys/vapid", nil, &all); err != nil {
				t.Fatal(err)
			}
			return all
		}
		keep := func() {
			t.Helper()
			if err := w.app.House.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		first := list()
		keep()
		if again := list(); len(first) != 1 || len(again) != 1 || again[0] != first[0] {
			t.Fatalf("at the start %v, then %v", first, again)
		}
		w.clock.Advance(180 * 24 * time.Hour)
		keep()
		second := list()
		if len(second) != 2 || second[1] != first[0] {
			t.Fatalf("after 180 days: %v", second)
		}
		w.clock.Advance(25 * time.Hour)
		keep()
		if third := list(); len(third) != 1 || third[0] != second[0] {
			t.Errorf("a day later: %v", third)
		}
	})
}
