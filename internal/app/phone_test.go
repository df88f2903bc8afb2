package app_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

const (
	bosNumber = "070-174 06 05"
	bosE164   = "+46701740605"
	bosHidden = "•••• 05"
)

// operator is the SMS gateway: it takes messages as 46elks does, and answers as it is told.
type operator struct {
	mu     sync.Mutex
	status int
	texts  []string // "number text", oldest first
}

func (o *operator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.status < 300 {
		o.texts = append(o.texts, r.PostFormValue("to")+" "+r.PostFormValue("message"))
	}
	w.WriteHeader(o.status)
}

func (o *operator) say(status int) { o.mu.Lock(); defer o.mu.Unlock(); o.status = status }

func (o *operator) got() []string { o.mu.Lock(); defer o.mu.Unlock(); return slices.Clone(o.texts) }

// withSMS gives the world a gateway.
func (w *world) withSMS() *operator {
	w.t.Helper()
	o := &operator{status: http.StatusOK}
	server := httptest.NewServer(o)
	w.t.Cleanup(server.Close)
	s := &w.settings
	s.SMSGateway, s.SMSURL, s.SMSUser, s.SMSPassword, s.SMSFrom = "46elks", server.URL, "u", "p", "Portvakt"
	s.SMSCountries = []string{"SE", "NO"}
	w.restart()
	return o
}

// about are Bo's mails with these words.
func (w *world) about(words string) []string {
	return w.post.about(bosAddress, words)
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// texted delivers the outbox and returns the code of the newest message.
func (o *operator) texted(w *world) string {
	w.t.Helper()
	w.deliver()
	all := o.got()
	if len(all) == 0 {
		w.t.Fatal("no SMS was sent")
	}
	last := all[len(all)-1]
	code := sixDigits.FindString(strings.TrimPrefix(last, bosE164))
	if !strings.HasPrefix(last, "+4") || code == "" {
		w.t.Fatalf("sent %q", last)
	}
	return code
}

// another is a code that was not sent.
func another(code string) string {
	if code[0] == '9' {
		return "0" + code[1:]
	}
	return string(code[0]+1) + code[1:]
}

// givePhone goes from the page that asks for a number to the one that asks for the code.
func (b *browser) givePhone(number, full string) *browser {
	b.w.t.Helper()
	b.follow().expect(http.StatusOK).shows("Mobilnummer")
	b.post(b.action("/enrolment/"), "number", number).follow().expect(http.StatusOK).shows(full).shows("Skicka kod")
	return b.post(b.action("/enrolment/")).follow().expect(http.StatusOK).shows("Ange din 6-siffriga kod")
}

// enrolPhone is Bo with an app, a phone and a recovery code.
func (w *world) enrolPhone(o *operator) (*browser, *phone) {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	app := b.post("/account/apps/add").follow().expect(http.StatusOK).bind()
	b.givePhone(bosNumber, "46 70 174 06 05")
	b.post(b.action("/enrolment/"), "code", o.texted(w)).expect(http.StatusSeeOther)
	b.saveRecovery()
	b.follow().shows("Tvåfaktorsautentisering")
	w.deliver()
	w.clock.Advance(15 * time.Minute) // the number's budget is whole again
	return b, app
}

// toSMS goes to the page that asks for the code which was sent.
func (b *browser) toSMS(l rp) *browser {
	b.w.t.Helper()
	b.toCode(l)
	b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK).shows("SMS till " + bosHidden)
	return b.post(b.action("/signin/")).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows(bosHidden)
}

func (b *browser) code(code string) *browser {
	b.w.t.Helper()
	return b.post(b.action("/signin/"), "code", code)
}

