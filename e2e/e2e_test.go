// Package e2e walks through the product in a real browser.
package e2e

import (
	"context"
	"errors"
	"log"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
)

const axeFile = "node_modules/axe-core/axe.min.js"

// chromium is the one browser process of all tests, but of the phones, which need more of a browser; nil where there is none, and why says so.
var (
	chromium *journey.Chromium
	phones   = sync.OnceValues(func() (*journey.Chromium, error) { return journey.Launch(context.Background(), settings(false)) })
	why      = "browser journeys take minutes: make e2e, or PORTVAKT_E2E=1"
)

func TestMain(m *testing.M) {
	os.Exit(walk(m))
}

func walk(m *testing.M) int {
	debug.SetGCPercent(200) // as in package app
	if os.Getenv("PORTVAKT_E2E") == "" {
		return m.Run() // each journey says that it is skipped
	}
	launched, err := journey.Launch(context.Background(), settings(true))
	switch {
	case errors.Is(err, journey.ErrNoChromium) && os.Getenv("CI") == "":
		why = err.Error()
		return m.Run()
	case err != nil:
		log.Print(err)
		return 1
	}
	chromium = launched
	defer func() {
		_ = chromium.Close()
		if p, err := phones(); err == nil {
			_ = p.Close()
		}
	}()
	return max(m.Run(), lookForSecrets())
}

func settings(light bool) journey.Settings {
	return journey.Settings{AxeFile: installed(axeFile), Shots: os.Getenv("E2E_SHOTS"), Hosts: "*.example 127.0.0.1", Patience: time.Minute, Light: light}
}

// lookForSecrets reads the logs of the whole run. What counts is every secret that any
// journey had, so it comes after all of them.
func lookForSecrets() int {
	found := leaks()
	for _, leak := range found {
		log.Print("the log holds ", leak)
	}
	return min(len(found), 1)
}

// installed leaves a file out where it is missing, except where CI counts on it.
func installed(file string) string {
	if _, err := os.Stat(file); err != nil && os.Getenv("CI") == "" {
		return ""
	}
	return file
}

// open gives a test a browser with an empty profile.
func open(t *testing.T, o journey.Options) *journey.Browser {
	t.Helper()
	if chromium == nil {
		t.Skip(why)
	}
	b := chromium.Browser(t, o)
	t.Cleanup(b.Close)
	return b
}

// inspect checks and photographs a page, where axe-core is installed.
func inspect(t *testing.T, b *journey.Browser, name string) {
	t.Helper()
	if installed(axeFile) == "" {
		t.Skip("axe-core is not installed (e2e/install.sh fetches it)")
	}
	b.Inspect(name)
}
