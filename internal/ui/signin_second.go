package ui

import (
	"errors"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/signin"
)

// second is what the pages of the second proof share: the attempt must be at the step.
func (d *Door) second(w http.ResponseWriter, r *http.Request, at ...authn.Step) (v under, done bool, err error) {
	v.attempt, v.rp, v.r, done, err = d.open(w, r)
	if done {
		return v, true, err
	}
	p, err := d.Signin.Locate(v.r.Context(), v.attempt, d.Visitor.Session(r))
	if err != nil {
		return v, true, err
	}
	v.position = p
	for _, step := range at {
		if p.Step == step {
			return v, false, nil
		}
	}
	if r.Method == http.MethodPost && p.Facts.Progress.Attempt == "" && p.Step != authn.GoOn && p.Step != authn.RestartAtApp {
		return v, false, nil // perhaps the second of two presses, whose first has finished the attempt: the flow knows
	}
	return v, true, see(w, r, d.stepURL(v.attempt, p))
}

// secondView is the page that asks for a code.
func (d *Door) secondView(v under) SignInSecond {
	return SignInSecond{Action: attemptURL("/signin/"+v.attempt.ID+"/second", v.attempt), Address: v.position.Whose.Login(), ChangeURL: changeURL(v), App: v.rp.Name,
		RememberDays: v.position.Facts.Second.Policy.RememberDays, OtherURL: attemptURL("/signin/"+v.attempt.ID+"/methods", v.attempt)}
}

// changeURL leads back to the address; "" where a session is stepped up or an account looked after, which is one account's alone.
func changeURL(v under) string {
	if v.position.Facts.Progress.Attempt == "" || v.attempt.Goal != "" {
		return ""
	}
	return attemptURL("/signin/"+v.attempt.ID, v.attempt)
}

// getSecond handles GET /signin/{attempt}/second: the code of an authenticator app.
func (d *Door) getSecond(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_second", d.secondView(v))
}

// postSecond handles POST /signin/{attempt}/second.
func (d *Door) postSecond(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	view, typed := d.secondView(v), r.PostFormValue("code")
	if typed == "" {
		view.Problem = ProblemCodeMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_second", view)
	}
	fresh, token, err := d.Signin.Code(r.Context(), signin.Secondly{Attempt: v.attempt, Typed: typed, Remember: r.PostFormValue("remember") == "on",
		Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)})
	if isProblem(err) {
		view.Problem, view.Throttled = ProblemCodeWrong, errors.Is(err, authn.ErrThrottled)
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_second", view)
	}
	if err != nil {
		return d.notNow(w, v, err)
	}
	if token != "" {
		d.Visitor.KeepRemembered(w, token, time.Duration(view.RememberDays)*24*time.Hour)
	}
	return d.onward(w, v, fresh)
}

// getMethods handles GET /signin/{attempt}/methods: "Prova ett annat sätt".
func (d *Door) getMethods(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	view, err := d.methodsView(v)
	if err != nil {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_methods", view)
}

// methodsView lists what the account has beside the app; the app stays first (SMS is the weaker way).
func (d *Door) methodsView(v under) (SignInMethods, error) {
	base := "/signin/" + v.attempt.ID
	view := SignInMethods{Address: v.position.Whose.Login(), ChangeURL: changeURL(v), CodeURL: attemptURL(base+"/second", v.attempt), BackURL: attemptURL(base+"/second", v.attempt),
		SMSAction: smsURL(v, "/send")}
	if v.position.Facts.Second.Push > 0 {
		view.PushURL = attemptURL(base+"/push", v.attempt)
		view.BackURL = view.PushURL
	}
	if v.position.Facts.Second.HasRecovery(d.Visitor.Now()) {
		view.RecoveryURL = attemptURL(base+"/recovery", v.attempt)
	}
	var err error
	view.SMS, err = d.Signin.Phone(v.r.Context(), v.position)
	return view, err
}

func recoveryCodeView(v under) SignInRecovery {
	base := "/signin/" + v.attempt.ID
	return SignInRecovery{Action: attemptURL(base+"/recovery", v.attempt), Address: v.position.Whose.Login(), ChangeURL: changeURL(v), OtherURL: attemptURL(base+"/methods", v.attempt)}
}

// getRecoveryCode handles GET /signin/{attempt}/recovery: the recovery code instead of the app's.
func (d *Door) getRecoveryCode(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_recovery", recoveryCodeView(v))
}

// postRecoveryCode handles POST /signin/{attempt}/recovery.
func (d *Door) postRecoveryCode(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskCode)
	if done {
		return err
	}
	view, typed := recoveryCodeView(v), r.PostFormValue("recovery_code")
	if typed == "" {
		view.Problem = ProblemRecoveryMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_recovery", view)
	}
	fresh, err := d.Signin.RecoveryCode(r.Context(), signin.Secondly{Attempt: v.attempt, Typed: typed, Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)})
	if isProblem(err) {
		view.Problem, view.Throttled = ProblemRecoveryWrong, errors.Is(err, authn.ErrThrottled)
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_recovery", view)
	}
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// isProblem says whether the same form shall be shown once more.
func isProblem(err error) bool {
	return errors.Is(err, authn.ErrWrong) || errors.Is(err, authn.ErrThrottled)
}
