package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

const (
	verasNumber = "070-174 06 05"
	verasE164   = "+46701740605"
)

// byPhone is Vera, who has no address and is named by her phone.
func (w *world) byPhone() account.Account {
	w.t.Helper()
	a := account.Account{ID: account.ID(secret.NewUUID()), Identifier: verasE164, GivenName: "Vera", Language: "sv", Epoch: 1, Created: w.clock.Now()}
	w.givePassword(a, wilmasPass)
	return a
}

var shortLink = regexp.MustCompile(`https?://[^ ]+/[rp]/[0-9a-z]{26}`)

// linkTo delivers the outbox and returns the link in the newest message to the number; "" where there is none.
func (o *operator) linkTo(w *world, number string) string {
	w.t.Helper()
	w.deliver()
	all := o.got()
	for i := len(all) - 1; i >= 0; i-- {
		if strings.HasPrefix(all[i], number+" ") {
			return strings.TrimPrefix(shortLink.FindString(all[i]), w.settings.Issuer)
		}
	}
	return ""
}

// saysNothing looks for a number in everything that is kept and that nobody shall read it in.
func (w *world) saysNothing(secrets ...string) {
	w.t.Helper()
	for _, s := range secrets {
		if strings.Contains(w.log.String(), s) {
			w.t.Errorf("the log says %s", s)
		}
		if n := w.askDB(`SELECT count(*) FROM outbox WHERE recipient LIKE $1 OR params LIKE $1 OR reason LIKE $1`, "%"+s+"%"); n != "0" {
			w.t.Errorf("%s rows of the outbox say %s", n, s)
		}
		if n := w.askDB(`SELECT count(*) FROM audit_events WHERE detail LIKE $1`, "%"+s+"%"); n != "0" {
			w.t.Errorf("%s audit lines say %s", n, s)
		}
	}
}

// TestWhoIsNamedByAPhoneGetsTheLinkThere is recovery as RULES §7 has it: a new password, by SMS, and the news of it by another one.
func TestWhoIsNamedByAPhoneGetsTheLinkThere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		b, l := w.browser(), newLogin(w.hrm)
		b.askForLink(l, verasNumber, "reset").shows("Ett sms är på väg").shows("+46 70 174 06 05").lacks("skräpposten")
		short := o.linkTo(w, verasE164)
		if short == "" || len(o.got()) != 1 {
			t.Fatalf("sent: %q", o.got())
		}
		link := b.get(short).expect(http.StatusSeeOther).leads()
		b.get(link).expect(http.StatusOK).shows("+46 70 174 06 05")
		b.post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").expect(http.StatusSeeOther).follow()
		_, answer := w.redeem(l, l.code(t, b.leads()))
		if c := claims(t, answer["id_token"].(string)); c["acr"] != "urn:portvakt:mail" {
			t.Errorf("a link by SMS is worth what a mailed one is: acr %v", c["acr"])
		}
		w.deliver()
		if all := o.got(); len(all) != 2 || !strings.Contains(all[1], "Ditt lösenord är ändrat") {
			t.Errorf("the news: %q", all)
		}
		w.browser().get(short).follow().expect(http.StatusGone)
		w.browser().signIn(newLogin(w.hrm), verasNumber, freshPass)
		w.saysNothing("701740605", "70 174 06 05", "070-174")
	})
}

// TestNobodyLearnsByARecoveryWhoseNumberItIs: the same pages, the same rows, and nothing is sent to a stranger.
func TestNobodyLearnsByARecoveryWhoseNumberItIs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		answers := map[string]alike{}
		for i, typed := range []string{"+46 70 174 06 05", "+46 70 174 06 06"} {
			b := w.browser()
			b.ip = "203.0.113." + string(rune('1'+i))
			b.toPassword(newLogin(w.hrm), typed)
			id := attemptOf(b.at)
			b.post("/recovery/start/"+id, "address", typed, "want", "reset", "robot", b.solve("/recovery/challenge/"+id)).expect(http.StatusSeeOther)
			answers[typed] = b.answer(typed, id)
		}
		if answers["+46 70 174 06 05"] != answers["+46 70 174 06 06"] {
			t.Errorf("the answers differ:\n%+v", answers)
		}
		if rows := w.askDB(`SELECT count(*) FROM outbox WHERE channel = 'sms' AND state = 'queued' AND template = 'recovery_reset'`); rows != "2" {
			t.Errorf("%s rows", rows)
		}
		w.deliver()
		if all := o.got(); len(all) != 1 || !strings.HasPrefix(all[0], verasE164) {
			t.Errorf("sent %q", all)
		}
		w.saysNothing("70174060")
	})
}

// TestLinksBySMSHaveTheBudgetsOfCodes: whoever asks for Vera's over and over empties her phone's budget, and living links stay valid.
func TestLinksBySMSHaveTheBudgetsOfCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		for range 7 {
			b := w.browser()
			b.askForLink(newLogin(w.hrm), verasNumber, "reset")
			w.deliver()
		}
		if n := len(o.got()); n != 5 {
			t.Errorf("%d messages in a quarter of an hour", n)
		}
		w.browser().get(o.linkTo(w, verasE164)).follow().expect(http.StatusOK)
	})
}