func TestAPhoneIsAddedAfterTheFirstAppAndSignsInWithoutIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		if mails := w.about("telefonnummer har just lagts till"); len(mails) != 1 || !strings.Contains(mails[0], bosHidden) || strings.Contains(mails[0], "0605") {
			t.Errorf("mails: %q", mails)
		}
		b, l := w.browser(), newLogin(w.hrm)
		b.toSMS(l)
		code := o.texted(w)
		b.code(another(code)).expect(http.StatusUnprocessableEntity)
		b.code(code[:3] + " " + code[3:]).follow()
		_, answer := w.redeem(l, l.code(t, b.leads()))
		id := claims(t, answer["id_token"].(string))
		if id["acr"] != "urn:portvakt:aal2" || !slices.Equal(id["amr"].([]any), []any{"pwd", "sms", "mfa"}) {
			t.Errorf("acr %v, amr %v", id["acr"], id["amr"])
		}
		b.get("/account").expect(http.StatusOK).shows("Telefon " + bosHidden)
		if strings.Contains(b.body, "174 06") {
			t.Error("the whole number is shown")
		}
		for _, text := range o.got() {
			if !strings.HasPrefix(text, bosE164+" ") || !strings.Contains(text, "\n\n@login.example.com #") {
				t.Errorf("sent %q", text)
			}
		}
		if log := w.log.String(); strings.Contains(log, "701740605") || strings.Contains(log, code) {
			t.Error("the log holds the number or the code")
		}
	})
}

// A mailed link and a code by SMS are worth a password.
func TestAMailedLinkAndASMSAreWorthAPassword(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	b, l := w.browser(), newLogin(w.hrm)
	b.askForLink(l, bosAddress, "login")
	link := w.link(bosAddress)
	b.get(link).post(link).follow().shows("Ange din 6-siffriga kod")
	b.get(strings.Replace(b.at, "/second", "/methods", 1))
	b.post(b.action("/signin/")).follow()
	b.code(o.texted(w)).follow()
	b.get("/account").expect(http.StatusOK)
	b.get(newLogin(w.hrm).authorize("prompt", "none")).follow()
	_, answer := w.redeem(l, l.code(t, b.get(l.authorize("prompt", "none")).leads()))
	if id := claims(t, answer["id_token"].(string)); id["acr"] != "urn:portvakt:pwd" || !slices.Equal(id["amr"].([]any), []any{"mail", "sms"}) {
		t.Errorf("acr %v, amr %v", id["acr"], id["amr"])
	}
}

func TestAPhoneMayBeSkippedAndIsNotAskedForAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.withSMS()
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		app := b.post("/account/apps/add").follow().expect(http.StatusOK).bind()
		b.follow().expect(http.StatusOK).shows("Hoppa över").shows("svagare skydd")
		b.post(b.actionWith("/enrolment/", "/skip")).expect(http.StatusSeeOther)
		b.saveRecovery()
		b.follow().shows("Mitt konto")
		again := w.browser()
		again.toCode(newLogin(w.hrm))
		again.post(again.action("/signin/"), "code", app.code()).follow()
		again.get("/account").expect(http.StatusOK).shows("Lägg till ett nummer")
		other := w.browser() // and without a number nothing is offered
		other.toCode(newLogin(w.hrm))
		other.get(strings.Replace(other.at, "/second", "/methods", 1)).expect(http.StatusOK)
		if strings.Contains(other.body, "SMS till") {
			t.Error("a code is offered to nobody's number")
		}
	})
}

// actionWith is the address of a form that begins and ends like this.
func (b *browser) actionWith(prefix, suffix string) string {
	b.w.t.Helper()
	for _, m := range actions.FindAllStringSubmatch(b.body, -1) {
		a := strings.ReplaceAll(m[1], "&amp;", "&")
		if path, _, _ := strings.Cut(a, "?"); strings.HasPrefix(a, prefix) && strings.HasSuffix(path, suffix) {
			return a
		}
	}
	b.w.t.Fatalf("%s has no form to %s…%s:\n%s", b.at, prefix, suffix, b.body)
	return ""
}

