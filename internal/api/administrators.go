package api

import (
	"context"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Administrator is somebody with a role in an organisation.
type Administrator struct {
	Account string    `json:"account"`
	Address string    `json:"address"`
	Name    string    `json:"name"`
	Role    string    `json:"role" enum:"owner,administrator,helpdesk,auditor"`
	Since   time.Time `json:"since"`
}

// Appointment gives somebody of the organisation a role, in place of a former one.
type Appointment struct {
	Address string `json:"address" doc:"What she logs in with."`
	Role    string `json:"role" enum:"owner,administrator,helpdesk,auditor"`
}

// Line is a line of the audit log.
type Line struct {
	ID     string            `json:"id"`
	At     time.Time         `json:"at"`
	Kind   string            `json:"kind" doc:"docs/audit-events.md says what each means."`
	Actor  string            `json:"actor"`
	By     string            `json:"by,omitempty" doc:"The name of the administrator or the service."`
	Person string            `json:"person,omitempty" doc:"The name of the person that it is about."`
	Reason string            `json:"reason,omitempty"`
	Detail map[string]string `json:"detail,omitempty"`
}

type inAdministrator struct {
	About
	Account string `path:"account"`
}

type inLog struct {
	About
	Paged
}

// administrators are the operations about administrators, and what has been done.
func (d *Door) administrators(b *builder) {
	read := rule{scope: relyingparty.AdministratorsRead, rights: rights(administrator.Appoint)}
	write := rule{scope: relyingparty.AdministratorsWrite, rights: rights(administrator.Appoint)}
	add(b, operation{id: "list-administrators", method: "GET", path: "/organisations/{organisation}/administrators", summary: "List the administrators", rule: read}, d.listAdministrators)
	do(b, operation{id: "appoint-administrator", method: "PUT", path: "/organisations/{organisation}/administrators", summary: "Give somebody a role", rule: write, more: conflict},
		func(ctx context.Context, c call, in *with[Appointment]) error {
			return d.Administration.Appoint(ctx, c.by, c.org.ID, in.Body.Address, administrator.Role(in.Body.Role))
		})
	do(b, operation{id: "dismiss-administrator", method: "DELETE", path: "/organisations/{organisation}/administrators/{account}", summary: "Take a role away", rule: write, more: conflict},
		func(ctx context.Context, c call, in *inAdministrator) error {
			return d.Administration.Dismiss(ctx, c.by, c.org.ID, account.ID(in.Account))
		})
	add(b, operation{id: "list-log", method: "GET", path: "/organisations/{organisation}/log", summary: "Read what has been done, the newest first",
		rule: rule{scope: relyingparty.AuditRead, rights: rights(administrator.Audit)}}, d.listLog)
}

func (d *Door) listAdministrators(ctx context.Context, c call, _ *About) (Page[Administrator], error) {
	out := Page[Administrator]{Items: []Administrator{}}
	all, err := d.Administration.List(ctx, c.org.ID)
	for _, a := range all {
		out.Items = append(out.Items, Administrator{Account: string(a.Account), Address: a.Address, Name: a.Name, Role: string(a.Role), Since: a.Since.UTC()})
	}
	return out, err
}

func (d *Door) listLog(ctx context.Context, c call, in *inLog) (Page[Line], error) {
	var after administration.Place
	at, err := in.place(2)
	if err == nil && at != nil {
		ms, wrong := strconv.ParseInt(at[0], 10, 64)
		if wrong != nil {
			err = errCursor
		}
		after = administration.Place{At: time.UnixMilli(ms), ID: at[1]}
	}
	if err != nil {
		return Page[Line]{}, err
	}
	lines, err := d.Administration.Log(ctx, c.org.ID, after, in.Limit+1)
	return page(in.Paged, lines, shownLine, func(l administration.Line) []string {
		return []string{strconv.FormatInt(l.At.UnixMilli(), 10), l.ID}
	}), err
}

// shownLine leaves out the ids that By and the address of the list say in words.
func shownLine(l administration.Line) Line {
	delete(l.Detail, "by")
	delete(l.Detail, "organisation")
	return Line{ID: l.ID, At: l.At.UTC(), Kind: string(l.Kind), Actor: l.Actor, By: l.By, Person: l.Person, Reason: l.Reason, Detail: l.Detail}
}
