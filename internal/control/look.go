package control

import (
	"context"
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/relyingparty"
)

// errNoOrganisation says where the short names stand.
var errNoOrganisation = errors.New("there is no organisation with this short name; portvakt org list shows them")

// Look is an organisation with its logo and what else its people's guide is drawn from.
type Look struct {
	Organisation
	Issuer string `json:"issuer"`
	SMS    bool   `json:"sms"` // codes can be sent by SMS
	// App and Mobile are what its people meet.
	App    string `json:"app,omitempty"`
	Mobile string `json:"mobile,omitempty"`
}

// lookOf is for the guide, which is drawn in an organisation's look and by its policy.
func (d *Door) lookOf(ctx context.Context, r *http.Request, _ struct{}) (Look, error) {
	all, err := d.Provisioning.ListOrganisations(ctx)
	if err != nil {
		return Look{}, err
	}
	for _, o := range all {
		if string(o.ID) == r.PathValue("id") {
			out := Look{Organisation: stored(o), Issuer: d.Issuer, SMS: d.Transition.HasSMS()}
			out.Logo = o.Logo.Data
			rps, err := d.Registration.List(ctx)
			out.App, out.Mobile = relyingparty.Faces(rps, o.ID)
			return out, err
		}
	}
	return Look{}, errNoOrganisation
}
