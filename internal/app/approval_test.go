package app_test

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/totp"
)

// helper is an administrator with one role in each of the organisations.
func helper(id account.ID, role administrator.Role, in ...organisation.ID) administrator.Administrator {
	var all []administrator.Appointment
	for _, o := range in {
		all = append(all, administrator.Appointment{Account: id, Organisation: o, Role: role})
	}
	return administrator.Of(account.Account{ID: id}, all)
}

// shared is Cilla, who has an app and works at Företaget AB and at the municipality, and those who help there.
type shared struct {
	*world
	cilla              account.Account
	here, there        string // her rows
	eva, fia, gun, ulf administrator.Administrator
}

func (w *world) shared() shared {
	w.t.Helper()
	w.second()
	a, err := w.app.Control.Provisioning.CreateAccount(w.t.Context(), provisioning.Newcomer{Address: "cilla@foretaget.example", Verified: true, GivenName: "Cilla", FamilyName: "Berg",
		Language: "sv", Password: bosPass, App: totp.NewKey(), Person: &person.Person{Organisation: "foretaget", Key: "1003", GivenName: "Cilla", FamilyName: "Berg"}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.alsoAt("kommunen", a.ID, "77")
	return shared{w, a, w.personID("1003"), w.personID("77"),
		helper("eva", administrator.Helpdesk, "foretaget"), helper("fia", administrator.Helpdesk, "foretaget"), helper("gun", administrator.Helpdesk, "kommunen"),
		administrator.Of(account.Account{ID: "ulf"}, []administrator.Appointment{{}})}
}

// code asks for a recovery code.
func (s shared) code(by administrator.Administrator) error {
	s.t.Helper()
	code, err := s.app.Control.Enrolment.IssueTo(s.t.Context(), by, "foretaget", s.here, "hon ringde")
	if (code == "") != (err != nil) {
		s.t.Errorf("%v beside a code", err)
	}
	return err
}

func (s shared) decide(by administrator.Administrator, o organisation.ID, id string, agrees bool) error {
	s.t.Helper()
	return s.app.Control.Enrolment.Decide(s.t.Context(), by, o, id, agrees, "har talat med henne")
}

// waiting is the one question that waits for the municipality; empty: none does.
func (s shared) waiting() string { s.t.Helper(); return s.waitingAt("kommunen") }

func (s shared) waitingAt(o organisation.ID) string {
	s.t.Helper()
	all, err := s.app.Control.Enrolment.Approvals(s.t.Context(), helper("looks", administrator.Helpdesk, o), o)
	if err != nil || len(all) > 1 {
		s.t.Fatal(all, err)
	}
	if len(all) == 0 {
		return ""
	}
	return all[0].ID
}

func (s shared) want(what string, err, want error) {
	s.t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		s.t.Errorf("%s: %v, not %v", what, err, want)
	}
}

func (s shared) later(d time.Duration) { s.clock.Advance(d) }

func TestTwoAdministratorsAgreeToACodeAndItIsHandedOutOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("the first press", s.code(s.eva), enrolment.ErrAsked)
		s.want("a double click", s.code(s.eva), enrolment.ErrAsked)
		id := s.waiting()
		s.want("before anybody has agreed", s.code(s.eva), enrolment.ErrAsked)
		if s.waiting() != id {
			t.Error("each press asks anew")
		}
		s.want("who agrees without a reason", s.app.Control.Enrolment.Decide(t.Context(), s.gun, "kommunen", id, true, " "), enrolment.ErrNoReason)
		s.want("the municipality agrees", s.decide(s.gun, "kommunen", id, true), nil)
		s.want("and presses twice", s.decide(s.gun, "kommunen", id, true), nil)
		if s.waiting() != "" {
			t.Error("it still waits")
		}
		s.want("a colleague", s.code(s.fia), enrolment.ErrAsked) // she asks for herself: the code is for whoever asked
		s.want("who had asked before", s.code(s.eva), enrolment.ErrAsked)
		s.want("the municipality once more", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		s.want("the second press", s.code(s.eva), nil)
		w.deliver()
		if told := strings.Join(w.post.to("cilla@foretaget.example"), "\n"); strings.Count(told, "lämnat ut") != 1 {
			t.Errorf("Cilla was told: %s", told)
		}
		s.later(time.Minute)
		s.want("the third", s.code(s.eva), enrolment.ErrAsked)
		s.want("another act", s.app.Control.Enrolment.RemoveAllFor(t.Context(), s.eva, "foretaget", s.here, "borta"), enrolment.ErrAsked)
	})
}

func TestTwoPressesAtOnceUseAnApprovalOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		var wait sync.WaitGroup
		var mu sync.Mutex
		codes := 0
		for range 10 {
			wait.Go(func() {
				if _, err := s.app.Control.Enrolment.IssueTo(t.Context(), s.eva, "foretaget", s.here, "hon ringde"); err == nil {
					mu.Lock()
					codes++
					mu.Unlock()
				}
			})
		}
		if wait.Wait(); codes != 1 {
			t.Errorf("%d codes", codes)
		}
	})
}

