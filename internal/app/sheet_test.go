package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
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
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/totp"
)

// wilmasKey is a national identity number, as registers have them: it must stand nowhere but where Wilma is.
const (
	wilmasKey   = "19800101-1234"
	wilmasLogin = "198001011234@foretaget"
)

// sheetCodes finds the codes on a print page.
var sheetCodes = regexp.MustCompile(`translate="no">([0-9A-Z ]{32})</code>`)

// wilma adds somebody without an address to the register.
func (w *world) wilma() {
	w.t.Helper()
	w.registered(person.Person{Key: wilmasKey, GivenName: "Wilma", FamilyName: "Truck", Language: "sv", Employments: []person.Employment{{Company: "Företaget AB", Unit: "Lager"}}})
}

// sheets prints for a choice.
func (w *world) sheets(c preparation.SheetChoice) []preparation.Printed {
	w.t.Helper()
	made, _, err := w.app.Preparation.MakeSheets(w.t.Context(), commandLine, "foretaget", c)
	if err != nil {
		w.t.Fatal(err)
	}
	return made
}

// sheet prints Wilma's, and returns the path of its link.
func (w *world) sheet() (link string, printed preparation.Printed) {
	w.t.Helper()
	made := w.sheets(preparation.SheetChoice{Persons: []string{w.personID(wilmasKey)}})
	if len(made) != 1 {
		w.t.Fatalf("%d sheets", len(made))
	}
	return "/preparation/" + made[0].Secret.Reveal(), made[0]
}

// choosesByTheSheet is the press on a sheet's page.
func (b *browser) choosesByTheSheet(link string) *browser {
	b.w.t.Helper()
	return b.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass)
}

// TestAPrintedSheetLeadsToALogin reads like RULES §7: no address, a sheet of paper, a password, and the number at the same first page.
func TestAPrintedSheetLeadsToALogin(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		w.phase(organisation.Switched, time.Time{})
		link, printed := w.sheet()
		if printed.Name != "Wilma Truck" || printed.Unit != "Lager" || printed.Language != "sv" || strings.Contains(fmt.Sprintf("%+v", printed), printed.Secret.Reveal()) {
			t.Errorf("%+v", printed)
		}
		b := w.browser()
		b.get(link).expect(http.StatusOK).shows("Hej Wilma!").shows("Företaget AB")
		for _, hidden := range []string{"1234", "1980", "Truck"} {
			if strings.Contains(b.body, hidden) {
				t.Errorf("before the press the page says %s", hidden)
			}
		}
		b.choosesByTheSheet(link).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Så loggar du in").shows(wilmasLogin)
		if w.askDB(`SELECT COUNT(*) FROM sessions`) != "0" {
			t.Error("the sheet has signed somebody in")
		}
		if got := w.askDB(`SELECT identifier || '|' || address || '|' || verified_at FROM accounts WHERE given_name = 'Wilma'`); got != wilmasLogin+"||0" {
			t.Errorf("the account is %q", got)
		}
		// Whoever finds the used sheet sees a first name, and not what she logs in with.
		finder := w.browser()
		finder.get(link).expect(http.StatusOK).shows("Klart, Wilma!")
		if strings.Contains(finder.body, "1234") {
			t.Error("a used sheet tells the number")
		}
		at, l := w.browser(), newLogin(w.hrm)
		at.toPassword(l, "19800101-1234 foretaget")
		at.post(at.action("/signin/"), "password", wilmasPass).follow().expect(http.StatusOK)
		l.code(t, at.leads())
		w.seal()
		for _, hidden := range []string{"198001011234", wilmasKey, printed.Secret.Reveal()} {
			if strings.Contains(w.log.String(), hidden) {
				t.Errorf("the log says %s", hidden)
			}
		}
		if w.lines(audit.SheetPrinted) != "1" || w.lines(audit.PreparationConfirmed) != "1" {
			t.Error("the audit log does not say who printed and who confirmed")
		}
	})
}

