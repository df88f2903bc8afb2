package app_test

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

const (
	davids     = "david.ek@foretaget.example"
	davidsKey  = "19850412-1234"
	davidsPass = "sju röda lastbilar i snö"
	yes        = "Ja, det stämmer"
)

var commandLine = administrator.CommandLine

var preparationPattern = regexp.MustCompile(`https://login\.example\.com(/preparation/[A-Za-z0-9_-]+)`)

// registered adds rows to the register, of Företaget AB unless they say otherwise.
func (w *world) registered(all ...person.Person) {
	w.t.Helper()
	for i := range all {
		if all[i].Organisation == "" {
			all[i].Organisation = "foretaget"
		}
	}
	if err := w.app.Control.Provisioning.AddPersons(w.t.Context(), all); err != nil {
		w.t.Fatal(err)
	}
}

// david adds David to the register.
func (w *world) david() {
	w.t.Helper()
	w.registered(person.Person{Key: davidsKey, GivenName: "David", FamilyName: "Ek", Address: davids, Language: "sv"})
}

// phase sets where Företaget AB stands.
func (w *world) phase(p organisation.Phase, on time.Time) {
	w.t.Helper()
	if err := w.app.Preparation.SetPhase(w.t.Context(), commandLine, "foretaget", p, on); err != nil {
		w.t.Fatal(err)
	}
}

// invite sends to everybody, and delivers.
func (w *world) invite() job.Job {
	w.t.Helper()
	j := w.send(preparation.Choice{})
	w.work()
	w.deliver()
	return w.mailing(j)
}

func (w *world) send(c preparation.Choice) job.Job {
	w.t.Helper()
	if err := w.app.Transition.Recheck(w.t.Context(), "foretaget"); err != nil {
		w.t.Fatal(err)
	}
	j, err := w.app.Preparation.Send(w.t.Context(), commandLine, "foretaget", c)
	if err != nil {
		w.t.Fatal(err)
	}
	return j
}

func (w *world) mailing(j job.Job) job.Job {
	w.t.Helper()
	have, ok, err := w.app.DB.FindJob(w.t.Context(), j.Organisation, j.ID)
	if err != nil || !ok {
		w.t.Fatal(ok, err)
	}
	return have
}

// work does jobs until none is due, as time goes.
func (w *world) work() {
	w.t.Helper()
	for range 200 {
		n, err := w.app.Jobs.Round(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if n == 0 {
			all, err := w.app.Preparation.ListMailings(w.t.Context(), "foretaget")
			if err != nil {
				w.t.Fatal(err)
			}
			busy := false
			for _, j := range all {
				busy = busy || j.State == job.Running || j.State == job.Queued
			}
			if !busy {
				return
			}
			w.clock.Advance(10 * time.Second)
		}
	}
	w.t.Fatal("the jobs do not end")
}

// invitation is the path of the link in the newest mail to the address that has one.
func (w *world) invitation(address string) string {
	w.t.Helper()
	w.deliver()
	all := preparationPattern.FindAllStringSubmatch(strings.Join(w.post.to(address), "\n"), -1)
	if len(all) == 0 {
		w.t.Fatalf("no mail with a preparation link to %s", address)
	}
	return all[len(all)-1][1]
}

// press presses the button of a link's page as its script does.
func (b *browser) press(link, to string, pairs ...string) *browser {
	b.w.t.Helper()
	return b.post(link+to, append(pairs, "robot", b.solve(link+"/challenge"))...)
}

// askDB reads one value behind Portvakt's back.
func (w *world) askDB(query string, args ...any) (value string) {
	w.t.Helper()
	if err := w.raw().QueryRow(query, args...).Scan(&value); err != nil && !errors.Is(err, sql.ErrNoRows) {
		w.t.Fatal(err)
	}
	return value
}

// accountOf is the id of the account that has the address; empty where none has.
func (w *world) accountOf(address string) account.ID {
	w.t.Helper()
	return account.ID(w.askDB(`SELECT id FROM accounts WHERE identifier = $1`, address))
}

func (w *world) personID(key string) string {
	w.t.Helper()
	return w.askDB(`SELECT id FROM persons WHERE person_key = $1`, key)
}

// lines counts the lines of the audit log of a kind.
func (w *world) lines(k audit.Kind) string {
	w.t.Helper()
	return w.askDB(`SELECT count(*) FROM audit_events WHERE kind = $1`, string(k))
}

// readdress is an import that has another address for somebody.
func (w *world) readdress(key, address string) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.raw().Exec(`UPDATE persons SET address = $2, identifier = $2, changed_at = $3 WHERE person_key = $1`, key, address, w.clock.Now().UnixMilli()); err != nil {
		w.t.Fatal(err)
	}
}

