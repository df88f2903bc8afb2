package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// getDevice handles GET /device: a person types the code that a device without a browser shows (RFC 8628 §3.3). An address that has the
// code in it fills it in and does no more: the person sends it herself.
func (d *Door) getDevice(w http.ResponseWriter, r *http.Request) error {
	code := r.URL.Query().Get("user_code")
	return d.Kit.Page(w, r, http.StatusOK, "device_code", DeviceCode{Action: grant.DevicePath, Code: code[:min(len(code), maxCode)]})
}

// postDevice handles POST /device: a code that waits leads to its question.
func (d *Door) postDevice(w http.ResponseWriter, r *http.Request) error {
	typed := r.PostFormValue("user_code")
	id, shown, err := d.Grant.FindDevice(r.Context(), typed, d.Visitor.Browser(r).Network)
	switch {
	case errors.Is(err, grant.ErrNoDevice):
		view := DeviceCode{Action: grant.DevicePath, Code: typed[:min(len(typed), maxCode)], Problem: ProblemDeviceCode}
		return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "device_code", view)
	case err != nil:
		return tooManyOr(err)
	}
	d.Visitor.KeepTyped(w, id, shown, grant.DeviceLife)
	return see(w, r, grant.DevicePath+"/"+id)
}

// getDeviceQuestion handles GET /device/{id}: whether the device shall be let in, and afterwards what became of it. Nothing is let in
// without a press, however fresh the session is: anybody can send anybody such an address.
func (d *Door) getDeviceQuestion(w http.ResponseWriter, r *http.Request) error {
	asked, done, err := d.lookAtDevice(w, r)
	if done {
		return err
	}
	r = web.WithOwnLanguage(r, asked.Account.Language)
	if asked.IsLetIn() || asked.IsRefused() {
		return d.Kit.Page(w, r, http.StatusOK, "device_done", DeviceDone{App: asked.RP.Name, Denied: asked.IsRefused(), AccountURL: "/account"})
	}
	code, _ := d.Visitor.Typed(r, r.PathValue("device"))
	return d.Kit.Page(w, r, http.StatusOK, "device_confirm", DeviceConfirm{Action: r.URL.Path, App: asked.RP.Name, Address: asked.Account.Login(), Code: code})
}

// postDeviceQuestion handles POST /device/{id}: the answer. A second press of the same shows what became of the first.
func (d *Door) postDeviceQuestion(w http.ResponseWriter, r *http.Request) error {
	_, done, err := d.lookAtDevice(w, r)
	if done {
		return err
	}
	approve := r.PostFormValue("answer") == "yes"
	switch err := d.Grant.AnswerDevice(r.Context(), r.PathValue("device"), d.Visitor.Session(r), d.Visitor.Browser(r), approve); {
	case errors.Is(err, grant.ErrNotProven), errors.Is(err, grant.ErrNoDevice): // a moment ago it was not so
	case err != nil:
		return err
	}
	return see(w, r, r.URL.Path)
}

// lookAtDevice reads the device of the address. done says that the request is answered: the code is not there any more, was not typed in this
// browser, or the person shows first who she is.
func (d *Door) lookAtDevice(w http.ResponseWriter, r *http.Request) (asked grant.Asked, done bool, err error) {
	if _, typed := d.Visitor.Typed(r, r.PathValue("device")); !typed {
		return asked, true, see(w, r, grant.DevicePath) // somebody else typed it, and has sent her the address
	}
	asked, err = d.Grant.LookAtDevice(r.Context(), r.PathValue("device"), d.Visitor.Session(r))
	switch {
	case errors.Is(err, grant.ErrNoDevice):
		view := DeviceCode{Action: grant.DevicePath, Problem: ProblemDeviceGone}
		return asked, true, d.Kit.Page(w, r, http.StatusGone, "device_code", view)
	case errors.Is(err, grant.ErrNotProven):
		a, cookie, err := d.Signin.VisitFor(r.URL.Path, asked.Floor, string(web.Language(r.Context())))
		if err != nil {
			return asked, true, err
		}
		d.Visitor.KeepAttempt(w, r, a.ID, cookie)
		return asked, true, see(w, r, "/signin/"+a.ID)
	}
	return asked, err != nil, err
}
