package hrm

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"
)

// logoutCookie holds the state of a sign-out under way.
const logoutCookie = "hrm_logout"

var errNoEndSession = errors.New("the login service has no end_session_endpoint")

// logout ends the sign-in everywhere. Our own session ends first: whatever the
// login service answers, nobody stays signed in here.
func (a *App) logout(w http.ResponseWriter, r *http.Request) {
	s, in := a.current(r)
	a.endSession(w, r)
	if !in {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	state := rand.Text()
	target, err := a.endSessionURL(r.Context(), s, state, a.lang(r))
	if err != nil {
		a.cfg.Log.Warn("hrm: signed out here only", "error", err)
		http.Redirect(w, r, "/signed-out/here", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, a.cfg.cookie(logoutCookie, state, loginLifetime))
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// endSessionURL asks the login service to end its session too (OpenID Connect
// RP-Initiated Logout 1.0 §2).
func (a *App) endSessionURL(ctx context.Context, s session, state, lang string) (string, error) {
	service, err := a.provider.get(ctx)
	if err != nil {
		return "", err
	}
	target, err := url.Parse(service.metadata.EndSession)
	if err != nil || target.Host == "" {
		return "", errNoEndSession
	}
	q := target.Query()
	q.Set("id_token_hint", s.IDToken)
	q.Set("client_id", a.cfg.ClientID)
	q.Set("post_logout_redirect_uri", a.cfg.BaseURL+"/signed-out")
	q.Set("state", state)
	q.Set("ui_locales", lang)
	target.RawQuery = q.Encode()
	return target.String(), nil
}

func (a *App) logoutHere(w http.ResponseWriter, r *http.Request) {
	a.endSession(w, r)
	http.Redirect(w, r, "/signed-out/here", http.StatusSeeOther)
}

// showSignedOut is where the login service sends the browser after a sign-out.
// Only that round trip may say that everything is ended; anybody else who comes
// here sees the start page.
func (a *App) showSignedOut(w http.ResponseWriter, r *http.Request) {
	c, err := r.Cookie(logoutCookie)
	if err != nil || c.Value == "" || c.Value != r.URL.Query().Get("state") {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	http.SetCookie(w, a.cfg.cookie(logoutCookie, "", -time.Second))
	a.render(w, r, http.StatusOK, "notice", view{Key: "signedout", Way: "login"})
}

func (a *App) showSignedOutHere(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusOK, "notice", view{Key: "signedouthere", Way: "login"})
}
