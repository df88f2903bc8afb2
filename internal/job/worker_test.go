package job_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// counting is the work of these tests: a job counts to its total.
const counting job.Kind = "counting"

type scene struct {
	t      *testing.T
	db     *store.DB
	now    time.Time
	bites  int
	during func(j job.Job) error // in the middle of a bite
	worker *job.Worker
}

func each(t *testing.T, play func(t *testing.T, s *scene)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := &scene{t: t, db: db, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), during: func(job.Job) error { return nil }}
		s.worker = s.newWorker()
		play(t, s)
	})
}

func (s *scene) newWorker() *job.Worker {
	return &job.Worker{Store: s.db, Steps: map[job.Kind]job.Step{counting: s.bite}, Now: func() time.Time { return s.now },
		Log: slog.New(slog.DiscardHandler)}
}

func (s *scene) bite(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	s.bites++
	if err := s.during(j); err != nil {
		return j, err
	}
	j.Position++
	j.Counts["counted"] = j.Position
	if j.Position == j.Total {
		j.State = job.Done
	}
	return j, store.InBulkTx[job.Tx](s.db)(ctx, func(tx job.Tx) error { return tx.SaveJob(ctx, j, holder, s.now) })
}

// begin makes a queued job.
func (s *scene) begin(org organisation.ID, total int64) job.Job {
	s.t.Helper()
	j := job.New(counting, org, "", s.now)
	j.Total = total
	s.now = s.now.Add(time.Millisecond) // so that the next one is younger
	s.tx(func(tx *store.Tx) error { return tx.InsertJob(s.t.Context(), j) })
	s.move(j, job.Queued)
	return j
}

func (s *scene) tx(fn func(tx *store.Tx) error) {
	s.t.Helper()
	if err := store.InTx[*store.Tx](s.db)(s.t.Context(), fn); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) move(j job.Job, to job.State) {
	s.t.Helper()
	s.tx(func(tx *store.Tx) error {
		if ok, err := tx.MoveJob(s.t.Context(), j.Organisation, j.ID, to, s.now); err != nil || !ok {
			return fmt.Errorf("to %s: %v %w", to, ok, err)
		}
		return nil
	})
}

func (s *scene) round() int {
	s.t.Helper()
	n, err := s.worker.Round(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// want says where the job stands, as "running 3".
func (s *scene) want(j job.Job, state string) {
	s.t.Helper()
	have, ok, err := s.db.FindJob(s.t.Context(), j.Organisation, j.ID)
	if got := fmt.Sprint(have.State, " ", have.Position); err != nil || !ok || got != state || have.Counts["counted"] != have.Position {
		s.t.Errorf("%s, want %s (%v %v %v)", got, state, have.Counts, ok, err)
	}
}

func TestAJobIsDoneBiteByBite(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 3)
		s.want(j, "queued 0")
		for _, state := range []string{"running 1", "running 2", "done 3"} {
			s.round()
			s.want(j, state)
		}
		if s.round() != 0 || s.bites != 3 {
			t.Errorf("%d bites of 3", s.bites)
		}
		have, _, _ := s.db.FindJob(t.Context(), "abc", j.ID)
		if have.Started.IsZero() || !have.Finished.Equal(s.now) {
			t.Errorf("started %v, finished %v", have.Started, have.Finished)
		}
	})
}

func TestTwoJobsOfOneKindInOneOrganisationComeOneAfterTheOther(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		first, second, other := s.begin("abc", 2), s.begin("abc", 1), s.begin("xyz", 1)
		s.round()
		s.round()
		s.want(first, "done 2")
		s.want(second, "queued 0")
		s.want(other, "queued 0")
		s.round()
		s.round()
		s.want(second, "done 1")
		s.want(other, "done 1")
		if s.round() != 0 {
			t.Error("there is more to do")
		}
	})
}

func TestAPausedJobLetsTheNextOnePassAndGoesOnWhereItWas(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		first, second := s.begin("abc", 3), s.begin("abc", 1)
		s.round()
		s.move(first, job.Paused)
		s.round()
		s.want(first, "paused 1")
		s.want(second, "done 1")
		s.move(first, job.Queued)
		s.round()
		s.round()
		s.want(first, "done 3")
	})
}

func TestABiteOfAStoppedJobIsNotCommitted(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for _, to := range []job.State{job.Paused, job.Cancelled} {
			j := s.begin("abc", 3)
			s.round()
			s.during = func(job.Job) error { s.move(j, to); return nil }
			s.round()
			s.during = func(job.Job) error { return nil }
			s.want(j, string(to)+" 1")
			if s.round() != 0 {
				t.Error("there is more to do")
			}
		}
	})
}

func TestAnEndedJobIsNotMoved(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 1)
		s.round()
		for _, to := range []job.State{job.Queued, job.Paused, job.Cancelled, job.Done} {
			s.tx(func(tx *store.Tx) error {
				if ok, err := tx.MoveJob(t.Context(), "abc", j.ID, to, s.now); err != nil || ok {
					t.Errorf("moved to %s (%v)", to, err)
				}
				return nil
			})
		}
	})
}

