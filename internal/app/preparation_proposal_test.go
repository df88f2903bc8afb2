package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/store"
)

const (
	private   = "david@hemma.example"
	colleague = "kalle.kollega@hemma.example"
)

// propose proposes another address on the link's page.
func (b *browser) propose(link, address string) *browser {
	b.w.t.Helper()
	b.get(link + "/address").expect(http.StatusOK).shows(davids)
	return b.post(link+"/address", "address", address, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther).follow().
		expect(http.StatusOK).shows("Ett mejl är på väg till adressen som du skrev")
}

// proposals are those that wait for a word.
func (w *world) proposals(n int) []preparation.ProposedBy {
	w.t.Helper()
	all, err := w.app.Preparation.ListProposals(w.t.Context(), "foretaget")
	if err != nil || len(all) != n {
		w.t.Fatalf("%d proposals, want %d (%v)", len(all), n, err)
	}
	return all
}

func (w *world) approve(id string) {
	w.t.Helper()
	if err := w.app.Preparation.Approve(w.t.Context(), commandLine, "foretaget", id, "he called, and I know his voice"); err != nil {
		w.t.Fatal(err)
	}
}

// TestDavidUsesAnotherAddress: it counts once its own mail is confirmed, an administrator has approved, and nobody has objected.
func TestDavidUsesAnotherAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, b := w.invitation(davids), w.browser()
		b.propose(link, private)
		w.deliver()
		if told := w.post.to(davids); len(told) != 2 || !strings.Contains(told[1], "vill logga in med en annan adress") || strings.Contains(told[1], private) {
			t.Fatalf("the register's address: %v", told)
		}
		mail := w.post.to(private)
		if len(mail) != 1 || strings.Contains(mail[0], "David") || strings.Contains(mail[0], davids) {
			t.Fatalf("the mail to whoever has the address: %v", mail)
		}
		own := w.invitation(private)
		b.get(own).expect(http.StatusOK).shows(private)
		b.press(own, "").expect(http.StatusSeeOther).follow().shows("Adressen är bekräftad").shows("Företaget AB")
		waiting := w.proposals(1)
		if p := waiting[0]; p.Proposal.Address != private || p.Proposal.Confirmed.IsZero() || p.Person.Address != davids || p.Person.GivenName != "David" {
			t.Errorf("%+v", p)
		}
		w.approve(waiting[0].Proposal.ID)
		w.proposals(0)
		w.deliver()
		if n := len(w.post.to(private)); n != 1 {
			t.Fatalf("%d mails before the register's address has had its time", n)
		}
		w.clock.Advance(72 * time.Hour)
		confirm := w.invitation(private)
		b.get(confirm).expect(http.StatusOK).shows("Hej David!").shows(private)
		if strings.Contains(b.body, "Jag vill använda en annan adress") {
			t.Error("an approved address leads to another proposal")
		}
		b.press(confirm, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther).follow().shows("Klart, David!")
		w.browser().get(link).expect(http.StatusGone) // the register's address is not the one that he has
		w.browser().signIn(newLogin(w.hrm), private, davidsPass)
		if w.accountOf(davids) != "" {
			t.Error("there are two accounts")
		}
	})
}

func TestAProposalCountsOnlyWithBothItsMailAndAnAdministratorsWord(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		w.browser().propose(w.invitation(davids), private)
		w.deliver()
		id := w.proposals(1)[0].Proposal.ID
		w.approve(id)
		if err := w.app.Preparation.Approve(t.Context(), commandLine, "foretaget", id, ""); err == nil {
			t.Error("approved twice")
		}
		w.clock.Advance(23 * time.Hour)
		w.deliver()
		if n := len(w.post.to(private)); n != 1 {
			t.Fatalf("%d mails before its own mail was confirmed", n)
		}
		w.browser().press(w.invitation(private), "").expect(http.StatusSeeOther)
		w.clock.Advance(72 * time.Hour)
		w.browser().press(w.invitation(private), "").expect(http.StatusSeeOther).follow().shows("Klart, David!")
	})
}

