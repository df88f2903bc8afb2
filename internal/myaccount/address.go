package myaccount

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
)

// The templates of the mails about a change of address.
const (
	AddressConfirmTemplate = "address_confirm" // to the new address; where that is an account's, it says so instead
	AddressChangedTemplate = "address_changed" // to the old one
	AddressNewTemplate     = "address_new"     // to the new one, once it counts
)

// Why an address cannot become the account's. That it is another account's is said by mail alone, until its mailbox is proven.
var (
	ErrSameAddress  = errors.New("that is the address already")
	ErrAddressTaken = errors.New("the address is another account's")
)

// PendingAddress is an address that waits to be confirmed.
type PendingAddress struct {
	ID         string // empty: there is none
	Account    account.ID
	Epoch      int64
	Identifier account.Identifier
	Address    string
	Requested  time.Time
	Expires    time.Time
}

// LookAtAddress returns the owner's account for the page that asks for a new address, or authn.ErrStale. Looking changes nothing.
func (s *Service) LookAtAddress(ctx context.Context, o authn.Owner) (account.Account, error) {
	_, acc, _, err := s.Authn.Fresh(ctx, o)
	return acc, err
}

// AskForAddress asks for a mail to the new address. What it does and what it answers is the same whether the address is another
// account's or not: that is decided in Prepare. It fails with authn.ErrStale, account.ErrNotAnAddress, ErrSameAddress or
// authn.ErrThrottled.
func (s *Service) AskForAddress(ctx context.Context, o authn.Owner, typed string) error {
	f, acc, _, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return err
	}
	address, id, err := account.ParseAddress(typed)
	if err != nil {
		return err
	}
	if id == acc.Identifier {
		return ErrSameAddress
	}
	now := s.Now()
	p := PendingAddress{ID: secret.NewID(), Account: acc.ID, Epoch: acc.Epoch, Identifier: id, Address: address, Requested: now,
		Expires: now.Add(2 * onetime.Address.Life())} // the mail may wait for its server, and then the link begins to live
	m := outbox.New(outbox.Mail, AddressConfirmTemplate, address, now)
	m.Lane, m.Language, m.Expires = outbox.Urgent, cmp.Or(acc.Language, o.Browser.Language), now.Add(onetime.Address.Life())
	// Whoever gets it by a typing error learns nothing of who has asked, and from where.
	m.Params = map[string]string{"identifier": string(id), "pending": p.ID, "at": outbox.FormatTime(now)}
	return s.InTx(ctx, func(tx Tx) error {
		if err := s.takeSlots(ctx, tx, "account", string(acc.ID)); err != nil {
			return err
		}
		ok, err := tx.SavePendingAddress(ctx, p)
		if err == nil && !ok {
			err = authn.ErrStale // the epoch has moved since
		}
		if err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		e := s.event(audit.AddressRequested, acc.ID, f.Session.ID, o.Browser)
		e.Personal["address"] = address
		return tx.Append(ctx, e)
	})
}

const addressBudget = secret.Purpose("address budget")

// takeSlots draws on the budget of mails that an account may cause, or that a recipient may get (RULES §4).
func (s *Service) takeSlots(ctx context.Context, tx Tx, of, key string) error {
	taken, err := tx.TakeSlots(ctx, []throttle.Slot{
		{Key: s.Authn.Keys.Pseudonym(addressBudget, of, key), Budget: throttle.Recipient},
		{Key: s.Authn.Keys.Pseudonym(addressBudget, of+" day", key), Budget: throttle.RecipientDay},
	}, s.Now())
	for _, t := range taken {
		if err == nil && !t.Granted {
			err = authn.ErrThrottled
		}
	}
	return err
}

// WithdrawAddress takes the pending change back. It returns false if there is none.
func (s *Service) WithdrawAddress(ctx context.Context, o authn.Owner) (done bool, err error) {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil || !f.Live {
		return false, err
	}
	err = s.InTx(ctx, func(tx Tx) error {
		_, done, err = tx.TakePendingAddress(ctx, acc.ID, "", acc.Epoch)
		if err != nil || !done {
			return err
		}
		return tx.Append(ctx, s.event(audit.AddressWithdrawn, acc.ID, f.Session.ID, o.Browser))
	})
	return done, err
}

// PendingAddress returns the address that waits to be confirmed, for somebody who is signed in.
func (s *Service) PendingAddress(ctx context.Context, current secret.Token) (PendingAddress, account.Account, error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return PendingAddress{}, acc, err
	}
	p, err := s.Store.FindPendingAddress(ctx, acc.ID, acc.Epoch, s.Now())
	if err != nil {
		err = fmt.Errorf("find pending address: %w", err)
	}
	return p, acc, err
}

// AddressLink is what the page of the link in the mail shows.
type AddressLink struct {
	Address string          // the new one
	Current account.Account // who is signed in in this browser; zero: nobody
	Mine    bool            // that is the account which has asked
	Done    bool            // beside authn.ErrNoLink: it has been confirmed a moment ago, and the account has the address
	link    onetime.Link
}

