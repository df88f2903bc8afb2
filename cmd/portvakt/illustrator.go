package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/guide"
	"github.com/portvakt/portvakt/internal/illustrator"
)

// drawing lets a Portvakt draw the console's guides: with this binary once more, and the browser of this machine. Where there is none, nothing is.
func drawing(issuer string, o app.Options) app.Options {
	o.Release = release()
	if program, err := os.Executable(); err == nil && guide.CanDraw() {
		o.Illustrator = &illustrator.Illustrator{Program: program, Describe: commissioned(issuer), Log: o.Log}
	}
	return o
}

// commissioned writes what the command guide reads with --subject.
func commissioned(issuer string) func(illustrator.Subject) ([]byte, error) {
	return func(c illustrator.Subject) ([]byte, error) {
		o, p := c.Organisation, c.Organisation.Policy
		s := guide.Subject{ID: string(o.ID), Name: o.Name, Colour: o.Colour, Logo: o.Logo.Data, MFA: string(p.MFA), MFASignIns: p.SignIns, TypedPush: p.TypedPush,
			RememberDays: p.RememberDays, SMS: c.SMS, Support: c.Support, Issuer: issuer, App: c.App, Mobile: c.Mobile}
		if !p.From.IsZero() {
			s.MFAFrom = p.From.UTC().Format(time.DateOnly)
		}
		return json.Marshal(s)
	}
}
