package app_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestAHelpdeskDoesNotTakeAPersonOverByEndingHerConnection: disconnect, another address, a link, and the payroll is somebody else's.
func TestAHelpdeskDoesNotTakeAPersonOverByEndingHerConnection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const cillas, his = "cilla@foretaget.example", "nils.noll@hemma.example"
		w.newcomer(cillas, "Cilla", "Berg", bosPass, "1003")
		b, _ := w.atConsole("helpdesk")
		at := b.personAt("cilla")
		b.post(at+"/disconnect", "reason", "hon bad om det").expect(http.StatusSeeOther)
		b.post(at+"/address", "address", his, "reason", "ny adress")
		b.post(at+"/send", "reason", "")
		w.work()
		w.deliver()
		if len(w.post.to(his)) > 0 {
			w.browser().press(w.invitation(his), "")
		}
		if to := w.askDB(`SELECT a.identifier FROM connections c JOIN accounts a ON a.id = c.account_id JOIN persons p ON p.id = c.person_id WHERE p.person_key = '1003'`); to == his {
			t.Error("the helpdesk has Cilla's person key behind an account of its own")
		}
		told := false
		for _, m := range w.post.to(cillas) {
			told = told || strings.Contains(m, "Företaget AB")
		}
		t.Logf("Cilla was told of the end of her connection: %v", told)
	})
}
