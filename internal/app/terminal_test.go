package app_test

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/terminal"
)

// terminalOf is an authenticator in a terminal that reaches a node over real HTTP. It is the protocol's other side, written from
// its page alone: what works here works for anybody's app.
func (w *world) terminalOf(node *app.App) *terminal.Authenticator {
	w.t.Helper()
	a := terminal.New(filepath.Join(w.t.TempDir(), "authenticator.json"))
	a.HTTP = &http.Client{Transport: leading{to: must(url.Parse(behindServer(w.t, node)))}}
	a.Now = w.clock.Now
	a.Pause = func(ctx context.Context, d time.Duration) {
		if d >= time.Minute { // patience: it ends when what it waits for has come
			<-ctx.Done()
			return
		}
		w.clock.Advance(d)
	}
	return a
}

// leading leads requests for the issuer to the server that plays it.
type leading struct{ to *url.URL }

// RoundTrip implements http.RoundTripper.
func (l leading) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host, r.URL.Scheme, r.URL.Host = r.URL.Host, l.to.Scheme, l.to.Host
	return http.DefaultTransport.RoundTrip(r)
}

var (
	pairingKey  = regexp.MustCompile(`<code id="key"[^>]*>([^<]+)</code>`)
	shownOutput = regexp.MustCompile(`<output[^>]*>([^<]+)</output>`)
)

// output is the page's one output: a number, or four characters.
func (b *browser) output() string {
	b.w.t.Helper()
	m := shownOutput.FindStringSubmatch(b.body)
	if m == nil {
		b.w.t.Fatalf("%s has no output:\n%s", b.at, b.body)
	}
	return m[1]
}

