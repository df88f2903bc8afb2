// Package app is the composition root: it puts the packages together, by hand, in the order of the arrows, and
// runs the result. It holds no rule. Tests and the demo start Portvakt through it, never by wiring of their own.
package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/admin"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/api"
	"github.com/portvakt/portvakt/internal/auditing"
	"github.com/portvakt/portvakt/internal/authenticatorapp"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/docs"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/geo"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/housekeeping"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/mail"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/oidc"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/robot"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/ui"
	"github.com/portvakt/portvakt/internal/visitor"
	"github.com/portvakt/portvakt/internal/web"
)

// Options are what a start needs beside the settings. Tests put a clock and costs of their own here.
type Options struct {
	Log     *slog.Logger
	Now     func() time.Time                     // nil: time.Now
	Sleep   func(context.Context, time.Duration) // nil: really sleep
	Hashing password.Params                      // zero: password.Standard
	Pages   string                               // folder like internal/ui, read anew for each page; empty: what is embedded
	Robot   int                                  // size of the puzzle; 0: robot.DefaultMax

	Patience time.Duration // with an app's server, from the question to the answer's end; 0: outbound.Timeout

	Illustrator transition.Illustrator // draws guides; nil: there is no browser to draw with
	Release     string                 // which Portvakt this is, as the command version says it

	LookupTXT func(ctx context.Context, name string) ([]string, error) // nil: asks the DNS
	Bounces   net.Listener                                             // nil: opened at bounce-listen
}

// App is a Portvakt, put together.
type App struct {
	Settings config.Settings
	DB       *store.DB
	Authn    *authn.Service
	Recovery *recovery.Service
	Grant    *grant.Service
	Outbox   *outbox.Worker
	Jobs     *job.Worker
	House    *housekeeping.Service
	// Preparation has no command of its own: the console and tests call it.
	Preparation *preparation.Service
	Transition  *transition.Service
	Control     *control.Door

	bell    *push.Bell
	bounces bounces
	handler http.Handler
	routes  func() []string
	now     func() time.Time
	log     *slog.Logger
}

// New checks the settings, opens and migrates the database, loads the keys and puts everything together. It
// serves nothing yet.
func New(ctx context.Context, s config.Settings, o Options) (*App, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	master, err := s.Master()
	if err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, store.Options{URL: s.DatabaseURL(), Log: o.Log, Now: o.Now})
	if err != nil {
		return nil, err
	}
	a, err := assemble(ctx, s, o, db, master)
	if err != nil {
		db.Close()
		return nil, err
	}
	return a, nil
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = authn.Sleep
	}
	if o.Hashing == (password.Params{}) {
		o.Hashing = password.Standard
	}
	if o.Robot == 0 {
		o.Robot = robot.DefaultMax
	}
	if o.Patience == 0 {
		o.Patience = outbound.Timeout
	}
	if o.LookupTXT == nil {
		o.LookupTXT = net.DefaultResolver.LookupTXT
	}
	return o
}

// pin refuses another issuer, or another address of the authenticator, than the database was made for: every link, subject and token
// out there names the one, and every paired phone has the other (RULES §8, §9).
func pin(ctx context.Context, db *store.DB, s config.Settings) error {
	for name, value := range map[string]string{"issuer": s.Issuer, "authenticator-url": s.Authenticator()} {
		err := store.InTx[*store.Tx](db)(ctx, func(tx *store.Tx) error { return tx.SetInstallation(ctx, name, value) })
		if err != nil {
			return fmt.Errorf("remember %s: %w", name, err)
		}
		have, err := db.FindInstallation(ctx, name)
		if err != nil {
			return err
		}
		if have != value {
			return fmt.Errorf("%w: %s %q: this database was made for %q, and that cannot change", config.ErrSettings, name, value, have)
		}
	}
	return nil
}

