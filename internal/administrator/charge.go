package administrator

import (
	"errors"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Charge is a person of an administrator's organisation, with the account whose credentials she asks to touch.
type Charge struct {
	Organisation organisation.ID
	Person       string
	Account      account.Account
	// Elsewhere says that the account is connected with another organisation, too, or is an administrator of one.
	Elsewhere bool
	Operator  bool // the account is an operator's
	Role      Role // of the account in the organisation; empty: none
}

// The ways in which touching somebody's credentials is refused (RULES §6).
var (
	// ErrElsewhere: the account is another organisation's person, too; that one must agree (see Approval), or the operator does it.
	ErrElsewhere = errors.New("the account is used in another organisation, too")
	// ErrOneself: she has her own page for that.
	ErrOneself = errors.New("it is one's own account")
	// ErrAbove: the account may do more than the administrator may.
	ErrAbove = errors.New("the account may do more than this administrator")
)

// ProofsApart is how long whoever has had one proof of an account in her hand gets no second one: a recovery code or the removal of the
// second factor, and a sheet for a new password, would open it together (RULES §6).
const ProofsApart = 7 * 24 * time.Hour

// MayTouch says whether the administrator may touch the credentials of the account behind a person: a code, the second factor. It
// returns nil, ErrForbidden, ErrElsewhere, ErrOneself or ErrAbove.
func (a Administrator) MayTouch(c Charge) error {
	switch {
	case !a.May(c.Organisation, Help):
		return ErrForbidden
	case a.Account.ID != "" && a.Account.ID == c.Account.ID:
		return ErrOneself
	case a.Operator:
		return nil
	case a.isBelow(c):
		return ErrAbove
	case c.Elsewhere:
		return ErrElsewhere
	}
	return nil
}

// isBelow says whether the account may do something that the administrator may not.
func (a Administrator) isBelow(c Charge) bool {
	return !a.Operator && (c.Operator || slices.ContainsFunc(rights[c.Role], func(r Right) bool { return !a.May(c.Organisation, r) }))
}

// MayDisconnect says whether the administrator may take the connection of the account behind a person away, and with it the role that
// it has in the organisation. It returns nil, ErrForbidden, ErrOneself or ErrAbove.
func (a Administrator) MayDisconnect(c Charge) error {
	switch {
	case !a.May(c.Organisation, Help):
		return ErrForbidden
	case c.Role != "" && a.Account.ID != "" && a.Account.ID == c.Account.ID:
		return ErrOneself
	case c.Role != "" && a.isBelow(c), c.Role != "" && !a.May(c.Organisation, Appoint):
		return ErrAbove
	}
	return nil
}
