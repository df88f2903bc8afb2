package api

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Approval is what somebody who helps a person elsewhere wants to do, and waits for this organisation's word. It does not say who asks.
// The word itself is a person's, by her own proof, in the console.
type Approval struct {
	ID      string    `json:"id"`
	Act     string    `json:"act" enum:"code,unpair"`
	Person  string    `json:"person,omitempty" doc:"Empty: an administrator who is in no register here."`
	Name    string    `json:"name"`
	Asked   time.Time `json:"asked_at"`
	Expires time.Time `json:"expires_at"`
}

// approvals are the operations about the words that an organisation is asked for.
func (d *Door) approvals(b *builder) {
	add(b, operation{id: "list-approvals", method: "GET", path: "/organisations/{organisation}/approvals", summary: "List what waits for the organisation's approval",
		rule: rule{scope: relyingparty.TransitionRead, rights: rights(administrator.Help)}}, d.listApprovals)
}

func (d *Door) listApprovals(ctx context.Context, c call, _ *About) (Page[Approval], error) {
	out := Page[Approval]{Items: []Approval{}}
	all, err := d.Enrolment.Approvals(ctx, c.by, c.org.ID)
	for _, a := range all {
		out.Items = append(out.Items, Approval{ID: a.ID, Act: string(a.Act), Person: a.Person, Name: a.Name, Asked: a.Asked.UTC(), Expires: a.Expires.UTC()})
	}
	return out, err
}
