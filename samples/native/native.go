// Package native is how a program on somebody's own computer logs her in: in her own browser, which leads back to a port of this machine (RFC 8252
// §7.3), or, where there is no browser, by a code that she types elsewhere (RFC 8628). It is a public client: it has no secret, and PKCE takes the
// secret's place. It is built on coreos/go-oidc and x/oauth2.
package native

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
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
	config := c.config
	config.RedirectURL = fmt.Sprintf("http://%s/callback", l.Addr())
	state, nonce, verifier := oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier()

	came := make(chan *http.Request, 1)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/callback" || r.FormValue("state") != state { // another page of the browser, or somebody who guesses
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>Done</title><h1>You can close this window</h1></html>`)
		select {
		case came <- r:
		default: // a reload
		}
	})}
	defer server.Close()
	go server.Serve(l) //nolint:errcheck // it ends when the login does

	if err := open(config.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))); err != nil {
		return Person{}, err
	}
	var r *http.Request
	select {
	case <-ctx.Done():
		return Person{}, ctx.Err()
	case r = <-came:
	}
	switch {
	case r.FormValue("iss") != c.issuer(): // RFC 9207: the answer is this provider's
		return Person{}, errors.New("the answer is another provider's")
	case r.FormValue("code") == "":
		return Person{}, fmt.Errorf("%s: %s", r.FormValue("error"), r.FormValue("error_description"))
	}
	token, err := config.Exchange(ctx, r.FormValue("code"), oauth2.VerifierOption(verifier))
	if err != nil {
		return Person{}, err
	}
	return c.person(ctx, token, nonce)
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