func TestAuthenticatorsAreRemovedOnceBothAgree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		remove := func() error {
			return s.app.Control.Enrolment.RemoveAllFor(t.Context(), s.eva, "foretaget", s.here, "telefonen är borta")
		}
		s.want("asks", remove(), enrolment.ErrAsked)
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		s.want("does it", remove(), nil)
		s.want("again", remove(), enrolment.ErrNothingToRecover)
		if s.waiting() != "" {
			t.Error("somebody was asked for nothing")
		}
	})
}

func TestWhoMayNotAgree(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		id := s.waiting()
		other := helper("them", administrator.Owner, "other")
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		both := helper("eva", administrator.Helpdesk, "foretaget", "kommunen")
		for what, test := range map[string]struct {
			by   administrator.Administrator
			o    organisation.ID
			id   string
			want error
		}{
			"a colleague of hers":                    {s.fia, "foretaget", id, enrolment.ErrNoApproval},
			"an organisation that knows nobody":      {other, "other", id, enrolment.ErrNoApproval},
			"who guesses":                            {s.gun, "kommunen", "0123456789abcdefghjkmnpqrs", enrolment.ErrNoApproval},
			"an administrator of another":            {other, "kommunen", id, administrator.ErrForbidden},
			"who only looks":                         {helper("aud", administrator.Auditor, "kommunen"), "kommunen", id, administrator.ErrForbidden},
			"a program":                              {administrator.Service("robot", "kommunen", administrator.Help), "kommunen", id, administrator.ErrForbidden},
			"Eva herself, who helps there too":       {both, "kommunen", id, enrolment.ErrOwnRequest},
			"Cilla herself, who helps at the office": {helper(s.cilla.ID, administrator.Helpdesk, "kommunen"), "kommunen", id, administrator.ErrOneself},
		} {
			for _, agrees := range []bool{true, false} {
				s.want(what, s.decide(test.by, test.o, test.id, agrees), test.want)
			}
		}
		s.want("nobody has agreed", s.code(s.eva), enrolment.ErrAsked)
		if s.waiting() != id {
			t.Error("the question is gone")
		}
	})
}

func TestWhoRefusesIsNotAskedAgainForADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		id := s.waiting()
		s.want("refuses", s.decide(s.gun, "kommunen", id, false), nil)
		s.want("agrees after all", s.decide(s.gun, "kommunen", id, true), enrolment.ErrNoApproval)
		s.want("asks again", s.code(s.eva), enrolment.ErrRefused)
		s.want("a colleague asks", s.code(s.fia), enrolment.ErrRefused)
		s.later(25 * time.Hour)
		s.want("a day later", s.code(s.eva), enrolment.ErrAsked)
	})
}

func TestAnApprovalHasItsTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		id := s.waiting()
		s.later(8 * 24 * time.Hour)
		s.want("agrees too late", s.decide(s.gun, "kommunen", id, true), enrolment.ErrNoApproval)
		if s.waiting() != "" {
			t.Error("it still waits")
		}
		s.want("asks anew", s.code(s.eva), enrolment.ErrAsked)
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		s.later(25 * time.Hour)
		s.want("uses it too late", s.code(s.eva), enrolment.ErrAsked)
	})
}

func TestAWordIsForTheAccountAsItWas(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		moved := func() {
			err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error { _, err := tx.MoveEpoch(t.Context(), s.cilla.ID); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		id := s.waiting()
		moved()
		s.want("agrees to what was", s.decide(s.gun, "kommunen", id, true), enrolment.ErrNoApproval)
		s.want("asks anew", s.code(s.eva), enrolment.ErrAsked)
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		moved()
		s.want("uses what was", s.code(s.eva), enrolment.ErrAsked)
	})
}

func TestWhoIsAskedIsWhereTheAccountIsNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		third := helper("tor", administrator.Helpdesk, "other")
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		s.want("the municipality agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		w.alsoAt("other", s.cilla.ID, "88")
		s.want("a third employer has come", s.code(s.eva), enrolment.ErrAsked)
		s.want("and agrees", s.decide(third, "other", s.waitingAt("other"), true), nil)
		s.want("all have", s.code(s.eva), nil)

		s.later(time.Minute)
		s.want("asks again", s.code(s.eva), enrolment.ErrAsked)
		s.want("one agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		if err := s.app.Transition.Disconnect(t.Context(), third, "other", w.personID("88"), "slutade"); err != nil {
			t.Fatal(err)
		}
		s.want("the other has gone", s.code(s.eva), nil)
		if err := s.app.Transition.Disconnect(t.Context(), s.gun, "kommunen", s.there, "slutade"); err != nil {
			t.Fatal(err)
		}
		s.want("she is one's alone", s.code(s.eva), nil)
	})
}

