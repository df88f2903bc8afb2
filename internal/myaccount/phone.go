package myaccount

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
)

// Phone is the account's phone as the page shows it.
type Phone struct {
	Number string // its last digits
	Added  time.Time
	Used   time.Time // zero: never
	// Suspended says that too many wrong codes have taken it out of use.
	Suspended bool
}

func (s *Service) lookAtPhone(ctx context.Context, o *Overview) error {
	p, number, ok, err := s.Authn.OwnPhone(ctx, o.Account.ID)
	if err != nil || !ok {
		return err
	}
	o.Phone = &Phone{Number: number.Hidden(), Added: p.Created, Used: p.Used, Suspended: !p.Suspended.IsZero()}
	return nil
}

// ExportedPhone is the phone that gets codes by SMS.
type ExportedPhone struct {
	Number    string    `json:"number"`
	Added     time.Time `json:"added_at"`
	Used      time.Time `json:"used_at,omitzero"`
	Suspended time.Time `json:"suspended_at,omitzero"`
}

func (s *Service) exportedPhone(ctx context.Context, id account.ID) (*ExportedPhone, error) {
	p, number, ok, err := s.Authn.OwnPhone(ctx, id)
	if err != nil || !ok {
		return nil, err
	}
	return &ExportedPhone{Number: number.Reveal(), Added: p.Created, Used: p.Used, Suspended: p.Suspended}, nil
}
