package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestWhatIsSearchedForStandsInNoAddress: somebody pastes a person key into the field, which may be a national identity number.
func TestWhatIsSearchedForStandsInNoAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		b, _ := w.atConsole("administrator")
		for _, text := range []string{davidsKey, "19850412", "david", "svensson"} {
			b.post(consoleURL+"/transition", "q", text, "status", "waiting", "attention", "").expect(http.StatusSeeOther)
			to := b.leads()
			b.follow().expect(http.StatusOK)
			if found := strings.Contains(b.body, ">David Ek<"); found != (text == "david") {
				t.Errorf("%s: found %t", text, found)
			}
			if strings.Contains(to, text) || strings.Contains(w.log.String(), text) && text == davidsKey {
				t.Errorf("%s stands in %s, or in the log", text, to)
			}
			for _, rest := range strings.Split(b.body, `href="`)[1:] {
				if href, _, _ := strings.Cut(rest, `"`); strings.Contains(href, text) {
					t.Errorf("%s stands in %s", text, href)
				}
			}
		}
		// What is sealed is the organisation's, and is forgotten.
		b.post(consoleURL+"/transition", "q", "david").expect(http.StatusSeeOther)
		to := b.leads()
		w.second()
		w.appoint("kommunen", bosAddress, "administrator")
		b.get(strings.Replace(to, "/foretaget/", "/kommunen/", 1)).expect(http.StatusOK)
		if strings.Contains(b.body, `value="david"`) {
			t.Error("another organisation's page opens it")
		}
		b.get(to).shows("David Ek")
		w.clock.Advance(25 * time.Hour)
		if b.get(to); strings.Contains(b.body, `value="david"`) {
			t.Error("it is opened a day later")
		}
	})
}
