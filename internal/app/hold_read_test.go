package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/provisioning"
)

// TestAnAcceptedHoldIsTheOneThatWasRead: a later import must not change what an administrator has before her.
func TestAnAcceptedHoldIsTheOneThatWasRead(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("cilla@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		w.importFile("Anställningsnummer;Förnamn;Efternamn;E-post\n1003;Cilla;Ek;cilla@foretaget.example\n")
		holds, err := w.app.Control.Provisioning.ListHolds(t.Context(), commandLine, "foretaget", provisioning.Hold{}, 10)
		if err != nil || len(holds) != 1 {
			t.Fatal(holds, err)
		}
		w.importFile("Anställningsnummer;Förnamn;Efternamn;E-post\n1003;Mallory;Mal;mallory@hemma.example\n")
		err = w.app.Control.Provisioning.Decide(t.Context(), commandLine, "foretaget", holds[0].ID, provisioning.Accepted, "gifte sig")
		if got := w.askDB(`SELECT given_name FROM persons WHERE person_key = '1003'`); got != "Cilla" {
			t.Errorf("she accepted Cilla Ek, and the register says %s (%v)", got, err)
		}
	})
}

func (w *world) importFile(text string) {
	w.t.Helper()
	ctx, p := w.t.Context(), w.app.Control.Provisioning
	w.clock.Advance(time.Second)
	i, err := p.Upload(ctx, commandLine, "foretaget", provisioning.File{Name: "r.csv", Body: strings.NewReader(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := p.Begin(ctx, commandLine, "foretaget", i.ID, i.Mapping); err != nil {
		w.t.Fatal(err)
	}
	for range 50 {
		if n, err := w.app.Jobs.Round(ctx); err != nil {
			w.t.Fatal(err)
		} else if n == 0 {
			return
		}
	}
}
