package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/selftest"
)

type selftestCommand struct {
	Enumeration enumerationCommand `cmd:"" help:"Can a stranger tell known addresses from unknown ones by time? Takes some minutes."`
}

type enumerationCommand struct {
	N        int    `help:"Samples of each group at each page." default:"2000"`
	Parallel int    `help:"Visitors at once." default:"8"`
	Database string `help:"An empty PostgreSQL database; the default is a temporary SQLite file." placeholder:"URL"`
}

// errLeak makes the command fail.
var errLeak = errors.New("known and unknown addresses can be told apart by time")

// Run runs the test on a private Portvakt and prints both pages' medians.
func (c *enumerationCommand) Run(ctx context.Context, s streams) error {
	// A small puzzle: solving it is the visitor's time, not the server's.
	r, err := selftest.Enumeration(ctx, selftest.Options{N: c.N, Parallel: c.Parallel, Database: c.Database, Progress: s.err,
		App: app.Options{Robot: 50}})
	if err != nil {
		return err
	}
	print := func(page string, c selftest.Comparison) {
		fmt.Fprintf(s.out, "%-10s median known %s, unknown %s, p = %.4f\n", page, c.Known.Round(10*time.Microsecond), c.Unknown.Round(10*time.Microsecond), c.P)
	}
	print("sign-in", r.Password)
	print("recovery", r.Recovery)
	if r.Leaks() {
		return errLeak
	}
	fmt.Fprintln(s.out, "No difference that a stranger could use (p < 0.001 and over 2 ms).")
	return nil
}
