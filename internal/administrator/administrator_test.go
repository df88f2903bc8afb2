package administrator_test

import (
	"slices"
	"testing"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
)

func TestWhatEachRoleMayDo(t *testing.T) {
	const here, elsewhere = "foretaget", "kommunen"
	for role, want := range map[administrator.Role][]administrator.Right{
		administrator.Owner:    {administrator.See, administrator.Audit, administrator.Help, administrator.Prepare, administrator.Set, administrator.Appoint},
		administrator.Manager:  {administrator.See, administrator.Audit, administrator.Help, administrator.Prepare, administrator.Set},
		administrator.Helpdesk: {administrator.See, administrator.Help},
		administrator.Auditor:  {administrator.See, administrator.Audit},
		"king":                 nil,
	} {
		a := administrator.Of(account.Account{}, []administrator.Appointment{{Organisation: here, Role: role}})
		for _, right := range administrator.Rights() {
			if got := a.May(here, right); got != slices.Contains(want, right) {
				t.Errorf("%s %s: %v", role, right, got)
			}
			if a.May(elsewhere, right) || a.May("", right) {
				t.Errorf("%s may %s elsewhere", role, right)
			}
		}
	}
}

func TestTheOperatorMayEverythingEverywhereAndAPersonWithoutARoleNothing(t *testing.T) {
	operator := administrator.Of(account.Account{}, []administrator.Appointment{{Role: administrator.Auditor}})
	nobody := administrator.Of(account.Account{}, nil)
	for _, right := range administrator.Rights() {
		if !operator.May("any", right) || nobody.May("any", right) {
			t.Error(right)
		}
	}
	if nobody.IsOne() || !operator.IsOne() {
		t.Error("who is an administrator?")
	}
}
