package app_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
)

// provider is an identity provider that is asked: Portvakt, or the npm package oidc-provider.
type provider struct {
	endpoints map[string]string
	do        func(*http.Request) *http.Response
	code      func(l rp, authorize string) string // somebody who is logged in sends the app a code
}

// asked is a broken request, and what is answered to it. The answer is a status, the scheme of WWW-Authenticate, and the error.
type asked struct {
	what, endpoint string
	by             string // secret, public, stranger (who has a wrong secret); nobody in particular where it is empty
	change         string // a query: these parameters instead of the good ones, none where the value is empty
	answer         string // ours, and theirs where differences has no other
}

// askedOfBoth is the table. A good request of /token has a fresh code; what stands in braces is of a login of its own.
var askedOfBoth = []asked{
	{"no client", "authorization", "", "client_id=", "400"},
	{"an unknown client", "authorization", "", "client_id=nobody", "400"},
	{"an unknown redirect URI", "authorization", "secret", "redirect_uri=https://evil.example/", "400"},
	{"no redirect URI", "authorization", "secret", "redirect_uri=", "400"},
	{"no response type", "authorization", "secret", "response_type=", "303 invalid_request"},
	{"an unknown response type", "authorization", "secret", "response_type=magic", "303 unsupported_response_type"},
	{"a response type of others", "authorization", "secret", "response_type=id_token", "303 unsupported_response_type"},
	{"an unknown response mode", "authorization", "secret", "response_mode=pigeon", "303 invalid_request"},
	{"no scope", "authorization", "secret", "scope=", "303 invalid_scope"},
	{"no challenge", "authorization", "public", "code_challenge=&code_challenge_method=", "303 invalid_request"},
	{"a plain challenge", "authorization", "public", "code_challenge_method=plain", "303 invalid_request"},
	{"no method of the challenge", "authorization", "public", "code_challenge_method=", "303 invalid_request"},
	{"a short challenge", "authorization", "public", "code_challenge=short", "303 invalid_request"},
	{"nobody there", "authorization", "secret", "prompt=none", "303 login_required"},
	{"none and something", "authorization", "secret", "prompt=none login", "303 invalid_request"},
	{"an unknown prompt", "authorization", "secret", "prompt=dance", "303 invalid_request"},
	{"a max_age that is no number", "authorization", "secret", "max_age=soon", "303 invalid_request"},
	{"a max_age below none", "authorization", "secret", "max_age=-1", "303 invalid_request"},
	{"claims that are no JSON", "authorization", "secret", "claims={", "303 invalid_request"},
	{"claims that are no object", "authorization", "secret", "claims=[]", "303 invalid_request"},
	{"a hint that is no token", "authorization", "secret", "id_token_hint=x.y.z", "303 goes on"},
	{"a request object", "authorization", "secret", "request=x.y.z", "303 request_not_supported"},
	{"a request at an address", "authorization", "secret", "request_uri=https://x.example/", "303 request_uri_not_supported"},
	{"a pushed request that is unknown", "authorization", "secret", "request_uri=urn:ietf:params:oauth:request_uri:x", "400"},
	{"a registration", "authorization", "secret", "registration={}", "303 registration_not_supported"},
	{"a parameter twice", "authorization", "secret", "scope=openid&scope=openid", "303 invalid_request"},
	{"a client twice", "authorization", "secret", "client_id={client}&client_id={client}", "400"},

	{"no client", "token", "", "", "401 invalid_client"},
	{"an unknown client", "token", "", "client_id=nobody", "401 invalid_client"},
	{"a wrong secret", "token", "stranger", "", "401 Basic invalid_client"},
	{"a client without its secret", "token", "", "client_id={secret}", "401 invalid_client"},
	{"two ways to say who", "token", "secret", "client_id={secret}&client_secret=x", "400 invalid_request"},
	{"another client beside", "token", "secret", "client_id={public}", "400 invalid_request"},
	{"no grant type", "token", "secret", "grant_type=", "400 invalid_request"},
	{"an unknown grant type", "token", "secret", "grant_type=magic", "400 unsupported_grant_type"},
	{"the password of a person", "token", "secret", "grant_type=password&username=bo&password=x", "400 unsupported_grant_type"},
	{"a grant type of others", "token", "secret", "grant_type=client_credentials", "400 unauthorized_client"},
	{"no code", "token", "secret", "code=", "400 invalid_request"},
	{"an unknown code", "token", "secret", "code=x", "400 invalid_grant"},
	{"a used code", "token", "secret", "code={used}", "400 invalid_grant"},
	{"another client's code", "token", "public", "code={others}", "400 invalid_grant"},
	{"no redirect URI", "token", "secret", "redirect_uri=", "400 invalid_grant"},
	{"another redirect URI", "token", "secret", "redirect_uri=https://x.example/", "400 invalid_grant"},
	{"no verifier", "token", "secret", "code_verifier=", "400 invalid_grant"},
	{"another verifier", "token", "secret", "code_verifier=0123456789012345678901234567890123456789012", "400 invalid_grant"},
	{"a short verifier", "token", "secret", "code_verifier=x", "400 invalid_grant"},
	{"a parameter twice", "token", "secret", "grant_type=authorization_code&grant_type=authorization_code", "400 invalid_request"},
	{"no refresh token", "token", "secret", "grant_type=refresh_token", "400 invalid_request"},
	{"an unknown refresh token", "token", "secret", "grant_type=refresh_token&refresh_token=x", "400 invalid_grant"},
	{"another client's refresh token", "token", "public", "grant_type=refresh_token&refresh_token={refresh}", "400 invalid_grant"},
	{"more scope than was given", "token", "secret", "grant_type=refresh_token&refresh_token={refresh}&scope=openid offline_access", "400 invalid_scope"},

	{"no token", "userinfo", "", "", "401 Bearer"},
	{"an unknown token", "userinfo", "", "access_token=x", "401 Bearer invalid_token"},
	{"a token that is bound to a key, it says", "userinfo", "", "dpop=x", "401 DPoP invalid_token"},
	{"a token that was revoked", "userinfo", "", "access_token={revoked}", "401 Bearer invalid_token"},

	{"no client", "introspection", "", "token=x", "401 invalid_client"},
	{"a wrong secret", "introspection", "stranger", "token=x", "401 Basic invalid_client"},
	{"no token", "introspection", "secret", "token=", "400 invalid_request"},
	{"an unknown token", "introspection", "secret", "token=x", "200"},
	{"a public client", "introspection", "public", "token=x", "401 invalid_client"},
	{"a token twice", "introspection", "secret", "token=x&token=y", "400 invalid_request"},

	{"no client", "revocation", "", "token=x", "401 invalid_client"},
	{"a wrong secret", "revocation", "stranger", "token=x", "401 Basic invalid_client"},
	{"no token", "revocation", "secret", "token=", "400 invalid_request"},
	{"an unknown token", "revocation", "secret", "token=x", "200"},
	{"an unknown kind of token", "revocation", "secret", "token=x&token_type_hint=magic", "200"},
	{"another client's token", "revocation", "public", "token={refresh}", "200"},

	{"no client", "pushed_authorization_request", "", "", "401 invalid_client"},
	{"a wrong secret", "pushed_authorization_request", "stranger", "", "401 Basic invalid_client"},
	{"an unknown redirect URI", "pushed_authorization_request", "secret", "redirect_uri=https://evil.example/", "400 invalid_request"},
	{"a pushed request in it", "pushed_authorization_request", "secret", "request_uri=urn:ietf:params:oauth:request_uri:x", "400 invalid_request"},
	{"an unknown response type", "pushed_authorization_request", "secret", "response_type=magic", "400 unsupported_response_type"},
	{"a plain challenge", "pushed_authorization_request", "secret", "code_challenge_method=plain", "400 invalid_request"},
	{"claims that are no JSON", "pushed_authorization_request", "secret", "claims={", "400 invalid_request"},
	{"an unknown prompt", "pushed_authorization_request", "secret", "prompt=dance", "400 invalid_request"},
}