func TestTheOperatorNeedsNobodyAndSpeaksForAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("the operator", s.code(s.ulf), nil)
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		s.want("the operator agrees", s.decide(s.ulf, "kommunen", s.waiting(), true), nil)
		s.want("does it", s.code(s.eva), nil)
	})
}

// TestAnOwnerElsewhereIsNoHelpdesksToAgreeTo: what the account may do there is what counts there.
func TestAnOwnerElsewhereIsNoHelpdesksToAgreeTo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		w.appoint("kommunen", "cilla@foretaget.example", "owner")
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		s.want("a helpdesk", s.decide(s.gun, "kommunen", s.waiting(), true), administrator.ErrAbove)
		s.want("another owner", s.decide(helper("own", administrator.Owner, "kommunen"), "kommunen", s.waiting(), true), nil)
		s.want("does it", s.code(s.eva), nil)
	})
}

func TestBothLogsTellOfAnApprovalAndNeitherOfTheOther(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.shared()
		s.want("asks", s.code(s.eva), enrolment.ErrAsked)
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		s.want("does it", s.code(s.eva), nil)
		log := func(o organisation.ID, person string) (kinds []audit.Kind, said string) {
			lines, err := w.app.DB.ListPersonAudit(t.Context(), o, person, 50)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lines {
				kinds = append(kinds, l.Kind)
				said += strings.Join([]string{l.By, l.Reason, l.Detail["by"], l.Detail["organisation"], "\n"}, " ")
			}
			return kinds, said
		}
		here, saidHere := log("foretaget", s.here)
		there, saidThere := log("kommunen", s.there)
		if len(here) < 3 || len(there) != 3 {
			t.Errorf("here %v, there %v", here, there)
		}
		if strings.Contains(saidHere, "gun") || strings.Contains(saidHere, "kommunen") || strings.Contains(saidHere, "talat med") {
			t.Errorf("who asked is told: %s", saidHere)
		}
		if strings.Contains(saidThere, "eva") || strings.Contains(saidThere, "foretaget") || strings.Contains(saidThere, "ringde") {
			t.Errorf("who agreed is told: %s", saidThere)
		}
	})
}

// TestAnApprovalInTheConsole walks both sides' pages.
func TestAnApprovalInTheConsole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, app := w.atConsole("helpdesk")
		s := w.shared()
		at := b.personAt("cilla")
		b.post(at+"/code", "reason", "ringde").expect(http.StatusSeeOther).follow().shows("ett godkännande till, som vi har bett om").shows("Det väntar till")
		for _, told := range []string{"Kommunen", "kommunen"} {
			if strings.Contains(b.body, told) {
				t.Error("the page says where")
			}
		}
		b.post(consoleURL+"/approvals", "approval", s.waiting(), "want", "approve", "reason", "jag själv").expect(http.StatusUnprocessableEntity).shows("gäller inte längre")
		s.want("agrees", s.decide(s.gun, "kommunen", s.waiting(), true), nil)
		b.get(at).shows("Det är godkänt. Du kan göra det nedan")
		b.post(at+"/code", "reason", "ringde").expect(http.StatusOK).shows("Återställningskod att lämna ut")

		// And the other way round: the municipality asks, and Bo is asked.
		if _, err := w.app.Control.Enrolment.IssueTo(t.Context(), s.gun, "kommunen", s.there, "står i receptionen"); !errors.Is(err, enrolment.ErrAsked) {
			t.Fatal(err)
		}
		b.get(consoleURL + "/help").shows("1 begäran väntar på ert godkännande")
		b.get(at).shows("väntar på ert godkännande")
		b.get(consoleURL + "/approvals").expect(http.StatusOK).shows("Cilla Berg").shows("Lämna ut en återställningskod")
		if strings.Contains(b.body, "ommunen") || strings.Contains(b.body, "receptionen") {
			t.Error("the page says who asks, or why")
		}
		id := s.waitingAt("foretaget")
		b.post(consoleURL+"/approvals", "approval", id, "want", "approve", "reason", "").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		w.clock.Advance(6 * time.Minute)
		b.post(consoleURL+"/approvals", "approval", id, "want", "approve", "reason", "har ringt henne").expect(http.StatusSeeOther)
		b.follow().shows("Ange ditt lösenord") // to agree is as grave as to do it
		b.post(b.action("/signin/"), "password", bosPass).follow()
		w.clock.Advance(30 * time.Second)
		b.post(b.action("/signin/"), "code", app.code()).follow()
		b.post(consoleURL+"/approvals", "approval", id, "want", "approve", "reason", "har ringt henne").expect(http.StatusSeeOther).follow().shows("Ni har godkänt det").shows("Ingen väntar på er")
		if _, err := w.app.Control.Enrolment.IssueTo(t.Context(), s.gun, "kommunen", s.there, "står i receptionen"); err != nil {
			t.Error(err)
		}
	})
}
