package ui

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/web"
)

// getRecoveryNew handles GET /recovery/new: a person whose link is gone asks for another, with nothing left of the
// attempt that asked first. The new attempt is a cookie and no more.
func (d *Door) getRecoveryNew(w http.ResponseWriter, r *http.Request) error {
	rp, _, err := d.Signin.App(r.Context(), r.URL.Query().Get("client_id"), "")
	if err != nil {
		return err
	}
	a, cookie, err := d.Signin.Visit(rp.ClientID, string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, attemptURL("/recovery/start/"+a.ID, a))
}

// getRecoveryStart handles GET /recovery/start/{attempt}: "Skapa lösenord" (S5).
func (d *Door) getRecoveryStart(w http.ResponseWriter, r *http.Request) error {
	a, _, r, done, err := d.open(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, r, http.StatusOK, "recovery_start", recoveryStartView(a))
}

func recoveryStartView(a authn.Attempt) RecoveryStart {
	return RecoveryStart{Action: attemptURL("/recovery/start/"+a.ID, a), PlainURL: attemptURL("/recovery/plain/"+a.ID, a),
		ChallengeURL: attemptURL("/recovery/challenge/"+a.ID, a), BackURL: attemptURL("/signin/"+a.ID, a), Address: a.Address}
}

// postRecoveryChallenge handles POST /recovery/challenge/{attempt}: the puzzle, for the page's script.
func (d *Door) postRecoveryChallenge(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("attempt")
	a, err := d.Signin.Open(r.Context(), id, d.Visitor.Attempt(r, id))
	if err != nil {
		return &web.Fault{Status: http.StatusGone, Key: "error.bad_request", Cause: err}
	}
	return answerJSON(w, d.Recovery.Challenge(a))
}

func answerJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	return json.NewEncoder(w).Encode(v)
}

// postRecoveryStart handles POST /recovery/start/{attempt}.
func (d *Door) postRecoveryStart(w http.ResponseWriter, r *http.Request) error {
	return d.ask(w, r, false)
}

// postRecoveryPlain handles POST /recovery/plain/{attempt}: the form of a browser without JavaScript.
func (d *Door) postRecoveryPlain(w http.ResponseWriter, r *http.Request) error {
	return d.ask(w, r, true)
}

// wants are the two buttons of the page.
var wants = map[string]onetime.Purpose{"reset": onetime.Reset, "login": onetime.Signin}

func (d *Door) ask(w http.ResponseWriter, r *http.Request, plain bool) error {
	a, _, r, done, err := d.open(w, r)
	if done {
		return err
	}
	typed := r.PostFormValue("address")
	view := recoveryStartView(a)
	view.Address = typed
	purpose, chosen := wants[r.PostFormValue("want")]
	if !chosen {
		view.Problem = ProblemChoice
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "recovery_start", view)
	}
	request := recovery.Request{Address: typed, Purpose: purpose, Answer: r.PostFormValue("robot"), Plain: plain}
	switch err := d.Recovery.Ask(r.Context(), a, request, d.Visitor.Browser(r)); {
	case errors.Is(err, account.ErrNotAnAddress):
		view.Problem = addressProblem(typed)
	case errors.Is(err, recovery.ErrRobot):
		view.Problem = ProblemRobot
	case errors.Is(err, authn.ErrThrottled):
		return &web.Fault{Status: http.StatusTooManyRequests, Key: "error.too_many", On: &web.Link{URL: view.Action, Key: "recovery.sent.again"}}
	case err != nil:
		return err
	}
	if view.Problem != "" {
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "recovery_start", view)
	}
	asked, cookie, err := d.Signin.Identify(r.Context(), a, typed, a.Remember, d.Visitor.Browser(r))
	if err != nil {
		return tooManyOr(err)
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, attemptURL("/recovery/sent/"+a.ID, asked))
}

// getRecoverySent handles GET /recovery/sent/{attempt}: the neutral answer (S6), the same for every address.
func (d *Door) getRecoverySent(w http.ResponseWriter, r *http.Request) error {
	a, _, r, done, err := d.open(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, r, http.StatusOK, "recovery_sent", RecoverySent{Address: a.Address, SMS: d.Recovery.BySMS(a), Number: a.Identifier.IsNumber(),
		AgainURL: attemptURL("/recovery/start/"+a.ID, a), BackURL: attemptURL("/signin/"+a.ID, a)})
}

// gone answers a link that is unknown, used or expired: one page for all three, which offers a new one. The second of two
// clicks on a sign-in link that has just signed this browser in goes on instead.
func (d *Door) gone(w http.ResponseWriter, r *http.Request, link onetime.Link) error {
	app, start, err := d.start(r.Context(), link.ClientID, "")
	if err != nil {
		return err
	}
	facts, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if r.Method == http.MethodPost && link.Purpose == onetime.Signin && facts.Live && acc.ID == link.Account &&
		d.Visitor.Now().Sub(facts.Session.AuthTime) < onetime.DoubleClick {
		return d.moveOn(w, r, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(start)}, start)
	}
	again := "/recovery/new"
	if link.ClientID != "" {
		again += "?" + url.Values{"client_id": {link.ClientID}}.Encode()
	}
	return d.Kit.Page(w, r, http.StatusGone, "recovery_link_gone", RecoveryLinkGone{AgainURL: again, App: app, URL: start})
}
