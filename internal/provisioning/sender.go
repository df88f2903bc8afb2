package provisioning

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
)

// SenderStatus is in whose name an organisation's mails go, and what its domain publishes for it.
type SenderStatus struct {
	organisation.Sender
	Keys []dkim.Key // the newest first
	// Own says that mails go in this name: there is an address, and an active key of its domain.
	Own bool
}

// mostKeys is how many keys one sender has at a time: the one that signs, its successor, and some mishaps.
const mostKeys = 5

// The ways in which a sender's key is refused.
var (
	ErrNoSender = errors.New("there is no sender address yet: set it first, the key is of its domain")
	ErrMostKeys = errors.New("there are five keys already: remove one that is not needed any more")
)

// Sender tells in whose name an organisation's mails go; "" asks for the operator's own sender.
func (s *Service) Sender(ctx context.Context, by administrator.Administrator, org organisation.ID) (SenderStatus, error) {
	if !by.May(org, administrator.Set) {
		return SenderStatus{}, administrator.ErrForbidden
	}
	return s.sender(ctx, org)
}

func (s *Service) sender(ctx context.Context, org organisation.ID) (status SenderStatus, err error) {
	if org == "" {
		status.Sender = s.Operator
	} else {
		var known bool
		if _, status.Sender, known, err = s.Store.FindSender(ctx, org); err != nil {
			return status, fmt.Errorf("find sender: %w", err)
		}
		if !known {
			return status, ErrUnknownOrganisation
		}
	}
	if status.Keys, err = s.DKIM.List(ctx, org); err != nil {
		return status, err
	}
	for _, k := range status.Keys {
		status.Own = status.Own || k.Active() && k.Domain == status.Domain()
	}
	return status, nil
}

// SetSender gives an organisation a sender of its own, or, with an empty one, none. Mails go in its name once a key of the
// address's domain is active; until then they go in the operator's. The operator's own sender is a setting.
func (s *Service) SetSender(ctx context.Context, by administrator.Administrator, org organisation.ID, sender organisation.Sender) error {
	if org == "" || !by.May(org, administrator.Set) {
		return administrator.ErrForbidden
	}
	if strings.TrimSpace(sender.Address) != "" {
		_, id, err := account.ParseAddress(sender.Address)
		if err != nil {
			return err
		}
		sender.Address = string(id)
	}
	sender.Name = strings.TrimSpace(sender.Name)
	if err := sender.Check(); err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		known, err := tx.SaveSender(ctx, org, sender, s.Now())
		if err != nil {
			return fmt.Errorf("save sender: %w", err)
		}
		if !known {
			return ErrUnknownOrganisation
		}
		e := by.Event(audit.SenderSet, org, "", s.Now())
		e.Detail["domain"] = sender.Domain()
		return tx.Append(ctx, e)
	})
}

// MakeSenderKey makes a key of the sender's domain. Its record must be published before it can be activated.
func (s *Service) MakeSenderKey(ctx context.Context, by administrator.Administrator, org organisation.ID) (dkim.Key, error) {
	if !by.May(org, administrator.Set) {
		return dkim.Key{}, administrator.ErrForbidden
	}
	status, err := s.sender(ctx, org)
	switch {
	case err != nil:
		return dkim.Key{}, err
	case status.Domain() == "":
		return dkim.Key{}, ErrNoSender
	case len(status.Keys) >= mostKeys:
		return dkim.Key{}, ErrMostKeys
	}
	return s.DKIM.Make(ctx, org, status.Domain(), by)
}

// ActivateSenderKey lets a key sign, once its record is found in the DNS. Only the operator can vouch for a record that is not
// seen from here: an organisation proves by it that the domain is its own.
func (s *Service) ActivateSenderKey(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, unseen bool) (dkim.Key, error) {
	if !by.May(org, administrator.Set) || unseen && !by.Operator {
		return dkim.Key{}, administrator.ErrForbidden
	}
	return s.DKIM.Activate(ctx, org, id, unseen, by)
}

// RemoveSenderKey takes a key away.
func (s *Service) RemoveSenderKey(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) (dkim.Key, error) {
	if !by.May(org, administrator.Set) {
		return dkim.Key{}, administrator.ErrForbidden
	}
	return s.DKIM.Remove(ctx, org, id, by)
}
