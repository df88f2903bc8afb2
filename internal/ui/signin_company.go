package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// getCompany handles GET /signin/{attempt}/company: an app asks for which company a person comes who works for several.
func (d *Door) getCompany(w http.ResponseWriter, r *http.Request) error { return d.company(w, r, "") }

// postCompany handles POST /signin/{attempt}/company: the choice. It goes into the code and is written nowhere before that is redeemed.
func (d *Door) postCompany(w http.ResponseWriter, r *http.Request) error {
	return d.company(w, r, r.PostFormValue("company"))
}

// company goes on to the app with the chosen company, or asks for it. The session answers the request as it stands: it is this attempt's
// own, or one that would have answered without a question.
func (d *Door) company(w http.ResponseWriter, r *http.Request, chosen string) error {
	a, rp, r, done, err := d.open(w, r)
	if done {
		return err
	}
	p, err := d.Signin.Locate(r.Context(), a, d.Visitor.Session(r))
	if err != nil {
		return err
	}
	var app, location string
	switch stands := p.Facts.Live && p.Facts.Session.Attempt != a.ID && d.Grant.Answers(a.Request, p.Facts); {
	case a.Goal != "" || a.Request.RedirectURI == "" || !stands && p.Step != authn.GoOn:
		return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
	case stands && d.Visitor.Now().After(a.Request.Received.Add(p.RP.RequestMaxAge)):
		app, location, err = d.start(r.Context(), rp.ClientID, a.Address) // the app does not wait any more
	default:
		app = rp.Name
		location, err = d.Grant.Complete(r.Context(), p.RP, a.Request, p.Facts, p.Account.Epoch, chosen)
	}
	if errors.Is(err, grant.ErrCompany) {
		return d.companyPage(w, r, a, p)
	}
	if err != nil {
		return tooManyOr(err)
	}
	d.Visitor.DropAttempt(w, a.ID)
	return d.moveOn(w, r, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(location)}, location)
}

func (d *Door) companyPage(w http.ResponseWriter, r *http.Request, a authn.Attempt, p signin.Position) error {
	all, err := d.Grant.Companies(r.Context(), a.Request, p.Facts)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusUnprocessableEntity // of a page that is no longer true, or of no page of ours
	}
	return d.Kit.Page(w, r, status, "signin_company", SignInCompany{Action: attemptURL("/signin/"+a.ID+"/company", a), App: p.RP.Name, Companies: all})
}
