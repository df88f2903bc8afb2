package app_test

import (
	"testing"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
)

// TestTheUseCasesOfATransitionAskForTheRightThemselves: the console is not their only door.
func TestTheUseCasesOfATransitionAskForTheRightThemselves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		w.david()
		other := administrator.Of(account.Account{ID: "them"}, []administrator.Appointment{{Organisation: "kommunen", Role: administrator.Owner}})
		auditor := administrator.Of(account.Account{ID: "looks"}, []administrator.Appointment{{Organisation: "foretaget", Role: administrator.Auditor}})
		ctx, s, id := t.Context(), w.app.Transition, w.personID(davidsKey)
		for _, by := range []administrator.Administrator{other, auditor} {
			for what, do := range map[string]func() error{
				"corrects an address": func() error { return s.CorrectAddress(ctx, by, "foretaget", id, private, "x") },
				"exempts":             func() error { return s.Exempt(ctx, by, "foretaget", id, true, "x") },
				"disconnects":         func() error { return s.Disconnect(ctx, by, "foretaget", w.personID("1001"), "x") },
				"runs the pre-flight": func() error { _, err := s.Preflight(ctx, by, "foretaget"); return err },
			} {
				if do() == nil {
					t.Errorf("%s %s", by.Account.ID, what)
				}
			}
		}
	})
}
