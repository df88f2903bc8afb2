package administrator_test

import (
	"errors"
	"testing"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
)

func TestWhoseCredentialsAnAdministratorMayTouch(t *testing.T) {
	with := func(role administrator.Role) administrator.Administrator {
		return administrator.Of(account.Account{ID: "me"}, []administrator.Appointment{{Organisation: "foretaget", Role: role}})
	}
	hers := administrator.Charge{Organisation: "foretaget", Account: account.Account{ID: "anna"}}
	change := func(f func(*administrator.Charge)) administrator.Charge { c := hers; f(&c); return c }
	operator := administrator.Of(account.Account{ID: "op"}, []administrator.Appointment{{}})
	for name, test := range map[string]struct {
		by   administrator.Administrator
		whom administrator.Charge
		want error
	}{
		"an employee's":               {with(administrator.Helpdesk), hers, nil},
		"by who only looks":           {with(administrator.Auditor), hers, administrator.ErrForbidden},
		"of another organisation":     {with(administrator.Owner), change(func(c *administrator.Charge) { c.Organisation = "other" }), administrator.ErrForbidden},
		"used elsewhere":              {with(administrator.Owner), change(func(c *administrator.Charge) { c.Elsewhere = true }), administrator.ErrElsewhere},
		"used elsewhere, by operator": {operator, change(func(c *administrator.Charge) { c.Elsewhere = true }), nil},
		"one's own":                   {with(administrator.Owner), change(func(c *administrator.Charge) { c.Account.ID = "me" }), administrator.ErrOneself},
		"an operator's own":           {operator, change(func(c *administrator.Charge) { c.Account.ID = "op" }), administrator.ErrOneself},
		"an owner's, by helpdesk":     {with(administrator.Helpdesk), change(func(c *administrator.Charge) { c.Role = administrator.Owner }), administrator.ErrAbove},
		"an auditor's, by helpdesk":   {with(administrator.Helpdesk), change(func(c *administrator.Charge) { c.Role = administrator.Auditor }), administrator.ErrAbove},
		"another owner's":             {with(administrator.Owner), change(func(c *administrator.Charge) { c.Role = administrator.Owner }), nil},
		"an operator's":               {with(administrator.Owner), change(func(c *administrator.Charge) { c.Operator = true }), administrator.ErrAbove},
	} {
		if got := test.by.MayTouch(test.whom); !errors.Is(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhoseConnectionAnAdministratorMayRemove(t *testing.T) {
	with := func(role administrator.Role) administrator.Administrator {
		return administrator.Of(account.Account{ID: "me"}, []administrator.Appointment{{Organisation: "foretaget", Role: role}})
	}
	whom := func(id account.ID, role administrator.Role) administrator.Charge {
		return administrator.Charge{Organisation: "foretaget", Account: account.Account{ID: id}, Role: role, Elsewhere: true}
	}
	for name, test := range map[string]struct {
		by   administrator.Administrator
		whom administrator.Charge
		want error
	}{
		"an employee's":                {with(administrator.Helpdesk), whom("anna", ""), nil},
		"an employee's, by an auditor": {with(administrator.Auditor), whom("anna", ""), administrator.ErrForbidden},
		"an administrator's":           {with(administrator.Helpdesk), whom("eva", administrator.Helpdesk), administrator.ErrAbove},
		"an administrator's, by owner": {with(administrator.Owner), whom("eva", administrator.Owner), nil},
		"one's own":                    {with(administrator.Owner), whom("me", administrator.Owner), administrator.ErrOneself},
	} {
		if got := test.by.MayDisconnect(test.whom); !errors.Is(got, test.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}