// differences are the answers of the oracle that are other ones, and why ours is right.
var differences = map[string]struct{ answer, why string }{
	"authorization/a response type of others": {"303 invalid_request",
		"it is the type that is wrong: RFC 6749 §4.1.2.1 has a word for that"},
	"authorization/an unknown response mode": {"303 unsupported_response_mode",
		"no registry knows that error: RFC 6749 §4.1.2.1 has invalid_request, in the mode of the type (OIDC Core §3.1.2.6 has a page)"},
	"authorization/no scope": {"303 invalid_request",
		"RFC 6749 §3.3: without a default, a request without a scope has an invalid one"},
	"authorization/a hint that is no token": {"303 invalid_request",
		"a hint is optional (OIDC Core §3.1.2.1): one of the provider before the switch keeps nobody out, and the app compares sub"},
	"authorization/a pushed request that is unknown": {"303 invalid_request_uri",
		"the redirect URI beside a pushed request counts for nothing (RFC 9101 §5), so there is nobody to answer"},
	"token/no client": {"400 invalid_request",
		"RFC 6749 §5.2: invalid_client, where no client authentication is included"},
	"token/a grant type of others": {"400 invalid_request",
		"RFC 6749 §5.2: unauthorized_client, where the app may not use the grant type"},
	"token/no redirect URI": {"400 invalid_request",
		"RFC 6749 §5.2: invalid_grant, where the code does not match the redirect URI"},
	"token/a short verifier": {"400 invalid_request",
		"RFC 7636 §4.6: what does not fit the challenge is invalid_grant"},
	"userinfo/no token": {"401 Bearer invalid_token",
		"RFC 6750 §3.1: no error code for who has shown nothing"},
	"userinfo/a token that is bound to a key, it says": {"400 DPoP invalid_request",
		"RFC 9449 §7.1: 401 and invalid_token"},
	"introspection/no client": {"400 invalid_request",
		"RFC 6749 §5.2: invalid_client, where no client authentication is included"},
	"introspection/a public client": {"200",
		"RFC 7662 §2.1: the endpoint must require authorization, else tokens can be tried out"},
	"revocation/no client": {"400 invalid_request",
		"RFC 6749 §5.2: invalid_client, where no client authentication is included"},
	"pushed_authorization_request/no client": {"400 invalid_request",
		"RFC 6749 §5.2: invalid_client, where no client authentication is included"},
	"pushed_authorization_request/a pushed request in it": {"400 request_uri_not_supported",
		"RFC 9126 §2.1 forbids the parameter, §2.3 takes the codes of RFC 6749: it is supported, elsewhere"},
	"pushed_authorization_request/an unknown response type": {"400 invalid_request",
		"RFC 9126 §2.3: the codes of RFC 6749 §4.1.2.1, so unsupported_response_type"},
}

