package ui

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// carried are the parameters of an RP's logout request that the pages hand on (RP-Initiated Logout §2).
var carried = []string{"id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"}

// getSignOut handles GET /signout: an RP's wish that names no session of this browser is asked about first.
func (d *Door) getSignOut(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	logout, r, err := d.readLogout(r, q)
	if err != nil {
		return err
	}
	if !logout.Facts.Live {
		return see(w, r, "/signout/done?"+handOn(q))
	}
	_, acc, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	hidden := map[string]string{}
	for _, name := range carried {
		if q.Get(name) != "" {
			hidden[name] = q.Get(name)
		}
	}
	cancel := "/account"
	if logout.RP.ClientURI != "" {
		cancel = logout.RP.ClientURI
	}
	return d.Kit.Page(w, r, http.StatusOK, "signout_confirm", SignOutConfirm{Action: "/signout", CancelURL: cancel,
		App: logout.RP.Name, Address: acc.Login(), Hidden: hidden})
}

// postSignOut handles POST /signout: the session ends, and every app in it is told.
func (d *Door) postSignOut(w http.ResponseWriter, r *http.Request) error {
	if err := d.Grant.SignOut(r.Context(), d.Visitor.Session(r), d.Visitor.Browser(r)); err != nil {
		return err
	}
	d.Visitor.SignedOut(w, r)
	return see(w, r, "/signout/done?"+handOn(r.PostForm))
}

// getSignOutDone handles GET /signout/done: on to the app that asked, if it gave a registered address.
func (d *Door) getSignOutDone(w http.ResponseWriter, r *http.Request) error {
	logout, r, err := d.readLogout(r, r.URL.Query())
	if err != nil {
		return err
	}
	if logout.Location != "" {
		return d.moveOn(w, r, "signout_continue", SignOutContinue{App: logout.RP.Name, URL: web.RegisteredURL(logout.Location)}, logout.Location)
	}
	return d.Kit.Page(w, r, http.StatusOK, "signout_done", SignOutDone{App: logout.RP.Name, URL: logout.RP.ClientURI})
}

func (d *Door) readLogout(r *http.Request, q url.Values) (grant.Logout, *http.Request, error) {
	logout, err := d.Grant.ReadLogout(r.Context(), q, d.Visitor.Session(r))
	if err != nil {
		return logout, r, err
	}
	if logout.Refusal != "" {
		return logout, r, &web.Fault{Status: http.StatusBadRequest, Key: "error.signout_request",
			Cause: errors.New("logout request refused: " + string(logout.Refusal))}
	}
	r = web.WithUILocales(r, q.Get("ui_locales"))
	r, err = d.branded(r, logout.RP)
	return logout, r, err
}

func handOn(q url.Values) string {
	kept := url.Values{}
	for _, name := range carried {
		if q.Get(name) != "" {
			kept.Set(name, q.Get(name))
		}
	}
	return kept.Encode()
}
