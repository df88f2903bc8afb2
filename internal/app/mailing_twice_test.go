package app_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/preparation"
)

// TestASecondPressOfTheSameBulkMailingMailsNobodyAgain: two tabs, or an impatient finger.
func TestASecondPressOfTheSameBulkMailingMailsNobodyAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.crowd(3)
		b, _ := w.atConsole("administrator")
		if err := w.app.Transition.Recheck(t.Context(), "foretaget"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			b.post(consoleURL+"/bulk", "act", "send", "status", "waiting").expect(http.StatusSeeOther)
		}
		w.clock.Advance(time.Second)
		w.work()
		w.mailedOnce(3)
	})
}

// TestOnePersonsMailDoesNotWaitForAMailingToEverybody: she is on the phone.
func TestOnePersonsMailDoesNotWaitForAMailingToEverybody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.crowd(5)
		if err := w.app.Preparation.SetRate(t.Context(), commandLine, "foretaget", 1); err != nil {
			t.Fatal(err)
		}
		var crowd []string
		for i := range 5 {
			crowd = append(crowd, w.personID(fmt.Sprintf("crowd-%d", i)))
		}
		w.send(preparation.Choice{Persons: crowd})
		for range 2 {
			if _, err := w.app.Jobs.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		j := w.send(preparation.Choice{Persons: []string{w.personID(davidsKey)}, Reminder: true})
		if _, err := w.app.Jobs.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.mailing(j); got.State != job.Done {
			t.Errorf("%+v", got)
		}
		w.invitation(davids)
	})
}