// TestBrokenRequestsAreAnsweredAsOthersDo asks Portvakt and the npm package oidc-provider, which is certified by the OpenID Foundation, the
// same. Where the answers differ, differences says why ours is the right one; a change of either shows.
func TestBrokenRequestsAreAnsweredAsOthersDo(t *testing.T) {
	const program, installed = "../../e2e/clients", "../../e2e/node_modules/oidc-provider/package.json"
	if _, err := os.Stat(installed); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("oidc-provider is not installed (e2e/install.sh fetches it)")
	}
	w := on(t)
	apps := map[string]control.RP{
		"secret": w.register(control.RP{Name: "Secret", RedirectURIs: []string{"https://app.example/back"}, PKCE: true, RefreshTokens: true}),
		"public": w.register(control.RP{Name: "Public", RedirectURIs: []string{"https://app.example/public"}, PKCE: true, Public: true, RefreshTokens: true}),
	}
	wrong := apps["secret"]
	wrong.ClientSecret = "wrong"
	apps["stranger"] = wrong
	theirs, ours := oracle(t, program, apps), w.provider()
	for _, a := range askedOfBoth {
		t.Run(a.endpoint+"/"+a.what, func(t *testing.T) {
			if got := ours.ask(t, a, apps); got != a.answer {
				t.Errorf("Portvakt answers %q, not %q", got, a.answer)
			}
			d := differences[a.endpoint+"/"+a.what]
			if got, want := theirs.ask(t, a, apps), cmp.Or(d.answer, a.answer); got != want {
				t.Errorf("the oracle answers %q, not %q; %s", got, want, d.why)
			}
		})
	}
}

