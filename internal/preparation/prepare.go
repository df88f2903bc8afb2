package preparation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// Renew asks for another link, to the address that the old one was mailed to. Whether one is sent is decided in Prepare: the answer
// is the same for every link. It fails with ErrRobot or authn.ErrThrottled.
func (s *Service) Renew(ctx context.Context, u Press, b authn.Browser) error {
	c, err := s.check(u, b)
	if err != nil {
		return err
	}
	now := s.Now()
	i, err := s.Store.FindInvitation(ctx, u.Token.Hash())
	if err != nil {
		return fmt.Errorf("find link: %w", err)
	}
	m := outbox.New(outbox.Mail, ConfirmTemplate, "", now)
	if s.Authn.ByPhone(i.Link.Identifier) {
		m.Channel = outbox.SMS
	}
	m.Lane, m.Language = outbox.Urgent, b.Language
	if u.Plain {
		m.NotBefore = now.Add(s.PlainDelay)
	}
	m.Expires = m.NotBefore.Add(mailLife)
	m.Params = map[string]string{"renews": u.Token.Hash().Text()}
	return s.InTx(ctx, func(tx Tx) error {
		if err := s.spend(ctx, tx, c, true); err != nil {
			return err
		}
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.PreparationRenewed, At: now, Actor: "anonymous", Message: m.ID,
			Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
}

// Prepare decides, in the outbox worker, what becomes of the mails that somebody else than an administrator has caused: a renewed
// link, the mail to a proposed address, and the one that says that it counts.
func (s *Service) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	return s.prepare(ctx, m, func(tx Tx, m *outbox.Message) (Invitation, Purpose, error) {
		if m.Template == ConfirmTemplate {
			i, err := tx.FindInvitationInTx(ctx, secret.HashFromText(m.Params["renews"]))
			if err == nil && !i.mayRenew(s.Now()) {
				err = fmt.Errorf("%w: no link to renew", outbox.ErrDrop)
			}
			return i, Confirm, err
		}
		p, err := tx.FindProposal(ctx, m.Params["proposal"])
		if err != nil {
			return Invitation{}, "", fmt.Errorf("find proposal: %w", err)
		}
		i, ok, err := tx.FindPersonInTx(ctx, p.Person)
		if err != nil {
			return Invitation{}, "", fmt.Errorf("find person: %w", err)
		}
		i.Proposal, i.Link = p, Link{Identifier: p.Identifier, Proposal: p.ID, ClientID: m.Params["client_id"], Language: p.Language}
		approved := m.Template == ApprovedTemplate
		switch {
		case !ok || !i.takesPart() || !p.isOpen() || !approved && !p.Confirmed.IsZero():
			return i, "", fmt.Errorf("%w: withdrawn", outbox.ErrDrop)
		case approved && s.Now().Before(p.Settled): // the register's address was told later than it should have been
			return i, "", outbox.Later{Err: errObjectable, After: p.Settled.Sub(s.Now())}
		case approved && !p.counts(s.Now()):
			return i, "", fmt.Errorf("%w: it does not count", outbox.ErrDrop)
		}
		if !approved {
			return i, Proposed, nil
		}
		if acc, taken, err := tx.FindAccount(ctx, p.Identifier); err != nil {
			return i, "", fmt.Errorf("find account: %w", err)
		} else if taken && acc.IsOpen() {
			i.Holder = acc
		}
		return i, Confirm, nil
	})
}

var errObjectable = errors.New("the register's address may still object")

// mayRenew says whether the link was one that would work today, had it not grown too old or been pushed out by younger ones.
func (i Invitation) mayRenew(now time.Time) bool {
	if i.Link.Purpose != Confirm || !i.takesPart() {
		return false
	}
	if i.Link.Proposal != "" {
		return i.Proposal.counts(now)
	}
	return i.isConfirmable() && i.Link.Identifier == i.Person.Reached()
}

// Straggle looks, in the outbox worker, whether a request for a mailed link that names no account names a person who has not
// confirmed yet, where her employer has switched: then the preparation link is sent in its place. Whom no link may confirm gets none,
// and stands under "needs attention" (RULES §7). Everything before the worker is the same for every address.
func (s *Service) Straggle(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	id, err := s.Authn.Recipient(m)
	if err != nil {
		return m, fmt.Errorf("%w: %w", outbox.ErrDrop, err)
	}
	flagged := false
	prepared, err := s.prepare(ctx, m, func(tx Tx, m *outbox.Message) (Invitation, Purpose, error) {
		flagged = false
		all, err := tx.FindStragglers(ctx, id)
		if err != nil {
			return Invitation{}, "", fmt.Errorf("find stragglers: %w", err)
		}
		for _, i := range all {
			if !i.isConfirmable() {
				flagged = flagged || i.takesPart()
				continue
			}
			i.Link = Link{Identifier: id, ClientID: m.Params["client_id"], Language: m.Language}
			m.Template, m.Params["asked"] = ConfirmTemplate, "yes"
			return i, Confirm, nil
		}
		return Invitation{}, "", errNobody
	})
	if !errors.Is(err, errNobody) {
		return prepared, err
	}
	if flagged {
		if err := s.needAttention(ctx, id); err != nil {
			return m, err
		}
	}
	return m, fmt.Errorf("%w: %w", outbox.ErrDrop, errNobody)
}

var errNobody = errors.New("no account, and nobody to help to one")

// needAttention notes that people tried to log in whom no link may help.
func (s *Service) needAttention(ctx context.Context, id account.Identifier) error {
	return s.InTx(ctx, func(tx Tx) error {
		all, err := tx.FindStragglers(ctx, id)
		if err != nil {
			return fmt.Errorf("find stragglers: %w", err)
		}
		for _, i := range all {
			if !i.takesPart() {
				continue
			}
			if err := tx.MarkAttention(ctx, i.Person.ID, s.Now()); err != nil {
				return fmt.Errorf("mark a person: %w", err)
			}
		}
		return nil
	})
}

// dropped says that a message is not sent where messages by SMS are not, or no more for now.
func dropped(err error) error {
	for _, why := range []error{authn.ErrSMSLimit, authn.ErrNoSMS, authn.ErrCountry} {
		if errors.Is(err, why) {
			return fmt.Errorf("%w: %w", outbox.ErrDrop, err)
		}
	}
	return err
}

// prepare makes the link that find asks for, within the recipient's budget, and completes the message.
func (s *Service) prepare(ctx context.Context, m outbox.Message, find func(Tx, *outbox.Message) (Invitation, Purpose, error)) (outbox.Message, error) {
	token, linkID, now := secret.NewToken(), secret.NewID(), s.Now()
	if m.Channel == outbox.SMS {
		token = secret.NewShortToken()
	}
	prepared := m
	err := s.InTx(ctx, func(tx Tx) error {
		prepared = m
		prepared.Params = maps.Clone(m.Params)
		i, purpose, err := find(tx, &prepared)
		if err != nil {
			return err
		}
		room, err := s.recipientHasRoom(ctx, tx, i.Link.Identifier)
		if err != nil {
			return err
		}
		if !room {
			return fmt.Errorf("%w: over the recipient's budget", outbox.ErrDrop)
		}
		if i.byPhone() {
			if err := s.Authn.TakeLink(ctx, tx, i.Link.Identifier.Phone(), "", ""); err != nil {
				return dropped(err)
			}
		}
		// To the address as the register, or the proposal, has it: folding must not open a second mailbox.
		prepared.Prepared, prepared.To, prepared.Language = true, i.address(), cmp.Or(i.Person.Language, i.Link.Language, m.Language)
		if prepared.Organisation = i.Person.Organisation; purpose == Confirm && i.Link.Proposal == "" {
			prepared.Person = i.Person.ID // of a proposed address nothing is known yet, and what becomes of its mail says nothing of the register's
		}
		for k, v := range s.params(i) {
			prepared.Params[k] = v
		}
		if purpose == Proposed {
			delete(prepared.Params, "name") // whoever gets it by a typing error is not told whose address it shall be
			prepared.Language = cmp.Or(i.Link.Language, m.Language)
		}
		if purpose == Confirm && i.Holder.ID != "" {
			prepared.Params["existing"] = "yes"
		}
		delete(prepared.Params, "renews")
		if i.byPhone() {
			s.Authn.ToPhone(&prepared, i.Link.Identifier.Phone(), token)
		} else {
			prepared.SealSecret(s.Keys, token, now)
		}
		l := Link{ID: linkID, Secret: token.Hash(), Purpose: purpose, Person: i.Person.ID, Identifier: i.Link.Identifier, Proposal: i.Link.Proposal,
			ClientID: i.Link.ClientID, Language: prepared.Language, Life: s.life(purpose), Created: now, Expires: m.Expires.Add(s.life(purpose))}
		if err := tx.InsertPreparationLink(ctx, l, now); err != nil {
			return fmt.Errorf("insert link: %w", err)
		}
		if err := tx.SavePrepared(ctx, prepared, linkID); err != nil {
			return fmt.Errorf("save prepared message: %w", err)
		}
		if purpose == Confirm && l.Proposal == "" {
			if err := tx.MarkMailed(ctx, i.Person.ID, now); err != nil {
				return fmt.Errorf("mark a person: %w", err)
			}
		}
		e := s.event(audit.PreparationLinkSent, i, authn.Browser{})
		e.Actor, e.Message, e.Detail["purpose"], e.Personal = "system", m.ID, string(purpose), map[string]string{"person": i.Person.ID}
		return tx.Append(ctx, e)
	})
	return prepared, err
}
