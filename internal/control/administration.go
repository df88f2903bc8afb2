package control

import (
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Administrator is an administrator to make or to dismiss, or one that the command line prints.
type Administrator struct {
	Organisation string    `json:"organisation,omitempty"` // empty: the operator, who may everything everywhere
	Address      string    `json:"address,omitempty"`
	Role         string    `json:"role,omitempty"` // owner, administrator, helpdesk or auditor
	Name         string    `json:"name,omitempty"`
	Since        time.Time `json:"since,omitzero"`
}

func (d *Door) appoint(ctx context.Context, _ *http.Request, in Administrator) (Administrator, error) {
	return in, d.Administration.Appoint(ctx, administrator.CommandLine, organisation.ID(in.Organisation), in.Address, administrator.Role(in.Role))
}

func (d *Door) dismiss(ctx context.Context, _ *http.Request, in Administrator) (Administrator, error) {
	return in, d.Administration.DismissAddress(ctx, administrator.CommandLine, organisation.ID(in.Organisation), in.Address)
}

func (d *Door) listAdministrators(ctx context.Context, _ *http.Request, in Administrator) ([]Administrator, error) {
	all, err := d.Administration.List(ctx, organisation.ID(in.Organisation))
	out := make([]Administrator, 0, len(all))
	for _, a := range all {
		out = append(out, Administrator{Organisation: string(a.Organisation), Address: a.Address, Role: string(a.Role), Name: a.Name, Since: a.Since})
	}
	return out, err
}
