package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
)

const (
	verasKey   = "19910203-4321"
	createsIt  = "Skapa inloggning"
	anotherOne = "+46701740606"
)

// veraInRegister adds Vera, whom the register knows by a phone alone.
func (w *world) veraInRegister() {
	w.t.Helper()
	w.registered(person.Person{Key: verasKey, GivenName: "Vera", FamilyName: "Holm", Phone: verasNumber, Language: "sv"})
}

// texting is a world with a gateway, before the switch.
func (w *world) texting() *operator {
	w.t.Helper()
	o := w.withSMS()
	w.phase(organisation.Preparation, time.Time{})
	return o
}

// textingConsole is a console in such a world. Who enters one before there is a gateway is not asked for a number.
func (w *world) textingConsole(role string) (*browser, *operator) {
	w.t.Helper()
	b, _ := w.atConsole(role)
	o := w.texting()
	b.app = w.app
	return b, o
}

// TestWhoHasAPhoneAloneIsPreparedBySMS is the whole way: the mailing, the short link, the password, and the login by number.
func TestWhoHasAPhoneAloneIsPreparedBySMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.veraInRegister()
		w.crowd(2)
		j := w.invite()
		if j.Counts[preparation.Mailed] != 3 || j.Counts[preparation.Texted] != 1 || j.State != job.Done {
			t.Fatalf("%+v", j)
		}
		w.mailedOnce(2)
		short := o.linkTo(w, verasE164)
		if all := o.got(); len(all) != 1 || !strings.Contains(all[0], "Hej Vera! Skapa din inloggning här: ") || short == "" {
			t.Fatalf("sent %q", all)
		}
		if got := w.askDB(`SELECT accepted_at > 0 AND bounced_at = 0 AND mailed_at > 0 FROM persons WHERE person_key = $1`, verasKey); got != "1" && got != "true" {
			t.Error("the gateway's acceptance is not written down")
		}
		if got := w.askDB(`SELECT without_address FROM organisations WHERE id = 'foretaget'`); got != "1" && got != "true" {
			t.Error("the first page does not tell people of numbers")
		}
		b := w.browser()
		link := b.get(short).expect(http.StatusSeeOther).leads()
		b.get(link).expect(http.StatusOK).shows("Hej Vera!").shows("+46 70 174 06 05").shows(createsIt).lacks("annan adress").lacks("Holm")
		b.get(link + "/address").expect(http.StatusSeeOther) // nobody there could object
		b.press(link, "").expect(http.StatusUnprocessableEntity)
		b.press(link, "", "new_password", "kort", "repeat_password", "kort").expect(http.StatusUnprocessableEntity)
		b.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK).
			shows("Klart, Vera!").shows("+46 70 174 06 05").lacks("Din adress")
		if w.askDB(`SELECT address FROM accounts WHERE identifier = $1`, verasE164) != "" || w.askDB(`SELECT count(*) FROM connections`) == "0" {
			t.Error("the account is another one")
		}
		w.browser().get(short).follow().expect(http.StatusOK).shows("Klart")
		l := newLogin(w.hrm)
		l.code(t, b.signIn(l, verasNumber, wilmasPass))
		w.deliver()
		if n := len(o.got()); n != 1 {
			t.Errorf("%d messages: each costs", n)
		}
		w.saysNothing("701740605", "70 174 06 05", "070-174", verasKey)
	})
}

// TestASecondPressAndASecondTabMakeOneAccount.
func TestASecondPressAndASecondTabMakeOneAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.veraInRegister()
		w.invite()
		link := w.browser().get(o.linkTo(w, verasE164)).leads()
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				b := w.browser()
				b.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther)
			})
		}
		all.Wait()
		if n := w.askDB(`SELECT count(*) FROM accounts WHERE identifier = $1`, verasE164); n != "1" {
			t.Errorf("%s accounts", n)
		}
		w.browser().get(link + "/done").expect(http.StatusOK).shows("Klart")
	})
}

