package main

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"testing"
)

// whenServing ends a server as soon as it says that it serves.
type whenServing struct{ end context.CancelFunc }

// Write implements io.Writer.
func (w whenServing) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"msg":"serving"`)) {
		w.end()
	}
	return len(line), nil
}

// TestAStartMakesOnlyWhatAServerNeedsAtOnce: before somebody comes, no text is read, no page is made, no password is hashed, and the
// flags of other commands are never built. What a start allocates is the same on every machine: 5 MB, where one hash takes 19.
func TestAStartMakesOnlyWhatAServerNeedsAtOnce(t *testing.T) {
	h := newHouse(t)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := run(ctx, []string{"serve", "--config", h.file}, io.Discard, whenServing{end}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if made := (after.TotalAlloc - before.TotalAlloc) >> 20; made >= 8 {
		t.Errorf("a start allocates %d MB", made)
	}
}
