package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// isTypedWrong types wrong codes, and waits out each pause.
func (b *browser) isTypedWrong(times int) {
	b.w.t.Helper()
	for i := range times {
		if i%8 == 0 {
			b.w.clock.Advance(31 * time.Minute)
			b.toCode(newLogin(b.w.hrm))
		}
		b.post(b.action("/signin/"), "code", fmt.Sprintf("%06d", i)).expect(http.StatusUnprocessableEntity)
	}
}

// NIST SP 800-63B-4 §3.2.2: what is guessed at is suspended, and nothing else.
func TestAHundredWrongCodesSuspendTheAppAndTheRecoveryCodeBringsItBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app, recovery := w.addApp()
		w.deliver()
		before := len(w.post.to(bosAddress))
		thief := w.browser()
		thief.ip = "203.0.113.9"
		thief.isTypedWrong(99)
		w.deliver()
		mails := w.post.to(bosAddress)[before:]
		if len(mails) != 1 || !strings.Contains(mails[0], "203.0.113.9") {
			t.Fatalf("mails of unusual failures: %q", mails)
		}
		b := w.browser()
		b.toCode(newLogin(w.hrm)) // the password counts
		w.clock.Advance(31 * time.Minute)
		thief.toCode(newLogin(w.hrm))
		thief.post(thief.action("/signin/"), "code", "111111").expect(http.StatusUnprocessableEntity)
		w.deliver()
		if mails := w.post.to(bosAddress)[before:]; len(mails) != 2 {
			t.Fatalf("mails: %q", mails)
		}
		w.clock.Advance(31 * time.Minute)
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", app.code()).expect(http.StatusUnprocessableEntity)
		b.get(strings.Replace(b.at, "/second", "/recovery", 1))
		b.post(b.action("/signin/"), "recovery_code", strings.ToLower(strings.ReplaceAll(recovery, "-", " "))).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow()
		b.post(b.action("/signin/"), "want", "keep").follow()
		b.get("/account").expect(http.StatusOK)
		again := w.browser()
		again.toCode(newLogin(w.hrm))
		again.post(again.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
	})
}

// The number of mails and of statements must not tell whether there is an account.
func TestUnusualFailuresAreToldToThePersonAndToNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		costs := map[string]string{}
		for _, address := range []string{bosAddress, "nobody@foretaget.example"} {
			b := w.browser()
			for i := range 20 {
				if i%7 == 0 {
					w.clock.Advance(31 * time.Minute)
				}
				b.toPassword(newLogin(w.hrm), address)
				b.post(b.action("/signin/"), "password", "fel fel fel").expect(http.StatusUnprocessableEntity)
				costs[address] += fmt.Sprintln(b.tally)
			}
		}
		if costs[bosAddress] != costs["nobody@foretaget.example"] {
			t.Errorf("a known address costs\n%s\nan unknown one\n%s", costs[bosAddress], costs["nobody@foretaget.example"])
		}
		w.deliver()
		if mails := w.post.to(bosAddress); len(mails) != 1 {
			t.Errorf("mails: %q", mails)
		}
		if mails := w.post.to("nobody@foretaget.example"); len(mails) != 0 {
			t.Errorf("a stranger got %q", mails)
		}
	})
}

// An attacker with a hundred networks guesses all day. Bo signs in from his own browser in the midst of it.
func TestTenThousandGuessesFromAHundredNetworksKeepNobodyOut(t *testing.T) {
	w := on(t)
	bos := w.browser()
	bos.signIn(newLogin(w.hrm), bosAddress, bosPass)
	passed, judged := 0, 0
	for round := range 10 {
		guesses := make(chan int)
		var all sync.WaitGroup
		var mu sync.Mutex
		for n := range 4 {
			all.Go(func() {
				b := w.browser()
				b.toPassword(newLogin(w.hrm), bosAddress)
				form := b.action("/signin/")
				for i := range guesses {
					b.ip = fmt.Sprintf("203.%d.%d.9", n, i%100)
					b.post(form, "password", fmt.Sprintf("gissning %d", i))
					mu.Lock()
					if b.last.StatusCode != http.StatusUnprocessableEntity {
						passed++
					}
					if !strings.Contains(plain(b.body), "Det har blivit många försök") {
						judged++
					}
					mu.Unlock()
				}
			})
		}
		for i := range 1000 {
			guesses <- round*1000 + i
		}
		close(guesses)
		all.Wait()
		w.clock.Advance(time.Minute)
		bos.forgetAllBut(map[string]string{"__Host-pv_browser": bos.cookies()["__Host-pv_browser"]})
		bos.signIn(newLogin(w.hrm), bosAddress, bosPass)
	}
	if passed > 0 {
		t.Errorf("%d guesses were answered otherwise than with the same page", passed)
	}
	if judged == 0 || judged > 100 {
		t.Errorf("%d of 10,000 guesses were held against the password", judged)
	}
}