// TestWhomNoSMSMayReachIsFoundByThePreFlight: a number of two, a fixed line, a foreign country.
func TestWhomNoSMSMayReachIsFoundByThePreFlight(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.registered(
			person.Person{Key: "1", GivenName: "Ett", FamilyName: "Par", Phone: "070-174 06 07"},
			person.Person{Key: "2", GivenName: "Två", FamilyName: "Par", Phone: "+46 70 1740607"},
			person.Person{Key: "3", GivenName: "Fast", FamilyName: "Linje", Phone: "08-123 456 78"},
			person.Person{Key: "4", GivenName: "Fransk", FamilyName: "Mobil", Phone: "+33 6 12 34 56 78"},
			person.Person{Key: "5", GivenName: "Ingen", FamilyName: "Alls"})
		w.veraInRegister()
		j := w.invite()
		if j.Counts[preparation.Mailed] != 1 || len(o.got()) != 1 {
			t.Fatalf("%+v %q", j, o.got())
		}
		for key, want := range map[string]string{"1": "missing phone_shared", "2": "missing phone_shared", "3": "missing phone", "4": "missing phone_country", "5": "missing phone", verasKey: "by_phone"} {
			if got := w.askDB(`SELECT group_kinds FROM (SELECT MIN(kind) || CASE WHEN count(*) > 1 THEN ' ' || MAX(kind) ELSE '' END AS group_kinds FROM findings WHERE person_id = $1) k`,
				w.personID(key)); got != want {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
		// One of the two gets another number: the other is looked at again, and both are reached.
		if err := w.app.Transition.CorrectPhone(t.Context(), commandLine, "foretaget", w.personID("2"), "070-174 06 08", "ringde"); err != nil {
			t.Fatal(err)
		}
		if j := w.invite(); j.Counts[preparation.Mailed] != 2 || len(o.got()) != 3 {
			t.Errorf("%+v %q", j.Counts, o.got())
		}
	})
}

// TestANumberThatHasAnAccountIsConnectedByItsOwner, as an address is (RULES §6).
func TestANumberThatHasAnAccountIsConnectedByItsOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.byPhone()
		w.veraInRegister()
		w.invite()
		short := o.linkTo(w, verasE164)
		if !strings.Contains(o.got()[0], "Du har redan en inloggning") {
			t.Errorf("sent %q", o.got())
		}
		b := w.browser()
		link := b.get(short).leads()
		b.get(link).expect(http.StatusOK).shows("Logga in med numret")
		b.press(link, "", "new_password", freshPass, "repeat_password", freshPass)
		if w.askDB(`SELECT account_id FROM connections WHERE person_id = $1`, w.personID(verasKey)) != "" {
			t.Fatal("a stranger with the phone has connected the account")
		}
		b.get(link + "/signin").follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", wilmasPass).follow().expect(http.StatusOK).shows("Koppla")
		b.post(link + "/connect").expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Klart")
		if w.askDB(`SELECT account_id FROM connections WHERE person_id = $1`, w.personID(verasKey)) == "" {
			t.Error("not connected")
		}
	})
}

// TestAPhoneThatIsCorrectedEndsTheLink: whoever got it by a wrong number holds nothing.
func TestAPhoneThatIsCorrectedEndsTheLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, o := w.textingConsole("helpdesk")
		w.veraInRegister()
		w.invite()
		old := w.browser().get(o.linkTo(w, verasE164)).leads()
		page := b.personAt("Holm")
		b.get(page).expect(http.StatusOK).shows("Med sms").shows("•••• 05")
		b.post(page+"/phone", "phone", "070-174 06 06").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		b.post(page+"/phone", "phone", "08-123 456 78", "reason", "ringde").expect(http.StatusUnprocessableEntity).shows("Skriv numret till en mobiltelefon")
		b.post(page+"/phone", "phone", "+33 6 12 34 56 78", "reason", "ringde").expect(http.StatusUnprocessableEntity).shows("Till det landet")
		b.post(page+"/phone", "phone", "070-174 06 06", "reason", "ringde från jobbet").expect(http.StatusSeeOther).follow().shows("Ett sms är på väg")
		w.work()
		short := o.linkTo(w, anotherOne)
		if short == "" {
			t.Fatalf("sent %q", o.got())
		}
		w.browser().get(old).expect(http.StatusGone).lacks("Vera")
		// Renewing the old one sends nothing anywhere.
		before := len(o.got())
		c := w.browser()
		c.get(old)
		c.press(old, "/renew").expect(http.StatusSeeOther).follow()
		w.deliver()
		if len(o.got()) != before {
			t.Errorf("sent %q", o.got()[before:])
		}
		w.browser().get(short).follow().expect(http.StatusOK).shows("+46 70 174 06 06")
		b.get(page).shows("Bytte till sms").shows("ringde från jobbet")
	})
}

