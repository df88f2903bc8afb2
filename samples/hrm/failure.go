package hrm

import (
	"crypto/rand"
	"errors"
	"net/http"

	"golang.org/x/oauth2"
)

// notice is the page that a failure becomes.
type notice struct {
	status int
	key    string
	way    string
}

// noticeOf is the one place where failures become pages.
func noticeOf(err error) notice {
	var refused *oauth2.RetrieveError
	switch {
	case errors.Is(err, errNoAttempt), errors.As(err, &refused) && refused.ErrorCode == "invalid_grant":
		return notice{http.StatusBadRequest, "expired", "login"}
	case errors.Is(err, errDenied):
		return notice{http.StatusForbidden, "denied", "login"}
	case errors.Is(err, errNoRecord):
		return notice{http.StatusForbidden, "norecord", "out"}
	case errors.Is(err, errTaken):
		return notice{http.StatusForbidden, "taken", "out"}
	case errors.Is(err, errWrongIssuer), errors.Is(err, errBadToken):
		return notice{http.StatusBadRequest, "untrusted", "login"}
	default:
		return notice{http.StatusServiceUnavailable, "unreachable", "login"}
	}
}

// failChange shows why a change was not made. Where the person is still signed in,
// she still is: only the change has ended.
func (a *App) failChange(w http.ResponseWriter, r *http.Request, err error) {
	key := ""
	switch {
	case errors.Is(err, errNotStrong):
		key = "bank.weak"
	case errors.Is(err, errElse):
		key = "bank.else"
	case errors.Is(err, errDenied):
		key = "bank.stopped"
	default:
		a.fail(w, r, err)
		return
	}
	a.cfg.Log.Info("hrm: a change was not made", "error", err)
	v, _ := a.viewOf(r)
	v.Key, v.Way = key, "bank"
	a.render(w, r, http.StatusForbidden, "notice", v)
}

// fail shows a page with a way on and a reference; the cause goes to the log alone.
func (a *App) fail(w http.ResponseWriter, r *http.Request, err error) {
	n, ref := noticeOf(err), rand.Text()[:8]
	a.cfg.Log.Warn("hrm: login not finished", "ref", ref, "error", err)
	a.render(w, r, n.status, "notice", view{Key: n.key, Way: n.way, Ref: ref})
}
