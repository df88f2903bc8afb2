package storetest_test

import (
	"context"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// leaser is what a flow would declare.
type leaser interface {
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 3 {
		storetest.Each(t, func(t *testing.T, db *store.DB) {
			now := time.Now()
			err := store.InTx[leaser](db)(t.Context(), func(tx leaser) error {
				got, err := tx.TakeLease(t.Context(), "sealer", t.Name(), now, now.Add(time.Hour))
				if err == nil && !got {
					t.Error("somebody else's lease is in a fresh database")
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}
