package preparation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
)

// Choice says whom a mailing is for.
type Choice struct {
	// Persons are the ids of people who were picked, whether they were mailed before or not. Empty: everybody who has not confirmed
	// and was not mailed yet, or was, for a reminder.
	Persons  []string
	Reminder bool // the mail says that it is one
	// Anew invites the one person that was picked again, also where an administrator has taken her connection away: what she asks for herself,
	// and what everybody gets, no longer reaches her.
	Anew bool
}

// Mailed is the count of a mailing's job that says how many mails it has enqueued. Its position is how many people it has looked
// at, its total how many it will.
const Mailed = "mailed"

// Texted is the count of those of them that go by SMS, to people who have no address.
const Texted = "texted"

// Skipped are the counts of those whom a mailing leaves out, by reason.
var Skipped = []string{"connected", "exempt", "no_address", "flagged", "left", "mailed_before", "never_mailed", "changed", "disconnected"}

// Candidate is a person whom a mailing looks at.
type Candidate struct {
	Invitation
	MailedAt time.Time // the newest preparation mail; zero: none
	Stale    bool      // no mail went to the address that the register has now
}

// The params of a mailing's job.
const (
	paramChosen   = "chosen"   // "yes": the recipients are rows
	paramReminder = "reminder" // "yes"
	paramCursor   = "cursor"   // the last person that was looked at
)

// paramGuide and a language begin a mail's param with what stands in the public address of the organisation's guide in it.
const paramGuide = "guide_"

// chunk is how many rows one transaction, or one read, takes (RULES §10).
const chunk = 500

// The sizes of a bite: a share of the minute's rate, so that mails drip.
const (
	bitesPerMinute = 6
	mostPerBite    = 100
)

// Send begins a mailing: a job that drips mails at the organisation's rate. Whoever helps one
// person at a time may send to one. It fails with administrator.ErrForbidden, ErrUnchecked, ErrUnknownOrganisation or ErrEnded.
func (s *Service) Send(ctx context.Context, by administrator.Administrator, org organisation.ID, c Choice) (job.Job, error) {
	if !by.May(org, administrator.Prepare) && (len(c.Persons) != 1 || !by.May(org, administrator.Help)) {
		return job.Job{}, administrator.ErrForbidden
	}
	unchecked, err := s.Store.CountUnchecked(ctx, org)
	if err != nil {
		return job.Job{}, fmt.Errorf("count the unchecked: %w", err)
	}
	if unchecked > 0 {
		return job.Job{}, ErrUnchecked
	}
	j := job.New(job.Mailing, org, by.Account.ID, s.Now())
	j.Total = int64(len(c.Persons))
	if len(c.Persons) == 0 {
		var err error
		if j.Total, err = s.Store.CountRegister(ctx, org); err != nil {
			return j, fmt.Errorf("count persons: %w", err)
		}
	} else {
		j.Params[paramChosen] = "yes"
	}
	if c.Reminder {
		j.Params[paramReminder] = "yes"
	}
	for rest := c.Persons; len(rest) > 0; {
		n := min(len(rest), chunk)
		err := s.InBulk(ctx, func(tx Tx) error {
			for _, id := range rest[:n] {
				if err := tx.ChooseRecipient(ctx, j.ID, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return j, fmt.Errorf("choose recipients: %w", err)
		}
		rest = rest[n:]
	}
	j.State = job.Queued
	return j, s.InTx(ctx, func(tx Tx) error {
		if _, ok, err := tx.FindOrganisationInTx(ctx, org); err != nil || !ok {
			return cmp.Or(err, ErrUnknownOrganisation)
		}
		t, err := tx.FindTransitionInTx(ctx, org)
		if err != nil {
			return fmt.Errorf("find transition: %w", err)
		}
		if t.Phase == organisation.Ended {
			return ErrEnded
		}
		if c.Anew && len(c.Persons) == 1 {
			if err := tx.InviteAnew(ctx, org, c.Persons[0]); err != nil {
				return fmt.Errorf("invite anew: %w", err)
			}
		}
		if err := tx.InsertJob(ctx, j); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		e := by.Event(audit.MailingBegun, org, "", s.Now())
		e.Detail["job"], e.Detail["reminder"], e.Detail["chosen"] = j.ID, cmp.Or(j.Params[paramReminder], "no"), cmp.Or(j.Params[paramChosen], "no")
		return tx.Append(ctx, e)
	})
}

// Pause stops a mailing until it is resumed. It fails with administrator.ErrForbidden, ErrNoMailing or ErrNotSo.
func (s *Service) Pause(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Paused)
}

// Resume lets a mailing go on where it was paused. It fails with administrator.ErrForbidden, ErrNoMailing or ErrNotSo.
func (s *Service) Resume(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Queued)
}

// Cancel ends a mailing. It fails with administrator.ErrForbidden, ErrNoMailing or ErrNotSo.
func (s *Service) Cancel(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Cancelled)
}

