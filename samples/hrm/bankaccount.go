package hrm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// pendingChange is a change that waits for a step-up. It goes sealed through the
// browser with the login under way, and is made for that employee alone.
type pendingChange struct {
	Key     string `json:"k"`
	Account string `json:"b"`
	Demand  demand `json:"d"`
}

// How a change that needed a step-up can end without being made.
var (
	errNotStrong = errors.New("the sign-in is not strong enough")
	errElse      = errors.New("somebody else has logged in")
)

func (a *App) showBankAccount(w http.ResponseWriter, r *http.Request, v view) {
	s, _ := a.current(r)
	v.Account, v.Changed = masked(a.bank.of(s.Key)), r.URL.Query().Has("changed")
	a.render(w, r, http.StatusOK, "bankaccount", v)
}

// changeBankAccount asks the API for the change, and the login service for more
// proof where the API demands it.
func (a *App) changeBankAccount(w http.ResponseWriter, r *http.Request, v view) {
	s, _ := a.current(r)
	account, err := parseAccount(r.PostFormValue("account"))
	if err != nil {
		v.Account, v.Typed, v.Problem = masked(a.bank.of(s.Key)), r.PostFormValue("account"), true
		a.render(w, r, http.StatusUnprocessableEntity, "bankaccount", v)
		return
	}
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	d, done, err := a.put(c, account)
	switch {
	case err != nil:
		a.fail(w, r, err)
	case done:
		http.Redirect(w, r, "/bank-account?changed", http.StatusSeeOther)
	default:
		a.stepUp(w, r, s, pendingChange{Key: s.Key, Account: account, Demand: d})
	}
}

// put calls the API as the browser's session. It is not done where the API wants
// more proof first.
func (a *App) put(session *http.Cookie, account string) (d demand, done bool, err error) {
	body, err := json.Marshal(bankAccount{account})
	if err != nil {
		return d, false, err
	}
	r, err := http.NewRequest(http.MethodPut, a.cfg.BaseURL+"/api/bank-account", bytes.NewReader(body))
	if err != nil {
		return d, false, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.AddCookie(session)
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	a.api().ServeHTTP(answer, r)
	if answer.status == http.StatusNoContent {
		return d, true, nil
	}
	if d, demanded := readChallenge(answer.header.Get("WWW-Authenticate")); answer.status == http.StatusUnauthorized && demanded {
		return d, false, nil
	}
	return d, false, fmt.Errorf("the API answered %d", answer.status)
}

// stepUp sends the browser to the login service with what the challenge demands
// (RFC 9470 §4). The acr is essential: acr_values alone is a wish, and HRM would be
// answered with less (OpenID Connect Core 1.0 §5.5.1.1).
func (a *App) stepUp(w http.ResponseWriter, r *http.Request, s session, wanted pendingChange) {
	service, err := a.provider.get(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	begun, err := a.beginAttempt(w, r, &wanted)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, service.authURL(begun, s.Email, a.lang(r)), http.StatusSeeOther)
}

// parameters are what a demand adds to an authorization request.
func (d demand) parameters() url.Values {
	q := url.Values{}
	if d.MaxAge >= 0 {
		q.Set("max_age", fmt.Sprint(d.MaxAge))
	}
	if d.ACR != "" {
		q.Set("acr_values", d.ACR)
		claims, err := json.Marshal(map[string]any{"id_token": map[string]any{"acr": map[string]any{"essential": true, "values": []string{d.ACR}}}})
		if err != nil {
			panic(err) // a map of texts can be written
		}
		q.Set("claims", string(claims))
	}
	return q
}

// complete makes the change that has waited, in the session that the login has
// just made. It asks the API once more: the answer of the login service is not
// taken on trust.
func (a *App) complete(made session, cookie *http.Cookie, wanted pendingChange) error {
	if made.Key != wanted.Key {
		return errElse
	}
	_, done, err := a.put(cookie, wanted.Account)
	if err == nil && !done {
		err = errNotStrong
	}
	return err
}

// recorder keeps an answer of the API.
type recorder struct {
	header http.Header
	status int
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return len(b), nil }
