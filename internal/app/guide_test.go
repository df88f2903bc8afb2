package app_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/transition"
)

// painter stands in for the engine that draws with a browser: a test says how far its canvas has come.
type painter struct {
	asked  []transition.Commission
	canvas *canvas
	broken error
}

type canvas struct {
	done, total int
	ended       bool
	files       map[string][]byte
	stopped     int
	during      func() // in the middle of the next bite
}

func (p *painter) Begin(c transition.Commission) (transition.Drawing, error) {
	p.asked = append(p.asked, c)
	p.canvas = &canvas{total: 4}
	return p.canvas, p.broken
}

func (c *canvas) Wait(time.Duration) (done, total int, ended bool) {
	if during := c.during; during != nil {
		c.during = nil
		during()
	}
	return c.done, c.total, c.ended
}
func (c *canvas) Stop() { c.stopped++ }
func (c *canvas) Files() (map[string][]byte, error) {
	if c.files == nil {
		return nil, errors.New("the page looks different")
	}
	return c.files, nil
}

// finish lets the canvas end as a guide with these words.
func (c *canvas) finish(words string) {
	c.done, c.ended = c.total, true
	c.files = map[string][]byte{"index.html": []byte("<p>" + words), "guide.css": []byte("p{}"), "first-open.png": []byte("picture"), "guide.pdf": []byte("%PDF"), "guide.md": []byte(words)}
}

// withPainter gives the world what draws its guides.
func (w *world) withPainter() *painter {
	p := &painter{}
	w.app.Transition.Illustrator = p
	w.app.Jobs.Steps[job.Guide] = w.app.Transition.GuideStep
	return p
}

const guides = consoleURL + "/guide"

// draw has a guide in Swedish drawn to its end, with these words in it.
func (b *browser) draw(p *painter, audience transition.Audience, words string) {
	b.w.t.Helper()
	b.wantsGuide(audience)
	b.w.round()
	p.canvas.finish(words)
	b.w.round()
	b.get(guides).expect(http.StatusOK)
}

// wantsGuide has a guide in Swedish drawn.
func (b *browser) wantsGuide(audience transition.Audience) {
	b.w.t.Helper()
	b.w.clock.Advance(time.Second)
	b.post(guides, "want", "draw", "language", "sv", "audience", string(audience)).expect(http.StatusSeeOther)
}

func (w *world) round() {
	w.t.Helper()
	if _, err := w.app.Jobs.Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAGuideIsDrawnInTheBackgroundAndReadByWhoMay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.withPainter()
		b, _ := w.atConsole("administrator")
		b.get(guides).expect(http.StatusOK).shows("Det finns ingen guide än").shows("Skapa guiden")
		ask := []string{"want", "draw", "language", "sv", "audience", "employees", "support", "Servicedesk, 08-12 34 56"}
		b.post(guides, ask...).expect(http.StatusSeeOther).follow().shows("Guiden skapas").shows("Väntar på sin tur")
		if b.last.Header.Get("Refresh") == "" {
			t.Error("the page does not look again")
		}
		b.post(guides, ask...).expect(http.StatusSeeOther) // pressed twice
		w.round()
		p.canvas.done = 1
		w.round()
		b.get(guides).shows("25 % klart").shows("Medarbetare, svenska")
		p.canvas.finish("the first")
		w.round()
		w.round()
		if len(p.asked) != 1 || p.canvas.stopped != 1 {
			t.Errorf("it was begun %d times, and its tools were put away %d times", len(p.asked), p.canvas.stopped)
		}
		c := p.asked[0]
		if c.Organisation.Name != "Företaget AB" || c.App != w.hrm.Name || c.Mobile == "" || c.Support != "Servicedesk, 08-12 34 56" || c.Edition != (transition.Edition{Language: "sv", Audience: transition.Employees}) {
			t.Errorf("drawn was %+v", c)
		}
		b.get(guides).shows("Skapad").shows("Öppna").shows("Vem ska man fråga?")
		if b.last.Header.Get("Refresh") != "" || !strings.Contains(b.body, "Servicedesk, 08-12 34 56") || strings.Contains(plain(b.body), "på nytt") {
			t.Error("it goes on for ever, forgets whom to ask, or is old already")
		}

		b.get(guides + "/sv/employees/").expect(http.StatusOK)
		if b.body != "<p>the first" || !strings.HasPrefix(b.last.Header.Get("Content-Security-Policy"), "default-src 'none'; img-src 'self'; style-src 'self'") {
			t.Errorf("the guide: %q %v", b.body, b.last.Header)
		}
		if b.get(guides + "/sv/employees/guide.pdf").expect(http.StatusOK); b.last.Header.Get("Content-Type") != "application/pdf" {
			t.Error(b.last.Header)
		}
		for _, nothing := range []string{"/sv/employees/other.html", "/en/employees/", "/sv/administrators/", "/sv/nobody/", "/sv/employees/..%2Fguide.md"} {
			b.get(guides + nothing).expect(http.StatusNotFound)
		}
		b.get(guides + "/sv/employees/guide.zip").expect(http.StatusOK)
		z, err := zip.NewReader(bytes.NewReader([]byte(b.body)), int64(len(b.body)))
		if err != nil || len(z.File) != 5 || z.File[0].Name != "guide/first-open.png" {
			t.Fatalf("the whole guide: %v", err)
		}
		f := must(z.Open("guide/index.html"))
		defer f.Close()
		if text := must(io.ReadAll(f)); string(text) != "<p>the first" {
			t.Errorf("in it: %q", text)
		}
		b.get(consoleURL + "/log").shows("Började skapa en guide").shows("En guide är klar").shows("Medarbetare, svenska")
		b.get("/admin/organisations/kommunen/guide/sv/employees/").expect(http.StatusNotFound)
		w.browser().get(guides + "/sv/employees/").expect(http.StatusSeeOther) // to a login
	})
}

