package admin

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/transition"
)

// getMailings handles GET /mailings: where the organisation stands, what has been sent, and who proposes another address.
func (d *Door) getMailings(v visit) error { return d.mailingsPage(v, http.StatusOK, "") }

func (d *Door) mailingsPage(v visit, status int, problem string) error {
	ctx := v.r.Context()
	t, err := d.Preparation.Transition(ctx, v.org.ID)
	if err != nil {
		return err
	}
	view := Mailings{Frame: d.frame(v, "/mailings"), Problem: problem, Phase: string(t.Phase), Rate: t.Rate, PhaseAction: v.url("/phase"), PreflightURL: v.url("/preflight"),
		SendURL: v.url("/bulk?act=send&status=waiting"), RemindURL: v.url("/bulk?act=remind"), SheetsURL: v.url("/sheets"), MoveAction: v.url("/mailings/move"), DecideAction: v.url("/proposals")}
	if !t.SwitchOn.IsZero() {
		view.SwitchOn = t.SwitchOn.UTC().Format(time.DateOnly)
	}
	if view.Unchecked, err = d.Transition.Unchecked(ctx, v.org.ID); err != nil {
		return err
	}
	all, err := d.Preparation.ListMailings(ctx, v.org.ID)
	if err != nil {
		return err
	}
	for _, j := range all {
		row := MailingRow{ID: j.ID, At: j.Created, State: jobKeys[j.State], Looked: j.Position, Total: j.Total, Mailed: j.Counts[preparation.Mailed], Texted: j.Counts[preparation.Texted], Running: !j.State.Ended(),
			CanPause: j.State == job.Queued || j.State == job.Running, CanResume: j.State == job.Paused}
		for _, why := range preparation.Skipped {
			row.Left += j.Counts[why]
		}
		view.Running = view.Running || row.Running
		view.Rows = append(view.Rows, row)
	}
	proposals, err := d.Preparation.ListProposals(ctx, v.org.ID)
	if err != nil {
		return err
	}
	for _, p := range proposals {
		view.Proposals = append(view.Proposals, ProposalRow{ID: p.Proposal.ID, Name: p.Person.Name(), PersonURL: v.url("/people/" + p.Person.ID), From: p.Person.Address,
			To: p.Proposal.Address, At: p.Proposal.Created, Confirmed: p.Proposal.Confirmed, Settled: p.Proposal.Settled})
	}
	return d.page(v, status, "mailings", view)
}

// jobKeys are the names of the states of a job.
var jobKeys = map[job.State]string{
	job.Waiting: "admin.job.waiting", job.Queued: "admin.job.queued", job.Running: "admin.job.running", job.Paused: "admin.job.paused",
	job.Done: "admin.job.done", job.Failed: "admin.job.failed", job.Cancelled: "admin.job.cancelled",
}

// postPhase handles POST /phase: the phase of the move, its day, and how many mails go out in a minute.
func (d *Door) postPhase(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	rate, err := strconv.Atoi(strings.TrimSpace(v.r.PostFormValue("rate")))
	if err != nil {
		return d.mailingsPage(v, http.StatusUnprocessableEntity, "admin.mailings.problem_rate")
	}
	var day time.Time
	if text := strings.TrimSpace(v.r.PostFormValue("switch_on")); text != "" {
		if day, err = time.Parse(time.DateOnly, text); err != nil {
			return d.mailingsPage(v, http.StatusUnprocessableEntity, "admin.settings.problem_day")
		}
	}
	ctx := v.r.Context()
	err = d.Preparation.SetRate(ctx, v.by, v.org.ID, rate)
	if err == nil {
		err = d.Preparation.SetPhase(ctx, v.by, v.org.ID, organisation.Phase(v.r.PostFormValue("phase")), day)
	}
	switch {
	case errors.Is(err, organisation.ErrBadTransition):
		return d.mailingsPage(v, http.StatusUnprocessableEntity, "admin.mailings.problem_rate")
	case err != nil:
		return err
	}
	return v.back("/mailings", "saved")
}

// postMoveMailing handles POST /mailings/move: pause, go on, cancel.
func (d *Door) postMoveMailing(v visit) error {
	act := map[string]func() error{
		"pause":  func() error { return d.Preparation.Pause(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("mailing")) },
		"resume": func() error { return d.Preparation.Resume(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("mailing")) },
		"cancel": func() error { return d.Preparation.Cancel(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("mailing")) },
	}[v.r.PostFormValue("to")]
	if act == nil {
		return errNotFound
	}
	if err := act(); err != nil && !errors.Is(err, preparation.ErrNoMailing) && !errors.Is(err, preparation.ErrNotSo) {
		return err
	}
	return v.back("/mailings", "") // also where it had ended meanwhile: the page says how
}

