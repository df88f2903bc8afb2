package selftest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/secret"
)

// Target is an OpenID provider whose speed is measured, and what a client needs there. Any provider will do: nothing here is Portvakt's own.
type Target struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	RedirectURI  string `json:"redirect_uri"`
	Scope        string `json:"scope"`
	// Cookies are the Cookie headers of browsers that are signed in already, one for each account.
	Cookies []string `json:"cookies"`
	// A client with the client_credentials grant; none: that is not measured.
	Service       string `json:"service,omitempty"`
	ServiceSecret string `json:"service_secret,omitempty"`
	ServiceScope  string `json:"service_scope,omitempty"`
	// People who log in with a password in Portvakt's pages, and of a server that does nothing else with it the address that hashes one; neither: that is
	// not measured.
	Addresses []string `json:"addresses,omitempty"`
	Password  string   `json:"password,omitempty"`
	HashAt    string   `json:"hash_at,omitempty"`
	// PIDs are the processes of the server (Linux); those that they have started are counted with them.
	PIDs []int `json:"pids,omitempty"`
	// Beside are processes whose time counts as well, and whose memory does not, as a database's server.
	Beside []int `json:"-"`
}

// Speed is what an operation has cost.
type Speed struct {
	Count     int // answers that were right
	Errors    int
	First     error // of the errors
	Took      time.Duration
	Processor time.Duration // of the server's processes; 0: not known here
	Middle    time.Duration
	High      time.Duration // of an answer, the 99th percentile
	Resident  int64         // the most that the server's processes held of the memory, in bytes; 0: not known here
}

// Each is the processor's time for one operation in milliseconds; 0 where it is not known.
func (s Speed) Each() float64 {
	if s.Count == 0 {
		return 0
	}
	return float64(s.Processor.Microseconds()) / 1000 / float64(s.Count)
}

// Add puts another round of the same operation to this one. The percentiles are the worse of the two.
func (s Speed) Add(o Speed) Speed {
	return Speed{Count: s.Count + o.Count, Errors: s.Errors + o.Errors, First: errors.Join(s.First, o.First), Took: s.Took + o.Took,
		Processor: s.Processor + o.Processor, Middle: max(s.Middle, o.Middle), High: max(s.High, o.High), Resident: max(s.Resident, o.Resident)}
}

// Operation is one of those that are measured.
type Operation string

// The operations. A hop is what single sign-on costs: the authorization request of a browser that is signed in, and the redemption of its code.
const (
	Hop               Operation = "hop"
	Refresh           Operation = "refresh"
	ClientCredentials Operation = "client-credentials"
	Userinfo          Operation = "userinfo"
	Introspection     Operation = "introspection"
	Discovery         Operation = "discovery"
	JWKS              Operation = "jwks"
	Login             Operation = "login"             // with a password, in a browser in which she has logged in before
	LoginElsewhere    Operation = "login-new-browser" // in one that has never been there: she gets a mail about it
)

// Operations lists them.
func Operations() []Operation {
	return []Operation{Hop, Refresh, ClientCredentials, Userinfo, Introspection, Discovery, JWKS, Login, LoginElsewhere}
}

// Client measures one target.
type Client struct {
	target Target
	http   *http.Client
	is     endpoints
}

// endpoints are those of discovery (OIDC Discovery §3, RFC 8414 §2).
type endpoints struct {
	Issuer     string `json:"issuer"`
	Authorize  string `json:"authorization_endpoint"`
	Token      string `json:"token_endpoint"`
	Userinfo   string `json:"userinfo_endpoint"`
	Introspect string `json:"introspection_endpoint"`
	JWKS       string `json:"jwks_uri"`
}

const discoveryPath = "/.well-known/openid-configuration"

