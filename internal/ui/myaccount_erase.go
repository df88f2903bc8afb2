package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/web"
)

// getErase handles GET /account/erase: it says what goes and what stays.
func (d *Door) getErase(w http.ResponseWriter, r *http.Request) error {
	return d.erasePage(w, r, http.StatusOK, "")
}

func (d *Door) erasePage(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	acc, guarded, ok, err := d.MyAccount.Erasable(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !ok {
		return see(w, r, "/account")
	}
	return d.Kit.Page(w, web.WithOwnLanguage(r, acc.Language), status, "myaccount_erase",
		MyAccountErase{Action: "/account/erase", CancelURL: "/account", Address: acc.Login(), Guarded: guarded, Problem: problem})
}

// postErase handles POST /account/erase.
func (d *Door) postErase(w http.ResponseWriter, r *http.Request) error {
	if r.PostFormValue("agree") == "" {
		return d.erasePage(w, r, http.StatusUnprocessableEntity, ProblemEraseAgree)
	}
	err := d.MyAccount.Erase(r.Context(), d.owner(r))
	switch {
	case errors.Is(err, authn.ErrStale):
		return d.confirm(w, r)
	case errors.Is(err, myaccount.ErrGuarded):
		return see(w, r, "/account/erase")
	case errors.Is(err, myaccount.ErrChanged):
		return see(w, r, "/account")
	case err != nil:
		return err
	}
	d.Visitor.Forgotten(w, r)
	return see(w, r, "/account/erased")
}

// getErased handles GET /account/erased: it shows the same to everybody, because nobody is signed in any more.
func (d *Door) getErased(w http.ResponseWriter, r *http.Request) error {
	return d.Kit.Page(w, r, http.StatusOK, "myaccount_erased", MyAccountErased{})
}
