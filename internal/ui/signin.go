package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

func isExpired(err error) bool {
	return errors.Is(err, authn.ErrAttempt) || errors.Is(err, authn.ErrAttemptUsed)
}

// getIdentifier handles GET /signin/{attempt}: the first page, which asks for the address.
func (d *Door) getIdentifier(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	p, err := d.Signin.Locate(r.Context(), a, d.Visitor.Session(r))
	if err != nil {
		return err
	}
	stepUp := p.Facts.Progress.Account != "" && p.Facts.Progress.Attempt == ""
	if p.Step == authn.GoOn || p.Step == authn.RestartAtApp || stepUp {
		return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
	}
	view, err := d.identifierView(r, a, rp)
	if err != nil {
		return err
	}
	if remembered := d.Visitor.Browser(r).Memory.Address; view.Address == "" && remembered != "" {
		view.Address, view.Remember = remembered, true
	}
	return d.Kit.Page(w, r, http.StatusOK, "signin_identifier", view)
}

// identifierView says how a number is typed where people of the app's one organisation log in by one. That is the organisation's and the
// app's, and nobody's account (RULES §2).
func (d *Door) identifierView(r *http.Request, a authn.Attempt, rp relyingparty.RP) (SignInIdentifier, error) {
	view := SignInIdentifier{Action: attemptURL("/signin/"+a.ID, a), Address: a.Address, Remember: a.Remember, App: rp.Name, BackURL: rp.ClientURI,
		PolicyURL: rp.Options.PolicyURI, TermsURL: rp.Options.TermsURI}
	if view.BackURL == "" && rp.ClientID != "" {
		view.BackURL = attemptURL("/signin/"+a.ID+"/cancel", a)
	}
	o, ok, err := d.Signin.Look(r.Context(), rp)
	if ok && o.WithoutAddress {
		view.Number = numberExample + string(o.ID)
	}
	return view, err
}

// getCancel handles GET /signin/{attempt}/cancel: back to an app that has named no page of its own to go back to. It hears that its
// request was turned down. Nothing is written, and no proof that was given is lost: the request can be made again.
func (d *Door) getCancel(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	to, err := d.Grant.Deny(r.Context(), rp, a.Request)
	if err == nil {
		to, err = to.Numbered(d.Kit.RefusedAnswer(r, to.Problem()))
	}
	switch {
	case errors.Is(err, grant.ErrChanged):
		return d.restart(w, r, a, authn.ErrAttempt) // none of an app's requests, or not any more
	case err != nil:
		return err
	}
	d.Visitor.DropAttempt(w, a.ID)
	if to.Post {
		return d.respond(w, r, rp.Name, to)
	}
	return see(w, r, to.Location())
}

// numberExample is the beginning of a number as the first page shows it.
const numberExample = "1007@"

// postIdentifier handles POST /signin/{attempt}. It asks the database nothing about the address: the next
// page is the same for everybody.
func (d *Door) postIdentifier(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	typed := r.PostFormValue("address")
	identified, cookie, err := d.Signin.Identify(r.Context(), a, typed, r.PostFormValue("remember") == "on", d.Visitor.Browser(r))
	if errors.Is(err, account.ErrNotAnAddress) {
		view, err := d.identifierView(r, a, rp)
		if err != nil {
			return err
		}
		view.Address, view.Remember, view.Problem = typed, r.PostFormValue("remember") == "on", addressProblem(typed)
		if view.Number != "" && view.Problem == ProblemAddressInvalid {
			view.Problem = ProblemNumberless
		}
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "signin_identifier", view)
	}
	if err != nil {
		return tooManyOr(err)
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, attemptURL("/signin/"+identified.ID+"/password", identified))
}

func addressProblem(typed string) string {
	if typed == "" {
		return ProblemAddressMissing
	}
	return ProblemAddressInvalid
}

// getPassword handles GET /signin/{attempt}/password.
func (d *Door) getPassword(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	if a.Identifier == "" {
		return see(w, r, attemptURL("/signin/"+a.ID, a))
	}
	return d.Kit.Page(w, r, http.StatusOK, "signin_password", passwordView(a, rp))
}

func passwordView(a authn.Attempt, rp relyingparty.RP) SignInPassword {
	return SignInPassword{Action: attemptURL("/signin/"+a.ID+"/password", a), Address: a.Address, App: rp.Name,
		ChangeURL: attemptURL("/signin/"+a.ID, a), ForgotURL: attemptURL("/recovery/start/"+a.ID, a)}
}