func TestASheetWorksOnceAndOneOfTwentyWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		link, _ := w.sheet()
		var wg sync.WaitGroup
		won := make(chan int, 20)
		for range 20 {
			b := w.browser()
			answer := b.solve(link + "/challenge")
			wg.Go(func() {
				b.post(link, "new_password", wilmasPass, "repeat_password", wilmasPass, "robot", answer)
				won <- b.last.StatusCode
			})
		}
		wg.Wait()
		close(won)
		for status := range won {
			if status != http.StatusSeeOther && status != http.StatusGone {
				t.Errorf("a press was answered with %d", status)
			}
		}
		if n := w.askDB(`SELECT COUNT(*) FROM accounts WHERE identifier = $1`, wilmasLogin); n != "1" {
			t.Errorf("%s accounts", n)
		}
		if w.lines(audit.PreparationConfirmed) != "1" {
			t.Error("more than one press has confirmed")
		}
		late := w.browser()
		late.post(link, "new_password", "en helt annan mening", "repeat_password", "en helt annan mening").follow().expect(http.StatusOK)
		at, l := w.browser(), newLogin(w.hrm)
		at.toPassword(l, wilmasLogin)
		at.post(at.action("/signin/"), "password", "en helt annan mening").expect(http.StatusUnprocessableEntity)
	})
}

func TestANewSheetEndsTheFormerOneAndAnOldOneItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		first, _ := w.sheet()
		w.clock.Advance(time.Minute)
		second, _ := w.sheet()
		b := w.browser()
		b.get(first).expect(http.StatusGone).shows("ett nyare")
		b.get(second).expect(http.StatusOK)
		w.clock.Advance(preparation.Sheet.Life())
		b.get(second).expect(http.StatusGone)
		if strings.Contains(b.body, "Wilma") || strings.Contains(b.body, second+"/renew") {
			t.Error("a dead sheet tells a name, or renews itself")
		}
		b.post(second+"/renew", "robot", b.solve(second+"/challenge"))
		w.deliver()
		if n := w.askDB(`SELECT COUNT(*) FROM preparation_links`); n != "2" {
			t.Errorf("a dead sheet was renewed: %s links", n)
		}
	})
}

func TestASheetNeedsAPasswordThatIsNoneOfHerNames(t *testing.T) {
	w := on(t)
	w.wilma()
	link, _ := w.sheet()
	b := w.browser()
	for _, typed := range []string{"", "kort", wilmasLogin, "198001011234198001011234"} {
		b.press(link, "", "new_password", typed, "repeat_password", typed).expect(http.StatusUnprocessableEntity)
	}
	b.press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass+"x").expect(http.StatusUnprocessableEntity)
	b.post(link, "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusUnprocessableEntity) // no robot check
	if n := w.askDB(`SELECT COUNT(*) FROM accounts WHERE identifier = $1`, wilmasLogin); n != "0" {
		t.Error("an account came of it")
	}
	b.post(link+"/plain", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther).follow().shows(wilmasLogin)
}

func TestASheetDiesWithTheTransitionAndWithWhoIsTakenOut(t *testing.T) {
	w := on(t)
	w.wilma()
	w.phase(organisation.Preparation, time.Time{})
	link, _ := w.sheet()
	id := w.personID(wilmasKey)
	exempt := func(out bool) {
		if err := w.app.Transition.Exempt(t.Context(), commandLine, "foretaget", id, out, "ledig"); err != nil {
			t.Fatal(err)
		}
	}
	exempt(true)
	w.browser().get(link).expect(http.StatusGone)
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: []string{id}}, preparation.ErrNoSheet)
	exempt(false)
	w.browser().get(link).expect(http.StatusOK)
	w.clock.Advance(time.Second)
	w.phase(organisation.Ended, time.Time{})
	w.browser().get(link).expect(http.StatusGone)
	w.refusesSheets(commandLine, preparation.SheetChoice{}, preparation.ErrEnded)
	w.clock.Advance(time.Second)
	w.phase(organisation.Switched, time.Time{})
	w.browser().get(link).expect(http.StatusGone)
}

func (w *world) refusesSheets(by administrator.Administrator, c preparation.SheetChoice, want error) {
	w.t.Helper()
	if made, _, err := w.app.Preparation.MakeSheets(w.t.Context(), by, "foretaget", c); !errors.Is(err, want) || made != nil {
		w.t.Errorf("%+v: %v and %d sheets, want %v", c, err, len(made), want)
	}
}

