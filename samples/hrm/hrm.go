// Package hrm is a small HR system on the web, as a customer would connect one:
// a confidential OpenID Connect relying party with a session of its own, built on
// coreos/go-oidc and x/oauth2. It knows its login service by the issuer's URL and
// the protocols alone. It is a sample and not a product: its records are made up
// and live in memory.
package hrm

import (
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// DefaultSessionLifetime is how long a sign-in lasts in HRM, counted from the
// sign-in and apart from the login service's own session.
const DefaultSessionLifetime = 8 * time.Hour

// loginLifetime is how long HRM waits for somebody who went to log in, as the
// common frameworks do. Who comes later starts again.
const loginLifetime = 15 * time.Minute

// Employee is HRM's own record of a person.
type Employee struct {
	FirstName string
	LastName  string
	Title     string
	Unit      string
}

// Config is what HRM needs to know.
type Config struct {
	// Issuer is the login service, exactly as it names itself.
	Issuer string
	// ClientID and ClientSecret are HRM's registration there.
	ClientID     string
	ClientSecret string
	// BaseURL is HRM's own address, without a slash at the end.
	BaseURL string
	// Organisation is the short name under which the login service knows the employer.
	Organisation string
	// Employer is the employer's name as people read it.
	Employer string
	// Employees are HRM's records by person key.
	Employees map[string]Employee
	// AfterLogin, where set, is where the browser goes after a sign-in: many
	// customers have a start page elsewhere.
	AfterLogin string
	// Lang is the language ("sv" or "en") where the browser asks for neither.
	Lang string
	// SessionLifetime is how long a sign-in lasts; zero means the default.
	SessionLifetime time.Duration
	// Client makes the calls to the login service; nil means one with a timeout.
	Client *http.Client
	// Now is the clock.
	Now func() time.Time
	// Log receives what an operator should know.
	Log *slog.Logger
}

// App is a running HRM.
type App struct {
	cfg      Config
	provider *provider
	sealer   sealer
	sessions *sessions
	records  *records
	bank     *bankAccounts
	seen     *tokenIDs
	pages    pages
}

// New makes an HRM. The login service need not be up yet.
func New(cfg Config) *App {
	cfg = cfg.withDefaults()
	return &App{
		cfg:      cfg,
		provider: newProvider(cfg),
		sealer:   newSealer(),
		sessions: newSessions(cfg.SessionLifetime, cfg.Now),
		records:  newRecords(cfg.Organisation, cfg.Employees),
		bank:     newBankAccounts(),
		seen:     newTokenIDs(cfg.Now),
		pages:    parsePages(),
	}
}

func (c Config) withDefaults() Config {
	c.BaseURL = strings.TrimSuffix(c.BaseURL, "/")
	if c.SessionLifetime <= 0 {
		c.SessionLifetime = DefaultSessionLifetime
	}
	if c.Client == nil {
		c.Client = &http.Client{Timeout: 10 * time.Second}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Handler returns HRM's pages and protocol addresses.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.showStart)
	mux.HandleFunc("GET /payslips", a.signedIn(a.showPayslips))
	mux.HandleFunc("GET /time", a.signedIn(a.showTime))
	mux.HandleFunc("GET /bank-account", a.signedIn(a.showBankAccount))
	mux.HandleFunc("POST /bank-account", a.signedIn(a.changeBankAccount))
	mux.Handle("/api/", a.api())
	mux.HandleFunc("GET /login", a.login)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /logout", a.logout)
	mux.HandleFunc("POST /logout/local", a.logoutHere)
	mux.HandleFunc("GET /signed-out", a.showSignedOut)
	mux.HandleFunc("GET /signed-out/here", a.showSignedOutHere)
	mux.HandleFunc("POST /backchannel-logout", a.backchannelLogout)
	mux.Handle("GET /static/", http.FileServerFS(static))
	mux.HandleFunc("/", a.showNotFound)
	// A form of a foreign page must not sign anybody out.
	return a.secured(http.NewCrossOriginProtection().Handler(mux))
}

// secured sets what every answer carries. A sign-out is a form that ends at the
// login service, and form-action counts redirects too, hence its origin.
func (a *App) secured(next http.Handler) http.Handler {
	csp := "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; form-action 'self' " +
		originOf(a.cfg.Issuer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
