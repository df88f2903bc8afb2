package provisioning

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
)

// Decision is what has become of a hold.
type Decision string

// The decisions. A later import that no longer says so withdraws a hold.
const (
	Open      Decision = ""
	Accepted  Decision = "accepted"
	Refused   Decision = "refused"
	Withdrawn Decision = "withdrawn"
)

// Identity is what an import must not change by itself behind a connected key.
type Identity struct {
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	Address    string `json:"address"`
}

// Hold is a change of a connected person's name or address that waits for an administrator (RULES §6): a key that is given to
// somebody else would hand her predecessor's account over.
type Hold struct {
	ID           string
	Organisation organisation.ID
	Person       string // id
	Import       string
	Before       Identity // when it was held
	After        Identity
	Created      time.Time
	Decided      time.Time // zero: it waits
	By           account.ID
	Decision     Decision
}

func identity(p person.Person) Identity { return Identity{p.GivenName, p.FamilyName, p.Address} }

// hold keeps a connected person's new name or address back, and says whether something waits now. What was refused once is not asked
// again, and what the register no longer says is withdrawn.
func (s *Service) hold(ctx context.Context, tx Tx, j job.Job, before, after person.Person) (held bool, err error) {
	h, found, err := tx.LatestHold(ctx, before.ID)
	if err != nil {
		return false, fmt.Errorf("latest hold: %w", err)
	}
	waits := found && h.Decision == Open
	switch now := s.Now(); {
	case sameIdentity(before, after):
		if waits {
			h.Decision, h.Decided = Withdrawn, now
			return false, tx.SaveHold(ctx, h)
		}
		return false, nil
	case found && h.Decision == Refused && h.After == identity(after):
		return false, nil
	case waits && h.After == identity(after):
		h.Import = j.ID
		return true, tx.SaveHold(ctx, h)
	case waits: // under an id of its own: who decides has read what she decides on
		h.Decision, h.Decided = Withdrawn, now
		if err := tx.SaveHold(ctx, h); err != nil {
			return false, err
		}
		fallthrough
	default:
		return true, tx.SaveHold(ctx, Hold{ID: secret.NewID(), Organisation: before.Organisation, Person: before.ID, Import: j.ID,
			Before: identity(before), After: identity(after), Created: now})
	}
}

// ListHolds lists what waits in the organisation, the oldest first, beyond the given hold (its zero value: from the beginning).
func (s *Service) ListHolds(ctx context.Context, by administrator.Administrator, org organisation.ID, after Hold, n int) ([]Hold, error) {
	if !by.May(org, administrator.See) {
		return nil, administrator.ErrForbidden
	}
	return s.Store.ListHolds(ctx, org, after.Created, after.ID, n)
}

// CountHolds counts what waits in the organisation.
func (s *Service) CountHolds(ctx context.Context, by administrator.Administrator, org organisation.ID) (int64, error) {
	if !by.May(org, administrator.See) {
		return 0, administrator.ErrForbidden
	}
	return s.Store.CountHolds(ctx, org)
}

// Decide accepts or refuses a hold. Accepting changes the row of the register alone: the account and its address are its owner's. It
// fails with ErrNoHold.
func (s *Service) Decide(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, d Decision, reason string) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	if d != Accepted && d != Refused {
		return fmt.Errorf("%w: %q", ErrNoHold, d)
	}
	return s.InTx(ctx, func(tx Tx) error {
		h, p, ok, err := tx.FindHold(ctx, org, id)
		if err != nil || !ok || h.Decision != Open {
			return orElse(err, ErrNoHold)
		}
		now := s.Now()
		h.Decision, h.Decided, h.By = d, now, by.Account.ID
		if err := tx.SaveHold(ctx, h); err != nil {
			return fmt.Errorf("save hold: %w", err)
		}
		if d == Accepted {
			p.Mobile = person.MobileOf(p.Phone, s.Region)
			newAddress := p.Address != h.After.Address
			p.GivenName, p.FamilyName, p.Address = h.After.GivenName, h.After.FamilyName, h.After.Address
			if err := tx.ChangePerson(ctx, p, true, newAddress, now); err != nil {
				return fmt.Errorf("change person: %w", err)
			}
		}
		e := by.Event(audit.HoldDecided, org, reason, now)
		e.Detail["decision"], e.Detail["import"], e.Personal["person"] = string(d), h.Import, h.Person
		return tx.Append(ctx, e)
	})
}

// indexBite is how many persons are indexed at once.
const indexBite = 100

// IndexPersons writes the search words of persons who were in the register before there were any.
func (s *Service) IndexPersons(ctx context.Context) error {
	for {
		all, err := s.Store.ListUnindexed(ctx, indexBite)
		if err != nil || len(all) == 0 {
			return err
		}
		err = s.InBulkTx(ctx, func(tx Tx) error {
			for _, p := range all {
				p.Mobile = person.MobileOf(p.Phone, s.Region)
				if err := tx.IndexPerson(ctx, p); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("index persons: %w", err)
		}
	}
}
