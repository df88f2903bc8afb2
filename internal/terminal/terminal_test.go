package terminal_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/portvakt/portvakt/internal/terminal"
)

// scene is an authenticator and the issuer that it is paired with.
type scene struct {
	t      *testing.T
	issuer *issuer
	a      *terminal.Authenticator
}

// newScene makes an authenticator whose pauses take no time.
func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, issuer: newIssuer(t)}
	s.a = s.process(filepath.Join(t.TempDir(), "sub", "authenticator.json"))
	return s
}

// process is a program on the same file.
func (s *scene) process(file string) *terminal.Authenticator {
	a := terminal.New(file)
	a.Now = func() time.Time { s.issuer.mu.Lock(); defer s.issuer.mu.Unlock(); return s.issuer.now }
	a.Pause = func(context.Context, time.Duration) {}
	return a
}

func (s *scene) link() string {
	return s.issuer.URL + "/authenticator/#code=" + goodCode + "&iss=" + s.issuer.URL
}

// paired pairs.
func (s *scene) paired() terminal.Account {
	s.t.Helper()
	s.issuer.change(func() { s.issuer.decision = "approve" })
	account, err := s.pair()
	if err != nil {
		s.t.Fatal(err)
	}
	return account
}

func (s *scene) pair() (terminal.Account, error) {
	s.t.Helper()
	invitation, err := terminal.Read(s.link(), "")
	if err != nil {
		return terminal.Account{}, err
	}
	p, err := s.a.Begin(s.t.Context(), invitation, "Anna's terminal")
	if err != nil {
		return terminal.Account{}, err
	}
	if p.Comparison != "ABC1" {
		s.t.Errorf("to compare: %q", p.Comparison)
	}
	return s.a.Await(s.t.Context(), p)
}

func TestAPairingIsComparedApprovedAndKept(t *testing.T) {
	s := newScene(t)
	s.issuer.slow = 2
	polled := 0
	var waits []time.Duration
	s.a.Pause = func(_ context.Context, d time.Duration) {
		waits = append(waits, d)
		if polled++; polled == 5 {
			s.issuer.change(func() { s.issuer.decision = "approve" })
		}
	}
	account, err := s.pair()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(waits); got != "[2s 7s 12s 12s 12s]" {
		t.Errorf("asked after %s", got)
	}
	if account.Address != "anna@foretaget.example" || account.KeyID != "key-1" || account.Subject != "sub-1" || account.Device != "Anna's terminal" || account.Employer != "Företaget AB" {
		t.Errorf("%+v", account)
	}
	if account.Name != "Anna[2J Svensson" {
		t.Errorf("a name moves the cursor: %q", account.Name)
	}
	info, err := os.Stat(s.a.File)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	again, err := s.process(s.a.File).Find("")
	if err != nil || again.KeyID != "key-1" {
		t.Errorf("another process: %v", err)
	}
	if printed := fmt.Sprintf("%v %+v %#v", account, account, account); strings.Contains(printed, account.Refresh) || strings.Contains(printed, cillasKey) {
		t.Errorf("printed: %s", printed)
	}
}

func TestAPairingThatFailsSaysHowAndKeepsNothing(t *testing.T) {
	for name, c := range map[string]struct {
		shape func(*issuer)
		want  error
	}{
		"refused":        {func(i *issuer) { i.decision = "deny" }, terminal.ErrRefused},
		"too late":       {func(i *issuer) { i.decision = "expire" }, terminal.ErrPairingLate},
		"used before":    {func(i *issuer) { i.jkt = "another" }, terminal.ErrCodeUsed},
		"an outage ends": {func(i *issuer) { i.decision = "deny" }, terminal.ErrRefused},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.issuer.change(func() { c.shape(s.issuer) })
			if name == "an outage ends" {
				n := 0
				s.a.Pause = func(context.Context, time.Duration) {
					if n++; n == 1 {
						s.issuer.change(func() { s.issuer.failing = 3 })
					}
				}
			}
			if _, err := s.pair(); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			if all, err := s.a.List(); err != nil || len(all) != 0 {
				t.Errorf("kept: %v %v", all, err)
			}
		})
	}
	s := newScene(t)
	if _, err := s.a.Begin(t.Context(), terminal.Invitation{Issuer: s.issuer.URL, Code: strings.Repeat("0", 26)}, ""); !errors.Is(err, terminal.ErrCode) {
		t.Errorf("an unknown code: %v", err)
	}
}

