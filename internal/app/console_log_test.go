package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/person"
)

// addMany puts people into the register whom the pre-flight has seen.
func (w *world) addMany(n int) {
	w.t.Helper()
	var rows []person.Person
	for i := range n {
		rows = append(rows, person.Person{Organisation: "foretaget", Key: person.Key(fmt.Sprint("many-", i)), GivenName: fmt.Sprintf("Mängd%03d", i), FamilyName: "Test",
			Address: fmt.Sprintf("mangd%d@foretaget.example", i)})
	}
	if err := w.app.Control.Provisioning.AddPersons(w.t.Context(), rows); err != nil {
		w.t.Fatal(err)
	}
	if err := w.app.Transition.Recheck(w.t.Context(), "foretaget"); err != nil {
		w.t.Fatal(err)
	}
}

var (
	exemptedPattern = regexp.MustCompile(`Mängd\d{3} Test`)
	olderPattern    = regexp.MustCompile(`href="(/admin/organisations/foretaget/log\?[^"]+)"`)
)

// TestTheLogLosesNoLineBetweenItsPages: a hundred and twenty people were exempted by one press, at one moment.
func TestTheLogLosesNoLineBetweenItsPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addMany(120)
		b, _ := w.atConsole("administrator")
		b.post(consoleURL+"/bulk", "act", "exempt", "q", "Mängd", "reason", "de börjar i mars").expect(http.StatusSeeOther)
		seen := map[string]int{}
		for at := consoleURL + "/log"; at != ""; {
			b.get(at).expect(http.StatusOK)
			for _, name := range exemptedPattern.FindAllString(plain(b.body), -1) {
				seen[name]++
			}
			at = ""
			if next := olderPattern.FindStringSubmatch(b.body); next != nil {
				at = strings.ReplaceAll(next[1], "&amp;", "&")
			}
		}
		if len(seen) != 120 {
			t.Errorf("the log tells of %d people", len(seen))
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%s stands there %d times", name, n)
			}
		}
	})
}

// TestTheLogSpeaksWords: no id and no word for programs is shown to people.
func TestTheLogSpeaksWords(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("owner")
	b.post(consoleURL + "/preflight").expect(http.StatusSeeOther)
	b.post(consoleURL+"/phase", "phase", "preparation", "rate", "300").expect(http.StatusSeeOther)
	b.get(consoleURL + "/log").shows("Kontrollerade registret").shows("Personer: ").shows("Brev i minuten: 300").shows("Förberedelse").shows("Ägare").shows("Driftansvarig")
	for _, word := range []string{"persons", "phase", "role ", "owner"} {
		if strings.Contains(plain(b.body), word) {
			t.Errorf("the log says %q:\n%s", word, plain(b.body))
		}
	}
}

// TestASearchForWhatIsNoTextFindsNobody on either engine, and fails at nothing.
func TestASearchForWhatIsNoTextFindsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("administrator")
		for _, text := range []string{"\x00", "\xff\xfe", strings.Repeat("å", 150), "a" + strings.Repeat("å", 150), "'; DROP TABLE persons"} {
			b.post(consoleURL+"/help", "q", text).expect(http.StatusOK).shows("Ingen hittades")
			b.post(consoleURL+"/transition", "q", text).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
			b.get(consoleURL + "/transition?search=" + url.QueryEscape(text)).expect(http.StatusOK)
			b.get(consoleURL + "/transition?after=" + url.QueryEscape(text) + "." + url.QueryEscape(text)).expect(http.StatusOK)
		}
	})
}