func assemble(ctx context.Context, s config.Settings, o Options, db *store.DB, master *secret.Master) (*App, error) {
	if err := db.Migrate(ctx); err != nil {
		return nil, err
	}
	if err := db.ReleaseMessages(ctx); err != nil {
		return nil, fmt.Errorf("release messages: %w", err)
	}
	if err := db.ReleaseJobs(ctx); err != nil {
		return nil, fmt.Errorf("release jobs: %w", err)
	}
	if err := pin(ctx, db, s); err != nil {
		return nil, err
	}
	keys, err := loadKeys(ctx, db, master, o.Now, time.Duration(s.SigningKeyDays)*24*time.Hour)
	if err != nil {
		return nil, err
	}
	keys.dkim.Lookup = o.LookupTXT
	catalogue := locale.New()
	proxies, err := config.Prefixes(s.TrustedProxies)
	if err != nil {
		return nil, err
	}
	allowed, err := config.Prefixes(s.OutboundAllow)
	if err != nil {
		return nil, err
	}
	move := &transition.Service{Store: db, InTx: store.InTx[transition.Tx](db), InBulkTx: store.InBulkTx[transition.Tx](db), Now: o.Now,
		Illustrator: o.Illustrator, Release: o.Release}
	kit, console, reading, err := kits(s, o, catalogue, proxies, func(r web.Refusal) {
		move.NoteRefusal(transition.Refusal{Reference: r.Reference, At: o.Now(), Status: r.Status, Page: r.Page, Problem: r.Problem,
			Identifier: account.Identifier(r.Identifier), Client: r.Client})
	})
	if err != nil {
		return nil, err
	}

	places, err := openPlaces(s, o)
	if err != nil {
		return nil, err
	}

	// The funnel and the authenticators.
	hasher := password.NewHasher(o.Hashing)
	bell := &push.Bell{Changes: db.ListChanges, Now: o.Now, Log: o.Log}
	funnel := &authn.Service{Bell: bell, Store: db, Hasher: hasher, Keys: keys.ring, SMS: smsRules(s), Now: o.Now, Deadline: authn.FailureDeadline, Sleep: o.Sleep}

	move.Region, move.MayText = region(s), func(number account.Identifier) error { return funnel.MayText(number.Phone()) }

	for _, read := range []func(context.Context) error{funnel.ReadNetworks, funnel.ReadOldHashes} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}

	// The flows.
	attempts := authn.NewAttemptCookies(keys.ring)
	signIn := &signin.Service{Store: db, InTx: store.InTx[signin.Tx](db), Authn: funnel, Hasher: hasher, Keys: keys.ring, Attempts: attempts, Now: o.Now, Issuer: s.Issuer, Region: region(s)}
	recover := &recovery.Service{Store: db, InTx: store.InTx[recovery.Tx](db), Authn: funnel, Hasher: hasher, Keys: keys.ring,
		Robot: robot.Puzzle{Keys: keys.ring, Max: o.Robot}, Now: o.Now, PlainDelay: s.PlainDelay, Region: region(s)}
	enrol := &enrolment.Service{Store: db, Issuer: s.Issuer, App: s.Authenticator(), VAPID: keys.vapid.Current,
		MayCall: outbound.MayCall(callable(s, allowed)), Insecure: s.Demo, InTx: store.InTx[enrolment.Tx](db), Authn: funnel, Hasher: hasher, Keys: keys.ring, Now: o.Now, Name: product, Region: region(s)}
	mine := &myaccount.Service{Store: db, InTx: store.InTx[myaccount.Tx](db), Authn: funnel, Now: o.Now, Hasher: hasher}
	ways := outbound.NewClients(allowed, o.Patience)
	listed, public := outside(ways.Listed, o.Now), outside(ways.Public, o.Now)
	grants := &grant.Service{Store: db, InTx: store.InTx[grant.Tx](db), Authn: funnel, Keys: keys.ring, Sign: keys.sign,
		Issuer: s.Issuer, Now: o.Now, Listed: listed, Public: public}
	registration := &clientregistration.Service{Store: db, InTx: store.InTx[clientregistration.Tx](db), InBulkTx: store.InBulkTx[clientregistration.Tx](db), Keys: keys.ring, Sign: keys.sign, Now: o.Now, Issuer: s.Issuer, Fetch: listed.RequestObjects, FetchPublic: public.RequestObjects,
		Admission: clientregistration.Admission(s.ClientRegistration), WithoutPKCE: s.ClientRegistrationWithoutPKCE}
	administer := &administration.Service{Store: db, InTx: store.InTx[administration.Tx](db), Authn: funnel, Now: o.Now}
	provision := &provisioning.Service{Store: db, InTx: store.InTx[provisioning.Tx](db), InBulkTx: store.InBulkTx[provisioning.Tx](db), Hasher: hasher, Keys: keys.ring, Now: o.Now, Region: region(s),
		DKIM: keys.dkim, Operator: organisation.Sender{Address: folded(s.MailFrom), Name: s.MailFromName}}
	provision.Imported = move.RecheckBite
	provision.CheckHash = func(hash string) error { _, err := password.ParseImported(hash); return err }
	prepare := newPreparation(s, o, db, keys, funnel, hasher)

	// The doors.
	guest := visitor.Kit{Cookies: kit.Cookies(), Keys: keys.ring, Sealed: attempts, Now: o.Now}
	people := &ui.Door{Signin: signIn, Recovery: recover, Enrolment: enrol, MyAccount: mine, Preparation: prepare, Transition: move, Grant: grants, Visitor: guest, Country: places.Country, Kit: kit}
	parties := &oidc.Door{Issuer: s.Issuer, Grant: grants, Signin: signIn, Visitor: guest, Kit: kit, Keys: keys.sign, Log: o.Log, Registration: registration}

	a := &App{Settings: s, DB: db, Authn: funnel, Recovery: recover, Grant: grants, Preparation: prepare, Transition: move, bell: bell, now: o.Now, log: o.Log,
		House: &housekeeping.Service{Store: db, InTx: store.InBulkTx[housekeeping.Tx](db), Now: o.Now, Log: o.Log, Tend: tend(keys.sign.Tend, keys.vapid.Tend, funnel.ReadNetworks, funnel.ReadOldHashes, provision.IndexPersons, registration.Tend)},
		Control: &control.Door{Administration: administer, Transition: move, Registration: registration, Provisioning: provision, Enrolment: enrol, VAPID: keys.vapid, Signing: keys.sign, Log: o.Log, Issuer: s.Issuer,
			Words: func(key string) string { return catalogue.Printer(locale.English).T(key) }}}
	a.Control.Auditing = &auditing.Service{Store: db, InTx: store.InBulkTx[auditing.Tx](db), Sign: keys.sign, Now: o.Now, Log: o.Log, Node: secret.NewID()}
	preparers := map[string]outbox.Preparer{
		recovery.ResetTemplate: recover, recovery.SigninTemplate: recover, authn.FailuresTemplate: signIn, authn.ListedTemplate: recover,
		enrolment.RecoveryReminderTemplate: enrol, myaccount.AddressConfirmTemplate: mine}
	a.Jobs = &job.Worker{Store: db, Now: o.Now, Log: o.Log, Steps: map[job.Kind]job.Step{job.Import: provision.ImportStep, job.Preflight: move.PreflightStep}}
	if move.CanDraw() {
		a.Jobs.Steps[job.Guide] = move.GuideStep
	}
	joinPreparation(prepare, preparers, a.Jobs)
	if a.Outbox, err = newOutbox(s, o, db, catalogue, keys, preparers, grants, ways, enrol, places); err != nil {
		return nil, err
	}
	funnel.RingOutbox = a.Outbox.Ring
	a.bounces = newBounces(s, o, db, keys)
	phones := &authenticatorapp.Door{Issuer: s.Issuer, URL: s.Authenticator(), Grant: grants, Enrolment: enrol, Signin: signIn, Kit: kit, Catalogue: catalogue, Log: o.Log}
	administrators := &admin.Door{Administration: administer, Provisioning: provision, Transition: move, Preparation: prepare, Enrolment: enrol, Recovery: recover, Catalogue: catalogue, Signin: signIn, Visitor: guest, Kit: console, Now: o.Now}
	programs := &api.Door{Issuer: s.Issuer, Grant: grants, Administration: administer, Provisioning: provision, Transition: move, Preparation: prepare, Recovery: recover, Enrolment: enrol, Kit: kit,
		Keys: &idempotency.Keys{Store: db, InTx: store.InTx[idempotency.Tx](db), Now: o.Now}, Now: o.Now, Log: o.Log}
	readers := &docs.Door{Kit: reading}
	a.mount(kit, people, parties, phones, administrators, programs, readers)
	return a, nil
}