// TestAPairingThatWasCutOffIsCompleted: what was approved and not yet asked about has its keys in the file.
func TestAPairingThatWasCutOffIsCompleted(t *testing.T) {
	s := newScene(t)
	s.issuer.change(func() { s.issuer.decision = "approve" })
	invitation, _ := terminal.Read(s.link(), "")
	p, err := s.a.Begin(t.Context(), invitation, "")
	if err != nil {
		t.Fatal(err)
	}
	s.a.HTTP.Transport = &cutting{next: s.a.HTTP.Transport, path: "/push/account"}
	if _, err := s.a.Await(t.Context(), p); err == nil {
		t.Fatal("it was cut off")
	}
	s.issuer.ask("r1", "signin", "tap", "17", "42", "86")
	b := s.process(s.a.File)
	all, err := b.List()
	if err != nil || len(all) != 1 {
		t.Fatalf("%v %v", all, err)
	}
	account, r, err := b.Newest(t.Context(), all)
	if err != nil || account.KeyID != "key-1" || r.ID != "r1" {
		t.Errorf("%v %v %v", account, r, err)
	}
}

func TestTheTestRequestIsAnswered(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	patience := make(chan struct{})
	s.a.Pause = func(ctx context.Context, d time.Duration) {
		select {
		case <-ctx.Done():
		case <-patience:
		}
	}
	s.issuer.ask("r0", "signin", "tap", "17", "42", "86") // somebody else's at the same moment is left alone
	s.issuer.ask("t1", "test", "none")
	if tested, err := s.a.AnswerTest(t.Context(), account, time.Minute); !tested || err != nil {
		t.Errorf("%v %v", tested, err)
	}
	if len(s.issuer.answers) != 1 || s.issuer.answers[0]["challenge"] != "t1" || s.issuer.answers[0]["number"] != "" {
		t.Errorf("%v", s.issuer.answers)
	}
	close(patience)
	if tested, err := s.a.AnswerTest(t.Context(), account, time.Minute); tested || err != nil {
		t.Errorf("without a test: %v %v", tested, err)
	}
}

func TestARequestIsApprovedDeniedAndReported(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	ask := func(id, mode string, numbers ...string) (terminal.Account, terminal.Request) {
		t.Helper()
		s.issuer.ask(id, "signin", mode, numbers...)
		got, r, err := s.a.Newest(t.Context(), []terminal.Account{account})
		if err != nil || r.ID != id || r.About().App != "HRM" || r.About().Place != "Sverige]0;x" {
			t.Fatalf("%+v %v", r, err)
		}
		return got, r
	}
	if _, _, err := s.a.Newest(t.Context(), []terminal.Account{account}); !errors.Is(err, terminal.ErrNothing) {
		t.Errorf("before anything: %v", err)
	}
	account, r := ask("r1", "tap", "17", "42", "86")
	for number, want := range map[string]error{"": terminal.ErrChoose, "43": terminal.ErrNotAChoice, "4": terminal.ErrNotAChoice} {
		if _, err := s.a.Answer(t.Context(), account, r, terminal.Approve, number, false); !errors.Is(err, want) || !strings.Contains(err.Error(), "17, 42, 86") {
			t.Errorf("%q: %v", number, err)
		}
	}
	if len(s.issuer.answers) != 0 {
		t.Fatal("a slip was sent")
	}
	if result, err := s.a.Answer(t.Context(), account, r, terminal.Approve, "42", false); result != "approved" || err != nil {
		t.Errorf("%s %v", result, err)
	}
	if _, err := s.a.Answer(t.Context(), account, r, terminal.Approve, "42", false); !errors.Is(err, terminal.ErrGone) || !strings.Contains(err.Error(), "approved") {
		t.Errorf("a second time: %v", err)
	}

	account, r = ask("r2", "type")
	for _, number := range []string{"12345", "1234567", "12345a"} {
		if _, err := s.a.Answer(t.Context(), account, r, terminal.Approve, number, false); !errors.Is(err, terminal.ErrNotAChoice) {
			t.Errorf("%q: %v", number, err)
		}
	}
	if result, err := s.a.Answer(t.Context(), account, r, terminal.Approve, "123456", false); result != "approved" || err != nil {
		t.Errorf("%s %v", result, err)
	}

	account, r = ask("r3", "tap", "17", "42", "86")
	if result, err := s.a.Answer(t.Context(), account, r, terminal.Approve, "17", false); result != "wrong_number" || !errors.Is(err, terminal.ErrWrongNumber) {
		t.Errorf("%s %v", result, err)
	}

	account, r = ask("r4", "tap", "17", "42", "86")
	if result, err := s.a.Answer(t.Context(), account, r, terminal.Deny, "42", false); result != "denied" || err != nil {
		t.Errorf("%s %v", result, err)
	}
	if got := s.issuer.answers[len(s.issuer.answers)-1]["number"]; got != "" {
		t.Errorf("a denial with a number: %v", got)
	}
	all, err := s.process(s.a.File).List() // another command, a moment later
	if err != nil {
		t.Fatal(err)
	}
	account, r, err = s.a.Reportable(t.Context(), all)
	if err != nil || r.ID != "r4" {
		t.Fatalf("%v %v", r, err)
	}
	if result, err := s.a.Answer(t.Context(), account, r, terminal.NotMe, "", true); result != "reported" || err != nil || s.issuer.answers[len(s.issuer.answers)-1]["end_sessions"] != true {
		t.Errorf("%s %v", result, err)
	}
	s.issuer.change(func() { s.issuer.now = s.issuer.now.Add(10 * time.Minute) })
	if _, _, err := s.a.Reportable(t.Context(), all); !errors.Is(err, terminal.ErrNothing) {
		t.Errorf("ten minutes later: %v", err)
	}
}

