package transition

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Refusal is a page that refused something, as its reader tells a helpdesk of it: by the number that it showed.
type Refusal struct {
	Reference  string
	At         time.Time
	Status     int    // of HTTP
	Page       string // a template, or the key of a fault
	Problem    string // key of the sentence that the page said; empty: none
	Identifier account.Identifier
	Client     string // the RP from which the person came; may be empty
}

// refusals holds what was refused since the last flush. Like openings it is kept in memory, where it may be lost, and written apart
// from any request: an answer costs the same whether it refuses or not.
type refusals struct {
	mu      sync.Mutex
	waiting []Refusal
	day     time.Time
	of      map[string]int // programs' refusals that were kept today, by client; "" for all that name none which is known
}

// What is kept: so many a flush, and so many a day in the whole installation, so that whoever makes a thousand mistakes a second, or one a
// second for a week, fills no table. Beyond that a number is not found.
const (
	mostRefusals = 50
	flushPause   = 2 * time.Second
	mostADay     = 20_000
	mostOfOne    = 2_000 // of one client, or without one, a day at this node
	maxWord      = 200   // bytes
)

// cut keeps what a stranger has written within bounds, and harmless on the operator's screen.
func cut(s string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(s[:min(len(s), maxWord)], ""))
}

// isProgram says whether a program was refused and no person. Both are kept, and neither takes the other's room.
func (r Refusal) isProgram() bool { return r.Identifier == "" }

// NoteRefusal remembers a refusal. It writes nothing.
func (s *Service) NoteRefusal(r Refusal) {
	s.refusals.mu.Lock()
	defer s.refusals.mu.Unlock()
	r.Page, r.Problem, r.Client = cut(r.Page), cut(r.Problem), cut(r.Client)
	if day := r.At.Truncate(24 * time.Hour); !day.Equal(s.refusals.day) {
		s.refusals.day, s.refusals.of = day, map[string]int{}
	}
	kind := 0
	for _, one := range s.refusals.waiting {
		if one.isProgram() == r.isProgram() {
			kind++
		}
	}
	if kind < mostRefusals && !(r.isProgram() && s.refusals.of[r.Client] >= mostOfOne) {
		s.refusals.waiting = append(s.refusals.waiting, r)
	}
}

// nameClient leaves the client of a refusal as it is where there is such an app. Else whoever makes names up shares one budget, and the
// operator reads what was misspelt.
func nameClient(ctx context.Context, tx Tx, r *Refusal) error {
	known, err := tx.KnowsClient(ctx, r.Client)
	if err != nil || known || r.Client == "" {
		return err
	}
	if r.isProgram() {
		r.Problem = strings.TrimPrefix(r.Problem+"; no app has the client_id "+r.Client, "; ")
	}
	r.Client = ""
	return nil
}

// FlushRefusals writes what was refused since it was last called.
func (s *Service) FlushRefusals(ctx context.Context) error {
	s.refusals.mu.Lock()
	waiting, day, had := s.refusals.waiting, s.refusals.day, s.refusals.of
	s.refusals.waiting = nil
	s.refusals.mu.Unlock()
	if len(waiting) == 0 {
		return nil
	}
	var of map[string]int
	err := s.InBulkTx(ctx, func(tx Tx) error {
		of = maps.Clone(had)
		for _, programs := range []bool{false, true} {
			kept, err := tx.CountRefusals(ctx, s.Now().Add(-24*time.Hour), mostADay, programs)
			if err != nil {
				return fmt.Errorf("count refusals: %w", err)
			}
			for _, r := range waiting {
				if r.isProgram() != programs || kept >= mostADay {
					continue
				}
				if err := nameClient(ctx, tx, &r); err != nil {
					return err
				}
				if programs {
					if of[r.Client] >= mostOfOne {
						continue
					}
					of[r.Client]++
				}
				if err := tx.InsertRefusal(ctx, r); err != nil {
					return err
				}
				kept++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note refusals: %w", err)
	}
	s.refusals.mu.Lock()
	defer s.refusals.mu.Unlock()
	if s.refusals.day.Equal(day) {
		s.refusals.of = of
	}
	return nil
}

// Run writes refusals until ctx ends, and then once more.
func (s *Service) Run(ctx context.Context, failed func(error)) error {
	for {
		select {
		case <-ctx.Done():
			return s.FlushRefusals(context.WithoutCancel(ctx))
		case <-time.After(flushPause):
		}
		if err := s.FlushRefusals(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}

// reference is how a page's number looks; people read it out with and without small letters.
var reference = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{8}$`)

// LookUpRefusal looks a refusal up by its number, for the operator: a person's or a program's.
func (s *Service) LookUpRefusal(ctx context.Context, number string) (Refusal, bool, error) {
	number = strings.ToUpper(strings.TrimSpace(number))
	if !reference.MatchString(number) {
		return Refusal{}, false, nil
	}
	return s.Store.FindRefusal(ctx, number)
}

// FindRefusal looks a refusal up by its number, and the person of the organisation whom it met. Somebody else's is not found: only
// one whose address is a person's of this organisation is shown.
func (s *Service) FindRefusal(ctx context.Context, o organisation.ID, number string) (Refusal, Row, bool, error) {
	number = strings.ToUpper(strings.TrimSpace(number))
	if !reference.MatchString(number) {
		return Refusal{}, Row{}, false, nil
	}
	r, ok, err := s.Store.FindRefusal(ctx, number)
	if err != nil || !ok || r.Identifier == "" {
		return Refusal{}, Row{}, false, err
	}
	id, ok, err := s.Store.FindPersonByIdentifier(ctx, o, r.Identifier)
	if err != nil || !ok {
		return Refusal{}, Row{}, false, err
	}
	row, err := s.Find(ctx, o, id)
	if row.Account == "" {
		r.Page, r.Problem = "", "" // what it refused would tell of an account that is somebody else's (RULES §6)
	}
	return r, row, err == nil, err
}
