package preparation

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
)

// Proposal is an address that somebody with a person's link wants to use in place of the register's. It may be a colleague who has
// come by the link: so it counts only when its own mail is confirmed, an administrator has approved, and the register's address has
// had its time to object (RULES §7).
type Proposal struct {
	ID         string
	Person     string
	Address    string
	Identifier account.Identifier
	Language   string
	Created    time.Time
	Settled    time.Time // from then on the register's address objects no more
	Confirmed  time.Time // its own mail was confirmed; zero: not yet
	Approved   time.Time
	ApprovedBy account.ID // empty: the operator
	Invited    time.Time  // both conditions held: the mail with its link was enqueued
	Ended      time.Time
	EndedBy    string // replaced, objected, refused, connected, register
}

// isOpen says whether the proposal may still come to something.
func (p Proposal) isOpen() bool { return p.ID != "" && p.Ended.IsZero() }

// counts says whether the address may be used.
func (p Proposal) counts(now time.Time) bool {
	return p.isOpen() && !p.Confirmed.IsZero() && !p.Approved.IsZero() && !now.Before(p.Settled)
}

// ProposedBy is a proposal as whoever decides on it sees it.
type ProposedBy struct {
	Proposal Proposal
	Person   person.Person // name and the register's address
}

// Propose asks to use another address. Whether it has an account is not looked at, and the answer is the same. The register's address is
// told at once. It fails with account.ErrNotAnAddress, ErrSameAddress, authn.ErrNoLink, ErrRobot or authn.ErrThrottled.
func (s *Service) Propose(ctx context.Context, u Press, typed string, b authn.Browser) error {
	address, id, err := account.ParseAddress(typed)
	if err != nil {
		return err
	}
	c, err := s.check(u, b)
	if err != nil {
		return err
	}
	now := s.Now()
	p := Proposal{ID: secret.NewID(), Address: address, Identifier: id, Created: now, Settled: now.Add(objectionTime)}
	proposed := outbox.New(outbox.Mail, ProposedTemplate, address, now)
	objection := outbox.New(outbox.Mail, ObjectionTemplate, "", now)
	token, link := secret.NewToken(), secret.NewID()
	return s.InTx(ctx, func(tx Tx) error {
		i, err := tx.FindInvitationInTx(ctx, u.Token.Hash())
		switch {
		case err != nil:
			return fmt.Errorf("find link: %w", err)
		case i.Link.Purpose != Confirm || !i.stands(now) || i.byPhone(): // nobody at another address could object
			return authn.ErrNoLink
		case id == i.Link.Identifier:
			return ErrSameAddress
		}
		if err := s.spend(ctx, tx, c, true); err != nil {
			return err
		}
		// Of one person: whoever holds her link must not fill her mailbox with what he proposes.
		if room, err := s.recipientHasRoom(ctx, tx, account.Identifier("person "+i.Person.ID)); err != nil || !room {
			return cmp.Or(err, authn.ErrThrottled)
		}
		p := p
		p.Person, p.Language = i.Person.ID, cmp.Or(i.Link.Language, i.Person.Language, b.Language)
		if err := tx.InsertProposal(ctx, p); err != nil {
			return fmt.Errorf("insert proposal: %w", err)
		}
		m := proposed
		m.Lane, m.Language = outbox.Urgent, p.Language
		if u.Plain {
			m.NotBefore = now.Add(s.PlainDelay)
		}
		m.Expires = m.NotBefore.Add(Proposed.Life())
		m.Params = map[string]string{"proposal": p.ID, "client_id": i.Link.ClientID}
		if err := tx.Enqueue(ctx, m); err != nil {
			return err
		}
		if err := s.tellRegister(ctx, tx, i, p, objection, link, token, b); err != nil {
			return err
		}
		e := s.event(audit.PreparationProposed, i, b)
		e.Personal["address"] = address
		return tx.Append(ctx, e)
	})
}

// tellRegister tells the register's address of the proposal, with a link that withdraws it.
func (s *Service) tellRegister(ctx context.Context, tx Tx, i Invitation, p Proposal, m outbox.Message, link string, token secret.Token, b authn.Browser) error {
	m.To, m.Language = i.Person.Address, cmp.Or(i.Person.Language, i.Link.Language)
	m.Expires, m.Prepared, m.Link = m.Created.Add(objectionTime), true, link
	m.Organisation, m.Person = i.Person.Organisation, i.Person.ID
	m.Params = s.params(i)
	m.Params["hours"] = strconv.Itoa(int(Object.Life() / time.Hour))
	m.Params["user_agent"], m.Params["ip"], m.Params["at"] = b.Device.UserAgent, b.Device.Address, outbox.FormatTime(m.Created)
	m.SealSecret(s.Keys, token, m.Created)
	return s.send(ctx, tx, m, Link{ID: link, Secret: token.Hash(), Purpose: Object, Person: i.Person.ID, Identifier: i.Person.Identifier(),
		Proposal: p.ID, ClientID: i.Link.ClientID, Language: m.Language})
}

