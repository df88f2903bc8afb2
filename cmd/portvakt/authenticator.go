package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/portvakt/portvakt/internal/terminal"
)

type authenticatorCommand struct {
	Pair    authPair    `cmd:"" help:"Pair with an account, by what its pairing page shows."`
	List    authList    `cmd:"" help:"List the accounts."`
	Code    authCode    `cmd:"" help:"Print an account's 6-digit code; needs no network."`
	Listen  authListen  `cmd:"" help:"Show each request as it comes, and ask."`
	Approve authApprove `cmd:"" help:"Approve the newest request that waits."`
	Deny    authDeny    `cmd:"" help:"Deny the newest request that waits."`
	NotMe   authNotMe   `cmd:"" help:"Say that a request, waiting or denied within ten minutes, was not yours: somebody knows the password."`
	Remove  authRemove  `cmd:"" help:"Take this authenticator away from an account."`
}

// authFile is where the accounts are kept.
type authFile struct {
	File string `help:"File with the accounts and their keys. The default is portvakt/authenticator.json in the folder of your settings." type:"path" placeholder:"FILE"`
}

func (f authFile) open() (*terminal.Authenticator, error) {
	if f.File == "" {
		var err error
		if f.File, err = terminal.DefaultFile(); err != nil {
			return nil, err
		}
	}
	return terminal.New(f.File), nil
}

// chosen are the accounts that a command is about: the one that was named, or all.
func chosen(a *terminal.Authenticator, named string) ([]terminal.Account, error) {
	if named != "" {
		one, err := a.Find(named)
		return []terminal.Account{one}, err
	}
	all, err := a.List()
	if err == nil && len(all) == 0 {
		err = errors.New("no account is paired yet: portvakt authenticator pair does it")
	}
	return all, err
}

type authPair struct {
	authFile  `embed:""`
	LinkOrKey []string `arg:"" name:"link-or-key" help:"The link behind the QR code, in quotes; or the key beside it, with spaces or without."`
	Issuer    string   `help:"Address that stands beside the key. Needed with a key, where the accounts here do not tell it." placeholder:"URL"`
	Name      string   `help:"What the account will call this authenticator. The default is this machine's name."`
}

// testPatience is how long pair waits for the test that comes right after it.
const testPatience = time.Minute

// Run pairs.
func (c *authPair) Run(ctx context.Context, s streams) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	invitation, err := terminal.Read(strings.Join(c.LinkOrKey, " "), c.Issuer)
	if errors.Is(err, terminal.ErrNoIssuer) {
		known, failed := a.KnownIssuer()
		if failed != nil {
			return failed
		}
		invitation, err = terminal.Read(strings.Join(c.LinkOrKey, " "), known)
	}
	if err != nil {
		return err
	}
	p, err := a.Begin(ctx, invitation, cmp.Or(c.Name, thisMachine()))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Compare:  %s\n\nYour browser shows four characters. If they are the same, approve there; if not, refuse.\n", p.Comparison)
	account, err := a.Await(ctx, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Paired with %s.\n", described(account))
	tested, err := a.AnswerTest(ctx, account, testPatience)
	switch {
	case tested:
		fmt.Fprintln(s.out, "The test request has come and was answered.")
	case errors.Is(err, terminal.ErrRemoved):
		return err
	default: // the pairing stands all the same
		fmt.Fprintln(s.out, "No test request has come. That does no harm: portvakt authenticator listen shows what comes.")
	}
	return nil
}

func thisMachine() string {
	name, err := os.Hostname()
	if err != nil {
		return "Terminal"
	}
	return "Terminal, " + name
}

// described is an account in a sentence.
func described(a terminal.Account) string {
	text := a.Address
	if a.Employer != "" {
		text += " at " + a.Employer
	}
	return text + " (" + a.Issuer + ")"
}

type authList struct {
	authFile `embed:""`
	JSON     bool `help:"Print JSON."`
}

// shownAccount is what of an account is no secret.
type shownAccount struct {
	Number   int    `json:"number"`
	Address  string `json:"address"`
	Name     string `json:"name"`
	Employer string `json:"employer,omitempty"`
	Issuer   string `json:"issuer"`
	KeyID    string `json:"key_id"`
}

// Run lists.
func (c *authList) Run(s streams) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	all, err := a.List()
	if err != nil {
		return err
	}
	out := make([]shownAccount, 0, len(all))
	for i, one := range all {
		out = append(out, shownAccount{i + 1, one.Address, one.Name, one.Employer, one.Issuer, one.KeyID})
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\tADDRESS\tNAME\tEMPLOYER\tISSUER\tKEY")
	for _, one := range out {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\n", one.Number, one.Address, one.Name, cmp.Or(one.Employer, "-"), one.Issuer, one.KeyID)
	}
	return t.Flush()
}

