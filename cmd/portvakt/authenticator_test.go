package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/terminal"
)

// guest is Bo's browser at the demo, without scripts; the phone's side is the command line alone.
type guest struct {
	t      *testing.T
	origin string
	http   http.Client
	at     string
	body   string
}

func newGuest(t *testing.T, origin string) *guest {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &guest{t: t, origin: origin, http: http.Client{Jar: jar, Timeout: patient}}
}

func (g *guest) send(method, path string, pairs ...string) *guest {
	g.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if strings.HasPrefix(path, "/") {
		path = g.origin + path
	}
	r, err := http.NewRequestWithContext(g.t.Context(), method, path, strings.NewReader(form.Encode()))
	if err != nil {
		g.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", g.origin)
	}
	answer, err := g.http.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	g.at, g.body = answer.Request.URL.Path, string(body)
	if answer.StatusCode >= 400 {
		g.t.Fatalf("%s %s: %s\n%s", method, path, answer.Status, g.body)
	}
	// Our own pages lead on by a Refresh header where a browser must not carry anything along.
	if _, next, ok := strings.Cut(answer.Header.Get("Refresh"), "url="); ok {
		return g.send(http.MethodGet, next)
	}
	return g
}

// find is the page's first match of a pattern, in plain text.
func (g *guest) find(pattern string) string {
	g.t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(g.body)
	if m == nil {
		g.t.Fatalf("%s has no %s:\n%s", g.at, pattern, g.body)
	}
	return html.UnescapeString(m[1])
}

// press sends the first form whose address begins with the prefix.
func (g *guest) press(prefix string, pairs ...string) *guest {
	g.t.Helper()
	return g.send(http.MethodPost, g.find(`<form[^>]*action="(`+prefix+`[^"]*)"`), pairs...)
}

// signIn goes from HRM's own start page to whatever comes after the password.
func (g *guest) signIn(hrm string) *guest {
	g.t.Helper()
	g.send(http.MethodGet, hrm+"/login")
	g.press("/signin/", "address", "bo.lind@foretaget.example")
	return g.press("/signin/", "password", demo.Password)
}

// phone is the command line with a file of its own.
type phone struct {
	t    *testing.T
	file string
}

func (p phone) run(args ...string) (string, error) {
	p.t.Helper()
	return portvakt(p.t, append(append([]string{"authenticator"}, args...), "--file", p.file)...)
}