// second is another employer.
func (w *world) second() {
	w.t.Helper()
	if _, err := w.app.Control.Provisioning.SetOrganisation(w.t.Context(), organisation.Organisation{ID: "kommunen", Name: "Kommunen",
		Policy: organisation.Policy{MFA: organisation.Optional}}); err != nil {
		w.t.Fatal(err)
	}
}

// TestDavidConfirmsHisAddressAndLandsAtHRMOnTheDay is step S1 and S2 of the design.
func TestDavidConfirmsHisAddressAndLandsAtHRMOnTheDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		day := w.clock.Now().Add(20 * 24 * time.Hour)
		w.phase(organisation.Preparation, day)
		j := w.invite()
		if j.State != job.Done || j.Counts[preparation.Mailed] != 1 || j.Counts["connected"] != 2 || j.Position != 3 {
			t.Errorf("%+v", j)
		}
		if mail := strings.Join(w.post.to(davids), ""); !strings.Contains(mail, "Företaget AB byter till en ny inloggning") || !strings.Contains(mail, "Hej David!") ||
			!strings.Contains(mail, "Bytet sker den") {
			t.Errorf("the mail: %s", mail)
		}
		link, b := w.invitation(davids), w.browser()
		b.get(link).expect(http.StatusOK).shows("Hej David!").shows("Företaget AB").shows(davids).shows(yes).shows("Jag vill använda en annan adress")
		for _, secret := range []string{"Ek", davidsKey} {
			if strings.Contains(tokens.ReplaceAllString(b.body, ""), secret) {
				t.Errorf("the page shows %q", secret)
			}
		}
		b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther).follow().
			expect(http.StatusOK).shows("Klart, David!").shows("loggar du in hos Företaget AB med den här adressen")
		if b.cookies()["__Host-pv_session"] != "" || strings.Contains(fmt.Sprint(b.cookies()), "session") {
			t.Errorf("the link signed somebody in: %v", b.cookies())
		}
		b.get("/account").expect(http.StatusSeeOther)
		w.deliver()
		if news := w.post.news(davids); len(news) != 2 || !strings.Contains(news[1], "Med den loggar du in hos Företaget AB") {
			t.Errorf("the mails: %v", news)
		}
		// The day has come.
		w.clock.Advance(21 * 24 * time.Hour)
		w.phase(organisation.Switched, time.Time{})
		l := newLogin(w.hrm)
		status, answer := w.redeem(l, l.code(t, w.browser().signIn(l, davids, davidsPass)))
		if status != http.StatusOK {
			t.Fatal(status, answer)
		}
		// A used-up link says that all is well.
		b.get(link).expect(http.StatusOK).shows("Klart, David!")
		w.browser().press(link, "").expect(http.StatusSeeOther)
		w.browser().get(link).expect(http.StatusOK)
	})
}

