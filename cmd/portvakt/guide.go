package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/schollz/progressbar/v3"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/guide"
	"github.com/portvakt/portvakt/internal/locale"
)

type guideCommand struct {
	settingsFlags `embed:""`
	Lang          string `help:"sv or en." enum:"sv,en" default:"sv"`
	Audience      string `help:"Whom it is for: all, or employees or administrators, each without what is the others'." enum:"all,employees,administrators" default:"all"`
	Org           string `help:"Organisation in whose look and by whose policy the guide is drawn; the default is the demo's." placeholder:"SHORT-NAME" xor:"subject"`
	Subject       string `help:"The same from a file (JSON), without a database; - is standard input." placeholder:"FILE" xor:"subject"`
	PrintSubject  bool   `help:"Print that file's content and draw nothing: the guide can then be drawn on another machine."`
	Support       string `help:"Whom people ask for help, as it shall stand in the guide." placeholder:"TEXT"`
	Out           string `help:"Folder for the guide; an older guide in it is replaced when the new one is whole." placeholder:"DIR" type:"path"`
	Progress      string `help:"How to tell how far the work has come: bar, json (a line for each step on standard output) or none." enum:"bar,json,none" default:"bar"`
}

// Validate implements kong.Validatable.
func (c *guideCommand) Validate() error {
	if c.Out == "" && !c.PrintSubject {
		return errors.New("say where the guide goes: --out DIR")
	}
	return nil
}

// Run draws a guide.
func (c *guideCommand) Run(ctx context.Context, s streams) error {
	subject, err := c.subject(ctx, s)
	if err != nil {
		return err
	}
	if c.Support != "" {
		subject.Support = c.Support
	}
	if c.PrintSubject {
		return printJSON(s.out, subject)
	}
	if err := guide.Draw(ctx, subject, guide.Audience(c.Audience), locale.Language(c.Lang), c.Out, c.progress(s)); err != nil {
		return err
	}
	if c.Progress != "json" {
		fmt.Fprintf(s.out, "The guide is in %s: open index.html, or print guide.pdf.\n", c.Out)
	}
	return nil
}

func (c *guideCommand) subject(ctx context.Context, s streams) (guide.Subject, error) {
	switch {
	case c.Subject != "":
		return readSubject(c.Subject, s.in)
	case c.Org != "":
		var l control.Look
		if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/organisations/"+url.PathEscape(c.Org)+"/look", nil, &l); err != nil {
			return guide.Subject{}, err
		}
		return subjectOf(l), nil
	}
	return guide.Demo, nil
}

func subjectOf(l control.Look) guide.Subject {
	o := l.Organisation
	out := guide.Subject{ID: o.ID, Name: o.Name, Colour: o.Colour, Logo: o.Logo, MFA: o.MFA, MFAFrom: o.MFAFrom, SMS: l.SMS, Issuer: l.Issuer, App: l.App, Mobile: l.Mobile}
	if o.MFASignIns != nil {
		out.MFASignIns = *o.MFASignIns
	}
	if o.TypedPush != nil {
		out.TypedPush = *o.TypedPush
	}
	if o.RememberDays != nil {
		out.RememberDays = *o.RememberDays
	}
	return out
}

// maxSubject is the largest subject in bytes: a logo makes most of it.
const maxSubject = 1 << 20

// readSubject reads a subject; an unknown field is a misspelt one.
func readSubject(path string, in io.Reader) (guide.Subject, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return guide.Subject{}, err
		}
		defer f.Close()
		in = f
	}
	var out guide.Subject
	text, err := io.ReadAll(io.LimitReader(in, maxSubject+1))
	if err != nil {
		return out, fmt.Errorf("read the subject: %w", err)
	}
	if len(text) > maxSubject {
		return out, fmt.Errorf("the subject is larger than %d KB: a logo in it has at most %d KB", maxSubject>>10, control.MaxLogo>>10)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&out); err != nil {
		return out, fmt.Errorf("read the subject (portvakt guide --org SHORT-NAME --print-subject writes one): %w", err)
	}
	return out, nil
}

// progress tells how far the work has come: as a bar only to a person, at a terminal.
func (c *guideCommand) progress(s streams) guide.Progress {
	if c.Progress == "json" {
		lines := json.NewEncoder(s.out)
		return func(done, total int, what string) {
			_ = lines.Encode(struct { // whoever does not listen any more still gets the guide
				Done  int    `json:"done"`
				Total int    `json:"total"`
				What  string `json:"what"`
			}{done, total, what})
		}
	}
	if c.Progress == "none" || !onTerminal(s.err) {
		return nil
	}
	var bar *progressbar.ProgressBar
	return func(done, total int, _ string) {
		if bar == nil {
			bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(s.err), progressbar.OptionSetDescription("drawing the guide"), progressbar.OptionClearOnFinish())
		}
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to stop
	}
}
