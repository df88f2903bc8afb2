package ui

import (
	"cmp"
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
	farewell, err := d.Grant.SignOut(r.Context(), d.Visitor.Session(r), d.Visitor.Browser(r))
	if err != nil {
		return err
	}
	d.Visitor.SignedOut(w, r)
	to := "/signout/done?" + handOn(r.PostForm)
	if farewell != "" {
		to += "&" + url.Values{"farewell": {farewell}}.Encode()
	}
	return see(w, r, to)
}

// getSignOutDone handles GET /signout/done: on to the app that asked, if it gave a registered address.
func (d *Door) getSignOutDone(w http.ResponseWriter, r *http.Request) error {
	logout, r, err := d.readLogout(r, r.URL.Query())
	if err != nil {
		return err
	}
	frames, err := d.frames(w, r)
	switch {
	case err != nil:
		return err
	case logout.Location == "":
		return d.Kit.Page(w, r, http.StatusOK, "signout_done", SignOutDone{App: logout.RP.Name, URL: logout.RP.ClientURI, Frames: frames})
	}
	view := SignOutContinue{App: logout.RP.Name, URL: web.RegisteredURL(logout.Location), Frames: frames}
	if len(frames) == 0 {
		return d.moveOn(w, r, "signout_continue", view, logout.Location)
	}
	w.Header().Set("Refresh", framesWait+"; url="+logout.Location)
	return d.Kit.Page(w, r, http.StatusOK, "signout_continue", view)
}

// framesWait is how many seconds the apps have to answer in their frames, before the page goes on.
const framesWait = "3"

// frames are those in which apps are told of the sign-out (Front-Channel Logout §3). They may come from these apps alone.
func (d *Door) frames(w http.ResponseWriter, r *http.Request) (frames []SignOutFrame, err error) {
	all, err := d.Grant.FrontLogouts(r.Context(), r.URL.Query().Get("farewell"))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var origins []string
	for _, one := range all {
		frames, origins = append(frames, SignOutFrame{App: one.App, URL: web.RegisteredURL(one.Address)}), append(origins, one.Origin)
	}
	web.AllowFrames(w, origins)
	return frames, nil
}

func (d *Door) readLogout(r *http.Request, q url.Values) (grant.Logout, *http.Request, error) {
	web.FromApp(r)
	logout, err := d.Grant.ReadLogout(r.Context(), q, d.Visitor.Session(r))
	web.About(r, "", cmp.Or(logout.RP.ClientID, q.Get("client_id")))
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
			kept[name] = q[name] // what stands twice is refused where it is read
		}
	}
	return kept.Encode()
}