func TestANumberThatGetsNoCodesIsRefusedOnAClearPage(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow().bind()
	b.follow()
	for number, says := range map[string]string{
		"":                 "Skriv ditt mobilnummer",
		"hej":              "Det ser inte ut som ett telefonnummer",
		"0900-100 1234":    "Dit går det inte att skicka koder",
		"08-123 456 78":    "Dit går det inte att skicka koder",
		"+1 201 555 0123":  "nummer i det landet",
		"+371 21 234 567":  "nummer i det landet",
		`"><script>alert(`: "Det ser inte ut som ett telefonnummer",
	} {
		b.post(b.action("/enrolment/"), "number", number).expect(http.StatusUnprocessableEntity).shows(says).shows("Hoppa över")
	}
	w.deliver()
	if sent := o.got(); len(sent) != 0 {
		t.Errorf("sent %q", sent)
	}
	// A page further on shows nothing before there is a number.
	base := strings.Split(b.at, "?")[0]
	for _, page := range []string{"/check", "/code"} {
		if to := b.get(base + page).leads(); !strings.Contains(to, "/phone") || strings.Contains(to, page) {
			t.Errorf("%s leads to %q", page, to)
		}
	}
}

func TestOnlyTheNewestCodeCountsAndOnlyInItsAttempt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		b, thief := w.browser(), w.browser()
		b.toSMS(newLogin(w.hrm))
		first := o.texted(w)
		w.clock.Advance(30 * time.Second)
		b.post(b.actionWith("/signin/", "/send")).follow().expect(http.StatusOK)
		second := o.texted(w)
		if first == second {
			second = o.texted(w)
		}
		thief.toSMS(newLogin(w.hrm)) // whoever knows the password has an attempt of his own, and codes of his own
		thief.code(second).expect(http.StatusUnprocessableEntity)
		b.code(first).expect(http.StatusUnprocessableEntity)
		b.code(second).expect(http.StatusSeeOther).follow()
		b.get("/account").expect(http.StatusOK)
		thief.code(second).expect(http.StatusUnprocessableEntity) // used
	})
}

func TestACodeIsWorthNothingAfterTenMinutes(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	b := w.browser()
	b.toSMS(newLogin(w.hrm))
	code := o.texted(w)
	w.clock.Advance(10 * time.Minute)
	b.code(code).expect(http.StatusUnprocessableEntity).shows("för gammal")
}

// Five guesses at a code, eight at an account: a new code is no way to more (NIST SP 800-63B-4 §3.2.2).
func TestGuessesAreCountedAcrossCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		_, app := w.enrolPhone(o)
		b := w.browser()
		b.toSMS(newLogin(w.hrm))
		code := o.texted(w)
		for range 5 {
			b.code(another(code)).expect(http.StatusUnprocessableEntity)
		}
		b.code(code).expect(http.StatusUnprocessableEntity).shows("många försök") // not even the right one
		w.clock.Advance(30 * time.Second)
		b.post(b.actionWith("/signin/", "/send")).follow().expect(http.StatusOK)
		code = o.texted(w)
		for range 3 {
			b.code(another(code)).expect(http.StatusUnprocessableEntity)
		}
		b.code(code).expect(http.StatusUnprocessableEntity).shows("många försök") // the account's budget
		b.get(strings.Replace(b.at, "/sms", "/second", 1))
		b.code(app.code()).expect(http.StatusUnprocessableEntity).shows(secondThrottledText) // which is one for all ways
	})
}

const secondThrottledText = "Det har blivit många försök"

