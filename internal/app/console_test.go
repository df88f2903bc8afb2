package app_test

import (
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/store"
)

// appoint makes somebody an administrator by the operator's command.
func (w *world) appoint(org, address, role string) {
	w.t.Helper()
	in := control.Administrator{Organisation: org, Address: address, Role: role}
	if err := control.InProcess(w.app.Control.Handler()).Do(w.t.Context(), http.MethodPost, "/administrators", in, &in); err != nil {
		w.t.Fatal(err)
	}
}

// atConsole is Bo, who has an app, at the console.
func (w *world) atConsole(role string) (*browser, *phone) {
	w.t.Helper()
	app, _ := w.addApp()
	w.appoint("foretaget", bosAddress, role)
	b := w.browser()
	w.clock.Advance(time.Minute)
	b.enterConsole(app, "/admin")
	return b, app
}

// enterConsole logs Bo in at the console.
func (b *browser) enterConsole(app *phone, page string) {
	b.w.t.Helper()
	b.get(page).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "code", app.code()).follow().expect(http.StatusOK)
	if !strings.HasPrefix(b.at, "/admin/organisations/") {
		b.w.t.Fatalf("the login ended at %s", b.at)
	}
}

const consoleURL = "/admin/organisations/foretaget"

func TestAPasswordAloneOpensNoConsole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Off})
		w.appoint("foretaget", bosAddress, "owner")
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		// He has no second factor: he turns one on, whatever the policy says, and there is no "later".
		b.get(consoleURL + "/settings").follow().expect(http.StatusOK).shows("Administratörer behöver tvåfaktorsautentisering")
		if strings.Contains(b.body, "Påminn mig senare") {
			t.Error("an administrator may put it off")
		}
		b.post(b.action("/enrolment/"), "want", "later").follow().shows("Administratörer behöver tvåfaktorsautentisering")
		b.post(b.action("/enrolment/"), "want", "on").follow()
		b.showsMail(bosAddress)
		b.bind()
		b.saveRecovery()
		b.follow().expect(http.StatusOK).shows("Regler för inloggning")
		if b.at != consoleURL+"/settings" {
			t.Errorf("the login ended at %s", b.at)
		}
	})
}

func TestWhoIsNoAdministratorIsToldSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		for _, page := range []string{"/admin", consoleURL + "/settings", "/admin/organisations/other/settings"} {
			b.get(page).expect(http.StatusForbidden).shows("Du är inte administratör")
		}
		b.post(consoleURL+"/settings", "mfa", "off").expect(http.StatusForbidden)
		w.browser().get(consoleURL + "/settings").expect(http.StatusSeeOther)
	})
}

func TestAnAdministratorOfAnotherOrganisationFindsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		b, _ := w.atConsole("owner")
		there := b.get("/admin/organisations/other/settings").expect(http.StatusNotFound).unreferenced()
		nowhere := b.get("/admin/organisations/nowhere/settings").expect(http.StatusNotFound).unreferenced()
		if there != nowhere {
			t.Error("the page tells that there is such an organisation")
		}
		b.post("/admin/organisations/other/settings", "mfa", "off").expect(http.StatusNotFound)
		b.post("/admin/organisations/other/administrators", "address", bosAddress, "role", "owner").expect(http.StatusNotFound)
		b.get("/admin/organisations/other").expect(http.StatusNotFound)
	})
}

// unreferenced is what a page says but for its reference number.
func (b *browser) unreferenced() string {
	return strings.ReplaceAll(plain(b.body), b.last.Header.Get("X-Request-Id"), "")
}

func TestEachRoleReachesWhatItMay(t *testing.T) {
	for role, want := range map[string]map[string]int{
		"owner":         {"/settings": 200, "/administrators": 200, "/log": 200},
		"administrator": {"/settings": 200, "/administrators": 404, "/log": 200},
		"helpdesk":      {"/settings": 404, "/administrators": 404, "/log": 404},
		"auditor":       {"/settings": 404, "/administrators": 404, "/log": 200},
	} {
		t.Run(role, func(t *testing.T) {
			w := on(t)
			b, _ := w.atConsole("owner")
			w.appoint("foretaget", bosAddress, role)
			for page, status := range want {
				b.get(consoleURL + page).expect(status)
			}
		})
	}
}

