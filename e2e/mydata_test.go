package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/locale"
)

// saying gives the product's texts in a language.
func saying(t *testing.T, lang string) func(key string, data ...any) string {
	t.Helper()
	texts := locale.New()
	return texts.Printer(locale.Language(lang)).T
}

// inBothLanguages runs a story in Swedish and in English.
func inBothLanguages(t *testing.T, story func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string)) {
	t.Helper()
	for _, lang := range []string{"sv", "en"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			story(t, begin(t), journey.Options{Lang: lang}, saying(t, lang))
		})
	}
}

func TestBoTakesAnAppsAccessAwayAndItIsSignedOutAtOnce(t *testing.T) {
	t.Parallel()
	inBothLanguages(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		phone := b.Phone()
		b.Open(w.Portvakt + "/account")
		b.See(say("myaccount.access.sees") + " " + say("myaccount.access.profile"))
		b.Press(say("myaccount.access.revoke") + " HRM Mobile")
		b.See(say("myaccount.notice.access_revoked"))
		phone.ShowAgain()
		phone.SeeRole("button", phone.LogIn)
		b.Press(say("myaccount.access.revoke") + " HRM")
		b.See(say("myaccount.notice.access_revoked"))
		hrm := b.In(b.Tab())
		hrm.Open(w.HRM)
		hrm.Await(map[string]string{"sv": "Välkommen till HRM", "en": "Welcome to HRM"}[o.Lang]) // its back channel was told
		b.Open(w.Portvakt + "/account")
		b.DontSee("HRM Mobile")
		quiet(t, b.Browser, `400 .*/token`) // the refresh was refused
	})
}

func TestBoReadsWhatHasHappenedAndTakesHisDataWithHim(t *testing.T) {
	t.Parallel()
	inBothLanguages(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		now := w.clock.now()
		w.clock.move(now.Truncate(time.Hour).Add(90 * time.Minute).Sub(now)) // failures of one hour are told as one: no hour may end meanwhile
		b := w.bo(o)
		b.OpenHRM()
		b.GiveAddress()
		for range 3 {
			b.GivePassword(wrongPassword)
			b.See(say("signin.problem.password_wrong"))
		}
		b.GivePassword(demo.Password)
		b.Welcomed()
		b.Open(w.Portvakt + "/account")
		b.Press(say("myaccount.data.activity"))
		b.See(say("myaccount.activity.code_redeemed", "App", "HRM"))
		b.See(strings.ReplaceAll(map[string]string{"sv": "3 misslyckade försök att logga in", "en": "3 failed attempts to log in"}[o.Lang], "\u00a0", " "))
		b.See(say("myaccount.activity.by_anonymous"))
		b.Press(say("web.to_account"))
		b.See(say("myaccount.title"))

		w.clock.move(6 * time.Minute)
		b.Press(say("myaccount.data.export"))
		b.GivePassword(demo.Password)
		b.See(say("myaccount.notice.confirmed"))
		file := journey.Script[string](b.Browser, `fetch("/account/export", {method: "POST"}).then(async (r) =>
			r.headers.get("Content-Disposition") + " " + Object.keys(await r.json()).join(" "))`)
		if !strings.HasPrefix(file, `attachment; filename="portvakt-`) || !strings.Contains(file, " account ") || !strings.Contains(file, " activity") {
			t.Errorf("the file: %s", file)
		}
		quiet(t, b.Browser, refusedForm)
	})
}

func TestBoErasesHisAccountAndIsForgotten(t *testing.T) {
	t.Parallel()
	inBothLanguages(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		b := w.bo(o)
		b.SignIn(demo.Password)
		phone := w.elsewhere(b, journey.Options{Lang: o.Lang, Agent: iPhone, Width: 390, Height: 844})
		phone.SignIn(demo.Password)
		b.Open(w.Portvakt + "/account")
		b.Press(say("myaccount.data.erase"))
		b.Press(say("myaccount.erase.cancel"))
		b.Press(say("myaccount.data.erase"))
		b.Press(say("myaccount.erase.submit"))
		b.See(say("myaccount.erase.problem"))
		b.Tick(say("myaccount.erase.agree"))
		b.PressTwice(say("myaccount.erase.submit"))
		b.See(say("myaccount.erased.title"))
		b.Receive("Ditt konto är raderat") // in the account's own language

		phone.Await(map[string]string{"sv": "Välkommen till HRM", "en": "Welcome to HRM"}[o.Lang]) // HRM was told
		phone.Open(w.Portvakt + "/account")
		phone.SeeRole("textbox", phone.Words.Address)
		b.OpenHRM()
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.See(say("signin.problem.password_wrong"))
		quiet(t, b.Browser, refusedForm)
		quiet(t, phone.Browser)
	})
}

// what HRM says on its own pages.
var hrmSays = map[string]map[string]string{
	"sv": {"bank": "Bankkonto", "label": "Clearingnummer och kontonummer", "submit": "Byt konto", "changed": "Bankkontot är bytt.", "not": "Bankkontot är inte bytt", "back": "Till bankkontot"},
	"en": {"bank": "Bank account", "label": "Clearing number and account number", "submit": "Change account", "changed": "The bank account is changed.", "not": "The bank account is not changed", "back": "To the bank account"},
}

// TestCillaChangesHerBankAccountAndIsAskedOnlyWhereItIsLongAgo is RFC 9470 as a person meets it.
func TestCillaChangesHerBankAccountAndIsAskedOnlyWhereItIsLongAgo(t *testing.T) {
	t.Parallel()
	inBothLanguages(t, func(t *testing.T, w *world, o journey.Options, _ func(string, ...any) string) {
		words := hrmSays[o.Lang]
		c := w.cilla(o)
		c.toCode()
		c.giveCode()
		c.Welcomed()
		c.Press(words["bank"])
		c.Fill(words["label"], "8327-9 111 222 333")
		c.Press(words["submit"])
		c.See(words["changed"]) // she has just shown both
		c.See("•••• 2333")

		w.clock.move(6 * time.Minute)
		c.Fill(words["label"], "8327-9 444 555 666")
		c.Press(words["submit"])
		c.At(w.Portvakt)
		c.GivePassword(demo.Password)
		c.giveCode()
		c.At(w.HRM)
		c.See(words["changed"])
		c.See("•••• 5666")
		quiet(t, c.Browser)
	})
}

func TestBoNeedsASecondFactorToChangeHisBankAccountAndGetsOneOnTheWay(t *testing.T) {
	t.Parallel()
	inBothLanguages(t, func(t *testing.T, w *world, o journey.Options, say func(string, ...any) string) {
		words := hrmSays[o.Lang]
		b := w.bo(o)
		b.SignIn(demo.Password)
		b.Press(words["bank"])
		b.Fill(words["label"], "8327-9 111 222 333")
		b.Press(words["submit"])
		b.At(w.Portvakt)
		b.See(say("enrolment.offer.title"))
		b.Press(b.Later)
		b.At(w.HRM)
		b.See(words["not"])
		b.Press(words["back"])
		b.DontSee("2333")

		b.Fill(words["label"], "8327-9 111 222 333")
		b.Press(words["submit"])
		b.At(w.Portvakt)
		b.Press(b.Activate)
		w.enrol(b)
		b.At(w.HRM)
		b.See(words["changed"])
		b.See("•••• 2333")
		quiet(t, b.Browser, refusedForm, `403 .*/callback`)
	})
}