// TestWhoReadsNoMailIsMovedToSMS: the address goes, its links die, and whoever reads it is told.
func TestWhoReadsNoMailIsMovedToSMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, o := w.textingConsole("administrator")
		w.david()
		w.invite()
		old := w.invitation(davids)
		page := b.personAt("Ek")
		b.post(page+"/phone", "phone", verasNumber, "reason", "läser ingen e-post").expect(http.StatusSeeOther)
		w.work()
		short := o.linkTo(w, verasE164)
		w.browser().get(old).expect(http.StatusGone)
		c := w.browser()
		link := c.get(short).leads()
		c.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther).follow().shows("Klart")
		b.post(page+"/phone", "phone", "070-174 06 06", "reason", "igen").expect(http.StatusUnprocessableEntity).shows("redan bekräftat")
		b.get(page).expect(http.StatusOK).shows("+46 70 174 06 05").lacks("Med sms")
	})
}

// TestALinkThatIsTooOldIsRenewedToTheSamePhone, within the budgets.
func TestALinkThatIsTooOldIsRenewedToTheSamePhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.veraInRegister()
		w.invite()
		first := o.linkTo(w, verasE164)
		link := w.browser().get(first).leads()
		w.clock.Advance(15 * 24 * time.Hour)
		for range 7 {
			b := w.browser()
			b.get(link).expect(http.StatusGone)
			b.press(link, "/renew").expect(http.StatusSeeOther).follow().expect(http.StatusOK)
			w.deliver()
		}
		if n := len(o.got()); n != 6 {
			t.Errorf("%d messages", n)
		}
		fresh := o.linkTo(w, verasE164)
		if fresh == first {
			t.Fatal("the same link")
		}
		w.browser().get(fresh).follow().expect(http.StatusOK)
	})
}

// TestAfterTheSwitchWhoAsksForALinkByNumberGetsThePreparation, and the page is the same for a number that is nobody's (RULES §7).
func TestAfterTheSwitchWhoAsksForALinkByNumberGetsThePreparation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.veraInRegister()
		if err := w.app.Transition.Recheck(t.Context(), "foretaget"); err != nil {
			t.Fatal(err)
		}
		w.browser().askForLink(newLogin(w.hrm), "+46 70 174 06 06", "reset")
		w.browser().askForLink(newLogin(w.hrm), verasNumber, "reset")
		short := o.linkTo(w, verasE164)
		if all := o.got(); len(all) != 1 || !strings.HasPrefix(short, "/p/") {
			t.Fatalf("sent %q", all)
		}
		c := w.browser()
		link := c.get(short).leads()
		c.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther).follow().shows("Klart")
		for _, to := range hrefs(c.body) {
			if strings.Contains(to, "70174") {
				t.Errorf("a URL names her: %s", to)
			}
		}
		w.saysNothing("701740605", "701740606")
	})
}

func hrefs(body string) (all []string) {
	for _, part := range strings.Split(body, `href="`)[1:] {
		to, err := url.QueryUnescape(part[:strings.IndexByte(part, '"')])
		if err == nil {
			all = append(all, to)
		}
	}
	return all
}

// phones adds n people with a phone each.
func (w *world) phones(n int) {
	w.t.Helper()
	all := make([]person.Person, n)
	for i := range all {
		all[i] = person.Person{Key: person.Key(fmt.Sprintf("phone-%d", i)), GivenName: fmt.Sprint("P", i), FamilyName: "P", Phone: fmt.Sprintf("070174%04d", 600+i)}
	}
	w.registered(all...)
}