func TestAPasswordMayBeSkippedAndAWeakOneKeepsTheLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, b := w.invitation(davids), w.browser()
		b.get(link)
		b.press(link, "", "new_password", "kort", "repeat_password", "kort").expect(http.StatusUnprocessableEntity).shows("för kort")
		b.press(link, "", "new_password", davids, "repeat_password", davids).expect(http.StatusUnprocessableEntity)
		b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass+"!").expect(http.StatusUnprocessableEntity).shows("inte lika")
		b.post(link, "new_password", davidsPass, "repeat_password", davidsPass, "robot", "wrong.1").expect(http.StatusUnprocessableEntity)
		if w.accountOf(davids) != "" {
			t.Fatal("a press that failed made an account")
		}
		b.press(link, "").expect(http.StatusSeeOther).follow().shows("Nu kan du logga in med den.")
		b = w.browser()
		b.askForLink(newLogin(w.hrm), davids, "reset")
		reset := w.link(davids)
		b.get(reset).post(reset, "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther)
	})
}

// TestAnOldPasswordGoesOnOnlyWhereNoneWasChosen: and never before the address was confirmed.
func TestAnOldPasswordGoesOnOnlyWhereNoneWasChosen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tries := func(address, pass string) bool {
			b := w.browser().toPassword(newLogin(w.hrm), address)
			b.post(b.action("/signin/"), "password", pass)
			return b.last.StatusCode == http.StatusSeeOther
		}
		for _, chosen := range []string{"", davidsPass} {
			address := fmt.Sprintf("david%d@foretaget.example", len(chosen))
			w.registered(person.Person{Key: person.Key(address), GivenName: "David", FamilyName: "Ek", Address: address, ImportedHash: oldHash(t, idasLong)})
			w.invite()
			if tries(address, idasLong) {
				t.Fatal("the old password works before the address was confirmed")
			}
			w.browser().press(w.invitation(address), "", "new_password", chosen, "repeat_password", chosen).expect(http.StatusSeeOther)
			if got := tries(address, idasLong); got != (chosen == "") {
				t.Errorf("chosen %q: the old password works: %t", chosen, got)
			}
			if chosen != "" && !tries(address, chosen) {
				t.Error("the chosen password does not work")
			}
			if left := w.askDB(`SELECT imported_hash FROM persons WHERE identifier = $1`, address); left != "" {
				t.Error("the register still has the old hash")
			}
		}
	})
}

func TestAMailScannerConfirmsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, scanner := w.invitation(davids), w.browser()
		for _, page := range []string{link, link + "/address", link + "/sent", link + "/done"} {
			for _, method := range []string{http.MethodHead, http.MethodGet} {
				scanner.send(method, page, nil)
				if scanner.tally.Writes != 0 || scanner.tally.Commits != 0 {
					t.Fatalf("%s %s cost %+v", method, page, scanner.tally)
				}
			}
		}
		if w.accountOf(davids) != "" {
			t.Error("looking confirmed the address")
		}
		if err := w.app.Preparation.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.browser().press(link, "").expect(http.StatusSeeOther)
	})
}

func TestTwentyPressesOnOnePreparationLinkMakeOneAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link := w.invitation(davids)
		browsers, answers := make([]*browser, 20), make([]string, 20)
		for i := range browsers {
			browsers[i] = w.browser()
			answers[i] = browsers[i].solve(link + "/challenge")
		}
		var all sync.WaitGroup
		for i, b := range browsers {
			all.Go(func() { b.post(link, "robot", answers[i]) })
		}
		all.Wait()
		for _, b := range browsers {
			if b.last.StatusCode != http.StatusSeeOther {
				t.Errorf("status %d\n%s", b.last.StatusCode, plain(b.body))
			}
		}
		w.deliver()
		if n := len(w.post.to(davids)); n != 2 {
			t.Errorf("%d mails, want the invitation and one that it is done", n)
		}
		if n := w.lines(audit.PreparationConfirmed); n != "1" {
			t.Errorf("%s lines tell that he confirmed", n)
		}
	})
}

