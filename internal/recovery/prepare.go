package recovery

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// ErrNoAccount says, beside outbox.ErrDrop, that a request names no open account. Whoever prepares the message may look whether it
// names somebody who is still to have one.
var ErrNoAccount = fmt.Errorf("%w: no open account", outbox.ErrDrop)

// Prepare decides, in the outbox worker, whether a requested link is made and mailed: only to an open account
// and within the recipient's budget. Over the budget nothing is sent and living links stay valid.
func (s *Service) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	token, linkID, now := secret.NewToken(), secret.NewID(), s.Now()
	if m.Channel == outbox.SMS {
		token = secret.NewShortToken()
	}
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
		if !ok || !acc.IsOpen() {
			return ErrNoAccount
		}
		n := id.Phone()
		if acc.Address == "" && (n == "" || m.Channel != outbox.SMS) {
			return fmt.Errorf("%w: the account has no address, and no phone that messages go to", outbox.ErrDrop)
		}
		granted, err := s.recipientHasRoom(ctx, tx, m, acc)
		if err != nil {
			return err
		}
		if !granted {
			prepared = m
			prepared.Account = acc.ID
			return fmt.Errorf("%w: over the recipient's budget", outbox.ErrDrop)
		}
		// The mail goes to the address on the account, never to what was typed: folding must not open a
		// second mailbox.
		prepared = m
		prepared.Account, prepared.To, prepared.Prepared = acc.ID, acc.Address, true
		if prepared.Params, err = s.personally(ctx, tx, acc, m.Params); err != nil {
			return err
		}
		if m.Channel == outbox.SMS {
			s.Authn.ToPhone(&prepared, n, token)
		} else {
			prepared.SealSecret(s.Keys, token, now)
		}
		if err := tx.InsertLink(ctx, s.link(m, acc, linkID, token), now); err != nil {
			return fmt.Errorf("insert link: %w", err)
		}
		if err := tx.SavePrepared(ctx, prepared, linkID); err != nil {
			return fmt.Errorf("save prepared message: %w", err)
		}
		return tx.Append(ctx, audit.Event{Kind: audit.LinkSent, At: now, Actor: "system", Account: acc.ID, Message: m.ID,
			Detail: map[string]string{"purpose": m.Params["purpose"]}})
	})
	return prepared, err
}

// personally adds what the mail says to its owner and to nobody else: her name, and her employer's. The mail so does not
// look like one that anybody could have sent.
func (s *Service) personally(ctx context.Context, tx Tx, acc account.Account, params map[string]string) (map[string]string, error) {
	employer, err := tx.FindEmployer(ctx, acc.ID)
	if err != nil {
		return nil, fmt.Errorf("find employer: %w", err)
	}
	params = maps.Clone(params)
	params["name"], params["employer"] = acc.GivenName, employer
	return params, nil
}

// link is the row behind the mail. Until the mail server has accepted the mail, it lives as long as the message
// is tried; then its own life begins.
func (s *Service) link(m outbox.Message, acc account.Account, id string, token secret.Token) onetime.Link {
	purpose := onetime.Purpose(m.Params["purpose"])
	return onetime.Link{ID: id, Secret: token.Hash(), Purpose: purpose, Account: acc.ID, Epoch: acc.Epoch,
		ClientID: m.Params["client_id"], Language: m.Language, Attempt: m.Params["attempt"],
		Binding: secret.HashFromText(m.Params["binding"]), Created: s.Now(), Expires: m.Expires.Add(purpose.Life())}
}

// recipientHasRoom takes a slot of the recipient's budgets. A known browser has budgets of its own, so that
// a stranger's requests never keep Anna from hers. What goes by SMS draws on the budgets of messages that cost money, too.
func (s *Service) recipientHasRoom(ctx context.Context, tx Tx, m outbox.Message, acc account.Account) (bool, error) {
	id, known := string(acc.Identifier), m.Params["known"]
	taken, err := tx.TakeSlots(ctx, []throttle.Slot{
		{Key: s.Keys.Pseudonym(budgetPurpose, "recipient", id, known), Budget: throttle.Recipient},
		{Key: s.Keys.Pseudonym(budgetPurpose, "recipient day", id, known), Budget: throttle.RecipientDay},
	}, s.Now())
	for _, t := range taken {
		if !t.Granted {
			return false, nil
		}
	}
	if err != nil || m.Channel != outbox.SMS {
		return err == nil, err
	}
	if err = s.Authn.TakeLink(ctx, tx, acc.Identifier.Phone(), acc.ID, known); errors.Is(err, authn.ErrSMSLimit) || errors.Is(err, authn.ErrCountry) {
		return false, nil
	}
	return err == nil, err
}