func TestTheNextCodeWaitsLongerAndLongerAndTheFifthIsTheLast(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		before := len(o.got())
		b := w.browser()
		b.toSMS(newLogin(w.hrm)).shows("Du kan skicka igen om 30 sekunder")
		again := b.actionWith("/signin/", "/send")
		for i, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
			w.clock.Advance(wait - time.Second)
			b.post(again).expect(http.StatusSeeOther).follow().shows("Du kan skicka igen om 1 sekund.") // too early: nothing is sent, nothing lost
			w.clock.Advance(time.Second)
			b.post(again).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
			w.deliver()
			if n := len(o.got()) - before; n != i+2 {
				t.Fatalf("%d codes after %d presses", n, i+2)
			}
		}
		if strings.Contains(plain(b.body), "Skicka igen") {
			t.Error("a sixth is offered")
		}
		w.clock.Advance(9 * time.Minute)
		b.post(again).expect(http.StatusTooManyRequests).shows("Återställningskod").shows("Kod från appen")
		w.deliver()
		if n := len(o.got()) - before; n != 5 {
			t.Errorf("%d codes", n)
		}
	})
}

// However often a button is pressed, and in how many tabs, one message leaves.
func TestTwentyPressesSendOneCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		before := len(o.got())
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(strings.Replace(b.at, "/second", "/methods", 1))
		send := b.action("/signin/")
		tabs := make([]*browser, 20)
		for i := range tabs {
			copied := *b
			tabs[i] = &copied
		}
		for tab := range parallel(tabs, func(b *browser) { b.post(send) }) {
			tab.expect(http.StatusSeeOther)
		}
		w.deliver()
		if n := len(o.got()) - before; n != 1 {
			t.Errorf("%d codes", n)
		}
		b.follow()
		code := o.texted(w)
		b.get(strings.Replace(send, "/send", "", 1)).expect(http.StatusOK)
		form := b.action("/signin/")
		won := 0
		for i := range tabs {
			copied := *b
			tabs[i] = &copied
		}
		for tab := range parallel(tabs[:4], func(b *browser) { b.post(form, "code", code) }) {
			if tab.last.StatusCode == http.StatusSeeOther {
				won++
			} else {
				t.Logf("one press: %d %s", tab.last.StatusCode, plain(tab.body))
			}
		}
		if won != 4 { // one wins, and the others are the same press
			t.Errorf("%d of 4 presses led on", won)
		}
	})
}

func TestNobodyIsPaidForMessagesToHisOwnNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		before := len(o.got())
		for range 5 { // attempts have limits of their own, and there are many attempts
			w.browser().toSMS(newLogin(w.hrm))
		}
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(strings.Replace(b.at, "/second", "/methods", 1))
		b.post(b.action("/signin/")).expect(http.StatusTooManyRequests).shows("Vi kan inte skicka fler koder").shows("Återställningskod")
		w.deliver()
		if n := len(o.got()) - before; n != 5 {
			t.Errorf("%d codes in a quarter of an hour", n)
		}
		w.clock.Advance(15 * time.Minute)
		for range 4 { // with the one at the beginning, ten in a day
			w.browser().toSMS(newLogin(w.hrm))
		}
		b = w.browser()
		b.toCode(newLogin(w.hrm))
		b.get(strings.Replace(b.at, "/second", "/methods", 1))
		b.post(b.action("/signin/")).expect(http.StatusTooManyRequests)
		w.deliver()
		if n := len(o.got()) - before; n != 9 {
			t.Errorf("%d codes in a day", n)
		}
	})
}

func TestAnAppsCodeOrABindingCodeIsNoCodeForSigningIn(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	_, app := w.enrolPhone(o)
	// An owner changes her number, and the code goes to the new one; it is not hers to sign in with.
	b := w.browser()
	b.toCode(newLogin(w.hrm))
	b.code(app.code()).follow()
	b.post("/account/phone").givePhone("0701740606", "46 70 174 06 06")
	bind := o.texted(w)
	if last := o.got()[len(o.got())-1]; !strings.HasPrefix(last, "+46701740606 ") {
		t.Fatalf("sent %q", last)
	}
	thief := w.browser()
	thief.toSMS(newLogin(w.hrm))
	thief.code(bind).expect(http.StatusUnprocessableEntity)
	sign := o.texted(w)
	b.post(b.action("/enrolment/"), "code", sign).expect(http.StatusUnprocessableEntity)
	b.post(b.action("/enrolment/"), "code", bind).follow().shows("Ditt telefonnummer är sparat").shows("•••• 06")
	thief.code(sign).expect(http.StatusSeeOther) // the epoch has moved: on to the beginning
	thief.get("/account").expect(http.StatusSeeOther)
}