// ConfirmProposed consumes the link that was mailed to the proposed address. It fails with authn.ErrNoLink, ErrRobot or
// authn.ErrThrottled.
func (s *Service) ConfirmProposed(ctx context.Context, u Press, b authn.Browser) error {
	return s.answer(ctx, u, Proposed, b, func(tx Tx, i Invitation) error {
		i.Proposal.Confirmed = s.Now()
		if err := tx.Append(ctx, s.event(audit.PreparationProposalConfirmed, i, b)); err != nil {
			return err
		}
		return s.goOn(ctx, tx, i)
	})
}

// Object withdraws the proposal, at the word of the register's address. It fails as ConfirmProposed does.
func (s *Service) Object(ctx context.Context, u Press, b authn.Browser) error {
	return s.answer(ctx, u, Object, b, func(tx Tx, i Invitation) error {
		i.Proposal.Ended, i.Proposal.EndedBy = s.Now(), "objected"
		if err := tx.SaveProposal(ctx, i.Proposal); err != nil {
			return fmt.Errorf("save proposal: %w", err)
		}
		return tx.Append(ctx, s.event(audit.PreparationObjected, i, b))
	})
}

func (s *Service) answer(ctx context.Context, u Press, purpose Purpose, b authn.Browser, effect func(Tx, Invitation) error) error {
	c, err := s.check(u, b)
	if err != nil {
		return err
	}
	return s.use(ctx, u.Token, purpose, func(tx Tx, i Invitation) error {
		if err := s.spend(ctx, tx, c, false); err != nil {
			return err
		}
		return effect(tx, i)
	})
}

// ListProposals lists the organisation's proposals that wait for a word, oldest first.
func (s *Service) ListProposals(ctx context.Context, org organisation.ID) ([]ProposedBy, error) {
	return s.Store.ListProposals(ctx, org, 500)
}

// Approve says, in the organisation's name, that the proposed address is the person's. It fails with administrator.ErrForbidden or
// ErrNoProposal.
func (s *Service) Approve(ctx context.Context, by administrator.Administrator, org organisation.ID, id, reason string) error {
	return s.decide(ctx, by, org, id, reason, audit.PreparationProposalApproved, func(tx Tx, i Invitation) error {
		i.Proposal.Approved, i.Proposal.ApprovedBy = s.Now(), by.Account.ID
		// That mail came back is no reason: the link was read, so that it arrived, and whoever reads it can report it as undeliverable.
		if i.Person.Identifier() == "" {
			i.Proposal.Settled = s.Now() // nobody is there who could object
		}
		return s.goOn(ctx, tx, i)
	})
}

// Refuse says that it is not. It fails as Approve does.
func (s *Service) Refuse(ctx context.Context, by administrator.Administrator, org organisation.ID, id, reason string) error {
	return s.decide(ctx, by, org, id, reason, audit.PreparationProposalRefused, func(tx Tx, i Invitation) error {
		i.Proposal.Ended, i.Proposal.EndedBy = s.Now(), "refused"
		return tx.SaveProposal(ctx, i.Proposal)
	})
}

func (s *Service) decide(ctx context.Context, by administrator.Administrator, org organisation.ID, id, reason string, kind audit.Kind, effect func(Tx, Invitation) error) error {
	if !by.May(org, administrator.Help) {
		return administrator.ErrForbidden
	}
	return s.InTx(ctx, func(tx Tx) error {
		p, err := tx.FindProposal(ctx, id)
		if err != nil {
			return fmt.Errorf("find proposal: %w", err)
		}
		i, ok, err := tx.FindPersonInTx(ctx, p.Person)
		if err != nil {
			return fmt.Errorf("find person: %w", err)
		}
		if !ok || i.Person.Organisation != org || !i.takesPart() || !p.isOpen() || !p.Approved.IsZero() {
			return ErrNoProposal
		}
		i.Proposal = p
		e := by.Event(kind, org, reason, s.Now())
		e.Personal["person"], e.Personal["address"] = i.Person.ID, p.Address
		if err := tx.Append(ctx, e); err != nil {
			return err
		}
		return effect(tx, i)
	})
}

// goOn stores the proposal, and enqueues the mail with the link to the new address where both conditions hold. It waits until the
// register's address objects no more; whether it has, Prepare looks then.
func (s *Service) goOn(ctx context.Context, tx Tx, i Invitation) error {
	p, now := i.Proposal, s.Now()
	ready := !p.Confirmed.IsZero() && !p.Approved.IsZero() && p.Invited.IsZero()
	if ready {
		p.Invited = now
	}
	if err := tx.SaveProposal(ctx, p); err != nil {
		return fmt.Errorf("save proposal: %w", err)
	}
	if !ready {
		return nil
	}
	m := outbox.New(outbox.Mail, ApprovedTemplate, p.Address, now)
	m.Lane, m.Language = outbox.Notice, p.Language
	if p.Settled.After(now) {
		m.NotBefore = p.Settled
	}
	m.Expires = m.NotBefore.Add(objectionTime + mailLife) // the mail that tells the register's address may be late itself
	m.Params = map[string]string{"proposal": p.ID}
	return tx.Enqueue(ctx, m)
}
