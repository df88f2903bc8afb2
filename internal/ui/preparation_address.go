package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/secret"
)

// getPreparationAddress handles GET /preparation/{token}/address.
func (d *Door) getPreparationAddress(w http.ResponseWriter, r *http.Request) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	if !mayPropose(v) {
		return see(w, r, v.action)
	}
	return d.Kit.Page(w, r, http.StatusOK, "preparation_address", proposalView(v))
}

// mayPropose says whether the link is one to the register's address.
func mayPropose(v invited) bool {
	return v.opened.Purpose == preparation.Confirm && !v.opened.Proposed && !v.opened.Phone
}

func proposalView(v invited) PreparationAddress {
	action := v.action + "/address"
	return PreparationAddress{Action: action, PlainURL: action + "/plain", ChallengeURL: v.action + "/challenge", BackURL: v.action,
		Employer: v.opened.Employer, Current: v.opened.Address}
}

// postPreparationAddress handles POST /preparation/{token}/address. The answer is the same for every address that can be one.
func (d *Door) postPreparationAddress(w http.ResponseWriter, r *http.Request) error {
	return d.propose(w, r, false)
}

// postPreparationAddressPlain handles POST /preparation/{token}/address/plain: the same without JavaScript.
func (d *Door) postPreparationAddressPlain(w http.ResponseWriter, r *http.Request) error {
	return d.propose(w, r, true)
}

func (d *Door) propose(w http.ResponseWriter, r *http.Request, plain bool) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	if !mayPropose(v) {
		return see(w, r, v.action)
	}
	view := proposalView(v)
	view.Address = r.PostFormValue("address")
	press := preparation.Press{Token: v.token, Answer: r.PostFormValue("robot"), Plain: plain}
	switch err := d.Preparation.Propose(r.Context(), press, view.Address, d.Visitor.Browser(r)); {
	case err == nil:
		return see(w, r, v.action+"/sent?proposed")
	case errors.Is(err, account.ErrNotAnAddress):
		view.Problem = addressProblem(view.Address)
	case errors.Is(err, preparation.ErrSameAddress):
		view.Problem = ProblemAddressSame
	case errors.Is(err, preparation.ErrRobot):
		view.Problem, view.Robot = ProblemRobot, true
	default:
		return d.invitedProblem(w, r, v, err)
	}
	return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "preparation_address", view)
}

// postPreparationRenew handles POST /preparation/{token}/renew: another link to the same address, for whoever has one that does not
// work any more.
func (d *Door) postPreparationRenew(w http.ResponseWriter, r *http.Request) error {
	return d.renew(w, r, false)
}

// postPreparationRenewPlain handles POST /preparation/{token}/renew/plain: the same without JavaScript.
func (d *Door) postPreparationRenewPlain(w http.ResponseWriter, r *http.Request) error {
	return d.renew(w, r, true)
}

// renew answers every link alike: whether a mail goes out is decided by the worker.
func (d *Door) renew(w http.ResponseWriter, r *http.Request, plain bool) error {
	token := secret.Token(r.PathValue("token"))
	v := invited{token: token, action: "/preparation/" + token.Reveal(), opened: preparation.Opened{Purpose: preparation.Confirm, Renewable: true}}
	press := preparation.Press{Token: token, Answer: r.PostFormValue("robot"), Plain: plain}
	switch err := d.Preparation.Renew(r.Context(), press, d.Visitor.Browser(r)); {
	case errors.Is(err, preparation.ErrRobot):
		return d.uninvitedPage(w, r, http.StatusUnprocessableEntity, v, ProblemRobot)
	case err != nil:
		return tooManyOr(err)
	}
	return see(w, r, v.action+"/sent")
}

// getPreparationSent handles GET /preparation/{token}/sent: the neutral answer.
func (d *Door) getPreparationSent(w http.ResponseWriter, r *http.Request) error {
	_, proposed := r.URL.Query()["proposed"]
	return d.Kit.Page(w, r, http.StatusOK, "preparation_sent", PreparationSent{Proposed: proposed})
}
