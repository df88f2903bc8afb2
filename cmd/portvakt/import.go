package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/store"
)

type importCommand struct {
	settingsFlags `embed:""`
	Org           string            `help:"Organisation whose register it is." required:"" placeholder:"SHORT-NAME"`
	Map           map[string]string `help:"What a column holds, as person_key=Anställningsnummer; repeatable. The rest is remembered or guessed." placeholder:"FIELD=COLUMN" mapsep:"none"`
	DryRun        bool              `help:"Show how the columns are understood, and change nothing." default:"false"`
	File          string            `arg:"" help:"Table with a row for each employment." type:"existingfile"`
}

// refusedRows says that the import is done but for some rows: exit code 3.
type refusedRows struct{ n int64 }

// Error says how many.
func (r refusedRows) Error() string {
	return fmt.Sprintf("%d rows were refused; everything else is done", r.n)
}

func (refusedRows) exitCode() int { return 3 }

// followPause is how often the command asks how far the import has come.
const followPause = 200 * time.Millisecond

// Run imports. Beside a running server the work is the server's, and goes on when this command is stopped.
func (c *importCommand) Run(ctx context.Context, s streams) error {
	query := url.Values{"name": {filepath.Base(c.File)}}
	for field, column := range c.Map {
		if !slices.Contains(control.ImportFields(), field) {
			return fmt.Errorf("--map: there is no field %q; the fields are %s", field, strings.Join(control.ImportFields(), ", "))
		}
		query.Set(field, column)
	}
	return c.atWork(ctx, s, func(ctx context.Context, desk *control.Client, where string) error {
		i, err := c.upload(ctx, desk, query)
		if err != nil {
			return err
		}
		at := "/organisations/" + url.PathEscape(c.Org) + "/imports/" + url.PathEscape(i.ID)
		describe(s.err, i)
		if c.DryRun {
			return desk.Do(ctx, http.MethodPost, at+"/cancel", nil, &i)
		}
		if err := desk.Do(ctx, http.MethodPost, at+"/begin", control.Import{Mapping: i.Mapping}, &i); err != nil {
			return errors.Join(fmt.Errorf("%w; say what the columns hold with --map FIELD=COLUMN", err), desk.Do(ctx, http.MethodPost, at+"/cancel", nil, &i))
		}
		if err := follow(ctx, desk, at, &i, s.err); err != nil {
			return fmt.Errorf("%w; the import goes on %s", err, where)
		}
		return report(ctx, desk, at, i, s)
	})
}

func (c *importCommand) upload(ctx context.Context, desk *control.Client, query url.Values) (i control.Import, err error) {
	f, err := os.Open(c.File)
	if err != nil {
		return i, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return i, err
	}
	if info.Size() > control.MaxRegister {
		return i, fmt.Errorf("%s has %d MB; a register has at most %d MB", c.File, info.Size()>>20, control.MaxRegister>>20)
	}
	err = desk.Send(ctx, "/organisations/"+url.PathEscape(c.Org)+"/imports?"+query.Encode(), f, info.Size(), &i)
	return i, err
}

// atWork calls use with the running server, or with one in this process that does the jobs too.
func (c *importCommand) atWork(ctx context.Context, s streams, use func(ctx context.Context, desk *control.Client, where string) error) error {
	if desk, running := control.Dial(c.ControlSocket()); running {
		return use(ctx, desk, "at the server")
	}
	a, err := app.New(ctx, c.Settings, app.Options{Log: c.logger(s.err)})
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w; its control socket %s does not answer", err, c.ControlSocket())
	}
	if err != nil {
		return err
	}
	defer a.Close()
	working, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- a.Jobs.Run(working) }()
	err = use(ctx, control.InProcess(a.Control.Handler()), "when a server is started")
	stop()
	return errors.Join(err, <-done)
}

// describe says how the columns are understood. The first row is not shown: it is a person's.
func describe(w io.Writer, i control.Import) {
	how := "guessed by their names"
	if i.Remembered {
		how = "as in the last file with these columns"
	}
	if i.Sheet != "" {
		fmt.Fprintf(w, "sheet %s\n", i.Sheet)
	}
	fmt.Fprintf(w, "%d rows; the columns, %s:\n", i.Rows, how)
	for n, column := range i.Header {
		field := "-"
		if n < len(i.Mapping) && i.Mapping[n] != "" {
			field = i.Mapping[n]
		}
		fmt.Fprintf(w, "  %-24s %s\n", column, field)
	}
}

// follow shows how far the import has come until it ends.
func follow(ctx context.Context, desk *control.Client, at string, i *control.Import, w io.Writer) error {
	var bar *progressbar.ProgressBar
	if onTerminal(w) {
		bar = progressbar.NewOptions64(max(i.Total, 1), progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("importing"), progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(true), progressbar.OptionThrottle(followPause/2), progressbar.OptionClearOnFinish())
		defer bar.Close() //nolint:errcheck // it is gone with the terminal
	}
	for {
		if err := desk.Do(ctx, http.MethodGet, at, nil, i); err != nil {
			return err
		}
		if bar != nil {
			bar.Set64(i.Position) //nolint:errcheck // a terminal that is gone shows nothing
		}
		if i.Ended {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(followPause):
		}
	}
}

// onTerminal says whether a person watches.
func onTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// shownProblems is how many problems are printed; the console has them all.
const shownProblems = 20

// report says what has become of the rows. The last line is for programs.
func report(ctx context.Context, desk *control.Client, at string, i control.Import, s streams) error {
	if i.Problems > 0 {
		var all []control.Problem
		if err := desk.Do(ctx, http.MethodGet, at+"/problems", nil, &all); err != nil {
			return err
		}
		for _, p := range all[:min(len(all), shownProblems)] {
			fmt.Fprintf(s.err, "line %d, column %s: %s\n", p.Line, strconv.Quote(p.Column), p.Reason)
		}
		if i.Problems > shownProblems {
			fmt.Fprintf(s.err, "and %d more\n", i.Problems-shownProblems)
		}
	}
	if i.Held > 0 {
		fmt.Fprintf(s.err, "%d rows would change the name or the address behind an account: they wait for an administrator's word at /admin.\n", i.Held)
	}
	if i.State == "done" {
		fmt.Fprintf(s.out, "%d new, %d changed, %d unchanged\n", i.New, i.Changed, i.Unchanged)
	}
	fmt.Fprintf(s.out, "rows %d, imported %d, held %d, refused %d\n", i.Rows, i.Imported, i.Held, i.Refused)
	switch {
	case i.State != "done":
		return fmt.Errorf("the import ended as %s %s", i.State, i.Reason)
	case i.Refused > 0:
		return refusedRows{i.Refused}
	}
	return nil
}