func TestNobodySaysYesToAMessageThatWasNotComparedNorToWhatIsUnknown(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	for _, one := range []struct {
		mode, said string
		want       error
	}{
		{"message", "", terminal.ErrChoose},
		{"message", "42", terminal.ErrNotAChoice},
		{"message", "kassa 4-17", terminal.ErrNotAChoice},
		{"gesture", "", terminal.ErrMode},
		{"gesture", "123456", terminal.ErrMode},
	} {
		r := terminal.Request{ID: "r1", Mode: one.mode, Shown: []byte(`{"message":"Kassa 4-17"}`)}
		if _, err := s.a.Answer(t.Context(), account, r, terminal.Approve, one.said, false); !errors.Is(err, one.want) || strings.Contains(err.Error(), compared) {
			t.Errorf("%+v: %v", one, err)
		}
	}
	if len(s.issuer.answers) != 0 {
		t.Fatal("it was sent")
	}
	for id, decision := range map[string]string{"r1": terminal.Approve, "r2": terminal.Deny} {
		s.issuer.ask(id, terminal.Ask, terminal.Message)
		got, r, err := s.a.Newest(t.Context(), []terminal.Account{account})
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{terminal.Approve: compared}[decision] // a denial repeats nothing
		if _, err := s.a.Answer(t.Context(), got, r, decision, compared, false); err != nil || s.issuer.answers[len(s.issuer.answers)-1]["number"] != want {
			t.Errorf("%s: %v", decision, err)
		}
	}
}

func TestTheNewestRequestOfAllIsAnswered(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.ask("old", "signin", "none")
	s.issuer.ask("new", "signin", "none")
	_, r, err := s.a.Newest(t.Context(), []terminal.Account{account})
	if err != nil || r.ID != "new" {
		t.Errorf("%s %v", r.ID, err)
	}
}

// TestARefreshWhoseAnswerIsLostIsRepeated with the same token, and gets the same successor.
func TestARefreshWhoseAnswerIsLostIsRepeated(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { s.issuer.lost, s.issuer.now = 1, s.issuer.now.Add(time.Hour) })
	if _, err := s.a.Waiting(t.Context(), &account); err == nil {
		t.Error("its answer was lost")
	}
	fresh, err := s.process(s.a.File).Find("1") // a new process, from the file
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // and on from there, for months
		if _, err := s.a.Waiting(t.Context(), &fresh); err != nil {
			t.Fatal(err)
		}
		s.issuer.change(func() { s.issuer.now = s.issuer.now.Add(24 * time.Hour) })
	}
	if s.issuer.refreshs != 3 {
		t.Errorf("%d refreshes", s.issuer.refreshs)
	}
}

