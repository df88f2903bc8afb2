package store

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// lockSuffix makes the database's name that of its lock. The lock is a file of its own because SQLite's locks come and go
// with transactions, and two processes with a writer each would break the promises of the one writer.
const lockSuffix = ".lock"

// fileLock is held from Open to Close; the operating system releases it when the process dies.
type fileLock struct{ file *os.File }

// lockDatabase takes the lock of the database at its real path, or says who has it.
func lockDatabase(real string) (*fileLock, error) {
	path := real + lockSuffix
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock file: %w", err)
	}
	taken, err := tryLock(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	if !taken {
		holder, _ := io.ReadAll(io.LimitReader(f, 32))
		f.Close()
		who := "a Portvakt process"
		if pid := strings.TrimSpace(string(holder)); pid != "" {
			who = "the Portvakt process " + pid
		}
		return nil, fmt.Errorf("%w: %s holds %s; talk to it through its control socket, or stop it first", ErrInUse, who, path)
	}
	// The number is for the message above only; that the lock is held is what counts.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	}
	return &fileLock{f}, nil
}

// release leaves the file: to delete it would let two processes lock two files of that name.
func (l *fileLock) release() error { return l.file.Close() }
