package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sort"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/oidc"
	"github.com/portvakt/portvakt/internal/ui"
	"github.com/portvakt/portvakt/internal/web"
)

// recordingMux remembers its patterns for `portvakt routes`.
type recordingMux struct {
	http.ServeMux
	patterns []string
}

// Handle mounts a handler.
func (m *recordingMux) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

func (a *App) mount(kit *web.Kit, people *ui.Door, parties *oidc.Door) {
	mux := &recordingMux{}
	people.Routes(mux)
	parties.Routes(mux)
	mux.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	mux.Handle("GET /readyz", http.HandlerFunc(a.ready))
	a.handler, a.routes = kit.Wrap(mux), mux.patterns
	sort.Strings(a.routes)
}

// ready answers whether this node can serve. Why not is in the log: the reason may name the database.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	if err := a.DB.Ready(r.Context()); err != nil {
		a.log.Warn("not ready", "error", err)
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// Handler is everything that Portvakt answers over HTTP.
func (a *App) Handler() http.Handler { return a.handler }

// Routes lists the patterns of all routes, sorted.
func (a *App) Routes() []string { return a.routes }

// Close closes the database.
func (a *App) Close() error { return a.DB.Close() }

// Time limits of the server. A hash may queue for ten seconds, so writing has more.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = time.Minute
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10 // five attempts and a request of 16 KB
	graceTime         = 20 * time.Second
)

// Listen opens the address of the settings, with a word about what to do where it is taken.
func (a *App) Listen() (net.Listener, error) {
	l, err := net.Listen("tcp", a.Settings.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with --listen", a.Settings.Listen, err)
	}
	return l, nil
}

// Serve answers on the listener, runs the workers and the control socket, and returns after ctx has ended and what was
// under way is done. It speaks TLS where a certificate is set.
func (a *App) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: a.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	socket, err := control.Listen(a.Settings.ControlSocket())
	if err != nil {
		l.Close()
		return fmt.Errorf("control socket: %w", err)
	}
	operator := &http.Server{Handler: a.Control.Handler(), ReadHeaderTimeout: readHeaderTimeout}
	a.log.Info("serving", "issuer", a.Settings.Issuer, "listen", l.Addr().String(), "tls", a.Settings.TLSCert != "")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if a.Settings.TLSCert != "" {
			return ended(server.ServeTLS(l, a.Settings.TLSCert, a.Settings.TLSKey))
		}
		return ended(server.Serve(l))
	})
	group.Go(func() error { return ended(operator.Serve(socket)) })
	group.Go(func() error { return a.Outbox.Run(ctx) })
	group.Go(func() error { return a.House.Run(ctx) })
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceTime)
		defer cancel()
		return errors.Join(server.Shutdown(grace), operator.Shutdown(grace))
	})
	return group.Wait()
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
