package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/portvakt/portvakt/internal/selftest"
)

type benchCommand struct {
	Target     []byte               `arg:"" optional:"" help:"A file that says where another provider is and how it is measured (docs/performance.md); the default is a private Portvakt, beside a server that checks nothing." type:"filecontent"`
	Operations []selftest.Operation `help:"What is measured." default:"hop,refresh,client-credentials,userinfo,introspection,discovery,jwks,login,login-new-browser"`
	AtOnce     int                  `help:"Clients at once." default:"32"`
	Lasts      time.Duration        `help:"How long a round of an operation lasts." default:"3s"`
	Rounds     int                  `help:"Rounds of each operation, in turn with the other server, so that whatever else the machine does falls on both alike." default:"3"`
	Database   string               `help:"An empty PostgreSQL database for the private Portvakt and the other server; the default is a temporary SQLite file for each." placeholder:"URL"`
	Logins     int                  `help:"People who log in with their passwords at the private Portvakt all the while." placeholder:"N"`
	PID        []int                `help:"A further process whose time counts, such as the database's (Linux)." placeholder:"PID"`
}

// errBench makes the command fail where an answer was wrong.
var errBench = errors.New("not every answer was right")

// Run measures, and prints a row of a table for each operation.
func (c *benchCommand) Run(ctx context.Context, s streams) error {
	if c.AtOnce < 1 || c.Rounds < 1 || c.Lasts <= 0 || c.Logins < 0 {
		return errors.New("at least one client, one round and some time are needed")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var t selftest.Target
	var floor *selftest.Client
	switch {
	case c.Target != nil:
		if err := json.Unmarshal(c.Target, &t); err != nil {
			return fmt.Errorf("read the target: %w", err)
		}
	default:
		var end func() error
		var err error
		if t, end, err = selftest.StartServer(ctx, s.err, "bench-server", "--people", fmt.Sprint(c.AtOnce), "--logins", fmt.Sprint(c.Logins), "--database", c.Database); err != nil {
			return err
		}
		defer end() //nolint:errcheck // it is told to stop
		// On the same database, whose processes count for both: they take turns.
		least, end, err := selftest.StartServer(ctx, s.err, "bench-server", "--floor", "--database", c.Database)
		if err != nil {
			return err
		}
		defer end() //nolint:errcheck // it is told to stop
		least.Beside = c.PID
		if floor, err = selftest.NewClient(ctx, least, c.AtOnce); err != nil {
			return err
		}
	}
	t.Beside = c.PID
	client, err := selftest.NewClient(ctx, t, c.AtOnce)
	if err != nil {
		return err
	}
	return c.measure(ctx, s, client, floor)
}

func (c *benchCommand) measure(ctx context.Context, s streams, client, floor *selftest.Client) error {
	fmt.Fprintln(s.out, "| operation | answers | a second | median | p99 | CPU ms each | the floor's | ratio | resident MB | errors |\n|---|---|---|---|---|---|---|---|---|---|")
	wrong := false
	for _, op := range c.Operations {
		var here, least selftest.Speed
		for range c.Rounds {
			if floor != nil {
				round, err := floor.Measure(ctx, op, c.AtOnce, c.Lasts)
				if err != nil {
					return err
				}
				least = least.Add(round)
			}
			round, err := client.Measure(ctx, op, c.AtOnce, c.Lasts)
			if errors.Is(err, selftest.ErrNotHad) {
				fmt.Fprintln(s.err, err)
				break
			}
			if err != nil {
				return err
			}
			here = here.Add(round)
		}
		ratio := ""
		if least.Each() > 0 {
			ratio = fmt.Sprintf("%.2f", here.Each()/least.Each())
		}
		fmt.Fprintf(s.out, "| %s | %d | %.0f | %s | %s | %.3f | %.3f | %s | %d | %d |\n", op, here.Count, float64(here.Count)/max(here.Took.Seconds(), 0.001),
			here.Middle.Round(10*time.Microsecond), here.High.Round(10*time.Microsecond), here.Each(), least.Each(), ratio, here.Resident>>20, here.Errors)
		if here.First != nil {
			wrong = true
			fmt.Fprintf(s.err, "%s: the first error: %v\n", op, here.First)
		}
	}
	if wrong {
		return errBench
	}
	return nil
}

type benchServerCommand struct {
	Floor    bool   `help:"The server that checks nothing."`
	People   int    `help:"People who are signed in." default:"1"`
	Logins   int    `help:"Others who log in with their passwords all the while." placeholder:"N"`
	Database string `help:"An empty PostgreSQL database; the default is a temporary SQLite file." placeholder:"URL"`
}

// Run serves until its standard input ends, and says on its standard output how it is measured.
func (c *benchServerCommand) Run(ctx context.Context, s streams) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		io.Copy(io.Discard, s.in) //nolint:errcheck // that it ends is all that is waited for
		stop()
	}()
	ready := func(t selftest.Target) error {
		giveBack() // as a server does that has settled
		return json.NewEncoder(s.out).Encode(t)
	}
	leaveGarbage() // both: what the collector costs is compared as well
	if c.Floor {
		return selftest.ServeFloor(ctx, c.Database, ready)
	}
	return selftest.ServePrivate(ctx, c.People, c.Logins, c.Database, ready)
}
