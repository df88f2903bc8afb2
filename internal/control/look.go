package control

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// errNoOrganisation says where the short names stand.
var errNoOrganisation = errors.New("there is no organisation with this short name; portvakt org list shows them")

// Look is an organisation with its logo and what else its people's guide is drawn from.
type Look struct {
	Organisation
	Issuer string `json:"issuer"`
	SMS    bool   `json:"sms"` // codes can be sent by SMS
	// App and Mobile are the names of the organisation's oldest app that keeps a secret and of its oldest that cannot: in a browser, and on a phone.
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
			err := d.nameApps(ctx, &out)
			return out, err
		}
	}
	return Look{}, errNoOrganisation
}

// nameApps names the apps that people of the organisation meet.
func (d *Door) nameApps(ctx context.Context, l *Look) error {
	all, err := d.Registration.List(ctx)
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b relyingparty.RP) int { return a.Created.Compare(b.Created) })
	for _, rp := range all {
		name := &l.App
		if rp.IsPublic() {
			name = &l.Mobile
		}
		if *name == "" && len(rp.Scopes) == 0 && slices.Contains(rp.Organisations, organisation.ID(l.ID)) {
			*name = rp.Name
		}
	}
	return nil
}
