package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/transition"
)

// Person is a person of the register, and how far she has come. Her person key is not told here.
type Person struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	Address      string     `json:"address" doc:"Of the register."`
	Phone        string     `json:"phone,omitempty"`
	Language     string     `json:"language,omitempty"`
	Units        string     `json:"units,omitempty" doc:"Of the present employments."`
	Status       string     `json:"status" enum:"waiting,mailed,delivered,opened,verified,password,signed_in,second,bounced,problem,exempt,left"`
	Attention    bool       `json:"attention" doc:"Somebody should look."`
	Why          string     `json:"attention_reason,omitempty" enum:"tried,reported,push_off" doc:"Why somebody should look, where it is not the address: she tried to log in and could not be helped, she said on her phone that it was not she, or many questions there went unanswered."`
	Flag         string     `json:"flag,omitempty" enum:"missing,malformed,duplicate,shared,role,disposable" doc:"Why no mailed link can confirm the address."`
	Login        string     `json:"login,omitempty" doc:"What she logs in with, where it is another address."`
	HasPassword  bool       `json:"has_password"`
	HasSecond    bool       `json:"has_second"`
	Mailed       *time.Time `json:"mailed_at,omitempty"`
	Accepted     *time.Time `json:"accepted_at,omitempty"`
	Bounced      *time.Time `json:"bounced_at,omitempty"`
	Opened       *time.Time `json:"opened_at,omitempty"`
	Connected    *time.Time `json:"connected_at,omitempty"`
	SignedIn     *time.Time `json:"signed_in_at,omitempty"`
	Exempt       *time.Time `json:"exempt_at,omitempty"`
	Disconnected *time.Time `json:"disconnected_at,omitempty" doc:"The connection was taken away, and no mail that is not sent to her alone reaches her."`
	Until        string     `json:"until,omitempty" format:"date" doc:"The first day after the last employment."`
}

// Mail is a mail about a person, and what became of it.
type Mail struct {
	Template string     `json:"template"`
	To       string     `json:"to"`
	Created  time.Time  `json:"created_at"`
	State    string     `json:"state" enum:"queued,sent,dropped,expired,dead"`
	Answer   string     `json:"answer,omitempty" doc:"The mail server's words as it took it."`
	Bounced  *time.Time `json:"bounced_at,omitempty"`
	Status   string     `json:"status,omitempty" doc:"Of the bounce, as 5.1.1 (RFC 3463)."`
	Reason   string     `json:"reason,omitempty"`
	Turns    []Turn     `json:"turns" nullable:"false"`
}

// Turn is a line of a mail's history.
type Turn struct {
	Kind  string    `json:"kind" enum:"postponed,accepted,refused,dropped,expired,delayed,bounced"`
	At    time.Time `json:"at"`
	Words string    `json:"words,omitempty"`
}

// Counts says how many people have each status.
type Counts struct {
	Total     int            `json:"total"`
	Attention int            `json:"attention"`
	Statuses  map[string]int `json:"statuses"`
	Flags     map[string]int `json:"flags"`
	Funnel    []Stage        `json:"funnel" nullable:"false"`
}

// Stage is a step of the funnel: how many have come so far, or further.
type Stage struct {
	Status string `json:"status" enum:"waiting,mailed,delivered,opened,verified,password,signed_in,second"`
	Count  int    `json:"count"`
}

// Search asks for people as a helpdesk does: by a whole person key, the beginning of a name or an address, or the number that a
// page has shown with a refusal.
type Search struct {
	Text string `json:"text" minLength:"1" maxLength:"200"`
}

// Found is whom a search has found.
type Found struct {
	Items   []Person `json:"items" nullable:"false"`
	Refusal *Refusal `json:"refusal,omitempty" doc:"What a page has refused, where its number was asked for."`
}

// Refusal is what a page has refused.
type Refusal struct {
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
	Page      string    `json:"page"`
	Problem   string    `json:"problem,omitempty" doc:"The key of the sentence that the page has said."`
}

// Correction is another address for the register.
type Correction struct {
	Address string `json:"address" doc:"Empty: there is none."`
	Reason  string `json:"reason" maxLength:"400"`
}

// Reason says why, for the log.
type Reason struct {
	Reason string `json:"reason" maxLength:"400"`
}

// Narrow is a filter in an address.
type Narrow struct {
	Status    string `query:"status" enum:"waiting,mailed,delivered,opened,verified,password,signed_in,second,bounced,problem,exempt,left"`
	Attention bool   `query:"attention" doc:"Only those who need attention."`
	Words     string `query:"words" maxLength:"200" doc:"The beginning of a name or an address. No number of the person's and no old user id: addresses are written into logs; …/people/search takes those."`
}

type inPeople struct {
	About
	Paged
	Narrow
}

// OfPerson is the person that an operation is about.
type OfPerson struct {
	About
	Person string `path:"person"`
}