func TestWhoMayPrintForWhom(t *testing.T) {
	w := on(t)
	w.wilma()
	w.registered(person.Person{Key: "1008", GivenName: "Xerxes", FamilyName: "Lager"}, person.Person{Key: "-(-", GivenName: "Yngve", FamilyName: "Otypbar"})
	w.david()
	w.newcomer("", "Zara", "Lager", wilmasPass, "1009")
	wilma, xerxes, david, zara := w.personID(wilmasKey), w.personID("1008"), w.personID(davidsKey), w.personID("1009")
	as := func(o organisation.ID, r administrator.Role) administrator.Administrator {
		return administrator.Of(account.Account{ID: "a"}, []administrator.Appointment{{Organisation: o, Role: r}})
	}
	helpdesk := as("foretaget", administrator.Helpdesk)
	for _, by := range []administrator.Administrator{as("kommunen", administrator.Owner), as("foretaget", administrator.Auditor), {}} {
		w.refusesSheets(by, preparation.SheetChoice{Persons: []string{wilma}}, administrator.ErrForbidden)
	}
	w.refusesSheets(helpdesk, preparation.SheetChoice{}, administrator.ErrForbidden)
	w.refusesSheets(helpdesk, preparation.SheetChoice{Persons: []string{wilma, xerxes}}, administrator.ErrForbidden)
	if _, _, err := w.app.Preparation.MakeSheets(t.Context(), helpdesk, "foretaget", preparation.SheetChoice{Persons: []string{wilma}}); err != nil {
		t.Error("a helpdesk does not help one person:", err)
	}
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: []string{david}}, preparation.ErrAddressed)
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: []string{david, wilma}, Reason: "läser inte mejl"}, preparation.ErrAddressed)
	if made := w.sheets(preparation.SheetChoice{Persons: []string{david}, Reason: "läser inte mejl"}); len(made) != 1 {
		t.Error("an administrator cannot choose")
	}
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: []string{zara}}, preparation.ErrNoSheet)
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: []string{w.personID("-(-"), "nobody"}}, preparation.ErrNoSheet)
	w.refusesSheets(commandLine, preparation.SheetChoice{Persons: make([]string, preparation.MostSheets+1)}, preparation.ErrManySheets)
	// Wilma has a sheet: without a word she keeps it.
	if made := w.sheets(preparation.SheetChoice{}); len(made) != 1 || made[0].FirstName != "Xerxes" {
		t.Errorf("%+v", made)
	}
	w.refusesSheets(commandLine, preparation.SheetChoice{}, preparation.ErrNoSheet)
	if made := w.sheets(preparation.SheetChoice{Again: true}); len(made) != 2 {
		t.Errorf("%+v", made)
	}
}

func TestSheetsArePrintedByUnit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var all []person.Person
		for i := range 300 {
			unit := []string{"Verkstad", "Lager", ""}[i%3]
			all = append(all, person.Person{Key: person.Key(fmt.Sprintf("t%03d", i)), GivenName: "Person", FamilyName: fmt.Sprintf("Nummer%03d", i),
				Employments: []person.Employment{{Company: "Företaget AB", Unit: unit}}})
		}
		w.registered(all...)
		made := w.sheets(preparation.SheetChoice{Unit: "Lager"})
		if len(made) != 100 || made[0].Name != "Person Nummer001" || made[99].Unit != "Lager" {
			t.Fatalf("%d, %+v", len(made), made[0])
		}
		made = w.sheets(preparation.SheetChoice{})
		if len(made) != 200 || made[0].Unit != "Företaget AB" || made[199].Unit != "Verkstad" || !slices.IsSortedFunc(made, func(a, b preparation.Printed) int { return strings.Compare(a.Unit, b.Unit) }) {
			t.Errorf("%d sheets, from %q to %q", len(made), made[0].Unit, made[len(made)-1].Unit)
		}
		if n := w.lines(audit.SheetPrinted); n != "300" {
			t.Errorf("%s lines", n)
		}
	})
}