// provider is Portvakt, with Bo logged in.
func (w *world) provider() provider {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	p := provider{do: func(r *http.Request) *http.Response { return w.serve(r).Result() }}
	p.code = func(l rp, authorize string) string {
		b.get(strings.TrimPrefix(authorize, issuer))
		return mustURL(b.leads()).Query().Get("code")
	}
	p.discover(w.t, issuer)
	return p
}

// oracle starts the other provider, with somebody who is logged in.
func oracle(t *testing.T, folder string, apps map[string]control.RP) provider {
	t.Helper()
	var clients []map[string]any
	for _, name := range []string{"secret", "public"} {
		c := map[string]any{"client_id": apps[name].ClientID, "redirect_uris": apps[name].RedirectURIs, "grant_types": []string{"authorization_code", "refresh_token"},
			"token_endpoint_auth_method": "none"}
		if name == "secret" {
			c["client_secret"], c["token_endpoint_auth_method"] = apps[name].ClientSecret, "client_secret_basic"
		}
		clients = append(clients, c)
	}
	cmd := exec.CommandContext(t.Context(), "node", "oidc-provider.mjs")
	cmd.Dir = folder
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); cmd.Wait() }) //nolint:errcheck // it ends as it likes
	if err := json.NewEncoder(in).Encode(clients); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	said.Scan()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	do := func(client *http.Client, r *http.Request) *http.Response {
		r.RequestURI = ""
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() }) //nolint:errcheck // a test's answer
		return answer
	}
	away := func(r *http.Request, _ []*http.Request) error {
		if strings.HasSuffix(r.URL.Host, ".example") {
			return http.ErrUseLastResponse
		}
		return nil
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := provider{do: func(r *http.Request) *http.Response { return do(&http.Client{CheckRedirect: stay}, r) }}
	p.code = func(_ rp, authorize string) string {
		answer := do(&http.Client{Jar: jar, CheckRedirect: away}, httptest.NewRequest(http.MethodGet, authorize, nil))
		return mustURL(answer.Header.Get("Location")).Query().Get("code")
	}
	p.discover(t, said.Text())
	return p
}

func (p *provider) discover(t testing.TB, issuer string) {
	t.Helper()
	var told map[string]any
	if err := json.NewDecoder(p.do(httptest.NewRequest(http.MethodGet, issuer+"/.well-known/openid-configuration", nil)).Body).Decode(&told); err != nil {
		t.Fatal(err)
	}
	p.endpoints = map[string]string{}
	for name, v := range told {
		if short, is := strings.CutSuffix(name, "_endpoint"); is {
			p.endpoints[short] = v.(string)
		}
	}
}

// post calls an endpoint as an app does.
func (p provider) post(endpoint string, by control.RP, form url.Values) *http.Response {
	r := httptest.NewRequest(http.MethodPost, p.endpoints[endpoint], strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if by.ClientSecret != "" {
		r.SetBasicAuth(url.QueryEscape(by.ClientID), url.QueryEscape(by.ClientSecret))
	}
	return p.do(r)
}

// redeemed is a good request of /token, with a fresh code.
func (p provider) redeemed(t *testing.T, app control.RP) url.Values {
	t.Helper()
	l := newLogin(app)
	_, query, _ := strings.Cut(l.authorize("scope", "openid email"), "?")
	code := p.code(l, p.endpoints["authorization"]+"?"+query)
	if code == "" {
		t.Fatal("nobody gets a code")
	}
	good := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {l.redirect}, "code_verifier": {l.verifier}}
	if app.ClientSecret == "" {
		good.Set("client_id", app.ClientID)
	}
	return good
}

