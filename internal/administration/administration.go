// Package administration is the flow by which an account becomes an administrator, and by which one enters the console. What
// the console then does belongs to the flows of its pages; what a role may do stands in the noun administrator.
package administration

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
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Service lets administrators in, and appoints them.
type Service struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error
	Authn *authn.Service
	Now   func() time.Time
}

// Store answers questions outside a transaction.
type Store interface {
	// ListAppointments lists what an account is an administrator of.
	ListAppointments(ctx context.Context, id account.ID) ([]administrator.Appointment, error)
	// ListAdministrators lists an organisation's administrators; '' the operators.
	ListAdministrators(ctx context.Context, o organisation.ID) ([]administrator.Appointment, error)
	// ListOrganisations lists all organisations by id.
	ListOrganisations(ctx context.Context) ([]organisation.Organisation, error)
	// ListOrganisationAudit lists the newest lines of the audit log about an organisation, after a place.
	ListOrganisationAudit(ctx context.Context, o organisation.ID, after Place, n int) ([]Line, error)
	// ListPersonAudit lists the newest lines about a person of an organisation.
	ListPersonAudit(ctx context.Context, o organisation.ID, person string, n int) ([]Line, error)
}

// Line is a line of the audit log as the console shows it.
type Line struct {
	ID     string
	At     time.Time
	Kind   audit.Kind
	Actor  string
	By     string // the administrator's name or address, if one did it
	Person string // the name of the person that it is about, if it is about one
	Reason string
	Detail map[string]string
}

// Place is where a page of the log ends; zero: before the newest line. A time alone would not do: many lines may have the same.
type Place struct {
	At time.Time
	ID string
}

// Place is the line's.
func (l Line) Place() Place { return Place{l.At, l.ID} }

// Tx is what administration changes.
type Tx interface {
	// FindColleague looks for an account by its identifier, among those that are connected with the organisation; '' all.
	FindColleague(ctx context.Context, o organisation.ID, id account.Identifier) (account.Account, bool, error)
	// SaveAppointment stores an account's role in an organisation, in place of its former one.
	SaveAppointment(ctx context.Context, a administrator.Appointment) error
	// DeleteAppointment takes an account's role away and returns it; false if it had none.
	DeleteAppointment(ctx context.Context, o organisation.ID, id account.ID) (administrator.Role, bool, error)
	// CountOwners counts an organisation's owners but for one account.
	CountOwners(ctx context.Context, o organisation.ID, but account.ID) (int, error)
	audit.Appender
}

// The ways in which the console stays shut.
var (
	// ErrNobody: nobody is signed in here, or the session rests.
	ErrNobody = errors.New("nobody is signed in")
	// ErrStepUp: the session is worth less than the console asks for (RULES §3).
	ErrStepUp = errors.New("administrators need two-factor authentication")
)

// Enter returns the administrator behind a browser's session. It fails with ErrNobody, ErrStepUp, or administrator.ErrForbidden
// for an account that is none.
func (s *Service) Enter(ctx context.Context, token secret.Token) (administrator.Administrator, error) {
	f, acc, err := s.Authn.Current(ctx, token)
	if err != nil {
		return administrator.Administrator{}, err
	}
	if !f.Live || f.Session.IsIdle(s.Now()) {
		return administrator.Administrator{}, ErrNobody
	}
	all, err := s.Store.ListAppointments(ctx, acc.ID)
	if err != nil {
		return administrator.Administrator{}, fmt.Errorf("list appointments: %w", err)
	}
	a := administrator.Of(acc, all)
	switch {
	case !a.IsOne():
		return a, administrator.ErrForbidden
	case !f.Session.ACR.Satisfies(session.AAL2):
		return a, ErrStepUp
	}
	return a, nil
}

// Organisations are those that the administrator sees, by name.
func (s *Service) Organisations(ctx context.Context, by administrator.Administrator) ([]organisation.Organisation, error) {
	all, err := s.Store.ListOrganisations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	var own []organisation.Organisation
	for _, o := range all {
		if by.May(o.ID, administrator.See) {
			own = append(own, o)
		}
	}
	return own, nil
}

// List lists an organisation's administrators.
func (s *Service) List(ctx context.Context, o organisation.ID) ([]administrator.Appointment, error) {
	return s.Store.ListAdministrators(ctx, o)
}

