// Package selftest puts a private Portvakt to tests that need its real clock, real costs and a real network
// connection, and that therefore are commands and not unit tests. It starts the whole through app and knows
// it by HTTP alone.
package selftest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/secret"
)

// Options shape the enumeration test.
type Options struct {
	N        int    // samples of each group at each page
	Parallel int    // visitors at once
	Database string // empty: a temporary SQLite file
	Progress io.Writer
	App      app.Options
}

// Report is what the enumeration test found, by page.
type Report struct {
	Password Comparison // a failed sign-in
	Recovery Comparison // a request for a link
}

// Leaks says whether a stranger can tell known addresses from unknown ones by time.
func (r Report) Leaks() bool { return r.Password.Leaks() || r.Recovery.Leaks() }

// perAddress keeps every address below the budget of failures, whose answer is another page.
const perAddress = 4

// Enumeration times known and unknown addresses in turn at the two pages where a stranger can type one
// (DESIGN §4.1).
func Enumeration(ctx context.Context, o Options) (Report, error) {
	if o.N < 1 || o.Parallel < 1 {
		return Report{}, errors.New("at least one sample and one visitor are needed")
	}
	w, err := open(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer w.close()
	var r Report
	if r.Password, err = w.measure(ctx, o, "sign-in", visitor.failPassword); err != nil {
		return r, err
	}
	r.Recovery, err = w.measure(ctx, o, "recovery", visitor.askForLink)
	return r, err
}

// world is the private Portvakt.
type world struct {
	url       string
	dir       string
	addresses int
	stop      context.CancelFunc
	done      chan error
	app       *app.App
}

func open(ctx context.Context, o Options) (*world, error) {
	w, err := start(ctx, config.Settings{Database: o.Database}, o.App)
	if err != nil {
		return nil, err
	}
	w.addresses = (2*o.N + perAddress - 1) / perAddress
	if err := w.seed(ctx, o); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// start starts a private Portvakt with settings that need no more than what sets the test apart.
func start(ctx context.Context, s config.Settings, o app.Options) (*world, error) {
	dir, err := os.MkdirTemp("", "portvakt-selftest-")
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	w := &world{dir: dir, url: fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port), done: make(chan error, 1)}
	s.Demo, s.Issuer, s.DataDir, s.MasterKey = true, w.url, dir, secret.NewMasterKey()
	// Visitors come from many networks, as a real attacker does: each names its own by the proxy's header.
	s.TrustedProxies = []string{"127.0.0.1"}
	if w.app, err = app.New(ctx, s, o); err != nil {
		return nil, errors.Join(err, l.Close(), os.RemoveAll(dir))
	}
	ctx, w.stop = context.WithCancel(ctx)
	go func() { w.done <- w.app.Serve(ctx, l) }()
	return w, nil
}

func (w *world) seed(ctx context.Context, o Options) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range w.addresses {
		group.Go(func() error {
			_, err := w.app.Control.Provisioning.CreateAccount(ctx, provisioning.Newcomer{Address: address(true, i), Verified: true,
				GivenName: "Test", Password: "en lång hemlig mening " + secret.NewID()})
			return err
		})
	}
	progress(o, "%d accounts made\n", w.addresses)
	return group.Wait()
}

func (w *world) close() error {
	w.stop()
	return errors.Join(<-w.done, w.app.Close(), os.RemoveAll(w.dir))
}

// address is the i-th address of a group. Both groups' addresses have one length.
func address(known bool, i int) string {
	if known {
		return fmt.Sprintf("known%06d@selftest.example", i)
	}
	return fmt.Sprintf("other%06d@selftest.example", i)
}

// measure lets visitors try one known and one unknown address in turn, in an order drawn by lot each time, so
// that whatever else the machine does falls on both groups alike.
func (w *world) measure(ctx context.Context, o Options, page string, try func(visitor, context.Context, string) (time.Duration, error)) (Comparison, error) {
	times := map[bool][]time.Duration{true: make([]time.Duration, o.N), false: make([]time.Duration, o.N)}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Parallel)
	for i := range o.N {
		group.Go(func() error {
			known := secret.Random(1)[0]&1 == 0
			for range 2 {
				v, err := newVisitor(w.url, i)
				if err != nil {
					return err
				}
				d, err := try(v, ctx, address(known, i%w.addresses))
				if err != nil {
					return fmt.Errorf("%s: %w", page, err)
				}
				times[known][i], known = d, !known
			}
			return nil
		})
		if (i+1)%500 == 0 {
			progress(o, "%s: %d of %d\n", page, i+1, o.N)
		}
	}
	err := group.Wait()
	return compare(times[true], times[false]), err
}

func progress(o Options, format string, args ...any) {
	if o.Progress != nil {
		fmt.Fprintf(o.Progress, format, args...)
	}
}