// TestASharedGuideIsReadByWhoeverHasTheLink, which stays the same when the guide is drawn anew, and stands in the mails.
func TestASharedGuideIsReadByWhoeverHasTheLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		p := w.withPainter()
		b, _ := w.atConsole("administrator")
		b.draw(p, transition.Employees, "the first")
		w.browser().get("/guide/").expect(http.StatusNotFound)
		for range 2 { // pressed twice
			b.post(guides, "want", "share", "language", "sv", "audience", "employees").expect(http.StatusSeeOther).follow().shows("Länken är klar")
		}
		at := b.at
		if b.get(consoleURL + "/log"); strings.Count(plain(b.body), "Gjorde en länk till en guide") != 1 {
			t.Error("the log has it twice, or not at all")
		}
		b.get(at)
		link := w.askDB(`SELECT link FROM guides`)
		if len(link) != 16 || !strings.Contains(b.body, issuer+"/guide/"+link+"/") {
			t.Fatalf("the page does not show the link %q", link)
		}
		reader := w.browser()
		reader.get("/guide/" + link).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		if reader.body != "<p>the first" || len(reader.cookies()) != 0 || reader.last.Header.Get("X-Robots-Tag") != "noindex" {
			t.Errorf("a reader gets %q, %v", reader.body, reader.last.Header)
		}
		first := reader.last.Header.Get("ETag")
		r, again := httptest.NewRequest(http.MethodGet, issuer+"/guide/"+link+"/guide.pdf", nil), httptest.NewRecorder()
		r.Header.Set("If-None-Match", first)
		if w.app.Handler().ServeHTTP(again, r); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
			t.Errorf("what a browser has already is sent again: %d", again.Code)
		}
		reader.get("/guide/" + strings.ToUpper(link) + "/first-open.png").expect(http.StatusOK)

		w.invite()
		if told := w.post.about(davids, issuer+"/guide/"+link+"/"); len(told) != 1 {
			t.Errorf("the mail does not lead to the guide: %q", w.post.to(davids))
		}

		b.draw(p, transition.Employees, "the second")
		reader.get("/guide/" + link + "/").expect(http.StatusOK)
		if reader.body != "<p>the second" || reader.last.Header.Get("ETag") == first {
			t.Errorf("after the second drawing: %q", reader.body)
		}
		if n := w.askDB(`SELECT COUNT(*) FROM guide_files`); n != "5" {
			t.Errorf("%s files are kept", n)
		}
		for range 2 { // pressed twice
			b.post(guides, "want", "withdraw", "language", "sv", "audience", "employees").expect(http.StatusSeeOther).follow().shows("leder ingenstans")
		}
		reader.get("/guide/" + link + "/").expect(http.StatusNotFound)
		reader.get("/guide/index.html").follow().expect(http.StatusNotFound)
		// What was removed by mistake is back where the mails lead.
		b.post(guides, "want", "share", "language", "sv", "audience", "employees").expect(http.StatusSeeOther)
		reader.get("/guide/" + link + "/").expect(http.StatusOK)
		b.draw(p, transition.Administrators, "for administrators")
		if b.get(guides + "/sv/administrators/").expect(http.StatusOK); b.body != "<p>for administrators" {
			t.Errorf("the guide for administrators: %q", b.body)
		}
		b.post(guides, "want", "share", "language", "sv", "audience", "administrators").expect(http.StatusNotFound)
		b.post(guides, "want", "withdraw", "language", "sv", "audience", "employees").expect(http.StatusSeeOther)
		w.clock.Advance(time.Hour)
		w.send(preparation.Choice{Reminder: true})
		w.work()
		w.deliver()
		if told := w.post.about(davids, "/guide/"); len(told) != 1 {
			t.Error("a mail leads to a guide that was withdrawn")
		}
	})
}