func TestThePhoneGoesWithTheLastAppAndByAFreshProofAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		_, app := w.enrolPhone(o)
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.code(app.code()).follow()
		w.clock.Advance(6 * time.Minute)
		b.get("/account/phone/remove").expect(http.StatusOK).shows(bosHidden)
		b.post("/account/phone/remove").follow().shows("Ange ditt lösenord")
		b.post("/account/phone").follow().shows("Ange ditt lösenord")
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.get(strings.Replace(b.at, "/second", "/methods", 1))
		b.post(b.action("/signin/")).follow()
		b.code(o.texted(w)).follow().shows("Mitt konto") // a code by SMS is a proof as fresh as another
		b.post("/account/phone/remove").follow().shows("Ditt telefonnummer är borttaget")
		b.post("/account/phone/remove").expect(http.StatusSeeOther) // twice is once
		w.deliver()
		if mails := w.about("telefonnummer har just tagits bort"); len(mails) != 1 || !strings.Contains(mails[0], bosHidden) {
			t.Errorf("mails: %q", mails)
		}
		b.post("/account/phone").givePhone(bosNumber, "46 70 174 06 05")
		b.post(b.action("/enrolment/"), "code", o.texted(w)).follow().shows(bosHidden)
		id := regexp.MustCompile(`name="app" value="([^"]+)"`).FindStringSubmatch(b.body)[1]
		b.post("/account/apps/remove", "app", id).follow()
		if strings.Contains(b.get("/account").body, bosHidden) {
			t.Error("the phone stays alone")
		}
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass) // off
		b.post("/account/phone").follow().shows("Mitt konto")    // and without an app there is none to add
	})
}

func TestTheNumberRestsSealed(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	b := w.browser()
	b.toSMS(newLogin(w.hrm)) // one waits in the outbox, with its code
	w.app.Close()
	files, err := filepath.Glob(w.settings.Database + "*")
	if err != nil || len(files) == 0 {
		t.Fatal("no database", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range []string{"701740605", "70 174 06 05", "70-174"} {
			if strings.Contains(string(content), number) {
				t.Errorf("%s holds the number", filepath.Base(file))
			}
		}
	}
	w.app = w.start()
	b.app = w.app
	b.code(o.texted(w)).expect(http.StatusSeeOther) // and after a restart the code still comes and counts
}

func TestAGatewayInTroubleIsSaidOnThePageAndLosesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		o.say(http.StatusServiceUnavailable)
		b := w.browser()
		b.toSMS(newLogin(w.hrm))
		w.deliver()
		page := b.at
		b.get(page).expect(http.StatusOK)
		if strings.Contains(plain(b.body), "problem med att skicka") {
			t.Error("one try in vain is no trouble yet")
		}
		w.clock.Advance(10 * time.Second)
		w.deliver()
		b.get(page).expect(http.StatusOK).shows("problem med att skicka").shows("Prova ett annat sätt")
		o.say(http.StatusOK)
		w.clock.Advance(10 * time.Second)
		b.code(o.texted(w)).expect(http.StatusSeeOther)
		b.follow()
		b.get("/account").expect(http.StatusOK)

		// A message expires with its code: nobody gets one that is worth nothing.
		sent := len(o.got())
		o.say(http.StatusServiceUnavailable)
		late := w.browser()
		late.toSMS(newLogin(w.hrm))
		w.deliver()
		o.say(http.StatusOK)
		w.clock.Advance(11 * time.Minute)
		w.deliver()
		if n := len(o.got()); n != sent {
			t.Errorf("%d codes came too late", n-sent)
		}
		// And a number that the gateway refuses for good is said at once.
		o.say(http.StatusBadRequest)
		refused := w.browser()
		refused.toSMS(newLogin(w.hrm))
		w.deliver()
		refused.get(refused.at).shows("problem med att skicka")
	})
}

