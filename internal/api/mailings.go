package api

import (
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/transition"
)

// Phase is where an organisation stands in its move.
type Phase struct {
	Phase    string `json:"phase" enum:"preparation,switched,ended"`
	SwitchOn string `json:"switch_on,omitempty" format:"date" doc:"The day of the switch, as people are told."`
	Rate     int    `json:"rate" minimum:"1" maximum:"6000" doc:"How many mails go out in a minute."`
}

// Mailing is a job that mails many people.
type Mailing struct {
	ID      string           `json:"id"`
	State   string           `json:"state" enum:"waiting,queued,running,paused,done,failed,cancelled"`
	Created time.Time        `json:"created_at"`
	Looked  int64            `json:"looked" doc:"At how many people it has looked, of total."`
	Total   int64            `json:"total"`
	Mailed  int64            `json:"mailed"`
	Left    map[string]int64 `json:"left" doc:"How many it has left out, by reason: connected, exempt, no_address, flagged, left, mailed_before, never_mailed, or changed meanwhile."`
}

// Choice says whom a mailing is for: the people who are named, or those whom a filter shows and whom it suits, or everybody who
// has not been mailed.
type Choice struct {
	People   []string `json:"people,omitempty" nullable:"false" maxItems:"500" doc:"Ids."`
	Filter   *Filter  `json:"filter,omitempty"`
	Reminder bool     `json:"reminder,omitempty" doc:"The mail says that it is one; it goes to those who were mailed and have not confirmed."`
}

// Filter chooses people.
type Filter struct {
	Status    string `json:"status,omitempty" enum:"waiting,mailed,delivered,opened,verified,password,signed_in,second,bounced,problem,exempt,left"`
	Attention bool   `json:"attention,omitempty"`
	Words     string `json:"words,omitempty" maxLength:"200"`
}

// Proposal is an address that somebody with a person's link wants to use in place of the register's.
type Proposal struct {
	ID        string     `json:"id"`
	Person    string     `json:"person"`
	Name      string     `json:"name"`
	From      string     `json:"from" doc:"The register's address."`
	To        string     `json:"to"`
	Created   time.Time  `json:"created_at"`
	Confirmed *time.Time `json:"confirmed_at,omitempty" doc:"Its own mail was confirmed."`
	Settled   time.Time  `json:"settled_at" doc:"Until then the register's address may object."`
}

// Ruling decides on a proposal.
type Ruling struct {
	Decision string `json:"decision" enum:"approve,refuse"`
	Reason   string `json:"reason" minLength:"1" maxLength:"400"`
}

type inMailing struct {
	About
	Mailing string `path:"mailing"`
}

type inProposal struct {
	About
	Proposal string `path:"proposal"`
	Body     Ruling
}

// mailings are the operations about phase, mailings and proposed addresses.
func (d *Door) mailings(b *builder) {
	const path = "/organisations/{organisation}/mailings"
	read := rule{scope: relyingparty.TransitionRead, rights: rights(administrator.See)}
	write := rule{scope: relyingparty.TransitionWrite, rights: rights(administrator.Prepare, administrator.See)} // see: what was moved is answered as it stands
	send := write
	send.once = true
	add(b, operation{id: "get-phase", method: "GET", path: "/organisations/{organisation}/phase", summary: "Read where the organisation stands in its move", rule: read},
		func(ctx context.Context, c call, _ *About) (Phase, error) { return d.phase(ctx, c) })
	add(b, operation{id: "set-phase", method: "PUT", path: "/organisations/{organisation}/phase", summary: "Set phase, day and rate", rule: write}, d.setPhase)
	add(b, operation{id: "create-mailing", method: "POST", path: path, summary: "Send the preparation mail to many", rule: send, status: http.StatusAccepted}, d.send)
	add(b, operation{id: "list-mailings", method: "GET", path: path, summary: "List the 50 newest mailings", rule: read}, d.listMailings)
	add(b, operation{id: "get-mailing", method: "GET", path: path + "/{mailing}", summary: "Read how far a mailing has come", rule: read}, d.getMailing)
	for _, move := range []struct {
		id, summary string
		act         func(context.Context, administrator.Administrator, organisation.ID, string) error
	}{
		{"pause", "Let a mailing rest", d.Preparation.Pause},
		{"resume", "Let a mailing go on", d.Preparation.Resume},
		{"cancel", "End a mailing", d.Preparation.Cancel},
	} {
		add(b, operation{id: move.id + "-mailing", method: "POST", path: path + "/{mailing}/" + move.id, summary: move.summary, rule: write, more: conflict},
			func(ctx context.Context, c call, in *inMailing) (Mailing, error) {
				if err := move.act(ctx, c.by, c.org.ID, in.Mailing); err != nil {
					return Mailing{}, err
				}
				return d.getMailing(ctx, c, in)
			})
	}
	add(b, operation{id: "list-proposals", method: "GET", path: "/organisations/{organisation}/proposals", summary: "List addresses that people propose, as far as they wait for a decision", rule: read}, d.listProposals)
	do(b, operation{id: "decide-proposal", method: "POST", path: "/organisations/{organisation}/proposals/{proposal}", summary: "Say that a proposed address is the person's, or that it is not",
		rule: rule{scope: relyingparty.TransitionWrite, rights: rights(administrator.Help)}}, d.decideProposal)
}

