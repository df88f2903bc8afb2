package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAnswersAndRowsAgree lets many callers do what they like at once, and then compares: a row is there exactly when
// its transaction was acknowledged.
func TestAnswersAndRowsAgree(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, makeRows)
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			type deed struct {
				Ends    string
				Rows    int
				Bulk    bool
				Leaves  bool // its request goes away at some moment
				Pausing bool
			}
			deeds := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) deed {
				return deed{
					Ends:    rapid.SampledFrom([]string{"well", "well", "well", "error", "panic", "goexit", "twice", "hidden"}).Draw(rt, "ends"),
					Rows:    rapid.IntRange(0, 3).Draw(rt, "rows"),
					Bulk:    rapid.IntRange(0, 9).Draw(rt, "lane") == 0,
					Leaves:  rapid.IntRange(0, 4).Draw(rt, "patience") == 0,
					Pausing: rapid.IntRange(0, 9).Draw(rt, "pausing") == 0,
				}
			}), 1, 40).Draw(rt, "deeds")
			acknowledged := make([]bool, len(deeds))
			var wg sync.WaitGroup
			for i, d := range deeds {
				wg.Go(func() {
					defer func() { _ = recover() }()
					ctx, end := context.WithCancel(context.Background())
					defer end()
					if d.Leaves {
						go end()
					}
					run := InTx[*Tx](db)
					if d.Bulk {
						run = InBulkTx[*Tx](db)
					}
					err := run(ctx, func(tx *Tx) error {
						for r := range d.Rows {
							if _, err := tx.exec(ctx, addRow, fmt.Sprintf("%d/%d/%d", round, i, r)); err != nil {
								return err
							}
						}
						if d.Pausing {
							time.Sleep(100 * time.Microsecond)
						}
						switch d.Ends {
						case "error":
							return errRefused
						case "panic":
							panic("bug")
						case "goexit":
							runtime.Goexit()
						case "twice", "hidden":
							for range 2 {
								if _, err := tx.exec(ctx, addRow, fmt.Sprintf("%d/%d/twice", round, i)); err != nil && d.Ends == "twice" {
									return err
								}
							}
						}
						return nil
					})
					acknowledged[i] = err == nil
					switch {
					case err == nil, errors.Is(err, errRefused), errors.Is(err, context.Canceled), isUnique(err):
					default:
						t.Error(err)
					}
				})
			}
			wg.Wait()
			var want []string
			for i, d := range deeds {
				if acknowledged[i] {
					if d.Ends != "well" {
						rt.Fatalf("the deed %d ended by %s and was acknowledged", i, d.Ends)
					}
					for r := range d.Rows {
						want = append(want, fmt.Sprintf("%d/%d/%d", round, i, r))
					}
				}
			}
			got := names(t, db, allRows)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				rt.Fatalf("rows %v, promised %v", got, want)
			}
			must(t, db, allGone)
		})
	})
}

// TestSumStaysTheSame moves amounts between rows from many sides at once.
func TestSumStaysTheSame(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		must(t, db, `CREATE TABLE purses (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`)
		mustTx(t, db, func(tx *Tx) error {
			for i := range 10 {
				if _, err := tx.exec(t.Context(), `INSERT INTO purses (id, n) VALUES ($1, 100)`, i); err != nil {
					return err
				}
			}
			return nil
		})
		var wg sync.WaitGroup
		for c := range 12 {
			wg.Go(func() {
				for i := range 15 {
					from, to := (c+i)%10, (c*7+i*3+1)%10
					err := inTx(db, context.Background(), func(tx *Tx) error {
						var n int
						if _, err := tx.query(context.Background(), `SELECT n FROM purses WHERE id = $1`, from).one(&n); err != nil {
							return err
						}
						if n < 10 || from == to {
							return errRefused
						}
						if _, err := tx.exec(context.Background(), `UPDATE purses SET n = $2 WHERE id = $1`, from, n-10); err != nil {
							return err
						}
						_, err := tx.exec(context.Background(), `UPDATE purses SET n = n + 10 WHERE id = $1`, to)
						return err
					})
					if err != nil && !errors.Is(err, errRefused) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		var sum, least int
		if _, err := db.query(t.Context(), `SELECT sum(n), min(n) FROM purses`).one(&sum, &least); err != nil || sum != 1000 || least < 0 {
			t.Errorf("sum %d, least %d, %v", sum, least, err)
		}
	})
}
