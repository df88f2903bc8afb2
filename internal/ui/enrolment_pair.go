package ui

import (
	"errors"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/web"
)

// getPair handles GET /enrolment/{attempt}/pair: the code to scan, until a phone has come with it (S12).
func (d *Door) getPair(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	o, err := d.Enrolment.Pairing(v.r.Context(), v.attempt)
	if err != nil {
		return err
	}
	base := "/enrolment/" + v.attempt.ID
	at := pairState(o, d.Visitor.Now())
	view := EnrolmentPair{Action: attemptURL(base+"/pair", v.attempt), BackURL: attemptURL(base+"/choice", v.attempt), Phone: web.IsPhone(r.UserAgent()), Unfolded: web.IsIOS(r.UserAgent()),
		State: at.State, EventsURL: eventsURL(attemptURL(base+"/pair/events", v.attempt), at.State)}
	switch {
	case o.IsOver(d.Visitor.Now()):
		view.Problem = ProblemPairExpired
	case o.State == enrolment.CodeClaimed:
		return see(w, r, attemptURL(base+"/consent", v.attempt))
	case o.State == enrolment.CodeShown && o.Link != "":
		if view.QR, err = web.QR(o.Link); err != nil {
			return err
		}
		view.Link, view.Key, view.Issuer = web.RegisteredURL(o.Link), o.Groups, o.Issuer
	case o.State == enrolment.ScannedTwice:
		view.Problem = ProblemPairTwice
	case o.State == enrolment.Refused:
		view.Problem = ProblemPairRefused
	default:
		return see(w, r, d.page(v.attempt, authn.Enrol))
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_pair", view)
}

// pairState is a pairing's state as the pages know it.
func pairState(o enrolment.Offered, now time.Time) watched {
	switch {
	case o.ID == "":
		return watched{}
	case o.IsOver(now):
		return watched{State: o.ID + ".expired"}
	case o.State == enrolment.CodeShown, o.State == enrolment.CodeClaimed:
		return watched{State: o.ID + "." + string(o.State), Until: o.Expires}
	}
	return watched{State: o.ID + "." + string(o.State)}
}

// postPair handles POST /enrolment/{attempt}/pair: **Nästa** on the page before, or another code.
func (d *Door) postPair(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	return d.startPairing(w, v)
}

func (d *Door) startPairing(w http.ResponseWriter, v under) error {
	if err := d.Enrolment.StartPairing(v.r.Context(), d.visit(v)); err != nil {
		return d.notNow(w, v, err)
	}
	return see(w, v.r, attemptURL("/enrolment/"+v.attempt.ID+"/pair", v.attempt))
}

// getPairEvents handles GET /enrolment/{attempt}/pair/events, for the pages of pairing.
func (d *Door) getPairEvents(w http.ResponseWriter, r *http.Request) error {
	a, _, r, done, err := d.open(w, r)
	if done {
		return err
	}
	return d.watch(w, r, a.ID, func() (watched, error) {
		o, err := d.Enrolment.Pairing(r.Context(), a)
		return pairState(o, d.Visitor.Now()), err
	})
}

// getConsent handles GET /enrolment/{attempt}/consent: is this your phone, and may it? (S13)
func (d *Door) getConsent(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	o, err := d.Enrolment.Pairing(v.r.Context(), v.attempt)
	if err != nil {
		return err
	}
	base := "/enrolment/" + v.attempt.ID
	if o.State != enrolment.CodeClaimed || o.IsOver(d.Visitor.Now()) {
		return see(w, r, attemptURL(base+"/pair", v.attempt))
	}
	at := pairState(o, d.Visitor.Now())
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_consent", EnrolmentConsent{Action: withQuery(attemptURL(base+"/consent", v.attempt), "pairing", o.ID),
		Address: v.position.Whose.Login(), Name: o.Name, Comparison: o.Comparison,
		EventsURL: eventsURL(attemptURL(base+"/pair/events", v.attempt), at.State)})
}

// postConsent handles POST /enrolment/{attempt}/consent: **Godkänn**, **Neka**, or **Logga ut nu**.
func (d *Door) postConsent(w http.ResponseWriter, r *http.Request) error {
	if r.PostFormValue("want") == "sign_out" {
		return d.leaveConsent(w, r)
	}
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	if r.PostFormValue("want") != "approve" {
		if err := d.Enrolment.RefusePairing(v.r.Context(), d.visit(v)); err != nil && !errors.Is(err, enrolment.ErrNotNow) {
			return d.notNow(w, v, err)
		}
		return see(w, r, attemptURL("/enrolment/"+v.attempt.ID+"/pair", v.attempt))
	}
	fresh, err := d.Enrolment.ApprovePairing(v.r.Context(), d.visit(v), r.URL.Query().Get("pairing"))
	switch {
	case errors.Is(err, enrolment.ErrNotNow):
		return see(w, r, attemptURL("/enrolment/"+v.attempt.ID+"/pair", v.attempt)) // which says what has become of the code
	case errors.Is(err, enrolment.ErrTooMany):
		return &web.Fault{Status: http.StatusConflict, Key: "error.too_many_apps", Cause: err}
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// leaveConsent is for whoever is not the account's owner. The phone is told where it still waits; signing out depends on nothing.
func (d *Door) leaveConsent(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("attempt")
	if a, err := d.Signin.Open(r.Context(), id, d.Visitor.Attempt(r, id)); err == nil {
		_ = d.Enrolment.RefusePairing(r.Context(), enrolment.Visit{Attempt: a, Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)})
	}
	return d.postSignOut(w, r)
}

// getTest handles GET /enrolment/{attempt}/test: the new phone rings for a first time.
func (d *Door) getTest(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.TryPush)
	if done {
		return err
	}
	c, err := d.Signin.Asked(v.r.Context(), v.attempt)
	if err != nil {
		return err
	}
	base := "/enrolment/" + v.attempt.ID
	at := pushState(c)
	view := EnrolmentTest{Action: attemptURL(base+"/test", v.attempt), Waiting: c.ID != "" && c.How == "", State: at.State,
		Answered: c.How == "approved", EventsURL: eventsURL(attemptURL("/signin/"+v.attempt.ID+"/push/events", v.attempt), at.State)}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_test", view)
}

// postTest handles POST /enrolment/{attempt}/test: **Fortsätt**, pressed by the person, or by the page once the phone has answered.
func (d *Door) postTest(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.TryPush)
	if done {
		return err
	}
	fresh, err := d.Enrolment.Tried(v.r.Context(), d.visit(v))
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}
