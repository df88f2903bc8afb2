package transition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/session"
)

// The ways in which help is refused.
var (
	// ErrConnected: the person has an account; the register's address is not how she logs in, and she changes that one herself.
	ErrConnected = errors.New("the person has confirmed an address")
	// ErrLately: the connection was taken away a moment ago. Whoever may do that and give the person another address, alone and at once,
	// may be her (RULES §6 keeps an address that an administrator has changed from counting for as long).
	ErrLately = errors.New("the connection was taken away in the last days; somebody who runs the transition must give the new address")
	// ErrNotConnected: there is nothing to take away.
	ErrNotConnected = errors.New("the person has no connection")
	// ErrNotFlagged: only what the pre-flight took for a task's address can be vouched for.
	ErrNotFlagged = errors.New("the address is not taken for a task's")
)

// lately is how long a helpdesk gives no other address to a person whose connection was taken away.
const lately = 7 * 24 * time.Hour

// help changes something about one person, in one transaction. The right, the reason and that she is of the organisation are asked here
// for each of them. It fails with administrator.ErrForbidden, ErrReason or ErrNoPerson.
func (s *Service) help(ctx context.Context, by administrator.Administrator, o organisation.ID, id, reason string,
	change func(tx Tx, p person.Person, acc account.ID, reason string) error) error {
	if !by.May(o, administrator.Help) {
		return administrator.ErrForbidden
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		p, acc, ok, err := tx.ReadPerson(ctx, o, id)
		if err != nil || !ok {
			return orElse(err, ErrNoPerson)
		}
		return change(tx, p, acc, reason)
	})
}

// Settle takes the mark from a person of whom somebody has seen why she needs attention. The reason may be empty: nothing of hers changes. It
// fails with administrator.ErrForbidden, ErrNoPerson or ErrReason.
func (s *Service) Settle(ctx context.Context, by administrator.Administrator, o organisation.ID, id, reason string) error {
	if !by.May(o, administrator.Help) {
		return administrator.ErrForbidden
	}
	if reason = person.Line(reason); len(reason) > maxReason {
		return ErrReason
	}
	return s.InTx(ctx, func(tx Tx) error {
		_, acc, ok, err := tx.ReadPerson(ctx, o, id)
		if err != nil || !ok {
			return orElse(err, ErrNoPerson)
		}
		if marked, err := tx.SettleAttention(ctx, id); err != nil || !marked {
			return err
		}
		return tx.Append(ctx, s.event(by, audit.AttentionSettled, o, id, acc, reason))
	})
}

// CorrectAddress gives a person without a connection another address in the register (RULES §6). An empty one takes it away. It
// fails with ErrNoPerson, ErrConnected, ErrLately, ErrReason or account.ErrNotAnAddress.
func (s *Service) CorrectAddress(ctx context.Context, by administrator.Administrator, o organisation.ID, id, typed, reason string) error {
	err := s.help(ctx, by, o, id, reason, func(tx Tx, p person.Person, acc account.ID, reason string) error {
		var address string
		var identifier account.Identifier
		if typed != "" {
			var err error
			if address, identifier, err = account.ParseAddress(typed); err != nil {
				return err
			}
		}
		if acc != "" {
			return ErrConnected
		}
		if !by.May(o, administrator.Prepare) {
			if lost, err := tx.WasDisconnected(ctx, o, id, s.Now().Add(-lately)); err != nil || lost {
				return orElse(err, ErrLately)
			}
		}
		if ok, err := tx.CorrectAddress(ctx, id, address, identifier, s.Now()); err != nil || !ok {
			return orElse(err, ErrConnected)
		}
		for _, touched := range []account.Identifier{p.Identifier(), identifier} {
			if err := tx.UncheckTwins(ctx, o, touched); err != nil {
				return fmt.Errorf("look at the others again: %w", err)
			}
		}
		if identifier != p.Identifier() {
			if err := s.tellCorrected(ctx, tx, o, p); err != nil {
				return err
			}
		}
		e := s.event(by, audit.AddressCorrected, o, id, "", reason)
		e.Personal["from"], e.Personal["to"] = p.Address, address
		return tx.Append(ctx, e)
	})
	if err != nil {
		return err
	}
	_, err = s.check(ctx, o, false) // also those who shared it, so that nobody must run the pre-flight for one address
	return err
}

