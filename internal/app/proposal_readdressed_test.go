package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/store"
)

// TestAProposalEndsWhenTheRegisterGetsAnotherAddress: whoever read the wrong mailbox proposed it, and the right one was never told.
func TestAProposalEndsWhenTheRegisterGetsAnotherAddress(t *testing.T) {
	for name, change := range map[string]func(w *world, right string) error{
		"by an administrator": func(w *world, right string) error {
			return w.app.Transition.CorrectAddress(w.t.Context(), commandLine, "foretaget", w.personID(davidsKey), right, "han ringde")
		},
		"by an import": func(w *world, right string) error {
			return store.InTx[*store.Tx](w.app.DB)(w.t.Context(), func(tx *store.Tx) error {
				p, _, _, err := tx.ReadPerson(w.t.Context(), "foretaget", w.personID(davidsKey))
				if err != nil {
					return err
				}
				p.Address = right
				return tx.ChangePerson(w.t.Context(), p, false, true, w.clock.Now())
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.david()
				w.invite()
				w.browser().propose(w.invitation(davids), colleague) // the register's address is a former colleague's
				w.deliver()
				w.browser().press(w.invitation(colleague), "").expect(http.StatusSeeOther)
				before := w.proposals(1)[0].Proposal.ID
				if err := change(w, "david.ek2@foretaget.example"); err != nil {
					t.Fatal(err)
				}
				w.proposals(0)
				if err := w.app.Preparation.Approve(t.Context(), commandLine, "foretaget", before, "ser rätt ut"); err == nil {
					t.Error("a proposal counts that the register's address has never heard of")
				}
				w.clock.Advance(80 * time.Hour)
				w.deliver()
				if n := len(w.post.to(colleague)); n != 1 {
					t.Errorf("%d mails to the colleague", n)
				}
			})
		})
	}
}
