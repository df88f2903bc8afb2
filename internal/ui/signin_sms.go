package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

func smsURL(v under, page string) string {
	return attemptURL("/signin/"+v.attempt.ID+"/sms"+page, v.attempt)
}

func (d *Door) secondly(v under, typed string) signin.Secondly {
	return signin.Secondly{Attempt: v.attempt, Typed: typed, Browser: d.Visitor.Browser(v.r), Current: d.Visitor.Session(v.r)}
}

// postSendSMS handles POST /signin/{attempt}/sms/send: the first code, and **Skicka igen**.
func (d *Door) postSendSMS(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	err = d.Signin.SendCode(r.Context(), d.secondly(v, ""), string(web.Language(v.r.Context())))
	problem := ProblemSMSLimit
	switch {
	case err == nil, errors.Is(err, authn.ErrWait): // the page says how long it is
		return see(w, r, smsURL(v, ""))
	case errors.Is(err, authn.ErrCountry), errors.Is(err, authn.ErrNoSMS):
		problem = ProblemSMSNone
	case !errors.Is(err, authn.ErrSMSLimit):
		return d.notNow(w, v, err)
	}
	view, err := d.methodsView(v)
	if err != nil {
		return err
	}
	view.SMS, view.Problem = "", problem
	return d.Kit.Page(w, v.r, http.StatusTooManyRequests, "signin_methods", view)
}

// texted is the page that asks for the code which was sent; without one, back to the choice.
func (d *Door) texted(w http.ResponseWriter, r *http.Request) (v under, view SignInSMS, done bool, err error) {
	v, done, err = d.second(w, r, authn.AskCode)
	if done || v.position.Step != authn.AskCode { // the latter: perhaps the second of two presses
		return v, view, done, err
	}
	p, err := d.Signin.Texted(r.Context(), v.attempt)
	switch {
	case err != nil:
		return v, view, true, err
	case !p.Sent:
		return v, view, true, see(w, r, attemptURL("/signin/"+v.attempt.ID+"/methods", v.attempt))
	}
	return v, SignInSMS{Action: smsURL(v, ""), Address: v.position.Whose.Login(), ChangeURL: changeURL(v), App: v.rp.Name, Number: unbroken(p.Number.Hidden()),
		OtherURL: attemptURL("/signin/"+v.attempt.ID+"/methods", v.attempt), Again: again(smsURL(v, "/send"), p)}, false, nil
}

// getSMS handles GET /signin/{attempt}/sms: the code that was sent.
func (d *Door) getSMS(w http.ResponseWriter, r *http.Request) error {
	v, view, done, err := d.texted(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_sms", view)
}

// postSMS handles POST /signin/{attempt}/sms.
func (d *Door) postSMS(w http.ResponseWriter, r *http.Request) error {
	v, view, done, err := d.texted(w, r)
	if done {
		return err
	}
	typed := r.PostFormValue("code")
	if typed == "" {
		view.Problem = ProblemTextedMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_sms", view)
	}
	fresh, err := d.Signin.TextedCode(r.Context(), d.secondly(v, typed))
	switch {
	case isProblem(err):
		view.Problem, view.Throttled = ProblemTextedWrong, errors.Is(err, authn.ErrThrottled)
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_sms", view)
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}
