// Package guide draws the illustrated guide of an organisation (step S18 of the design): it starts a Portvakt of its own with the
// organisation's look and policy, walks the journeys of e2e/journey in a headless browser, takes a picture of each page with
// the button to press marked, and writes HTML, PDF and Markdown. It knows what is said on the pages only by their texts, so that
// a page that has changed makes another guide, or an error, and never a wrong one.
package guide

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Subject is whose guide is drawn: what of an organisation shapes its pages. It is plain data, which another process can hand over
// as JSON.
type Subject struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Colour string `json:"colour,omitempty"`
	// Logo is a picture file, which is judged by the same rules as an uploaded one.
	Logo []byte `json:"logo,omitempty"`
	// MFA is the policy: off, optional, recommended, required; MFAFrom is the day from which required holds, MFASignIns how often people may log in
	// without before it.
	MFA        string `json:"mfa"`
	MFAFrom    string `json:"mfa_from,omitempty"`
	MFASignIns int    `json:"mfa_signins,omitempty"`
	TypedPush  bool   `json:"typed_push,omitempty"`
	// RememberDays is how long a browser may be remembered after a code.
	RememberDays int `json:"remember_days,omitempty"`
	// SMS says that codes can be sent by SMS.
	SMS bool `json:"sms"`
	// Support is whom people ask, in their own words: "Servicedesk, 08-12 34 56". Empty: whoever looks after the login at their workplace.
	Support string `json:"support,omitempty"`
	// Issuer is where people find Portvakt: https://login.foretaget.se. Empty: an example.
	Issuer string `json:"issuer,omitempty"`
	// App and Mobile are what people call the app that they log in to and the one on their phone. Without a name of either: the demo's.
	App    string `json:"app,omitempty"`
	Mobile string `json:"mobile,omitempty"`
}

// Demo is the organisation of the demo.
var Demo = Subject{ID: "foretaget", Name: "Företaget AB", MFA: string(organisation.Recommended), RememberDays: organisation.DefaultRememberDays, SMS: true,
	Issuer: "https://login.example.com", App: "HRM", Mobile: "HRM Mobile"}

// filled is the subject with what the demo has in the place of what it does not say.
func (s Subject) filled() Subject {
	if s.App == "" && s.Mobile == "" {
		s.App, s.Mobile = Demo.App, Demo.Mobile
	}
	if s.App == "" {
		s.App, s.Mobile = s.Mobile, ""
	}
	s.Issuer = cmp.Or(s.Issuer, Demo.Issuer)
	return s
}

// host is the issuer as people type it.
func (s Subject) host() string {
	_, host, _ := strings.Cut(s.Issuer, "://")
	return strings.TrimSuffix(host, "/")
}

// ErrNoBrowser means that the guide cannot be drawn on this machine.
var ErrNoBrowser = errors.New("there is no browser on this machine to draw the guide with: install Chromium (Debian and Ubuntu: apt-get install chromium) or Google Chrome, " +
	"or run portvakt guide on another machine that has one, with --subject")

// organisation is the subject as the private instance has it.
func (s Subject) organisation() (organisation.Organisation, error) {
	o := organisation.Organisation{ID: "foretaget", Name: s.Name, Colour: s.Colour,
		Policy: organisation.Policy{MFA: organisation.MFA(s.MFA), SignIns: s.MFASignIns, TypedPush: s.TypedPush, RememberDays: s.RememberDays}}
	if s.MFAFrom != "" {
		day, err := time.Parse(time.DateOnly, s.MFAFrom)
		if err != nil {
			return o, fmt.Errorf("guide: the day from which 2FA is required reads 2026-12-01: %w", err)
		}
		o.Policy.From = day
	}
	if len(s.Logo) > 0 {
		logo, err := organisation.ParseLogo(s.Logo)
		if err != nil {
			return o, fmt.Errorf("guide: the logo: %w", err)
		}
		if o.Logo, err = repainted(logo); err != nil {
			return o, fmt.Errorf("guide: the logo: %w", err)
		}
	}
	if err := o.Check(); err != nil {
		return o, fmt.Errorf("guide: %w", err)
	}
	if u, err := url.Parse(s.Issuer); s.Issuer != "" && (err != nil || u.Host == "") {
		return o, fmt.Errorf("guide: the issuer %q is no address as https://login.example.com", s.Issuer)
	}
	return o, nil
}

// Audience is for whom a guide is drawn: the employees' guide says nothing of the administrators', which needs none of the employees' pages walked.
type Audience string

// The audiences.
const (
	All            Audience = "all"
	Employees      Audience = "employees"
	Administrators Audience = "administrators"
)

// Progress hears how far the work has come.
type Progress func(done, total int, what string)

// Draw writes the guide of a subject for an audience in one language into the folder out: the whole guide, or, where anything fails, nothing, and what was there stays.
func Draw(ctx context.Context, s Subject, audience Audience, lang locale.Language, out string, progress Progress) (err error) {
	if progress == nil {
		progress = func(int, int, string) {}
	}
	out = filepath.Clean(out)
	if err := replaceable(out); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(out), "."+filepath.Base(out)+"-")
	if err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(fresh)) }()
	c, err := launch(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	w, err := walkThrough(ctx, c, s, audience, lang, progress, false)
	if err != nil {
		return err
	}
	if err := w.write(ctx, fresh); err != nil {
		return err
	}
	return swap(fresh, out)
}

// Prints walks as Draw does, without pictures, and returns the fingerprint of each page that the guide shows.
func Prints(ctx context.Context, s Subject, audience Audience, lang locale.Language) (_ map[string]string, err error) {
	c, err := launch(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	w, err := walkThrough(ctx, c, s, audience, lang, func(int, int, string) {}, true)
	if err != nil {
		return nil, err
	}
	return w.prints(), nil
}

// Written reads the fingerprints beside the pictures of a guide.
func Written(folder string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(folder, printsFile))
	if err != nil {
		return nil, fmt.Errorf("guide: %w", err)
	}
	prints := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, digest, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			prints[name] = digest
		}
	}
	return prints, nil
}

// replaceable refuses a folder that has something else in it than a guide: it would be gone afterwards.
func replaceable(out string) error {
	entries, err := os.ReadDir(out)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	if _, err := os.Stat(filepath.Join(out, printsFile)); err != nil {
		return fmt.Errorf("guide: %s has something else in it than a guide; choose an empty folder", out)
	}
	return nil
}

// swap puts the new guide in the old one's place.
func swap(fresh, out string) error {
	if err := os.Chmod(fresh, 0o755); err != nil {
		return fmt.Errorf("guide: %w", err)
	}
	old := fresh + ".old"
	if err := os.Rename(out, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("guide: %w", err)
	}
	if err := os.Rename(fresh, out); err != nil {
		return fmt.Errorf("guide: %w", errors.Join(err, os.Rename(old, out)))
	}
	return os.RemoveAll(old)
}

// CanDraw says whether there is a browser on this machine to draw with.
func CanDraw() bool { return journey.HasChromium() }

// launch starts the browser.
func launch(ctx context.Context) (*journey.Chromium, error) {
	c, err := journey.Launch(ctx, journey.Settings{Patience: 30 * time.Second, Plain: true})
	if errors.Is(err, journey.ErrNoChromium) {
		return nil, ErrNoBrowser
	}
	return c, err
}
