package transition

import (
	"cmp"
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
)

// Checked is a person as the pre-flight reads her.
type Checked struct {
	person.Person
	Identifier            account.Identifier
	SameMobile            int // how many others have the same mobile phone
	SameAddress, SameName int // how many persons of the organisation have it, she among them; of a name, two are enough to know
	Connected             bool
	Vouched               account.Identifier // of which an administrator says that it is her own; empty: none
}

// bite is how many persons one transaction takes (RULES §10).
const bite = 500

// atOnce is how many persons the pre-flight looks at while somebody waits for the answer; of a larger register a job does it.
const atOnce = 5_000

// Preflight looks at all persons of an organisation anew, and may be run again at any time: it finds the same. Of a small register the job
// that it returns is done already; where one goes on, it is that one. It fails with administrator.ErrForbidden.
func (s *Service) Preflight(ctx context.Context, by administrator.Administrator, o organisation.ID) (job.Job, error) {
	if !by.May(o, administrator.Prepare) {
		return job.Job{}, administrator.ErrForbidden
	}
	if j, running, err := s.Checking(ctx, o); err != nil || running {
		return j, err
	}
	total, err := s.Store.CountRegister(ctx, o)
	if err != nil {
		return job.Job{}, fmt.Errorf("count the register: %w", err)
	}
	j := job.New(job.Preflight, o, by.Account.ID, s.Now())
	j.State, j.Total = job.Queued, total
	small := total <= int64(cmp.Or(s.AtOnce, atOnce))
	if small {
		if _, err := s.check(ctx, o, true); err != nil {
			return j, err
		}
		j.State, j.Position = job.Done, total
	}
	e := by.Event(audit.PreflightRun, o, "", s.Now())
	e.Detail["persons"] = fmt.Sprint(total)
	return j, s.InTx(ctx, func(tx Tx) error {
		if !small {
			if err := tx.InsertJob(ctx, j); err != nil {
				return fmt.Errorf("insert job: %w", err)
			}
		}
		return tx.Append(ctx, e)
	})
}

// Checking is the pre-flight that goes on now; false where none does.
func (s *Service) Checking(ctx context.Context, o organisation.ID) (job.Job, bool, error) {
	newest, err := s.Store.ListJobs(ctx, o, job.Preflight, 1)
	if err != nil {
		return job.Job{}, false, fmt.Errorf("list jobs: %w", err)
	}
	if len(newest) == 0 || newest[0].State.Ended() {
		return job.Job{}, false, nil
	}
	return newest[0], true, nil
}

// paramAfter is the last person that a pre-flight's job has looked at.
const paramAfter = "after"

// PreflightStep does one bite of a pre-flight. It is a job.Step.
func (s *Service) PreflightStep(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	persons, err := s.Store.ListUnchecked(ctx, j.Organisation, j.Params[paramAfter], bite, true)
	if err != nil {
		return j, err
	}
	next := j
	next.Position += int64(len(persons))
	if len(persons) < bite {
		next.State, next.Position = job.Done, next.Total
	} else {
		next.Params = map[string]string{paramAfter: persons[len(persons)-1].ID}
	}
	return next, s.checkBite(ctx, j.Organisation, persons, func(tx Tx) error { return tx.SaveJob(ctx, next, holder, s.Now()) })
}

// RecheckBite looks at the next persons after the given one whom the pre-flight has not seen as they are now, or who share an address with
// such a person: after an import, where nobody has asked for it. It returns the last of them; empty: there are no more.
func (s *Service) RecheckBite(ctx context.Context, o organisation.ID, after string) (last string, err error) {
	persons, err := s.Store.ListUnchecked(ctx, o, after, bite, false)
	if err != nil || len(persons) == 0 {
		return "", err
	}
	return persons[len(persons)-1].ID, s.checkBite(ctx, o, persons, nil)
}

// check looks at persons in bites: all, or those whom it has not seen as they are now.
func (s *Service) check(ctx context.Context, o organisation.ID, all bool) (n int, err error) {
	for after := ""; ; {
		persons, err := s.Store.ListUnchecked(ctx, o, after, bite, all)
		if err != nil || len(persons) == 0 {
			return n, err
		}
		if err := s.checkBite(ctx, o, persons, nil); err != nil {
			return n, err
		}
		n, after = n+len(persons), persons[len(persons)-1].ID
	}
}

// checkBite looks at some persons, and saves what it finds together with what the caller saves besides; nil: nothing.
func (s *Service) checkBite(ctx context.Context, o organisation.ID, persons []Checked, besides func(Tx) error) error {
	type result struct {
		flag     person.Flag
		findings []Finding
	}
	results := make([]result, len(persons))
	for i, c := range persons {
		var twins []Checked
		if c.SameAddress > 1 || c.SameName > 1 {
			var err error
			if twins, err = s.Store.ListTwins(ctx, o, c); err != nil {
				return fmt.Errorf("list twins: %w", err)
			}
		}
		results[i].flag, results[i].findings = judge(c, twins, s.mayText)
	}
	return s.InBulkTx(ctx, func(tx Tx) error {
		for i, c := range persons {
			if err := tx.SaveChecked(ctx, c, results[i].flag, results[i].findings, s.Now()); err != nil {
				return fmt.Errorf("save what was found: %w", err)
			}
		}
		if besides == nil {
			return nil
		}
		return besides(tx)
	})
}