func TestTheCodeOfASheetIsTypedAsPeopleType(t *testing.T) {
	w := on(t)
	w.wilma()
	link, printed := w.sheet()
	b := w.browser()
	b.get("/sheet").expect(http.StatusOK)
	for _, typed := range []string{printed.Code(), strings.ToLower(printed.Code()), printed.Secret.Reveal(), " " + strings.ReplaceAll(printed.Code(), " ", "-") + "\t"} {
		b.post("/sheet", "code", typed).expect(http.StatusSeeOther)
		if to := b.leads(); to != link {
			t.Errorf("%q leads to %q", typed, to)
		}
	}
	for _, typed := range []string{"", "abc", secret.NewShortToken().Reveal(), strings.Repeat("7", 5000)} {
		b.post("/sheet", "code", typed).expect(http.StatusUnprocessableEntity).shows("känner vi inte igen")
	}
	for range 400 {
		if b.post("/sheet", "code", secret.NewShortToken().Reveal()); b.last.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("a network asks without end")
}

// TestAHelpdeskThatTakesAConnectionAwayPrintsNoSheetForIt: whoever may do both, alone and at once, may be anybody.
func TestAHelpdeskThatTakesAConnectionAwayPrintsNoSheetForIt(t *testing.T) {
	w := on(t)
	w.wilma()
	link, _ := w.sheet()
	w.browser().choosesByTheSheet(link).expect(http.StatusSeeOther)
	b, _ := w.atConsole("helpdesk")
	b.post(w.personURL(wilmasKey)+"/disconnect", "reason", "slutade").expect(http.StatusSeeOther)
	b.post(w.personURL(wilmasKey) + "/sheet").expect(http.StatusUnprocessableEntity).shows("mindre än sju dagar")
	if made, err := w.app.Preparation.ListUnaddressed(t.Context(), "foretaget"); err != nil || len(made) != 0 {
		t.Errorf("who was disconnected is printed for with the others: %d %v", len(made), err)
	}
	w.sheet() // whoever runs the transition may
}

// TestWhoseConnectionWasTakenAwayComesBackByASheet holds that a second sheet of the same person makes no second account: she connects hers.
func TestWhoseConnectionWasTakenAwayComesBackByASheet(t *testing.T) {
	w := on(t)
	w.wilma()
	link, _ := w.sheet()
	w.browser().choosesByTheSheet(link).expect(http.StatusSeeOther)
	id := w.personID(wilmasKey)
	if err := w.app.Transition.Disconnect(t.Context(), commandLine, "foretaget", id, "fel person"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	link, _ = w.sheet()
	b := w.browser()
	b.get(link).expect(http.StatusOK).shows("Du har redan en inloggning")
	if strings.Contains(b.body, "1234") {
		t.Error("the page tells the number")
	}
	b.get(link + "/signin").follow().follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", wilmasLogin).follow()
	b.post(b.action("/signin/"), "password", wilmasPass).follow()
	b.get(link).expect(http.StatusOK).shows("Koppla")
	b.post(link + "/connect").expect(http.StatusSeeOther).follow().expect(http.StatusOK)
	if w.askDB(`SELECT COUNT(*) FROM connections WHERE person_id = $1`, id) != "1" {
		t.Error("she is not connected")
	}
}

// TestSheetsAreMadeAtTheConsole holds the whole of the print page: a key for each person, in this one answer.
func TestSheetsAreMadeAtTheConsole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		w.registered(person.Person{Key: "1008", GivenName: "Xerxes", FamilyName: "Butik", Language: "en", Employments: []person.Employment{{Company: "Företaget AB", Unit: "Butik"}}})
		b, app := w.atConsole("administrator")
		b.get(consoleURL + "/mailings").expect(http.StatusOK).shows("Skriv ut blad")
		b.get(consoleURL + "/sheets").expect(http.StatusOK).shows("2 blad").shows("Wilma Truck")
		b.get(consoleURL + "/sheets?unit=Lager").expect(http.StatusOK).shows("1 blad")
		if strings.Contains(b.body, "Xerxes") || strings.Contains(b.body, "1234") {
			t.Error("the list shows the other unit, or a number")
		}
		if w.askDB(`SELECT COUNT(*) FROM preparation_links`) != "0" {
			t.Error("looking has made sheets")
		}
		w.clock.Advance(6 * time.Minute) // what is grave asks for a fresh proof
		b.post(consoleURL+"/sheets", "unit", "Lager").expect(http.StatusSeeOther)
		b.follow()
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "code", app.code()).follow().expect(http.StatusOK)
		b.post(consoleURL + "/sheets").expect(http.StatusOK).shows("2 blad att skriva ut").shows("Wilma Truck").shows("Din nya inloggning").shows("Your new login")
		if cache := b.last.Header.Get("Cache-Control"); !strings.Contains(cache, "no-store") {
			t.Errorf("the sheets may be kept: %q", cache)
		}
		if strings.Contains(b.body, "1234") || strings.Contains(b.body, "1008") {
			t.Error("a sheet shows a number")
		}
		code := sheetCodes.FindAllStringSubmatch(b.body, -1)
		if len(code) != 2 {
			t.Fatalf("%d codes", len(code))
		}
		b.post(consoleURL + "/sheets").expect(http.StatusUnprocessableEntity).shows("ingen att skriva ut")
		reader := w.browser()
		reader.post("/sheet", "code", code[1][1]).expect(http.StatusSeeOther).follow().shows("Hej Wilma!")
		reader.choosesByTheSheet(reader.at).expect(http.StatusSeeOther)
		b.get(consoleURL + "/sheets?again=on").expect(http.StatusOK).shows("1 blad").shows("Har ett blad från")
		b.get(b.personAt("wilma")).expect(http.StatusOK).shows("Skrev ut ett blad")
		b.post(w.personURL(wilmasKey) + "/sheet").expect(http.StatusUnprocessableEntity)
		w.seal()
		if strings.Contains(w.log.String(), code[1][1]) || strings.Contains(w.log.String(), strings.ToLower(strings.ReplaceAll(code[1][1], " ", ""))) {
			t.Error("the log holds a sheet's key")
		}
	})
}