// TestAColleagueWhoOpensDavidsLinkGetsNothing: he has come by the mail, and proposes an address of his own.
func TestAColleagueWhoOpensDavidsLinkGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, thief := w.invitation(davids), w.browser()
		thief.propose(link, colleague)
		w.deliver()
		thief.press(w.invitation(colleague), "").expect(http.StatusSeeOther)
		w.approve(w.proposals(1)[0].Proposal.ID) // somebody is careless
		objection := w.invitation(davids)
		if objection == link {
			t.Fatal("David was not told")
		}
		d := w.browser()
		for range 3 {
			d.get(objection).expect(http.StatusOK).shows("Stoppa bytet")
		}
		d.press(objection, "").expect(http.StatusSeeOther).follow().shows("Bytet är stoppat")
		d.press(objection, "").expect(http.StatusSeeOther).follow().shows("Bytet är stoppat")
		w.clock.Advance(73 * time.Hour)
		w.deliver()
		if n := len(w.post.to(colleague)); n != 1 {
			t.Errorf("the colleague got %d mails", n)
		}
		if n := w.lines(audit.PreparationObjected); n != "1" {
			t.Errorf("%s lines", n)
		}
		d.press(link, "").expect(http.StatusSeeOther).follow().shows("Klart, David!")
		if w.accountOf(colleague) != "" {
			t.Error("the colleague has an account")
		}
	})
}

func TestNothingTellsWhetherAProposedAddressHasAnAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link := w.invitation(davids)
		ask := func(address string) (asked, page alike) {
			b := w.browser()
			b.get(link + "/address")
			b.post(link+"/address", "address", address, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther)
			asked = b.answer(address, link)
			b.follow()
			return asked, b.answer(address, link)
		}
		known, knownPage := ask(annas)
		unknown, unknownPage := ask("ulla.okender@foretaget.example"[:len(annas)-2] + "le")
		if known != unknown || knownPage != unknownPage {
			t.Errorf("the answers differ:\n%+v\n%+v", known, unknown)
		}
		w.deliver()
		if mails := w.post.to(annas); len(mails) != 0 {
			t.Errorf("a proposal that was replaced is mailed: %v", mails)
		}
	})
}

func TestAProposalThatIsNoneIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, b := w.invitation(davids), w.browser()
		for address, status := range map[string]int{"": 422, "david": 422, "David.Ek@foretaget.example": 422} {
			b.post(link+"/address", "address", address, "robot", b.solve(link+"/challenge")).expect(status)
		}
		b.post(link+"/address", "address", private, "robot", "wrong.1").expect(http.StatusUnprocessableEntity)
		w.proposals(0)
		for i := range 7 {
			b.post(link+"/address", "address", fmt.Sprintf("d%d@hemma.example", i), "robot", b.solve(link+"/challenge"))
		}
		b.expect(http.StatusTooManyRequests)
		w.deliver()
		if n := len(w.post.to(davids)); n != 1+5 {
			t.Errorf("%d mails to the register's address", n)
		}
		w.proposals(1) // each replaced the one before
	})
}

func TestARefusedProposalIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		w.browser().propose(w.invitation(davids), private)
		own := w.invitation(private)
		if err := w.app.Preparation.Refuse(t.Context(), commandLine, "foretaget", w.proposals(1)[0].Proposal.ID, "not his"); err != nil {
			t.Fatal(err)
		}
		w.browser().press(own, "").expect(http.StatusGone)
		w.proposals(0)
	})
}

// TestTheRegistersAddressHasItsTimeFromTheMomentThatItWasTold: the mail server took the mail a day late.
func TestTheRegistersAddressHasItsTimeFromTheMomentThatItWasTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		b := w.browser()
		link := w.invitation(davids)
		b.post(link+"/address", "address", private, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther)
		w.clock.Advance(20 * time.Hour)
		b.press(w.invitation(private), "").expect(http.StatusSeeOther)
		w.approve(w.proposals(1)[0].Proposal.ID)
		w.clock.Advance(53 * time.Hour)
		w.deliver()
		if n := len(w.post.to(private)); n != 1 {
			t.Fatalf("%d mails: it counts before the register's address has had its time", n)
		}
		w.clock.Advance(20 * time.Hour)
		b.press(w.invitation(private), "").expect(http.StatusSeeOther).follow().shows("Klart, David!")
	})
}

