package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// getCompany handles GET /signin/{attempt}/company: an app asks for which company a person comes who works for several. It only looks.
func (d *Door) getCompany(w http.ResponseWriter, r *http.Request) error {
	a, rp, p, r, done, err := d.answered(w, r)
	if done {
		return err
	}
	all, err := d.Grant.Companies(r.Context(), a.Request, p.Facts)
	switch {
	case err != nil:
		return err
	case len(all) > 1 || len(all) == 1 && p.Step != authn.GoOn:
		return d.companyPage(w, r, http.StatusOK, a, rp, all)
	case p.Step == authn.GoOn:
		return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a)) // there is nothing to choose, or not any more
	}
	return d.backToApp(w, r, a)
}

// postCompany handles POST /signin/{attempt}/company: the choice. It goes into the code, and is kept when that is redeemed.
func (d *Door) postCompany(w http.ResponseWriter, r *http.Request) error {
	a, rp, p, r, done, err := d.answered(w, r)
	if done {
		return err
	}
	to, err := d.Grant.Complete(r.Context(), p.RP, a.Request, p.Facts, p.Account.Epoch, r.PostFormValue("company"))
	if errors.Is(err, grant.ErrCompany) { // of a page that is no longer true, or of no page of ours
		all, err := d.Grant.Companies(r.Context(), a.Request, p.Facts)
		if err != nil {
			return err
		}
		return d.companyPage(w, r, http.StatusUnprocessableEntity, a, rp, all)
	}
	if errors.Is(err, grant.ErrChanged) {
		return d.askAnew(w, r, a, rp)
	}
	if err != nil {
		return tooManyOr(err)
	}
	d.Visitor.DropAttempt(w, a.ID)
	return d.respond(w, r, rp.Name, to)
}

// answered opens an attempt whose request the session answers as it stands: the session is this attempt's own, or one that would have
// answered without a question. Otherwise it leads to where the attempt goes on and returns done.
func (d *Door) answered(w http.ResponseWriter, r *http.Request) (a authn.Attempt, rp relyingparty.RP, p signin.Position, dressed *http.Request, done bool, err error) {
	a, rp, r, done, err = d.open(w, r)
	if done {
		return a, rp, p, r, true, err
	}
	if p, err = d.Signin.Locate(r.Context(), a, d.Visitor.Session(r)); err != nil {
		return a, rp, p, r, true, err
	}
	stands := p.Facts.Live && p.Facts.Session.Attempt != a.ID && d.Grant.Answers(a.Request, p.Facts)
	switch {
	case a.Goal != "" || a.Request.RedirectURI == "" || !stands && p.Step != authn.GoOn:
		return a, rp, p, r, true, see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
	case stands && d.Visitor.Now().After(a.Request.Received.Add(rp.RequestMaxAge)):
		return a, rp, p, r, true, d.backToApp(w, r, a) // which does not wait any more, and asks anew
	}
	return a, rp, p, r, false, nil
}

// askAnew answers a request that its app may not make any more: it asks anew. Where the operator has taken the address itself away, the person
// reads first that it is over.
func (d *Door) askAnew(w http.ResponseWriter, r *http.Request, a authn.Attempt, rp relyingparty.RP) error {
	d.Visitor.DropAttempt(w, a.ID)
	if !rp.MatchRedirect(a.Request.RedirectURI) {
		return d.restart(w, r, a, authn.ErrAttempt)
	}
	return d.backToApp(w, r, a)
}

// backToApp begins anew at the app.
func (d *Door) backToApp(w http.ResponseWriter, r *http.Request, a authn.Attempt) error {
	app, location, err := d.start(r.Context(), a.Request.ClientID, a.Address)
	if err != nil {
		return err
	}
	return d.moveOn(w, r, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(location)}, location)
}

func (d *Door) companyPage(w http.ResponseWriter, r *http.Request, status int, a authn.Attempt, rp relyingparty.RP, all []string) error {
	return d.Kit.Page(w, r, status, "signin_company", SignInCompany{Action: attemptURL("/signin/"+a.ID+"/company", a), App: rp.Name, Companies: all})
}
