// Package native is how a program on somebody's own device logs her in: in her own browser, which leads back to a port of this machine (RFC 8252
// §7.3), or on a phone to an https address whose site names the app (§7.2), or, where there is no browser, by a code that she types elsewhere (RFC
// 8628). It is a public client: it has no secret, and PKCE takes the secret's place. It is built on coreos/go-oidc and x/oauth2.
package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Client is the program at its provider.
type Client struct {
	provider *oidc.Provider
	config   oauth2.Config
}

// New reads the provider's metadata. The program is registered with the redirect URI http://127.0.0.1/callback: the port is chosen at each login.
func New(ctx context.Context, issuer, clientID string) (*Client, error) {
	provider, err := oidc.NewProvider(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return &Client{provider: provider, config: oauth2.Config{ClientID: clientID, Endpoint: provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile", oidc.ScopeOfflineAccess}}}, nil
}

// NewClaimed is New for an app that the system opens for an https address of its maker's. The program is registered with exactly this redirect URI, and with
// application_type native; the site of the address lists the app, so that no other app gets the link.
func NewClaimed(ctx context.Context, issuer, clientID, redirectURI string) (*Client, error) {
	c, err := New(ctx, issuer, clientID)
	if err != nil {
		return nil, err
	}
	c.config.RedirectURL = redirectURI
	return c, nil
}

// Person is who has logged in. Source gives access tokens, and renews them for as long as the person leaves the program in.
type Person struct {
	Subject string             `json:"sub"`
	Name    string             `json:"name"`
	Source  oauth2.TokenSource `json:"-"`
}

// patience is how long a login may take.
const patience = 10 * time.Minute

// LogIn opens the person's own browser and waits for it to come back. A window of the program's own would see her password: there is none.
func (c *Client) LogIn(ctx context.Context, open func(address string) error) (Person, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return Person{}, err
	}
	t := c.begin()
	t.config.RedirectURL = fmt.Sprintf("http://%s/callback", l.Addr())

	came := make(chan url.Values, 1)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" || r.FormValue("state") != t.state { // another page of the browser, or somebody who guesses
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Done</title><h1>You can close this window</h1></html>`)
		select {
		case came <- r.Form:
		default: // a reload
		}
	})}
	defer server.Close()
	go server.Serve(l) //nolint:errcheck // it ends when the login does

	if err := open(t.address()); err != nil {
		return Person{}, err
	}
	select {
	case <-ctx.Done():
		return Person{}, ctx.Err()
	case answer := <-came:
		return t.finish(ctx, answer)
	}
}

// LogInByLink opens the person's own browser and waits for the system to open the app by its link; links are all that it is opened by, those of others'
// making among them. A phone may end an app that waits: one in earnest keeps what a trip holds where no other app reads.
func (c *Client) LogInByLink(ctx context.Context, open func(address string) error, links <-chan string) (Person, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	t := c.begin()
	if err := open(t.address()); err != nil {
		return Person{}, err
	}
	for {
		select {
		case <-ctx.Done():
			return Person{}, ctx.Err()
		case link := <-links:
			address, query, _ := strings.Cut(link, "?")
			answer, err := url.ParseQuery(query)
			if err == nil && address == c.config.RedirectURL && answer.Get("state") == t.state {
				return t.finish(ctx, answer)
			}
		}
	}
}

// trip is a login under way in the browser.
type trip struct {
	*Client
	config                 oauth2.Config
	state, nonce, verifier string
}

func (c *Client) begin() trip {
	return trip{Client: c, config: c.config, state: oauth2.GenerateVerifier(), nonce: oauth2.GenerateVerifier(), verifier: oauth2.GenerateVerifier()}
}

// address is where the browser begins.
func (t trip) address() string {
	return t.config.AuthCodeURL(t.state, oidc.Nonce(t.nonce), oauth2.S256ChallengeOption(t.verifier))
}

// finish takes what the browser has brought back for this trip.
func (t trip) finish(ctx context.Context, answer url.Values) (Person, error) {
	switch {
	case answer.Get("iss") != t.issuer(): // RFC 9207: the answer is this provider's
		return Person{}, errors.New("the answer is another provider's")
	case answer.Get("code") == "":
		return Person{}, fmt.Errorf("%s: %s", answer.Get("error"), answer.Get("error_description"))
	}
	token, err := t.config.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(t.verifier))
	if err != nil {
		return Person{}, err
	}
	return t.person(ctx, token, t.nonce)
}

// LogInElsewhere shows an address and a code, and waits for the person to type it there.
func (c *Client) LogInElsewhere(ctx context.Context, show func(address, code string)) (Person, error) {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	config := c.config
	config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	begun, err := config.DeviceAuth(ctx)
	if err != nil {
		return Person{}, err
	}
	show(begun.VerificationURI, begun.UserCode)
	token, err := config.DeviceAccessToken(ctx, begun)
	if err != nil {
		return Person{}, err
	}
	return c.person(ctx, token, "")
}

func (c *Client) issuer() string {
	var said struct {
		Issuer string `json:"issuer"`
	}
	_ = c.provider.Claims(&said) // New has read it
	return said.Issuer
}

// person checks the ID token and reads who it is about.
func (c *Client) person(ctx context.Context, token *oauth2.Token, nonce string) (Person, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := c.provider.Verifier(&oidc.Config{ClientID: c.config.ClientID}).Verify(ctx, raw)
	if err != nil {
		return Person{}, err
	}
	if id.Nonce != nonce {
		return Person{}, errors.New("the ID token is of another login")
	}
	p := Person{Source: c.config.TokenSource(context.WithoutCancel(ctx), token)}
	info, err := c.provider.UserInfo(ctx, p.Source)
	if err != nil {
		return Person{}, err
	}
	if info.Subject != id.Subject {
		return Person{}, errors.New("the provider tells of somebody else")
	}
	return p, info.Claims(&p)
}