// Vouch says that an address that looks like a task's, or like one for minutes, is the person's own. It fails with ErrNoPerson,
// ErrReason or ErrNotFlagged.
func (s *Service) Vouch(ctx context.Context, by administrator.Administrator, o organisation.ID, id, reason string) error {
	err := s.help(ctx, by, o, id, reason, func(tx Tx, p person.Person, _ account.ID, reason string) error {
		if f := Kind(p.Flag); f != Role && f != Disposable {
			return ErrNotFlagged
		}
		if err := tx.Vouch(ctx, id, p.Identifier(), s.Now()); err != nil {
			return fmt.Errorf("vouch: %w", err)
		}
		return tx.Append(ctx, s.event(by, audit.AddressVouched, o, id, "", reason))
	})
	if err != nil {
		return err
	}
	_, err = s.check(ctx, o, false)
	return err
}

// Exempt takes a person out of the transition, or back in. It fails with ErrNoPerson or ErrReason.
func (s *Service) Exempt(ctx context.Context, by administrator.Administrator, o organisation.ID, id string, out bool, reason string) error {
	return s.help(ctx, by, o, id, reason, func(tx Tx, _ person.Person, _ account.ID, reason string) error {
		at, kind := time.Time{}, audit.PersonIncluded
		if out {
			at, kind = s.Now(), audit.PersonExempted
		}
		if err := tx.SetExempt(ctx, id, at, reason, s.Now()); err != nil {
			return fmt.Errorf("set exempt: %w", err)
		}
		return tx.Append(ctx, s.event(by, kind, o, id, "", reason))
	})
}

// exemptBite is how many persons one transaction exempts (RULES §10).
const exemptBite = 200

// ExemptAll takes many persons out of the transition, in bites; those who are not there are passed over. It fails with ErrReason.
func (s *Service) ExemptAll(ctx context.Context, by administrator.Administrator, o organisation.ID, ids []string, reason string) error {
	if !by.May(o, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	for len(ids) > 0 {
		n := min(len(ids), exemptBite)
		err := s.InBulkTx(ctx, func(tx Tx) error {
			for _, id := range ids[:n] {
				_, _, ok, err := tx.ReadPerson(ctx, o, id)
				if err != nil {
					return err
				}
				if !ok {
					continue
				}
				if err := tx.SetExempt(ctx, id, s.Now(), reason, s.Now()); err != nil {
					return fmt.Errorf("set exempt: %w", err)
				}
				if err := tx.Append(ctx, s.event(by, audit.PersonExempted, o, id, "", reason)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	_, err = s.check(ctx, o, false)
	return err
}

// Disconnect takes the connection between a person and her account away: what the account was in the organisation's name ends
// the same minute, its sessions and tokens (RULES §6). The account itself stays its owner's, and its owner is told. No mail that the person
// asks for connects her again: an administrator invites her anew. It fails with ErrNoPerson, ErrNotConnected or ErrReason.
func (s *Service) Disconnect(ctx context.Context, by administrator.Administrator, o organisation.ID, id, reason string) error {
	return s.help(ctx, by, o, id, reason, func(tx Tx, _ person.Person, _ account.ID, reason string) error {
		c, ok, err := tx.FindCharge(ctx, o, id)
		if err != nil {
			return fmt.Errorf("find the account of a person: %w", err)
		}
		if ok {
			if err := by.MayDisconnect(c); err != nil {
				return err
			}
		}
		acc, had, err := tx.Disconnect(ctx, id, s.Now())
		if err != nil || !had {
			return orElse(err, ErrNotConnected)
		}
		if _, err := authn.EndSessions(ctx, tx, authn.Which{Account: acc, Offline: true}, session.EndedByAdministrator, s.Now()); err != nil {
			return err
		}
		// A role does not outlive the connection that it was given to.
		role, had, err := tx.DeleteAppointment(ctx, o, acc)
		if err != nil {
			return fmt.Errorf("delete appointment: %w", err)
		}
		if err := s.tellDisconnected(ctx, tx, o, c.Account); err != nil {
			return err
		}
		if had {
			e := by.Event(audit.Dismissed, o, reason, s.Now())
			e.Account, e.Detail["role"] = acc, string(role)
			if err := tx.Append(ctx, e); err != nil {
				return err
			}
		}
		return tx.Append(ctx, s.event(by, audit.PersonDisconnected, o, id, acc, reason))
	})
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
