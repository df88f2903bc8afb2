package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// The ways in which an act waits for the word of others, or is refused by it.
var (
	// ErrAsked: the account is not the organisation's alone; an administrator of each other one was asked.
	ErrAsked = errors.New("a second approval is needed, and was asked for")
	// ErrRefused: one of those who were asked has refused, in the last day.
	ErrRefused = errors.New("the approval was refused")
	// ErrNoApproval is one answer for what nobody asks for, what is over, and what is somebody else's to decide.
	ErrNoApproval = errors.New("there is no such approval to decide on")
	// ErrOwnRequest: four eyes are two people's.
	ErrOwnRequest = errors.New("whoever asks does not approve")
)

// ApprovalStore is what approvals read outside a transaction.
type ApprovalStore interface {
	// ListApprovals lists what administrators of the organisation are asked to approve, oldest first.
	ListApprovals(ctx context.Context, o organisation.ID, now time.Time, n int) ([]Asked, error)
	// ListAsked lists what the organisation has asked for about its person, and what stands.
	ListAsked(ctx context.Context, o organisation.ID, person string, now time.Time) ([]administrator.Approval, error)
}

// ApprovalTx is what approvals change.
type ApprovalTx interface {
	// FindApproval reads the approval that the organisation has asked for, the open one or else the newest; the zero Approval where there is none.
	FindApproval(ctx context.Context, o organisation.ID, id account.ID, act administrator.Act) (administrator.Approval, error)
	// ReadApproval reads an approval; the zero Approval where there is none.
	ReadApproval(ctx context.Context, id string) (administrator.Approval, error)
	// InsertApproval stores a new one.
	InsertApproval(ctx context.Context, a administrator.Approval) error
	// SaveApproval stores how far it has come.
	SaveApproval(ctx context.Context, a administrator.Approval) error
	// ListApprovers lists the other organisations of the account now, and whether each has given its word.
	ListApprovers(ctx context.Context, a administrator.Approval) ([]Approver, error)
	// GiveWord stores an organisation's word; false if it has given it.
	GiveWord(ctx context.Context, approval string, o organisation.ID, by account.ID, now time.Time) (bool, error)
	// FindChargeOf finds the account as the organisation has it: its person, its role; false where it has neither.
	FindChargeOf(ctx context.Context, o organisation.ID, id account.ID) (administrator.Charge, bool, error)
}

// Asked is an approval as those see it who are asked: their own person and the act, and nothing of who asks.
type Asked struct {
	ID      string
	Act     administrator.Act
	Person  string // of the organisation that is asked; empty: the account has a role there and no row in the register
	Name    string
	Asked   time.Time
	Expires time.Time
	AskedBy account.ID
}

// Approver is another organisation of an account.
type Approver struct {
	Organisation organisation.ID
	Person       string
	Given        bool
}

// mostApprovals is how many a page shows.
const mostApprovals = 100

// Approvals lists what administrators of the organisation are asked to approve. It fails with administrator.ErrForbidden.
func (s *Service) Approvals(ctx context.Context, by administrator.Administrator, o organisation.ID) ([]Asked, error) {
	if !by.May(o, administrator.Help) {
		return nil, administrator.ErrForbidden
	}
	return s.Store.ListApprovals(ctx, o, s.Now(), mostApprovals)
}

// AskedFor lists what the organisation has asked for about its person, and what stands.
func (s *Service) AskedFor(ctx context.Context, o organisation.ID, person string) ([]administrator.Approval, error) {
	return s.Store.ListAsked(ctx, o, person, s.Now())
}

// charge finds the account behind a person whose credentials the administrator may touch. waits says that others were asked instead:
// then nothing else is to be done in the transaction.
func (s *Service) charge(ctx context.Context, tx Tx, by administrator.Administrator, o organisation.ID, person string, act administrator.Act, reason string) (c administrator.Charge, waits bool, err error) {
	c, ok, err := tx.FindCharge(ctx, o, person)
	switch {
	case err != nil:
		return c, false, fmt.Errorf("find the account of a person: %w", err)
	case !ok:
		return c, false, ErrNoAccount
	}
	err = by.MayTouch(c)
	if err != nil && !errors.Is(err, administrator.ErrElsewhere) {
		return c, false, err
	}
	elsewhere := err != nil
	second, err := tx.FindSecond(ctx, c.Account.ID)
	switch {
	case err != nil:
		return c, false, fmt.Errorf("find second proofs: %w", err)
	case second.Apps == 0:
		return c, false, ErrNothingToRecover // before anybody is asked
	}
	if !by.Operator {
		if printed, err := tx.WasPrintedFor(ctx, c.Account.ID, s.Now().Add(-administrator.ProofsApart)); err != nil || printed {
			return c, false, cmp.Or(err, ErrPrintedLately)
		}
	}
	if !elsewhere {
		return c, false, nil
	}
	waits, err = s.seek(ctx, tx, by, c, act, reason)
	return c, waits, err
}

