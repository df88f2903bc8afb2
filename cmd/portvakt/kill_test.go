package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/store"
)

const oldPassword = "gamla stigen genom skogen"

func newPassword(n int) string { return fmt.Sprintf("%d nya båtar vid bryggan", n) }

// TestAKilledServerHasResetThePasswordOnceOrNotAtAll kills the process at some moment around a reset. Whatever moment that
// is: the old password and a link that works, or the new one and a link that is spent; and one mail about it.
func TestAKilledServerHasResetThePasswordOnceOrNotAtAll(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes for some seconds")
	}
	h := newHouse(t)
	p := h.serve()
	outcome := map[bool]int{}
	const rounds = 6
	for n := range rounds {
		address := fmt.Sprintf("person%d@foretaget.example", n)
		h.must("account", "create", address, "--verified")
		b := p.browser()
		b.ask(address)
		if status := p.browser().reset(h.post.await(t, address, 1, isLink).link, oldPassword); status != http.StatusOK {
			t.Fatalf("the first reset: %d", status)
		}
		b.ask(address)
		link := h.post.await(t, address, 2, isLink).link

		// A hash takes some tens of milliseconds, the transaction a few: the moments cover both and more.
		moment := time.Duration(n)*20*time.Millisecond + rand.N(20*time.Millisecond)
		var pressed sync.WaitGroup
		pressing := p.browser()
		answer := pressing.solve(link + "/challenge")
		status := 0
		pressed.Go(func() {
			status = pressing.send(http.MethodPost, link, "new_password", newPassword(n), "repeat_password", newPassword(n), "robot", answer)
		})
		time.Sleep(moment)
		p.kill()
		pressed.Wait()

		p = h.serve()
		done := p.browser().signsIn(address, newPassword(n))
		old := p.browser().signsIn(address, oldPassword)
		if done == old {
			t.Fatalf("killed after %s: the new password works: %t, the old one: %t", moment, done, old)
		}
		if status == http.StatusOK && !done {
			t.Errorf("killed after %s: the person was told that it is done, and it is not", moment)
		}
		late := p.browser()
		if got := late.get(link); done != (got != http.StatusOK) {
			t.Errorf("killed after %s, new password %t: the link's page answers %d", moment, done, got)
		}
		if !done {
			if got := late.reset(link, newPassword(n)); got != http.StatusOK {
				t.Errorf("killed after %s: the link does not work any more: %d", moment, got)
			}
			if !p.browser().signsIn(address, newPassword(n)) {
				t.Errorf("killed after %s: the link did not set the password", moment)
			}
		}
		outcome[done]++
	}
	for n := range rounds {
		h.post.await(t, fmt.Sprintf("person%d@foretaget.example", n), 2, isChanged)
	}
	if err := p.stop(); err != nil {
		t.Errorf("the last one ended with %v", err)
	}
	for n := range rounds {
		address := fmt.Sprintf("person%d@foretaget.example", n)
		if got := len(ids(h.post.to(address, isChanged))); got != 2 {
			t.Errorf("%s was told %d times of 2 changes", address, got)
		}
		if got := len(ids(h.post.to(address, isLink))); got != 2 {
			t.Errorf("%s got %d links for 2 requests", address, got)
		}
	}
	nothingWaits(t, h)
	t.Logf("set before the end: %d, not: %d", outcome[true], outcome[false])
}

// nothingWaits opens the house that nobody has open: every message was delivered and noted.
func nothingWaits(t *testing.T, h *house) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: h.dir + "/portvakt.db"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	later := time.Now().Add(time.Hour)
	left, err := db.Lease(t.Context(), "test", outbox.Mail, 100, later, later)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range left {
		if m.Template == "new_device" {
			continue // of the last sign-in, which nobody has waited for: a server that stops finishes what it has in hand
		}
		t.Errorf("message %s (%s) is still in the queue", m.ID, m.Template)
	}
}

// TestAMailThatWasUnderWayAtTheKillArrivesAsTheSameMail holds the process in the moment between the mail server's taking a
// mail and its saying so: the one moment in which a mail must be sent twice, because nobody can know.
func TestAMailThatWasUnderWayAtTheKillArrivesAsTheSameMail(t *testing.T) {
	h := newHouse(t)
	p := h.serve()
	const address = "anna.svensson@foretaget.example"
	h.must("account", "create", address, "--verified")
	taken, killed := make(chan letter), make(chan struct{})
	h.post.holdBack(func(m letter) {
		select {
		case taken <- m:
			<-killed
		case <-killed:
		}
	})
	b := p.browser()
	b.ask(address)
	first := <-taken
	p.kill()
	h.post.holdBack(nil)
	close(killed)

	p = h.serve()
	var again []letter
	for end := time.Now().Add(patient); len(again) < 2 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		again = h.post.to(address, isLink)
	}
	if len(again) != 2 || again[1].id != first.id || again[1].link != first.link || again[1].text != first.text {
		t.Fatalf("want the same mail once more: %d mails", len(again))
	}
	if status := p.browser().reset(first.link, newPassword(1)); status != http.StatusOK {
		t.Errorf("its link: %d", status)
	}
	h.post.await(t, address, 1, isChanged)
	if err := p.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	nothingWaits(t, h)
}
