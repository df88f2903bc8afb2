package admin

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
)

// getAdministrators handles GET /administrators.
func (d *Door) getAdministrators(v visit) error {
	view, err := d.administratorsView(v)
	if err != nil {
		return err
	}
	return d.page(v, http.StatusOK, "administrators", view)
}

func (d *Door) administratorsView(v visit) (Administrators, error) {
	view := Administrators{Frame: d.frame(v, "/administrators"), Action: v.url("/administrators"), DismissAction: v.url("/administrators/dismiss"),
		Role: string(administrator.Helpdesk)}
	for _, role := range administrator.Roles() {
		view.Roles = append(view.Roles, RoleChoice{Role: string(role), Key: roleKeys[role], TextKey: roleTexts[role]})
	}
	all, err := d.Administration.List(v.r.Context(), v.org.ID)
	for _, a := range all {
		view.Rows = append(view.Rows, AdministratorRow{ID: string(a.Account), Name: a.Name, Address: a.Address, Role: roleKeys[a.Role], Since: a.Since,
			Self: a.Account == v.by.Account.ID})
	}
	return view, err
}

// appointProblems are the texts for why nobody became an administrator.
var appointProblems = []struct {
	err error
	key string
}{
	{account.ErrNotAnAddress, "admin.administrators.problem_address"},
	{administration.ErrNoColleague, "admin.administrators.problem_colleague"},
	{administration.ErrLastOwner, "admin.administrators.problem_owner"},
	{administration.ErrRole, "admin.administrators.problem_role"},
}

// postAdministrators handles POST /administrators: somebody gets a role, or another one.
func (d *Door) postAdministrators(v visit) error {
	address, role := v.r.PostFormValue("address"), v.r.PostFormValue("role")
	if done, err := d.fresh(v); done {
		return err
	}
	err := d.Administration.Appoint(v.r.Context(), v.by, v.org.ID, address, administrator.Role(role))
	if err == nil {
		return v.back("/administrators", "appointed")
	}
	return d.administratorsProblem(v, address, role, err)
}

// postDismiss handles POST /administrators/dismiss.
func (d *Door) postDismiss(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	err := d.Administration.Dismiss(v.r.Context(), v.by, v.org.ID, account.ID(v.r.PostFormValue("account")))
	if err == nil {
		return v.back("/administrators", "dismissed")
	}
	return d.administratorsProblem(v, "", string(administrator.Helpdesk), err)
}

func (d *Door) administratorsProblem(v visit, address, role string, err error) error {
	for _, p := range appointProblems {
		if errors.Is(err, p.err) {
			view, err := d.administratorsView(v)
			view.Problem, view.Address, view.Role = p.key, address, role
			if err != nil {
				return err
			}
			return d.page(v, http.StatusUnprocessableEntity, "administrators", view)
		}
	}
	return err
}
