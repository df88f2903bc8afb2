package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/signin"
)

// newPassword is what both handlers of the page begin with.
func (d *Door) newPassword(w http.ResponseWriter, r *http.Request) (v under, view SignInNewPassword, done bool, err error) {
	if v, done, err = d.second(w, r, authn.AskNewPassword); done {
		return v, view, true, err
	}
	rules, err := d.Signin.Rules(v.r.Context(), v.position)
	view = SignInNewPassword{Action: attemptURL("/signin/"+v.attempt.ID+"/new-password", v.attempt), Address: v.position.Whose.Login(), FirstName: v.position.Whose.GivenName,
		App: v.rp.Name, MinLength: rules.Min, MaxLength: signin.MaxLength, Words: shownWords(rules.Words)}
	return v, view, err != nil, err
}

// getSigninPassword handles GET /signin/{attempt}/new-password: the old login's password was right, and is not what we ask for.
func (d *Door) getSigninPassword(w http.ResponseWriter, r *http.Request) error {
	v, view, done, err := d.newPassword(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_newpassword", view)
}

// postSigninPassword handles POST /signin/{attempt}/new-password.
func (d *Door) postSigninPassword(w http.ResponseWriter, r *http.Request) error {
	v, view, done, err := d.newPassword(w, r)
	if done {
		return err
	}
	if view.Problem = repetitionProblem(r); view.Problem != "" {
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_newpassword", view)
	}
	fresh, err := d.Signin.NewPassword(v.r.Context(), signin.Secondly{Attempt: v.attempt, Typed: r.PostFormValue("new_password"),
		Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)})
	for _, p := range problems {
		if errors.Is(err, p.err) {
			view.Problem = p.key
			return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "signin_newpassword", view)
		}
	}
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}
