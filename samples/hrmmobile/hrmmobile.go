// Package hrmmobile serves HRM Mobile: a program of plain ES modules that runs in
// the browser of a telephone and is a public OpenID Connect client there. The Go
// part hands out files and one small configuration, and nothing more: it sees no
// code, no token and no person.
package hrmmobile

import (
	"bytes"
	"embed"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

//go:embed app
var files embed.FS

// DefaultScope asks for a name to greet. It leaves offline_access out, so that a
// sign-out anywhere ends the app's tokens too.
const DefaultScope = "openid profile"

// Config is what HRM Mobile needs to know.
type Config struct {
	// Issuer is the login service, exactly as it names itself.
	Issuer string
	// ClientID is the app's public registration there.
	ClientID string
	// BaseURL is the app's own address, without a slash at the end.
	BaseURL string
	// Scope is what the app asks for; empty means DefaultScope.
	Scope string
	// Lang is the language ("sv" or "en") where the browser asks for neither.
	Lang string
	// Log receives what an operator should know.
	Log *slog.Logger
}

// App serves the files.
type App struct{ cfg Config }

// New makes an HRM Mobile.
func New(cfg Config) *App {
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	if cfg.Scope == "" {
		cfg.Scope = DefaultScope
	}
	if cfg.Lang == "" {
		cfg.Lang = "sv"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &App{cfg: cfg}
}

// Handler returns the app's files. Its addresses are one page: the program reads
// the address itself.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/{$}", "/login", "/callback", "/signed-out"} {
		mux.HandleFunc("GET "+path, a.serve("index.html"))
	}
	mux.HandleFunc("GET /manifest.webmanifest", a.serve("manifest.webmanifest"))
	mux.HandleFunc("GET /worker.js", a.serve("worker.js"))
	mux.HandleFunc("GET /config.json", a.serveConfig)
	mux.Handle("GET /app/", http.FileServerFS(files))
	return a.secured(mux)
}

// secured sets what every answer carries. The program may talk to its login
// service and to nobody else, so that a stolen token has nowhere to go.
func (a *App) secured(next http.Handler) http.Handler {
	csp := "default-src 'self'; connect-src 'self' " + originOf(a.cfg.Issuer) +
		"; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", csp)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func (a *App) serve(name string) http.HandlerFunc {
	body, err := files.ReadFile("app/" + name)
	if err != nil {
		panic(err) // the files are part of the program
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(name, ".webmanifest") {
			w.Header().Set("Content-Type", "application/manifest+json")
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(body))
	}
}

func (a *App) serveConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	err := json.NewEncoder(w).Encode(map[string]string{
		"issuer":       a.cfg.Issuer,
		"client_id":    a.cfg.ClientID,
		"redirect_uri": a.cfg.BaseURL + "/callback",
		"signed_out":   a.cfg.BaseURL + "/signed-out",
		"scope":        a.cfg.Scope,
		"default_lang": a.cfg.Lang,
	})
	if err != nil {
		a.cfg.Log.Debug("hrmmobile: reader went away", "error", err)
	}
}

// originOf is the part of an address that a content security policy names.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
