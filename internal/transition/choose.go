package transition

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// Act is what is done to many persons at once.
type Act string

// The acts.
const (
	ActSend   Act = "send"
	ActRemind Act = "remind"
	ActExempt Act = "exempt"
)

// Suits says whether an act makes sense for a person.
func (a Act) Suits(r Row, now time.Time) bool {
	switch s := r.Status(now); a {
	case ActSend:
		return s == Waiting && !r.IsDisconnected()
	case ActRemind:
		return (s == Mailed || s == Delivered || s == Opened) && !r.IsDisconnected()
	case ActExempt:
		return r.Account == "" && s != Exempt && s != Left
	}
	return false
}

// mostChosen is how many persons one act takes.
const mostChosen = 200_000

// Chosen are the persons whom an act is about.
type Chosen struct {
	IDs    []string
	First  []Row // of them
	Texted int   // how many of them have no address, and are reached by SMS
}

// Choose lists the persons whom a filter shows, as far as the act suits them.
func (s *Service) Choose(ctx context.Context, o organisation.ID, act Act, f Filter, shown int) (c Chosen, err error) {
	now := s.Now()
	for after := (Place{}); len(c.IDs) < mostChosen; {
		rows, err := s.List(ctx, o, f, after, bite)
		if err != nil {
			return Chosen{}, err
		}
		for _, r := range rows {
			if !act.Suits(r, now) {
				continue
			}
			c.IDs = append(c.IDs, r.ID)
			if r.Address == "" {
				c.Texted++
			}
			if len(c.First) < shown {
				c.First = append(c.First, r)
			}
		}
		if len(rows) < bite {
			break
		}
		last := rows[len(rows)-1]
		after = Place{SortKey: last.SortKey, ID: last.ID}
	}
	return c, nil
}
