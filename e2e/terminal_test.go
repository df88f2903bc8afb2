package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// portvakt builds the program, as it is given to people.
func portvakt(t *testing.T) string {
	t.Helper()
	if chromium == nil {
		t.Skip(why)
	}
	binary := filepath.Join(t.TempDir(), "portvakt")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/portvakt").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// desk is somebody's terminal: the program, and the file in which it keeps her accounts.
type desk struct {
	t            *testing.T
	binary, file string
}

func (w *world) desk(binary string) *desk {
	d := &desk{w.t, binary, filepath.Join(w.t.TempDir(), "authenticator.json")}
	w.t.Cleanup(d.keepTokens)
	return d
}

// keepTokens remembers the tokens in the file: they stand in no log.
func (d *desk) keepTokens() {
	text, err := os.ReadFile(d.file)
	if err != nil {
		return // paired with nothing any more
	}
	for _, m := range regexp.MustCompile(`"(?:refresh_token|access_token|secret)": *"([^"]+)"`).FindAllSubmatch(text, -1) {
		keepSecret("terminal's token", string(m[1]))
	}
}

// running is a command at work.
type running struct {
	d     *desk
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser

	mu   sync.Mutex
	out  bytes.Buffer // both outputs, in the order in which a terminal shows them
	more chan struct{}
}

// Write takes what the command prints.
func (r *running) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.out.Write(text)
	close(r.more)
	r.more = make(chan struct{})
	return len(text), nil
}

func (r *running) text() (string, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String(), r.more
}

// start starts a command of the authenticator.
func (d *desk) start(command string, args ...string) *running {
	d.t.Helper()
	r := &running{d: d, name: command, more: make(chan struct{})}
	r.cmd = exec.Command(d.binary, append([]string{"authenticator", command, "--file", d.file}, args...)...)
	r.cmd.Stdout, r.cmd.Stderr = r, r
	var err error
	if r.stdin, err = r.cmd.StdinPipe(); err == nil {
		err = r.cmd.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() {
		if r.cmd.ProcessState == nil { // the test has failed before its end
			r.cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
			r.cmd.Wait()         //nolint:errcheck // it was killed
		}
	})
	return r
}

// prints waits until the command has printed something, and returns what the groups of the pattern have found in it.
func (r *running) prints(pattern string) []string {
	r.d.t.Helper()
	hang := time.After(time.Minute)
	for {
		text, more := r.text()
		if found := regexp.MustCompile(pattern).FindStringSubmatch(text); found != nil {
			return found[1:]
		}
		select {
		case <-more:
		case <-hang:
			r.d.t.Fatalf("%s has not printed %q, but:\n%s", r.name, pattern, text)
		}
	}
}

// ends waits for the command's end, with the exit status that is expected, and returns what it has printed.
func (r *running) ends(status int) string {
	r.d.t.Helper()
	err := r.cmd.Wait()
	text, _ := r.text()
	if got := r.cmd.ProcessState.ExitCode(); got != status {
		r.d.t.Fatalf("%s: %v, want exit status %d:\n%s", r.name, err, status, text)
	}
	return text
}

// types answers a command that asks.
func (r *running) types(line string) {
	r.d.t.Helper()
	if _, err := io.WriteString(r.stdin, line+"\n"); err != nil {
		r.d.t.Fatal(err)
	}
}

// says runs a command that works, and looks for words in what it prints.
func (d *desk) says(words string, command string, args ...string) string {
	d.t.Helper()
	return d.expect(0, words, command, args...)
}

// refuses runs a command that does not work, and looks for the reason.
func (d *desk) refuses(words string, command string, args ...string) {
	d.t.Helper()
	d.expect(1, words, command, args...)
}

func (d *desk) expect(status int, words, command string, args ...string) string {
	d.t.Helper()
	text := d.start(command, args...).ends(status)
	if !strings.Contains(text, words) {
		d.t.Fatalf("%s does not say %q, but:\n%s", command, words, text)
	}
	return text
}

// code is what the program shows for its only account.
func (d *desk) code() string {
	d.t.Helper()
	found := regexp.MustCompile(`(?m)^(\d{6})$`).FindStringSubmatch(d.says("seconds", "code"))
	if found == nil {
		d.t.Fatal("no code")
	}
	return found[1]
}

// pairDesk goes from the choice of an app to the page after the first ring. what is the link or the key that the page shows.
func (w *world) pairDesk(p *journey.Person, d *desk, what func() []string) {
	w.t.Helper()
	p.Press(p.Next)
	pairing := d.start("pair", what()...)
	there := pairing.prints(`Compare:  (\S+)\n`)[0]
	if here := p.Comparison(); here != there {
		w.t.Fatalf("the terminal shows %s and the page %s", there, here)
	}
	p.Press(p.Approve)
	pairing.prints(`Paired with ` + p.Address)
	pairing.prints(`The test request has come and was answered\.`)
	pairing.ends(0)
	p.Press(p.Skip) // the number of a phone
}