// personURL is the page of a person in the console.
func (w *world) personURL(key string) string { return consoleURL + "/people/" + w.personID(key) }

func TestAHelpdeskPrintsOneSheetAtATime(t *testing.T) {
	w := on(t)
	w.wilma()
	w.david()
	b, _ := w.atConsole("helpdesk")
	b.get(consoleURL + "/sheets").expect(http.StatusNotFound)
	b.post(consoleURL + "/sheets").expect(http.StatusNotFound)
	b.get(w.personURL(wilmasKey)).expect(http.StatusOK).shows("Skriv ut ett blad")
	b.post(w.personURL(wilmasKey) + "/sheet").expect(http.StatusOK).shows("Wilma Truck")
	b.post(w.personURL(davidsKey) + "/sheet").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
	b.post(w.personURL(davidsKey)+"/sheet", "reason", "läser inga mejl").expect(http.StatusOK).shows("David Ek")
	b.get(w.personURL(davidsKey)).shows("läser inga mejl")
	w.deliver()
	told := strings.Join(w.post.to(davids), "\n")
	if !strings.Contains(told, "har skrivit ut ett blad") || len(w.post.to(davids)) != 1 {
		t.Errorf("the address that a mail could have reached was told: %s", told)
	}
	if strings.Contains(told, "David Ek") || strings.Contains(told, davidsKey) || strings.Contains(told, "läser inga mejl") {
		t.Errorf("whoever reads the address is told of whom: %s", told)
	}
	b.post(consoleURL+"/people/nobody/sheet", "reason", "x").expect(http.StatusNotFound)
}

func TestAProgramPrintsSheetsWithAScopeOfItsOwn(t *testing.T) {
	w := on(t)
	w.wilma()
	s := w.program(relyingparty.TransitionRead, relyingparty.TransitionWrite)
	if a := s.send("POST", apiURL+"/sheets", strings.NewReader(`{}`)); a.status != http.StatusForbidden {
		t.Errorf("%d %s", a.status, a.text)
	}
	a := s.send("GET", apiURL+"/sheets?limit=1", nil)
	if a.status != http.StatusOK || strings.Contains(a.text, "1234") || !strings.Contains(a.text, "Wilma Truck") {
		t.Errorf("%d %s", a.status, a.text)
	}
	s = w.program()
	a = s.send("POST", apiURL+"/sheets", strings.NewReader(`{"unit":"Lager"}`))
	items, _ := a.fields["items"].([]any)
	if a.status != http.StatusOK || len(items) != 1 || a.fields["left"] != 0.0 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	sheet := items[0].(map[string]any)
	link := strings.TrimPrefix(sheet["link"].(string), issuer)
	w.browser().get(link).expect(http.StatusOK).shows("Hej Wilma!")
	if code := strings.ToLower(strings.ReplaceAll(sheet["code"].(string), " ", "")); !strings.HasSuffix(link, code) {
		t.Errorf("%s and %s are two keys", link, code)
	}
	for body, status := range map[string]int{`{"unit":"Lager"}`: http.StatusConflict, `{"people":["x"]}`: http.StatusConflict, `{"persons":[]}`: http.StatusUnprocessableEntity} {
		if a := s.send("POST", apiURL+"/sheets", strings.NewReader(body)); a.status != status {
			t.Errorf("%s: %d %s", body, a.status, a.text)
		}
	}
}

