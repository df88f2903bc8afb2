package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/throttle"
)

// TestWhatIsGivenBackIsEachSlotOfItsOwn: a login that is right gives back what it has taken from its person and from its network; what another one has
// taken stays.
func TestWhatIsGivenBackIsEachSlotOfItsOwn(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		now, another := time.Now(), throttle.Slot{Key: "another's", Budget: throttle.Identifier}
		do := func(fn func(tx *Tx) error) {
			t.Helper()
			if err := db.transact(t.Context(), interactive, nil, fn); err != nil {
				t.Fatal(err)
			}
		}
		take := func(slots ...throttle.Slot) (taken []throttle.Taken) {
			do(func(tx *Tx) (err error) {
				taken, err = tx.TakeSlots(t.Context(), slots, now)
				return err
			})
			return taken
		}
		take(another)
		for n := range 4 {
			for _, reset := range []bool{false, true} {
				var keys []string
				var slots []throttle.Slot
				for i := range n {
					key := fmt.Sprint(n, reset, i)
					keys, slots = append(keys, key), append(slots, throttle.Slot{Key: key, Budget: throttle.Identifier})
				}
				take(slots...)
				take(slots...)
				do(func(tx *Tx) error { return tx.GiveBack(t.Context(), keys, reset) })
				want := 2 // one is left of the two before
				if reset {
					want = 1
				}
				for i, got := range take(slots...) {
					if !got.Granted || got.Count != want || got.InARow != 1 {
						t.Errorf("%d keys, all %v: of the %dth %+v", n, reset, i, got)
					}
				}
			}
		}
		if got := take(another)[0]; got.Count != 2 || got.InARow != 2 {
			t.Errorf("of another's: %+v", got)
		}
	})
}
