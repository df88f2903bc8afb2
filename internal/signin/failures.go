package signin

import (
	"context"
	"fmt"
	"maps"

	"github.com/portvakt/portvakt/internal/outbox"
)

// Prepare completes, in the outbox worker, the mail that tells of an unusual number of failures: it goes to an open account and to
// nobody else.
func (s *Service) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	prepared := m
	err := s.InTx(ctx, func(tx Tx) error {
		id, err := s.Authn.Recipient(m)
		if err != nil {
			return fmt.Errorf("%w: %w", outbox.ErrDrop, err)
		}
		acc, ok, err := tx.FindAccount(ctx, id)
		if err != nil {
			return fmt.Errorf("find account: %w", err)
		}
		if !ok || !acc.IsOpen() || acc.Address == "" && m.Channel != outbox.SMS {
			return fmt.Errorf("%w: no open account with an address", outbox.ErrDrop)
		}
		prepared = m
		prepared.Account, prepared.To, prepared.Language, prepared.Prepared = acc.ID, acc.Address, acc.Language, true
		prepared.Params = maps.Clone(m.Params)
		prepared.Params["name"] = acc.GivenName
		delete(prepared.Params, "identifier")
		if prepared.Params["employer"], err = tx.FindEmployer(ctx, acc.ID); err != nil {
			return fmt.Errorf("find employer: %w", err)
		}
		if m.Channel == outbox.SMS {
			s.Authn.ToPhone(&prepared, id.Phone(), "")
			return tx.SavePrepared(ctx, prepared, "")
		}
		if err := s.Authn.AddNotMe(ctx, tx, &prepared, acc); err != nil {
			return err
		}
		return tx.SavePrepared(ctx, prepared, prepared.Link)
	})
	return prepared, err
}
