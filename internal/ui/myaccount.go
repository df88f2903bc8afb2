package ui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/web"
)

// notices are what /account may say at the top, by the word in its URL: never a text from the URL itself.
var notices = map[string]string{
	"session-ended": NoticeSessionEnded,
	"others-ended":  NoticeOthersEnded,

	"app-added":         NoticeAppAdded,
	"app-removed":       NoticeAppRemoved,
	"app-renamed":       NoticeAppRenamed,
	"recovery-renewed":  NoticeRecoveryRenewed,
	"browser-forgotten": NoticeBrowserForgotten,
	"phone-added":       NoticePhoneAdded,
	"phone-removed":     NoticePhoneRemoved,
	"confirmed":         NoticeConfirmed,

	"access-revoked":   NoticeAccessRevoked,
	"profile-saved":    NoticeProfileSaved,
	"password-changed": NoticePasswordChanged,

	"address-changed":   NoticeAddressChanged,
	"address-withdrawn": NoticeAddressWithdrawn,
}

// getMyAccount handles GET /account (S10).
func (d *Door) getMyAccount(w http.ResponseWriter, r *http.Request) error {
	o, ok, err := d.MyAccount.Look(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !ok {
		return d.beginOwn(w, r)
	}
	r = web.WithOwnLanguage(r, o.Account.Language)
	view := MyAccount{Name: strings.TrimSpace(o.Account.GivenName + " " + o.Account.FamilyName), Address: o.Account.Login(), Number: o.Account.Address == "",
		Sessions: d.rows(r, o), Access: accessRows(o.Access), RevokeAction: "/account/access/revoke", ActivityURL: "/account/activity",
		ExportAction: "/account/export", EraseURL: "/account/erase", Notice: notices[r.URL.Query().Get("notice")], EndAction: "/account/sessions/end",
		EndOthersAction: "/account/sessions/end-others", SignOutAction: "/signout", MFA: d.myMFA(r, o), Details: myDetails(r, o)}
	rp, _, err := d.Signin.App(r.Context(), r.URL.Query().Get("app"), "")
	if err != nil {
		return err
	}
	view.App = rp.Name
	return d.Kit.Page(w, r, http.StatusOK, "myaccount", view)
}

// beginOwn starts a sign-in that ends at the account's page.
func (d *Door) beginOwn(w http.ResponseWriter, r *http.Request) error {
	a, cookie, err := d.Signin.Visit("", string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, "/signin/"+a.ID)
}

func (d *Door) rows(r *http.Request, o myaccount.Overview) []SessionRow {
	var all []SessionRow
	for _, s := range o.Sessions {
		device, browser := web.Device(s.Device.UserAgent)
		all = append(all, SessionRow{ID: string(s.ID), Device: device, Browser: browser, Place: d.place(r, s.Device.Address), Address: s.Device.Address,
			First: s.Created, Last: s.LastSeen, Current: s.ID == o.Current})
	}
	return all
}

// postEndSession handles POST /account/sessions/end.
func (d *Door) postEndSession(w http.ResponseWriter, r *http.Request) error {
	ended, err := d.MyAccount.EndSession(r.Context(), d.Visitor.Session(r), session.ID(r.PostFormValue("session")), d.Visitor.Browser(r))
	return noticed(w, r, ended, "session-ended", err)
}

// postEndOthers handles POST /account/sessions/end-others.
func (d *Door) postEndOthers(w http.ResponseWriter, r *http.Request) error {
	ended, err := d.MyAccount.EndOthers(r.Context(), d.Visitor.Session(r), d.Visitor.Browser(r))
	return noticed(w, r, ended, "others-ended", err)
}

// noticed goes back to the account, with a notice of what has been done.
func noticed(w http.ResponseWriter, r *http.Request, done bool, notice string, err error) error {
	switch {
	case err != nil:
		return err
	case !done:
		return see(w, r, "/account")
	}
	return see(w, r, "/account?notice="+notice)
}

// myMFA is the part of the page about two-factor authentication; nil where the organisation has switched it off and there
// is none.
func (d *Door) myMFA(r *http.Request, o myaccount.Overview) *MyMFA {
	policy := o.Second.Policy
	if policy.MFA == organisation.Off && len(o.Apps) == 0 {
		return nil
	}
	m := &MyMFA{AddAction: "/account/apps/add", RenameAction: "/account/apps/rename", RemoveAction: "/account/apps/remove",
		RenewAction: "/account/recovery-code", ForgetAction: "/account/browsers/forget", RecoveryMade: o.RecoveryMade, Policy: string(policy.MFA)}
	if policy.MFA == organisation.Off {
		m.AddAction = ""
	}
	if policy.MFA == organisation.Required && !o.Second.IsRequired(d.Visitor.Now()) {
		m.Until = policy.From
	}
	d.myPhone(m, o)
	for _, a := range o.Apps {
		row := AppRow{ID: a.ID, Name: a.Name, Added: a.Created, Used: a.Used}
		if k, ok := o.Phones[a.ID]; ok {
			row.Paired, row.Messages, row.Lost = true, len(k.Subscription) > 0, !k.Lost.IsZero()
			if k.Seen.After(row.Used) {
				row.Used = k.Seen
			}
		}
		m.Apps = append(m.Apps, row)
	}
	for _, b := range o.Remembered {
		device, browser := web.Device(b.Device.UserAgent)
		m.Remembered = append(m.Remembered, RememberedRow{ID: b.ID, Device: device, Browser: browser, Place: d.place(r, b.Device.Address), Added: b.Created, Until: b.Expires})
	}
	return m
}

func (d *Door) owner(r *http.Request) authn.Owner {
	return authn.Owner{Browser: d.Visitor.Browser(r), Current: d.Visitor.Session(r)}
}

// postAddApp handles POST /account/apps/add.
func (d *Door) postAddApp(w http.ResponseWriter, r *http.Request) error {
	return d.begin(w, r, authn.AddApp, authn.Enrolling)
}

// postRenewRecovery handles POST /account/recovery-code.
func (d *Door) postRenewRecovery(w http.ResponseWriter, r *http.Request) error {
	return d.begin(w, r, authn.RenewCode, authn.Renewing)
}

// begin starts an attempt from the session, for a change that has pages of its own. Without a fresh proof it asks for one.
func (d *Door) begin(w http.ResponseWriter, r *http.Request, goal authn.Goal, stage authn.Stage) error {
	facts, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !facts.Live {
		return see(w, r, "/account")
	}
	a, cookie, err := d.Signin.Own(goal, acc, string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	err = d.Enrolment.Begin(r.Context(), d.owner(r), a, stage)
	switch {
	case errors.Is(err, authn.ErrStale):
		return d.confirm(w, r)
	case errors.Is(err, enrolment.ErrNotNow):
		return see(w, r, "/account")
	case err != nil:
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, attemptURL("/signin/"+a.ID+"/continue", a))
}

// confirm asks the person who is signed in to prove it anew; afterwards she is back on her account's page.
func (d *Door) confirm(w http.ResponseWriter, r *http.Request) error {
	return d.confirmFor(w, r, authn.Confirm)
}

// confirmFor is confirm for a page of its own, to which the proof leads on.
func (d *Door) confirmFor(w http.ResponseWriter, r *http.Request, goal authn.Goal) error {
	facts, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !facts.Live {
		return see(w, r, "/account")
	}
	a, cookie, err := d.Signin.Own(goal, acc, string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, attemptURL("/signin/"+a.ID+"/password", a))
}

// postRenameApp handles POST /account/apps/rename.
func (d *Door) postRenameApp(w http.ResponseWriter, r *http.Request) error {
	done, err := d.Enrolment.Rename(r.Context(), d.owner(r), r.PostFormValue("app"), r.PostFormValue("name"))
	return noticed(w, r, done, "app-renamed", err)
}

// getRemoveApp handles GET /account/apps/remove: it asks first.
func (d *Door) getRemoveApp(w http.ResponseWriter, r *http.Request) error {
	o, ok, err := d.MyAccount.Look(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	for _, a := range o.Apps {
		if ok && a.ID == r.URL.Query().Get("app") {
			r = web.WithOwnLanguage(r, o.Account.Language)
			last := len(o.Apps) == 1
			return d.Kit.Page(w, r, http.StatusOK, "myaccount_remove", MyAccountRemove{Action: "/account/apps/remove", AddAction: "/account/apps/add",
				CancelURL: "/account",
				ID:        a.ID, Name: a.Name, Last: last, Forbidden: last && o.Second.IsRequired(d.Visitor.Now())})
		}
	}
	return see(w, r, "/account")
}

// postRemoveApp handles POST /account/apps/remove.
func (d *Door) postRemoveApp(w http.ResponseWriter, r *http.Request) error {
	done, err := d.Enrolment.Remove(r.Context(), d.owner(r), r.PostFormValue("app"))
	switch {
	case errors.Is(err, authn.ErrStale):
		return d.confirm(w, r)
	case errors.Is(err, enrolment.ErrLast):
		return see(w, r, "/account/apps/remove?"+url.Values{"app": {r.PostFormValue("app")}}.Encode())
	}
	return noticed(w, r, done, "app-removed", err)
}

// postForgetBrowser handles POST /account/browsers/forget.
func (d *Door) postForgetBrowser(w http.ResponseWriter, r *http.Request) error {
	done, err := d.Enrolment.ForgetBrowser(r.Context(), d.owner(r), r.PostFormValue("browser"))
	return noticed(w, r, done, "browser-forgotten", err)
}
