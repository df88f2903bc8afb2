package app_test

import (
	"testing"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/store"
)

// TestAnAdministratorOfAnotherOrganisationIsNotHelpedWithHerCredentialsHere: her account may do more there than a helpdesk here.
func TestAnAdministratorOfAnotherOrganisationIsNotHelpedWithHerCredentialsHere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		const cillas = "cilla@foretaget.example"
		w.newcomer(cillas, "Cilla", "Berg", bosPass, "1003")
		w.appoint("kommunen", cillas, "owner") // by the operator: she is in no register there
		by := administrator.Of(account.Account{ID: "helpdesk"}, []administrator.Appointment{{Organisation: "foretaget", Role: administrator.Helpdesk}})
		err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
			c, ok, err := tx.FindCharge(t.Context(), "foretaget", w.personID("1003"))
			if err != nil || !ok {
				t.Fatal(ok, err)
			}
			return by.MayTouch(c)
		})
		if err == nil {
			t.Error("a helpdesk of one organisation may touch the credentials of another's owner")
		}
	})
}
