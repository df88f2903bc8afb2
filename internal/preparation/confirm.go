package preparation

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
)

// Confirm consumes the link: the person gets an account with the mailed address, proven, or with the number that her link is for, and is
// connected to it. It signs nobody in. A password is judged and hashed before the link is spent; an account without an address needs
// one. It fails with authn.ErrNoLink, ErrTaken, ErrRobot, authn.ErrThrottled,
// authn.ErrBusy, or with what the password is refused for. The second of two presses finds the work done.
func (s *Service) Confirm(ctx context.Context, u Press, o Opened, b authn.Browser) error {
	if u.NewPassword != "" || o.Purpose.IsUnaddressed() || o.Phone {
		if err := o.Rules.Judge(u.NewPassword); err != nil {
			return err
		}
	}
	c, err := s.check(u, b)
	if err != nil {
		return err
	}
	var verifier password.Verifier
	if u.NewPassword != "" {
		if verifier, err = s.Hasher.Hash(ctx, u.NewPassword); err != nil {
			return err
		}
	}
	acc := account.Account{ID: account.ID(secret.NewUUID()), Epoch: 1, Created: s.Now()}
	return s.use(ctx, u.Token, o.Purpose, func(tx Tx, i Invitation) error {
		if err := s.spend(ctx, tx, c, false); err != nil {
			return err
		}
		if verifier == "" && i.byPhone() {
			return password.ErrTooShort
		}
		a := acc
		a.Identifier, a.Address, a.GivenName, a.FamilyName, a.Language = i.Link.Identifier, i.address(), i.Person.GivenName, i.Person.FamilyName, i.language()
		if a.Address != "" || i.byPhone() {
			a.Verified = a.Created
		}
		if ok, err := tx.InsertAccount(ctx, a); err != nil || !ok {
			return cmp.Or(err, ErrTaken)
		}
		if verifier != "" {
			if err := tx.InsertVerifier(ctx, a.ID, verifier, password.IsEnoughAlone(u.NewPassword), a.Created); err != nil {
				return fmt.Errorf("insert password: %w", err)
			}
			if err := tx.DropImported(ctx, i.Person.ID); err != nil {
				return fmt.Errorf("drop imported password: %w", err)
			}
		} else if err := tx.AdoptImported(ctx, i.Person.ID, a.ID, a.Created); err != nil {
			return fmt.Errorf("adopt imported password: %w", err)
		}
		chosen := map[string]string{"by": string(o.Purpose), "password": map[bool]string{true: "chosen", false: "none"}[verifier != ""]}
		return s.connect(ctx, tx, i, a, audit.PreparationConfirmed, chosen, b)
	})
}

// Connect consumes the link for somebody who is signed in to the account that has the address, at the account's own level: nobody else
// connects it (RULES §6). It fails with authn.ErrNoLink or ErrNotSignedIn.
func (s *Service) Connect(ctx context.Context, token secret.Token, o Opened, owner authn.Owner) error {
	f, acc, err := s.Authn.Current(ctx, owner.Current)
	if err != nil {
		return err
	}
	if !f.Live {
		return ErrNotSignedIn
	}
	if ok, err := s.Authn.AtOwnLevel(ctx, f, acc); err != nil || !ok {
		return cmp.Or(err, ErrNotSignedIn)
	}
	return s.use(ctx, token, o.Purpose, func(tx Tx, i Invitation) error {
		now, err := tx.ReadAccount(ctx, acc.ID)
		if err != nil {
			return err
		}
		if i.Holder.ID != acc.ID || now.Epoch != acc.Epoch {
			return ErrNotSignedIn
		}
		// What opens nothing here: the account has its own password, or none on purpose.
		if err := tx.DropImported(ctx, i.Person.ID); err != nil {
			return fmt.Errorf("drop imported password: %w", err)
		}
		return s.connect(ctx, tx, i, acc, audit.PreparationConnected, nil, owner.Browser)
	})
}

// use consumes a link that works, and does what it is for, in one transaction. A press that was committed and never answered finds its
// own name in the link.
func (s *Service) use(ctx context.Context, token secret.Token, purpose Purpose, effect func(Tx, Invitation) error) error {
	op := secret.NewID()
	try := func(tx Tx) error {
		i, err := tx.FindInvitationInTx(ctx, token.Hash())
		if err != nil {
			return fmt.Errorf("find link: %w", err)
		}
		if i.Link.Purpose == purpose && !i.Link.Consumed.IsZero() {
			if own, err := tx.ConsumePreparationLink(ctx, i.Link.ID, op, s.Now()); err != nil || own {
				return err
			}
		}
		if i.Link.Purpose != purpose || !i.stands(s.Now()) {
			return authn.ErrNoLink
		}
		won, err := tx.ConsumePreparationLink(ctx, i.Link.ID, op, s.Now())
		if err != nil || !won {
			return cmp.Or(err, authn.ErrNoLink)
		}
		return effect(tx, i)
	}
	err := s.InTx(ctx, try)
	if errors.Is(err, authn.ErrOutcomeUnknown) {
		err = s.InTx(ctx, try)
	}
	return err
}

// connect writes the connection, ends what else was on its way to the person, and tells her.
func (s *Service) connect(ctx context.Context, tx Tx, i Invitation, acc account.Account, kind audit.Kind, detail map[string]string, b authn.Browser) error {
	now := s.Now()
	ok, err := tx.ConnectOnce(ctx, i.Person.ID, acc.ID, now)
	if err != nil || !ok {
		return cmp.Or(err, authn.ErrNoLink)
	}
	if err := tx.EndPreparation(ctx, i.Person.ID, "connected", now); err != nil {
		return fmt.Errorf("end other links: %w", err)
	}
	e := s.event(kind, i, b)
	e.Actor, e.Account = "account", acc.ID
	for k, v := range detail {
		e.Detail[k] = v
	}
	if err := tx.Append(ctx, e); err != nil {
		return err
	}
	if i.byPhone() {
		return nil // she has the phone in her hand, and a message more costs
	}
	more := map[string]string{"employer": i.Employer, "phase": string(i.Transition.Phase)}
	if kind == audit.PreparationConnected {
		more["existing"] = "yes"
	}
	if !i.Transition.SwitchOn.IsZero() {
		more["switch_on"] = formatDay(i.Transition.SwitchOn)
	}
	return s.Authn.Tell(ctx, tx, DoneTemplate, acc, b, more)
}