// Log lists the newest lines of the audit log about an organisation, after a place.
func (s *Service) Log(ctx context.Context, o organisation.ID, after Place, n int) ([]Line, error) {
	return s.Store.ListOrganisationAudit(ctx, o, after, n)
}

// PersonLog lists the newest lines about a person of an organisation.
func (s *Service) PersonLog(ctx context.Context, o organisation.ID, person string, n int) ([]Line, error) {
	return s.Store.ListPersonAudit(ctx, o, person, n)
}

// The ways in which an appointment is refused.
var (
	ErrRole = errors.New("the role is owner, administrator, helpdesk or auditor")
	// ErrNoColleague is one answer for "no such account" and "not of this organisation": nothing tells an administrator that an
	// account exists elsewhere (RULES §6).
	ErrNoColleague = errors.New("nobody of this organisation has confirmed this address")
	// ErrLastOwner: somebody must be left who can appoint.
	ErrLastOwner = errors.New("an organisation keeps one owner")
)

// Appoint makes the account with the address an administrator of an organisation, or changes its role. An empty organisation
// makes an operator, which the command line alone may. It fails with account.ErrNotAnAddress, ErrRole, ErrNoColleague,
// ErrLastOwner or administrator.ErrForbidden.
func (s *Service) Appoint(ctx context.Context, by administrator.Administrator, o organisation.ID, address string, role administrator.Role) error {
	if !by.May(o, administrator.Appoint) || o == "" && by.Account.ID != "" {
		return administrator.ErrForbidden
	}
	if o != "" && !role.IsRole() {
		return ErrRole
	}
	_, id, err := account.ParseAddress(address)
	if err != nil {
		return err
	}
	// The operator's word is enough for somebody who is in no register.
	among := o
	if by.Operator {
		among = ""
	}
	return s.InTx(ctx, func(tx Tx) error {
		acc, ok, err := tx.FindColleague(ctx, among, id)
		if err != nil || !ok {
			return orElse(err, ErrNoColleague)
		}
		if role != administrator.Owner {
			if err := s.keepsOwner(ctx, tx, by, o, acc.ID); err != nil {
				return err
			}
		}
		if err := tx.SaveAppointment(ctx, administrator.Appointment{Account: acc.ID, Organisation: o, Role: role, Since: s.Now(), By: by.Account.ID}); err != nil {
			return fmt.Errorf("save appointment: %w", err)
		}
		e := by.Event(audit.Appointed, o, "", s.Now())
		e.Account, e.Detail["role"] = acc.ID, string(role)
		return tx.Append(ctx, e)
	})
}

// Dismiss takes an account's role away; nothing happens where it has none. It fails with ErrLastOwner or administrator.ErrForbidden.
func (s *Service) Dismiss(ctx context.Context, by administrator.Administrator, o organisation.ID, id account.ID) error {
	if !by.May(o, administrator.Appoint) || o == "" && by.Account.ID != "" {
		return administrator.ErrForbidden
	}
	return s.InTx(ctx, func(tx Tx) error {
		if err := s.keepsOwner(ctx, tx, by, o, id); err != nil {
			return err
		}
		role, had, err := tx.DeleteAppointment(ctx, o, id)
		if err != nil || !had {
			return err
		}
		e := by.Event(audit.Dismissed, o, "", s.Now())
		e.Account, e.Detail["role"] = id, string(role)
		return tx.Append(ctx, e)
	})
}

// keepsOwner refuses to take an organisation's last owner away, unless the operator does it, who can make another.
func (s *Service) keepsOwner(ctx context.Context, tx Tx, by administrator.Administrator, o organisation.ID, id account.ID) error {
	if by.Operator {
		return nil
	}
	n, err := tx.CountOwners(ctx, o, id)
	if err != nil {
		return fmt.Errorf("count owners: %w", err)
	}
	if n == 0 {
		return ErrLastOwner
	}
	return nil
}

// DismissAddress is Dismiss for the command line, which knows people by their address. It fails with ErrNoColleague besides.
func (s *Service) DismissAddress(ctx context.Context, by administrator.Administrator, o organisation.ID, address string) error {
	_, id, err := account.ParseAddress(address)
	if err != nil {
		return err
	}
	var who account.Account
	err = s.InTx(ctx, func(tx Tx) error {
		acc, ok, err := tx.FindColleague(ctx, "", id)
		who = acc
		if err == nil && !ok {
			err = ErrNoColleague
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.Dismiss(ctx, by, o, who.ID)
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