func (p phone) must(args ...string) string {
	p.t.Helper()
	out, err := p.run(args...)
	if err != nil {
		p.t.Fatalf("portvakt authenticator %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// said is a stream that a test can read while it is written to.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newSaid() *said { return &said{more: make(chan struct{}, 1)} }

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *said) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.text.String() }

// await waits for a text and returns what its group matched.
func (s *said) await(t *testing.T, pattern string) string {
	t.Helper()
	for end := time.After(patient); ; {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(s.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-s.more:
		case <-end:
			t.Fatalf("it did not say %s:\n%s", pattern, s)
		}
	}
}

func startDemo(t *testing.T) *demo.World {
	t.Helper()
	w, err := demo.Start(t.Context(), demo.Options{Lang: "sv", PlainDelay: time.Minute, App: app.Options{Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// TestTheGuideIsWalkedWithATerminalAlone is Bo's way to HRM with the commands that stand in the help, and nothing on a phone.
func TestTheGuideIsWalkedWithATerminalAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("asks every two seconds whether it was approved")
	}
	w := startDemo(t)
	g, p := newGuest(t, w.Portvakt), phone{t, filepath.Join(t.TempDir(), "authenticator.json")}
	if _, err := p.run("approve"); err == nil || !strings.Contains(err.Error(), "no account is paired") {
		t.Errorf("before anything: %v", err)
	}
	g.signIn(w.HRM)
	g.press("/enrolment/", "want", "on")
	g.press("/enrolment/", "want", "own")
	link := g.find(`id="pair" href="([^"]+)"`)

	out := newSaid()
	paired := make(chan error, 1)
	go func() {
		paired <- run(t.Context(), []string{"authenticator", "pair", link, "--name", "Bos dator", "--file", p.file}, out, io.Discard)
	}()
	comparison := out.await(t, `Compare:  ([A-Z0-9]{4})`)
	g.send(http.MethodGet, g.at)
	if got := g.find(`<output id="comparison"[^>]*>([^<]+)<`); got != comparison {
		t.Errorf("the browser shows %s, the terminal %s", got, comparison)
	}
	g.press("/enrolment/", "want", "approve")
	if err := <-paired; err != nil || !strings.Contains(out.String(), "was answered") {
		t.Fatalf("%v\n%s", err, out)
	}
	g.send(http.MethodGet, g.at)
	g.press("/enrolment/") // Fortsätt
	if strings.Contains(g.at, "/phone") {
		g.press("/enrolment/[^\"]*skip")
	}
	g.press("/enrolment/", "saved", "on")
	if !strings.Contains(g.body, "Bo") || strings.Contains(g.at, "/enrolment/") {
		t.Fatalf("not in HRM: %s\n%s", g.at, g.body)
	}

	var all []shownAccount
	if err := json.Unmarshal([]byte(p.must("list", "--json")), &all); err != nil || len(all) != 1 || all[0].Address != "bo.lind@foretaget.example" || all[0].Issuer != w.Portvakt {
		t.Fatalf("%+v %v", all, err)
	}
	if list := p.must("list"); !strings.Contains(list, "1  bo.lind@foretaget.example") {
		t.Errorf("%s", list)
	}
	if code := p.must("code", "bo"); !regexp.MustCompile(`^\d{6}\n$`).MatchString(code) {
		t.Errorf("%q", code)
	}
	if _, err := p.run("approve", "--number", "42"); err == nil || !strings.Contains(err.Error(), "no request is waiting") {
		t.Errorf("nothing waits: %v", err)
	}

	g = newGuest(t, w.Portvakt)
	g.signIn(w.HRM)
	number := g.find(`<output id="number"[^>]*>([^<]+)<`)
	if _, err := p.run("approve"); err == nil || !strings.Contains(err.Error(), number) {
		t.Errorf("without a number: %v", err)
	}
	if _, err := p.run("approve", "--number", "1"); err == nil || !strings.Contains(err.Error(), "nothing was sent") {
		t.Errorf("a slip: %v", err)
	}
	if out := p.must("approve", "--number", number, "--account", all[0].KeyID); out != "approved\n" {
		t.Errorf("%q", out)
	}
	if g.press("/signin/[^\"]*/push"); !strings.Contains(g.body, "Logga ut") {
		t.Errorf("not in HRM: %s", g.at)
	}

	p.listens(w.HRM, newGuest(t, w.Portvakt))
	p.isAsked(w)

	g = newGuest(t, w.Portvakt)
	g.signIn(w.HRM)
	if out := p.must("deny"); out != "denied\n" {
		t.Errorf("%q", out)
	}
	if out := p.must("not-me"); out != "reported\n" {
		t.Errorf("%q", out)
	}
	if out := p.must("remove", "1"); !strings.Contains(out, "the keys are deleted") {
		t.Errorf("%q", out)
	}
	if out := p.must("list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("%q", out)
	}
}

// listens signs in while listen runs, and types what the page shows.
func (p phone) listens(hrm string, g *guest) {
	p.t.Helper()
	ctx, stop := context.WithCancel(p.t.Context())
	a := terminal.New(p.file)
	all, err := a.List()
	if err != nil {
		p.t.Fatal(err)
	}
	typing, typed := io.Pipe()
	out, ended := newSaid(), make(chan struct{})
	go func() {
		defer close(ended)
		(&conversation{a: a, s: streams{typing, out, out}}).run(ctx, a.Listen(ctx, all...))
	}()
	g.signIn(hrm)
	number := g.find(`<output id="number"[^>]*>([^<]+)<`)
	out.await(p.t, `Sign in to HRM\?`)
	fmt.Fprintln(typed, number)
	out.await(p.t, `approved\n`)
	if g.press("/signin/[^\"]*/push"); !strings.Contains(g.body, "Logga ut") {
		p.t.Errorf("not in HRM: %s", g.at)
	}
	stop()
	<-ended
}

// isAsked answers an app that asks without a sign-in page: by a command with the message, and by a y where it stands above.
func (p phone) isAsked(w *demo.World) {
	p.t.Helper()
	var till control.RP
	err := control.InProcess(w.App.Control.Handler()).Do(p.t.Context(), http.MethodPost, "/relying-parties", control.RP{Name: "Kassan", Organisations: []string{"foretaget"},
		Options: control.Options{Metadata: relyingparty.Metadata{GrantTypes: []string{relyingparty.CIBA}}, Backchannel: relyingparty.Backchannel{Delivery: relyingparty.Poll}}}, &till)
	if err != nil {
		p.t.Fatal(err)
	}
	ask := func(message string) {
		newGuest(p.t, w.Portvakt).send(http.MethodPost, "/backchannel_authentication", "client_id", till.ClientID, "client_secret", till.ClientSecret,
			"scope", "openid", "login_hint", "bo.lind@foretaget.example", "binding_message", message)
	}
	ctx, stop := context.WithCancel(p.t.Context())
	a := terminal.New(p.file)
	all, err := a.List()
	if err != nil {
		p.t.Fatal(err)
	}
	typing, typed := io.Pipe()
	out, ended := newSaid(), make(chan struct{})
	go func() {
		defer close(ended)
		(&conversation{a: a, s: streams{typing, out, out}}).run(ctx, a.Listen(ctx, all...))
	}()
	ask("Kassa 4-17")
	out.await(p.t, `Answer Kassan\?(?s:.*)Message: Kassa 4-17\nType y if you see the same message`)
	for want, args := range map[string][]string{
		"--message":                {},
		"say it with --message":    {"--number", "42"},
		"another message is asked": {"--message", "Kassa 9-99"},
		"can't be used together":   {"--message", "Kassa 4-17", "--number", "42"},
	} {
		if _, err := p.run(append([]string{"approve"}, args...)...); err == nil || !strings.Contains(err.Error(), want) {
			p.t.Errorf("approve %v: %v", args, err)
		}
	}
	if out := p.must("approve", "--message", "Kassa 4-17"); out != "approved\n" {
		p.t.Errorf("%q", out)
	}
	out.await(p.t, `The request of Kassan does not wait any more`)
	ask("Kassa 4-18")
	out.await(p.t, `Message: Kassa 4-18\nType y`)
	fmt.Fprintln(typed, "y")
	out.await(p.t, `sign out everywhere: approved\n`)
	stop()
	<-ended
}

// TestAConversationIsAboutOneRequestAfterTheOther plays what listen shows and what is typed, without a network.
func TestAConversationIsAboutOneRequestAfterTheOther(t *testing.T) {
	typing, typed := io.Pipe()
	out := newSaid()
	events := make(chan terminal.Event)
	c := &conversation{a: terminal.New(filepath.Join(t.TempDir(), "none.json")), s: streams{typing, out, out}}
	ended := make(chan struct{})
	go func() { defer close(ended); c.run(t.Context(), events) }()
	account := terminal.Account{Issuer: "https://login.example.com", Address: "anna@foretaget.example"}
	request := func(id, mode string, numbers ...string) terminal.Event {
		return terminal.Event{Kind: terminal.Challenge, Account: account, Request: terminal.Request{ID: id, Mode: mode, Numbers: numbers,
			Shown: json.RawMessage(fmt.Sprintf(`{"app":"App %s","browser":"Chrome","device":"Windows","place":"Sverige"}`, id))}}
	}
	events <- request("one", terminal.Tap, "17", "42", "86")
	out.await(t, `Sign in to App one\?  anna@foretaget.example\nFrom: Chrome Windows Sverige\nNumbers: 17 42 86\nType the number that it shows \(17, 42, 86\); d to deny, n if it is not you, e for the same and to sign out everywhere: `)
	events <- request("two", terminal.Type)
	fmt.Fprintln(typed, "43")
	out.await(t, `nothing was sent: 17, 42, 86: $`)
	fmt.Fprintln(typed, "y")
	out.await(t, `is needed: one of 17, 42, 86: $`)
	if strings.Contains(out.String(), "App two") {
		t.Error("two questions at once")
	}
	events <- terminal.Event{Kind: terminal.Gone, ID: "one", How: "approved"}
	out.await(t, `The request of App one does not wait any more: approved\.\n\nSign in to App two\?(?s:.*)the 6 digits`)
	events <- terminal.Event{Kind: terminal.Gone, ID: "unknown"}
	events <- terminal.Event{Kind: terminal.Trouble, Account: account, Err: context.DeadlineExceeded}
	out.await(t, `https://login.example.com cannot be reached`)
	typed.Close() // nobody types any more
	events <- request("three", terminal.None)
	events <- terminal.Event{Kind: terminal.Gone, ID: "two"}
	out.await(t, `Sign in to App three\?(?s:.*)y to approve`)
	events <- terminal.Event{Kind: terminal.Removed, Account: account}
	out.await(t, `has removed this authenticator`)
	close(events)
	<-ended
}
