// Package administrator holds the noun administrator: an account that looks after an organisation's people, and what its role
// lets it do. Who becomes one is the business of the flow administration.
package administrator

import (
	"errors"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Role is what an account is in an organisation. An account has one role in each.
type Role string

// The roles, from the one that may do most.
const (
	Owner    Role = "owner"         // everything, also who else is an administrator
	Manager  Role = "administrator" // policy, look, register, campaign and help
	Helpdesk Role = "helpdesk"      // helps one person at a time
	Auditor  Role = "auditor"       // looks, and changes nothing
)

// Roles are all roles, from the one that may do most.
func Roles() []Role { return []Role{Owner, Manager, Helpdesk, Auditor} }

// IsRole says whether there is such a role.
func (r Role) IsRole() bool { return slices.Contains(Roles(), r) }

// Right is something that an administrator may do.
type Right string

// The rights.
const (
	See     Right = "see"     // the people, how far each has come, and each one's history
	Audit   Right = "audit"   // the organisation's lines of the audit log
	Help    Right = "help"    // resend, correct an address, exempt, start a recovery, within the limits of RULES §6
	Prepare Right = "prepare" // import the register, send mails to many, decide on what is held
	Set     Right = "set"     // policy, look, sender
	Appoint Right = "appoint" // who else is an administrator
)

// Rights are all rights.
func Rights() []Right { return []Right{See, Audit, Help, Prepare, Set, Appoint} }

// rights says what each role may do.
var rights = map[Role][]Right{
	Owner:    Rights(),
	Manager:  {See, Audit, Help, Prepare, Set},
	Helpdesk: {See, Help},
	Auditor:  {See, Audit},
}

// ErrForbidden says that the administrator may not do that there. Doors answer as if it did not exist: whether there is such an
// organisation is nobody else's business.
var ErrForbidden = errors.New("not this administrator's business")

// Appointment is one account's role in one organisation.
type Appointment struct {
	Account      account.ID
	Address      string // for lists
	Name         string
	Organisation organisation.ID // empty: the operator, who has every right everywhere
	Role         Role
	Since        time.Time
	By           account.ID // empty: the operator's command line
}

// Administrator is an account with its roles, for as long as one request takes.
type Administrator struct {
	Account  account.Account
	Operator bool
	Roles    map[organisation.ID]Role
	service  service
}

// May says whether the administrator has the right in the organisation.
func (a Administrator) May(o organisation.ID, r Right) bool {
	return a.Operator || o != "" && (slices.Contains(rights[a.Roles[o]], r) || a.service.may(o, r))
}

// IsOne says whether the account is an administrator of anything.
func (a Administrator) IsOne() bool { return a.Operator || len(a.Roles) > 0 }

// Of makes an administrator of an account's appointments.
func Of(acc account.Account, all []Appointment) Administrator {
	a := Administrator{Account: acc, Roles: map[organisation.ID]Role{}}
	for _, one := range all {
		if one.Organisation == "" {
			a.Operator = true
		} else if one.Role.IsRole() {
			a.Roles[one.Organisation] = one.Role
		}
	}
	return a
}

// CommandLine is the operator at her own machine.
var CommandLine = Administrator{Operator: true}

// Event begins an audit line about something that the administrator does in an organisation. Why she did it stands with the
// personal fields, because it may name somebody.
func (a Administrator) Event(kind audit.Kind, o organisation.ID, reason string, now time.Time) audit.Event {
	e := audit.Event{Kind: kind, At: now, Actor: "operator", Detail: map[string]string{}, Personal: map[string]string{}}
	if a.service.client != "" {
		e.Actor, e.Client, e.Detail["by"] = "service", a.service.client, a.service.client
	}
	if a.Account.ID != "" {
		e.Actor, e.Detail["by"] = "administrator", string(a.Account.ID)
	}
	if o != "" {
		e.Detail["organisation"] = string(o)
	}
	if reason != "" {
		e.Personal["reason"] = reason
	}
	return e
}