// ask breaks a good request as the table says, and returns the answer in a word.
func (p provider) ask(t *testing.T, a asked, apps map[string]control.RP) string {
	t.Helper()
	change := a.change
	fill := func(name string, value func() string) {
		if strings.Contains(change, "{"+name+"}") {
			change = strings.ReplaceAll(change, "{"+name+"}", url.QueryEscape(value()))
		}
	}
	tokens := func() (form url.Values, answer map[string]any) {
		form = p.redeemed(t, apps["secret"])
		got := p.post("token", apps["secret"], form)
		if err := json.NewDecoder(got.Body).Decode(&answer); err != nil || got.StatusCode != http.StatusOK {
			t.Fatalf("a good request: %d %v", got.StatusCode, answer)
		}
		return form, answer
	}
	fill("client", func() string { return apps[a.by].ClientID })
	fill("secret", func() string { return apps["secret"].ClientID })
	fill("public", func() string { return apps["public"].ClientID })
	fill("others", func() string { return p.redeemed(t, apps["secret"]).Get("code") })
	fill("used", func() string { form, _ := tokens(); return form.Get("code") })
	fill("refresh", func() string { _, got := tokens(); return got["refresh_token"].(string) })
	fill("revoked", func() string {
		_, got := tokens()
		p.post("revocation", apps["secret"], url.Values{"token": {got["access_token"].(string)}})
		return got["access_token"].(string)
	})
	changes, err := url.ParseQuery(strings.ReplaceAll(change, " ", "+"))
	if err != nil {
		t.Fatal(err)
	}

	by, l := apps[a.by], newLogin(apps[cmp.Or(a.by, "secret")])
	form := url.Values{}
	switch a.endpoint {
	case "authorization", "pushed_authorization_request":
		_, query, _ := strings.Cut(l.authorize("scope", "openid email"), "?")
		form = must(url.ParseQuery(query))
	case "token":
		if changes.Has("code") || changes.Get("grant_type") != "" || a.by == "" || a.by == "stranger" {
			form = url.Values{"grant_type": {"authorization_code"}, "code": {"x"}, "redirect_uri": {l.redirect}, "code_verifier": {l.verifier}}
		} else {
			form = p.redeemed(t, by)
		}
	}
	if a.endpoint != "authorization" {
		if form.Del("client_id"); by.Public {
			form.Set("client_id", by.ClientID)
		}
	}
	for name, values := range changes {
		if form[name] = values; values[0] == "" {
			form.Del(name)
		}
	}
	switch a.endpoint {
	case "authorization":
		return inAWord(t, p.do(httptest.NewRequest(http.MethodGet, p.endpoints[a.endpoint]+"?"+form.Encode(), nil)), l)
	case "userinfo":
		r := httptest.NewRequest(http.MethodGet, p.endpoints[a.endpoint], nil)
		if form.Has("access_token") {
			r.Header.Set("Authorization", "Bearer "+form.Get("access_token"))
		} else if form.Has("dpop") {
			r.Header.Set("Authorization", "DPoP "+form.Get("dpop"))
		}
		return inAWord(t, p.do(r), l)
	}
	return inAWord(t, p.post(a.endpoint, by, form), l)
}

// inAWord is what an answer says: its status, the scheme that it asks for, the error.
func inAWord(t *testing.T, answer *http.Response, l rp) string {
	t.Helper()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{fmt.Sprint(answer.StatusCode)}
	said := ""
	if to := answer.Header.Get("Location"); strings.HasPrefix(to, l.redirect) {
		u := mustURL(to)
		q := u.Query()
		if u.Fragment != "" {
			q = must(url.ParseQuery(u.Fragment))
		}
		if said = q.Get("error"); q.Get("state") != l.state || q.Get("iss") == "" {
			said += " without state or iss"
		}
	} else if to != "" {
		said = "goes on"
	} else if asks := answer.Header.Get("WWW-Authenticate"); asks != "" {
		scheme, rest, _ := strings.Cut(asks, " ")
		words = append(words, scheme)
		if _, e, has := strings.Cut(rest, `error="`); has {
			said, _, _ = strings.Cut(e, `"`)
		}
	}
	var told struct{ Error string }
	if json.Unmarshal(body, &told) == nil && said == "" {
		said = told.Error
	}
	if said != "" {
		words = append(words, said)
	}
	return strings.Join(words, " ")
}