// TestTheNewTokenIsInTheFileBeforeItIsUsed: whoever is killed at that moment has lost nothing.
func TestTheNewTokenIsInTheFileBeforeItIsUsed(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { s.issuer.now = s.issuer.now.Add(time.Hour) })
	s.a.HTTP.Transport = &cutting{next: s.a.HTTP.Transport, path: "/push/challenges", before: func() {
		text, err := os.ReadFile(s.a.File)
		if err != nil || !strings.Contains(string(text), "refresh-1") {
			t.Errorf("used before it was kept: %v", err)
		}
	}}
	if _, err := s.a.Waiting(t.Context(), &account); err == nil {
		t.Error("it was cut off")
	}
	if all, err := s.process(s.a.File).List(); err != nil || all[0].Refresh != "refresh-1" {
		t.Errorf("%v", err)
	}
}

func TestTwentyProcessesAtOnceRefreshOnce(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { s.issuer.now = s.issuer.now.Add(time.Hour) })
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			mine := account
			if _, err := s.process(s.a.File).Waiting(t.Context(), &mine); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.issuer.refreshs != 1 {
		t.Errorf("%d refreshes", s.issuer.refreshs)
	}
}

func TestATokenThatIsRefusedBeforeItsTimeIsRenewedOnce(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { clear(s.issuer.access) })
	if _, err := s.a.Waiting(t.Context(), &account); err != nil || s.issuer.refreshs != 1 {
		t.Errorf("%d refreshes: %v", s.issuer.refreshs, err)
	}
}

func TestAnAuthenticatorThatTheAccountHasRemovedForgetsItsKeys(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { s.issuer.removed = true })
	if _, err := s.a.Waiting(t.Context(), &account); !errors.Is(err, terminal.ErrRemoved) {
		t.Errorf("%v", err)
	}
	if all, err := s.a.List(); err != nil || len(all) != 0 {
		t.Errorf("kept: %v %v", all, err)
	}
}

func TestAnAuthenticatorLeaves(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	s.issuer.change(func() { s.issuer.last = true })
	if err := s.a.Remove(t.Context(), account); !errors.Is(err, terminal.ErrLast) {
		t.Errorf("the last one: %v", err)
	}
	if all, _ := s.a.List(); len(all) != 1 {
		t.Error("its keys are gone all the same")
	}
	s.issuer.change(func() { s.issuer.last = false })
	if err := s.a.Remove(t.Context(), account); err != nil {
		t.Error(err)
	}
	if all, err := s.a.List(); err != nil || len(all) != 0 {
		t.Errorf("kept: %v %v", all, err)
	}
}

func TestAListenerHearsOfEachRequestOnceAndOfItsEnd(t *testing.T) {
	for _, noStream := range []bool{false, true} {
		t.Run(fmt.Sprintf("without a stream: %v", noStream), func(t *testing.T) {
			s := newScene(t)
			account := s.paired()
			s.issuer.change(func() { s.issuer.noStream = noStream })
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			s.issuer.ask("before", "signin", "tap", "17", "42", "86")
			events := s.a.Listen(ctx, account)
			hear := func(kind terminal.Kind, id string) terminal.Event {
				t.Helper()
				e, ok := <-events
				if got := e.Request.ID + e.ID; !ok || e.Kind != kind || got != id {
					t.Fatalf("heard %s %s %v, want %s %s", e.Kind, got, e.Err, kind, id)
				}
				return e
			}
			if e := hear(terminal.Challenge, "before"); fmt.Sprint(e.Request.Numbers) != "[17 42 86]" || e.Account.KeyID != "key-1" {
				t.Errorf("%+v", e)
			}
			s.issuer.ask("during", "signin", "none")
			e := hear(terminal.Challenge, "during")
			if _, err := s.a.Answer(ctx, e.Account, e.Request, terminal.Approve, "", false); err != nil {
				t.Fatal(err)
			}
			if e := hear(terminal.Gone, "during"); !noStream && e.How != "approved" {
				t.Errorf("how: %q", e.How)
			}
			if noStream {
				s.issuer.change(func() { s.issuer.failing = 3 }) // an outage is told of once
				if e := hear(terminal.Trouble, ""); e.Err == nil {
					t.Error("without a reason")
				}
			}
			s.issuer.change(func() { s.issuer.removed = true })
			hear(terminal.Removed, "")
			if _, ok := <-events; ok {
				t.Error("it goes on")
			}
			if all, err := s.a.List(); err != nil || len(all) != 0 {
				t.Errorf("keys of a removed authenticator: %v", err)
			}
		})
	}
}

func TestAListenerStops(t *testing.T) {
	s := newScene(t)
	account := s.paired()
	ctx, stop := context.WithCancel(t.Context())
	events := s.a.Listen(ctx, account)
	s.issuer.ask("r1", "signin", "none")
	<-events
	stop()
	for range events {
	}
}

