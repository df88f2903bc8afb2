package oidc

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// getAuthorize handles GET /authorize: a session answers at once; otherwise the request becomes an attempt
// and the browser goes to the sign-in's pages.
func (d *Door) getAuthorize(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	web.About(r, "", q.Get("client_id"))
	if len(r.URL.RawQuery) > maxQuery {
		return tooLarge()
	}
	decision, err := d.Grant.JudgeRequest(r.Context(), q, d.Visitor.Session(r))
	r = web.WithUILocales(r, decision.UILocales)
	switch {
	case errors.Is(err, authn.ErrThrottled):
		return tooMany(err)
	case err != nil:
		return err
	case decision.Refusal != "":
		return refused(decision.Refusal, d.wayBack(decision.RP))
	case decision.Answer != nil:
		return d.respond(w, r, decision.RP.Name, *decision.Answer)
	}
	a, cookie, err := d.Signin.Begin(r.Context(), *decision.Signin, string(web.Language(r.Context())), d.Visitor.Browser(r))
	switch {
	case errors.Is(err, signin.ErrTooLarge):
		return tooLarge()
	case errors.Is(err, authn.ErrThrottled):
		return tooMany(err)
	case err != nil:
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	page := "/signin/" + a.ID
	switch {
	case decision.Choose:
		page += "/company"
	case decision.StepUp:
		page += "/continue" // which knows what the session lacks
	case a.Identifier != "" && !a.Request.HasPrompt("select_account"):
		page += "/password" // login_hint: the address is known, and can be changed there
	}
	http.Redirect(w, r, page+"?"+url.Values{"client_id": {a.Request.ClientID}}.Encode(), http.StatusSeeOther)
	return nil
}

// respond gives the RP its answer: by a redirect, or by a page with a form that posts itself.
func (d *Door) respond(w http.ResponseWriter, r *http.Request, app string, a grant.Answer) error {
	d.Visitor.Watch(w, a.Watched.Value, a.Watched.Expires)
	a, err := a.Numbered(d.Kit.RefusedAnswer(r, a.Problem()))
	if err != nil {
		return err
	}
	if a.Post {
		return d.Kit.PostPage(w, r, web.FormPost{App: app, Action: web.RegisteredURL(a.RedirectURI), Fields: a.Params, Failed: a.Failed})
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, a.Location(), http.StatusSeeOther)
	return nil
}

// refused is a request whose error must not travel to the redirect URI (RFC 6749 §4.1.2.1): a page of our
// own, with a reference number.
func refused(why grant.Refusal, on *web.Link) error {
	key := map[grant.Refusal]string{
		grant.UnknownClient:    "error.client_unknown",
		grant.WrongRedirectURI: "error.redirect_uri",
		grant.MalformedRequest: "error.request_invalid",
		grant.ExpiredRequest:   "error.request_expired",
	}[why]
	return &web.Fault{Status: http.StatusBadRequest, Key: key, On: on, Cause: errors.New("authorization request refused: " + string(why))}
}

// wayBack leads to where the RP says that a login begins: a registered address, whatever the request said. Nil where there
// is none.
func (d *Door) wayBack(rp relyingparty.RP) *web.Link {
	start := rp.Start(d.Issuer, "")
	if start == "" {
		return nil
	}
	return &web.Link{URL: start, Key: "web.back_app", Data: map[string]any{"App": rp.Name}}
}

func tooMany(cause error) error {
	return &web.Fault{Status: http.StatusTooManyRequests, Key: "error.too_many", Cause: cause}
}

func tooLarge() error {
	return &web.Fault{Status: http.StatusRequestEntityTooLarge, Key: "error.request_too_large"}
}

// getEndSession handles GET /end_session (RP-Initiated Logout §2): with a hint that names this very session it
// signs out at once; without one a page asks first, because any site can send a browser here.
func (d *Door) getEndSession(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	r = web.WithUILocales(r, q.Get("ui_locales"))
	logout, err := d.Grant.ReadLogout(r.Context(), q, d.Visitor.Session(r))
	web.About(r, "", cmp.Or(logout.RP.ClientID, q.Get("client_id")))
	switch {
	case err != nil:
		return err
	case logout.Refusal != "":
		return &web.Fault{Status: http.StatusBadRequest, Key: "error.signout_request", On: d.wayBack(logout.RP),
			Cause: errors.New("logout request refused: " + string(logout.Refusal))}
	case logout.Facts.Live && !logout.Sure:
		http.Redirect(w, r, "/signout?"+r.URL.RawQuery, http.StatusSeeOther)
		return nil
	}
	if logout.Facts.Live { // otherwise a foreign page could end a sign-in under way
		farewell, err := d.Grant.SignOut(r.Context(), d.Visitor.Session(r), d.Visitor.Browser(r))
		if err != nil {
			return err
		}
		d.Visitor.SignedOut(w, r)
		if q.Del("farewell"); farewell != "" { // a page tells the apps before the browser goes on
			q.Set("farewell", farewell)
			logout.Location = ""
		}
	}
	location := logout.Location
	if location == "" {
		location = "/signout/done?" + q.Encode()
	}
	http.Redirect(w, r, location, http.StatusSeeOther)
	return nil
}
