package ui

import (
	"errors"
	"net/http"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/web"
)

// visit is one request to the page of a mailed link.
type visit struct {
	token  secret.Token
	opened recovery.Opened
	app    string
	other  string // address that is signed in here, if it is another one
}

// look reads the link that the URL names. Where it is gone, it answers with that page and returns done.
func (d *Door) look(w http.ResponseWriter, r *http.Request) (v visit, dressed *http.Request, done bool, err error) {
	v.token = secret.Token(r.PathValue("token"))
	v.opened, err = d.Recovery.Look(r.Context(), v.token, d.Visitor.Attempts(r))
	rp, _, errApp := d.Signin.App(r.Context(), v.opened.Link.ClientID, "")
	if errApp != nil {
		return v, r, true, errApp
	}
	if v.opened.Account.ID != "" {
		web.About(r, string(v.opened.Account.Identifier), v.opened.Link.ClientID)
	}
	r = web.WithUILocales(r, v.opened.Link.Language)
	r, errBrand := d.branded(r, rp)
	switch {
	case errBrand != nil:
		return v, r, true, errBrand
	case errors.Is(err, authn.ErrNoLink) && !(r.Method == http.MethodPost && v.opened.JustUsed):
		return v, r, true, d.gone(w, r, v.opened.Link)
	case err != nil && !errors.Is(err, authn.ErrNoLink):
		return v, r, true, err
	}
	v.app = rp.Name
	facts, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if facts.Live && acc.ID != v.opened.Account.ID {
		v.other = acc.Login()
	}
	if facts.Live && facts.Session.Attempt != "" && facts.Session.Attempt == v.opened.Link.Attempt {
		v.opened.Here = true // the attempt that asked has made this browser's session, and its cookie has gone
	}
	return v, r, err != nil, err
}

// getRecoveryLink handles GET /recovery/link/{token}, to which a mailed link leads. It only looks: mail
// scanners open links too.
func (d *Door) getRecoveryLink(w http.ResponseWriter, r *http.Request) error {
	v, r, done, err := d.look(w, r)
	if done {
		return err
	}
	return d.linkPage(w, r, http.StatusOK, v, "")
}

func (d *Door) linkPage(w http.ResponseWriter, r *http.Request, status int, v visit, problem string) error {
	action := "/recovery/link/" + v.token.Reveal()
	acc := v.opened.Account
	if v.opened.Link.Purpose == onetime.Signin {
		return d.Kit.Page(w, r, status, "recovery_link_signin", RecoveryLinkSignIn{Action: action, PlainURL: action + "/plain",
			ChallengeURL: action + "/challenge", Address: acc.Login(), FirstName: acc.GivenName, App: v.app, Problem: problem,
			Elsewhere: !v.opened.Here, OtherAccount: v.other})
	}
	login, words := acc.Login(), v.opened.Rules.Words
	if acc.Identifier.IsNumber() && !d.Visitor.Browser(r).Memory.Knows(d.Visitor.Keys, acc.Identifier) {
		login, words = "", []string{acc.GivenName} // the link came on a sheet of paper: whoever has found it learns no number (RULES §7)
	}
	return d.Kit.Page(w, r, status, "recovery_link_password", RecoveryLinkPassword{Action: action, PlainURL: action + "/plain",
		ChallengeURL: action + "/challenge", Address: login, FirstName: acc.GivenName, MinLength: v.opened.Rules.Min,
		MaxLength: recovery.MaxLength, Words: shownWords(words), Problem: problem,
		KeepOthers: problem != "" && r.PostFormValue("end_others") != "on", Elsewhere: !v.opened.Here, OtherAccount: v.other})
}

// shownWords are the words that the page's script can warn of while typing.
func shownWords(words []string) []string {
	var shown []string
	for _, w := range words {
		if len([]rune(w)) >= 3 {
			shown = append(shown, strings.ToLower(w))
		}
	}
	return shown
}

// postRecoveryLinkChallenge handles POST /recovery/link/{token}/challenge: the silent puzzle of a link that was
// opened elsewhere. It is made for any token; that tells nothing and costs no read.
func (d *Door) postRecoveryLinkChallenge(w http.ResponseWriter, r *http.Request) error {
	return answerJSON(w, d.Recovery.LinkChallenge(secret.Token(r.PathValue("token"))))
}

// postRecoveryLink handles POST /recovery/link/{token}: the press that consumes the link.
func (d *Door) postRecoveryLink(w http.ResponseWriter, r *http.Request) error {
	return d.useLink(w, r, false)
}

// postRecoveryLinkPlain handles POST /recovery/link/{token}/plain: the press without JavaScript, elsewhere.
func (d *Door) postRecoveryLinkPlain(w http.ResponseWriter, r *http.Request) error {
	return d.useLink(w, r, true)
}