// seek uses an approval that the administrator has, or asks for one.
func (s *Service) seek(ctx context.Context, tx Tx, by administrator.Administrator, c administrator.Charge, act administrator.Act, reason string) (waits bool, err error) {
	if by.Account.ID == "" {
		return false, administrator.ErrElsewhere // a program has no eyes
	}
	now := s.Now()
	a, err := tx.FindApproval(ctx, c.Organisation, c.Account.ID, act)
	if err != nil {
		return false, fmt.Errorf("find approval: %w", err)
	}
	switch {
	case a.IsRefused(now):
		return false, ErrRefused
	case a.Stands(c.Account.Epoch, now) && a.AskedBy == by.Account.ID:
		return s.useApproval(ctx, tx, a)
	case a.Stands(c.Account.Epoch, now):
		err = s.endApproval(ctx, tx, a, administrator.ApprovalReplaced)
	case a.ID != "" && a.Ended.IsZero():
		err = s.endApproval(ctx, tx, a, administrator.ApprovalOver)
	}
	if err != nil {
		return false, err
	}
	return true, s.ask(ctx, tx, by, administrator.Approval{ID: secret.NewID(), Act: act, Account: c.Account.ID, Epoch: c.Account.Epoch, Organisation: c.Organisation,
		Person: c.Person, AskedBy: by.Account.ID, Asked: now, Expires: now.Add(administrator.ApprovalLife)}, reason)
}

// ask stores an approval and writes a line for each organisation. None of them names another, and the reason stays with whoever asks: it
// may tell where, and who agrees shall look for herself.
func (s *Service) ask(ctx context.Context, tx Tx, by administrator.Administrator, a administrator.Approval, reason string) error {
	if err := tx.InsertApproval(ctx, a); err != nil {
		return fmt.Errorf("insert approval: %w", err)
	}
	e := by.Event(audit.ApprovalAsked, a.Organisation, reason, s.Now())
	e.Account = a.Account
	if err := s.appendApproval(ctx, tx, e, a, a.Person); err != nil {
		return err
	}
	return s.tellApprovers(ctx, tx, audit.ApprovalAsked, a)
}

// tellApprovers writes a line into the log of each organisation that must agree, which says what and not who.
func (s *Service) tellApprovers(ctx context.Context, tx Tx, kind audit.Kind, a administrator.Approval) error {
	others, err := tx.ListApprovers(ctx, a)
	if err != nil {
		return fmt.Errorf("list approvers: %w", err)
	}
	for _, o := range others {
		if err := s.appendApproval(ctx, tx, s.unnamed(kind, o.Organisation), a, o.Person); err != nil {
			return err
		}
	}
	return nil
}

// unnamed begins a line about what somebody of another organisation has done.
func (s *Service) unnamed(kind audit.Kind, o organisation.ID) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "system", Detail: map[string]string{"organisation": string(o)}, Personal: map[string]string{}}
}

func (s *Service) appendApproval(ctx context.Context, tx Tx, e audit.Event, a administrator.Approval, person string) error {
	e.Detail["approval"], e.Detail["act"] = a.ID, string(a.Act)
	e.Personal["person"] = person
	return tx.Append(ctx, e)
}

// useApproval spends an approval to which everybody has agreed whose word counts today: an organisation that has come since is asked, and
// one that has gone is not. waits says that somebody has not agreed yet.
func (s *Service) useApproval(ctx context.Context, tx Tx, a administrator.Approval) (waits bool, err error) {
	missing, err := s.missing(ctx, tx, a)
	if err != nil || missing {
		return missing, err
	}
	if err := s.endApproval(ctx, tx, a, administrator.ApprovalUsed); err != nil {
		return false, err
	}
	return false, s.tellApprovers(ctx, tx, audit.ApprovalUsed, a)
}

