package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

type serveCommand struct {
	settingsFlags `embed:""`
}

// Run serves until the context ends.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	log := c.logger(s.err)
	a, err := app.New(ctx, c.Settings, app.Options{Log: log})
	if err != nil {
		return err
	}
	defer a.Close()
	l, err := a.Listen()
	if err != nil {
		return err
	}
	err = a.Serve(ctx, l)
	log.Info("stopped")
	return err
}

type migrateCommand struct {
	settingsFlags `embed:""`
}

// Run migrates.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	db, err := store.Open(ctx, store.Options{URL: c.DatabaseURL(), Log: c.logger(s.err)})
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database is up to date.")
	return nil
}

type initCommand struct {
	Data     string `help:"Folder to make." default:"." placeholder:"DIR"`
	Issuer   string `help:"Address of this installation, as https://login.example.com. Chosen once, for good." required:"" placeholder:"URL"`
	Database string `help:"postgres://… ; empty: an SQLite file in the folder." placeholder:"URL"`
}

// Run makes the folder, the master key, the settings file and the database.
func (c *initCommand) Run(ctx context.Context, s streams) error {
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var flags settingsFlags
	flags.Issuer, flags.DataDir, flags.Database = c.Issuer, dir, c.Database
	if err := flags.Settings.Check(); err != nil {
		return err
	}
	settings := fmt.Sprintf("# Every setting: docs/configuration.md\nissuer = %q\ndata = %q\n", c.Issuer, dir)
	if c.Database != "" {
		settings += fmt.Sprintf("database = %q\n", c.Database)
	}
	file := filepath.Join(dir, "portvakt.toml")
	for path, text := range map[string]string{flags.MasterKeyPath(): secret.NewMasterKey() + "\n", file: settings} {
		if err := create(path, text); err != nil {
			return err
		}
	}
	a, err := app.New(ctx, flags.Settings, app.Options{})
	if err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Ready in %s.\nKeep a copy of %s apart from the database's backups: one without the other opens nothing.\n"+
		"Next: portvakt serve --config %s\n", dir, flags.MasterKeyPath(), file)
	return nil
}

// create writes a file that must not exist: a second init would lock everybody out with a new key.
func create(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists: this folder has been initialised before", path)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

type routesCommand struct {
	settingsFlags `embed:""`
}

// Run lists the routes.
func (c *routesCommand) Run(ctx context.Context, s streams) error {
	dir, err := os.MkdirTemp("", "portvakt-routes-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	c.Issuer, c.DataDir, c.Database, c.MasterKey = "https://portvakt.example", dir, "", secret.NewMasterKey()
	a, err := app.New(ctx, c.Settings, app.Options{})
	if err != nil {
		return err
	}
	defer a.Close()
	for _, pattern := range a.Routes() {
		fmt.Fprintln(s.out, pattern)
	}
	return nil
}

// operate runs one operation of the control door: through the socket of a running server, else in this process.
func operate(ctx context.Context, flags settingsFlags, s streams, method, path string, in, out any) error {
	if c, running := control.Dial(flags.ControlSocket()); running {
		return c.Do(ctx, method, path, in, out)
	}
	a, err := app.New(ctx, flags.Settings, app.Options{Log: flags.logger(s.err)})
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; its control socket %s does not answer", err, flags.ControlSocket())
	}
	if err != nil {
		return err
	}
	defer a.Close()
	return control.InProcess(a.Control.Handler()).Do(ctx, method, path, in, out)
}