func (s *Service) move(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, to job.State) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	if _, err := s.FindMailing(ctx, org, id); err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		if ok, err := tx.MoveJob(ctx, org, id, to, s.Now()); err != nil || !ok {
			return cmp.Or(err, ErrNotSo)
		}
		e := by.Event(audit.MailingMoved, org, "", s.Now())
		e.Detail["job"], e.Detail["to"] = id, string(to)
		return tx.Append(ctx, e)
	})
}

// FindMailing reads a mailing of the organisation. It fails with ErrNoMailing.
func (s *Service) FindMailing(ctx context.Context, org organisation.ID, id string) (job.Job, error) {
	j, ok, err := s.Store.FindJob(ctx, org, id)
	if err == nil && (!ok || j.Kind != job.Mailing) {
		err = ErrNoMailing
	}
	return j, err
}

// ListMailings lists the organisation's newest mailings.
func (s *Service) ListMailings(ctx context.Context, org organisation.ID) ([]job.Job, error) {
	return s.Store.ListJobs(ctx, org, job.Mailing, 50)
}

// letter is a mail that was made outside of the transaction, with its link.
type letter struct {
	to      Candidate
	message outbox.Message
	link    Link
	before  job.Job // as it stood before it looked at the person
}

// Mail does one bite of a mailing: so many mails as the rate allows for a share of a minute. Each person's row, link, message and mark
// are committed together with how far the job has come, so that a crash or a second node mails nobody twice.
func (s *Service) Mail(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	t, err := s.Store.FindTransition(ctx, j.Organisation)
	if err != nil {
		return j, fmt.Errorf("find transition: %w", err)
	}
	if t.Phase == organisation.Ended {
		j.State, j.Reason = job.Failed, "ended"
		return j, s.InBulk(ctx, func(tx Tx) error { return tx.SaveJob(ctx, j, holder, s.Now()) })
	}
	all, err := s.Store.ListCandidates(ctx, j.Organisation, j.ID, j.Params[paramChosen] != "", j.Params[paramCursor], chunk)
	if err != nil {
		return j, fmt.Errorf("list candidates: %w", err)
	}
	guides, err := s.Store.ListGuideLinks(ctx, j.Organisation)
	if err != nil {
		return j, fmt.Errorf("list the links of guides: %w", err)
	}
	next := j
	next.Counts, next.Params = maps.Clone(j.Counts), maps.Clone(j.Params)
	most := min(max(t.Rate/bitesPerMinute, 1), mostPerBite)
	var letters []letter
	looked := 0
	for _, c := range all {
		if len(letters) == most {
			break
		}
		before := next
		before.Counts, before.Params = maps.Clone(next.Counts), maps.Clone(next.Params)
		looked++
		next.Position++
		next.Params[paramCursor] = c.Person.ID
		why := c.skip(j, s.Now())
		if n := c.Person.Reached().Phone(); why == "" && n != "" && s.Authn.MayText(n) != nil {
			why = "no_address" // the gateway, or the country, has gone since the pre-flight
		}
		if why != "" {
			next.Counts[why]++
			continue
		}
		l := s.write(c, j, t)
		for language, link := range guides {
			l.message.Params[paramGuide+language] = link
		}
		l.before = before
		letters = append(letters, l)
	}
	if looked == len(all) && len(all) < chunk {
		next.State = job.Done
	}
	if len(letters) > 0 {
		next.NotBefore = s.Now().Add(time.Duration(len(letters)) * time.Minute / time.Duration(t.Rate))
	}
	saved := next
	err = s.InBulk(ctx, func(tx Tx) error {
		saved, err = s.bite(ctx, tx, next, letters, holder)
		return err
	})
	return saved, err
}

// limitPause is how long a mailing waits that has sent as many messages by SMS as it may in a day.
const limitPause = 15 * time.Minute

