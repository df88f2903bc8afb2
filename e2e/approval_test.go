package e2e

import (
	"errors"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/totp"
)

// askFromElsewhere lets an administrator of another employer want a recovery code for somebody who works here, too.
func (w *world) askFromElsewhere(other organisation.ID) {
	w.t.Helper()
	ctx, p := w.t.Context(), person.Person{Organisation: "foretaget", Key: "2001", GivenName: "Gunilla", FamilyName: "Ek"}
	a, err := w.App.Control.Provisioning.CreateAccount(ctx, provisioning.Newcomer{Address: "gunilla@foretaget.example", Verified: true, GivenName: "Gunilla", FamilyName: "Ek", App: totp.NewKey(), Person: &p})
	if err != nil {
		w.t.Fatal(err)
	}
	there := person.Person{ID: "elsewhere", Organisation: other, Source: "hr", Key: "1", GivenName: "Gunilla", FamilyName: "Ek"}
	err = store.InTx[*store.Tx](w.App.DB)(ctx, func(tx *store.Tx) error {
		_, err := tx.InsertPerson(ctx, there, w.clock.now())
		return errors.Join(err, tx.Connect(ctx, there.ID, a.ID, w.clock.now()))
	})
	if err != nil {
		w.t.Fatal(err)
	}
	by := administrator.Of(account.Account{ID: "somebody"}, []administrator.Appointment{{Organisation: other, Role: administrator.Helpdesk}})
	if _, err := w.App.Control.Enrolment.IssueTo(ctx, by, other, there.ID, "?"); !errors.Is(err, enrolment.ErrAsked) {
		w.t.Fatal(err)
	}
}
