package transition

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/organisation"
)

// Report is what the pre-flight has found.
type Report struct {
	Counts    map[Kind]int
	Unchecked int // persons whom it has not seen as they are now
	Total     int
}

// Report counts what was found last.
func (s *Service) Report(ctx context.Context, o organisation.ID) (Report, error) {
	counts, err := s.Store.CountFindings(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("count findings: %w", err)
	}
	unchecked, err := s.Unchecked(ctx, o)
	if err != nil {
		return Report{}, err
	}
	persons, err := s.Store.CountPersons(ctx, o, s.Now())
	return Report{Counts: counts, Unchecked: unchecked, Total: persons.Total}, err
}

// Unchecked counts the persons whom the pre-flight has not seen as they are now. A report counts everybody besides, which costs more.
func (s *Service) Unchecked(ctx context.Context, o organisation.ID) (int, error) {
	n, err := s.Store.CountUnchecked(ctx, o)
	if err != nil {
		return 0, fmt.Errorf("count the unchecked: %w", err)
	}
	return n, nil
}

// Findings lists up to n findings of a kind (” all) after a person's id.
func (s *Service) Findings(ctx context.Context, o organisation.ID, kind Kind, after string, n int) ([]Found, error) {
	return s.Store.ListFindings(ctx, o, kind, after, n)
}

// Outlook is who would get in today, and why not the others.
type Outlook struct {
	Password  int // by a password of ours
	Imported  int // by the old one, which is checked at the first login
	Link      int // by a mailed link: the address is confirmed, and there is no password
	Confirm   int // after confirming the address, which the login page offers to whoever asks for a link
	Bounced   int // not: the mail came back
	Flags     map[Kind]int
	Exempt    int
	Left      int
	Total     int
	Switched  bool
	Unchecked int
}

// In is how many would get in.
func (o Outlook) In() int {
	n := o.Password + o.Imported + o.Link
	if o.Switched {
		n += o.Confirm
	}
	return n
}

// Simulate says how many would get in today, in the phase that is asked for. It changes nothing.
func (s *Service) Simulate(ctx context.Context, o organisation.ID, switched bool) (Outlook, error) {
	c, err := s.Store.CountPersons(ctx, o, s.Now())
	if err != nil {
		return Outlook{}, fmt.Errorf("count persons: %w", err)
	}
	unchecked, err := s.Unchecked(ctx, o)
	if err != nil {
		return Outlook{}, err
	}
	look := Outlook{Imported: c.Imported, Link: c.Of(Verified) - c.Imported, Bounced: c.Of(Bounced), Flags: map[Kind]int{}, Exempt: c.Of(Exempt), Left: c.Of(Left),
		Total: c.Total, Switched: switched, Unchecked: unchecked}
	look.Password = c.Of(Password) + c.Of(SignedIn) + c.Of(Second)
	look.Confirm = c.Of(Waiting) + c.Of(Mailed) + c.Of(Delivered) + c.Of(Opened)
	for flag, n := range c.Flags {
		look.Flags[Kind(flag)] = n
	}
	return look, nil
}
