// Package housekeeping is the flow that nobody asks for: it ends sessions that have passed their absolute limit, and
// removes what has served its time, in small bites. Every node does it; two at once find nothing twice.
package housekeeping

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/session"
)

// Service keeps the house.
type Service struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error
	Now   func() time.Time
	Log   *slog.Logger
	Every time.Duration // 0: one minute
	// Tend looks after what keeps its own time: the keys by which push services know this installation. nil: nothing.
	Tend func(context.Context) error
}

// Store is what housekeeping needs outside of a transaction of its own.
type Store interface {
	// Purge removes at most n rows of each kind that ended before the horizons, and says how many it removed. A kind
	// that fails does not keep the others.
	Purge(ctx context.Context, h Horizons, n int) (int, error)
	// ListExpiredSessions lists up to n sessions that have passed their absolute limit and are not ended.
	ListExpiredSessions(ctx context.Context, now time.Time, n int) ([]session.Session, error)
}

// Tx is what ending a session changes.
type Tx interface{ authn.Tx }

// Horizons are the times before which rows may go.
type Horizons struct {
	Now      time.Time // budgets, requests, attempts, spent puzzles, remembered browsers: their own end of life
	Sessions time.Time // ended sessions: kept for logout hints
	Grants   time.Time // ended and expired grants and device codes: kept to notice a code or token that comes again
	Pushes   time.Time // push challenges and binding codes
	Outbox   time.Time // delivered and dropped messages
	Refusals time.Time // what a page has refused: kept while somebody may ask a helpdesk
	Links    time.Time // used and expired links: kept to tell their holders apart from strangers

	Files     time.Time // pieces of a register file that were never all there
	Forgotten time.Time // files that nobody has begun to import
	Problems  time.Time // what was wrong with the rows of a file
	Answers   time.Time // what programs were answered at the API, by their idempotency keys
}

// The times that rows are kept.
const (
	keepSessions = 90 * 24 * time.Hour
	keepGrants   = 24 * time.Hour
	keepPushes   = time.Hour
	keepOutbox   = 30 * 24 * time.Hour
	keepLinks    = 30 * 24 * time.Hour
	keepRefusals = 14 * 24 * time.Hour
	keepFiles    = 24 * time.Hour
	keepWaiting  = 7 * 24 * time.Hour
	keepProblems = 90 * 24 * time.Hour
	bite         = 500
	endBite      = 50 // each session is several statements and messages
)

// Run keeps the house until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	every := s.Every
	if every == 0 {
		every = time.Minute
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("housekeeping failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round does all that is due.
func (s *Service) Round(ctx context.Context) error {
	failed := errors.Join(s.endExpired(ctx), s.purge(ctx))
	if s.Tend != nil {
		failed = errors.Join(failed, s.Tend(ctx))
	}
	return failed
}

func (s *Service) purge(ctx context.Context) error {
	now := s.Now()
	h := Horizons{Now: now, Sessions: now.Add(-keepSessions), Grants: now.Add(-keepGrants), Outbox: now.Add(-keepOutbox), Pushes: now.Add(-keepPushes),
		Links: now.Add(-keepLinks), Files: now.Add(-keepFiles), Forgotten: now.Add(-keepWaiting), Problems: now.Add(-keepProblems),
		Refusals: now.Add(-keepRefusals), Answers: now.Add(-idempotency.Life)}
	for {
		n, err := s.Store.Purge(ctx, h, bite)
		if err != nil || n == 0 {
			return err
		}
	}
}

// endExpired ends the sessions that have passed their absolute limit and tells their RPs (RULES §9).
func (s *Service) endExpired(ctx context.Context) error {
	for {
		now := s.Now()
		expired, err := s.Store.ListExpiredSessions(ctx, now, endBite)
		if err != nil || len(expired) == 0 {
			return err
		}
		err = s.InTx(ctx, func(tx Tx) error {
			for _, one := range expired {
				if err := s.end(ctx, tx, one, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
	}
}

func (s *Service) end(ctx context.Context, tx Tx, one session.Session, now time.Time) error {
	which := authn.Which{Account: one.Account, Session: one.ID, Expired: true}
	ended, err := authn.EndSessions(ctx, tx, which, session.EndedByTime, now)
	if err != nil || len(ended) == 0 {
		return err
	}
	return tx.Append(ctx, audit.Event{Kind: audit.SessionExpired, At: now, Actor: "system", Account: one.Account, Session: string(one.ID)})
}
