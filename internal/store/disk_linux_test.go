package store

import (
	"context"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFullFileSystemAnswersNobodyFalsely fills a real file system, where the log fills up before the database does.
func TestFullFileSystemAnswersNobodyFalsely(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Skipf("mounting is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	db := openFor(t, Options{URL: filepath.Join(dir, "portvakt.db")})
	must(t, db, makeRows, `CREATE TABLE heap (content BYTEA)`)
	failed := 0
	for round := 0; round < 40 && failed < 3*batchSize; round++ {
		r := &rig{t: t, db: db}
		all := r.run(func(tx *Tx, member, step int) error {
			_, err := tx.exec(context.Background(), `INSERT INTO heap (content) VALUES (zeroblob(9000))`)
			return err
		})
		var want []string
		for i, o := range all {
			if o.err != nil {
				failed++
			} else {
				want = append(want, row(i, 0), row(i, 1))
			}
		}
		if got := names(t, db, allRows); len(got) != len(want) {
			t.Fatalf("%d rows, %d promised", len(got), len(want))
		}
		// Room for the next round: without any, not even a deletion can be written.
		if err := inTx(db, context.Background(), func(tx *Tx) error {
			_, err := tx.exec(context.Background(), allGone)
			return err
		}); err != nil {
			if failed == 0 {
				t.Fatal(err)
			}
			break
		}
	}
	if failed == 0 {
		t.Error("the disk was never full")
	}
}