// NewClient asks a target for its endpoints. atOnce is how many clients it will be.
func NewClient(ctx context.Context, t Target, atOnce int) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, atOnce
	c := &Client{target: t, http: &http.Client{Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	_, body, err := c.send(ctx, http.MethodGet, t.Issuer+discoveryPath, nil, nil, http.StatusOK)
	if err == nil {
		err = json.Unmarshal(body, &c.is)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s%s: %w", t.Issuer, discoveryPath, err)
	}
	return c, nil
}

// ErrNotHad says that the target cannot do an operation, or that it was not told how.
var ErrNotHad = errors.New("not to be had there")

// Measure lets so many clients do an operation one after the other for a while, each at least once. It fails where it cannot begin; what fails later is counted.
func (c *Client) Measure(ctx context.Context, op Operation, atOnce int, lasts time.Duration) (Speed, error) {
	clients := make([]func(context.Context) error, atOnce)
	for i := range clients {
		var err error
		if clients[i], err = c.prepare(ctx, op, i); err != nil {
			return Speed{}, fmt.Errorf("%s: %w", op, err)
		}
	}
	var s Speed
	var mu sync.Mutex
	var all []time.Duration
	var failed atomic.Int64
	most := highest(func() int64 { return resident(c.target.PIDs...) })
	used, begin := c.processors(), time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for _, once := range clients {
		group.Go(func() error {
			var took []time.Duration
			for first := true; (first || time.Since(begin) < lasts) && ctx.Err() == nil; first = false {
				start := time.Now()
				if err := once(ctx); err != nil {
					if failed.Add(1) == 1 {
						mu.Lock()
						s.First = err
						mu.Unlock()
					}
					continue
				}
				took = append(took, time.Since(start))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			return ctx.Err()
		})
	}
	err := group.Wait()
	s.Took, s.Processor = time.Since(begin), c.processors()-used
	if s.Resident = most(); err != nil {
		return s, err
	}
	s.Count, s.Errors = len(all), int(failed.Load())
	slices.Sort(all)
	s.Middle, s.High = percentile(all, 50), percentile(all, 99)
	return s, nil
}

// prepare makes what one client does again and again.
func (c *Client) prepare(ctx context.Context, op Operation, i int) (func(context.Context) error, error) {
	t := c.target
	switch op {
	case Discovery:
		return c.fetch(t.Issuer+discoveryPath, `"issuer"`), nil
	case JWKS:
		return c.fetch(c.is.JWKS, `"keys"`), nil
	case ClientCredentials:
		if t.Service == "" {
			return nil, ErrNotHad
		}
		return func(ctx context.Context) error {
			_, err := c.token(ctx, t.Service, t.ServiceSecret, url.Values{"grant_type": {"client_credentials"}, "scope": {t.ServiceScope}})
			return err
		}, nil
	case Login, LoginElsewhere:
		if t.HashAt != "" {
			return func(ctx context.Context) error {
				_, _, err := c.send(ctx, http.MethodPost, t.HashAt, nil, url.Values{"password": {t.Password}}, http.StatusOK)
				return err
			}, nil
		}
		if len(t.Addresses) == 0 {
			return nil, ErrNotHad
		}
		return c.login(ctx, op, i)
	}
	if len(t.Cookies) == 0 || c.is.Authorize == "" {
		return nil, ErrNotHad
	}
	cookie := t.Cookies[i%len(t.Cookies)]
	if op == Hop {
		return func(ctx context.Context) error { _, err := c.hop(ctx, cookie); return err }, nil
	}
	got, err := c.hop(ctx, cookie)
	if err != nil {
		return nil, err
	}
	switch {
	case op == Refresh && got.Refresh != "":
		return func(ctx context.Context) error {
			fresh, err := c.token(ctx, t.ClientID, t.ClientSecret, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}})
			if err == nil && fresh.Refresh != "" {
				got.Refresh = fresh.Refresh
			}
			return err
		}, nil
	case op == Userinfo && c.is.Userinfo != "":
		header := http.Header{"Authorization": {"Bearer " + got.Access}}
		return func(ctx context.Context) error {
			return c.ask(ctx, http.MethodGet, c.is.Userinfo, header, nil, `"sub"`)
		}, nil
	case op == Introspection && c.is.Introspect != "":
		form := url.Values{"token": {got.Access}}
		header := http.Header{"Authorization": {basic(t.ClientID, t.ClientSecret)}}
		return func(ctx context.Context) error {
			return c.ask(ctx, http.MethodPost, c.is.Introspect, header, form, `"active":true`)
		}, nil
	}
	return nil, ErrNotHad
}