// toLink signs Bo in and goes to the page with the pairing link.
func (b *browser) toLink() (link, key string) {
	b.w.t.Helper()
	b.signIn(newLogin(b.w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow().expect(http.StatusOK)
	b.post(b.action("/enrolment/"), "want", "own").follow().expect(http.StatusOK)
	l, k := shownLink.FindStringSubmatch(b.body), pairingKey.FindStringSubmatch(b.body)
	if l == nil || k == nil {
		b.w.t.Fatalf("no pairing link on the page:\n%s", b.body)
	}
	return html.UnescapeString(l[1]), k[1]
}

// pairTerminal pairs a terminal with Bo's account, to the end of the journey.
func (w *world) pairTerminal(a *terminal.Authenticator) terminal.Account {
	w.t.Helper()
	b := w.browser()
	link, _ := b.toLink()
	invitation, err := terminal.Read(link, issuer)
	if err != nil {
		w.t.Fatal(link, err)
	}
	p, err := a.Begin(w.t.Context(), invitation, "Bos terminal")
	if err != nil {
		w.t.Fatal(err)
	}
	b.get(b.at).follow().expect(http.StatusOK).shows("Bos terminal")
	if got := b.output(); got != p.Comparison {
		w.t.Errorf("the browser shows %q, the terminal %q", got, p.Comparison)
	}
	b.post(b.action("/enrolment/"), "want", "approve").follow().expect(http.StatusOK)
	account, err := a.Await(w.t.Context(), p)
	if err != nil {
		w.t.Fatal(err)
	}
	if tested, err := a.AnswerTest(w.t.Context(), account, time.Minute); !tested || err != nil {
		w.t.Errorf("the test: %v %v", tested, err)
	}
	b.get(b.at).expect(http.StatusOK)
	b.post(b.action("/enrolment/")).expect(http.StatusSeeOther)
	b.saveRecovery()
	b.follow().shows("Bos terminal")
	w.deliver()
	return account
}

func (w *world) newest(a *terminal.Authenticator) (terminal.Account, terminal.Request) {
	w.t.Helper()
	all, err := a.List()
	if err != nil {
		w.t.Fatal(err)
	}
	account, r, err := a.Newest(w.t.Context(), all)
	if err != nil {
		w.t.Fatal(err)
	}
	return account, r
}

func TestATerminalIsPairedApprovesDeniesAndLeaves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		node := w.app
		if strings.HasPrefix(w.settings.Database, "postgres") {
			node = w.start() // another one than the browser's
		}
		a := w.terminalOf(node)
		account := w.pairTerminal(a)
		if account.Address != bosAddress || account.Name != "Bo Lind" || account.Employer != "Företaget AB" || account.Issuer != issuer || account.Device != "Bos terminal" {
			t.Errorf("%+v", account)
		}

		b, l := w.browser(), newLogin(w.hrm)
		b.toPush(l)
		_, r := w.newest(a)
		if !slices.Contains(r.Numbers, b.output()) || len(r.Numbers) != 3 || r.About().App != "HRM" || r.Mode != terminal.Tap {
			t.Fatalf("%q is not among %v", b.output(), r)
		}
		if result, err := a.Answer(t.Context(), account, r, terminal.Approve, b.output(), false); result != "approved" || err != nil {
			t.Fatalf("%s %v", result, err)
		}
		if _, err := a.Answer(t.Context(), account, r, terminal.Approve, b.output(), false); !errors.Is(err, terminal.ErrGone) {
			t.Errorf("a second time: %v", err)
		}
		b.post(beside(b.at, "push")).follow()
		_, answer := w.redeem(l, l.code(t, b.leads()))
		if id := claims(t, answer["id_token"].(string)); id["acr"] != "urn:portvakt:mfa" {
			t.Errorf("acr %v, amr %v", id["acr"], id["amr"])
		}

		// The code works without the network, once.
		b, l = w.browser(), newLogin(w.hrm)
		b.toPush(l)
		b.get(beside(b.at, "second")).expect(http.StatusOK)
		w.clock.Advance(window)
		code, _, err := a.Code(account)
		if err != nil {
			t.Fatal(err)
		}
		b.post(b.action("/signin/"), "code", code).expect(http.StatusSeeOther).follow()
		l.code(t, b.leads())

		// A denial, and afterwards the word that it was somebody else.
		b = w.browser()
		b.toPush(newLogin(w.hrm))
		_, r = w.newest(a)
		if result, err := a.Answer(t.Context(), account, r, terminal.Deny, "", false); result != "denied" || err != nil {
			t.Fatalf("%s %v", result, err)
		}
		b.get(b.at).expect(http.StatusOK)
		if shownOutput.MatchString(b.body) {
			t.Error("a number is shown after the denial")
		}
		if b.post(beside(b.at, "push")).follow(); strings.HasPrefix(b.leads(), hrmURL) {
			t.Error("a denied sign-in goes on")
		}
		all, err := a.List()
		if err != nil {
			t.Fatal(err)
		}
		account, r, err = a.Reportable(t.Context(), all)
		if err != nil {
			t.Fatal(err)
		}
		if result, err := a.Answer(t.Context(), account, r, terminal.NotMe, "", true); result != "reported" || err != nil {
			t.Errorf("%s %v", result, err)
		}

		// Months later.
		for range 3 {
			w.clock.Advance(30 * 24 * time.Hour)
			if _, _, err := a.Newest(t.Context(), []terminal.Account{account}); !errors.Is(err, terminal.ErrNothing) {
				t.Fatal(err)
			}
			if account, err = a.Find("1"); err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Remove(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		b = w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		if b.get("/account").follow(); strings.Contains(b.body, "Bos terminal") {
			t.Error("the account still has it")
		}
	})
}

func TestAWrongNumberOfATerminalIsADenial(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.terminalOf(w.app)
		account := w.pairTerminal(a)
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		_, r := w.newest(a)
		wrong := r.Numbers[0]
		if wrong == b.output() {
			wrong = r.Numbers[1]
		}
		if result, err := a.Answer(t.Context(), account, r, terminal.Approve, wrong, false); result != "wrong_number" || !errors.Is(err, terminal.ErrWrongNumber) {
			t.Errorf("%s %v", result, err)
		}
		if b.post(beside(b.at, "push")).follow(); strings.HasPrefix(b.leads(), hrmURL) {
			t.Error("signed in")
		}
	})
}

func TestATerminalThatIsRefusedHearsIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.terminalOf(w.app)
		b := w.browser()
		_, key := b.toLink()
		invitation, err := terminal.Read(key, issuer) // typed, in groups
		if err != nil {
			t.Fatal(key, err)
		}
		p, err := a.Begin(t.Context(), invitation, "")
		if err != nil {
			t.Fatal(err)
		}
		b.get(b.at).follow().expect(http.StatusOK)
		b.post(b.action("/enrolment/"), "want", "deny").follow().expect(http.StatusOK)
		if _, err := a.Await(t.Context(), p); !errors.Is(err, terminal.ErrRefused) {
			t.Errorf("%v", err)
		}
		if _, err := w.terminalOf(w.app).Begin(t.Context(), invitation, ""); err == nil {
			t.Error("the code works again")
		}
		if all, err := a.List(); err != nil || len(all) != 0 {
			t.Errorf("kept: %v %v", all, err)
		}
	})
}

func TestASecondTerminalWithTheSameCodeCancelsTheFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first, second := w.terminalOf(w.app), w.terminalOf(w.app)
		b := w.browser()
		link, _ := b.toLink()
		invitation, err := terminal.Read(link, "")
		if err != nil {
			t.Fatal(err)
		}
		p, err := first.Begin(t.Context(), invitation, "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := second.Begin(t.Context(), invitation, ""); !errors.Is(err, terminal.ErrCodeUsed) {
			t.Errorf("the second: %v", err)
		}
		if _, err := first.Await(t.Context(), p); !errors.Is(err, terminal.ErrRefused) {
			t.Errorf("the first: %v", err)
		}
	})
}

func TestATerminalThatListensHearsThatItWasRemoved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.terminalOf(w.app)
		account := w.pairTerminal(a)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		events := a.Listen(ctx, account)
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		if e := <-events; e.Kind != terminal.Challenge || !slices.Contains(e.Request.Numbers, b.output()) {
			t.Fatalf("%+v", e)
		}
		b.signInByPush(a, account)
		if e := <-events; e.Kind != terminal.Gone || e.How != "approved" {
			t.Fatalf("%+v", e)
		}
		b.get("/account").expect(http.StatusOK)
		id := regexp.MustCompile(`name="app" value="([^"]+)"`).FindStringSubmatch(b.body)
		if id == nil {
			t.Fatal(b.body)
		}
		b.post("/account/apps/remove", "app", id[1]).follow() // a tap is too little for this
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		if e := <-events; e.Kind != terminal.Challenge || e.Request.Mode != terminal.Type || e.Request.Purpose != "step_up" || len(b.output()) != 6 {
			t.Fatalf("%+v", e)
		}
		b.signInByPush(a, account)
		if e := <-events; e.Kind != terminal.Gone {
			t.Fatalf("%+v", e)
		}
		b.post("/account/apps/remove", "app", id[1]).expect(http.StatusSeeOther)
		if e := <-events; e.Kind != terminal.Removed {
			t.Errorf("%+v", e)
		}
		if all, err := a.List(); err != nil || len(all) != 0 {
			t.Errorf("its keys are kept: %v", err)
		}
	})
}

// signInByPush approves what the browser shows, and goes on.
func (b *browser) signInByPush(a *terminal.Authenticator, account terminal.Account) {
	b.w.t.Helper()
	_, r := b.w.newest(a)
	if _, err := a.Answer(b.w.t.Context(), account, r, terminal.Approve, b.output(), false); err != nil {
		b.w.t.Fatal(err)
	}
	b.post(beside(b.at, "push")).follow().expect(http.StatusOK)
}
