package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/guide"
	"github.com/portvakt/portvakt/internal/illustrator"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

// TestTheCommandGuideUnderstandsWhatTheConsoleOrders: the engine's child is this program, on a machine whose browser has gone.
func TestTheCommandGuideUnderstandsWhatTheConsoleOrders(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	program := filepath.Join(t.TempDir(), "portvakt")
	script := fmt.Sprintf("#!/bin/sh\nPATH=%s %s=yes exec %s \"$@\"\n", t.TempDir(), asProgram, os.Args[0])
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	i := &illustrator.Illustrator{Program: program, Describe: commissioned(issuer), Log: slog.New(slog.NewTextHandler(&said, nil))}
	for _, e := range transition.Editions() {
		d, err := i.Begin(transition.Commission{Edition: e, SMS: true, Support: "Servicedesk, 08-12 34 56", Organisation: organisation.Organisation{ID: "foretaget", Name: "Företaget AB", Colour: "#1f5d4c",
			Logo: organisation.Logo{MediaType: "image/png", Data: make([]byte, organisation.MaxLogo)}, Policy: organisation.Policy{MFA: organisation.Required, From: time.Now(), SignIns: 3, RememberDays: 30}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Files(); err == nil || !strings.Contains(err.Error(), guide.ErrNoBrowser.Error()) {
			t.Errorf("%v: %v", e, err)
		}
		d.Stop()
	}
	if !strings.Contains(said.String(), "there is no browser on this machine") {
		t.Errorf("the operator's log: %s", said.String())
	}
}

func TestWithoutABrowserNothingDrawsTheConsolesGuides(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if o := drawing(issuer, app.Options{}); o.Illustrator != nil || o.Release == "" {
		t.Errorf("%v %q", o.Illustrator, o.Release)
	}
}
