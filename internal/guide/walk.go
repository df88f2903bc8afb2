package guide

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
)

// walk is one way through the journeys: the pictures that it brings home, and what is needed to write the guide.
type walk struct {
	subject   Subject
	look      organisation.Organisation // the subject as the private instance has it
	lang      locale.Language
	print     *locale.Printer
	documents []document
	wanted    map[string]bool
	taken     map[string]picture
	samples   []journey.Sample
	blind     bool
	progress  Progress
	total     int
	chromium  *journey.Chromium
	world     *demo.World
	recovery  string // code of Bo, read before a sample stands in its place
	at        string // the picture that is being walked to, for errors
}

// picture is one that was taken.
type picture struct {
	journey.Photo
	marks []string // names of what has a number
	from  int      // the number before its first
	phone bool     // a telephone's screen
}

// cheap are costs that nobody waits for: the pages are the same with the real ones.
var cheap = app.Options{Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}, Robot: 500}

// stop is how a step that fails ends the walk.
type stop struct{ error }

// Helper, Logf and Fatalf make a walk the journey.Reporter of its steps.
func (w *walk) Helper() {}

// Logf says nothing.
func (w *walk) Logf(string, ...any) {}

// Fatalf ends the walk: a page is not as the guide tells it.
func (w *walk) Fatalf(format string, args ...any) {
	panic(stop{fmt.Errorf("guide: a page is not as the guide tells it, and nothing was written; on the way to the picture %s: "+format, append([]any{w.at}, args...)...)})
}

// walkThrough takes all pictures that the documents of the subject want.
func walkThrough(ctx context.Context, c *journey.Chromium, s Subject, audience Audience, lang locale.Language, progress Progress, blind bool) (*walk, error) {
	s = s.filled()
	look, err := s.organisation()
	if err != nil {
		return nil, err
	}
	w := &walk{chromium: c, subject: s, look: look, lang: lang, print: locale.New().Printer(lang), documents: forSubject(s, audience), taken: map[string]picture{}, blind: blind, progress: progress}
	w.wanted = pictures(w.documents)
	w.total = len(w.wanted) + len(w.documents)
	if w.samples, err = samples(s, w.print); err != nil {
		return nil, err
	}
	for _, part := range []struct {
		shown Audience
		phase string
		walk  func(*walk)
	}{{Employees, "switched", (*walk).employees}, {Administrators, demo.Preparation, (*walk).administrators}} {
		if audience != All && audience != part.shown {
			continue
		}
		if err := w.in(ctx, part.phase, part.walk); err != nil {
			if ctx.Err() != nil {
				return nil, fmt.Errorf("guide: interrupted, nothing was written: %w", ctx.Err())
			}
			return nil, err
		}
	}
	for name := range w.wanted {
		if _, ok := w.taken[name]; !ok {
			return nil, fmt.Errorf("guide: nobody took the picture %s", name)
		}
	}
	return w, nil
}

// in walks in an instance of its own.
func (w *walk) in(ctx context.Context, phase string, part func(*walk)) (err error) {
	w.world, err = demo.Start(ctx, demo.Options{Lang: string(w.lang), Phase: phase, People: 40, NoSMS: !w.subject.SMS, App: cheap})
	if err != nil {
		return fmt.Errorf("guide: start a private instance: %w", err)
	}
	defer func() { err = errors.Join(err, w.world.Stop()) }()
	if _, err := w.world.App.Control.Provisioning.SetOrganisation(ctx, w.look); err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	defer func() {
		if p := recover(); p != nil {
			failed, ok := p.(stop)
			if !ok {
				panic(p)
			}
			err = errors.Join(failed.error, err)
		}
	}()
	part(w)
	return nil
}

// say is the text of a page.
func (w *walk) say(key string, data ...any) string { return w.print.T(key, data...) }

// What browsers call themselves in the mails and lists of the pictures.
const windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

// The widths of pictures.
const (
	narrow = 390
	wide   = 760
	desk   = 1120
)

// person opens a browser for somebody of the demo.
func (w *walk) person(address, name string) *journey.Person {
	addresses := journey.World{Portvakt: w.world.Portvakt, HRM: w.world.HRM, HRMMobile: w.world.HRMMobile, Inbox: w.world.Inbox}
	return w.chromium.Person(w, addresses, journey.Options{Lang: string(w.lang), Agent: windows, Width: narrow, Height: 844}, address, name)
}

// at which picture the walk is, so that an error can say it, and whether the guide wants it.
func (w *walk) to(name string) { w.at = name }

// shot changes how a picture is taken.
type shot func(*journey.Shot, *picture)

// around shows what the selector finds, below no more than this below the lowest mark, low nothing there, and above no more than this above the highest.
func around(selector string) shot       { return func(s *journey.Shot, _ *picture) { s.Around = selector } }
func below(n int) shot                  { return func(s *journey.Shot, _ *picture) { s.Below = n } }
func low(s *journey.Shot, _ *picture)   { s.Below = 28 }
func above(n int) shot                  { return func(s *journey.Shot, _ *picture) { s.Above = n } }
func from(n int) shot                   { return func(s *journey.Shot, p *picture) { s.From, p.from = n, n } }
func phone(_ *journey.Shot, p *picture) { p.phone = true }

// instead puts a sample where something is that differs each time.
func instead(selector, text string) shot {
	return func(s *journey.Shot, _ *picture) {
		s.Samples = append(s.Samples, journey.Sample{Selector: selector, Text: text})
	}
}

// shoot takes a picture with these marks: names of controls, or selectors, which begin with a point or a number sign, and what they find is called.
func (w *walk) shoot(b *journey.Browser, name string, marks []string, how ...shot) {
	w.to(name)
	if !w.wanted[name] {
		return
	}
	s := journey.Shot{Samples: append([]journey.Sample{}, w.samples...), Blind: w.blind}
	p := picture{}
	for _, m := range marks {
		selector, name, ok := strings.Cut(m, " => ")
		if !ok {
			selector, name = "", m
		}
		s.Marks = append(s.Marks, journey.Mark{Name: name, Selector: selector})
		p.marks = append(p.marks, name)
	}
	for _, f := range how {
		f(&s, &p)
	}
	for i, m := range s.Marks {
		if m.Selector != "" {
			s.Marks[i].Name = ""
		}
	}
	p.Photo = b.Photograph(s)
	for i, seen := range p.Names {
		if seen != "" && s.Marks[i].Selector == "" {
			p.marks[i] = seen
		}
	}
	w.taken[name] = p
	w.progress(len(w.taken), w.total, name)
}

// prints are the fingerprints of what was taken.
func (w *walk) prints() map[string]string {
	prints := map[string]string{}
	for name, p := range w.taken {
		prints[name] = p.Print
	}
	return prints
}