func (o *operator) eachOnce(t *testing.T, n int) {
	t.Helper()
	times := map[string]int{}
	for _, text := range o.got() {
		times[strings.Fields(text)[0]]++
	}
	for number, got := range times {
		if got != 1 {
			t.Errorf("%s got %d", number, got)
		}
	}
	if len(times) != n {
		t.Errorf("%d phones, want %d", len(times), n)
	}
}

// TestAGatewayThatIsAwayAndAServerThatIsKilledSendEachOnce.
func TestAGatewayThatIsAwayAndAServerThatIsKilledSendEachOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.phones(25)
		o.say(http.StatusServiceUnavailable)
		j := w.send(preparation.Choice{})
		for range 3 {
			if _, err := w.app.Jobs.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.deliver()
			w.clock.Advance(5 * time.Second)
			w.restart()
		}
		o.say(http.StatusOK)
		w.clock.Advance(time.Hour)
		w.work()
		w.clock.Advance(time.Hour)
		w.deliver()
		if got := w.mailing(j); got.Counts[preparation.Texted] != 25 {
			t.Errorf("%+v", got)
		}
		o.eachOnce(t, 25)
	})
}

// TestAMailingStopsAtTheDaysMessagesAndGoesOnTheNextDay, and codes are sent in between.
func TestAMailingStopsAtTheDaysMessagesAndGoesOnTheNextDay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.settings.SMSDaily = 10
		w.restart()
		w.byPhone() // whose number is none of theirs
		w.phones(0)
		all := make([]person.Person, 14)
		for i := range all {
			all[i] = person.Person{Key: person.Key(fmt.Sprintf("phone-%d", i)), GivenName: "P", FamilyName: fmt.Sprint("P", i), Phone: fmt.Sprintf("070174%04d", 700+i)}
		}
		w.registered(all...)
		w.crowd(3)
		j := w.send(preparation.Choice{})
		for range 60 {
			if _, err := w.app.Jobs.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.clock.Advance(10 * time.Second)
		}
		w.deliver()
		if got := w.mailing(j); got.Counts[preparation.Texted] > 10 || got.State != job.Running && got.State != job.Queued {
			t.Fatalf("%+v", got)
		}
		w.browser().askForLink(newLogin(w.hrm), verasNumber, "reset")
		if o.linkTo(w, verasE164) == "" {
			t.Error("the mailing keeps people from logging in")
		}
		w.clock.Advance(25 * time.Hour)
		w.work()
		w.deliver()
		if got := w.mailing(j); got.State != job.Done || got.Counts[preparation.Texted] != 14 || got.Counts[preparation.Mailed] != 17 {
			t.Errorf("%+v", got)
		}
		o.eachOnce(t, 15)
		w.mailedOnce(3)
	})
}

// TestANumberThatTheGatewayRefusesStandsUnderAttention.
func TestANumberThatTheGatewayRefusesStandsUnderAttention(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, o := w.textingConsole("administrator")
		w.veraInRegister()
		o.say(http.StatusBadRequest)
		w.invite()
		b.get(consoleURL + "/transition?attention=on").expect(http.StatusOK).shows("Vera Holm")
		w.saysNothing("701740605")
	})
}

// TestAnotherOrganisationsAdministratorReachesNobodyHere.
func TestAnotherOrganisationsAdministratorReachesNobodyHere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, o := w.textingConsole("administrator")
		w.veraInRegister()
		w.second()
		b.post("/admin/organisations/andra/people/"+w.personID(verasKey)+"/phone", "phone", "070-174 06 06", "reason", "x").expect(http.StatusNotFound)
		w.deliver()
		if len(o.got()) != 0 {
			t.Errorf("sent %q", o.got())
		}
	})
}