// login logs one person in again and again, over a connection that stays, as a browser's does.
func (c *Client) login(ctx context.Context, op Operation, i int) (func(context.Context) error, error) {
	t := c.target
	once := func(ctx context.Context, v visitor) error {
		return v.logIn(ctx, t.Addresses[i%len(t.Addresses)], t.Password)
	}
	if op == LoginElsewhere {
		return func(ctx context.Context) error {
			v, err := c.browser(i)
			if err != nil {
				return err
			}
			return once(ctx, v)
		}, nil
	}
	known, err := c.browser(i)
	if err == nil {
		err = once(ctx, known)
	}
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		if err := known.leave(); err != nil {
			return err
		}
		return once(ctx, known)
	}, nil
}

func (c *Client) browser(i int) (visitor, error) {
	v, err := newVisitor(c.target.Issuer, i)
	v.client.Transport = c.http.Transport
	return v, err
}

func (c *Client) fetch(address, want string) func(context.Context) error {
	return func(ctx context.Context) error { return c.ask(ctx, http.MethodGet, address, nil, nil, want) }
}

// ask makes a request whose answer must hold some text, with whatever spaces.
func (c *Client) ask(ctx context.Context, method, address string, header http.Header, form url.Values, want string) error {
	_, body, err := c.send(ctx, method, address, header, form, http.StatusOK)
	if err == nil && !bytes.Contains(bytes.ReplaceAll(body, []byte(": "), []byte(":")), []byte(want)) {
		return fmt.Errorf("%s: the answer lacks %s", address, want)
	}
	return err
}

// tokens is the part of a token response that is looked at.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// hop asks for a code with a browser's cookie, and redeems it.
func (c *Client) hop(ctx context.Context, cookie string) (tokens, error) {
	verifier, state := secret.NewToken().Reveal(), secret.NewID()
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{"client_id": {c.target.ClientID}, "redirect_uri": {c.target.RedirectURI}, "response_type": {"code"}, "scope": {c.target.Scope},
		"state": {state}, "nonce": {state}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	answer, _, err := c.send(ctx, http.MethodGet, c.is.Authorize+"?"+q.Encode(), http.Header{"Cookie": {cookie}}, nil, http.StatusFound, http.StatusSeeOther)
	if err != nil {
		return tokens{}, err
	}
	location, err := answer.Location()
	if err != nil {
		return tokens{}, err
	}
	code := location.Query().Get("code")
	if code == "" || location.Query().Get("state") != state {
		return tokens{}, fmt.Errorf("no code: the browser is sent to %s?%s", location.Path, location.Query().Get("error"))
	}
	got, err := c.token(ctx, c.target.ClientID, c.target.ClientSecret, url.Values{"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {c.target.RedirectURI}, "code_verifier": {verifier}})
	if err == nil && got.ID == "" {
		err = errors.New("no ID token")
	}
	return got, err
}

func (c *Client) token(ctx context.Context, id, password string, form url.Values) (got tokens, err error) {
	_, body, err := c.send(ctx, http.MethodPost, c.is.Token, http.Header{"Authorization": {basic(id, password)}}, form, http.StatusOK)
	if err != nil {
		return got, err
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Access == "" {
		return got, errors.New("no access token")
	}
	return got, nil
}

func basic(id, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(password)))
}

// send makes a request and reads the whole answer, which must have one of the codes.
func (c *Client) send(ctx context.Context, method, address string, header http.Header, form url.Values, want ...int) (*http.Response, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, nil, err
	}
	for name, values := range header {
		r.Header[name] = values
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && !slices.Contains(want, answer.StatusCode) {
		err = fmt.Errorf("%s %s: %s: %.200s", method, r.URL.Path, answer.Status, body)
	}
	return answer, body, err
}