type inHistory struct {
	OfPerson
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type inReason struct {
	OfPerson
	Body Reason
}

type inCorrection struct {
	OfPerson
	Body Correction
}

// Phone is the phone by which a person is reached from now on.
type Phone struct {
	Phone  string `json:"phone" minLength:"1" maxLength:"64" doc:"Of a mobile phone, in any usual spelling. The register's address is taken away."`
	Reason string `json:"reason" minLength:"1" maxLength:"200"`
}

type inPhone struct {
	OfPerson
	Body Phone
}

// people are the operations about people, one at a time or as a list.
func (d *Door) people(b *builder) {
	const path, one = "/organisations/{organisation}/people", "/organisations/{organisation}/people/{person}"
	read := rule{scope: relyingparty.TransitionRead, rights: rights(administrator.See)}
	help := rule{scope: relyingparty.TransitionWrite, rights: rights(administrator.Help)}
	send := help
	send.once = true
	add(b, operation{id: "get-transition", method: "GET", path: "/organisations/{organisation}/transition", summary: "Count how far everybody has come", rule: read}, d.counts)
	add(b, operation{id: "list-people", method: "GET", path: path, summary: "List people in the order of their names", rule: read}, d.listPeople)
	add(b, operation{id: "search-people", method: "POST", path: path + "/search", summary: "Find people as a helpdesk does; a person key never stands in an address", rule: read}, d.search)
	add(b, operation{id: "get-person", method: "GET", path: one, summary: "Read how far a person has come", rule: read},
		func(ctx context.Context, c call, in *OfPerson) (Person, error) { return d.person(ctx, c, in.Person) })
	add(b, operation{id: "list-person-mails", method: "GET", path: one + "/mails", summary: "List the newest mails about a person", rule: read}, d.mails)
	add(b, operation{id: "list-person-history", method: "GET", path: one + "/history", summary: "List what administrators have done for a person", rule: read}, d.history)
	add(b, operation{id: "correct-address", method: "PUT", path: one + "/address", summary: "Correct the register's address of a person without a login", rule: help, more: conflict},
		func(ctx context.Context, c call, in *inCorrection) (Person, error) {
			return d.helped(ctx, c, in.Person, d.Transition.CorrectAddress(ctx, c.by, c.org.ID, in.Person, in.Body.Address, in.Body.Reason))
		})
	add(b, operation{id: "reach-by-sms", method: "PUT", path: one + "/phone", summary: "Reach a person without a login by SMS: correct the register's phone, and send the link there", rule: send, status: http.StatusAccepted},
		func(ctx context.Context, c call, in *inPhone) (Person, error) {
			err := d.Transition.CorrectPhone(ctx, c.by, c.org.ID, in.Person, in.Body.Phone, in.Body.Reason)
			if err == nil {
				_, err = d.Preparation.Send(ctx, c.by, c.org.ID, preparation.Choice{Persons: []string{in.Person}, Anew: true})
			}
			return d.helped(ctx, c, in.Person, err)
		})
	for _, act := range []struct {
		id, summary string
		do          func(context.Context, call, string, string) error
	}{
		{"vouch", "Say that an address is the person's own, though it looks like a task's", func(ctx context.Context, c call, id, reason string) error {
			return d.Transition.Vouch(ctx, c.by, c.org.ID, id, reason)
		}},
		{"exempt", "Take a person out of the transition", func(ctx context.Context, c call, id, reason string) error {
			return d.Transition.Exempt(ctx, c.by, c.org.ID, id, true, reason)
		}},
		{"include", "Take a person in again", func(ctx context.Context, c call, id, reason string) error {
			return d.Transition.Exempt(ctx, c.by, c.org.ID, id, false, reason)
		}},
		{"settle", "Say that somebody has seen why the person needs attention", func(ctx context.Context, c call, id, reason string) error {
			return d.Transition.Settle(ctx, c.by, c.org.ID, id, reason)
		}},
		{"disconnect", "Remove the connection with the person's login; its sessions and tokens end", func(ctx context.Context, c call, id, reason string) error {
			return d.Transition.Disconnect(ctx, c.by, c.org.ID, id, reason)
		}},
	} {
		add(b, operation{id: act.id + "-person", method: "POST", path: one + "/" + act.id, summary: act.summary, rule: help, more: conflict},
			func(ctx context.Context, c call, in *inReason) (Person, error) {
				return d.helped(ctx, c, in.Person, act.do(ctx, c, in.Person, in.Body.Reason))
			})
	}
	add(b, operation{id: "recover-person", method: "POST", path: one + "/recover", summary: "Send a person the link by which she makes a new password, to her own address", rule: send,
		status: http.StatusAccepted}, func(ctx context.Context, c call, in *inReason) (Person, error) {
		return d.helped(ctx, c, in.Person, d.Recovery.AskFor(ctx, c.by, c.org.ID, in.Person, in.Body.Reason))
	})
	add(b, operation{id: "send-to-person", method: "POST", path: one + "/send", summary: "Send a person the mail again", rule: send, status: http.StatusAccepted}, d.sendOne)
}

func (d *Door) counts(ctx context.Context, c call, _ *About) (Counts, error) {
	n, err := d.Transition.Counts(ctx, c.org.ID)
	out := Counts{Total: n.Total, Attention: n.Attention, Statuses: map[string]int{}, Flags: map[string]int{}, Funnel: []Stage{}}
	for _, s := range transition.Statuses() {
		out.Statuses[string(s)] = n.Of(s)
	}
	for flag, count := range n.Flags {
		out.Flags[string(flag)] = count
	}
	for _, s := range n.Funnel() {
		out.Funnel = append(out.Funnel, Stage{string(s.Status), s.Count})
	}
	return out, err
}

func (d *Door) listPeople(ctx context.Context, c call, in *inPeople) (Page[Person], error) {
	at, err := in.place(2)
	if err != nil {
		return Page[Person]{}, err
	}
	var after transition.Place
	if at != nil {
		after = transition.Place{SortKey: []byte(at[0]), ID: at[1]}
	}
	f := transition.Filter{Status: transition.Status(in.Status), Attention: in.Attention, Words: in.Words}
	rows, err := d.Transition.List(ctx, c.org.ID, f, after, in.Limit+1)
	return page(in.Paged, rows, d.shownPerson, func(r transition.Row) []string { return []string{string(r.SortKey), r.ID} }), err
}

func (d *Door) shownPerson(r transition.Row) Person {
	now := d.Now()
	p := Person{ID: r.ID, Name: r.Name, Address: r.Address, Phone: r.Phone, Language: r.Language, Units: r.Units, Status: string(r.Status(now)), Attention: r.NeedsAttention(now),
		Login: r.Login, HasPassword: r.HasSecret, HasSecond: r.HasSecond, Mailed: when(r.Mailed), Accepted: when(r.Accepted), Bounced: when(r.Bounced), Opened: when(r.Opened),
		Connected: when(r.Connected), SignedIn: when(r.SignedIn), Exempt: when(r.Exempt)}
	if p.Attention && r.IsMarked() {
		p.Why = cmp.Or(string(r.AttentionWhy), "tried")
	}
	if r.Account == "" {
		p.Flag, p.Disconnected = string(r.Flag), when(r.Disconnected)
	}
	if !r.Until.IsZero() {
		p.Until = r.Until.UTC().Format(time.DateOnly)
	}
	return p
}

// mostFound is how many people a search finds.
const mostFound = 50

func (d *Door) search(ctx context.Context, c call, in *with[Search]) (Found, error) {
	out := Found{Items: []Person{}}
	refusal, row, ok, err := d.Transition.FindRefusal(ctx, c.org.ID, in.Body.Text)
	if err != nil {
		return out, err
	}
	if ok {
		out.Refusal = &Refusal{refusal.Reference, refusal.At.UTC(), refusal.Page, refusal.Problem}
		out.Items = append(out.Items, d.shownPerson(row))
		return out, nil
	}
	rows, err := d.Transition.Search(ctx, c.org.ID, in.Body.Text, mostFound)
	for _, r := range rows {
		out.Items = append(out.Items, d.shownPerson(r))
	}
	return out, err
}

func (d *Door) person(ctx context.Context, c call, id string) (Person, error) {
	r, err := d.Transition.Find(ctx, c.org.ID, id)
	return d.shownPerson(r), err
}

// helped answers an act with the person as she is now.
func (d *Door) helped(ctx context.Context, c call, id string, err error) (Person, error) {
	if err != nil {
		return Person{}, err
	}
	return d.person(ctx, c, id)
}

func (d *Door) mails(ctx context.Context, c call, in *OfPerson) (Page[Mail], error) {
	out := Page[Mail]{Items: []Mail{}}
	all, err := d.Transition.Mails(ctx, c.org.ID, in.Person)
	for _, m := range all {
		out.Items = append(out.Items, shownMail(m))
	}
	return out, err
}

func shownMail(m outbox.Record) Mail {
	out := Mail{Template: m.Template, To: m.To, Created: m.Created.UTC(), State: string(m.State), Answer: m.Answer, Bounced: when(m.Bounced), Status: m.Status,
		Reason: m.Reason, Turns: []Turn{}}
	for _, t := range m.Turns {
		out.Turns = append(out.Turns, Turn{string(t.Kind), t.At.UTC(), t.Words})
	}
	return out
}

func (d *Door) history(ctx context.Context, c call, in *inHistory) (Page[Line], error) {
	if _, err := d.Transition.Find(ctx, c.org.ID, in.Person); err != nil {
		return Page[Line]{}, err
	}
	lines, err := d.Administration.PersonLog(ctx, c.org.ID, in.Person, in.Limit)
	return page(Paged{Limit: in.Limit}, lines, shownLine, func(administration.Line) []string { return nil }), err
}

// sendOne mails one person, after a look at the register where it has changed.
func (d *Door) sendOne(ctx context.Context, c call, in *OfPerson) (Mailing, error) {
	if err := d.Transition.Recheck(ctx, c.org.ID); err != nil {
		return Mailing{}, err
	}
	r, err := d.Transition.Find(ctx, c.org.ID, in.Person)
	if err != nil {
		return Mailing{}, err
	}
	j, err := d.Preparation.Send(ctx, c.by, c.org.ID, preparation.Choice{Persons: []string{r.ID}, Reminder: !r.Mailed.IsZero(), Anew: true})
	return shownMailing(j), err
}
