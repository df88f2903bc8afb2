package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/store"
)

// append writes lines into the audit log, as transactions do.
func (w *world) append(events ...audit.Event) {
	w.t.Helper()
	err := store.InTx[*store.Tx](w.app.DB)(w.t.Context(), func(tx *store.Tx) error {
		for _, e := range events {
			if err := tx.Append(w.t.Context(), e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) bo() account.Account {
	w.t.Helper()
	c, err := w.app.DB.FindCredentials(w.t.Context(), account.Identifier(bosAddress))
	if err != nil {
		w.t.Fatal(err)
	}
	return c.Account
}

func TestActivitySaysWhatHappenedWhenAndFromWhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		w.clock.Advance(time.Second)
		l := newLogin(w.hrm)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		w.clock.Advance(time.Second)
		w.redeem(l, code)
		b.get("/account/activity").expect(http.StatusOK)
		text := plain(b.body)
		for _, want := range []string{"Du loggade in i HRM", "Du loggade in", "Enhet: iPhone, Safari IP-adress: 198.51.100.7",
			"Kontot kopplades till din anställning", "Av: den som sköter inloggningen"} {
			_, rest, found := strings.Cut(text, want)
			if !found {
				t.Errorf("%q is missing, or not in its order:\n%s", want, plain(b.body))
				continue
			}
			text = rest
		}
		if strings.Contains(b.body, "Visa äldre händelser") {
			t.Error("it promises older lines")
		}
		if anna := w.browser(); anna.get("/account/activity").last.StatusCode != http.StatusSeeOther {
			t.Error("somebody who is not signed in sees a page")
		}
	})
}

// TestFailedSignInsOfOneHourAreOneLine: an attacker must not push everything else off the page.
func TestFailedSignInsOfOneHourAreOneLine(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hour := w.clock.Now().Truncate(time.Hour).Add(-3 * time.Hour)
		bo := w.bo().ID
		fail := func(n int, at time.Time, ips int) (all []audit.Event) {
			for i := range n {
				all = append(all, audit.Event{Kind: audit.SigninFailed, At: at.Add(time.Duration(i) * time.Second), Actor: "anonymous", Account: bo,
					Personal: audit.From(fmt.Sprintf("203.0.113.%d", i%ips), iPhone)})
			}
			return all
		}
		w.append(fail(12, hour, 1)...)
		w.append(audit.Event{Kind: audit.AppRenamed, At: hour.Add(5 * time.Second), Actor: "account", Account: bo})
		w.append(fail(3, hour.Add(time.Hour), 3)...)
		for range 5 { // more than a page reads at a time
			w.append(fail(100, hour.Add(-time.Hour), 1)...)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.get("/account/activity").expect(http.StatusOK).shows("12 misslyckade försök att logga in").shows("IP-adress: 203.0.113.0").
			shows("3 misslyckade försök att logga in").shows("Från 3 olika IP-adresser").shows("500 misslyckade försök att logga in").
			shows("Av: någon som inte var inloggad").shows("En autentiseringsapp fick ett nytt namn").shows("Kontot skapades")
		if n := strings.Count(plain(b.body), "misslyckade försök"); n != 3 {
			t.Errorf("%d lines of failures, want 3", n)
		}
	})
}

func TestOlderActivityIsOnTheNextPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo, now := w.bo().ID, w.clock.Now()
		for i := range 120 { // several share a millisecond
			w.append(audit.Event{Kind: audit.AppRenamed, At: now.Add(-time.Duration(i/7) * time.Hour), Actor: "account", Account: bo})
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		seen, target := 0, "/account/activity"
		for pages := 1; ; pages++ {
			b.get(target).expect(http.StatusOK)
			seen += strings.Count(b.body, "En autentiseringsapp fick ett nytt namn")
			_, older, more := strings.Cut(b.body, `href="/account/activity?`)
			if !more {
				if pages != 3 {
					t.Errorf("%d pages, want 3", pages)
				}
				break
			}
			older, _, _ = strings.Cut(older, `"`)
			target = "/account/activity?" + older
		}
		if seen != 120 {
			t.Errorf("%d lines of 120", seen)
		}
		for _, before := range []string{"", "x", "-1.x", "99999999999999999999.x", "1.", "1.%00"} {
			b.get("/account/activity?before=" + before).expect(http.StatusOK)
		}
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		anna.get(link).post(link).expect(http.StatusSeeOther)
		anna.get(target).expect(http.StatusOK) // an address names a place, and never whose lines
		if strings.Contains(anna.body, "nytt namn") {
			t.Error("Anna sees Bo's lines")
		}
	})
}