// TestANumberWithoutAGatewayOrInAnotherCountryGetsNothing, and the page says the same of every such number.
func TestANumberWithoutAGatewayOrInAnotherCountryGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.byPhone()
		b := w.browser()
		b.askForLink(newLogin(w.hrm), verasNumber, "reset").lacks("Ett sms")
		w.deliver()
		if left := w.askDB(`SELECT count(*) FROM outbox WHERE state = 'queued'`); left != "0" {
			t.Errorf("%s messages wait for a gateway that will never be", left)
		}
		o := w.withSMS()
		dane := account.Account{ID: account.ID(secret.NewUUID()), Identifier: "+4532123456", GivenName: "Dan", Epoch: 1, Created: w.clock.Now()}
		w.givePassword(dane, wilmasPass)
		w.browser().askForLink(newLogin(w.hrm), "+45 32 12 34 56", "reset")
		w.deliver()
		if len(o.got()) != 0 {
			t.Errorf("sent %q", o.got())
		}
		w.clock.Advance(time.Hour)
		w.saysNothing("32123456")
	})
}

// TestAPhoneForCodesIsNoWayToANewPassword: the number is Bo's second factor and not his name; whoever has the phone gets nothing by it.
func TestAPhoneForCodesIsNoWayToANewPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.enrolPhone(o)
		before := len(o.got())
		w.browser().askForLink(newLogin(w.hrm), bosNumber, "reset")
		w.deliver()
		if n := len(o.got()); n != before {
			t.Errorf("sent %q", o.got()[before:])
		}
	})
}

// TestTheNumberThatNamesAnAccountIsNoSecondFactorBesides (ADR 27).
func TestTheNumberThatNamesAnAccountIsNoSecondFactorBesides(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.withSMS()
		w.byPhone()
		b := w.browser()
		b.signIn(newLogin(w.hrm), verasNumber, wilmasPass)
		b.post("/account/apps/add").follow().expect(http.StatusOK).bind()
		b.follow().expect(http.StatusOK).shows("Mobilnummer")
		b.post(b.action("/enrolment/"), "number", verasNumber).expect(http.StatusUnprocessableEntity).shows("Det numret loggar du in med")
	})
}

// TestManyFailuresAreToldToThePhone, and not to a number that is nobody's.
func TestManyFailuresAreToldToThePhone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		for _, typed := range []string{verasNumber, "+46 70 174 06 06"} {
			for n := range 20 {
				b := w.browser()
				b.ip = "203.0.113.9"
				b.toPassword(newLogin(w.hrm), typed).wrongPassword(1)
				if n%7 == 6 {
					w.clock.Advance(31 * time.Minute)
				}
			}
		}
		w.deliver()
		if all := o.got(); len(all) != 1 || !strings.Contains(all[0], "Många misslyckade inloggningar") {
			t.Errorf("sent %q", all)
		}
		w.saysNothing("70174060")
	})
}

// lacks holds that the page does not say something.
func (b *browser) lacks(text string) *browser {
	b.w.t.Helper()
	if strings.Contains(plain(b.body), text) {
		b.w.t.Fatalf("%s shows %q:\n%s", b.at, text, plain(b.body))
	}
	return b
}

// TestAStrangersRequestsDoNotKeepAKnownBrowserFromItsSMS holds RULES §4 for a phone as for an address.
func TestAStrangersRequestsDoNotKeepAKnownBrowserFromItsSMS(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.withSMS()
		w.byPhone()
		b := w.browser()
		b.signIn(newLogin(w.hrm), verasNumber, wilmasPass)
		b.post("/signout")
		for range 12 {
			w.browser().askForLink(newLogin(w.hrm), verasNumber, "reset")
			w.deliver()
			w.clock.Advance(4 * time.Minute)
		}
		before := len(o.got())
		b.askForLink(newLogin(w.hrm), verasNumber, "reset")
		w.deliver()
		if after := o.got(); len(after) != before+1 {
			t.Errorf("her own request sends %d messages, after %d", len(after)-before, before)
		}
	})
}

// TestNewsThatIsWithheldTakesNothingFromOthersAndTheWayBackIsNeverWithheld has a thief with Vera's password use up what her phone may be told in
// a day before he gives the account an address of his own. The installation may send 13 messages a day here.
func TestNewsThatIsWithheldTakesNothingFromOthersAndTheWayBackIsNeverWithheld(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.settings.SMSDaily = 13
		o := w.withSMS()
		vera := w.byPhone()
		for range 40 {
			w.inTx(func(tx *store.Tx) error {
				return w.app.Authn.Tell(t.Context(), tx, "password_changed", vera, authn.Browser{}, nil)
			})
		}
		w.deliver()
		if n := len(o.got()); n != 10 {
			t.Fatalf("%d messages tell of 40 changes", n)
		}
		w.browser().askForLink(newLogin(w.hrm), verasNumber, "reset") // of the three that are left
		w.deliver()
		if n := len(o.got()); n != 11 {
			t.Errorf("what was withheld has used up the day: %d messages", n)
		}
		w.atVeras().changeAddress(verasNew)
		w.deliver()
		all := o.got()
		if news := all[len(all)-1]; !strings.Contains(news, "/n/") {
			t.Errorf("the way back: %q", all[10:])
		}
	})
}