func TestAJobOfAnotherOrganisationIsNeitherFoundNorMoved(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 1)
		if _, ok, err := s.db.FindJob(t.Context(), "xyz", j.ID); ok || err != nil {
			t.Error(ok, err)
		}
		s.tx(func(tx *store.Tx) error {
			if ok, err := tx.MoveJob(t.Context(), "xyz", j.ID, job.Cancelled, s.now); err != nil || ok {
				t.Error(ok, err)
			}
			return nil
		})
		if all, err := s.db.ListJobs(t.Context(), "xyz", counting, 10); len(all) != 0 || err != nil {
			t.Error(all, err)
		}
		if all, err := s.db.ListJobs(t.Context(), "abc", counting, 10); len(all) != 1 || err != nil {
			t.Error(all, err)
		}
	})
}

// TestAWorkerThatSleptThroughItsLeaseCommitsNothing: another one has gone on meanwhile.
func TestAWorkerThatSleptThroughItsLeaseCommitsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 3)
		asleep := true
		s.during = func(job.Job) error {
			if asleep {
				asleep = false
				s.now = s.now.Add(2 * job.LeaseTime)
				if n, err := s.newWorker().Round(t.Context()); n != 1 || err != nil {
					t.Error(n, err)
				}
			}
			return nil
		}
		s.round()
		s.want(j, "running 1")
	})
}

// TestAKilledWorkersJobIsFreeWhenItsLeaseEnds, and at the start of a process that is alone with its database.
func TestAKilledWorkersJobIsFreeWhenItsLeaseEnds(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 3)
		lease := func() bool {
			_, ok, err := s.db.LeaseJob(t.Context(), counting, "killed", s.now, s.now.Add(job.LeaseTime))
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		if !lease() || lease() {
			t.Error("a lease is for one")
		}
		if s.round() != 0 {
			t.Error("a job in hand was taken")
		}
		s.now = s.now.Add(job.LeaseTime)
		s.round()
		s.want(j, "running 1")
		if !lease() {
			t.Error("a job that was given back is not free")
		}
		if err := s.db.ReleaseJobs(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "running 2"
		if strings.HasSuffix(t.Name(), "postgres") {
			want = "running 1" // others may live
		}
		s.round()
		s.want(j, want)
	})
}

func TestABiteThatFailsIsTriedAgainLaterAndHoldsNobodyUp(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j, other := s.begin("abc", 1), s.begin("xyz", 1)
		s.during = func(j job.Job) error {
			if j.Organisation == "abc" {
				return errors.New("the disk is full")
			}
			return nil
		}
		if _, err := s.worker.Round(t.Context()); err == nil || !strings.Contains(err.Error(), "disk") {
			t.Error(err)
		}
		s.round()
		s.want(j, "running 0")
		s.want(other, "done 1")
		if s.round() != 0 {
			t.Error("it is tried again at once")
		}
		s.during = func(job.Job) error { return nil }
		s.now = s.now.Add(time.Minute)
		s.round()
		s.want(j, "done 1")
	})
}

func TestAJobThatRestsIsDueAtItsTime(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j, second := s.begin("abc", 2), s.begin("abc", 1)
		s.worker.Steps[counting] = func(ctx context.Context, j job.Job, holder string) (job.Job, error) {
			if j.Position == 0 {
				j.NotBefore = s.now.Add(time.Hour)
			}
			return s.bite(ctx, j, holder)
		}
		s.round()
		if s.round() != 0 {
			t.Error("it does not rest, or the next one has taken its place")
		}
		s.want(second, "queued 0")
		s.now = s.now.Add(time.Hour)
		s.round()
		s.want(j, "done 2")
	})
}

func TestTwentyWorkersAtOnceCountEveryNumberOnce(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		j := s.begin("abc", 40)
		now := s.now
		var mu sync.Mutex
		committed := map[int64]int{}
		step := func(ctx context.Context, j job.Job, holder string) (job.Job, error) {
			j.Position++
			j.Counts["counted"] = j.Position
			if j.Position == j.Total {
				j.State = job.Done
			}
			err := store.InBulkTx[job.Tx](s.db)(ctx, func(tx job.Tx) error { return tx.SaveJob(ctx, j, holder, now) })
			if err == nil {
				mu.Lock()
				committed[j.Position]++
				mu.Unlock()
			}
			return j, err
		}
		var group sync.WaitGroup
		for range 20 {
			w := &job.Worker{Store: s.db, Steps: map[job.Kind]job.Step{counting: step}, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
			group.Go(func() {
				for {
					have, _, err := s.db.FindJob(t.Context(), "abc", j.ID)
					if err != nil || have.State == job.Done {
						return
					}
					w.Round(t.Context()) //nolint:errcheck // one that met the others too often comes again
				}
			})
		}
		group.Wait()
		s.want(j, "done 40")
		for n, times := range committed {
			if times != 1 || len(committed) != 40 {
				t.Errorf("%d was counted %d times; %d numbers", n, times, len(committed))
			}
		}
	})
}