type authCode struct {
	authFile `embed:""`
	Account  string `arg:"" optional:"" help:"Number in the list, address or key, or how one of these begins; not needed with a single account."`
}

// Run prints the code alone on its line, for scripts, and how long it holds beside it.
func (c *authCode) Run(s streams) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	account, err := a.Find(c.Account)
	if err != nil {
		return err
	}
	code, left, err := a.Code(account)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, code)
	fmt.Fprintf(s.err, "for %s, %d seconds\n", account.Address, int(left.Seconds()))
	return nil
}

// authAbout is whose request a command answers.
type authAbout struct {
	authFile `embed:""`
	Account  string `help:"Whose request; the default is the newest of all. Number in the list, address or key." placeholder:"ACCOUNT"`
}

// newest finds the request, and says what it is about.
func (c authAbout) newest(ctx context.Context, s streams,
	find func(*terminal.Authenticator, context.Context, []terminal.Account) (terminal.Account, terminal.Request, error)) (*terminal.Authenticator, terminal.Account, terminal.Request, error) {
	a, err := c.open()
	if err != nil {
		return nil, terminal.Account{}, terminal.Request{}, err
	}
	accounts, err := chosen(a, c.Account)
	if err != nil {
		return a, terminal.Account{}, terminal.Request{}, err
	}
	account, r, err := find(a, ctx, accounts)
	if err == nil {
		show(s.err, account, r)
	}
	return a, account, r, err
}

type authApprove struct {
	authAbout `embed:""`
	Number    string `help:"Number that the sign-in page shows." placeholder:"NN" xor:"shown"`
	Message   string `help:"Message that you see where you began, letter for letter; for an app that asks without a sign-in page." placeholder:"TEXT" xor:"shown"`
}

// Run approves.
func (c *authApprove) Run(ctx context.Context, s streams) error {
	a, account, r, err := c.newest(ctx, s, (*terminal.Authenticator).Newest)
	if err != nil {
		return err
	}
	said, flag := c.Number, "--number"
	if r.Mode == terminal.Message {
		said, flag = c.Message, "--message"
	}
	result, err := a.Answer(ctx, account, r, terminal.Approve, said, false)
	if errors.Is(err, terminal.ErrChoose) {
		err = fmt.Errorf("%w; say it with %s", err, flag)
	}
	return answered(s.out, result, err)
}

func answered(out io.Writer, result string, err error) error {
	if err == nil {
		fmt.Fprintln(out, result)
	}
	return err
}

type authDeny struct {
	authAbout `embed:""`
}

// Run denies.
func (c *authDeny) Run(ctx context.Context, s streams) error {
	a, account, r, err := c.newest(ctx, s, (*terminal.Authenticator).Newest)
	if err != nil {
		return err
	}
	result, err := a.Answer(ctx, account, r, terminal.Deny, "", false)
	return answered(s.out, result, err)
}

type authNotMe struct {
	authAbout   `embed:""`
	EndSessions bool `help:"Sign the account out everywhere."`
}

// Run reports.
func (c *authNotMe) Run(ctx context.Context, s streams) error {
	a, account, r, err := c.newest(ctx, s, (*terminal.Authenticator).Reportable)
	if err != nil {
		return err
	}
	result, err := a.Answer(ctx, account, r, terminal.NotMe, "", c.EndSessions)
	return answered(s.out, result, err)
}

type authRemove struct {
	authFile `embed:""`
	Account  string `arg:"" help:"Number in the list, address or key, or how one of these begins."`
}

// Run unpairs.
func (c *authRemove) Run(ctx context.Context, s streams) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	account, err := a.Find(c.Account)
	if err != nil {
		return err
	}
	if err := a.Remove(ctx, account); err != nil && !errors.Is(err, terminal.ErrRemoved) { // the outcome is the same
		return err
	}
	fmt.Fprintf(s.out, "Removed from %s; the keys are deleted.\n", described(account))
	return nil
}

type authListen struct {
	authAbout `embed:""`
}

// Run listens until the context ends or no account is left.
func (c *authListen) Run(ctx context.Context, s streams) error {
	a, err := c.open()
	if err != nil {
		return err
	}
	accounts, err := chosen(a, c.Account)
	if err != nil {
		return err
	}
	for _, one := range accounts {
		fmt.Fprintf(s.out, "Listening for %s.\n", described(one))
	}
	(&conversation{a: a, s: s}).run(ctx, a.Listen(ctx, accounts...))
	return nil
}

// conversation asks a person about one request after the other.
type conversation struct {
	a       *terminal.Authenticator
	s       streams
	waiting []terminal.Event // the first of them is being asked about
}

func (c *conversation) run(ctx context.Context, events <-chan terminal.Event) {
	typed := lines(ctx, c.s.in)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			c.hear(e)
		case line, ok := <-typed:
			if !ok {
				typed = nil // nobody types any more; requests are still shown
				continue
			}
			c.answer(ctx, strings.TrimSpace(line))
		}
	}
}