// bite commits one bite.
func (s *Service) bite(ctx context.Context, tx Tx, j job.Job, letters []letter, holder string) (job.Job, error) {
	now := s.Now()
	mailed, texted, changed := 0, int64(0), int64(0)
	for _, l := range letters {
		if l.message.Channel == outbox.SMS {
			err := s.Authn.TakeInvitation(ctx, tx)
			if errors.Is(err, authn.ErrSMSLimit) { // as many as may have gone out today: the job waits before this person
				j = l.before
				j.NotBefore = now.Add(limitPause)
				break
			}
			if err != nil {
				return j, err
			}
		}
		ok, err := tx.TakeRecipient(ctx, j.ID, l.to.Person.ID, l.link.Identifier, l.to.MailedAt, now)
		if err != nil {
			return j, fmt.Errorf("take recipient: %w", err)
		}
		if !ok {
			changed++ // confirmed, flagged or exempted since the list was read
			continue
		}
		if l.message.Channel == outbox.SMS {
			texted++
		}
		if err := s.send(ctx, tx, l.message, l.link); err != nil {
			return j, err
		}
		if err := tx.MarkMailed(ctx, l.to.Person.ID, now); err != nil {
			return j, fmt.Errorf("mark a person: %w", err)
		}
		mailed++
	}
	if texted > 0 {
		if err := tx.NoteUnaddressed(ctx, j.Organisation); err != nil {
			return j, fmt.Errorf("note people without an address: %w", err)
		}
	}
	j.Counts = maps.Clone(j.Counts)
	for count, n := range map[string]int64{Mailed: int64(mailed), Texted: texted, "changed": changed} {
		if n > 0 || count == Mailed {
			j.Counts[count] += n
		}
	}
	if err := tx.SaveJob(ctx, j, holder, now); err != nil {
		return j, err
	}
	if mailed == 0 && j.State != job.Done {
		return j, nil
	}
	e := audit.Event{Kind: audit.MailingSent, At: now, Actor: "system", Detail: map[string]string{
		"organisation": string(j.Organisation), "job": j.ID, "mailed": fmt.Sprint(mailed), "state": string(j.State)}}
	return j, tx.Append(ctx, e)
}

// skip says why the person gets no mail; empty: she does.
func (c Candidate) skip(j job.Job, now time.Time) string {
	picked, reminder := j.Params[paramChosen] != "", j.Params[paramReminder] != ""
	mailed := !c.MailedAt.IsZero() && !c.Stale
	switch {
	case c.Connected.ID != "":
		return "connected"
	case !c.Person.Exempt.IsZero():
		return "exempt"
	case c.Person.Reached() == "":
		return "no_address"
	case c.Disconnected:
		return "disconnected"
	case !c.isConfirmable():
		return "flagged"
	case hasLeft(c.Person, now):
		return "left"
	case picked && mailed && !c.MailedAt.Before(j.Created):
		return "mailed_before" // by a mailing that was begun twice: two presses, two tabs
	case picked:
		return ""
	case !reminder && mailed:
		return "mailed_before"
	case reminder && (!mailed || !c.MailedAt.Before(j.Created)):
		return "never_mailed"
	}
	return ""
}

// hasLeft says whether the person's last employment is over.
func hasLeft(p person.Person, now time.Time) bool {
	until := p.Until()
	return !until.IsZero() && !now.Before(until)
}

// write makes the mail and its link, with secrets that the transaction may use again.
func (s *Service) write(c Candidate, j job.Job, t organisation.Transition) letter {
	template, now := ConfirmTemplate, s.Now()
	if j.Params[paramReminder] != "" {
		template = ReminderTemplate
	}
	c.Transition = t
	token, to := secret.NewToken(), c.Person.Reached()
	if to.Phone() != "" {
		token = secret.NewShortToken()
	}
	m := outbox.New(outbox.Mail, template, c.Person.Address, now)
	m.Lane, m.Language, m.Expires, m.Prepared, m.Link = outbox.Routine, c.Person.Language, now.Add(mailLife), true, secret.NewID()
	m.Organisation, m.Person = c.Person.Organisation, c.Person.ID
	m.Params = s.params(c.Invitation)
	if c.Holder.ID != "" {
		m.Params["existing"] = "yes" // the same template and the same counts: nothing tells an administrator of it (RULES §6)
	}
	if n := to.Phone(); n != "" {
		s.Authn.ToPhone(&m, n, token)
	} else {
		m.SealSecret(s.Keys, token, now)
	}
	return letter{to: c, message: m, link: Link{ID: m.Link, Secret: token.Hash(), Purpose: Confirm, Person: c.Person.ID, Identifier: to, Language: m.Language}}
}