// TestTheFirstPageSaysHowANumberIsTypedWherePeopleHaveSheets, and says so by the app's organisation alone.
func TestTheFirstPageSaysHowANumberIsTypedWherePeopleHaveSheets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		b := w.browser()
		b.get(newLogin(w.hrm).authorize()).follow().expect(http.StatusOK)
		if strings.Contains(b.body, "1007@") {
			t.Error("everybody has an address, and is told how a number is typed")
		}
		w.sheet()
		b = w.browser()
		b.get(newLogin(w.hrm).authorize()).follow().shows("1007@foretaget")
		action := b.action("/signin/")
		b.post(action, "address", "1007").expect(http.StatusUnprocessableEntity).shows("ditt nummer så här: 1007@foretaget")
		b.get("/account").follow()
		if strings.Contains(b.body, "1007@") {
			t.Error("a page of no organisation's names one")
		}
	})
}

// TestWhoAsksForANewPasswordByNumberIsSentToAskForASheet: the same words for every number, and nothing is sent.
func TestWhoAsksForANewPasswordByNumberIsSentToAskForASheet(t *testing.T) {
	w := on(t)
	w.newcomer("", "Wilma", "Truck", wilmasPass, "1007")
	answers := map[string]bool{}
	for _, typed := range []string{"1007@foretaget", "1008@foretaget"} {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), typed, "reset").shows("Be om ett nytt blad")
		attempt := strings.Split(strings.TrimPrefix(b.at, "/recovery/sent/"), "?")[0]
		answers[strings.NewReplacer(typed[:4], "", attempt, "", newestReference(b), "").Replace(b.body)] = true
	}
	if len(answers) != 1 {
		t.Error("the answers differ")
	}
	if w.deliver(); w.askDB(`SELECT COUNT(*) FROM onetime_links`) != "0" {
		t.Error("a link was made that nobody can get")
	}
}

// newestReference is the number of the answer, which differs each time.
func newestReference(b *browser) string { return b.last.Header.Get("X-Request-Id") }

// TestANewSheetGivesANewPassword reads like RULES §7: recovery goes by a new sheet, and the second factor is asked for all the same.
func TestANewSheetGivesANewPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.wilma()
		link, _ := w.sheet()
		hers := w.browser()
		hers.choosesByTheSheet(link).expect(http.StatusSeeOther)
		l := newLogin(w.hrm)
		hers.toPassword(l, wilmasLogin)
		hers.post(hers.action("/signin/"), "password", wilmasPass).follow()
		b, _ := w.atConsole("helpdesk")
		b.get(w.personURL(wilmasKey)).expect(http.StatusOK).shows("Skriv ut ett blad för nytt lösenord")
		if strings.Contains(b.body, "/recover\"") || strings.Contains(b.body, "1234") {
			t.Error("a mail is offered that reaches nobody, or the number is shown")
		}
		b.post(w.personURL(wilmasKey) + "/sheet").expect(http.StatusUnprocessableEntity).shows("Skriv varför")
		print := func() string {
			b.post(w.personURL(wilmasKey)+"/sheet", "reason", "Känner henne").expect(http.StatusOK).shows("Nytt lösenord").shows("Wilma Truck")
			return sheetCodes.FindStringSubmatch(b.body)[1]
		}
		first := print()
		w.clock.Advance(time.Second)
		second := print()
		reader := w.browser()
		reader.post("/sheet", "code", first).expect(http.StatusSeeOther).follow().expect(http.StatusGone)
		reader.post("/sheet", "code", strings.ToLower(second)).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Wilma")
		if strings.Contains(reader.body, "1234") {
			t.Error("the page of a sheet tells the number")
		}
		const fresh = "nio blå kranar i dimma"
		at := reader.at
		reader.press(at, "", "new_password", wilmasLogin, "repeat_password", wilmasLogin, "end_others", "on").expect(http.StatusUnprocessableEntity)
		reader.press(at, "", "new_password", fresh, "repeat_password", fresh, "end_others", "on").expect(http.StatusSeeOther)
		if to := reader.follow().at; strings.Contains(to, "1234") {
			t.Errorf("an address names her: %s", to)
		}
		if w.askDB(`SELECT verified_at FROM accounts WHERE identifier = $1`, wilmasLogin) != "0" {
			t.Error("an address is proven that is none")
		}
		hers.get("/account").expect(http.StatusSeeOther) // her other sessions have ended
		reader.post("/sheet", "code", second).follow().expect(http.StatusGone)
		again, l := w.browser(), newLogin(w.hrm)
		again.toPassword(l, wilmasLogin)
		again.post(again.action("/signin/"), "password", fresh).follow().expect(http.StatusOK)
		l.code(t, again.leads())
		again.get("/account/activity").expect(http.StatusOK).shows("Ett blad för nytt lösenord skrevs ut")
		b.get(w.personURL(wilmasKey)).shows("Känner henne")
		w.seal()
		for _, hidden := range []string{"198001011234", second, strings.ToLower(strings.ReplaceAll(second, " ", ""))} {
			if strings.Contains(w.log.String(), hidden) {
				t.Errorf("the log says %s", hidden)
			}
		}
	})
}