func TestThePolicyIsChangedAndTheLogSaysByWhom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("owner")
		form := []string{"mfa", "required", "from", "2027-01-01", "signins", "5", "remember_days", "7", "min_password", "18", "networks", "192.0.2.0/24 2001:db8::/48", "reason", "Styrelsen"}
		b.get(consoleURL + "/settings").expect(http.StatusOK).shows("Av 2 personer som kan logga in i dag saknar 1")
		b.post(consoleURL+"/settings", form...).expect(http.StatusSeeOther).follow().shows("Sparat")
		for _, want := range []string{`value="2027-01-01"`, `value="18"`, "192.0.2.0/24\n2001:db8::/48"} {
			if !strings.Contains(b.body, want) {
				t.Errorf("no %s on the page", want)
			}
		}
		b.get(consoleURL + "/log").shows("Ändrade inställningarna").shows("Bo Lind").shows("Styrelsen")
		for field, value := range map[string]string{"from": "i morgon", "signins": "många", "remember_days": "91", "min_password": "8", "networks": "0.0.0.0/0"} {
			changed := append([]string{}, form...)
			for i := 0; i < len(changed); i += 2 {
				if changed[i] == field {
					changed[i+1] = value
				}
			}
			b.post(consoleURL+"/settings", changed...).expect(http.StatusUnprocessableEntity)
		}
	})
}

func TestALookIsShownBeforeItIsSaved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("administrator")
		b.post(consoleURL+"/look", "name", "Nya AB", "colour", "#aa0000", "want", "preview").expect(http.StatusOK).shows("Det är inte sparat ännu")
		b.get(consoleURL + "/settings").shows("Företaget AB")
		b.post(consoleURL+"/look", "name", "Nya AB", "colour", "#aa0000", "want", "save").expect(http.StatusSeeOther).follow().shows("Nya AB")
		b.post(consoleURL+"/look", "name", "", "colour", "").expect(http.StatusUnprocessableEntity).shows("Skriv ett namn")
		b.post(consoleURL+"/look", "name", "Nya AB", "colour", "red").expect(http.StatusUnprocessableEntity).shows("Skriv färgen")
	})
}

func TestRolesAreGivenAfterAFreshProofToColleaguesAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, app := w.atConsole("owner")
		appoint := func(address, role string) *browser {
			return b.post(consoleURL+"/administrators", "address", address, "role", role)
		}
		appoint(annas, "helpdesk").expect(http.StatusSeeOther).follow().shows("Administratören är tillagd").shows("Anna Svensson")
		appoint("stranger@example.com", "owner").expect(http.StatusUnprocessableEntity).shows("Ingen i organisationen")
		appoint("anna", "owner").expect(http.StatusUnprocessableEntity)
		appoint(annas, "king").expect(http.StatusUnprocessableEntity)
		appoint(bosAddress, "auditor").expect(http.StatusUnprocessableEntity).shows("minst en ägare")
		w.clock.Advance(6 * time.Minute)
		appoint(annas, "owner").expect(http.StatusSeeOther)
		b.follow().expect(http.StatusOK).shows("Ange ditt lösenord").shows(bosAddress)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		w.clock.Advance(30 * time.Second) // each code counts once
		b.post(b.action("/signin/"), "code", app.code()).follow().expect(http.StatusOK)
		b.get(consoleURL + "/administrators").shows("Lägg till eller ändra roll")
		appoint(annas, "owner").expect(http.StatusSeeOther).follow().shows("Administratören är tillagd")
	})
}