// TestALinkDiesWhenTheRegisterHasAnotherAddress: an import swaps two people's addresses after the mails went out.
func TestALinkDiesWhenTheRegisterHasAnotherAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.registered(person.Person{Key: "2", GivenName: "Disa", FamilyName: "Ek", Address: "disa.ek@foretaget.example"})
		w.invite()
		his, hers := w.invitation(davids), w.invitation("disa.ek@foretaget.example")
		w.readdress(davidsKey, "disa.ek@foretaget.example")
		w.readdress("2", davids)
		for _, link := range []string{his, hers} {
			b := w.browser()
			b.get(link).expect(http.StatusGone).shows("Länken gäller inte längre")
			b.press(link, "").expect(http.StatusGone)
			if strings.Contains(b.body, "David") || strings.Contains(b.body, "Disa") {
				t.Errorf("a dead link names somebody: %s", plain(b.body))
			}
		}
		// Whoever has the old address gets no new link to it either.
		before := w.post.count()
		w.browser().press(his, "/renew").expect(http.StatusSeeOther).follow().shows("Titta efter en ny länk")
		w.deliver()
		if w.post.count() != before {
			t.Error("a link was renewed to an address that the register does not have")
		}
		w.invite() // and the changed addresses are mailed anew
		w.browser().press(w.invitation(davids), "").expect(http.StatusSeeOther).follow().shows("Klart, Disa!")
	})
}

func TestALinkLivesAsLongAsTheOperatorSays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.phase(organisation.Preparation, time.Time{})
		w.invite()
		link, b := w.invitation(davids), w.browser()
		if mail := strings.Join(w.post.to(davids), "\n"); !strings.Contains(plain(mail), "3 dagar") {
			t.Errorf("the mail does not say how long:\n%s", mail)
		}
		w.clock.Advance(3*24*time.Hour - time.Minute)
		b.get(link).expect(http.StatusOK)
		w.clock.Advance(2 * time.Minute)
		b.get(link).expect(http.StatusGone)
	}, func(s *config.Settings) { s.PreparationLinkDays = 3 })
}

func TestAnExpiredLinkIsRenewedByWhoeverHasIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.phase(organisation.Preparation, time.Time{})
		w.invite()
		link, b := w.invitation(davids), w.browser()
		w.clock.Advance(14*24*time.Hour + time.Minute)
		b.get(link).expect(http.StatusGone).shows("Skicka en ny länk")
		b.press(link, "").expect(http.StatusGone)
		b.press(link, "/renew").expect(http.StatusSeeOther).follow().shows("Titta efter en ny länk")
		answer := b.body
		w.browser().post(link+"/renew", "robot", "wrong.1").expect(http.StatusUnprocessableEntity)
		fresh := w.invitation(davids)
		if fresh == link {
			t.Fatal("no new link")
		}
		b.get(link).expect(http.StatusGone)
		b.press(fresh, "").expect(http.StatusSeeOther).follow().shows("Klart, David!")
		// Of a link that there never was, the answer is the same, and nothing is sent.
		unknown := "/preparation/" + strings.Repeat("a", 43)
		stranger := w.browser()
		stranger.get(unknown).expect(http.StatusGone)
		stranger.press(unknown, "/renew").expect(http.StatusSeeOther).follow()
		if without := strings.ReplaceAll(stranger.body, unknown, link); plain(without) != plain(answer) {
			t.Errorf("the answers differ:\n%s\n%s", plain(without), plain(answer))
		}
		n := w.post.count()
		w.deliver()
		if got := w.post.count(); got != n+1 { // the one that says that he is done
			t.Errorf("%d mails", got-n)
		}
	})
}

func TestOneMailboxGetsFiveRenewedLinksInAQuarterOfAnHour(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link := w.invitation(davids)
		for range 8 {
			w.browser().press(link, "/renew").expect(http.StatusSeeOther)
		}
		w.deliver()
		if n := len(w.post.to(davids)); n != 1+5 {
			t.Errorf("%d mails", n)
		}
		w.browser().press(w.invitation(davids), "").expect(http.StatusSeeOther)
	})
}

func TestWithoutJavaScriptBudgetsProtect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for i := range 4 {
			w.registered(person.Person{Key: person.Key(fmt.Sprint(i)), GivenName: "N", Address: fmt.Sprintf("n%d@foretaget.example", i)})
		}
		w.invite()
		for i := range 3 {
			w.browser().post(w.invitation(fmt.Sprintf("n%d@foretaget.example", i)) + "/plain").expect(http.StatusSeeOther)
		}
		last := w.invitation("n3@foretaget.example")
		w.browser().post(last + "/plain").expect(http.StatusTooManyRequests)
		w.browser().press(last, "").expect(http.StatusSeeOther)
	})
}

