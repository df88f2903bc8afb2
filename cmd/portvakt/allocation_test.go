package main

import (
	"bytes"
	"context"
	"io"
	"runtime"
	"runtime/debug"
	"testing"
)

// TestTheEnvironmentSaysHowMuchGarbageIsLeft where it says so.
func TestTheEnvironmentSaysHowMuchGarbageIsLeft(t *testing.T) {
	const other = 73
	defer debug.SetGCPercent(debug.SetGCPercent(other))
	t.Setenv("GOGC", "73") // as the runtime has read it
	if leaveGarbage(); debug.SetGCPercent(other) != other {
		t.Error("the environment was not heeded")
	}
	t.Setenv("GOGC", "")
	if leaveGarbage(); debug.SetGCPercent(other) != garbage {
		t.Error("a server leaves the collector as it was")
	}
}

// whenServing ends a server as soon as it says that it serves.
type whenServing struct{ end context.CancelFunc }

// Write implements io.Writer.
func (w whenServing) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"msg":"serving"`)) {
		w.end()
	}
	return len(line), nil
}

// TestAStartMakesOnlyWhatAServerNeedsAtOnce: before somebody comes, no text is read, no page is made, no password is hashed, no operation of the
// API is described, and the flags of other commands are never built. What a start allocates is the same on every machine: 3.8 MB, where one hash takes 19.
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
	if made := (after.TotalAlloc - before.TotalAlloc) / 1000; made >= 4800 {
		t.Errorf("a start allocates %d KB", made)
	}
}