// toHerNumber goes from HRM's start page to the number that the terminal is asked for, with the password that Anna chose.
func toHerNumber(a *journey.Person) string {
	a.OpenHRM()
	a.GiveAddress()
	a.GivePassword(chosen)
	return a.ShownNumber()
}

// TestAnnaFollowsTheWholeGuideWithATerminal is the guide without a smartphone: the authenticator is the program's own, a command at a
// time. Then come the days after: an approval, a denial, nobody who answers, a code without a network, and a lost file.
func TestAnnaFollowsTheWholeGuideWithATerminal(t *testing.T) {
	t.Parallel()
	binary := portvakt(t)
	onPostgreSQL(t, func(t *testing.T, w *world) {
		w.policy(recommended)
		say := saying(t, "sv")
		d := w.desk(binary)
		d.refuses("no account is paired yet", "approve")
		a := w.anna(journey.Options{})
		a.ForgetAtHRM()
		a.AskFor(a.Reset)
		a = a.FollowLink(a.Receive(a.ResetMail), a.ResetButton)
		a.ChoosePassword(chosen)
		a.Press(a.Activate)
		w.pairDesk(a, d, func() []string { return []string{a.PairLink()} })
		a.SeeRole("checkbox", a.Saved)
		recovery := shownRecovery(a)
		a.Tick(a.Saved)
		a.Press(a.Done)
		a.Welcomed()
		a.SignOutOfHRM()
		d.says(anna, "list")

		number := toHerNumber(a)
		d.refuses("say it with --number", "approve")
		d.refuses("nothing was sent", "approve", "--number", "5")
		if said := d.says("approved", "approve", "--number", number); !strings.Contains(said, "Sign in to HRM?  "+anna) {
			t.Errorf("approve says %s", said)
		}
		a.Welcomed()
		a.SignOutOfHRM()
		d.refuses("no request is waiting", "approve", "--number", number)

		toHerNumber(a)
		d.says("denied", "deny")
		a.See(say("signin.problem.push_denied"))
		d.refuses("no request is waiting", "deny")
		a.Press(a.SendAgain)
		number = a.ShownNumber()
		w.clock.move(2*time.Minute - time.Second)
		a.Reload()
		a.See(say("signin.problem.push_expired"))
		d.refuses("no request is waiting", "approve", "--number", number)
		a.Press(a.SendAgain)
		d.says("approved", "approve", "--number", a.ShownNumber())
		a.Welcomed()
		a.SignOutOfHRM()

		toHerNumber(a)
		a.Press(a.AnotherWay)
		a.Press(say("signin.methods.code"))
		a.SeeRole("textbox", a.Code)
		a.Fill(a.Code, d.alone(w).code())
		a.Press(a.LogIn)
		a.Welcomed()
		a.SignOutOfHRM()
		d.refuses("no request is waiting", "approve") // the question has gone with its sign-in

		toHerNumber(a)
		a.Press(a.AnotherWay)
		a.Press(a.Words.RecoveryCode)
		a.Fill(a.Words.RecoveryCode, recovery)
		a.Press(a.LogIn)
		a.Tick(a.Saved)
		a.Press(a.Done)
		a.Press(a.AppGone)
		fresh := w.desk(binary)
		w.pairDesk(a, fresh, func() []string {
			return append(strings.Fields(strings.ToLower(a.PairKey())), "--issuer", w.Portvakt+"/")
		})
		a.Welcomed()
		a.SignOutOfHRM()
		number = toHerNumber(a)
		d.refuses("the account has removed this authenticator", "approve", "--number", number) // found again
		if said := d.says("", "list"); strings.Contains(said, anna) {
			t.Errorf("the lost one still has its keys: %s", said)
		}
		fresh.says("approved", "approve", "--number", number)
		a.Welcomed()
		quiet(t, a.Browser)
	})
}

// alone is the same terminal on a machine that reaches nobody.
func (d *desk) alone(w *world) *desk {
	d.t.Helper()
	text, err := os.ReadFile(d.file)
	if err != nil {
		d.t.Fatal(err)
	}
	other := &desk{d.t, d.binary, filepath.Join(d.t.TempDir(), "copy.json")}
	if err := os.WriteFile(other.file, bytes.ReplaceAll(text, []byte(w.Portvakt), []byte("http://localhost:1")), 0o600); err != nil {
		d.t.Fatal(err)
	}
	other.refuses("refused", "approve")
	return other
}