// kits are the kits of the people's pages, of the console, and of the documentation. They share the look, and have templates of their own.
func kits(s config.Settings, o Options, catalogue *locale.Catalogue, proxies []netip.Prefix,
	refused func(web.Refusal)) (people, console, reading *web.Kit, err error) {
	pages := web.Options{Issuer: s.Issuer, Catalogue: catalogue, Templates: ui.Templates(), Static: web.Overlay(ui.Static(), admin.Static(), docs.Static()),
		TrustedProxies: proxies, Logger: o.Log, Refused: refused}
	templates := admin.Templates()
	if o.Pages != "" {
		mine, hers := os.DirFS(o.Pages), os.DirFS(filepath.Join(o.Pages, "..", "admin"))
		pages.Templates, pages.Static, pages.Reload = below(mine, "templates"), web.Overlay(below(mine, "static"), below(hers, "static"), docs.Static()), true
		templates = below(hers, "templates")
	}
	if people, err = web.New(pages); err != nil {
		return nil, nil, nil, err
	}
	pages.Templates, pages.WayOn = templates, "/admin"
	if console, err = web.New(pages); err != nil {
		return nil, nil, nil, err
	}
	pages.Templates, pages.WayOn = docs.Templates(), "/docs/"
	reading, err = web.New(pages)
	return people, console, reading, err
}