// lines reads what is typed.
func lines(ctx context.Context, from io.Reader) <-chan string {
	to := make(chan string)
	go func() {
		defer close(to)
		for scan := bufio.NewScanner(from); scan.Scan(); {
			select {
			case to <- scan.Text():
			case <-ctx.Done():
				return
			}
		}
	}()
	return to
}

func (c *conversation) hear(e terminal.Event) {
	switch e.Kind {
	case terminal.Challenge:
		if c.waiting = append(c.waiting, e); len(c.waiting) == 1 {
			c.ask()
		}
	case terminal.Gone:
		for i, w := range c.waiting {
			if w.Request.ID == e.ID {
				fmt.Fprintf(c.s.out, "\nThe request of %s does not wait any more: %s.\n", w.Request.About().App, cmp.Or(e.How, "answered elsewhere, or over"))
				c.drop(i)
				return
			}
		}
	case terminal.Removed:
		fmt.Fprintf(c.s.out, "\n%s has removed this authenticator; its keys are deleted here.\n", described(e.Account))
	case terminal.Trouble:
		fmt.Fprintf(c.s.out, "\n%s cannot be reached, and is tried again: %v\n", e.Account.Issuer, e.Err)
	}
}

// drop takes a request off the list, and asks about the next one where it was the first.
func (c *conversation) drop(i int) {
	c.waiting = append(c.waiting[:i:i], c.waiting[i+1:]...)
	if i == 0 && len(c.waiting) > 0 {
		c.ask()
	}
}

func (c *conversation) ask() {
	e := c.waiting[0]
	fmt.Fprintln(c.s.out)
	show(c.s.out, e.Account, e.Request)
	way := "nothing to approve it, because this program does not know how"
	switch e.Request.Mode {
	case terminal.Type:
		way = "the 6 digits that it shows"
	case terminal.Tap:
		way = "the number that it shows (" + strings.Join(e.Request.Numbers, ", ") + ")"
	case terminal.None:
		way = "y to approve"
	case terminal.Message:
		way = "y if you see the same message where you began"
	}
	fmt.Fprintf(c.s.out, "Type %s; d to deny, n if it is not you, e for the same and to sign out everywhere: ", way)
}

// answer does what a line says about the first request. A line that says nothing is asked for anew: a number that cannot be right
// is a slip, and not a denial.
func (c *conversation) answer(ctx context.Context, line string) {
	if len(c.waiting) == 0 || line == "" {
		return
	}
	e, decision, everywhere := c.waiting[0], terminal.Approve, false
	switch strings.ToLower(line) {
	case "d":
		decision = terminal.Deny
	case "n":
		decision = terminal.NotMe
	case "e":
		decision, everywhere = terminal.NotMe, true
	case "y":
		line = ""
		if e.Request.Mode == terminal.Message {
			line = e.Request.About().Message // she was asked whether she sees it
		}
	default:
		if e.Request.Mode == terminal.None || e.Request.Mode == terminal.Message {
			c.ask()
			return
		}
	}
	result, err := c.a.Answer(ctx, e.Account, e.Request, decision, line, everywhere)
	if errors.Is(err, terminal.ErrChoose) || errors.Is(err, terminal.ErrNotAChoice) || errors.Is(err, terminal.ErrMode) {
		fmt.Fprintf(c.s.out, "%v: ", err)
		return
	}
	if err != nil {
		fmt.Fprintln(c.s.out, err)
	} else {
		fmt.Fprintln(c.s.out, result)
	}
	c.drop(0)
}

// show prints what a request is about.
func show(w io.Writer, account terminal.Account, r terminal.Request) {
	about := r.About()
	what := "Sign in to " + cmp.Or(about.App, r.ClientID, "the account page") + "?"
	switch r.Purpose {
	case terminal.Test:
		what = "This is a test."
	case "step_up":
		what = "Confirm in " + cmp.Or(about.App, r.ClientID, "the account page") + "?"
	case terminal.Ask:
		what = "Answer " + cmp.Or(about.App, r.ClientID) + "?"
	}
	fmt.Fprintf(w, "%s  %s\n", what, account.Address)
	where := strings.Join(strings.Fields(strings.Join([]string{about.Browser, about.Device, about.Place, about.Address}, " ")), " ")
	if about.Time > 0 {
		where += ", " + time.UnixMilli(about.Time).Local().Format("15:04:05")
	}
	if where != "" {
		fmt.Fprintf(w, "From: %s\n", strings.TrimPrefix(where, ", "))
	}
	if r.Mode == terminal.Message {
		fmt.Fprintf(w, "Message: %s\n", about.Message)
	}
	if r.Mode == terminal.Tap {
		fmt.Fprintf(w, "Numbers: %s\n", strings.Join(r.Numbers, " "))
	}
}