// TestBoListensInATerminal: one program shows each request as it comes, and asks; it hears that another terminal was quicker, and that the
// account has removed it. A terminal that leaves by itself is told about by mail.
func TestBoListensInATerminal(t *testing.T) {
	t.Parallel()
	binary := portvakt(t)
	onSQLite(t, func(t *testing.T, w *world) {
		say := saying(t, "sv")
		b, d := w.bo(journey.Options{}), w.desk(binary)
		b.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(b.Activate)
		w.pairDesk(b, d, func() []string { return []string{"--name", "Bos terminal", b.PairLink()} })
		b.Tick(b.Saved)
		b.Press(b.Done)
		b.See("Bos terminal")
		if info, err := os.Stat(d.file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file with the keys: %v, %v", info.Mode(), err)
		}

		listening := d.start("listen")
		listening.prints(`Listening for ` + bo)
		b.Open(w.HRM)
		b.SignOutOfHRM()
		right := toNumber(b)
		listening.prints(`Sign in to HRM\?  ` + bo)
		numbers := strings.Fields(listening.prints(`Numbers: ([0-9 ]+)\n`)[0])
		if len(numbers) != 3 || !slices.Contains(numbers, right) {
			t.Fatalf("the terminal offers %q, and the page shows %s", numbers, right)
		}
		listening.types("4")
		listening.prints(`nothing was sent`)
		listening.types(right)
		listening.prints(`approved\n`)
		b.Welcomed()

		thief := w.elsewhere(b, journey.Options{})
		toNumber(thief)
		listening.prints(`(?s)approved\n.*Sign in to HRM\?`)
		listening.types("d")
		listening.prints(`denied\n`)
		thief.See(say("signin.problem.push_denied"))
		d.says("reported", "not-me", "--end-sessions")
		b.Receive("Någon försökte logga in med ditt lösenord")
		b.Await(b.LogIn) // HRM hears it by the back channel

		toNumber(b) // from a browser that knows him
		listening.prints(`(?s)denied\n.*Sign in to HRM\?`)
		b.Press(b.AnotherWay)
		b.Press(say("signin.methods.code"))
		b.Fill(b.Code, d.code())
		b.Press(b.LogIn)
		b.Welcomed()
		listening.prints(`The request of HRM does not wait any more: cancelled\.`)
		b.Open(w.Portvakt + "/account")
		b.Press(say("myaccount.mfa.remove") + " Bos terminal")
		b.Press(say("myaccount.mfa.remove"))
		b.See(say("myaccount.notice.app_removed"))
		listening.prints(`has removed this authenticator; its keys are deleted here`)
		listening.ends(0)
		d.refuses("no account is paired yet", "approve")

		b.Press(b.Activate)
		w.pairDesk(b, d, func() []string { return []string{b.PairLink(), "--issuer", w.Portvakt} })
		b.Tick(b.Saved)
		b.Press(b.Done)
		var listed []struct{ Address, Employer, Issuer string }
		if err := json.Unmarshal([]byte(d.says("[", "list", "--json")), &listed); err != nil || len(listed) != 1 ||
			fmt.Sprint(listed[0]) != fmt.Sprintf("{%s Företaget AB %s}", bo, w.Portvakt) {
			t.Errorf("list: %v %v", listed, err)
		}
		d.says("the keys are deleted", "remove", "1")
		b.Receive(say("mail.mfa_off.subject_off"))
		b.Reload()
		b.See(say("myaccount.mfa.state_off"))
		quiet(t, b.Browser)
		quiet(t, thief.Browser)
	})
}

// TestATerminalIsToldWhyItIsNotPaired: a refusal in the browser, a key that does not exist, a link of somebody else's.
func TestATerminalIsToldWhyItIsNotPaired(t *testing.T) {
	t.Parallel()
	binary := portvakt(t)
	w := begin(t)
	say := saying(t, "sv")
	b, d, other := w.bo(journey.Options{}), w.desk(binary), w.desk(binary)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/account")
	b.Press(b.Activate)
	b.Press(b.Next)
	link, key := b.PairLink(), b.PairKey()
	d.refuses("another installation", "pair", link, "--issuer", "https://login.example.com")
	d.refuses("say --issuer", "pair", key)
	d.refuses("unknown, or its ten minutes are over", "pair", strings.Repeat("0", 26), "--issuer", w.Portvakt)
	pairing := d.start("pair", link)
	pairing.prints(`Compare:`)
	b.Comparison()
	b.Press(b.Deny)
	pairing.prints(`refused on the sign-in page`)
	pairing.ends(1)
	b.See(say("enrolment.problem.pair_refused"))
	other.refuses("unknown, or its ten minutes are over", "pair", key, "--issuer", w.Portvakt)
	d.says("ADDRESS", "list")
	quiet(t, b.Browser)
}
