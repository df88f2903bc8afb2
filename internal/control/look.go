package control

import (
	"context"
	"errors"
	"net/http"
)

// errNoOrganisation says where the short names stand.
var errNoOrganisation = errors.New("there is no organisation with this short name; portvakt org list shows them")

// lookOf is an organisation with its logo, for the guide, which is drawn in its look.
func (d *Door) lookOf(ctx context.Context, r *http.Request, _ struct{}) (Organisation, error) {
	all, err := d.Provisioning.ListOrganisations(ctx)
	if err != nil {
		return Organisation{}, err
	}
	for _, o := range all {
		if string(o.ID) == r.PathValue("id") {
			out := stored(o)
			out.Logo = o.Logo.Data
			return out, nil
		}
	}
	return Organisation{}, errNoOrganisation
}
