package app_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// world is a Portvakt put together by app.New alone, with a clock that the test moves and a mail server that
// keeps what it is given. Requests go to its handler as a server would hand them over.
type world struct {
	t        testing.TB
	app      *app.App
	settings config.Settings
	clock    *clock
	log      *lockedBuffer
	post     *postOffice
	bounces  net.Listener // where mails come back to; nil: the settings'
	patience time.Duration
	hrm      control.RP // confidential
	mobile   control.RP // public, with refresh tokens
}

const (
	issuer     = "https://login.example.com"
	hrmURL     = "https://hrm.example.com"
	mobileURL  = "https://m.hrm.example.com"
	bosAddress = "bo.lind@foretaget.example"
	annas      = "anna.svensson@foretaget.example"
	bosPass    = "lugn sjö i morgonljus"
)

// iPhone is what most browsers here call themselves.
const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"

// clock is the time of a world. Waiting moves it, so that a deadline costs a test nothing and can be read off.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	waited time.Duration
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) Advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// Sleep notes how long a failure was held back.
func (c *clock) Sleep(_ context.Context, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waited = d
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}
func (l *lockedBuffer) String() string { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// cheap keeps tests quick; the algorithm is the real one.
var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

// each runs a test in a fresh world on both engines, side by side and beside other tests.
func each(t *testing.T, test func(t *testing.T, w *world), change ...func(*config.Settings)) {
	t.Helper()
	t.Parallel()
	t.Run("on", func(t *testing.T) { // ends when both have
		for engine, open := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteFile, "postgres": storetest.PostgresURL} {
			if engine == "postgres" && raced {
				continue // each would take its time twice
			}
			t.Run(engine, func(t *testing.T) {
				t.Parallel()
				test(t, newWorld(t, open(t), change...))
			})
		}
	})
}

// on is each for one engine, where the engine makes no difference.
func on(t testing.TB) *world {
	t.Helper()
	if one, ok := t.(*testing.T); ok {
		one.Parallel()
	}
	return onceMore(t)
}

// onceMore is one more world of a test.
func onceMore(t testing.TB) *world {
	t.Helper()
	return newWorld(t, storetest.SQLiteFile(t))
}

func newWorld(t testing.TB, database string, change ...func(*config.Settings)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{now: time.Now().Truncate(time.Millisecond)}, log: &lockedBuffer{}, post: newPostOffice(t)}
	w.settings = config.Settings{Issuer: issuer, DataDir: t.TempDir(), Database: database, MasterKey: theMaster(),
		SMTPHost: "127.0.0.1", SMTPPort: w.post.port, SMTPTLS: "none", MailFrom: "login@login.example.com", MailFromName: "Portvakt",
		PlainDelay: time.Minute, OutboundAllow: []string{"127.0.0.0/8"}, TrustedProxies: []string{"127.0.0.1"}}
	for _, f := range change {
		f(&w.settings)
	}
	w.giveKeys()
	w.app = w.start()
	w.seed()
	return w
}

// theMaster and theKeys are every world's, and made once: an RSA key takes longer than most tests.
var (
	theMaster = sync.OnceValue(secret.NewMasterKey)
	theKeys   = sync.OnceValues(func() (all []signingkey.Stored, err error) {
		m, err := secret.ParseMaster(theMaster())
		if err != nil {
			return nil, err
		}
		for _, alg := range signingkey.Algs() {
			k, err := signingkey.Generate(alg, m, time.Now())
			if err != nil {
				return nil, err
			}
			all = append(all, k)
		}
		return all, nil
	})
)

// giveKeys stores the signing keys that the first start would make.
func (w *world) giveKeys() {
	w.t.Helper()
	url := w.settings.Database
	if !strings.HasPrefix(url, "postgres") {
		url = "sqlite:" + url
	}
	db, err := store.Open(w.t.Context(), store.Options{URL: url})
	if err != nil {
		w.t.Fatal(err)
	}
	defer db.Close()
	for _, k := range must(theKeys()) {
		if err := store.InTx[*store.Tx](db)(w.t.Context(), func(tx *store.Tx) error { return tx.InsertSigningKey(w.t.Context(), k) }); err != nil {
			w.t.Fatal(err)
		}
	}
}

// start puts a Portvakt together on the world's settings: the first, or a second node, or one after a crash.
func (w *world) start() *app.App {
	w.t.Helper()
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := app.New(w.t.Context(), w.settings, app.Options{Log: log, Now: w.clock.Now, Sleep: w.clock.Sleep, Hashing: cheap, Robot: 30, Bounces: w.bounces, Patience: w.patience})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { a.Close() })
	return a
}

