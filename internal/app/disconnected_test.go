package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
)

// TestWhoseConnectionWasTakenAwayComesBackByInvitationAlone: neither her former link, nor a request on the login page, nor a mail to
// everybody connects her; the one that an administrator sends to her does.
func TestWhoseConnectionWasTakenAwayComesBackByInvitationAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		w.phase(organisation.Switched, w.clock.Now())
		w.invite()
		link := w.invitation(davids)
		w.browser().press(link, "").expect(http.StatusSeeOther)
		id := w.personID(davidsKey)
		if err := w.app.Transition.Disconnect(t.Context(), commandLine, "foretaget", id, "slutade"); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if told := w.post.about(davids, "tagit bort kopplingen"); len(told) != 1 {
			t.Errorf("David was not told: %q", w.post.to(davids))
		}
		mails := func() int { w.deliver(); return len(w.post.to(davids)) }

		before := mails()
		w.clock.Advance(time.Hour)
		w.browser().press(link, "/renew")
		reminder := w.send(preparation.Choice{Reminder: true})
		w.work()
		if left := w.mailing(reminder).Counts; left["disconnected"] != 1 {
			t.Errorf("the mailing left out %v", left)
		}
		w.send(preparation.Choice{Persons: []string{id}}) // picked from a list, among others
		w.work()
		if n := mails(); n != before {
			t.Errorf("%d mails that nobody sent to him alone", n-before)
		}
		w.browser().press(link, "").expect(http.StatusGone)

		w.send(preparation.Choice{Persons: []string{id}, Anew: true})
		w.work()
		fresh := w.invitation(davids)
		if fresh == link {
			t.Fatal("no new link")
		}
		w.browser().get(fresh).expect(http.StatusOK)
	})
}

// TestAnAddressThatTheRegisterHadIsToldOfTheNextOne: or a helpdesk could lead somebody's first login to another mailbox unseen.
func TestAnAddressThatTheRegisterHadIsToldOfTheNextOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.david()
		id := w.personID(davidsKey)
		const next = "david.hemma@example.com"
		if err := w.app.Transition.CorrectAddress(t.Context(), commandLine, "foretaget", id, next, "ringde"); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		told := tokens.ReplaceAllString(strings.Join(w.post.to(davids), "\n"), "")
		if !strings.Contains(told, "har nu ändrat den") {
			t.Fatalf("the former address was told: %s", told)
		}
		for _, secret := range []string{next, "David", "Ek"} {
			if strings.Contains(told, secret) {
				t.Errorf("whoever reads the former address is told %s", secret)
			}
		}
		// The same address once more, and none in place of one: there is nothing to tell, or everything.
		for _, again := range []string{next, " " + strings.ToUpper(next), ""} {
			if err := w.app.Transition.CorrectAddress(t.Context(), commandLine, "foretaget", id, again, "ringde"); err != nil {
				t.Fatal(err)
			}
		}
		w.deliver()
		if n := len(w.post.to(next)); n != 1 {
			t.Errorf("%d mails to an address that was written twice and then taken away", n)
		}
	})
}

// TestWhoWasDisconnectedGetsNoSheetInAPile: the one that is printed for her by name invites her again.
func TestWhoWasDisconnectedGetsNoSheetInAPile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		link, _ := w.sheet()
		w.browser().choosesByTheSheet(link)
		id := w.personID(wilmasKey)
		if err := w.app.Transition.Disconnect(t.Context(), commandLine, "foretaget", id, "slutade"); err != nil {
			t.Fatal(err)
		}
		if made, _, err := w.app.Preparation.MakeSheets(t.Context(), commandLine, "foretaget", preparation.SheetChoice{Again: true}); !errors.Is(err, preparation.ErrNoSheet) {
			t.Errorf("%d sheets, %v", len(made), err)
		}
		again, _ := w.sheet()
		w.browser().get(again).expect(http.StatusOK)
	})
}