func (d *Door) phase(ctx context.Context, c call) (Phase, error) {
	t, err := d.Preparation.Transition(ctx, c.org.ID)
	out := Phase{Phase: string(t.Phase), Rate: t.Rate}
	if !t.SwitchOn.IsZero() {
		out.SwitchOn = t.SwitchOn.UTC().Format(time.DateOnly)
	}
	return out, err
}

func (d *Door) setPhase(ctx context.Context, c call, in *with[Phase]) (Phase, error) {
	var day time.Time
	if text := in.Body.SwitchOn; text != "" {
		var err error
		if day, err = time.Parse(time.DateOnly, text); err != nil {
			return Phase{}, organisation.ErrBadTransition
		}
	}
	if err := d.Preparation.SetRate(ctx, c.by, c.org.ID, in.Body.Rate); err != nil {
		return Phase{}, err
	}
	if err := d.Preparation.SetPhase(ctx, c.by, c.org.ID, organisation.Phase(in.Body.Phase), day); err != nil {
		return Phase{}, err
	}
	return d.phase(ctx, c)
}

func (d *Door) send(ctx context.Context, c call, in *with[Choice]) (Mailing, error) {
	choice := preparation.Choice{Persons: in.Body.People, Reminder: in.Body.Reminder}
	switch f := in.Body.Filter; {
	case f != nil && in.Body.People != nil, in.Body.People != nil && len(in.Body.People) == 0:
		return Mailing{}, errChoice // an empty list is nobody, and not everybody
	case f != nil:
		act := transition.ActSend
		if in.Body.Reminder {
			act = transition.ActRemind
		}
		chosen, err := d.Transition.Choose(ctx, c.org.ID, act, transition.Filter{Status: transition.Status(f.Status), Attention: f.Attention, Words: f.Words}, 0)
		if err != nil {
			return Mailing{}, err
		}
		if len(chosen.IDs) == 0 {
			return Mailing{}, errNobody
		}
		choice.Persons = chosen.IDs
	}
	for _, id := range in.Body.People {
		if _, err := d.Transition.Find(ctx, c.org.ID, id); err != nil {
			return Mailing{}, err
		}
	}
	j, err := d.Preparation.Send(ctx, c.by, c.org.ID, choice)
	return shownMailing(j), err
}

func shownMailing(j job.Job) Mailing {
	out := Mailing{ID: j.ID, State: string(j.State), Created: instant(j.Created), Looked: j.Position, Total: j.Total, Mailed: j.Counts[preparation.Mailed], Left: map[string]int64{}}
	for _, why := range preparation.Skipped {
		if n := j.Counts[why]; n > 0 {
			out.Left[why] = n
		}
	}
	return out
}

func (d *Door) listMailings(ctx context.Context, c call, _ *About) (Page[Mailing], error) {
	out := Page[Mailing]{Items: []Mailing{}}
	all, err := d.Preparation.ListMailings(ctx, c.org.ID)
	for _, j := range all {
		out.Items = append(out.Items, shownMailing(j))
	}
	return out, err
}

func (d *Door) getMailing(ctx context.Context, c call, in *inMailing) (Mailing, error) {
	j, err := d.Preparation.FindMailing(ctx, c.org.ID, in.Mailing)
	return shownMailing(j), err
}

func (d *Door) listProposals(ctx context.Context, c call, _ *About) (Page[Proposal], error) {
	out := Page[Proposal]{Items: []Proposal{}}
	all, err := d.Preparation.ListProposals(ctx, c.org.ID)
	for _, p := range all {
		out.Items = append(out.Items, Proposal{ID: p.Proposal.ID, Person: p.Person.ID, Name: p.Person.Name(), From: p.Person.Address, To: p.Proposal.Address,
			Created: p.Proposal.Created.UTC(), Confirmed: when(p.Proposal.Confirmed), Settled: p.Proposal.Settled.UTC()})
	}
	return out, err
}

func (d *Door) decideProposal(ctx context.Context, c call, in *inProposal) error {
	decide := d.Preparation.Approve
	if in.Body.Decision == "refuse" {
		decide = d.Preparation.Refuse
	}
	return decide(ctx, c.by, c.org.ID, in.Proposal, in.Body.Reason)
}