func TestADrawingThatFailsOrIsStoppedKeepsTheGuideFromBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.withPainter()
		b, _ := w.atConsole("administrator")
		b.draw(p, transition.Employees, "the first")
		still := func(what string) {
			t.Helper()
			if b.get(guides + "/sv/employees/").expect(http.StatusOK); b.body != "<p>the first" {
				t.Errorf("%s: the guide from before is gone: %q", what, b.body)
			}
		}

		// A browser dies now and then: what ended without a guide is begun once more, and no more.
		b.wantsGuide(transition.Employees)
		begun := len(p.asked)
		for n := range 2 {
			w.clock.Advance(10 * time.Second)
			w.round()
			if b.get(guides).shows("Guiden skapas"); strings.Contains(plain(b.body), "kunde inte skapas") {
				t.Errorf("given up after %d times", n)
			}
			p.canvas.ended = true // and nothing was drawn
			w.round()
		}
		w.clock.Advance(20 * time.Second)
		w.round()
		if b.get(guides).shows("Medarbetare, svenska, ").shows("Guiden kunde inte skapas").shows("Skapa guiden"); len(p.asked) != begun+2 {
			t.Errorf("it was begun %d times", len(p.asked)-begun)
		}
		still("a drawing that failed")

		b.wantsGuide(transition.Employees)
		p.broken = errors.New("no process can be started")
		for range 2 {
			w.round()
			w.clock.Advance(10 * time.Second)
		}
		b.get(guides).shows("Guiden kunde inte skapas")
		still("a drawing that never began")
		p.broken = nil

		b.wantsGuide(transition.Employees)
		w.round()
		if strings.Contains(plain(b.get(guides).body), "kunde inte skapas") {
			t.Error("the page still speaks of the drawing before")
		}
		going := must(w.app.Transition.Drawings(t.Context(), "foretaget"))[0]
		b.post(guides, "want", "stop", "drawing", going.ID).expect(http.StatusSeeOther).follow()
		if strings.Contains(plain(b.body), "Guiden skapas") {
			t.Error("it goes on")
		}
		b.post(guides, "want", "stop", "drawing", going.ID).expect(http.StatusSeeOther) // pressed twice
		b.post(guides, "want", "stop", "drawing", "another").expect(http.StatusNotFound)
		w.david()
		b.post(guides, "want", "stop", "drawing", w.send(preparation.Choice{}).ID).expect(http.StatusNotFound) // no drawing
		stopped := p.canvas
		stopped.finish("too late")
		w.round()
		still("a drawing that was stopped")
		b.wantsGuide(transition.Employees)
		w.round()
		if stopped.stopped != 1 || p.canvas == stopped {
			t.Error("the next drawing did not put the stopped one's tools away")
		}
	})
}

// TestADrawingThatIsStoppedInTheMiddleOfABitePutsItsToolsAwayAtOnce, where nobody draws again for a year.
func TestADrawingThatIsStoppedInTheMiddleOfABitePutsItsToolsAwayAtOnce(t *testing.T) {
	w := on(t)
	p := w.withPainter()
	b, _ := w.atConsole("administrator")
	b.wantsGuide(transition.Employees)
	w.round()
	going := must(w.app.Transition.Drawings(t.Context(), "foretaget"))[0]
	p.canvas.during = func() { b.post(guides, "want", "stop", "drawing", going.ID).expect(http.StatusSeeOther) }
	w.round()
	if p.canvas.stopped != 1 {
		t.Error("it goes on")
	}
}

// TestAServerThatStopsFailsNoDrawing: whoever ends the server may end its children as well; the next start begins anew.
func TestAServerThatStopsFailsNoDrawing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.withPainter()
		b, _ := w.atConsole("administrator")
		b.draw(p, transition.Employees, "the first")
		b.wantsGuide(transition.Employees)
		w.round()
		child := p.canvas
		child.during = func() {
			child.ended = true // by the same signal
			w.app.Transition.Closing()
		}
		if _, err := w.app.Jobs.Round(t.Context()); err == nil {
			t.Error("the bite was committed")
		}
		w.restart()
		b.app = w.app
		if child.stopped == 0 {
			t.Error("the child outlives the server")
		}
		if j := must(w.app.Transition.Drawings(t.Context(), "foretaget"))[0]; j.State.Ended() {
			t.Fatalf("%+v", j)
		}
		p = w.withPainter()
		w.clock.Advance(time.Minute)
		w.round()
		p.canvas.finish("the second")
		w.round()
		if b.get(guides + "/sv/employees/"); b.body != "<p>the second" {
			t.Errorf("after the restart: %q", b.body)
		}

		// One that takes the whole server with it each time is not begun for ever.
		b.wantsGuide(transition.Employees)
		for range 10 {
			w.restart()
			b.app = w.app
			p = w.withPainter()
			w.clock.Advance(2 * time.Minute)
			w.round()
		}
		if j := must(w.app.Transition.Drawings(t.Context(), "foretaget"))[0]; j.State != job.Failed || len(p.asked) != 0 {
			t.Errorf("it goes on for ever: %+v", j)
		}
	})
}