// TestCodesAreCountedByTheIssuersClock: this machine's is an hour behind.
func TestCodesAreCountedByTheIssuersClock(t *testing.T) {
	s := newScene(t)
	s.a.Now = func() time.Time { s.issuer.mu.Lock(); defer s.issuer.mu.Unlock(); return s.issuer.now.Add(-time.Hour) }
	account := s.paired()
	code, left, err := s.a.Code(account)
	want, failed := totp.GenerateCode(cillasKey, s.issuer.now)
	if err != nil || failed != nil || code != want || left <= 0 || left > 30*time.Second {
		t.Errorf("%s, want %s, for %s: %v %v", code, want, left, err, failed)
	}
}

// TestAClockThatIsSetAfterThePairingCountsFromTheNextQuestionOn, and a machine whose clock keeps step writes nothing.
func TestAClockThatIsSetAfterThePairingCountsFromTheNextQuestionOn(t *testing.T) {
	s := newScene(t)
	off := -time.Hour
	s.a.Now = func() time.Time { s.issuer.mu.Lock(); defer s.issuer.mu.Unlock(); return s.issuer.now.Add(off) }
	account := s.paired()
	for _, set := range []time.Duration{-time.Hour + time.Second, 0, 3 * time.Minute} {
		off = set
		if _, _, err := s.a.Newest(t.Context(), []terminal.Account{account}); !errors.Is(err, terminal.ErrNothing) {
			t.Fatal(err)
		}
		var err error
		if account, err = s.a.Find(""); err != nil {
			t.Fatal(err)
		}
		if there := off + time.Duration(account.Ahead)*time.Millisecond; there.Abs() > time.Second {
			t.Errorf("a clock that is off by %s: codes are counted %s beside the issuer's", set, there)
		}
	}
}

func TestAnAccountIsFoundByWhateverIsUnique(t *testing.T) {
	s := newScene(t)
	s.paired()
	text, err := os.ReadFile(s.a.File)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Version  int              `json:"version"`
		Accounts []map[string]any `json:"accounts"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	copies := []map[string]any{}
	for n, who := range [][2]string{{"anna@foretaget.example", "key-1"}, {"anna.b@foretaget.example", "key-2"}, {"bo@foretaget.example", "other"}, {"bo@foretaget.example", "third"}} {
		one := map[string]any{}
		for k, v := range file.Accounts[0] {
			one[k] = v
		}
		one["id"], one["address"], one["key_id"] = fmt.Sprint(n), who[0], who[1]
		copies = append(copies, one)
	}
	file.Accounts = copies
	if text, err = json.Marshal(file); err == nil {
		err = os.WriteFile(s.a.File, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for meant, want := range map[string]string{"1": "key-1", "4": "third", "ANNA@foretaget.example": "key-1", "anna.": "key-2", "key-2": "key-2", "oth": "other"} {
		if got, err := s.a.Find(meant); err != nil || got.KeyID != want {
			t.Errorf("%q: %s %v", meant, got.KeyID, err)
		}
	}
	for meant, want := range map[string]error{"anna": terminal.ErrAmbiguous, "bo@foretaget.example": terminal.ErrAmbiguous, "key": terminal.ErrAmbiguous, "": terminal.ErrAmbiguous,
		"cilla": terminal.ErrNoAccount, "5": terminal.ErrNoAccount, "0": terminal.ErrNoAccount} {
		if _, err := s.a.Find(meant); !errors.Is(err, want) {
			t.Errorf("%q: %v", meant, err)
		}
	}
}

func TestAFileThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("rights are kept otherwise there")
	}
	s := newScene(t)
	s.paired()
	for _, mode := range []os.FileMode{0o640, 0o604, 0o622} {
		if err := os.Chmod(s.a.File, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := s.a.List(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

func TestAFileThatIsNoneIsNotOverwritten(t *testing.T) {
	s := newScene(t)
	s.issuer.change(func() { s.issuer.decision = "approve" })
	if err := os.MkdirAll(filepath.Dir(s.a.File), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"precious", `{"version":2,"accounts":[]}`} {
		if err := os.WriteFile(s.a.File, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.issuer.change(func() { s.issuer.jkt = "" })
		if _, err := s.pair(); err == nil {
			t.Error("paired")
		}
		if got, err := os.ReadFile(s.a.File); err != nil || string(got) != text {
			t.Errorf("%q %v", got, err)
		}
	}
}