func TestAnExistingAccountIsConnectedOnlyInASessionOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		w.registered(person.Person{Organisation: "kommunen", Key: "77", GivenName: "Bo", FamilyName: "Lind", Address: bosAddress})
		if err := w.app.Transition.Recheck(t.Context(), "kommunen"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.app.Preparation.Send(t.Context(), commandLine, "kommunen", preparation.Choice{}); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.deliver()
		if mail := strings.Join(w.post.to(bosAddress), ""); !strings.Contains(mail, "samma inloggning som du redan har") {
			t.Errorf("the mail: %s", mail)
		}
		link, b := w.invitation(bosAddress), w.browser()
		b.get(link).expect(http.StatusOK).shows("Du har redan en inloggning")
		b.press(link, "").expect(http.StatusSeeOther) // no second account with the address: the page says what to do
		b.post(link + "/connect").expect(http.StatusSeeOther)

		// Anna holds the link, and is signed in as herself.
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		hers := w.link(annas)
		anna.get(hers).post(hers).expect(http.StatusSeeOther).follow()
		anna.get(link).expect(http.StatusOK).shows("Här är " + annas + " inloggad")
		anna.post(link + "/connect").expect(http.StatusSeeOther)
		if n := w.lines(audit.PreparationConnected); n != "0" {
			t.Fatalf("connected %s times", n)
		}

		b.get(link + "/signin").expect(http.StatusSeeOther).follow().shows(bosAddress)
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Använd din inloggning hos Kommunen")
		b.post(link + "/connect").expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Klart")
		b.post(link + "/connect").expect(http.StatusSeeOther).follow().shows("Klart")
		if n := w.lines(audit.PreparationConnected); n != "1" {
			t.Errorf("connected %s times", n)
		}
	})
}

// TestAMailedLinkDoesNotConnectAnAccountThatHasAPassword: the session has shown less than the account can show.
func TestAMailedLinkDoesNotConnectAnAccountThatHasAPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		w.registered(person.Person{Organisation: "kommunen", Key: "77", GivenName: "Bo", FamilyName: "Lind", Address: bosAddress})
		if err := w.app.Transition.Recheck(t.Context(), "kommunen"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.app.Preparation.Send(t.Context(), commandLine, "kommunen", preparation.Choice{}); err != nil {
			t.Fatal(err)
		}
		w.work()
		link, b := w.invitation(bosAddress), w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "login")
		login := w.link(bosAddress)
		b.get(login).post(login).expect(http.StatusSeeOther).follow()
		b.get(link).expect(http.StatusOK).shows("visa en gång till att det är du")
		b.post(link + "/connect").expect(http.StatusSeeOther)
		if n := w.lines(audit.PreparationConnected); n != "0" {
			t.Fatalf("connected %s times", n)
		}
		b.get(link + "/signin").follow()
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Använd din inloggning hos Kommunen")
		b.post(link + "/connect").expect(http.StatusSeeOther).follow().shows("Klart")
	})
}

func TestTheSameAddressInTwoOrganisationsIsOneAccountWithTwoConnections(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		w.david()
		w.registered(person.Person{Organisation: "kommunen", Key: "5", GivenName: "David", FamilyName: "Ek", Address: davids})
		w.invite()
		first := w.invitation(davids)
		if err := w.app.Transition.Recheck(t.Context(), "kommunen"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.app.Preparation.Send(t.Context(), commandLine, "kommunen", preparation.Choice{}); err != nil {
			t.Fatal(err)
		}
		w.work()
		second, b := w.invitation(davids), w.browser()
		b.press(first, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther)
		b.get(second).expect(http.StatusOK).shows("Du har redan en inloggning").get(second + "/signin").follow()
		b.post(b.action("/signin/"), "password", davidsPass).expect(http.StatusSeeOther).follow()
		b.post(second + "/connect").expect(http.StatusSeeOther).follow().shows("Klart")
		employers, err := w.app.DB.ListEmployers(t.Context(), w.accountOf(davids))
		if err != nil || len(employers) != 2 {
			t.Error(employers, err)
		}
	})
}