// TestGuidesWaitForEachOther: another edition that is asked for meanwhile is drawn afterwards.
func TestGuidesWaitForEachOther(t *testing.T) {
	w := on(t)
	p := w.withPainter()
	b, _ := w.atConsole("administrator")
	b.wantsGuide(transition.Employees)
	w.round()
	b.wantsGuide(transition.Administrators)
	b.get(guides).shows("0 % klart").shows("Väntar på sin tur")
	w.round()
	p.canvas.finish("the first")
	w.round()
	w.round()
	p.canvas.finish("the second")
	w.round()
	for audience, want := range map[string]string{"employees": "<p>the first", "administrators": "<p>the second"} {
		if b.get(guides + "/sv/" + audience + "/").expect(http.StatusOK); b.body != want {
			t.Errorf("%s: %q", audience, b.body)
		}
	}
}

func TestAGuideIsOldWhenTheLookOrThePolicyChanges(t *testing.T) {
	w := on(t)
	p := w.withPainter()
	b, _ := w.atConsole("administrator")
	b.draw(p, transition.Employees, "the first")
	if strings.Contains(plain(b.body), "Skapa guiden på nytt") {
		t.Error("a guide is old when it is new")
	}
	o, _, err := w.app.DB.FindOrganisation(t.Context(), "foretaget")
	if err != nil {
		t.Fatal(err)
	}
	o.Policy.MFA = organisation.Off
	b.wantsGuide(transition.Employees)
	w.round()
	if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b.get(guides).shows("Skapa guiden på nytt")
	p.canvas.finish("by the policy of before")
	w.round()
	b.get(guides).shows("Skapa guiden på nytt")
	b.draw(p, transition.Employees, "the second")
	if strings.Contains(plain(b.body), "Skapa guiden på nytt") {
		t.Error("drawing it anew does not help")
	}
}

func TestWithoutABrowserThePageSaysHowToDrawTheGuide(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("administrator")
	b.get(guides).expect(http.StatusOK).shows("ingen webbläsare").shows("portvakt guide --config FILE --org foretaget --print-subject &gt; guide.json").shows("portvakt guide --subject guide.json --audience employees --lang sv --out guide")
	if strings.Contains(b.body, `value="draw"`) {
		t.Error("the page offers what it cannot do")
	}
	b.post(guides, "want", "draw", "language", "sv", "audience", "employees").expect(http.StatusSeeOther).follow().shows("ingen webbläsare")
	if n := w.askDB(`SELECT COUNT(*) FROM jobs`); n != "0" {
		t.Errorf("%s jobs wait for nobody", n)
	}
}

func TestGuidesAreDrawnAndSharedByWhoPreparesAlone(t *testing.T) {
	w := on(t)
	p := w.withPainter()
	b, _ := w.atConsole("administrator")
	b.draw(p, transition.Employees, "the first")
	for what, form := range map[string][]string{"words of two lines": {"support", "one\ntwo"}, "too many words": {"support", strings.Repeat("å", 201)}} {
		if b.post(guides, append(form, "want", "draw", "language", "en", "audience", "employees")...).expect(http.StatusUnprocessableEntity).shows("högst 200 tecken"); !strings.Contains(b.body, `value="en" checked`) {
			t.Errorf("%s: the form forgets what was chosen", what)
		}
	}
	b.post(guides, "want", "draw", "language", "fi", "audience", "employees").expect(http.StatusNotFound)
	b.post(guides, "want", "everything").expect(http.StatusNotFound)
	w.appoint("foretaget", bosAddress, "helpdesk")
	b.get(guides).expect(http.StatusOK).shows("Öppna")
	if strings.Contains(b.body, "Skapa guiden") || strings.Contains(b.body, `name="want"`) {
		t.Error("a helpdesk is offered what it may not do")
	}
	for _, want := range []string{"draw", "share", "withdraw", "stop"} {
		b.post(guides, "want", want, "language", "sv", "audience", "employees").expect(http.StatusNotFound)
	}
}
