package e2e

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

// TestAMailThatComesBackIsToldOfInTheRegister goes all the way round: the outbox, the mail server that takes the mail and reports on
// it later, the server that takes the report; and the one that refuses at once.
func TestAMailThatComesBackIsToldOfInTheRegister(t *testing.T) {
	t.Parallel()
	w := begin(t)
	w.phase(organisation.Preparation, w.clock.now().Add(20*24*time.Hour))
	rows := []person.Person{
		{Organisation: "foretaget", Key: "bounce", GivenName: "Bertil", FamilyName: "Borta", Address: "bounce.bertil@foretaget.example"},
		{Organisation: "foretaget", Key: "reject", GivenName: "Rune", FamilyName: "Refuserad", Address: "reject.rune@foretaget.example"},
	}
	if err := w.App.Control.Provisioning.AddPersons(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	w.recheck("foretaget")
	for _, p := range rows {
		id, ok, err := w.App.DB.FindPersonByKey(t.Context(), "foretaget", p.Key)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if _, err := w.App.Preparation.Send(t.Context(), administrator.CommandLine, "foretaget", preparation.Choice{Persons: []string{id}}); err != nil {
			t.Fatal(err)
		}
		m := w.ended(id)
		if p.Key == "bounce" && (m.State != outbox.Sent || m.Answer == "" || m.Status != "5.2.1") || p.Key == "reject" && m.State != outbox.Dead || m.To != p.Address {
			t.Errorf("%s: %+v", p.GivenName, m)
		}
	}
}

// ended waits until the person's mail has come back, or has been refused, and the worker has said what became of it: a report may be
// quicker than the worker's own note that the mail was taken.
func (w *world) ended(person string) outbox.Record {
	w.t.Helper()
	for range 600 {
		all, err := w.App.DB.ListPersonMails(w.t.Context(), person, 1)
		if err != nil {
			w.t.Fatal(err)
		}
		if len(all) == 1 && (all[0].State == outbox.Dead || all[0].State == outbox.Sent && !all[0].Bounced.IsZero()) {
			return all[0]
		}
		time.Sleep(100 * time.Millisecond)
	}
	w.t.Fatal("nothing has become of the mail")
	return outbox.Record{}
}