// postProposal handles POST /proposals: an administrator says that a proposed address is the person's, or that it is not.
func (d *Door) postProposal(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	decide, notice := d.Preparation.Approve, "approved"
	if v.r.PostFormValue("want") == "refuse" {
		decide, notice = d.Preparation.Refuse, "refused"
	}
	reason := strings.TrimSpace(v.r.PostFormValue("reason"))
	if reason == "" {
		return d.mailingsPage(v, http.StatusUnprocessableEntity, "admin.people.problem_reason")
	}
	err := decide(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("proposal"), reason)
	if errors.Is(err, preparation.ErrNoProposal) {
		return v.back("/mailings", "")
	}
	if err != nil {
		return err
	}
	return v.back("/mailings", notice)
}

// mostShown is how many persons the preview of a bulk action names.
const mostShown = 20

// chosen are the persons that a bulk action is about.
func (d *Door) chosen(v visit, act string, f transition.Filter) (transition.Chosen, error) {
	return d.Transition.Choose(v.r.Context(), v.org.ID, transition.Act(act), f, mostShown)
}

// bulkKeys are what a bulk act is called, and what its button says.
var bulkKeys = map[string]struct{ title, text, button string }{
	"send":   {"admin.bulk.send", "admin.bulk.send_text", "admin.bulk.send_submit"},
	"remind": {"admin.bulk.remind", "admin.bulk.remind_text", "admin.bulk.remind_submit"},
	"exempt": {"admin.bulk.exempt", "admin.bulk.exempt_text", "admin.bulk.exempt_submit"},
}

// getBulk handles GET /bulk: whom a bulk action would be about. It does nothing.
func (d *Door) getBulk(v visit) error { return d.bulkPage(v, http.StatusOK, "") }

func (d *Door) bulkPage(v visit, status int, problem string) error {
	q := v.r.URL.Query()
	if v.r.Method == http.MethodPost {
		q = v.r.PostForm
	}
	act := q.Get("act")
	keys, ok := bulkKeys[act]
	if !ok {
		return errNotFound
	}
	f := d.bulkFilter(v)
	chosen, err := d.chosen(v, act, f)
	if err != nil {
		return err
	}
	view := Bulk{Frame: d.frame(v, "/transition"), Title: keys.title, Text: keys.text, Button: keys.button, Action: v.url("/bulk"), Act: act, Status: string(f.Status),
		Attention: f.Attention, Words: f.Words, Count: len(chosen.IDs), NeedsReason: act == "exempt", CancelURL: v.url("/transition?" + d.filterQuery(v, f).Encode()), Problem: problem,
		PreflightURL: v.url("/preflight")}
	if act != "exempt" {
		view.Texted = chosen.Texted
	}
	view.Rows, _ = d.personRows(v, chosen.First, "/transition", f)
	return d.page(v, status, "bulk", view)
}

// bulkFilter is whom a bulk action is about: in the address of its preview, or in the form.
func (d *Door) bulkFilter(v visit) transition.Filter {
	if v.r.Method == http.MethodPost {
		return formFilter(v)
	}
	return d.readFilter(v)
}

// postBulk handles POST /bulk: it does what the preview has shown, to whom it suits by now.
func (d *Door) postBulk(v visit) error {
	act := v.r.PostFormValue("act")
	if _, ok := bulkKeys[act]; !ok {
		return errNotFound
	}
	chosen, err := d.chosen(v, act, d.bulkFilter(v))
	if err != nil {
		return err
	}
	if len(chosen.IDs) == 0 {
		return v.back("/transition", "")
	}
	if act == "exempt" {
		err := d.Transition.ExemptAll(v.r.Context(), v.by, v.org.ID, chosen.IDs, v.r.PostFormValue("reason"))
		if errors.Is(err, transition.ErrReason) {
			return d.bulkPage(v, http.StatusUnprocessableEntity, "admin.people.problem_reason")
		}
		if err != nil {
			return err
		}
		return v.back("/transition", "exempted_all")
	}
	_, err = d.Preparation.Send(v.r.Context(), v.by, v.org.ID, preparation.Choice{Persons: chosen.IDs, Reminder: act == "remind"})
	switch {
	case errors.Is(err, preparation.ErrUnchecked):
		return d.bulkPage(v, http.StatusUnprocessableEntity, "admin.mailings.problem_unchecked")
	case errors.Is(err, preparation.ErrEnded):
		return d.bulkPage(v, http.StatusUnprocessableEntity, "admin.mailings.problem_ended")
	case err != nil:
		return err
	}
	return v.back("/mailings", "mailing")
}