// below is a folder of a tree that is read anew for each page.
func below(tree fs.FS, folder string) fs.FS {
	sub, err := fs.Sub(tree, folder)
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// tend looks after several things, also when one fails.
func tend(all ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var failed error
		for _, one := range all {
			failed = errors.Join(failed, one(ctx))
		}
		return failed
	}
}

// openPlaces opens the database of countries; nil where the operator gave none.
func openPlaces(s config.Settings, o Options) (*geo.Places, error) {
	if s.GeoDatabase == "" {
		return nil, nil
	}
	p, err := geo.Open(s.GeoDatabase, outbound.IsPublic, o.Now, o.Log)
	if err != nil {
		return nil, fmt.Errorf("%w: geo-database: %w", config.ErrSettings, err)
	}
	return p, nil
}

// outside is what reads at addresses that apps have named, by a client: their keys, and small documents. What one client has read the other reads
// itself, and where its servers hang the other's do not wait.
func outside(by *http.Client, now func() time.Time) grant.Outside {
	return grant.Outside{KeySets: (&outbound.KeySets{Client: by, Now: now}).Fetch, RequestObjects: outbound.NewDocuments(by).Fetch}
}

// newOutbox joins the worker with those who prepare and send.
func newOutbox(s config.Settings, o Options, db *store.DB, catalogue *locale.Catalogue, k keys, preparers map[string]outbox.Preparer,
	g *grant.Service, ways outbound.Clients, e *enrolment.Service, places *geo.Places) (*outbox.Worker, error) {
	allowed, err := config.Prefixes(s.OutboundAllow)
	if err != nil {
		return nil, err
	}
	mailPassword, err := s.MailPassword()
	if err != nil {
		return nil, fmt.Errorf("%w: smtp-password-file: %w", config.ErrSettings, err)
	}
	w := &outbox.Worker{Store: db, Now: o.Now, Log: o.Log,
		Preparers: preparers,
		Senders: map[outbox.Channel]outbox.Sender{
			outbox.Logout: outbound.Logout{Clients: ways, Token: g.LogoutToken},
			outbox.Push:   newPush(s, o, e, k, callable(s, allowed)),
			outbox.Ask:    grant.Asker{Service: g, Place: places.Country},
			outbox.Ping:   outbound.Ping{Clients: ways, Of: g.PingOf},
		}}
	if s.HasSMS() {
		if w.Senders[outbox.SMS], err = newSMS(s, o, catalogue, k, allowed); err != nil {
			return nil, err
		}
	}
	if s.SMTPHost == "" {
		return w, nil // Serve says so
	}
	settings := mail.Settings{Host: s.SMTPHost, Port: s.SMTPPort, TLS: s.SMTPTLS, Username: s.SMTPUsername,
		Password: mailPassword, From: s.MailFrom, FromName: s.MailFromName, Issuer: s.Issuer, Words: web.Device, Country: places.Country,
		Organisation: db.FindSender, Signer: k.dkim.Signer}
	if s.BounceAddress != "" {
		settings.ReturnPath = outbox.NewReturnPath(s.BounceAddress, k.ring)
	}
	w.Senders[outbox.Mail], err = mail.New(settings, catalogue, k.ring, o.Now)
	return w, err
}
