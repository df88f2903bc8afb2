package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/web"
)

// getNewAddress handles GET /account/address. Without a fresh proof it asks for one, which leads back here.
func (d *Door) getNewAddress(w http.ResponseWriter, r *http.Request) error {
	acc, err := d.MyAccount.LookAtAddress(r.Context(), d.owner(r))
	if errors.Is(err, authn.ErrStale) {
		return d.confirmFor(w, r, authn.NewAddress)
	}
	if err != nil {
		return err
	}
	return d.Kit.Page(w, web.WithOwnLanguage(r, acc.Language), http.StatusOK, "myaccount_address", newAddressView(acc))
}

func newAddressView(acc account.Account) MyAccountAddress {
	return MyAccountAddress{Action: "/account/address", CancelURL: "/account", Current: acc.Login(), First: acc.Address == ""}
}

// postNewAddress handles POST /account/address. The answer is the same for every address that can be one.
func (d *Door) postNewAddress(w http.ResponseWriter, r *http.Request) error {
	acc, err := d.MyAccount.LookAtAddress(r.Context(), d.owner(r))
	if errors.Is(err, authn.ErrStale) {
		return d.confirmFor(w, r, authn.NewAddress)
	}
	if err != nil {
		return err
	}
	r = web.WithOwnLanguage(r, acc.Language)
	view := newAddressView(acc)
	view.Address = r.PostFormValue("address")
	switch err := d.MyAccount.AskForAddress(r.Context(), d.owner(r), view.Address); {
	case err == nil:
		return see(w, r, "/account/address/sent")
	case errors.Is(err, authn.ErrStale):
		return d.confirmFor(w, r, authn.NewAddress)
	case errors.Is(err, account.ErrNotAnAddress):
		view.Problem = addressProblem(view.Address)
	case errors.Is(err, myaccount.ErrSameAddress):
		view.Problem = ProblemAddressSame
	default:
		return tooManyOr(err)
	}
	return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "myaccount_address", view)
}

// getAddressSent handles GET /account/address/sent: the neutral answer.
func (d *Door) getAddressSent(w http.ResponseWriter, r *http.Request) error {
	p, acc, err := d.MyAccount.PendingAddress(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if p.ID == "" {
		return see(w, r, "/account")
	}
	return d.Kit.Page(w, web.WithOwnLanguage(r, acc.Language), http.StatusOK, "myaccount_address_sent",
		MyAccountAddressSent{Address: p.Address, AgainURL: "/account/address", AccountURL: "/account"})
}

// postWithdrawAddress handles POST /account/address/withdraw.
func (d *Door) postWithdrawAddress(w http.ResponseWriter, r *http.Request) error {
	done, err := d.MyAccount.WithdrawAddress(r.Context(), d.owner(r))
	return noticed(w, r, done, "address-withdrawn", err)
}

// getAddressLink handles GET /account/address/{token}, to which the mail to the new address leads. It only looks.
func (d *Door) getAddressLink(w http.ResponseWriter, r *http.Request) error {
	l, r, done, err := d.lookAtAddressLink(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, r, http.StatusOK, "myaccount_address_link", addressLinkView(r, l))
}

// lookAtAddressLink reads the link that the URL names. Where it is gone, it answers with that page and returns done.
func (d *Door) lookAtAddressLink(w http.ResponseWriter, r *http.Request) (l myaccount.AddressLink, own *http.Request, done bool, err error) {
	l, err = d.MyAccount.LookAtAddressLink(r.Context(), secret.Token(r.PathValue("token")), d.Visitor.Session(r))
	r = web.WithOwnLanguage(r, l.Language())
	switch {
	case errors.Is(err, authn.ErrNoLink) && l.Done && r.Method == http.MethodPost:
		return l, r, true, see(w, r, "/account?notice=address-changed") // the second of two presses
	case errors.Is(err, authn.ErrNoLink):
		return l, r, true, d.addressGone(w, r)
	}
	return l, r, err != nil, err
}

// addressGone answers a link that is unknown, used, withdrawn or expired: a new one is asked for on the account's page.
func (d *Door) addressGone(w http.ResponseWriter, r *http.Request) error {
	return d.Kit.Page(w, r, http.StatusGone, "recovery_link_gone", RecoveryLinkGone{AgainURL: "/account/address", URL: "/account"})
}

func addressLinkView(r *http.Request, l myaccount.AddressLink) MyAccountAddressLink {
	action := "/account/address/" + r.PathValue("token")
	view := MyAccountAddressLink{Action: action, CancelURL: "/account", Address: l.Address, Mine: l.Mine}
	if l.Mine {
		view.Current = l.Current.Login()
	} else {
		view.SignInURL, view.Other, view.CancelURL = action+"/signin", l.Current.Login(), ""
	}
	return view
}

// getAddressSignIn handles GET /account/address/{token}/signin: a sign-in that ends at the link's page. It is a cookie and no more.
func (d *Door) getAddressSignIn(w http.ResponseWriter, r *http.Request) error {
	l, r, done, err := d.lookAtAddressLink(w, r)
	if done {
		return err
	}
	back := "/account/address/" + r.PathValue("token")
	if l.Mine {
		return see(w, r, back)
	}
	a, cookie, err := d.Signin.VisitTo(back, string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, "/signin/"+a.ID)
}

// postAddressLink handles POST /account/address/{token}: the press that changes the address.
func (d *Door) postAddressLink(w http.ResponseWriter, r *http.Request) error {
	l, r, done, err := d.lookAtAddressLink(w, r)
	if done {
		return err
	}
	view := addressLinkView(r, l)
	if !l.Mine {
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "myaccount_address_link", view)
	}
	token := secret.Token(r.PathValue("token"))
	switch err := d.MyAccount.ConfirmAddress(r.Context(), d.owner(r), token, r.PostFormValue("end_others") == "on"); {
	case errors.Is(err, myaccount.ErrAddressTaken):
		view.Problem = ProblemAddressTaken
		return d.Kit.Page(w, r, http.StatusConflict, "myaccount_address_link", view)
	case errors.Is(err, authn.ErrNoLink):
		if _, _, done, err := d.lookAtAddressLink(w, r); done {
			return err // another press was quicker
		}
		return d.addressGone(w, r)
	case err != nil:
		return err
	}
	d.learnAddress(w, r, l.Current.Login(), l.Address)
	return see(w, r, "/account?notice=address-changed")
}

// learnAddress lets this browser know the account by its new address, and remember it in place of the old one.
func (d *Door) learnAddress(w http.ResponseWriter, r *http.Request, former, fresh string) {
	_, id, err := account.ParseAddress(fresh)
	if err != nil {
		return
	}
	memory := d.Visitor.Browser(r).Memory.Learn(d.Visitor.Keys, id)
	if memory.Address == former {
		memory.Address = fresh
	}
	d.Visitor.Remember(w, memory)
}
