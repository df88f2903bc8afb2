// Package demo is the second composition root: a whole small world on one machine, with Portvakt, two relying
// parties, a mail server with an inbox, and seeded people. Everything in it talks over real HTTP and SMTP. The
// command `portvakt demo` and the browser journeys start it; nothing in it is a stand-in for Portvakt.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/samples/hrm"
	"github.com/portvakt/portvakt/samples/hrmmobile"
	"github.com/portvakt/portvakt/samples/inbox"
)

// Options shape the world.
type Options struct {
	Port     int    // first of the four ports; 0: any free ones
	Data     string // folder that is kept; empty: a temporary one, removed at the end
	Database string // empty: SQLite in the data folder
	Lang     string // of the samples' pages where the browser asks for neither
	People   int    // size of the register
	Phase    string // "preparation": nobody but Eva has moved yet, and the register is a file; else everybody has
	// AfterLogin is where HRM sends a browser after a sign-in; empty: its own start page.
	AfterLogin string
	PlainDelay time.Duration
	NoSMS      bool        // no codes by SMS
	App        app.Options // log, clock and costs
}

// World is the running demo.
type World struct {
	Portvakt, HRM, HRMMobile, Inbox string // addresses
	Register                        string // in phase preparation: the file that comes from the payroll system
	Mailbox                         *inbox.Inbox
	App                             *app.App

	cancel context.CancelFunc
	group  *errgroup.Group
	remove string
}

// ports are the listeners of the four servers, and of SMTP in both directions.
type ports struct {
	portvakt, hrm, mobile, inbox, smtp, bounces net.Listener
}

// Start opens all ports, seeds what is not there yet, and serves until Stop or until ctx ends.
func Start(ctx context.Context, o Options) (*World, error) {
	p, err := listen(o.Port)
	if err != nil {
		return nil, err
	}
	w, err := start(ctx, o, p)
	if err != nil {
		p.close()
		return nil, err
	}
	return w, nil
}

func start(ctx context.Context, o Options, p ports) (_ *World, err error) {
	w := &World{Portvakt: address(p.portvakt), HRM: address(p.hrm), HRMMobile: address(p.mobile), Inbox: address(p.inbox)}
	if o.Data == "" {
		if w.remove, err = os.MkdirTemp("", "portvakt-demo-"); err != nil {
			return nil, err
		}
		o.Data = w.remove
		defer func() {
			if err != nil {
				os.RemoveAll(w.remove)
			}
		}()
	}
	settings, err := settings(o, w, p)
	if err != nil {
		return nil, err
	}
	o.App.Bounces = p.bounces
	if w.App, err = app.New(ctx, settings, o.App); err != nil {
		return nil, err
	}
	clients, err := seed(ctx, control.InProcess(w.App.Control.Handler()), w, o)
	if err != nil {
		w.App.Close()
		return nil, fmt.Errorf("seed: %w", err)
	}
	w.serve(ctx, o, p, clients)
	return w, nil
}

// smsPassword keeps pages of other sites from sending text messages to the demo's inbox; it guards nothing else.
const smsPassword = "demo"

// settings are those of a real server but for the http issuer, which only the demo may have.
func settings(o Options, w *World, p ports) (config.Settings, error) {
	s := config.Settings{Demo: true, SMSGateway: "46elks", SMSURL: w.Inbox, SMSUser: "demo", SMSPassword: smsPassword, SMSFrom: "Portvakt",
		SMSRegion: "SE", SMSCountries: []string{"SE", "NO", "DK", "FI"},
		Issuer: w.Portvakt, DataDir: o.Data, Database: o.Database, PlainDelay: o.PlainDelay,
		SMTPHost: "127.0.0.1", SMTPPort: p.smtp.Addr().(*net.TCPAddr).Port, SMTPTLS: "none", MailFrom: "inloggning@portvakt.example", MailFromName: "Portvakt",
		BounceAddress: "retur@portvakt.example", BounceListen: p.bounces.Addr().String(),
		OutboundAllow: []string{"127.0.0.0/8", "::1/128"}}
	if o.NoSMS {
		s.SMSGateway = "none"
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return s, err
	}
	err := writeNew(filepath.Join(o.Data, "master.key"), secret.NewMasterKey()+"\n")
	return s, err
}

// writeNew writes a file unless it exists: a kept data folder keeps its key.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

func (w *World) serve(ctx context.Context, o Options, p ports, c clients) {
	ctx, w.cancel = context.WithCancel(ctx)
	w.group, ctx = errgroup.WithContext(ctx)
	log := o.App.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	now := o.App.Now
	if now == nil {
		now = time.Now
	}
	w.Mailbox = inbox.New(inbox.Config{SMSUser: "demo", SMSPassword: smsPassword, Lang: o.Lang, ReturnTo: p.bounces.Addr().String(), Now: now, Log: log})
	web := hrm.New(hrm.Config{Issuer: w.Portvakt, ClientID: c.hrm.ClientID, ClientSecret: c.hrm.ClientSecret, BaseURL: w.HRM,
		Organisation: organisationID, Employer: employer, Employees: employees(o.People), AfterLogin: o.AfterLogin, Lang: o.Lang, Now: now, Log: log})
	mobile := hrmmobile.New(hrmmobile.Config{Issuer: w.Portvakt, ClientID: c.mobile.ClientID, BaseURL: w.HRMMobile, Lang: o.Lang, Log: log})
	w.group.Go(func() error { return w.App.Serve(ctx, p.portvakt) })
	w.group.Go(func() error { return serve(ctx, p.hrm, web.Handler()) })
	w.group.Go(func() error { return serve(ctx, p.mobile, mobile.Handler()) })
	w.group.Go(func() error { return serve(ctx, p.inbox, w.Mailbox.Handler()) })
	w.group.Go(func() error { return w.Mailbox.ServeSMTP(p.smtp) })
	w.group.Go(func() error {
		<-ctx.Done()
		return w.Mailbox.Close()
	})
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Wait returns when the world has ended, and removes what it left behind.
func (w *World) Wait() error {
	err := w.group.Wait()
	w.cancel()
	err = errors.Join(err, w.App.Close())
	if w.remove != "" {
		err = errors.Join(err, os.RemoveAll(w.remove))
	}
	return err
}

// Stop ends the world and waits for it.
func (w *World) Stop() error {
	w.cancel()
	return w.Wait()
}

func address(l net.Listener) string {
	return fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port)
}

// listen opens the four ports from first on, and two for SMTP, all on this machine only.
func listen(first int) (p ports, err error) {
	for i, l := range []*net.Listener{&p.portvakt, &p.hrm, &p.mobile, &p.inbox, &p.smtp, &p.bounces} {
		port := 0
		if first != 0 && l != &p.smtp && l != &p.bounces {
			port = first + i
		}
		if *l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err != nil {
			p.close()
			return p, fmt.Errorf("port %d is taken (the demo needs four in a row from %d): %w; choose others with --port N", port, first, err)
		}
	}
	return p, nil
}

func (p ports) close() {
	for _, l := range []net.Listener{p.portvakt, p.hrm, p.mobile, p.inbox, p.smtp, p.bounces} {
		if l != nil {
			l.Close()
		}
	}
}