func TestAFlaggedSharedOrExemptedAddressIsNotConfirmedByLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.registered(person.Person{Key: "1", GivenName: "A", Address: "lager@foretaget.example"}, person.Person{Key: "2", GivenName: "B", Address: "Lager@foretaget.example"},
			person.Person{Key: "3", GivenName: "C"}, person.Person{Key: "4", GivenName: "D", Address: "kvar@foretaget.example"},
			person.Person{Key: "5", GivenName: "E", Address: "gick@foretaget.example", Employments: []person.Employment{{Company: "F", To: "2019-01-31"}}})
		j := w.invite()
		want := map[string]int64{"flagged": 2, "no_address": 1, "left": 1, preparation.Mailed: 1, "connected": 2}
		if fmt.Sprint(j.Counts) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", j.Counts, want)
		}
		// The link was mailed, and then somebody else got the address too.
		link := w.invitation("kvar@foretaget.example")
		w.registered(person.Person{Key: "6", GivenName: "F", Address: "kvar@foretaget.example"})
		b := w.browser()
		b.get(link).expect(http.StatusGone)
		b.press(link, "").expect(http.StatusGone)
	})
}

func TestLinksDieWithTheTransition(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link := w.invitation(davids)
		w.phase(organisation.Ended, time.Time{})
		w.browser().get(link).expect(http.StatusGone)
		w.browser().press(link, "").expect(http.StatusGone)
		if _, err := w.app.Preparation.Send(t.Context(), commandLine, "foretaget", preparation.Choice{}); err == nil {
			t.Error("mails go out after the end")
		}
		w.clock.Advance(time.Hour)
		w.phase(organisation.Switched, time.Time{})
		w.browser().get(link).expect(http.StatusGone) // it does not come back to life
		w.browser().press(link, "/renew").expect(http.StatusSeeOther)
		w.browser().press(w.invitation(davids), "").expect(http.StatusSeeOther)
	})
}

func TestAnotherOrganisationsAdministratorCanNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.second()
		w.david()
		other := administrator.Administrator{Roles: map[organisation.ID]administrator.Role{"kommunen": administrator.Owner}}
		other.Account.ID = "x"
		j := w.send(preparation.Choice{})
		p := w.app.Preparation
		for what, err := range map[string]error{
			"phase": p.SetPhase(t.Context(), other, "foretaget", organisation.Ended, time.Time{}), "rate": p.SetRate(t.Context(), other, "foretaget", 1),
			"pause": p.Pause(t.Context(), other, "foretaget", j.ID), "guess": p.Pause(t.Context(), other, "kommunen", j.ID),
			"approve": p.Approve(t.Context(), other, "foretaget", "1", ""), "send": sendErr(p.Send(t.Context(), other, "foretaget", preparation.Choice{})),
		} {
			if err == nil {
				t.Errorf("%s was done", what)
			}
		}
		// An id of somebody else's register is looked at, and reaches nobody.
		if _, err := p.Send(t.Context(), other, "kommunen", preparation.Choice{Persons: []string{w.personID(davidsKey)}}); err != nil {
			t.Fatal(err)
		}
		if err := p.Cancel(t.Context(), commandLine, "foretaget", j.ID); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.deliver()
		if n := w.post.count(); n != 0 {
			t.Errorf("%d mails", n)
		}
	})
}

func sendErr(_ job.Job, err error) error { return err }

// crowd adds n people.
func (w *world) crowd(n int) {
	w.t.Helper()
	all := make([]person.Person, n)
	for i := range all {
		all[i] = person.Person{Key: person.Key(fmt.Sprintf("crowd-%d", i)), GivenName: fmt.Sprint("N", i), FamilyName: "N", Address: fmt.Sprintf("n%d@foretaget.example", i)}
	}
	w.registered(all...)
}