// TestWhoWasInTheRegisterBeforeIsFoundByPhoneToo: what the migration leaves to the house.
func TestWhoWasInTheRegisterBeforeIsFoundByPhoneToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.veraInRegister()
		if err := w.app.Transition.Recheck(t.Context(), "foretaget"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.raw().Exec(`UPDATE persons SET mobile = '', flag = 'missing', indexed = false WHERE person_key = '` + verasKey + `'`); err != nil {
			t.Fatal(err)
		}
		if err := w.app.Control.Provisioning.IndexPersons(t.Context()); err != nil {
			t.Fatal(err)
		}
		if j := w.invite(); j.Counts[preparation.Texted] != 1 || len(o.got()) != 1 {
			t.Errorf("%+v", j)
		}
	})
}

// TestAnImportThatBringsAnotherPhoneEndsTheLink, and the next mailing goes to the new one.
func TestAnImportThatBringsAnotherPhoneEndsTheLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.importFile("Anställningsnummer;Förnamn;Efternamn;E-post;Mobil\n77;Vera;Holm;;070-174 06 05\n")
		if j := w.invite(); j.Counts[preparation.Texted] != 1 {
			t.Fatalf("%+v", j)
		}
		old := w.browser().get(o.linkTo(w, verasE164)).leads()
		w.importFile("Anställningsnummer;Förnamn;Efternamn;E-post;Mobil\n77;Vera;Holm;;+46701740606\n")
		w.browser().get(old).expect(http.StatusGone)
		if j := w.invite(); j.Counts[preparation.Texted] != 1 || o.linkTo(w, anotherOne) == "" {
			t.Errorf("%+v %q", j.Counts, o.got())
		}
		// An address in the register takes the phone's place.
		w.importFile("Anställningsnummer;Förnamn;Efternamn;E-post;Mobil\n77;Vera;Holm;vera@hemma.example;+46701740606\n")
		w.browser().get(o.linkTo(w, anotherOne)).follow().expect(http.StatusGone)
		if j := w.invite(); j.Counts[preparation.Texted] != 0 || j.Counts[preparation.Mailed] != 1 {
			t.Errorf("%+v", j.Counts)
		}
		w.invitation("vera@hemma.example")
	})
}

// TestAHelpdeskFindsByPhoneAndSendsTheLinkForANewPasswordThere.
func TestAHelpdeskFindsByPhoneAndSendsTheLinkForANewPasswordThere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, o := w.textingConsole("helpdesk")
		w.veraInRegister()
		w.invite()
		c := w.browser()
		link := c.get(o.linkTo(w, verasE164)).leads()
		c.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther)
		b.post(consoleURL+"/help", "q", "0701740605").expect(http.StatusOK).shows("Vera Holm")
		page := consoleURL + "/people/" + w.personID(verasKey)
		b.get(page).expect(http.StatusOK).shows("+46 70 174 06 05")
		b.post(page+"/recover", "reason", "ringde").expect(http.StatusSeeOther)
		if reset := o.linkTo(w, verasE164); !strings.HasPrefix(reset, "/r/") {
			t.Errorf("sent %q", o.got())
		}
		w.saysNothing("701740605")
	})
}

// TestAProgramMovesAPersonToSMS, and is told by a word why not.
func TestAProgramMovesAPersonToSMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.david()
		s := w.program("transition:write", "transition:read")
		path := apiURL + "/people/" + w.personID(davidsKey) + "/phone"
		put := func(number, key string) reply {
			return s.send(http.MethodPut, path, asJSON(map[string]any{"phone": number, "reason": "ringde"}), "Idempotency-Key", key)
		}
		for number, word := range map[string]string{"08-123 456 78": ":phone", "+33 6 12 34 56 78": ":country"} {
			if a := put(number, "key"+word[1:]).expect(http.StatusUnprocessableEntity); !strings.Contains(a.text, word) {
				t.Errorf("%s: %s", number, a.text)
			}
		}
		put(verasNumber, "once-and-for-all").expect(http.StatusAccepted)
		put(verasNumber, "once-and-for-all").expect(http.StatusAccepted)
		w.work()
		if o.linkTo(w, verasE164) == "" {
			t.Errorf("sent %q", o.got())
		}
	})
}
