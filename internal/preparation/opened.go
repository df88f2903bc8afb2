package preparation

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// opens holds whose links were opened since the last flush. That a link was opened is a hint and never a proof of a person: mail
// scanners open links too. So it is kept in memory, where it may be lost, and written apart from any request (RULES §4).
type opens struct {
	mu      sync.Mutex
	persons map[string]bool
}

// maxOpens bounds what waits; a flood of openings is then not counted whole.
const maxOpens = 10_000

// NoteOpening remembers that a link's page was shown. It writes nothing.
func (s *Service) NoteOpening(o Opened) {
	if o.person == "" {
		return
	}
	s.opens.mu.Lock()
	defer s.opens.mu.Unlock()
	if s.opens.persons == nil {
		s.opens.persons = map[string]bool{}
	}
	if len(s.opens.persons) < maxOpens {
		s.opens.persons[o.person] = true
	}
}

// Flush writes what was opened since it was last called.
func (s *Service) Flush(ctx context.Context) error {
	s.opens.mu.Lock()
	waiting := s.opens.persons
	s.opens.persons = nil
	s.opens.mu.Unlock()
	var ids []string
	for id := range waiting {
		ids = append(ids, id)
	}
	for len(ids) > 0 {
		n := min(len(ids), chunk)
		if err := s.InBulk(ctx, func(tx Tx) error { return tx.MarkOpened(ctx, ids[:n], s.Now()) }); err != nil {
			return fmt.Errorf("note openings: %w", err)
		}
		ids = ids[n:]
	}
	return nil
}

// flushPause is how late an opening may be written.
const flushPause = 5 * time.Second

// Run writes openings until ctx ends, and then once more.
func (s *Service) Run(ctx context.Context, failed func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return s.Flush(context.WithoutCancel(ctx))
		case <-time.After(flushPause):
		}
		if err := s.Flush(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}
