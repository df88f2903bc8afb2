package store

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	makeHeap statement = `CREATE TABLE heap (id TEXT NOT NULL PRIMARY KEY, n BIGINT NOT NULL, content BYTEA NOT NULL)`
	addHeap  statement = `INSERT INTO heap (id, n, content) VALUES ($1, $2, $3)`
	findHeap statement = `SELECT n, content FROM heap WHERE id = $1`
)

// BenchmarkGroupCommit shows what sharing a COMMIT is worth: compare the transactions a second of 16 and 64 callers
// with those of one. Every one is on the disk when it is answered.
func BenchmarkGroupCommit(b *testing.B) {
	var one float64
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := openLite(b)
			must(b, db, makeHeap)
			content := make([]byte, 500)
			var next atomic.Int64
			before, cpu := db.Counts().Commits, cpuTime()
			b.ReportAllocs()
			b.ResetTimer()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for {
						n := next.Add(1)
						if n > int64(b.N) {
							return
						}
						err := inTx(db, context.Background(), func(tx *Tx) error {
							_, err := tx.exec(context.Background(), addHeap, fmt.Sprintf("%020d", n*7919%1000003), n, content)
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			perSecond := float64(b.N) / b.Elapsed().Seconds()
			if callers == 1 {
				one = perSecond
			}
			b.ReportMetric(perSecond, "tx/s")
			b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "cpu-µs/tx")
			b.ReportMetric(perSecond/one, "×one")
			b.ReportMetric(float64(b.N)/float64(db.Counts().Commits-before), "tx/commit")
		})
	}
}

// BenchmarkRead is one row by its key.
func BenchmarkRead(b *testing.B) {
	db := openLite(b)
	must(b, db, makeHeap)
	mustTx(b, db, func(tx *Tx) error {
		for n := range 1000 {
			if _, err := tx.exec(context.Background(), addHeap, fmt.Sprint(n), n, make([]byte, 500)); err != nil {
				return err
			}
		}
		return nil
	})
	for name, ctx := range map[string]context.Context{"background": context.Background(), "request": cancellable(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					var n int
					var content []byte
					if found, err := db.query(ctx, findHeap, fmt.Sprint(i%1000)).one(&n, &content); err != nil || !found {
						b.Error(found, err)
						return
					}
				}
			})
		})
	}
}

// cancellable is a context like a request's.
func cancellable(b *testing.B) context.Context {
	ctx, end := context.WithCancel(context.Background())
	b.Cleanup(end)
	return ctx
}