// postPassword handles POST /signin/{attempt}/password: the proof. A wrong password, an unknown address and a
// spent budget show the same page; the last has one sentence more.
func (d *Door) postPassword(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	view := passwordView(a, rp)
	typed := r.PostFormValue("password")
	if typed == "" {
		view.Problem = ProblemPasswordMissing
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "signin_password", view)
	}
	fresh, memory, err := d.Signin.Password(r.Context(), a, typed, d.Visitor.Browser(r), d.Visitor.Session(r))
	switch {
	case err == nil:
		if fresh.Made {
			d.Visitor.SignedIn(w, r, fresh, memory)
		} else {
			d.ring(r, a, rp.Name)
		}
		return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
	case errors.Is(err, authn.ErrWrong), errors.Is(err, authn.ErrThrottled):
		view.Problem, view.Throttled = ProblemPasswordWrong, errors.Is(err, authn.ErrThrottled)
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "signin_password", view)
	case errors.Is(err, authn.ErrBusy):
		w.Header().Set("Retry-After", "5")
		view.Problem = ProblemBusy
		return d.Kit.Page(w, r, http.StatusServiceUnavailable, "signin_password", view)
	case isExpired(err):
		return d.restart(w, r, a, err)
	}
	return err
}

// getContinue handles GET /signin/{attempt}/continue: signed in, and on to the app. It goes on by a Refresh
// header, because form-action 'self' also stops a form POST that ends in a redirect to the app (RULES §11).
func (d *Door) getContinue(w http.ResponseWriter, r *http.Request) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	p, err := d.Signin.Locate(r.Context(), a, d.Visitor.Session(r))
	if err != nil {
		return err
	}
	var app string
	var to grant.Answer
	if p.Step == authn.Complete && p.Facts.Progress.Attempt == "" {
		p.Step = authn.GoOn // a step-up to which this account can add nothing: the app is told so
	}
	switch p.Step {
	case authn.GoOn:
		app, to, err = d.goOn(r, a, p)
		switch {
		case errors.Is(err, grant.ErrCompany):
			return see(w, r, attemptURL("/signin/"+a.ID+"/company", a))
		case errors.Is(err, grant.ErrChanged):
			return d.askAnew(w, r, a, rp)
		}
	case authn.RestartAtApp:
		app, to.RedirectURI, err = d.start(r.Context(), rp.ClientID, a.Address)
	case authn.StartAgain:
		return d.restart(w, r, a, authn.ErrAttempt)
	case authn.Complete:
		return d.Kit.Page(w, r, http.StatusOK, "signin_ready", SignInReady{Action: attemptURL("/signin/"+a.ID+"/continue", a), App: rp.Name})
	default:
		return see(w, r, d.stepURL(a, p))
	}
	if err != nil {
		return tooManyOr(err)
	}
	d.Visitor.DropAttempt(w, a.ID)
	return d.respond(w, r, app, to)
}

// respond goes on to the app with what it gets, or to a page of our own.
func (d *Door) respond(w http.ResponseWriter, r *http.Request, app string, to grant.Answer) error {
	d.Visitor.Watch(w, to.Watched.Value, to.Watched.Expires)
	to, err := to.Numbered(d.Kit.RefusedAnswer(r, to.Problem()))
	if err != nil {
		return err
	}
	if to.Post {
		return d.Kit.PostPage(w, r, web.FormPost{App: app, Action: web.RegisteredURL(to.RedirectURI), Fields: to.Params, Failed: to.Failed})
	}
	return d.moveOn(w, r, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(to.Location())}, to.Location())
}

// postContinue handles POST /signin/{attempt}/continue: what stood in the way has gone meanwhile, and one press goes on.
func (d *Door) postContinue(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Complete)
	if done {
		return err
	}
	fresh, err := d.Signin.Finish(r.Context(), v.attempt, d.Visitor.Browser(r), d.Visitor.Session(r))
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// goOn is where a satisfied request goes: to the RP with a code, or to the account.
func (d *Door) goOn(r *http.Request, a authn.Attempt, p signin.Position) (app string, to grant.Answer, err error) {
	switch {
	case a.Goal == authn.Administer, a.Goal == authn.Confirm && a.Back != "":
		return "", page(a.Back), nil
	case ownPages[a.Goal] != "":
		return "", page(ownPages[a.Goal]), nil
	case a.Goal != "":
		return "", page("/account?notice=" + goals[a.Goal]), nil
	case a.Request.ClientID == "" && a.Back != "":
		return "", page(a.Back), nil
	case a.Request.ClientID == "":
		return "", page("/account"), nil
	}
	to, err = d.Grant.Complete(r.Context(), p.RP, a.Request, p.Facts, p.Account.Epoch, "")
	return p.RP.Name, to, err
}

// page is a page of our own, to which nothing is brought.
func page(path string) grant.Answer { return grant.Answer{RedirectURI: path} }

// goals are what the account's page says after an attempt that began there.
var goals = map[authn.Goal]string{authn.Confirm: "confirmed", authn.AddApp: "app-added", authn.AddPhone: "phone-added", authn.RenewCode: "recovery-renewed"}

// ownPages are the pages to which a fresh proof leads.
var ownPages = map[authn.Goal]string{authn.NewPassword: "/account/password", authn.NewAddress: "/account/address"}

// moveOn shows a page that leaves by itself, with a link for whoever it does not move.
func (d *Door) moveOn(w http.ResponseWriter, r *http.Request, page string, view any, location string) error {
	w.Header().Set("Refresh", "0; url="+location)
	return d.Kit.Page(w, r, http.StatusOK, page, view)
}