// Language is that of the mail, for the page behind its link.
func (l AddressLink) Language() string { return l.link.Language }

// LookAtAddressLink reads a link without consuming it. Unknown, used, withdrawn and expired links, and links of other kinds, are
// authn.ErrNoLink.
func (s *Service) LookAtAddressLink(ctx context.Context, token, current secret.Token) (AddressLink, error) {
	link, acc, err := s.Store.FindLink(ctx, token.Hash())
	if err != nil {
		return AddressLink{}, fmt.Errorf("find link: %w", err)
	}
	if link.Purpose != onetime.Address || !acc.IsOpen() {
		return AddressLink{}, authn.ErrNoLink
	}
	f, signedIn, err := s.Authn.Current(ctx, current)
	if err != nil {
		return AddressLink{}, err
	}
	l := AddressLink{Current: signedIn, Mine: f.Live && signedIn.ID == acc.ID, link: link}
	if !link.IsLiving(acc.Epoch, s.Now()) {
		l.Done = l.Mine && link.IsJustUsed(acc.Epoch, s.Now())
		return l, authn.ErrNoLink
	}
	p, err := s.Store.FindPendingAddress(ctx, acc.ID, acc.Epoch, s.Now())
	if err != nil {
		return l, fmt.Errorf("find pending address: %w", err)
	}
	if p.ID == "" || p.ID != link.Attempt {
		return l, authn.ErrNoLink // withdrawn, or another address was asked for since
	}
	l.Address = p.Address
	return l, nil
}

// ConfirmAddress makes the address of the link the account's, for somebody who is signed in to it: whoever got the mail by a typing
// error cannot become its owner. Links and sign-ins under way end; other sessions where she wants it. It fails with authn.ErrNoLink
// or ErrAddressTaken.
func (s *Service) ConfirmAddress(ctx context.Context, o authn.Owner, token secret.Token, endOthers bool) error {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil {
		return err
	}
	if !f.Live {
		return authn.ErrNoLink
	}
	proof := authn.MailedLink{Token: token, Operation: secret.NewID()}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, o.Browser, proof, func(tx Tx, p authn.Proven) error {
		switch {
		case p.Link.Purpose != onetime.Address || p.Account.ID != acc.ID:
			return authn.ErrNoLink
		case p.Again:
			return nil
		case p.Account.Epoch != acc.Epoch:
			return authn.ErrNoLink // something has ended this session meanwhile
		}
		pending, ok, err := tx.TakePendingAddress(ctx, acc.ID, p.Link.Attempt, acc.Epoch)
		if err == nil && !ok {
			err = authn.ErrNoLink
		}
		if err != nil {
			return err
		}
		return s.changeAddress(ctx, tx, o, f, acc, pending, endOthers)
	})
	return err
}

// changeAddress puts the new address in place of the old one, and tells both.
func (s *Service) changeAddress(ctx context.Context, tx Tx, o authn.Owner, f authn.Facts, acc account.Account, p PendingAddress, endOthers bool) error {
	now := s.Now()
	ok, err := tx.ChangeAddress(ctx, acc.ID, p.Identifier, p.Address, now)
	if err != nil {
		return fmt.Errorf("change address: %w", err)
	}
	if !ok {
		return ErrAddressTaken
	}
	if err := tx.ConfirmAddress(ctx, acc.ID, now); err != nil {
		return fmt.Errorf("confirm address: %w", err)
	}
	epoch, err := tx.MoveEpoch(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("move epoch: %w", err)
	}
	if endOthers {
		which := authn.Which{Account: acc.ID, Except: f.Session.ID, Offline: true}
		if _, err := authn.EndSessions(ctx, tx, which, session.EndedByOwner, now); err != nil {
			return err
		}
	}
	if err := tx.CarrySessions(ctx, acc.ID, epoch); err != nil {
		return fmt.Errorf("carry sessions: %w", err)
	}
	// To the old address, or the phone that named her, which can take the account back (RULES §5).
	if err := s.Authn.Tell(ctx, tx, AddressChangedTemplate, acc, o.Browser, map[string]string{authn.RestoreParam: "yes"}); err != nil {
		return err
	}
	employer, err := tx.FindEmployer(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("find employer: %w", err)
	}
	m := outbox.New(outbox.Mail, AddressNewTemplate, p.Address, now)
	m.Account, m.Language = acc.ID, cmp.Or(acc.Language, o.Browser.Language)
	m.Params = map[string]string{"name": acc.GivenName, "employer": employer, "user_agent": o.Browser.Device.UserAgent,
		"ip": o.Browser.Device.Address, "at": outbox.FormatTime(now)}
	if err := tx.Enqueue(ctx, m); err != nil {
		return err
	}
	e := s.event(audit.AddressChanged, acc.ID, f.Session.ID, o.Browser)
	e.Personal["address"] = p.Address
	if !acc.Identifier.IsNumber() { // which may be a national identity number (RULES §7)
		e.Personal["former"] = acc.Login()
	}
	return tx.Append(ctx, e)
}
