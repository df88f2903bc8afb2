package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/admin"
	"github.com/portvakt/portvakt/internal/api"
	"github.com/portvakt/portvakt/internal/authenticatorapp"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/docs"
	"github.com/portvakt/portvakt/internal/oidc"
	"github.com/portvakt/portvakt/internal/ui"
	"github.com/portvakt/portvakt/internal/web"
)

func (a *App) mount(kit *web.Kit, people *ui.Door, parties *oidc.Door, phones *authenticatorapp.Door, administrators *admin.Door, programs *api.Door, readers *docs.Door) {
	mux := &web.Mux{}
	people.Routes(mux)
	parties.Routes(mux)
	phones.Routes(mux)
	administrators.Routes(mux)
	operations := programs.Routes(mux)
	if a.Settings.Docs != "off" {
		readers.Routes(mux)
	}
	mux.Handle("GET /healthz", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") }))
	mux.Handle("GET /readyz", http.HandlerFunc(a.ready))
	a.handler = kit.Wrap(mux)
	a.routes = func() []string {
		return slices.Compact(slices.Sorted(slices.Values(slices.Concat(mux.Patterns, operations()))))
	}
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
func (a *App) Routes() []string { return a.routes() }

// Close closes the database, and ends a drawing that is under way.
func (a *App) Close() error {
	a.Transition.PutAway()
	return a.DB.Close()
}

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
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: serverLog(a.log)}
	socket, err := a.prepare(server)
	if err != nil {
		l.Close()
		return err
	}
	server.RegisterOnShutdown(a.bell.Close) // streams stay open for as long as somebody waits
	returned, err := a.bounces.listen()
	if err != nil {
		l.Close()
		socket.Close()
		return err
	}
	operator := &http.Server{Handler: a.Control.Handler(), ReadHeaderTimeout: readHeaderTimeout, ErrorLog: serverLog(a.log)}
	a.warn()
	a.log.Info("serving", "issuer", a.Settings.Issuer, "listen", l.Addr().String(), "tls", server.TLSConfig != nil)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if server.TLSConfig != nil {
			return ended(server.ServeTLS(l, "", ""))
		}
		return ended(server.Serve(l))
	})
	group.Go(func() error { return ended(operator.Serve(socket)) })
	group.Go(func() error { return a.Outbox.Run(ctx) })
	group.Go(func() error { return a.Jobs.Run(ctx) })
	group.Go(func() error { // at once: a browser takes its time to end, and so do requests under way
		<-ctx.Done()
		a.Transition.PutAway()
		return nil
	})
	group.Go(func() error {
		return a.Preparation.Run(ctx, func(err error) { a.log.Error("preparation", "error", err) })
	})
	group.Go(func() error {
		return a.Transition.Run(ctx, func(err error) { a.log.Error("transition", "error", err) })
	})
	group.Go(func() error { return a.House.Run(ctx) })
	group.Go(func() error { return a.Control.Auditing.Run(ctx) })
	if returned != nil {
		a.bounces.server.TLS = server.TLSConfig.Clone()
		group.Go(func() error { return a.bounces.server.Serve(ctx, returned) })
	}
	group.Go(func() error {
		<-ctx.Done()
		return stop(graceTime, server, operator)
	})
	return group.Wait()
}

// prepare gives the server its certificate, where there is one, and opens the control socket.
func (a *App) prepare(server *http.Server) (net.Listener, error) {
	if a.Settings.TLSCert != "" {
		c, err := openCertificate(a.Settings, a.now, a.log)
		if err != nil {
			return nil, err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: ciphers(), GetCertificate: c.get}
	}
	socket, err := control.Listen(a.Settings.ControlSocket())
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	return socket, nil
}

// ciphers are those of TLS 1.2 that BCP 195 recommends, and ChaCha20 for phones without AES in hardware; FAPI 2.0 §5.2.2 asks for no
// others. TLS 1.3 has good ones only.
func ciphers() []uint16 {
	return []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
}

// warn says what a server can run with and people cannot live with for long.
func (a *App) warn() {
	if a.Settings.SMTPHost == "" {
		a.log.Warn("no mail server is set: mails wait in the outbox (smtp-host)")
	}
	if s := a.Settings; s.TLSCert == "" && len(s.TrustedProxies) == 0 && !s.Demo {
		a.log.Warn("plain HTTP, and no proxy in front is named: browsers will not keep the cookies of an https issuer without TLS (tls-cert), " +
			"and behind a proxy that is not listed (trusted-proxies) everybody shares one network's budget of failures")
	}
}

// stop ends servers in order: no new requests, and so much time for those under way.
func stop(grace time.Duration, servers ...*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var all error
	for _, s := range servers {
		err := s.Shutdown(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			s.Close()
			err = fmt.Errorf("some requests were cut off: they were not done %s after the end was asked for", grace)
		}
		all = errors.Join(all, err)
	}
	return all
}

// serverLog takes what net/http says by itself, so that the log is JSON to the last line. That a stranger cannot speak TLS is
// no fault of ours, and there are many such strangers.
func serverLog(to *slog.Logger) *log.Logger { return log.New(remarks{to}, "", 0) }

type remarks struct{ log *slog.Logger }

// Write implements io.Writer; the package log gives it one remark at a time.
func (r remarks) Write(line []byte) (int, error) {
	text, level := strings.TrimSpace(string(line)), slog.LevelWarn
	if strings.HasPrefix(text, "http: TLS handshake error") {
		level = slog.LevelDebug
	}
	r.log.Log(context.Background(), level, "http server", "remark", text)
	return len(line), nil
}

func ended(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
