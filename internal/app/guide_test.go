package app_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
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
}

func (p *painter) Begin(c transition.Commission) (transition.Drawing, error) {
	p.asked = append(p.asked, c)
	p.canvas = &canvas{total: 4}
	return p.canvas, p.broken
}

func (c *canvas) Wait(time.Duration) (done, total int, ended bool) { return c.done, c.total, c.ended }
func (c *canvas) Stop()                                            { c.stopped++ }
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

// draw has a guide drawn to its end, with these words in it.
func (b *browser) draw(p *painter, words string, pairs ...string) {
	b.w.t.Helper()
	b.post(guides, append([]string{"want", "draw", "language", "sv", "audience", "employees"}, pairs...)...).expect(http.StatusSeeOther)
	b.w.round()
	p.canvas.finish(words)
	b.w.round()
	b.get(guides).expect(http.StatusOK)
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
		b.post(guides, ask...).expect(http.StatusSeeOther).follow().shows("Guiden skapas").shows("0 % klart")
		if b.last.Header.Get("Refresh") == "" || strings.Contains(plain(b.body), "Vem ska man fråga") {
			t.Error("the page does not look again, or offers a second drawing")
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
		if c.Organisation.Name != "Företaget AB" || c.Support != "Servicedesk, 08-12 34 56" || c.Edition != (transition.Edition{Language: "sv", Audience: transition.Employees}) {
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
		b.draw(p, "the first")
		w.browser().get("/guide/").expect(http.StatusNotFound)
		for range 2 { // pressed twice
			b.post(guides, "want", "share", "language", "sv", "audience", "employees").expect(http.StatusSeeOther).follow().shows("Länken är klar")
		}
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
		reader.get("/guide/" + strings.ToUpper(link) + "/first-open.png").expect(http.StatusOK)

		w.invite()
		if told := w.post.about(davids, issuer+"/guide/"+link+"/"); len(told) != 1 {
			t.Errorf("the mail does not lead to the guide: %q", w.post.to(davids))
		}

		b.draw(p, "the second")
		reader.get("/guide/" + link + "/").expect(http.StatusOK)
		if reader.body != "<p>the second" || reader.last.Header.Get("ETag") == first {
			t.Errorf("after the second drawing: %q", reader.body)
		}
		if n := w.askDB(`SELECT COUNT(*) FROM guide_files`); n != "5" {
			t.Errorf("%s files are kept", n)
		}
		b.post(guides, "want", "withdraw", "language", "sv", "audience", "employees").expect(http.StatusSeeOther).follow().shows("leder ingenstans")
		reader.get("/guide/" + link + "/").expect(http.StatusNotFound)
		reader.get("/guide/index.html").follow().expect(http.StatusNotFound)
		w.clock.Advance(time.Hour)
		w.send(preparation.Choice{Reminder: true})
		w.work()
		w.deliver()
		if told := w.post.about(davids, "/guide/"); len(told) != 1 {
			t.Error("a mail leads to a guide that was withdrawn")
		}
		b.draw(p, "for administrators", "audience", "administrators")
		b.post(guides, "want", "share", "language", "sv", "audience", "administrators").expect(http.StatusNotFound)
	})
}

func TestADrawingThatFailsOrIsStoppedKeepsTheGuideFromBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.withPainter()
		b, _ := w.atConsole("administrator")
		b.draw(p, "the first")
		again := func() {
			w.clock.Advance(time.Second)
			b.post(guides, "want", "draw", "language", "sv", "audience", "employees").expect(http.StatusSeeOther)
		}
		still := func(what string) {
			t.Helper()
			if b.get(guides + "/sv/employees/").expect(http.StatusOK); b.body != "<p>the first" {
				t.Errorf("%s: the guide from before is gone: %q", what, b.body)
			}
		}

		again()
		w.round()
		p.canvas.ended = true // and nothing was drawn
		w.round()
		b.get(guides).shows("Guiden kunde inte skapas").shows("Skapa guiden")
		still("a drawing that failed")

		again()
		p.broken = errors.New("no process can be started")
		w.round()
		b.get(guides).shows("Guiden kunde inte skapas")
		still("a drawing that never began")
		p.broken = nil

		again()
		w.round()
		w.clock.Advance(16 * time.Minute)
		w.round()
		b.get(guides).shows("Guiden kunde inte skapas")
		if p.canvas.stopped != 1 {
			t.Error("a drawing that takes for ever goes on")
		}
		still("a drawing that took too long")

		again()
		w.round()
		going := must(w.app.Transition.Drawings(t.Context(), "foretaget"))[0]
		b.post(guides, "want", "stop", "drawing", going.ID).expect(http.StatusSeeOther).follow()
		if strings.Contains(plain(b.body), "Guiden skapas") {
			t.Error("it goes on")
		}
		b.post(guides, "want", "stop", "drawing", going.ID).expect(http.StatusSeeOther) // pressed twice
		b.post(guides, "want", "stop", "drawing", "another").expect(http.StatusNotFound)
		stopped := p.canvas
		stopped.finish("too late")
		w.round()
		still("a drawing that was stopped")
		again()
		w.round()
		if stopped.stopped != 1 || p.canvas == stopped {
			t.Error("the next drawing did not put the stopped one's tools away")
		}

		// The process ends meanwhile, or another node takes the job over: it is begun anew.
		w.app.Transition.PutAway()
		begun := len(p.asked)
		w.round()
		if len(p.asked) != begun+1 {
			t.Error("the drawing did not begin anew")
		}
		p.canvas.finish("the second")
		w.round()
		if b.get(guides + "/sv/employees/"); b.body != "<p>the second" {
			t.Errorf("after all: %q", b.body)
		}
	})
}

func TestAGuideIsOldWhenTheLookOrThePolicyChanges(t *testing.T) {
	w := on(t)
	p := w.withPainter()
	b, _ := w.atConsole("administrator")
	b.draw(p, "the first")
	if strings.Contains(plain(b.body), "Skapa guiden på nytt") {
		t.Error("a guide is old when it is new")
	}
	o, _, err := w.app.DB.FindOrganisation(t.Context(), "foretaget")
	if err != nil {
		t.Fatal(err)
	}
	o.Policy.MFA = organisation.Off
	if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b.get(guides).shows("Skapa guiden på nytt")
	b.draw(p, "the second")
	if strings.Contains(plain(b.body), "Skapa guiden på nytt") {
		t.Error("drawing it anew does not help")
	}
}

func TestWithoutABrowserThePageSaysHowToDrawTheGuide(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("administrator")
	b.get(guides).expect(http.StatusOK).shows("ingen webbläsare").shows("portvakt guide --org foretaget --lang sv --out guide")
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
	b.draw(p, "the first")
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
