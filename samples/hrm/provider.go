package hrm

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// discoveryTries and discoveryPause bridge a login service that is just starting.
const (
	discoveryTries = 3
	discoveryPause = 200 * time.Millisecond
)

// metadata is what go-oidc's Provider keeps to itself of the discovery document.
type metadata struct {
	EndSession    string `json:"end_session_endpoint"`
	IssInResponse bool   `json:"authorization_response_iss_parameter_supported"`
}

// service is the login service after discovery.
type service struct {
	oidc     *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	metadata metadata
}

// provider finds the login service when it is first needed, and again after a
// failure, because HRM may start before it.
type provider struct {
	cfg   Config
	mu    sync.Mutex
	found *service
}

func newProvider(cfg Config) *provider { return &provider{cfg: cfg} }

// withClient puts HRM's own HTTP client into the context, where both libraries look.
func (p *provider) withClient(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, p.cfg.Client)
}

func (p *provider) get(ctx context.Context) (*service, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	found, err := p.discover(p.withClient(ctx))
	if err != nil {
		return nil, fmt.Errorf("discover %s: %w", p.cfg.Issuer, err)
	}
	p.found = found
	return found, nil
}

func (p *provider) discover(ctx context.Context) (*service, error) {
	var err error
	for try := range discoveryTries {
		if try > 0 && !pause(ctx, discoveryPause) {
			return nil, ctx.Err()
		}
		var op *oidc.Provider
		if op, err = oidc.NewProvider(ctx, p.cfg.Issuer); err == nil {
			return p.describe(op)
		}
	}
	return nil, err
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (p *provider) describe(op *oidc.Provider) (*service, error) {
	s := &service{
		oidc:     op,
		verifier: op.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.cfg.Now}),
		oauth: oauth2.Config{
			ClientID:     p.cfg.ClientID,
			ClientSecret: p.cfg.ClientSecret,
			Endpoint:     op.Endpoint(),
			RedirectURL:  p.cfg.BaseURL + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email", "person", "company"},
		},
	}
	// Guessing the style would try a refused code a second time, which a careful
	// server takes for theft (RFC 6749 §4.1.2).
	s.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return s, op.Claims(&s.metadata)
}

// originOf is the part of an address that a content security policy names.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// secureCookies tells whether HRM itself stands behind TLS.
func (c Config) secureCookies() bool {
	u, err := url.Parse(c.BaseURL)
	return err == nil && u.Scheme == "https"
}

// cookie is a cookie as HRM sets them all; a negative age removes it.
func (c Config) cookie(name, value string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: c.secureCookies(), SameSite: http.SameSiteLaxMode,
	}
}