func TestAnOfficeOfManyIsNotShutOutOnTheFirstDay(t *testing.T) {
	w := on(t)
	var register []person.Person
	for i := range 400 {
		register = append(register, person.Person{Organisation: "foretaget", Key: person.Key(fmt.Sprint("k", i)), GivenName: "Person", FamilyName: fmt.Sprint(i)})
	}
	if err := w.app.Control.Provisioning.AddPersons(t.Context(), register); err != nil {
		t.Fatal(err)
	}
	mistype := func(ip string, times int) (refused int) {
		for i := range times {
			b := w.browser()
			b.ip = ip
			b.toPassword(newLogin(w.hrm), fmt.Sprintf("somebody%d@foretaget.example", i))
			b.post(b.action("/signin/"), "password", "not this one, surely")
			if strings.Contains(plain(b.body), "många försök") {
				refused++
			}
		}
		return refused
	}
	const office = "192.0.2.17"
	if n := mistype(office, 310); n != 10 {
		t.Errorf("%d of 310 refused in a network that is nobody's", n)
	}
	w.clock.Advance(20 * time.Minute)
	o, _, err := w.app.Control.Provisioning.Store.FindOrganisation(t.Context(), "foretaget")
	if err != nil {
		t.Fatal(err)
	}
	o.Networks = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	if _, err := w.app.Control.Provisioning.ReplaceOrganisation(t.Context(), administrator.CommandLine, o, ""); err != nil {
		t.Fatal(err)
	}
	if err := w.app.House.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := mistype(office, 310); n != 0 {
		t.Errorf("%d of 310 refused in the office of 402", n)
	}
	if n := mistype("198.51.100.99", 310); n != 10 {
		t.Errorf("%d of 310 refused elsewhere", n)
	}
}

func TestALongerPasswordIsAskedForWhereThePolicySaysSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.policy(organisation.Policy{MFA: organisation.Optional, MinPassword: 20})
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "reset")
		link := w.link(annas)
		b.get(link).expect(http.StatusOK)
		if !strings.Contains(b.body, `data-min="20"`) {
			t.Error("the page does not ask for twenty characters")
		}
		b.post(link, "new_password", "sjutton tecken ok", "repeat_password", "sjutton tecken ok").expect(http.StatusUnprocessableEntity)
		b.post(link, "new_password", "nu är det tjugo tecken", "repeat_password", "nu är det tjugo tecken").expect(http.StatusSeeOther)
	})
}

func TestAHelpdeskFindsWhatAPageRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("helpdesk")
		lost := w.browser()
		lost.toPassword(newLogin(w.hrm), annas)
		lost.post(lost.action("/signin/"), "password", "not this one, surely").expect(http.StatusUnprocessableEntity)
		number := lost.last.Header.Get("X-Request-Id")
		b.post(consoleURL+"/help", "q", number).expect(http.StatusOK).shows("Ingen hittades") // not written yet
		if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.post(consoleURL+"/help", "q", " "+strings.ToLower(number)).expect(http.StatusOK).shows("Lösenordet togs inte emot").shows("Anna Svensson")

		// A stranger's number tells nothing, and neither does one that is none.
		stranger := w.browser()
		stranger.toPassword(newLogin(w.hrm), "stranger@example.com")
		stranger.post(stranger.action("/signin/"), "password", "not this one, surely")
		if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.post(consoleURL+"/help", "q", stranger.last.Header.Get("X-Request-Id")).shows("Ingen hittades")
	})
}