func (s *Service) missing(ctx context.Context, tx Tx, a administrator.Approval) (bool, error) {
	others, err := tx.ListApprovers(ctx, a)
	if err != nil {
		return false, fmt.Errorf("list approvers: %w", err)
	}
	for _, o := range others {
		if !o.Given {
			return true, nil
		}
	}
	return false, nil
}

func (s *Service) endApproval(ctx context.Context, tx Tx, a administrator.Approval, why string) error {
	a.Ended, a.EndedBy = s.Now(), why
	if err := tx.SaveApproval(ctx, a); err != nil {
		return fmt.Errorf("end approval: %w", err)
	}
	return nil
}

// Decide gives or refuses an organisation's word: that of an administrator who helps there and may touch what the account has there, and
// who did not ask herself. An operator's word is that of all. The second of two presses finds the work done. It fails with ErrNoReason,
// ErrNoApproval, ErrOwnRequest, or a refusal of administrator.MayTouch.
func (s *Service) Decide(ctx context.Context, by administrator.Administrator, o organisation.ID, id string, agrees bool, reason string) error {
	if !by.May(o, administrator.Help) || by.Account.ID == "" {
		return administrator.ErrForbidden
	}
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		a, err := tx.ReadApproval(ctx, id)
		if err != nil {
			return fmt.Errorf("read approval: %w", err)
		}
		if a.ID == "" || a.Organisation == o {
			return ErrNoApproval
		}
		c, ok, err := tx.FindChargeOf(ctx, o, a.Account)
		switch {
		case err != nil:
			return fmt.Errorf("find the account of an approval: %w", err)
		case !ok || !a.Stands(c.Account.Epoch, s.Now()):
			return ErrNoApproval
		case a.AskedBy == by.Account.ID:
			return ErrOwnRequest
		}
		c.Elsewhere = false // that is why she is asked
		if err := by.MayTouch(c); err != nil {
			return err
		}
		if !agrees {
			return s.refuseApproval(ctx, tx, by, a, c, reason)
		}
		return s.giveWord(ctx, tx, by, a, c, reason)
	})
}

func (s *Service) refuseApproval(ctx context.Context, tx Tx, by administrator.Administrator, a administrator.Approval, c administrator.Charge, reason string) error {
	if err := s.endApproval(ctx, tx, a, administrator.ApprovalRefused); err != nil {
		return err
	}
	e := by.Event(audit.ApprovalRefused, c.Organisation, reason, s.Now())
	e.Account = a.Account
	if err := s.appendApproval(ctx, tx, e, a, c.Person); err != nil {
		return err
	}
	return s.appendApproval(ctx, tx, s.unnamed(audit.ApprovalRefused, a.Organisation), a, a.Person)
}

func (s *Service) giveWord(ctx context.Context, tx Tx, by administrator.Administrator, a administrator.Approval, c administrator.Charge, reason string) error {
	others, err := tx.ListApprovers(ctx, a)
	if err != nil {
		return fmt.Errorf("list approvers: %w", err)
	}
	fresh := false
	for _, other := range others {
		if other.Organisation != c.Organisation && !by.Operator {
			continue
		}
		given, err := tx.GiveWord(ctx, a.ID, other.Organisation, by.Account.ID, s.Now())
		if err != nil {
			return fmt.Errorf("give word: %w", err)
		}
		fresh = fresh || given
	}
	if !fresh {
		return nil
	}
	e := by.Event(audit.ApprovalGiven, c.Organisation, reason, s.Now())
	e.Account = a.Account
	if err := s.appendApproval(ctx, tx, e, a, c.Person); err != nil {
		return err
	}
	if missing, err := s.missing(ctx, tx, a); err != nil || missing {
		return err
	}
	a.Granted, a.Expires = s.Now(), s.Now().Add(administrator.ApprovalUse)
	if err := tx.SaveApproval(ctx, a); err != nil {
		return fmt.Errorf("grant approval: %w", err)
	}
	return s.appendApproval(ctx, tx, s.unnamed(audit.ApprovalGiven, a.Organisation), a, a.Person)
}
