package main

import (
	"encoding/json"
	"os"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/guide"
	"github.com/portvakt/portvakt/internal/illustrator"
	"github.com/portvakt/portvakt/internal/organisation"
)

// drawing lets a Portvakt draw the console's guides: with this binary once more, and the browser of this machine. Where there is none, nothing is.
func drawing(o app.Options) app.Options {
	o.Release = release()
	if program, err := os.Executable(); err == nil && guide.CanDraw() {
		o.Illustrator = &illustrator.Illustrator{Program: program, Describe: describeSubject, Log: o.Log}
	}
	return o
}

// describeSubject is what the command guide reads with --subject.
func describeSubject(o organisation.Organisation, sms bool, support string) ([]byte, error) {
	s := guide.Subject{ID: string(o.ID), Name: o.Name, Colour: o.Colour, Logo: o.Logo.Data, MFA: string(o.Policy.MFA), MFASignIns: o.Policy.SignIns, TypedPush: o.Policy.TypedPush,
		RememberDays: o.Policy.RememberDays, SMS: sms, Support: support}
	if !o.Policy.From.IsZero() {
		s.MFAFrom = o.Policy.From.UTC().Format(time.DateOnly)
	}
	return json.Marshal(s)
}