// TestAReportThatMailCameBackTakesNoTimeToObjectAway: whoever reads the mail could have sent it.
func TestAReportThatMailCameBackTakesNoTimeToObjectAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		w.browser().propose(w.invitation(davids), private)
		w.browser().press(w.invitation(private), "").expect(http.StatusSeeOther)
		if _, err := w.raw().Exec(`UPDATE persons SET bounced_at = 1 WHERE person_key = $1`, davidsKey); err != nil {
			t.Fatal(err)
		}
		w.approve(w.proposals(1)[0].Proposal.ID)
		w.deliver()
		if n := len(w.post.to(private)); n != 1 {
			t.Errorf("%d mails before the register's address has had its time", n)
		}
		w.clock.Advance(72 * time.Hour)
		w.browser().press(w.invitation(private), "").expect(http.StatusSeeOther).follow().shows("Klart, David!")
	})
}

// TestUnverifiedDavidIsHelpedAfterTheSwitch is the last row of RULES §7: everything that he sees is what anybody sees.
func TestUnverifiedDavidIsHelpedAfterTheSwitch(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		ask := func(address string) (asked, page alike, cookie jarred) {
			b := w.browser()
			b.get(newLogin(w.hrm).authorize()).follow()
			b.post(b.action("/signin/"), "address", address).follow()
			id := attemptOf(b.at)
			b.post("/recovery/start/"+id, "address", address, "want", "reset", "robot", b.solve("/recovery/challenge/"+id)).expect(http.StatusSeeOther)
			asked, cookie = b.answer(address, id), cookies(b)
			b.get("/recovery/sent/" + id)
			return asked, b.answer(address, id), cookie
		}
		his, hisPage, hisCookie := ask(davids)
		unknown, unknownPage, unknownCookie := ask("okand.en@foretaget.example"[:len(davids)-2] + "le")
		if his != unknown || hisPage != unknownPage || !hisCookie.likes(unknownCookie) {
			t.Errorf("the answers differ:\n%+v\n%+v", his, unknown)
		}
		w.deliver()
		if n := w.post.count(); n != 1 {
			t.Fatalf("%d mails", n)
		}
		mail := strings.Join(w.post.to(davids), "")
		if !strings.Contains(mail, "Du har bett om hjälp att logga in hos Företaget AB") || !strings.Contains(mail, "iPhone") {
			t.Errorf("the mail: %s", mail)
		}
		link, b := w.invitation(davids), w.browser()
		b.get(link).shows("Hej David!")
		b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther).follow().shows("Fortsätt till HRM")
		if !strings.Contains(b.body, "login_hint=david.ek%40foretaget.example") || !strings.Contains(b.body, hrmURL+"/login") {
			t.Errorf("the page does not lead to HRM: %s", b.body)
		}
		b.signIn(newLogin(w.hrm), davids, davidsPass)
	})
}

func TestBeforeTheSwitchAndAfterTheEndNobodyIsHelpedByARequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		for _, phase := range []organisation.Phase{organisation.Preparation, organisation.Ended} {
			w.phase(phase, time.Time{})
			w.browser().askForLink(newLogin(w.hrm), davids, "login")
		}
		w.deliver()
		if n := w.post.count(); n != 0 {
			t.Errorf("%d mails", n)
		}
	})
}

func TestAFlaggedPersonWhoTriesStandsUnderNeedsAttention(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		if _, err := w.raw().Exec(`UPDATE persons SET flag = 'shared' WHERE person_key = $1`, davidsKey); err != nil {
			t.Fatal(err)
		}
		w.browser().askForLink(newLogin(w.hrm), davids, "reset")
		w.deliver()
		if n := w.post.count(); n != 0 {
			t.Errorf("%d mails", n)
		}
		if at := w.askDB(`SELECT attention_at FROM persons WHERE person_key = $1`, davidsKey); at == "0" {
			t.Error("nobody sees that he has tried")
		}
	})
}

