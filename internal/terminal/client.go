package terminal

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"
)

const (
	answerTime = 20 * time.Second // for a whole request that is no stream
	maxAnswer  = 1 << 20
	// accountPath is where an account is asked for and left.
	accountPath = "/push/account"
	// early is how long before its end an access token is not used any more.
	early = 15 * time.Second
)

// newHTTP returns the client: it follows no redirect, because tokens go to the issuer alone.
func newHTTP() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTime
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// checkIssuer says whether an address can be an installation's origin, and returns it as it is written everywhere.
func checkIssuer(text string) (string, error) {
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(text), "/"))
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is no installation's address: want https and a name alone, as https://login.example.com", text)
	}
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return "", fmt.Errorf("%q: only https is spoken; http is for this machine alone", text)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// call is one request of the protocol.
type call struct {
	method, path string
	form         url.Values // of the token endpoint
	body         any        // JSON of the others
	key          *ecdsa.PrivateKey
	access       string
	stream       bool
}

// request makes the request with a fresh proof.
func (a *Authenticator) request(ctx context.Context, issuer string, c call) (*http.Request, error) {
	var body io.Reader
	kind := ""
	switch {
	case c.form != nil:
		body, kind = strings.NewReader(c.form.Encode()), "application/x-www-form-urlencoded"
	case c.body != nil:
		text, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body, kind = bytes.NewReader(text), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, c.method, issuer+c.path, body)
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if req.Header.Set("Accept", "application/json"); c.stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	dpop, err := proof(c.key, c.method, issuer+c.path, a.nonces.get(issuer), c.access, a.Now())
	if err != nil {
		return nil, err
	}
	req.Header.Set("DPoP", dpop)
	if c.access != "" {
		req.Header.Set("Authorization", "DPoP "+c.access)
	}
	return req, nil
}

// send sends a request, and once more where the issuer wants its nonce in the proof (RFC 9449 §8). It returns an answer of
// success, whose body is the caller's to close, or a *Problem.
func (a *Authenticator) send(ctx context.Context, issuer string, c call) (*http.Response, error) {
	for again := false; ; again = true {
		req, err := a.request(ctx, issuer, c)
		if err != nil {
			return nil, err
		}
		answer, err := a.HTTP.Do(req)
		if err != nil {
			return nil, err
		}
		a.nonces.set(issuer, answer.Header.Get("DPoP-Nonce"))
		if answer.StatusCode < 300 {
			return answer, nil
		}
		err = readProblem(answer)
		if again || !problem(err, "use_dpop_nonce") {
			return nil, err
		}
	}
}

var challengeError = regexp.MustCompile(`error="([a-z_]+)"`)

// readProblem reads an answer that is none of success. A proxy in front may answer what is no JSON.
func readProblem(answer *http.Response) error {
	defer answer.Body.Close()
	p := &Problem{}
	if json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(p) != nil {
		p = &Problem{}
	}
	if m := challengeError.FindStringSubmatch(answer.Header.Get("WWW-Authenticate")); p.Code == "" && m != nil {
		p.Code = m[1]
	}
	p.Status, p.Code, p.Description, p.Reference, p.How = answer.StatusCode, plain(p.Code), plain(p.Description), plain(p.Reference), plain(p.How)
	return p
}

// do sends a request and decodes the answer into out, which may be nil.
func (a *Authenticator) do(ctx context.Context, issuer string, c call, out any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	answer, err := a.send(ctx, issuer, c)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("the issuer's answer cannot be read: %w", err)
	}
	return nil
}

// plain takes what could move a terminal's cursor, or turn the reading around, out of a text of others.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return -1
		}
		return r
	}, text)
}

// grant is an answer of the token endpoint.
type grant struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"`
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

// into writes the tokens into an account. A refresh may leave the refresh token as it is (RFC 6749 §6).
func (g grant) into(account *Account, now time.Time) error {
	if g.Access == "" || !strings.EqualFold(g.Type, "DPoP") {
		return errors.New("the issuer's tokens are not bound to the key")
	}
	account.Access, account.AccessEnds = g.Access, now.Add(time.Duration(g.Expires)*time.Second).UnixMilli()
	if g.Refresh != "" {
		account.Refresh = g.Refresh
	}
	return nil
}

// refreshed returns the account with an access token other than the one that is worth nothing any more. The refresh happens under
// the file's lock, and its outcome is in the file before it is used: whoever is interrupted before that repeats it with the old
// token and gets the same answer (§4 of the chapter on pairing).
func (a *Authenticator) refreshed(ctx context.Context, account Account, worthless string) (Account, error) {
	now, err := a.update(account.ID, func(inFile *Account) error {
		if inFile.Access != worthless && a.holds(*inFile) {
			return nil // another process was quicker
		}
		key, err := readKey(inFile.Signing)
		if err != nil {
			return err
		}
		var g grant
		err = a.do(ctx, inFile.Issuer, call{method: http.MethodPost, path: "/token", key: key,
			form: url.Values{"grant_type": {"refresh_token"}, "client_id": {clientID}, "refresh_token": {inFile.Refresh}}}, &g)
		if err != nil {
			return err
		}
		return g.into(inFile, a.Now())
	})
	if problem(err, "invalid_grant") {
		return account, a.removed(account)
	}
	return now, err
}

// removed deletes an account whose tokens are worth nothing for good.
func (a *Authenticator) removed(account Account) error {
	return errors.Join(fmt.Errorf("%w (%s)", ErrRemoved, account), a.forget(account.ID))
}

// holds says whether an account's access token can be used for a while.
func (a *Authenticator) holds(account Account) bool {
	return account.Access != "" && a.Now().Add(early).UnixMilli() < account.AccessEnds
}

// as sends a request with the account's access token, which is renewed before where it must be and once where it is refused.
func (a *Authenticator) as(ctx context.Context, account *Account, c call, use func(context.Context, call) error) error {
	if account.KeyID == "" && c.path != accountPath {
		fresh, err := a.Complete(ctx, *account) // it was interrupted right after its pairing
		if err != nil {
			return err
		}
		*account = fresh
	}
	for again := false; ; again = true {
		if again || !a.holds(*account) {
			fresh, err := a.refreshed(ctx, *account, account.Access)
			if err != nil {
				return err
			}
			*account = fresh
		}
		key, err := readKey(account.Signing)
		if err != nil {
			return err
		}
		c.key, c.access = key, account.Access
		if err := use(ctx, c); again || !problem(err, "invalid_token") {
			return err
		}
	}
}

// ask is as for a request whose answer is one JSON.
func (a *Authenticator) ask(ctx context.Context, account *Account, c call, out any) error {
	return a.as(ctx, account, c, func(ctx context.Context, c call) error { return a.do(ctx, account.Issuer, c, out) })
}
