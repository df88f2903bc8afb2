package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

// inside opens the house in this process, while no other has it open.
func (h *house) inside(do func(a *app.App)) {
	h.t.Helper()
	var c settingsFlags
	k, err := kong.New(&c, kong.Configuration(config.ReadFile))
	if err == nil {
		_, err = k.Parse([]string{"--config", h.file})
	}
	if err != nil {
		h.t.Fatal(err)
	}
	a, err := app.New(h.t.Context(), c.Settings, app.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	do(a)
	if err := a.Close(); err != nil {
		h.t.Fatal(err)
	}
}

// TestAServerThatIsKilledAtMail500MailsEverybodyOnce kills the process three times in one mailing: in a bite, between two, or while a
// mail leaves. A mail that was on its way at that moment may come twice, as the same mail.
func TestAServerThatIsKilledAtMail500MailsEverybodyOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	h := newHouse(t)
	const people = 800
	var mailing job.Job
	h.inside(func(a *app.App) {
		if _, err := a.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "foretaget", Name: "Företaget AB"}); err != nil {
			t.Fatal(err)
		}
		register := make([]person.Person, people)
		for i := range register {
			register[i] = person.Person{Organisation: "foretaget", Key: person.Key(fmt.Sprint(i)), GivenName: "Disa", FamilyName: "Holm", Address: addressOf(i)}
		}
		err := a.Control.Provisioning.AddPersons(t.Context(), register)
		if err == nil {
			err = a.Preparation.SetRate(t.Context(), administrator.CommandLine, "foretaget", organisation.MaxRate)
		}
		if err == nil {
			err = a.Transition.Recheck(t.Context(), "foretaget")
		}
		if err == nil {
			mailing, err = a.Preparation.Send(t.Context(), administrator.CommandLine, "foretaget", preparation.Choice{})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	p := h.serve()
	for _, at := range []int{250, 500, 650} {
		h.post.awaitAll(t, at)
		p.kill()
		p = h.serve()
	}
	h.post.awaitAll(t, people)
	if err := p.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	for i := range people {
		if n := len(ids(h.post.to(addressOf(i), func(letter) bool { return true }))); n != 1 {
			t.Errorf("person %d got %d mails", i, n)
		}
	}
	h.inside(func(a *app.App) {
		j, ok, err := a.DB.FindJob(t.Context(), "foretaget", mailing.ID)
		if err != nil || !ok || j.State != job.Done || j.Counts[preparation.Mailed] != people {
			t.Errorf("%+v %v %v", j, ok, err)
		}
	})
	nothingWaits(t, h)
}

func addressOf(i int) string { return fmt.Sprintf("n%d@foretaget.example", i) }

// awaitAll waits until so many different mails have come.
func (p *postOffice) awaitAll(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(2 * patient); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		seen := map[string]bool{}
		for _, m := range p.mails {
			seen[m.id] = true
		}
		p.mu.Unlock()
		if len(seen) >= n {
			return
		}
	}
	t.Fatalf("fewer than %d mails came", n)
}
