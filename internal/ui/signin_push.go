package ui

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// shown is what phones show of the browser that waits, in a language.
func (d *Door) shown(r *http.Request, app string) func(lang string) authn.Shown {
	device, browser := web.Device(r.UserAgent())
	address := web.ClientAddr(r.Context()).String()
	return func(lang string) authn.Shown {
		s := authn.Shown{App: app, Browser: browser, Device: device, Address: address}
		if d.Country != nil {
			s.Place = d.Country(address, lang)
		}
		return s
	}
}

// ring asks the account's phones as soon as the first proof is there, so that nobody needs to press for it. Where it cannot, the page
// says what else there is.
func (d *Door) ring(r *http.Request, a authn.Attempt, app string) {
	_ = d.Signin.AskPush(r.Context(), signin.Secondly{Attempt: a, Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)}, d.shown(r, app))
}

// pushView is the page that shows the number.
func (d *Door) pushView(v under) (SignInPush, error) {
	base := "/signin/" + v.attempt.ID
	c, err := d.Signin.Asked(v.r.Context(), v.attempt)
	view := SignInPush{Address: v.position.Whose.Login(), ChangeURL: changeURL(v), App: v.rp.Name, GoAction: attemptURL(base+"/push", v.attempt),
		AskAction: attemptURL(base+"/push/ask", v.attempt), OtherURL: attemptURL(base+"/methods", v.attempt), CodeURL: attemptURL(base+"/second", v.attempt),
		RememberDays: v.position.Facts.Second.Policy.RememberDays}
	if v.attempt.Goal != "" || v.position.Facts.Progress.Attempt == "" || v.position.Facts.Progress.From != "" {
		view.RememberDays = 0
	}
	at := pushState(c)
	switch at.State {
	case "":
	case c.ID + ".waiting":
		view.Number, view.Typed = c.Number, c.Typed
	case c.ID + ".expired":
		view.Problem = ProblemPushExpired
	case c.ID + ".denied":
		view.Problem = ProblemPushDenied
	}
	view.State = at.State
	view.EventsURL = eventsURL(attemptURL(base+"/push/events", v.attempt), at.State)
	return view, err
}

// pushState is a challenge's state as the pages know it.
func pushState(c signin.Asked) watched {
	switch {
	case c.ID == "":
		return watched{}
	case c.How == "":
		return watched{State: c.ID + ".waiting", Until: c.Expires}
	}
	return watched{State: c.ID + "." + c.How}
}

// getPush handles GET /signin/{attempt}/push: the number, until a phone has answered.
func (d *Door) getPush(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	if v.position.Facts.Second.Push == 0 {
		return see(w, r, attemptURL("/signin/"+v.attempt.ID+"/second", v.attempt))
	}
	view, err := d.pushView(v)
	if err != nil {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_push", view)
}

// postAskPush handles POST /signin/{attempt}/push/ask: **Skicka igen**, or the first time.
func (d *Door) postAskPush(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	err = d.Signin.AskPush(v.r.Context(), signin.Secondly{Attempt: v.attempt, Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)}, d.shown(r, v.rp.Name))
	switch {
	case errors.Is(err, authn.ErrPushOff):
		view, err := d.pushView(v)
		if err != nil {
			return err
		}
		view.Number, view.Problem, view.AskAction = "", ProblemPushOff, ""
		return d.Kit.Page(w, v.r, http.StatusTooManyRequests, "signin_push", view)
	case errors.Is(err, authn.ErrNoPush):
		return see(w, r, attemptURL("/signin/"+v.attempt.ID+"/second", v.attempt))
	case err != nil:
		return d.notNow(w, v, err)
	}
	return see(w, r, attemptURL("/signin/"+v.attempt.ID+"/push", v.attempt))
}

// postPush handles POST /signin/{attempt}/push: on, after a phone has approved. The page's script sends it.
func (d *Door) postPush(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode, authn.Complete, authn.Offer, authn.Enrol, authn.AskPhone, authn.ShowRecovery, authn.AskPassword)
	if done {
		return err
	}
	fresh, token, err := d.Signin.Pushed(v.r.Context(), signin.Secondly{Attempt: v.attempt, Remember: r.PostFormValue("remember") == "on",
		Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)})
	switch {
	case errors.Is(err, authn.ErrNoChallenge):
		return see(w, r, d.stepURL(v.attempt, v.position))
	case err != nil:
		return d.notNow(w, v, err)
	}
	if token != "" {
		days := v.position.Facts.Second.Policy.RememberDays
		d.Visitor.KeepRemembered(w, token, time.Duration(days)*24*time.Hour)
	}
	return d.onward(w, v, fresh)
}

// getPushEvents handles GET /signin/{attempt}/push/events: what becomes of the challenge.
func (d *Door) getPushEvents(w http.ResponseWriter, r *http.Request) error {
	a, _, r, done, err := d.open(w, r)
	if done {
		return err
	}
	return d.watch(w, r, a.ID, func() (watched, error) {
		c, err := d.Signin.Asked(r.Context(), a)
		return pushState(c), err
	})
}

// eventsURL is where a page listens, with the state that it shows.
func eventsURL(to, state string) string { return withQuery(to, "at", state) }

func withQuery(to, name, value string) string {
	u, err := url.Parse(to)
	if err != nil {
		return to
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}
