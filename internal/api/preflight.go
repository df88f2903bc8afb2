package api

import (
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/transition"
)

// Report is what the pre-flight has found.
type Report struct {
	Total     int            `json:"total" doc:"The people of the register."`
	Unchecked int            `json:"unchecked" doc:"Those whom it has not seen as they are now. No mail leaves before it has."`
	Findings  map[string]int `json:"findings" doc:"By kind."`
	Checking  *Progress      `json:"checking,omitempty" doc:"How far a pre-flight that goes on has come; absent: none does, and the findings are whole."`
}

// Progress is how far something has come.
type Progress struct {
	Position int64 `json:"position"`
	Total    int64 `json:"total"`
}

// Finding is what is wrong with one person's row.
type Finding struct {
	Kind    string `json:"kind" enum:"missing,phone,phone_shared,phone_country,by_phone,malformed,duplicate,shared,role,disposable,twice,companies,hash"`
	Person  string `json:"person"`
	Name    string `json:"name"`
	Address string `json:"address"`
	Detail  string `json:"detail,omitempty" doc:"What it was found by."`
	Blocks  bool   `json:"blocks" doc:"It keeps the person from being mailed."`
}

// Outlook is who would get in today, and why not the others.
type Outlook struct {
	Switched  bool           `json:"switched" doc:"As if the switch had been made."`
	Total     int            `json:"total"`
	In        int            `json:"in"`
	Password  int            `json:"password" doc:"By a password."`
	Imported  int            `json:"imported" doc:"By the old login's password, which is checked at the first login."`
	Link      int            `json:"link" doc:"By a mailed link."`
	Confirm   int            `json:"confirm" doc:"After confirming the address."`
	Bounced   int            `json:"bounced" doc:"Not: the mail came back."`
	Flags     map[string]int `json:"flags" doc:"Not: by what the pre-flight has found."`
	Exempt    int            `json:"exempt"`
	Left      int            `json:"left"`
	Unchecked int            `json:"unchecked"`
}

type inFindings struct {
	About
	Paged
	Kind string `query:"kind" required:"true" enum:"missing,phone,phone_shared,phone_country,by_phone,malformed,duplicate,shared,role,disposable,twice,companies,hash"`
}

type inSimulation struct {
	About
	Switched bool `query:"switched" default:"true" doc:"As if the switch had been made."`
}

// preflight are the operations about what is wrong with the register, and who would get in.
func (d *Door) preflight(b *builder) {
	read := rule{scope: relyingparty.RegisterRead, rights: rights(administrator.See)}
	add(b, operation{id: "get-preflight", method: "GET", path: "/organisations/{organisation}/preflight", summary: "Read what the pre-flight has found", rule: read},
		func(ctx context.Context, c call, _ *About) (Report, error) { return d.report(ctx, c) })
	add(b, operation{id: "run-preflight", method: "POST", path: "/organisations/{organisation}/preflight", summary: "Look at the whole register anew; a large one is looked through for a while after the answer", status: http.StatusAccepted,
		rule: rule{scope: relyingparty.RegisterWrite, rights: rights(administrator.Prepare)}},
		func(ctx context.Context, c call, _ *About) (Report, error) {
			if _, err := d.Transition.Preflight(ctx, c.by, c.org.ID); err != nil {
				return Report{}, err
			}
			return d.report(ctx, c)
		})
	add(b, operation{id: "list-findings", method: "GET", path: "/organisations/{organisation}/preflight/findings", summary: "List findings of a kind", rule: read}, d.listFindings)
	add(b, operation{id: "simulate", method: "GET", path: "/organisations/{organisation}/simulation", summary: "Say how many would get in today, and why not the others",
		rule: rule{scope: relyingparty.TransitionRead, rights: rights(administrator.See)}}, d.simulate)
}

func (d *Door) report(ctx context.Context, c call) (Report, error) {
	j, running, err := d.Transition.Checking(ctx, c.org.ID) // first: what ends meanwhile is in the findings
	if err != nil {
		return Report{}, err
	}
	r, err := d.Transition.Report(ctx, c.org.ID)
	out := Report{Total: r.Total, Unchecked: r.Unchecked, Findings: map[string]int{}}
	if running {
		out.Checking = &Progress{Position: j.Position, Total: j.Total}
	}
	for kind, n := range r.Counts {
		out.Findings[string(kind)] = n
	}
	return out, err
}

func (d *Door) listFindings(ctx context.Context, c call, in *inFindings) (Page[Finding], error) {
	at, err := in.place(1)
	if err != nil {
		return Page[Finding]{}, err
	}
	after := ""
	if at != nil {
		after = at[0]
	}
	found, err := d.Transition.Findings(ctx, c.org.ID, transition.Kind(in.Kind), after, in.Limit+1)
	return page(in.Paged, found, func(f transition.Found) Finding {
		return Finding{Kind: string(f.Kind), Person: f.Person, Name: f.Name, Address: f.Address, Detail: f.Detail, Blocks: f.Kind.Blocks()}
	}, func(f transition.Found) []string { return []string{f.Person} }), err
}

func (d *Door) simulate(ctx context.Context, c call, in *inSimulation) (Outlook, error) {
	o, err := d.Transition.Simulate(ctx, c.org.ID, in.Switched)
	out := Outlook{Switched: o.Switched, Total: o.Total, In: o.In(), Password: o.Password, Imported: o.Imported, Link: o.Link, Confirm: o.Confirm, Bounced: o.Bounced,
		Exempt: o.Exempt, Left: o.Left, Unchecked: o.Unchecked, Flags: map[string]int{}}
	for kind, n := range o.Flags {
		out.Flags[string(kind)] = n
	}
	return out, err
}

// when is a time in an answer; nil for never.
func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = instant(t)
	return &t
}

// instant is a time as it is stored, also where it was not read from there.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