// A crash after the answer: another node, or the same one after a restart, sends the very same code.
func TestACodeSurvivesACrash(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	b := w.browser()
	b.toSMS(newLogin(w.hrm))
	w.restart()
	b.app = w.app
	b.code(o.texted(w)).expect(http.StatusSeeOther)
}

func TestAResetMeanwhileEndsACodeUnderWay(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	thief := w.browser()
	thief.toSMS(newLogin(w.hrm))
	code := o.texted(w)
	b := w.browser()
	b.askForLink(newLogin(w.hrm), bosAddress, "reset")
	link := w.link(bosAddress)
	b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").follow().shows("Ange din 6-siffriga kod")
	thief.code(code).expect(http.StatusSeeOther).follow()
	thief.get("/account").expect(http.StatusSeeOther)
}

func TestACountryThatIsTakenOffTheListGetsNoMoreCodes(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	w.enrolPhone(o)
	w.settings.SMSCountries = []string{"NO"}
	w.restart()
	before := len(o.got())
	b := w.browser()
	b.toCode(newLogin(w.hrm))
	b.get(strings.Replace(b.at, "/second", "/methods", 1))
	b.post(b.action("/signin/")).expect(http.StatusTooManyRequests).shows("Vi kan inte skicka sms till det numret")
	w.deliver()
	if n := len(o.got()); n != before {
		t.Errorf("%d codes", n-before)
	}
	w.settings.SMSGateway = "none"
	w.restart()
	b = w.browser()
	b.toCode(newLogin(w.hrm))
	b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK)
	if strings.Contains(b.body, "SMS till") {
		t.Error("a code is offered without a gateway")
	}
}

func TestTheExportHoldsTheNumberAndASuspendedPhoneGetsNoCodeUntilItIsGivenAnew(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	_, app := w.enrolPhone(o)
	b := w.browser()
	b.toCode(newLogin(w.hrm))
	b.code(app.code()).follow()
	b.post("/account/export").expect(http.StatusOK)
	if !strings.Contains(b.body, `"number": "`+bosE164+`"`) {
		t.Errorf("the export says %s", b.body)
	}
	acc, _, err := w.app.Authn.Current(t.Context(), secret.Token(b.cookies()["__Host-pv_session"]))
	if err != nil {
		t.Fatal(err)
	}
	err = store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error { return tx.SuspendPhone(t.Context(), acc.Session.Account, w.clock.Now()) })
	if err != nil {
		t.Fatal(err)
	}
	other := w.browser()
	other.toCode(newLogin(w.hrm))
	other.get(strings.Replace(other.at, "/second", "/methods", 1)).expect(http.StatusOK)
	if strings.Contains(other.body, "SMS till") {
		t.Error("a suspended phone is offered")
	}
	other.post(smsOf(other.at)).expect(http.StatusTooManyRequests)
	b.get("/account").expect(http.StatusOK).shows("Byt nummer").shows("fel kod många gånger")
	b.post("/account/phone").givePhone(bosNumber, "46 70 174 06 05")
	b.post(b.action("/enrolment/"), "code", o.texted(w)).follow().shows("Ditt telefonnummer är sparat")
	w.browser().toSMS(newLogin(w.hrm))
}

// smsOf is where an attempt asks for a code.
func smsOf(at string) string { return "/signin/" + attemptOf(at) + "/sms/send" }