func TestAHelpdeskFindsPeopleByNameAddressAndKeyAndNeverAnotherOrganisations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("helpdesk")
		for _, text := range []string{"anna", "SVENS", "svensson an", "anna.svensson@", "1001"} {
			b.post(consoleURL+"/help", "q", text).expect(http.StatusOK).shows("Anna Svensson")
			if strings.Contains(plain(b.body), "Bo Lind ") && !strings.Contains(plain(b.body), "Bo Lind Logga ut") {
				t.Errorf("%s finds Bo, too", text)
			}
		}
		for _, text := range []string{"", "100", "svensson@", "%", "anna_"} {
			if b.post(consoleURL+"/help", "q", text).expect(http.StatusOK); strings.Contains(b.body, "/people/") {
				t.Errorf("%q finds somebody", text)
			}
		}
		if strings.Contains(b.post(consoleURL+"/help", "q", "anna").body, "1001") {
			t.Error("a list shows a person key")
		}
		person := regexp.MustCompile(`/admin/organisations/foretaget(/people/[^"]+)"`).FindStringSubmatch(b.body)[1]
		b.get(consoleURL + person).expect(http.StatusOK).shows("Adressen bekräftad")
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		w.appoint("other", bosAddress, "owner")
		b.get("/admin/organisations/other" + person).expect(http.StatusNotFound)
		b.post("/admin/organisations/other"+person+"/disconnect", "reason", "mine now").expect(http.StatusNotFound)
	})
}

func TestAConnectionIsRemovedAndItsSessionsEndTheSameMinute(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("helpdesk")
		w.newcomer("cilla@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		hers := w.browser()
		hers.signIn(newLogin(w.hrm), "cilla@foretaget.example", bosPass)
		hers.get("/account").expect(http.StatusOK)
		b.post(consoleURL+"/help", "q", "cilla").expect(http.StatusOK)
		person := regexp.MustCompile(`/admin/organisations/foretaget/people/[^"]+`).FindString(b.body)
		b.post(person+"/disconnect", "reason", " ").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		b.post(person+"/address", "address", "new@foretaget.example", "reason", "hon ringde").expect(http.StatusUnprocessableEntity).shows("redan bekräftat")
		b.post(person+"/disconnect", "reason", "Slutade i går").expect(http.StatusSeeOther).follow().shows("Kopplingen är borttagen").shows("Slutade i går")
		hers.get("/account").expect(http.StatusSeeOther)
		b.post(person+"/disconnect", "reason", "en gång till").expect(http.StatusUnprocessableEntity)
	})
}

// personAt is the address of a person's page, found by her name.
func (b *browser) personAt(name string) string {
	b.w.t.Helper()
	b.post(consoleURL+"/help", "q", name).expect(http.StatusOK)
	at := regexp.MustCompile(`/admin/organisations/foretaget/people/[^"]+`).FindString(b.body)
	if at == "" {
		b.w.t.Fatalf("nobody is called %s", name)
	}
	return at
}

func TestAHelpdeskHandsOutACodeAndTakesALostPhoneAway(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		// Bo has an app, and is helped by Anna, who looks after the organisation.
		_, _ = w.addApp()
		const evas = "eva.admin@foretaget.example"
		w.newcomer(evas, "Eva", "Admin", bosPass, "1005")
		w.appoint("foretaget", evas, "helpdesk")
		e := w.browser()
		e.get("/admin").follow()
		e.post(e.action("/signin/"), "address", evas).follow()
		e.post(e.action("/signin/"), "password", bosPass).follow()
		e.post(e.action("/enrolment/"), "want", "on").follow()
		e.showsMail(evas)
		e.bind()
		e.saveRecovery()
		e.follow().expect(http.StatusOK)

		bo := e.personAt("bo lind")
		e.post(bo+"/code", "reason", "").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		e.post(bo+"/code", "reason", "känner igen rösten").expect(http.StatusOK).shows("Återställningskod att lämna ut")
		code := shownRecovery.FindString(e.body)
		w.deliver()
		if told := w.about("har lämnat ut en återställningskod"); len(told) != 1 {
			t.Error("Bo was not told")
		}
		e.get(bo).shows("känner igen rösten")
		if strings.Contains(e.body, code) || strings.Contains(w.log.String(), code) {
			t.Error("the code is shown twice, or logged")
		}
		// It is one proof: beside the password it lets him in.
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(beside(b.at, "recovery")).expect(http.StatusOK)
		b.post(b.action("/signin/"), "recovery_code", code).expect(http.StatusSeeOther)

		e.post(bo+"/recover", "reason", " ").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		e.post(bo+"/recover", "reason", "glömt").expect(http.StatusSeeOther).follow().shows("Länken är på väg")
		w.deliver()
		if link := w.link(bosAddress); !strings.Contains(link, "/recovery/link/") {
			t.Errorf("no link for a new password: %s", link)
		}

		e.post(bo+"/unpaired", "reason", "telefonen stulen").expect(http.StatusSeeOther).follow().shows("Autentiseringsapparna är borttagna")
		e.post(bo+"/unpaired", "reason", "igen").expect(http.StatusUnprocessableEntity).shows("ingen tvåfaktorsautentisering")

		// Her own account is not hers to help, nor an owner's.
		e.post(e.personAt("eva")+"/code", "reason", "mig själv").expect(http.StatusUnprocessableEntity).shows("ditt eget konto")
		w.appoint("foretaget", bosAddress, "owner")
		e.post(bo+"/code", "reason", "chefen").expect(http.StatusUnprocessableEntity).shows("högre roll")
		w.clock.Advance(6 * time.Minute)
		e.post(bo+"/code", "reason", "sent").expect(http.StatusSeeOther)
	})
}

