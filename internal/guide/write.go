package guide

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/web"
)

// printsFile is where the fingerprints of the pages stand beside the pictures.
const printsFile = "pages.txt"

//go:embed templates/guide.html
var page string

//go:embed templates/guide.css
var style []byte

var pages = template.Must(template.New("guide").Parse(page))

// view is a document as the template and the Markdown show it.
type view struct {
	Lang, Title, File    string
	Text                 words
	Employer             string
	Contents, More, Back string
	PDF, Made, Support   string
	Chapters             []chapterView
	Short                []link // from the main guide to the others
	Main                 bool
}

type link struct{ File, Title string }

type chapterView struct {
	ID, Title string
	Text      words
	Points    bool // its steps are things to know, and nothing to do in order
	Steps     []stepView
}

type stepView struct {
	Number   int
	Form     string // how it stands on the page: see forms
	Text     words
	Pictures []pictureView
}

type pictureView struct {
	File, Alt   string
	Wide, High  int // as shown
	Phone, Desk bool
}

// write writes everything that the walk brought home into a folder.
func (w *walk) write(ctx context.Context, folder string) error {
	if err := w.writePictures(folder); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "guide.css"), w.style(), 0o644); err != nil {
		return err
	}
	for i, d := range w.documents {
		v := w.view(d)
		var html bytes.Buffer
		if err := pages.Execute(&html, v); err != nil {
			return fmt.Errorf("guide: %w", err)
		}
		if err := os.WriteFile(filepath.Join(folder, d.file+".html"), html.Bytes(), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, paper(d.file)+".md"), []byte(v.markdown()), 0o644); err != nil {
			return err
		}
		if err := w.printOut(folder, d.file); err != nil {
			if ctx.Err() != nil {
				return fmt.Errorf("guide: interrupted, nothing was written: %w", ctx.Err())
			}
			return err
		}
		w.progress(len(w.wanted)+i+1, w.total, d.file)
	}
	return nil
}

// style is the style sheet with what differs from guide to guide. The pages have no style of their own: a content security policy may forbid it.
func (w *walk) style() []byte {
	colour, _ := web.Contrast(w.subject.Colour)
	css := fmt.Appendf(slices.Clone(style), ":root { --accent: %s; }\n", colour.Text)
	widths := map[int]bool{}
	for _, p := range w.taken {
		widths[p.Wide] = true
	}
	for _, wide := range slices.Sorted(maps.Keys(widths)) {
		css = fmt.Appendf(css, "[width=\"%d\"] { --wide: %d; }\n", wide, wide)
	}
	return css
}

// paper is the name of a document's PDF and Markdown: the main guide's files are found by "guide".
func paper(file string) string {
	if file == "index" {
		return "guide"
	}
	return file
}

func (w *walk) writePictures(folder string) error {
	var prints strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.taken)) {
		p := w.taken[name]
		fmt.Fprintf(&prints, "%s %s\n", name, p.Print)
		if err := os.WriteFile(filepath.Join(folder, name+".png"), p.PNG, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, printsFile), []byte(prints.String()), 0o644)
}

// printOut makes the PDF of a page that was written.
func (w *walk) printOut(folder, file string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(stop)
			if !ok {
				panic(p)
			}
			err = failed.error
		}
	}()
	w.to(file + ".pdf")
	whole, err := filepath.Abs(filepath.Join(folder, file+".html"))
	if err != nil {
		return err
	}
	b := w.chromium.Browser(w, journey.Options{Lang: string(w.lang), Width: desk})
	defer b.Close()
	b.Open((&url.URL{Scheme: "file", Path: filepath.ToSlash(whole)}).String())
	return os.WriteFile(filepath.Join(folder, paper(file)+".pdf"), b.PDF(), 0o644)
}

func (w *walk) view(d document) view {
	v := view{Lang: string(w.lang), File: d.file, Title: w.plain(d.text + ".title"), Text: w.words(d.text+".text", nil), Employer: w.subject.Name,
		Contents: w.say("guide.contents"), More: w.say("guide.more"), Back: w.say("guide.back"), PDF: w.say("guide.as_pdf"),
		Made: w.say("guide.made", "Employer", w.subject.Name), Support: w.say("guide.support_unnamed"), Main: d.file == "index"}
	if w.subject.Support != "" {
		v.Support = w.say("guide.support", "Support", w.subject.Support)
	}
	if v.Main {
		for _, other := range w.documents[1:] {
			v.Short = append(v.Short, link{other.file, w.plain(other.text + ".title")})
		}
	}
	for _, c := range d.chapters {
		cv := chapterView{ID: strings.ReplaceAll(strings.TrimPrefix(c.text, "guide."), ".", "-"), Title: w.plain(c.text + ".title")}
		if w.print.Has(c.text + ".text") {
			cv.Text = w.words(c.text+".text", nil)
		}
		for i, s := range c.steps {
			sv := w.step(s)
			sv.Number = i + 1
			cv.Steps = append(cv.Steps, sv)
		}
		cv.form()
		v.Chapters = append(v.Chapters, cv)
	}
	return v
}

// The forms of a step: without pictures, with a desk's screen or several pictures below its text, and with one picture. On paper, two of
// the last kind stand beside each other, and one that has no neighbour has the whole width.
const (
	bare  = "bare"
	under = "below"
	half  = "half"
	alone = "alone"
)

// form gives the steps their forms.
func (c *chapterView) form() {
	c.Points = true
	run := 0 // how many halves stand together
	for i := range c.Steps {
		s := &c.Steps[i]
		switch {
		case len(s.Pictures) == 0:
			s.Form = bare
		case len(s.Pictures) > 1 || s.Pictures[0].Desk:
			s.Form = under
		default:
			s.Form = half
			run++
		}
		c.Points = c.Points && s.Form == bare
		last := i+1 == len(c.Steps) || len(c.Steps[i+1].Pictures) != 1 || c.Steps[i+1].Pictures[0].Desk
		if s.Form == half && last {
			if run%2 == 1 {
				s.Form = alone
			}
			run = 0
		}
	}
}

func (w *walk) step(s step) stepView {
	marks := map[string]any{}
	var sv stepView
	for _, name := range s.pictures {
		p := w.taken[name]
		var marked []string
		for i, m := range p.marks {
			n := p.from + i + 1
			marks[string(rune('A'+n-1))] = tag(m, n)
			marked = append(marked, fmt.Sprintf("%d %s", n, m))
		}
		text := "guide.picture"
		if p.phone {
			text = "guide.picture_phone"
		}
		alt := w.print.T(text, "Page", p.Title)
		if len(marked) > 0 {
			alt += " " + w.say("guide.marked") + " " + strings.Join(marked, ", ") + "."
		}
		sv.Pictures = append(sv.Pictures, pictureView{File: name + ".png", Alt: alt, Wide: p.Wide, High: p.High, Phone: p.phone, Desk: p.Wide > 600})
	}
	sv.Text = w.words(s.text, marks)
	return sv
}
