package preparation

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Transition returns where the organisation stands in its move.
func (s *Service) Transition(ctx context.Context, org organisation.ID) (organisation.Transition, error) {
	return s.Store.FindTransition(ctx, org)
}

// SetPhase lets a phase of the organisation's move begin, and tells people of the day of the switch; the zero time: no day is told.
// It fails with administrator.ErrForbidden,
// ErrUnknownOrganisation or organisation.ErrBadTransition.
func (s *Service) SetPhase(ctx context.Context, by administrator.Administrator, org organisation.ID, phase organisation.Phase, switchOn time.Time) error {
	return s.change(ctx, by, org, audit.PhaseSet, func(t *organisation.Transition, e *audit.Event) {
		if t.Phase != phase || t.Since.IsZero() {
			t.Phase, t.Since = phase, s.Now()
		}
		if phase == organisation.Ended {
			t.Ended = s.Now()
		}
		t.SwitchOn = switchOn
		e.Detail["phase"] = string(phase)
	})
}

// SetRate says how many mails a minute go out. It fails as SetPhase does.
func (s *Service) SetRate(ctx context.Context, by administrator.Administrator, org organisation.ID, perMinute int) error {
	return s.change(ctx, by, org, audit.RateSet, func(t *organisation.Transition, e *audit.Event) {
		t.Rate = perMinute
		e.Detail["rate"] = strconv.Itoa(perMinute)
	})
}

func (s *Service) change(ctx context.Context, by administrator.Administrator, org organisation.ID, kind audit.Kind, edit func(*organisation.Transition, *audit.Event)) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	return s.InTx(ctx, func(tx Tx) error {
		if _, ok, err := tx.FindOrganisationInTx(ctx, org); err != nil || !ok {
			return cmp.Or(err, ErrUnknownOrganisation)
		}
		t, err := tx.FindTransitionInTx(ctx, org)
		if err != nil {
			return fmt.Errorf("find transition: %w", err)
		}
		e := by.Event(kind, org, "", s.Now())
		edit(&t, &e)
		if err := t.Check(); err != nil {
			return err
		}
		if err := tx.SaveTransition(ctx, t); err != nil {
			return fmt.Errorf("save transition: %w", err)
		}
		return tx.Append(ctx, e)
	})
}