func TestASheetForANewPasswordAsksForTheSecondFactor(t *testing.T) {
	w := on(t)
	w.wilma()
	link, _ := w.sheet()
	b := w.browser()
	b.choosesByTheSheet(link).expect(http.StatusSeeOther)
	b.toPassword(newLogin(w.hrm), wilmasLogin)
	b.post(b.action("/signin/"), "password", wilmasPass).follow()
	w.policy(organisation.Policy{MFA: organisation.Required})
	b = w.browser()
	b.toPassword(newLogin(w.hrm), wilmasLogin)
	b.post(b.action("/signin/"), "password", wilmasPass).follow()
	b.post(b.action("/enrolment/"), "want", "on").follow()
	b.bind()
	b.saveRecovery()
	printed, err := w.app.Recovery.PrintFor(t.Context(), commandLine, "foretaget", w.personID(wilmasKey), "glömt")
	if err != nil {
		t.Fatal(err)
	}
	reader, at := w.browser(), "/recovery/link/"+printed.Secret.Reveal()
	reader.press(at, "", "new_password", davidsPass, "repeat_password", davidsPass, "end_others", "on").follow().expect(http.StatusOK).shows("6-siffriga kod")
	reader.get("/account").expect(http.StatusSeeOther)
}

// TestNoAdministratorHasBothProofsOfAnAccountWithoutAnAddress holds RULES §6 where no mail is the second proof: a sheet and a code, or a sheet
// and no second factor, in one hand would be the account. The operator may, and so may anybody a week later.
func TestNoAdministratorHasBothProofsOfAnAccountWithoutAnAddress(t *testing.T) {
	eva, fia := helper("eva", administrator.Helpdesk, "foretaget"), helper("fia", administrator.Owner, "foretaget")
	ulf := administrator.Of(account.Account{ID: "ulf"}, []administrator.Appointment{{}})
	acts := map[string]func(*world, administrator.Administrator, string) error{
		"code": func(w *world, by administrator.Administrator, id string) error {
			_, err := w.app.Control.Enrolment.IssueTo(t.Context(), by, "foretaget", id, "ringde")
			return err
		},
		"removal": func(w *world, by administrator.Administrator, id string) error {
			return w.app.Control.Enrolment.RemoveAllFor(t.Context(), by, "foretaget", id, "ringde")
		},
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				print := func(by administrator.Administrator, id string) error {
					_, err := w.app.Recovery.PrintFor(t.Context(), by, "foretaget", id, "ringde")
					return err
				}
				want := func(what string, got, want error) {
					t.Helper()
					if !errors.Is(got, want) {
						t.Errorf("%s: %v, want %v", what, got, want)
					}
				}
				week := administrator.ProofsApart
				first, other := w.numbered("2001"), w.numbered("2002")

				want("an act", act(w, eva, first), nil)
				want("a sheet after it", print(eva, first), recovery.ErrHelpedLately)
				w.clock.Advance(week - time.Second)
				want("a sheet a second too early, by a colleague", print(fia, first), recovery.ErrHelpedLately)
				if w.lines(audit.ResetPrinted) != "0" || w.askDB(`SELECT COUNT(*) FROM onetime_links WHERE purpose = 'reset'`) != "0" {
					t.Error("what was refused was done")
				}
				w.clock.Advance(time.Second)
				want("a sheet after a week", print(eva, first), nil)

				want("a sheet", print(eva, other), nil)
				want("an act after it", act(w, eva, other), enrolment.ErrPrintedLately)
				w.clock.Advance(week - time.Second)
				want("an act a second too early, by a colleague", act(w, fia, other), enrolment.ErrPrintedLately)
				w.clock.Advance(time.Second)
				want("an act after a week", act(w, eva, other), nil)

				third := w.numbered("2003")
				want("a sheet", print(eva, third), nil)
				want("the operator's act", act(w, ulf, third), nil)
				want("the operator's sheet", print(ulf, third), nil)
			})
		})
	}
}