// mailedOnce delivers and says whether each of the crowd got one mail.
func (w *world) mailedOnce(n int) {
	w.t.Helper()
	w.deliver()
	for i := range n {
		if got := len(w.post.to(fmt.Sprintf("n%d@foretaget.example", i))); got != 1 {
			w.t.Errorf("person %d got %d mails", i, got)
		}
	}
}

func TestAMailingDripsAtItsRateAndCanBePausedAndResumed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.crowd(30)
		if err := w.app.Preparation.SetRate(t.Context(), commandLine, "foretaget", 60); err != nil {
			t.Fatal(err)
		}
		j := w.send(preparation.Choice{})
		round := func() int {
			n, err := w.app.Jobs.Round(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		round()
		if got := w.mailing(j).Counts[preparation.Mailed]; got != 10 {
			t.Fatalf("%d in the first ten seconds", got)
		}
		if round() != 0 {
			t.Error("the next ones go out at once")
		}
		if err := w.app.Preparation.Pause(t.Context(), commandLine, "foretaget", j.ID); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
		if round() != 0 {
			t.Error("a paused mailing goes on")
		}
		if err := w.app.Preparation.Resume(t.Context(), commandLine, "foretaget", j.ID); err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.mailing(j); got.State != job.Done || got.Counts[preparation.Mailed] != 30 || got.Position != 32 || got.Total != 32 {
			t.Errorf("%+v", got)
		}
		w.mailedOnce(30)
		// Everybody was mailed: the next one reaches nobody, a reminder everybody once more.
		if again := w.invite(); again.Counts["mailed_before"] != 30 || again.Counts[preparation.Mailed] != 0 {
			t.Errorf("%v", again.Counts)
		}
		w.clock.Advance(time.Hour)
		w.send(preparation.Choice{Reminder: true})
		w.work()
		w.deliver()
		if got := w.post.to("n7@foretaget.example"); len(got) != 2 || !strings.Contains(got[1], "du har inte bekräftat") {
			t.Errorf("%v", got)
		}
	})
}

func TestAServerThatIsKilledInAMailingMailsEverybodyOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.crowd(70)
		j := w.send(preparation.Choice{})
		for range 4 {
			if _, err := w.app.Jobs.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(5 * time.Second)
			w.restart()
		}
		w.clock.Advance(2 * time.Minute)
		w.work()
		if got := w.mailing(j); got.State != job.Done || got.Counts[preparation.Mailed] != 70 {
			t.Errorf("%+v", got)
		}
		w.mailedOnce(70)
	})
}

func TestTwoNodesMailEverybodyOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.crowd(120)
		if err := w.app.Preparation.SetRate(t.Context(), commandLine, "foretaget", 60); err != nil {
			t.Fatal(err)
		}
		w.send(preparation.Choice{})
		nodes := []*app.App{w.app, w.app}
		if strings.HasSuffix(t.Name(), "postgres") {
			nodes[1] = w.start()
		}
		for range 30 {
			var all sync.WaitGroup
			for _, n := range nodes {
				all.Go(func() { n.Jobs.Round(t.Context()) }) //nolint:errcheck // a bite that failed is done again
			}
			all.Wait()
			w.clock.Advance(5 * time.Second)
		}
		w.clock.Advance(2 * time.Minute)
		w.work()
		w.mailedOnce(120)
	})
}

func TestThePeopleWhoWerePickedAreMailedWhetherTheyWereBeforeOrNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.crowd(3)
		w.invite()
		w.clock.Advance(time.Minute)
		j := w.send(preparation.Choice{Persons: []string{w.personID("crowd-1"), w.personID("crowd-1"), "nobody"}})
		w.work()
		w.deliver()
		if got := w.mailing(j); got.Counts[preparation.Mailed] != 1 || got.State != job.Done {
			t.Errorf("%+v", got)
		}
		if n := len(w.post.to("n1@foretaget.example")); n != 2 {
			t.Errorf("%d mails", n)
		}
	})
}