// A step-up has no row of its own: what it begins with is the session.
func TestAStepUpTakesACodeBySMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		_, app := w.enrolPhone(o)
		b := w.remembered(app)
		b.answeredWith(b.asks(), pwd)
		l := b.asks("acr_values", aal2)
		b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK).shows("SMS till " + bosHidden)
		b.post(b.action("/signin/")).follow().expect(http.StatusOK)
		b.pressTwice(b.action("/signin/"), "code", o.texted(w))
		after := b.answeredWith(l, aal2)
		if !slices.Equal(after["amr"].([]any), []any{"pwd", "sms", "mfa"}) {
			t.Errorf("amr %v", after["amr"])
		}
	})
}

// Somebody with Bo's app binds a number of his own: "It was not me" takes it away.
func TestNotMeTakesAStrangersNumberAway(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	_, app := w.enrolPhone(o)
	thief := w.browser()
	thief.toCode(newLogin(w.hrm))
	thief.code(app.code()).follow()
	thief.post("/account/phone").givePhone("0701740606", "46 70 174 06 06")
	thief.post(thief.action("/enrolment/"), "code", o.texted(w)).follow().shows("•••• 06")
	b := w.browser()
	b.pressNotMe(w.notMe(bosAddress, "telefonnummer har just lagts till"))
	thief.get("/account").expect(http.StatusSeeOther)
	b.askForLink(newLogin(w.hrm), bosAddress, "reset")
	link := w.link(bosAddress)
	b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").follow().shows("Ange din 6-siffriga kod")
	b.get(strings.Replace(b.at, "/second", "/methods", 1)).expect(http.StatusOK)
	if strings.Contains(b.body, "SMS till") {
		t.Error("the stranger's number is there still")
	}
}

// Turning two-factor authentication off with the recovery code takes the phone away, too: it would be the only second factor.
func TestThePhoneGoesWhereTheRecoveryCodeTurnsItOff(t *testing.T) {
	w := on(t)
	o := w.withSMS()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow().expect(http.StatusOK).bind()
	b.givePhone(bosNumber, "46 70 174 06 05")
	b.post(b.action("/enrolment/"), "code", o.texted(w)).expect(http.StatusSeeOther)
	code := b.saveRecovery()
	lost := w.browser()
	lost.toCode(newLogin(w.hrm))
	lost.get(strings.Replace(lost.at, "/second", "/recovery", 1))
	lost.post(lost.action("/signin/"), "recovery_code", code).expect(http.StatusSeeOther)
	lost.saveRecovery()
	lost.follow().post(lost.action("/signin/"), "want", "gone").follow()
	lost.post(strings.Replace(lost.action("/enrolment/"), "/choice", "/off", 1)).follow()
	lost.get("/account").expect(http.StatusOK)
	if strings.Contains(plain(lost.body), bosHidden) {
		t.Error("the phone stays alone")
	}
	w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass)
}

// A stolen telephone brings its SIM card along: what replaces the lost app asks for the number anew.
func TestThePhoneGoesWithTheAppThatIsGone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		b := w.browser()
		b.recovers(newLogin(w.hrm), w.issue("telefonen är stulen"))
		b.post(b.action("/signin/"), "want", "gone").follow()
		app := b.bind()
		b.follow().expect(http.StatusOK).shows("Hoppa över")
		b.post(b.actionWith("/enrolment/", "/skip")).expect(http.StatusSeeOther)
		b.follow().get("/account").expect(http.StatusOK)
		if strings.Contains(plain(b.body), bosHidden) {
			t.Error("the number is still there")
		}
		thief := w.browser()
		thief.toCode(newLogin(w.hrm))
		thief.get(strings.Replace(thief.at, "/second", "/methods", 1)).expect(http.StatusOK)
		if strings.Contains(plain(thief.body), bosHidden) {
			t.Error("a code can be sent to the stolen phone")
		}
		thief.get(strings.Replace(thief.at, "/methods", "/second", 1))
		thief.post(thief.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
	})
}