func TestAnAccountOfTwoEmployersIsNotOnesAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("owner")
		s := w.shared()
		at := b.personAt("cilla")
		b.get(at).expect(http.StatusOK)
		if strings.Contains(b.body, "ommunen") || strings.Contains(b.body, "godkännande") {
			t.Error("the page tells that the account is used elsewhere before anybody has asked for anything")
		}
		b.post(at+"/unpaired", "reason", "ringde").expect(http.StatusSeeOther).follow().shows("ett godkännande till")
		if strings.Contains(b.body, "ommunen") || s.code(s.fia) == nil {
			t.Error("the page says where, or one organisation was enough")
		}
		b.post(at+"/recover", "reason", "ringde").expect(http.StatusSeeOther) // goes to her own address
	})
}

// alsoAt connects an account with another organisation, too.
func (w *world) alsoAt(o organisation.ID, id account.ID, key person.Key) {
	w.t.Helper()
	err := store.InTx[*store.Tx](w.app.DB)(w.t.Context(), func(tx *store.Tx) error {
		p := person.Person{ID: "p" + string(key), Organisation: o, Source: "hr", Key: key, GivenName: "Cilla", FamilyName: "Berg"}
		if _, err := tx.InsertPerson(w.t.Context(), p, w.clock.Now()); err != nil {
			return err
		}
		return tx.Connect(w.t.Context(), p.ID, id, w.clock.Now())
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func TestTheConsoleAsksAPhoneForSixTypedDigitsAndTakesNoRememberedBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		w.appoint("foretaget", bosAddress, "owner")
		w.clock.Advance(time.Minute)
		b := w.browser()
		b.get("/admin").follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Bekräfta i din telefon")
		number := b.number()
		if len(number) != 6 {
			t.Fatalf("the page shows %s", number)
		}
		if out := h.answer(h.newest(), "approve", number); out.text("result") != "approved" {
			t.Fatalf("%d %v", out.status, out.body)
		}
		if b.onward(); !strings.HasPrefix(b.at, consoleURL) {
			t.Fatalf("the login ended at %s", b.at)
		}

		// A tap at an app is worth less, and is not enough.
		other, l := w.browser(), newLogin(w.hrm)
		other.toPush(l)
		if out := h.answer(h.newest(), "approve", other.number()); out.text("result") != "approved" {
			t.Fatalf("%d %v", out.status, out.body)
		}
		other.onward()
		if other.get(consoleURL + "/settings").follow(); strings.HasPrefix(other.at, consoleURL) {
			t.Errorf("a tap opened the console: %s", other.at)
		}
	})
}
