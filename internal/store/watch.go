package store

import (
	"database/sql"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// watch keeps time over the one function that has the writer's connection, and interrupts its statement when the time
// is up. A context with a deadline would do the same, but the driver starts a goroutine for each statement under one:
// that costs as much as a small statement itself.
type watch struct {
	log   *slog.Logger
	timer *time.Timer

	mu     sync.Mutex
	call   *call // nil: nobody has it
	handle uintptr
	start  time.Time
	limit  time.Duration
	told   bool
}

const (
	// ringAgain is for an interrupt that came between two statements, where it is lost.
	ringAgain = 10 * time.Millisecond
	// stuckAfter is when the log names a function that does not return. Nothing more can be done about it: it may have
	// the connection in its hands.
	stuckAfter = 5 * time.Second
)

func newWatch(log *slog.Logger) *watch {
	w := &watch{log: log}
	w.timer = time.AfterFunc(time.Hour, w.ring)
	w.timer.Stop()
	return w
}

// begin starts the time of a call; handle is 0 where the driver has none to interrupt.
func (w *watch) begin(j *call, handle uintptr, start time.Time, limit time.Duration) {
	w.mu.Lock()
	w.call, w.handle, w.start, w.limit, w.told = j, handle, start, limit, false
	w.mu.Unlock()
	w.timer.Reset(limit)
}

// end is the end of the call: no interrupt comes after it, so none hits a statement of the batch's own.
func (w *watch) end() {
	w.mu.Lock()
	w.call = nil
	w.mu.Unlock()
	w.timer.Stop()
}

func (w *watch) ring() {
	w.mu.Lock()
	defer w.mu.Unlock()
	took := time.Since(w.start)
	if w.call == nil || took < w.limit {
		return // it rang for an earlier one
	}
	if w.handle != 0 {
		tls := libc.NewTLS() // never the connection's, which is in use
		sqlite3.Xsqlite3_interrupt(tls, w.handle)
		tls.Close()
	}
	if took > stuckAfter && !w.told {
		w.told = true
		w.log.Error("a transaction's function does not return, and nobody can write: does it start another transaction?",
			"in", w.call.name())
	}
	w.timer.Reset(ringAgain)
}

// handleOf is SQLite's own handle of a connection, which the driver does not give away. 0 means that the driver has
// changed; then statements run under a context with a deadline, correct and slower. A test notices.
func handleOf(conn *sql.Conn) (handle uintptr) {
	_ = conn.Raw(func(c any) error {
		v := reflect.ValueOf(c)
		if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
			return nil
		}
		if f := v.Elem().FieldByName("db"); f.IsValid() && f.Kind() == reflect.Uintptr {
			handle = uintptr(f.Uint())
		}
		return nil
	})
	return handle
}
