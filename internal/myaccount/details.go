package myaccount

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/session"
)

// lookAtDetails adds what the part "your details" of the page shows.
func (s *Service) lookAtDetails(ctx context.Context, o *Overview) (err error) {
	if o.PasswordChanged, err = s.Store.FindPasswordChanged(ctx, o.Account.ID); err != nil {
		return fmt.Errorf("find when the password was set: %w", err)
	}
	if o.Pending, err = s.Store.FindPendingAddress(ctx, o.Account.ID, o.Account.Epoch, s.Now()); err != nil {
		return fmt.Errorf("find pending address: %w", err)
	}
	return nil
}

// event is a line about what the owner has changed.
func (s *Service) event(kind audit.Kind, id account.ID, in session.ID, b authn.Browser) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: id, Session: string(in),
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
}
