package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/job"
)

// TestALargeRegisterIsLookedThroughByAJob: nobody waits for an answer for minutes, and no second press begins it again.
func TestALargeRegisterIsLookedThroughByAJob(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addMany(600) // two bites
		w.app.Transition.AtOnce = 100
		s := w.program("register:read", "register:write")
		b, _ := w.atConsole("administrator")
		b.post(consoleURL + "/preflight").expect(http.StatusSeeOther).follow().shows("Registret kontrolleras: 0 %")
		if b.last.Header.Get("Refresh") == "" || strings.Contains(plain(b.body), "Till utskicken") {
			t.Error("the page does not look again, or leads on too early")
		}
		first, running, err := w.app.Transition.Checking(t.Context(), "foretaget")
		if err != nil || !running || first.State != job.Queued {
			t.Fatal(first, running, err)
		}
		b.post(consoleURL + "/preflight").expect(http.StatusSeeOther)
		if again, _, err := w.app.Transition.Checking(t.Context(), "foretaget"); again.ID != first.ID || err != nil {
			t.Error("a second press began a second one", err)
		}
		if _, err := w.app.Jobs.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if progress, _ := s.get("/preflight").expect(http.StatusOK).fields["checking"].(map[string]any); progress["position"] != 500.0 {
			t.Errorf("after one bite the API says %v", progress)
		}
		w.work()
		b.get(consoleURL + "/preflight").shows("Inget är fel").shows("Till utskicken")
		if b.last.Header.Get("Refresh") != "" || s.get("/preflight").fields["checking"] != nil {
			t.Error("it goes on for ever")
		}
		b.get(consoleURL + "/log").shows("Kontrollerade registret")
		if n := strings.Count(b.body, "Kontrollerade registret"); n != 1 {
			t.Errorf("the log has %d lines of it", n)
		}
		w.clock.Advance(time.Second)
		if got := s.post("/preflight", nil).expect(http.StatusAccepted).fields["checking"]; got == nil {
			t.Error("the API did it at once")
		}
	})
}

// TestAPreflightIsRunByWhoMay and by nobody else, also where a job would do it.
func TestAPreflightIsRunByWhoMay(t *testing.T) {
	w := on(t)
	w.app.Transition.AtOnce = 1
	w.addMany(3)
	if _, err := w.app.Transition.Preflight(t.Context(), administrator.Administrator{}, "foretaget"); err == nil {
		t.Error("anybody may")
	}
	if _, running, _ := w.app.Transition.Checking(t.Context(), "foretaget"); running {
		t.Error("a job was begun")
	}
}
