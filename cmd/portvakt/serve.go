package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/alecthomas/kong"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

type serveCommand struct {
	settingsFlags `embed:""`
}

// Run serves until the context ends.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	if err := c.CheckServing(); err != nil {
		return err
	}
	leaveGarbage()
	log := c.logger(s.err)
	a, err := app.New(ctx, c.Settings, drawing(c.Settings.Issuer, app.Options{Log: log}))
	if err != nil {
		return err
	}
	defer a.Close()
	l, err := a.Listen()
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	defer stop()
	go stayLean(serving)
	if err := a.Serve(ctx, l); err != nil {
		return err
	}
	log.Info("stopped")
	return nil
}

type migrateCommand struct {
	settingsFlags `embed:""`
}

// Run migrates. Where nobody has said which database, and there is none, a new one would be nobody's wish.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	if c.Config == "" && c.DataDir == "." && c.Database == "" && !exists(c.DatabaseURL()) {
		return errors.New("there is no database in this folder: say which one with --config FILE, --data DIR or --database URL")
	}
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
	Data     string `help:"Folder to make." default:"." env:"PORTVAKT_DATA" placeholder:"DIR"`
	Issuer   string `help:"Address of this installation, as https://login.example.com. Chosen once, for good." required:"" env:"PORTVAKT_ISSUER" placeholder:"URL"`
	Database string `help:"postgres://… ; empty: an SQLite file in the folder." env:"PORTVAKT_DATABASE" placeholder:"URL"`

	AuthenticatorURL string `name:"authenticator-url" help:"Address of the web app that approves sign-ins, with a slash at the end, where it is not /authenticator/ of the issuer. Chosen once, for good." env:"PORTVAKT_AUTHENTICATOR_URL" placeholder:"URL"`

	MasterKeyFile string          `help:"File to make for the master key. The default is master.key in the folder." env:"PORTVAKT_MASTER_KEY_FILE" placeholder:"FILE"`
	Config        kong.ConfigFlag `help:"Settings file that is there already, as a package brings it: its settings hold, and none is written." type:"path" placeholder:"FILE"`
}

// Run makes the folder, the master key, the settings file and the database: all of it or, where one fails, nothing.
func (c *initCommand) Run(ctx context.Context, s streams) error {
	dir, err := filepath.Abs(c.Data)
	if err != nil {
		return err
	}
	settings := config.Settings{Issuer: c.Issuer, AuthenticatorURL: c.AuthenticatorURL, Listen: ":8443", DataDir: dir, Database: c.Database,
		MasterKeyFile: c.MasterKeyFile}
	if err := settings.CheckServing(); err != nil {
		return err
	}
	key, file, database := settings.MasterKeyPath(), filepath.Join(dir, "portvakt.toml"), filepath.Join(dir, "portvakt.db")
	if exists(key) {
		return initialised(key)
	}
	if c.Config != "" {
		file = string(c.Config)
	} else if exists(file) {
		return initialised(file)
	}
	takeBack := newcomers(dir, key, file, database, database+"-wal", database+"-shm", database+".lock")
	if err := initialise(ctx, settings, file); err != nil {
		takeBack()
		return err
	}
	fmt.Fprintf(s.out, "Ready in %s.\nKeep a copy of %s apart from the database's backups: one without the other opens nothing.\n"+
		"Next: portvakt serve --config %s\n", dir, key, file)
	return nil
}

// initialise writes the files and makes the database.
func initialise(ctx context.Context, settings config.Settings, file string) error {
	if err := os.MkdirAll(settings.DataDir, 0o700); err != nil {
		return err
	}
	if err := create(settings.MasterKeyPath(), secret.NewMasterKey()+"\n"); err != nil {
		return err
	}
	if !exists(file) {
		if err := writeSettings(settings, file); err != nil {
			return err
		}
	}
	a, err := app.New(ctx, settings, app.Options{})
	if err != nil {
		return err
	}
	return a.Close()
}

// writeSettings writes what the file begins with.
func writeSettings(settings config.Settings, file string) error {
	text := fmt.Sprintf("# Every setting: docs/configuration.md\nissuer = %q\ndata = %q\n", settings.Issuer, settings.DataDir)
	for _, more := range []struct{ name, value string }{
		{"authenticator-url", settings.AuthenticatorURL}, {"database", settings.Database}, {"master-key-file", settings.MasterKeyFile},
	} {
		if more.value != "" {
			text += fmt.Sprintf("%s = %q\n", more.name, more.value)
		}
	}
	return create(file, text)
}

// newcomers returns what removes the files, and the folder, that are not there yet.
func newcomers(dir string, files ...string) func() {
	files = slices.DeleteFunc(append(files, dir), exists)
	return func() {
		for _, path := range files {
			os.Remove(path) //nolint:errcheck // it was not made, or somebody has put something into the folder
		}
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, os.ErrNotExist)
}

func initialised(path string) error {
	return fmt.Errorf("%s exists: this folder has been initialised before", path)
}

// create writes a file that must not exist: a second init would lock everybody out with a new key.
func create(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return initialised(path)
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
	return atDesk(ctx, flags, s, func(c *control.Client) error { return c.Do(ctx, method, path, in, out) })
}

// atDesk calls use with the running server, or with one in this process where none runs.
func atDesk(ctx context.Context, flags settingsFlags, s streams, use func(*control.Client) error) error {
	if c, running := control.Dial(flags.ControlSocket()); running {
		return use(c)
	}
	a, err := app.New(ctx, flags.Settings, app.Options{Log: flags.logger(s.err)})
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; its control socket %s does not answer", err, flags.ControlSocket())
	}
	if err != nil {
		return err
	}
	defer a.Close()
	return use(control.InProcess(a.Control.Handler()))
}