func (w *world) seed() {
	w.t.Helper()
	ctx := w.t.Context()
	p := w.app.Control.Provisioning
	if _, err := p.SetOrganisation(ctx, organisation.Organisation{ID: "foretaget", Name: "Företaget AB",
		Policy: organisation.Policy{MFA: organisation.Optional}}); err != nil {
		w.t.Fatal(err)
	}
	w.newcomer(annas, "Anna", "Svensson", "", "1001")
	w.newcomer(bosAddress, "Bo", "Lind", bosPass, "1002")
	c := control.InProcess(w.app.Control.Handler())
	for _, rp := range []struct {
		in  control.RP
		out *control.RP
	}{
		{control.RP{Name: "HRM", RedirectURIs: []string{hrmURL + "/callback"}, PostLogoutRedirectURIs: []string{hrmURL + "/out"},
			InitiateLoginURI: hrmURL + "/login", ClientURI: hrmURL + "/", PKCE: true}, &w.hrm},
		{control.RP{Name: "HRM Mobile", Public: true, RedirectURIs: []string{mobileURL + "/callback"}, InitiateLoginURI: mobileURL + "/login",
			PKCE: true, RefreshTokens: true}, &w.mobile},
	} {
		if err := c.Do(ctx, http.MethodPost, "/relying-parties", rp.in, rp.out); err != nil {
			w.t.Fatal(err)
		}
	}
}

