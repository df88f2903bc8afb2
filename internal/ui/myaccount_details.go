package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/web"
)

// myDetails is the part of the account's page about the person herself.
func myDetails(r *http.Request, o myaccount.Overview) MyDetails {
	m := MyDetails{ProfileURL: "/account/profile", PasswordURL: "/account/password", PasswordChanged: o.PasswordChanged,
		AddressURL: "/account/address", Pending: o.Pending.Address, WithdrawAction: "/account/address/withdraw"}
	m.Language = web.Language(r.Context()).Own()
	for _, l := range web.Languages() {
		if string(l) == o.Account.Language {
			m.Language = l.Own()
		}
	}
	return m
}

// getProfile handles GET /account/profile: name and language.
func (d *Door) getProfile(w http.ResponseWriter, r *http.Request) error {
	facts, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !facts.Live {
		return see(w, r, "/account")
	}
	r = web.WithOwnLanguage(r, acc.Language)
	return d.Kit.Page(w, r, http.StatusOK, "myaccount_profile", d.profileView(r, myaccount.Profile{GivenName: acc.GivenName,
		FamilyName: acc.FamilyName, Language: acc.Language}))
}

func (d *Door) profileView(r *http.Request, p myaccount.Profile) MyAccountProfile {
	view := MyAccountProfile{Action: "/account/profile", CancelURL: "/account", GivenName: p.GivenName, FamilyName: p.FamilyName}
	chosen := p.Language
	if chosen == "" {
		chosen = string(web.Language(r.Context())) // never chosen: what she reads
	}
	for _, l := range web.Languages() {
		view.Languages = append(view.Languages, LanguageChoice{Code: string(l), Own: l.Own(), Chosen: string(l) == chosen})
	}
	return view
}

// postProfile handles POST /account/profile.
func (d *Door) postProfile(w http.ResponseWriter, r *http.Request) error {
	typed := myaccount.Profile{GivenName: r.PostFormValue("given_name"), FamilyName: r.PostFormValue("family_name"), Language: r.PostFormValue("language")}
	saved, done, err := d.MyAccount.SaveProfile(r.Context(), d.owner(r), typed)
	view := d.profileView(r, typed)
	switch {
	case errors.Is(err, myaccount.ErrGivenName):
		view.GivenProblem = ProblemName
	case errors.Is(err, myaccount.ErrFamilyName):
		view.FamilyProblem = ProblemName
	case errors.Is(err, myaccount.ErrLanguage):
		view.LanguageProblem = ProblemLanguage
	case err != nil:
		return err
	case done:
		d.Kit.KeepLanguage(w, saved.Language)
		return see(w, r, "/account?notice=profile-saved")
	default:
		return see(w, r, "/account")
	}
	return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "myaccount_profile", view)
}

// getNewPassword handles GET /account/password. Without a fresh proof it asks for one, which leads back here.
func (d *Door) getNewPassword(w http.ResponseWriter, r *http.Request) error {
	form, err := d.MyAccount.LookAtPassword(r.Context(), d.owner(r))
	if errors.Is(err, authn.ErrStale) {
		return d.confirmFor(w, r, authn.NewPassword)
	}
	if err != nil {
		return err
	}
	r = web.WithOwnLanguage(r, form.Account.Language)
	return d.Kit.Page(w, r, http.StatusOK, "myaccount_password", newPasswordView(form))
}

func newPasswordView(form myaccount.PasswordForm) MyAccountPassword {
	return MyAccountPassword{Action: "/account/password", CancelURL: "/account", ForgotURL: "/recovery/new", Address: form.Account.Login(),
		HasPassword: form.HasPassword, MinLength: form.Rules.Min, MaxLength: myaccount.MaxLength, Words: shownWords(form.Rules.Words)}
}

// postNewPassword handles POST /account/password.
func (d *Door) postNewPassword(w http.ResponseWriter, r *http.Request) error {
	owner := d.owner(r)
	form, err := d.MyAccount.LookAtPassword(r.Context(), owner)
	if errors.Is(err, authn.ErrStale) {
		return d.confirmFor(w, r, authn.NewPassword)
	}
	if err != nil {
		return err
	}
	r = web.WithOwnLanguage(r, form.Account.Language)
	view := newPasswordView(form)
	view.KeepOthers = r.PostFormValue("end_others") != "on"
	typed := myaccount.NewPassword{Current: r.PostFormValue("current_password"), Password: r.PostFormValue("new_password"), EndOthers: !view.KeepOthers}
	if form.HasPassword && typed.Current == "" {
		view.CurrentProblem = ProblemPasswordMissing
	} else if view.Problem = repetitionProblem(r); view.Problem == "" {
		err = d.MyAccount.ChangePassword(r.Context(), owner, typed)
		switch {
		case err == nil:
			return see(w, r, "/account?notice=password-changed")
		case errors.Is(err, authn.ErrStale):
			return d.confirmFor(w, r, authn.NewPassword)
		case isProblem(err):
			view.CurrentProblem, view.Throttled = ProblemCurrentPassword, errors.Is(err, authn.ErrThrottled)
		default:
			if view.Problem = passwordProblem(err); view.Problem == "" {
				return err
			}
		}
	}
	return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "myaccount_password", view)
}

// passwordProblem is the text for why a new password was refused, or "".
func passwordProblem(err error) string {
	for _, p := range problems {
		if errors.Is(err, p.err) {
			return p.key
		}
	}
	return ""
}
