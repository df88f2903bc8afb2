// Package housekeeping is the flow that nobody asks for: it removes what has served its time, in small bites.
// Every node does it; two at once find nothing twice.
package housekeeping

import (
	"context"
	"log/slog"
	"time"
)

// Service keeps the house.
type Service struct {
	Store Store
	Now   func() time.Time
	Log   *slog.Logger
	Every time.Duration // 0: five minutes
}

// Store is what housekeeping needs. Every call is a transaction of its own.
type Store interface {
	// Purge removes at most n rows that ended before the horizons, and says how many it removed.
	Purge(ctx context.Context, h Horizons, n int) (int, error)
}

// Horizons are the times before which rows may go.
type Horizons struct {
	Now      time.Time // budgets, requests, spent puzzles: their own end of life
	Sessions time.Time // ended sessions and grants: kept for the list of recent devices and for logout hints
	Outbox   time.Time // delivered and dropped messages
	Links    time.Time // used and expired links: kept to tell their holders apart from strangers
}

// The times that rows are kept.
const (
	keepSessions = 90 * 24 * time.Hour
	keepOutbox   = 30 * 24 * time.Hour
	keepLinks    = 30 * 24 * time.Hour
	bite         = 500
)

// Run purges until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	every := s.Every
	if every == 0 {
		every = 5 * time.Minute
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("housekeeping: purge failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round purges all that is due.
func (s *Service) Round(ctx context.Context) error {
	now := s.Now()
	h := Horizons{Now: now, Sessions: now.Add(-keepSessions), Outbox: now.Add(-keepOutbox), Links: now.Add(-keepLinks)}
	for {
		n, err := s.Store.Purge(ctx, h, bite)
		if err != nil || n == 0 {
			return err
		}
	}
}