func (d *Door) useLink(w http.ResponseWriter, r *http.Request, plain bool) error {
	v, r, done, err := d.look(w, r)
	if done {
		return err
	}
	reset := v.opened.Link.Purpose == onetime.Reset
	if problem := repetitionProblem(r); reset && problem != "" {
		return d.linkPage(w, r, http.StatusUnprocessableEntity, v, problem)
	}
	use := recovery.Use{Token: v.token, NewPassword: r.PostFormValue("new_password"), EndOthers: r.PostFormValue("end_others") == "on",
		Answer: r.PostFormValue("robot"), Plain: plain, Current: d.Visitor.Session(r)}
	act := d.Recovery.SignIn
	if reset {
		act = d.Recovery.ResetPassword
	}
	a, cookie, err := d.linkAttempt(r, v)
	if err != nil {
		return err
	}
	use.Attempt = a
	browser := d.Visitor.Browser(r)
	fresh, acc, err := act(r.Context(), use, v.opened, browser)
	if errors.Is(err, authn.ErrAttemptUsed) {
		// She has signed in by password meanwhile, in another tab: the link works all the same, on its own.
		if a, cookie, err = d.freshAttempt(r, v); err != nil {
			return err
		}
		use.Attempt = a
		fresh, acc, err = act(r.Context(), use, v.opened, browser)
	}
	if err != nil {
		return d.linkProblem(w, r, v, err)
	}
	if cookie != "" {
		d.Visitor.KeepAttempt(w, r, a.ID, cookie) // only now: a press that fails must not push out another tab's attempt
	}
	if memory := d.known(a, acc, browser.Memory); fresh.Made {
		d.Visitor.SignedIn(w, r, fresh, memory)
	} else {
		d.Visitor.Remember(w, memory) // a used link makes the browser known, also before the second proof (RULES §2)
		d.ring(r, a, v.app)
	}
	return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
}

// known is the browser's memory after a mailed link was used in it: the account is known here from now on.
func (d *Door) known(a authn.Attempt, acc account.Account, m authn.Memory) authn.Memory {
	if a.Identifier == acc.Identifier {
		return d.Signin.Remember(a, acc.Identifier, m)
	}
	return m.Learn(d.Visitor.Keys, acc.Identifier)
}

func repetitionProblem(r *http.Request) string {
	switch fresh := r.PostFormValue("new_password"); {
	case fresh == "":
		return ProblemNewPasswordMissing
	case fresh != r.PostFormValue("repeat_password"):
		return ProblemNewPasswordRepeat
	}
	return ""
}

// linkAttempt is the attempt that goes on after the link: the one that asked, in the same browser, which has its cookie;
// else a fresh one.
func (d *Door) linkAttempt(r *http.Request, v visit) (a authn.Attempt, cookie string, err error) {
	if v.opened.Here {
		id := v.opened.Link.Attempt
		a, err := d.Signin.Open(r.Context(), id, d.Visitor.Attempt(r, id))
		if err == nil || !errors.Is(err, authn.ErrAttempt) {
			return a, "", err
		}
	}
	return d.freshAttempt(r, v)
}

// freshAttempt is one that leads to the link's app, which then asks anew (RULES §1).
func (d *Door) freshAttempt(r *http.Request, v visit) (a authn.Attempt, cookie string, err error) {
	request := authn.Request{ClientID: v.opened.Link.ClientID, LoginHint: v.opened.Account.Login(), Received: d.Visitor.Now()}
	return d.Signin.Begin(r.Context(), request, string(web.Language(r.Context())), d.Visitor.Browser(r))
}

// problem is an error and its text.
type problem struct {
	err error
	key string
}

// problems are the texts for why a new password, or a press, was refused.
var problems = []problem{
	{recovery.ErrTooShort, ProblemNewPasswordShort},
	{recovery.ErrTooLong, ProblemNewPasswordLong},
	{recovery.ErrCommon, ProblemNewPasswordCommon},
	{recovery.ErrRepeating, ProblemNewPasswordCommon},
	{recovery.ErrPersonal, ProblemNewPasswordWords},
	{recovery.ErrUnusable, ProblemNewPasswordCharacters},
	{recovery.ErrRobot, ProblemRobot},
	{authn.ErrBusy, ProblemBusy},
}

func (d *Door) linkProblem(w http.ResponseWriter, r *http.Request, v visit, err error) error {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return d.linkPage(w, r, http.StatusUnprocessableEntity, v, p.key)
		}
	}
	switch {
	case errors.Is(err, authn.ErrNoLink):
		return d.gone(w, r, v.opened.Link)
	case errors.Is(err, authn.ErrThrottled):
		return &web.Fault{Status: http.StatusTooManyRequests, Key: "error.too_many"}
	}
	return err
}