// numbered is somebody with an app and without an address; it returns her row.
func (w *world) numbered(key string) string {
	w.t.Helper()
	if _, err := w.app.Control.Provisioning.CreateAccount(w.t.Context(), provisioning.Newcomer{GivenName: "Wilma", FamilyName: "Truck", Language: "sv", Password: wilmasPass,
		App: totp.NewKey(), Person: &person.Person{Organisation: "foretaget", Key: person.Key(key), GivenName: "Wilma", FamilyName: "Truck"}}); err != nil {
		w.t.Fatal(err)
	}
	return w.personID(key)
}

// TestTheConsoleSaysWhyThereIsNoSecondProof.
func TestTheConsoleSaysWhyThereIsNoSecondProof(t *testing.T) {
	w := on(t)
	w.numbered("2001")
	w.numbered("2002")
	b, _ := w.atConsole("helpdesk")
	b.post(w.personURL("2001")+"/code", "reason", "ringde").expect(http.StatusOK)
	b.post(w.personURL("2001")+"/sheet", "reason", "ringde").expect(http.StatusUnprocessableEntity).shows("fått en återställningskod")
	b.post(w.personURL("2002")+"/sheet", "reason", "ringde").expect(http.StatusOK)
	b.post(w.personURL("2002")+"/code", "reason", "ringde").expect(http.StatusUnprocessableEntity).shows("Ett blad för nytt lösenord skrevs ut")
	b.post(w.personURL("2002")+"/unpaired", "reason", "ringde").expect(http.StatusUnprocessableEntity).shows("Ett blad för nytt lösenord skrevs ut")
}

// TestAPhoneHearsOfASheetForANewPassword before anybody uses it.
func TestAPhoneHearsOfASheetForANewPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.texting()
		w.veraInRegister()
		w.invite()
		link := w.browser().get(o.linkTo(w, verasE164)).leads()
		w.browser().press(link, "", "new_password", wilmasPass, "repeat_password", wilmasPass).expect(http.StatusSeeOther)
		if _, err := w.app.Recovery.PrintFor(t.Context(), helper("eva", administrator.Helpdesk, "foretaget"), "foretaget", w.personID(verasKey), "ringde"); err != nil {
			t.Fatal(err)
		}
		w.deliver()
		if all := o.got(); !strings.Contains(all[len(all)-1], "Ett blad för nytt lösenord skrevs ut") {
			t.Errorf("%q", all)
		}
	})
}

func TestWhoMayPrintForANewPassword(t *testing.T) {
	w := on(t)
	w.second()
	wilma := w.newcomer("", "Wilma", "Truck", wilmasPass, "1007")
	as := func(o organisation.ID, r administrator.Role, id account.ID) administrator.Administrator {
		return administrator.Of(account.Account{ID: id}, []administrator.Appointment{{Organisation: o, Role: r}})
	}
	helpdesk := as("foretaget", administrator.Helpdesk, "a")
	refuses := func(by administrator.Administrator, person, reason string, want error) {
		t.Helper()
		if _, err := w.app.Recovery.PrintFor(t.Context(), by, "foretaget", person, reason); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
	id := w.personID("1007")
	refuses(as("kommunen", administrator.Owner, "a"), id, "x", administrator.ErrForbidden)
	refuses(as("foretaget", administrator.Auditor, "a"), id, "x", administrator.ErrForbidden)
	refuses(helpdesk, id, " ", recovery.ErrNoReason)
	refuses(helpdesk, "nobody", "x", recovery.ErrNoAccount)
	refuses(as("foretaget", administrator.Owner, wilma.ID), id, "x", administrator.ErrOneself)
	refuses(helpdesk, w.bosPerson(), "x", recovery.ErrAddressed)
	w.alsoAt("kommunen", wilma.ID, "77")
	refuses(helpdesk, id, "x", administrator.ErrElsewhere)
	if w.askDB(`SELECT COUNT(*) FROM onetime_links`) != "0" || w.lines(audit.ResetPrinted) != "0" {
		t.Error("what was refused was done")
	}
}
