package myaccount

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// Prepare decides, in the outbox worker, what is mailed to an address that was given as somebody's new one: the link that confirms
// it, or, where it is another account's, that it is. Neither is a message of the account that has asked, in its log or its export: its
// owner would read there what no page tells her.
func (s *Service) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	token, linkID, now := secret.NewToken(), secret.NewID(), s.Now()
	prepared := m
	err := s.InTx(ctx, func(tx Tx) error {
		p, acc, err := tx.ReadPendingAddress(ctx, m.Params["pending"], now)
		if err != nil {
			return fmt.Errorf("read pending address: %w", err)
		}
		if p.ID == "" {
			return fmt.Errorf("%w: withdrawn", outbox.ErrDrop)
		}
		holder, taken, err := tx.FindAccount(ctx, p.Identifier)
		if err != nil {
			return fmt.Errorf("find account: %w", err)
		}
		if taken && (!holder.IsOpen() || holder.ID == acc.ID) {
			return fmt.Errorf("%w: nobody to tell", outbox.ErrDrop)
		}
		if err := s.takeSlots(ctx, tx, "recipient", string(p.Identifier)); err != nil {
			if errors.Is(err, authn.ErrThrottled) {
				return fmt.Errorf("%w: over the recipient's budget", outbox.ErrDrop)
			}
			return err
		}
		prepared = m
		prepared.Prepared, prepared.Params = true, maps.Clone(m.Params)
		if taken {
			return s.tellHolder(ctx, tx, &prepared, holder)
		}
		prepared.SealSecret(s.Authn.Keys, token, now)
		link := onetime.Link{ID: linkID, Secret: token.Hash(), Purpose: onetime.Address, Account: acc.ID, Epoch: acc.Epoch, Language: m.Language,
			Attempt: p.ID, Created: now, Expires: m.Expires.Add(onetime.Address.Life())}
		if err := tx.InsertLink(ctx, link, now); err != nil {
			return fmt.Errorf("insert link: %w", err)
		}
		return tx.SavePrepared(ctx, prepared, linkID)
	})
	return prepared, err
}

// tellHolder turns the message into one to the owner of the account that has the address, at the address as she has written it.
func (s *Service) tellHolder(ctx context.Context, tx Tx, m *outbox.Message, holder account.Account) error {
	employer, err := tx.FindEmployer(ctx, holder.ID)
	if err != nil {
		return fmt.Errorf("find employer: %w", err)
	}
	m.Account, m.To, m.Language = holder.ID, holder.Address, cmp.Or(holder.Language, m.Language)
	m.Params["taken"], m.Params["name"], m.Params["employer"] = "yes", holder.GivenName, employer
	return tx.SavePrepared(ctx, *m, "")
}
