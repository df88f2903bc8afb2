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
	Register    registerCommand    `cmd:"" help:"What does it cost to move a register of so many people? Takes some minutes."`
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

type registerCommand struct {
	People   int    `help:"Rows of the register." default:"20000"`
	Logins   int    `help:"First logins. 0: nobody is mailed either." default:"2000"`
	Parallel int    `help:"People who log in at once." default:"4"`
	Samples  int    `help:"Looks at each page of the console." default:"50"`
	Database string `help:"An empty PostgreSQL database; the default is a temporary SQLite file." placeholder:"URL"`
}

// Run moves a made-up register on a private Portvakt and prints a row of a table for each part.
func (c *registerCommand) Run(ctx context.Context, s streams) error {
	fmt.Fprintln(s.out, "| part | | time | a second | CPU ms each | median | p95 | resident |\n|---|---|---|---|---|---|---|---|")
	return selftest.Register(ctx, selftest.RegisterOptions{People: c.People, Logins: c.Logins, Parallel: c.Parallel, Samples: c.Samples, Database: c.Database,
		App: app.Options{Robot: 50}}, func(p selftest.Phase) {
		median, high := "", ""
		if p.High > 0 {
			median, high = p.Middle.Round(100*time.Microsecond).String(), p.High.Round(100*time.Microsecond).String()
		}
		fmt.Fprintf(s.out, "| %s | %d × %s | %s | %.0f | %.2f | %s | %s | %d MB |\n", p.Name, p.Units, p.Unit, p.Took.Round(100*time.Millisecond), float64(p.Units)/p.Took.Seconds(),
			float64(p.Processor.Microseconds())/1000/float64(p.Units), median, high, p.Memory>>20)
	})
}