func TestThatALinkWasOpenedIsWrittenApartFromTheRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link := w.invitation(davids)
		opened := func() string { return w.askDB(`SELECT opened_at FROM persons WHERE person_key = $1`, davidsKey) }
		w.browser().get(link)
		if opened() != "0" {
			t.Error("a GET wrote")
		}
		if err := w.app.Preparation.Flush(t.Context()); err != nil || opened() == "0" {
			t.Error("nobody learns that it was opened", err)
		}
	})
}

func TestALostCommitLosesNobodyHerConfirmation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, b := w.invitation(davids), w.browser()
		whole := w.app.Preparation.InTx
		w.app.Preparation.InTx = lostOnce(whole)
		b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther).follow().shows("Klart, David!")
		w.app.Preparation.InTx = whole
		w.browser().signIn(newLogin(w.hrm), davids, davidsPass)
		w.deliver()
		if n := len(w.post.news(davids)); n != 2 {
			t.Errorf("%d mails, want the invitation and one that it is done", n)
		}
	})
}

// TestNothingOfAPreparationIsKeptInTheClear: neither log nor database holds a link or a password, and no line or message a person key.
func TestNothingOfAPreparationIsKeptInTheClear(t *testing.T) {
	w := on(t)
	w.david()
	w.invite()
	link, b := w.invitation(davids), w.browser()
	b.propose(link, private)
	own, objection := w.invitation(private), w.invitation(davids)
	b.press(own, "")
	b.press(objection, "")
	b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther).follow()
	w.deliver()
	secrets := []string{davidsPass}
	for _, l := range []string{link, own, objection} {
		secrets = append(secrets, strings.TrimPrefix(l, "/preparation/"))
	}
	log, db := w.log.String(), w.raw()
	for _, s := range append(secrets, davidsKey, davids, private) {
		if log == "" || strings.Contains(log, s) {
			t.Errorf("the log holds %q", s)
		}
	}
	for _, table := range tables(t, db) {
		for _, one := range rowsOf(t, db, table) {
			for column, value := range one {
				for _, s := range secrets {
					if strings.Contains(value, s) {
						t.Errorf("%s.%s holds %q", table, column, s)
					}
				}
				if strings.Contains(value, davidsKey) && table != "persons" {
					t.Errorf("%s.%s holds the person key", table, column)
				}
			}
		}
	}
}

// TestWhatAPersonProposedGoesWithHerAccount: the row of the register stays, because it is the employer's.
func TestWhatAPersonProposedGoesWithHerAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		link, b := w.invitation(davids), w.browser()
		b.propose(link, private)
		b.press(link, "", "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther)
		w.deliver()
		id := w.accountOf(davids)
		err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
			erased, err := tx.EraseAccount(t.Context(), id, 1, w.clock.Now())
			if err == nil && !erased {
				t.Error("it was not open")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"preparation_links", "preparation_proposals"} {
			if n := len(rowsOf(t, w.raw(), table)); n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
		if n := w.askDB(`SELECT count(*) FROM audit_personal WHERE value IN ($1, '198.51.100.7')`, private); n != "0" {
			t.Errorf("%s fields of the log tell what she proposed, and from where", n)
		}
		if w.personID(davidsKey) == "" {
			t.Error("the register has lost a row")
		}
		b.get(link).expect(http.StatusGone)
	})
}

func TestOfThreeLivingLinksEachWorksAndAFourthEndsTheOldest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.invite()
		links := []string{w.invitation(davids)}
		for range 3 {
			w.clock.Advance(time.Minute)
			w.browser().press(links[0], "/renew").expect(http.StatusSeeOther)
			links = append(links, w.invitation(davids))
		}
		for i, status := range []int{http.StatusGone, http.StatusOK, http.StatusOK, http.StatusOK} {
			w.browser().get(links[i]).expect(status)
		}
		w.browser().press(links[2], "").expect(http.StatusSeeOther)
	})
}

func TestALinkLivesFromItsMailsAcceptanceOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.send(preparation.Choice{})
		w.work()
		w.clock.Advance(24 * time.Hour) // the mail server was away
		link := w.invitation(davids)
		w.clock.Advance(14*24*time.Hour - time.Minute)
		w.browser().get(link).expect(http.StatusOK)
		w.clock.Advance(2 * time.Minute)
		w.browser().get(link).expect(http.StatusGone)
	})
}
