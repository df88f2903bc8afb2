package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/portvakt/portvakt/internal/store"
)

type backupCommand struct {
	Out           string `help:"File to make; it must not exist." required:"" type:"path" placeholder:"FILE"`
	settingsFlags `embed:""`
}

// Run copies the database, beside the running server or without one.
func (c *backupCommand) Run(ctx context.Context, s streams) error {
	begin := time.Now()
	err := store.Backup(ctx, c.DatabaseURL(), c.Out)
	switch {
	case errors.Is(err, store.ErrNotSQLite):
		return errors.New("the database is PostgreSQL, whose own tools copy it beside the running server, as " +
			"pg_dump --format=custom --file=FILE URL, and pg_restore brings it back")
	case errors.Is(err, os.ErrExist):
		return fmt.Errorf("%s exists: a backup replaces nothing", c.Out)
	case err != nil:
		return err
	}
	info, err := os.Stat(c.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s holds the database (%.1f MB) as it was %.1f s ago.\n"+
		"The master key %s is not in it, and one opens nothing without the other: keep its copy somewhere else.\n",
		filepath.Base(c.Out), float64(info.Size())/1e6, time.Since(begin).Seconds(), c.MasterKeyPath())
	return nil
}
