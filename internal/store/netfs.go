package store

import (
	"fmt"
	"log/slog"
)

// localDisk is the way on.
const localDisk = "put it on a local disk, or use PostgreSQL (postgres://…), which is made for several machines"

// fileSystem is what the operating system says of a folder. The zero value is an ordinary one.
type fileSystem struct {
	name    string // as people call it
	network bool   // SQLite's locks and shared memory do not work there, or only most of the time
	doubt   bool   // it depends
}

// refuseNetworkFS keeps the database off file systems on which SQLite loses data. An operating system that does not
// answer is no reason to refuse.
func refuseNetworkFS(dir string, ask func(dir string) (fileSystem, error), log *slog.Logger) error {
	fs, err := ask(dir)
	if err != nil {
		log.Warn("the kind of the database's file system is unknown", "folder", dir, "error", err)
		return nil
	}
	if fs.network {
		return fmt.Errorf("%w: %s is on %s, where SQLite's locks cannot be trusted; %s", ErrNetworkFileSystem, dir, fs.name, localDisk)
	}
	if fs.doubt {
		// 9p is a sandbox's own disk or a share of the host: only the former is safe, and both look alike.
		log.Warn("the database's file system may be shared with another machine", "folder", dir, "kind", fs.name)
	}
	return nil
}
