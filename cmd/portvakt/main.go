// Command portvakt is the identity provider and its tools, in one binary. This package parses the command
// line and prints; what it runs stands in internal/app and internal/demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/portvakt/portvakt/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endings()...)
	defer stop()
	context.AfterFunc(ctx, stop) // whoever asks a second time does not want to wait: the signal kills
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "portvakt:", err)
		if r, ok := errors.AsType[refusedRows](err); ok {
			os.Exit(r.exitCode())
		}
		os.Exit(1)
	}
}

// endings are the signals that end a command in order. Closing the terminal is one, unless somebody has said nohup.
func endings() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// commands are the subcommands, in the order of the help.
type commands struct {
	Demo demoCommand `cmd:"" help:"Show everything on this machine: Portvakt, two sample apps, an inbox, seeded people."`
	Init initCommand `cmd:"" help:"Make a settings file, a master key and an empty database."`
	serving
	Migrate       migrateCommand       `cmd:"" help:"Bring the database to this version and stop."`
	Backup        backupCommand        `cmd:"" help:"Copy the embedded database into a file, beside the running server."`
	RP            rpCommand            `cmd:"" name:"rp" help:"Relying parties: the apps that sign in through Portvakt."`
	Org           orgCommand           `cmd:"" name:"org" help:"Organisations."`
	Admin         adminCommand         `cmd:"" help:"Administrators: who may open the console at /admin."`
	Import        importCommand        `cmd:"" help:"Take an employer's HR register over from a file: .xlsx or CSV."`
	Account       accountCommand       `cmd:"" help:"Accounts."`
	Keys          keysCommand          `cmd:"" help:"Keys."`
	Audit         auditCommand         `cmd:"" help:"The audit log."`
	Authenticator authenticatorCommand `cmd:"" help:"An authenticator in this terminal, for people without a smartphone: approves sign-ins and makes codes."`
	Routes        routesCommand        `cmd:"" help:"List every route that is served."`
	Guide         guideCommand         `cmd:"" help:"Draw the illustrated guide for an organisation's people: HTML, PDF and Markdown. Needs Chromium or Chrome."`
	Selftest      selftestCommand      `cmd:"" help:"Tests that a running installation can be put to."`
	Bench         benchCommand         `cmd:"" help:"What an operation of OpenID Connect costs, here or at another provider."`
	Version       versionCommand       `cmd:"" help:"Say which version this is."`
	measured
}

// measured is the one that bench starts.
type measured struct {
	BenchServer benchServerCommand `cmd:"" hidden:"" help:"The server that bench measures."`
}

// serving is the one command that somebody waits for.
type serving struct {
	Serve serveCommand `cmd:"" help:"Serve."`
}

// named is what kong reads from the command line. All commands together have a thousand flags, because each that opens an installation
// has the settings: a server does not carry them, nor does its start wait for them.
func named(args []string) any {
	if len(args) > 0 {
		switch args[0] {
		case "serve":
			return &serving{}
		case "bench-server":
			return &measured{}
		}
	}
	return &commands{}
}

// streams are where a command writes, and where it reads what is typed.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exit carries kong's wish to end the process up to run.
type exit int

// run is main with everything given to it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	parser, err := kong.New(named(args), kong.Name("portvakt"), kong.Description("An identity provider for the day a whole user base moves to a new login."),
		kong.Configuration(config.ReadFile), kong.Writers(stdout, stderr), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(explained), kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: "Settings, which can stand in the file and the environment as well:"}}),
		kong.Exit(func(code int) { panic(exit(code)) }), kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(streams{os.Stdin, stdout, stderr}))
	if err == nil {
		err = config.IgnoreEmptyVariables(parser)
	}
	if err != nil {
		return err
	}
	defer func() {
		// kong ends the process after --help; a test must outlive it.
		if p := recover(); p != nil {
			if code, ok := p.(exit); !ok {
				panic(p)
			} else if code != 0 {
				err = errors.New("see --help")
			}
		}
	}()
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return parsed.Run()
}

// explained is the sentence about a flag in the help, with its default and its variable.
func explained(v *kong.Value) string {
	var beside []string
	if v.Default != "" && v.Default != "false" {
		beside = append(beside, "default "+v.Default)
	}
	if v.Flag != nil {
		for _, name := range v.Flag.Envs {
			beside = append(beside, "$"+name)
		}
	}
	if beside == nil {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + strings.Join(beside, ", ") + ")."
}

// settingsFlags are shared by every command that opens an installation. In the help they come after its own flags.
type settingsFlags struct {
	Config          kong.ConfigFlag `help:"Settings file (TOML)." type:"path" placeholder:"FILE"`
	config.Settings `embed:"" group:"settings"`
}

func (s settingsFlags) logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.LogLevel)); err != nil {
		level = slog.LevelInfo // the enum has checked it
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}
