package selftest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/provisioning"
)

// ServePrivate serves a private Portvakt with so many people signed in until ctx ends, and tells how it is measured before that. So many
// others log in with their passwords all the while, one sign-in after the other. database is empty for a temporary SQLite file.
func ServePrivate(ctx context.Context, people, others int, database string, ready func(Target) error) (err error) {
	w, err := start(ctx, config.Settings{Database: database}, app.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	t := Target{Issuer: w.url, RedirectURI: w.url + "/callback", Scope: "openid profile email offline_access", Cookies: make([]string, people), Addresses: make([]string, people),
		Password: phrase, PIDs: []int{os.Getpid()}}
	desk := control.InProcess(w.app.Control.Handler())
	var rp, service control.RP
	if err := desk.Do(ctx, http.MethodPost, "/organisations", control.Organisation{ID: company, Name: "Selftest", MFA: "off"}, &struct{}{}); err != nil {
		return err
	}
	err = desk.Do(ctx, http.MethodPost, "/relying-parties", control.RP{Name: "Bench", RedirectURIs: []string{t.RedirectURI}, PKCE: true, RefreshTokens: true,
		IDTokenAlg: "ES256", Organisations: []string{company}}, &rp)
	if err != nil {
		return err
	}
	err = desk.Do(ctx, http.MethodPost, "/relying-parties", control.RP{Name: "Bench service", PKCE: true, Scopes: control.ServiceScopes()[:1],
		Organisations: []string{company}}, &service)
	if err != nil {
		return err
	}
	t.ClientID, t.ClientSecret, t.Service, t.ServiceSecret, t.ServiceScope = rp.ClientID, rp.ClientSecret, service.ClientID, service.ClientSecret, service.Scopes[0]
	group, signing := errgroup.WithContext(ctx)
	group.SetLimit(2)
	for i := range people + others {
		group.Go(func() error {
			_, err := w.app.Control.Provisioning.CreateAccount(signing, provisioning.Newcomer{Address: address(true, i), Verified: true, GivenName: "Test", FamilyName: "Person", Password: phrase})
			if err == nil && i < people {
				t.Addresses[i] = address(true, i)
				t.Cookies[i], err = w.signIn(signing, i)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := ready(t); err != nil {
		return err
	}
	busy, all := errgroup.WithContext(ctx)
	for i := range others {
		busy.Go(func() error {
			for all.Err() == nil {
				if _, err := w.signIn(all, people+i); err != nil && all.Err() == nil {
					return fmt.Errorf("log in beside what is measured: %w", err)
				}
			}
			return nil
		})
	}
	err = busy.Wait()
	if err == nil {
		<-ctx.Done()
	}
	return err
}

// signIn signs somebody in, and returns what her browser says from then on.
func (w *world) signIn(ctx context.Context, i int) (cookie string, err error) {
	v, err := newVisitor(w.url, i)
	if err == nil {
		err = v.logIn(ctx, address(true, i), phrase)
	}
	if err != nil {
		return "", err
	}
	here, err := url.Parse(w.url)
	if err != nil {
		return "", err
	}
	for _, c := range v.client.Jar.Cookies(here) {
		if cookie != "" {
			cookie += "; "
		}
		cookie += c.Name + "=" + c.Value
	}
	if cookie == "" {
		return "", fmt.Errorf("nobody was signed in")
	}
	return cookie, nil
}

// StartServer starts this program once more, so that its time can be told from the clients', and reads from its standard output how it is measured.
// It ends when end closes its standard input.
func StartServer(ctx context.Context, stderr io.Writer, args ...string) (t Target, end func() error, err error) {
	self, err := os.Executable()
	if err != nil {
		return t, nil, err
	}
	child := exec.CommandContext(ctx, self, args...)
	child.Stderr = stderr
	in, err := child.StdinPipe()
	if err != nil {
		return t, nil, err
	}
	out, err := child.StdoutPipe()
	if err != nil {
		return t, nil, err
	}
	if err := child.Start(); err != nil {
		return t, nil, err
	}
	end = func() error { return errors.Join(in.Close(), child.Wait()) }
	if err := json.NewDecoder(out).Decode(&t); err != nil {
		return t, nil, errors.Join(fmt.Errorf("the server did not start: %w", err), end())
	}
	return t, end, nil
}
