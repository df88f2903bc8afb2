package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/web"
)

// myPhone fills in the phone's row of the account's page.
func (d *Door) myPhone(m *MyMFA, o myaccount.Overview) {
	if o.Phone != nil {
		m.Phone, m.RemovePhoneAction = &PhoneRow{Number: o.Phone.Number, Added: o.Phone.Added, Used: o.Phone.Used, Suspended: o.Phone.Suspended}, "/account/phone/remove"
	}
	if len(o.Apps) > 0 && d.Signin.Authn.SMS != nil {
		m.PhoneAction = "/account/phone"
	}
}

// postMyPhone handles POST /account/phone: the number of a phone is added or changed.
func (d *Door) postMyPhone(w http.ResponseWriter, r *http.Request) error {
	return d.begin(w, r, authn.AddPhone, authn.Phoning)
}

// getRemovePhone handles GET /account/phone/remove: it asks first.
func (d *Door) getRemovePhone(w http.ResponseWriter, r *http.Request) error {
	o, ok, err := d.MyAccount.Look(r.Context(), d.Visitor.Session(r))
	if err != nil {
		return err
	}
	if !ok || o.Phone == nil {
		return see(w, r, "/account")
	}
	r = web.WithOwnLanguage(r, o.Account.Language)
	return d.Kit.Page(w, r, http.StatusOK, "myaccount_phone", MyAccountPhone{Action: "/account/phone/remove", CancelURL: "/account", Number: o.Phone.Number})
}

// postRemovePhone handles POST /account/phone/remove.
func (d *Door) postRemovePhone(w http.ResponseWriter, r *http.Request) error {
	done, err := d.Enrolment.RemovePhone(r.Context(), d.owner(r))
	if errors.Is(err, authn.ErrStale) {
		return d.confirm(w, r)
	}
	return noticed(w, r, done, "phone-removed", err)
}
