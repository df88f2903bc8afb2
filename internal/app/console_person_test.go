package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestAPersonsFirstMailIsNoReminder: whoever was never written to is not reminded of a mail that nobody sent.
func TestAPersonsFirstMailIsNoReminder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addMany(1)
		b, _ := w.atConsole("helpdesk")
		at := b.personAt("Mängd000")
		for _, step := range []struct {
			button   string
			reminder bool
		}{{"Skicka brevet Personen får ett brev", false}, {"Skicka brevet igen", true}} {
			w.clock.Advance(time.Minute)
			b.get(at).shows(step.button)
			b.post(at + "/send").expect(http.StatusSeeOther)
			w.work()
			w.deliver()
			if m := w.post.last("mangd0@foretaget.example"); strings.Contains(strings.Join(strings.Fields(m.text), " "), "du har inte bekräftat") != step.reminder || m.text == "" {
				t.Errorf("after %q:\n%s", step.button, m.text)
			}
		}
	})
}

// TestAFindingLeadsToTheFormThatMendsIt, which stays open where it was refused.
func TestAFindingLeadsToTheFormThatMendsIt(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("administrator")
	b.upload("r.csv", strings.NewReader("nr;fornamn;efternamn;epost\n1;Gun;Dahl;lager@foretaget.example\n")).expect(http.StatusSeeOther).follow()
	b.post(b.at+"/begin", "column-0", "person_key", "column-1", "given_name", "column-2", "family_name", "column-3", "address")
	w.work()
	b.get(consoleURL + "/preflight?kind=role").shows("Rätta adressen").shows("Intyga").shows("Undanta").shows("Till utskicken")
	at := b.personAt("gun")
	for act, place := range map[string]string{"address": "#acts", "vouch": "#acts", "exempt": "#part"} {
		if !strings.Contains(b.get(consoleURL+"/preflight?kind=role").body, at+"?do="+act+place) {
			t.Errorf("nothing leads to %s", act)
		}
		if n := strings.Count(b.get(at+"?do="+act).body, "<details open>"); n != 1 {
			t.Errorf("%s: %d forms are open", act, n)
		}
		b.post(at+"/"+act, "address", "gun@foretaget.example", "reason", "").expect(http.StatusUnprocessableEntity)
		if n := strings.Count(b.body, "<details open>"); n != 1 {
			t.Errorf("%s was refused: %d forms are open", act, n)
		}
	}
	w.appoint("foretaget", bosAddress, "auditor")
	if b.get(consoleURL + "/preflight?kind=role"); strings.Contains(b.body, "?do=") || strings.Contains(plain(b.body), "Till utskicken") {
		t.Error("an auditor is offered what she may not do")
	}
}
