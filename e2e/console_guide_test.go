package e2e

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/guide"
	"github.com/portvakt/portvakt/internal/illustrator"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

// sketch draws a guide at once, for those stories that are about what the console does with it.
type sketch struct{}

func (sketch) Begin(transition.Commission) (transition.Drawing, error) { return sketch{}, nil }
func (sketch) Wait(time.Duration) (done, total int, ended bool)        { return 1, 1, true }
func (sketch) Stop()                                                   {}
func (sketch) Files() (map[string][]byte, error) {
	return map[string][]byte{"index.html": []byte("<!doctype html><title>Guide</title><p>Guide"), "guide.pdf": []byte("%PDF")}, nil
}

// TestEvaHasTheGuideDrawnByPressingAButton: a Portvakt of its own, with her organisation's name, walks beside this one and takes the pictures.
func TestEvaHasTheGuideDrawnByPressingAButton(t *testing.T) {
	program := portvakt(t)
	w := begin(t, func(o *demo.Options) {
		o.App.Illustrator = &illustrator.Illustrator{Program: program, Log: slog.New(slog.NewJSONHandler(&logs, nil)), Describe: func(s illustrator.Subject) ([]byte, error) {
			return json.Marshal(guide.Subject{ID: "foretaget", Name: s.Organisation.Name, MFA: string(s.Organisation.Policy.MFA), SMS: s.SMS, Support: s.Support})
		}}
	})
	if _, err := w.App.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "foretaget", Name: "Bageriet i Ås"}); err != nil {
		t.Fatal(err)
	}
	e := w.eva(journey.Options{})
	say := w.prepared(journey.Options{}, "1005", eva, "Eva", "sv").say
	e.Press(say("admin.section.guide"))
	e.See(say("admin.guide.none"))
	e.Tick(say("admin.guide.administrators"))
	e.Fill(say("admin.guide.support"), "Servicedesk, 08-12 34 56")
	e.Press(say("admin.guide.draw"))
	e.See(say("admin.guide.drawing_text"))
	for begun := time.Now(); ; time.Sleep(time.Second) {
		all, err := w.App.Transition.Drawings(t.Context(), "foretaget")
		if err != nil || time.Since(begun) > 10*time.Minute {
			t.Fatal(err, all)
		}
		if all[0].State.Ended() {
			break
		}
	}
	e.Reload()
	e.Press(say("admin.guide.open") + " " + say("admin.guide.administrators") + ", " + say("admin.guide.sv"))
	e.See("Bageriet i Ås")
	e.See("Servicedesk, 08-12 34 56")
	e.SeePictures()
}