// policy sets what Företaget AB asks of its people.
func (w *world) policy(p organisation.Policy) {
	w.t.Helper()
	if _, err := w.app.Control.Provisioning.SetOrganisation(w.t.Context(), organisation.Organisation{ID: "foretaget", Policy: p}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) newcomer(address, given, family, pass, key string) account.Account {
	w.t.Helper()
	a, err := w.app.Control.Provisioning.CreateAccount(w.t.Context(), provisioning.Newcomer{Address: address, Verified: true,
		GivenName: given, FamilyName: family, Language: "sv", Password: pass, Person: &person.Person{Organisation: "foretaget",
			Key: person.Key(key), Employments: []person.Employment{{Company: "Företaget AB", Unit: "Lager", From: "2020-03-01"}}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// deliver runs the outbox until it is idle.
func (w *world) deliver() {
	w.t.Helper()
	for {
		n, err := w.app.Outbox.Round(w.t.Context(), "test")
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// run starts the outbox's workers as a server does; stop ends them.
func (w *world) run() (stop context.CancelFunc, running *sync.WaitGroup) {
	w.t.Helper()
	ctx, stop := context.WithCancel(w.t.Context())
	running = &sync.WaitGroup{}
	running.Go(func() {
		if err := w.app.Outbox.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	return stop, running
}

// browser is one browser: its cookies, its address, and what it shows. It runs no script.
type browser struct {
	w     *world
	app   *app.App // the node that it talks to
	jar   *cookiejar.Jar
	ip    string
	agent string // empty: an iPhone
	last  *http.Response
	body  string
	at    string // path and query of the page that it shows
	tally store.Counts
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w: w, app: w.app, jar: jar, ip: "198.51.100.7"}
}

// cookies are the names and values that the browser would send.
func (b *browser) cookies() map[string]string {
	all := map[string]string{}
	for _, c := range b.jar.Cookies(must(url.Parse(issuer))) {
		all[c.Name] = c.Value
	}
	return all
}

// forgetAllBut puts the browser back to the cookies that it had: an answer that never arrived has set none.
func (b *browser) forgetAllBut(kept map[string]string) {
	b.jar = must(cookiejar.New(nil))
	for name, value := range kept {
		b.jar.SetCookies(must(url.Parse(issuer)), []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true}})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// send makes one request and follows nothing.
func (b *browser) send(method, target string, form url.Values) *browser {
	b.w.t.Helper()
	body := io.Reader(http.NoBody)
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	return b.raw(method, target, "application/x-www-form-urlencoded", body)
}

func (b *browser) raw(method, target, contentType string, body io.Reader) *browser {
	b.w.t.Helper()
	if strings.HasPrefix(target, "/") {
		target = issuer + target
	}
	r := httptest.NewRequest(method, target, body)
	r.RemoteAddr = "127.0.0.1:4711"
	r.Header.Set("X-Forwarded-For", b.ip)
	r.Header.Set("User-Agent", cmp.Or(b.agent, iPhone))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Origin", issuer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	ctx, tally := store.WithTally(r.Context())
	rec := httptest.NewRecorder()
	b.app.Handler().ServeHTTP(rec, r.WithContext(ctx))
	b.tally = tally.Counts()
	b.last, b.body, b.at = rec.Result(), rec.Body.String(), r.URL.RequestURI()[:min(len(r.URL.RequestURI()), 300)]
	b.jar.SetCookies(r.URL, b.last.Cookies())
	return b
}

func (b *browser) get(target string) *browser {
	b.w.t.Helper()
	return b.send(http.MethodGet, target, nil)
}

func (b *browser) post(target string, pairs ...string) *browser {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return b.send(http.MethodPost, target, form)
}

// follow goes where Location, or the Refresh of our own pages, leads, as long as that is Portvakt.
func (b *browser) follow() *browser {
	b.w.t.Helper()
	for range 10 {
		next := b.leads()
		if next == "" || strings.HasPrefix(next, "http") && !strings.HasPrefix(next, issuer) {
			return b
		}
		b.get(next)
	}
	b.w.t.Fatalf("redirected in a circle at %s", b.at)
	return b
}

// leads is where the answer sends the browser: the Location header, or the address of the Refresh header.
func (b *browser) leads() string {
	if l := b.last.Header.Get("Location"); l != "" {
		return l
	}
	_, l, _ := strings.Cut(b.last.Header.Get("Refresh"), "url=")
	return l
}

func (b *browser) expect(status int) *browser {
	b.w.t.Helper()
	if b.last.StatusCode != status {
		b.w.t.Fatalf("%s: status %d, want %d\n%s", b.at, b.last.StatusCode, status, b.body)
	}
	return b
}

func (b *browser) shows(text string) *browser {
	b.w.t.Helper()
	if !strings.Contains(plain(b.body), text) {
		b.w.t.Fatalf("%s does not show %q:\n%s", b.at, text, plain(b.body))
	}
	return b
}

var tags = regexp.MustCompile(`<[^>]*>`)

func plain(html string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(strings.ReplaceAll(html, "<wbr>", ""), " ")), " ")
}

var actions = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)

// action is the address of the first form whose action begins with the prefix.
func (b *browser) action(prefix string) string {
	b.w.t.Helper()
	for _, m := range actions.FindAllStringSubmatch(b.body, -1) {
		if a := strings.ReplaceAll(m[1], "&amp;", "&"); strings.HasPrefix(a, prefix) {
			return a
		}
	}
	b.w.t.Fatalf("%s has no form to %s…:\n%s", b.at, prefix, b.body)
	return ""
}

// beside is another page of the attempt: the address with its last part replaced. An id may begin with any letters.
func beside(at, page string) string {
	path, query, has := strings.Cut(at, "?")
	path = path[:strings.LastIndexByte(path, '/')+1] + page
	if has {
		return path + "?" + query
	}
	return path
}

// rp is an RP's side of one login.
type rp struct {
	control.RP
	redirect, state, nonce, verifier string
}

func newLogin(c control.RP) rp {
	return rp{RP: c, redirect: c.RedirectURIs[0], state: secret.NewID(), nonce: secret.NewID(), verifier: secret.NewToken().Reveal()}
}

// authorize is the address that the RP sends the browser to.
func (l rp) authorize(extra ...string) string {
	sum := sha256.Sum256([]byte(l.verifier))
	q := url.Values{"client_id": {l.ClientID}, "redirect_uri": {l.redirect}, "response_type": {"code"},
		"scope": {"openid profile email person"}, "state": {l.state}, "nonce": {l.nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
	for i := 0; i+1 < len(extra); i += 2 {
		if q.Set(extra[i], extra[i+1]); extra[i+1] == "" {
			q.Del(extra[i])
		}
	}
	return "/authorize?" + q.Encode()
}

// code is the code in the redirect that the browser was sent.
func (l rp) code(t testing.TB, location string) string {
	t.Helper()
	u, err := url.Parse(location)
	if err != nil || !strings.HasPrefix(location, l.redirect) {
		t.Fatalf("not the RP's redirect URI: %q", location)
	}
	q := u.Query()
	if q.Get("state") != l.state || q.Get("iss") != issuer || q.Get("code") == "" {
		t.Fatalf("not a good response: %q", location)
	}
	return q.Get("code")
}

// call posts to a protocol endpoint as the RP's server does, and decodes the answer.
func (w *world) call(path string, c control.RP, pairs ...string) (status int, answer map[string]any) {
	return w.callOn(w.app, path, c, pairs...)
}

func (w *world) callOn(a *app.App, path string, c control.RP, pairs ...string) (status int, answer map[string]any) {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if c.ClientSecret == "" {
		form.Set("client_id", c.ClientID)
	}
	r := httptest.NewRequest(http.MethodPost, issuer+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ClientSecret != "" {
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	}
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, r)
	json.Unmarshal(rec.Body.Bytes(), &answer) //nolint:errcheck // revocation answers nothing
	return rec.Code, answer
}

func (w *world) redeem(l rp, code string) (int, map[string]any) {
	return w.call("/token", l.RP, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier)
}

func (w *world) refresh(c control.RP, token string) (int, map[string]any) {
	return w.call("/token", c, "grant_type", "refresh_token", "refresh_token", token)
}

// userinfo asks with an access token.
func (w *world) userinfo(token string) (int, map[string]any) { return w.userinfoOn(w.app, token) }

func (w *world) userinfoOn(a *app.App, token string) (int, map[string]any) {
	r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, r)
	var answer map[string]any
	json.Unmarshal(rec.Body.Bytes(), &answer) //nolint:errcheck // a refusal may have no body
	return rec.Code, answer
}

// signIn takes the browser through the address and the password, on to the RP's redirect URI.
func (b *browser) signIn(l rp, address, pass string) string {
	b.w.t.Helper()
	b.get(l.authorize()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", address).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", pass).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
	return b.leads()
}

// tokens signs Bo in at the RP and returns what the RP got.
func (b *browser) tokens(c control.RP) map[string]any {
	b.w.t.Helper()
	l := newLogin(c)
	status, answer := b.w.redeem(l, l.code(b.w.t, b.signIn(l, bosAddress, bosPass)))
	if status != http.StatusOK {
		b.w.t.Fatalf("redeem: %d %v", status, answer)
	}
	return answer
}

// askForLink goes from the RP's request to the neutral answer, solving the robot check as the page's script does.
func (b *browser) askForLink(l rp, address, want string) *browser {
	b.w.t.Helper()
	b.get(l.authorize()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", address).follow().expect(http.StatusOK)
	attempt := attemptOf(b.at)
	return b.post("/recovery/start/"+attempt, "address", address, "want", want, "robot", b.solve("/recovery/challenge/"+attempt)).
		expect(http.StatusSeeOther).follow().expect(http.StatusOK)
}

func attemptOf(at string) string { return strings.Split(strings.Split(at, "?")[0], "/")[2] }

// solve fetches a puzzle and finds its answer.
func (b *browser) solve(path string) string {
	b.w.t.Helper()
	var puzzle struct {
		Challenge, Salt, Token string
		Max                    int
	}
	b.post(path).expect(http.StatusOK)
	if err := json.Unmarshal([]byte(b.body), &puzzle); err != nil {
		b.w.t.Fatal(err)
	}
	for n := 0; n <= puzzle.Max; n++ {
		sum := sha256.Sum256([]byte(puzzle.Salt + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == puzzle.Challenge {
			return puzzle.Token + "." + strconv.Itoa(n)
		}
	}
	b.w.t.Fatal("the puzzle has no answer")
	return ""
}

var linkPattern = regexp.MustCompile(`https://login\.example\.com(/recovery/link/[A-Za-z0-9_-]+)`)

// link delivers the outbox and returns the path of the link in the newest mail to the address that has one.
func (w *world) link(address string) string {
	w.t.Helper()
	w.deliver()
	all := linkPattern.FindAllStringSubmatch(strings.Join(w.post.to(address), "\n"), -1)
	if len(all) == 0 {
		w.t.Fatalf("no mail with a link to %s", address)
	}
	return all[len(all)-1][1]
}

// restart is a crash and a new start: the database closes, the process's memory is gone.
func (w *world) restart() {
	w.t.Helper()
	w.app.Close()
	w.app = w.start()
}

func without(h http.Header, names ...string) string {
	h = h.Clone()
	for _, n := range names {
		h.Del(n)
	}
	var b strings.Builder
	h.Write(&b) //nolint:errcheck // a strings.Builder cannot fail
	return fmt.Sprint(b.String())
}

// changed is a value with one character in its middle replaced by another one. The last character would not do: some of its
// bits may mean nothing, and one time in four it stays what it was.
func changed(value string) string {
	i := len(value) / 2
	other := "A"
	if value[i] == 'A' {
		other = "B"
	}
	return value[:i] + other + value[i+1:]
}

// control does what the operator's command line does.
func (w *world) control(method, path string, in any) error {
	var out map[string]any
	return w.controlled(method, path, in, &out)
}

func (w *world) controlled(method, path string, in, out any) error {
	return control.InProcess(w.app.Control.Handler()).Do(w.t.Context(), method, path, in, out)
}
