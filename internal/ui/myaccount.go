package ui

import (
	"net/http"
	"strings"

	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/web"
)

// notices are what /account may say at the top, by the word in its URL: never a text from the URL itself.
var notices = map[string]string{
	"session-ended": NoticeSessionEnded,
	"others-ended":  NoticeOthersEnded,
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
	view := MyAccount{Name: strings.TrimSpace(o.Account.GivenName + " " + o.Account.FamilyName), Address: o.Account.Address,
		Sessions: rows(o), OfflineApps: o.OfflineApps, Notice: notices[r.URL.Query().Get("notice")], EndAction: "/account/sessions/end",
		EndOthersAction: "/account/sessions/end-others", SignOutAction: "/signout"}
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

func rows(o myaccount.Overview) []SessionRow {
	var all []SessionRow
	for _, s := range o.Sessions {
		device, browser := web.Device(s.Device.UserAgent)
		all = append(all, SessionRow{ID: string(s.ID), Device: device, Browser: browser, Address: s.Device.Address,
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
