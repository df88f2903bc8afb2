package locale_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/locale/localetest"
)

func catalogue(t *testing.T) *locale.Catalogue {
	t.Helper()
	c := locale.New()
	return c
}

func TestTheFirstListThatNamesALanguageWeSpeakDecides(t *testing.T) {
	c := catalogue(t)
	for _, test := range []struct {
		lists []string
		want  locale.Language
	}{
		{nil, "sv"},
		{[]string{"", "", ""}, "sv"},
		{[]string{"en sv", "sv", "sv"}, "en"}, // ui_locales
		{[]string{"xx zz", "en", "sv"}, "en"}, // foreign ui_locales, then the cookie
		{[]string{"", "", "de, en-US;q=0.7, sv;q=0.3"}, "en"},
		{[]string{"", "", "sv; q=0.4, en; q=0.9"}, "en"},
		{[]string{"", "", "de-DE,de;q=0.9"}, "sv"},
		{[]string{"en-GB"}, "en"},
		{[]string{"sv-FI"}, "sv"},
		{[]string{"!!", "\x00", "en;q=x, sv"}, "sv"},
		{[]string{strings.Repeat("a-", 5000)}, "sv"},
		{[]string{"en;q=0"}, "sv"},
	} {
		if got := c.Match(test.lists...); got != test.want {
			t.Errorf("%q: %s", test.lists, got)
		}
	}
}

func TestEveryTextIsInEveryLanguageWithTheSamePlaceholders(t *testing.T) {
	c := catalogue(t)
	swedish := c.Printer(locale.Swedish)
	for _, l := range locale.Languages() {
		p := c.Printer(l)
		for _, id := range c.IDs(l) {
			if !swedish.Has(id) {
				t.Errorf("%s: only in %s", id, l)
			}
		}
		for _, id := range c.IDs(locale.Swedish) {
			if !p.Has(id) {
				t.Errorf("%s: not in %s", id, l)
			} else if got, want := p.Placeholders(id), swedish.Placeholders(id); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: placeholders %q in %s, %q in Swedish", id, got, l, want)
			}
			if text := p.T(id); text == "" || text != strings.TrimSpace(text) || strings.Contains(text, "  ") {
				t.Errorf("%s in %s: %q", id, l, text)
			}
		}
	}
}

// computed are the keys that are put together while the program runs: package mail does it, with a template's name and with
// the labels of the facts.
var computed = regexp.MustCompile(`^mail\.((recovery_reset|recovery_login|password_changed|session_reuse|new_device|address_confirm|address_changed|address_new|mfa_on|mfa_off|phone_on|phone_off|recovery_code_used|recovery_code_made|recovery_code_issued|recovery_code_reminder|signin_failures|push_reported|account_erased|old_password_listed|preparation_confirm|preparation_reminder|preparation_proposed|preparation_objection|preparation_approved|preparation_done|transition_disconnected|transition_corrected|preparation_printed)\.(subject|intro|button)|device|browser|country|ip|time)$`)

func TestNoTextIsMissingOrUnused(t *testing.T) {
	uses, err := localetest.Scan("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := catalogue(t)
	for key, path := range uses.Missing(c.Printer(locale.Swedish).Has) {
		t.Errorf("%s asks for %q, which is no text", path, key)
	}
	for _, id := range c.IDs(locale.Swedish) {
		if !uses.Used(id) && !computed.MatchString(id) {
			t.Errorf("nothing uses %q", id)
		}
	}
}

func TestTheLookFindsAMissingText(t *testing.T) {
	uses, err := localetest.Scan("testdata/tree")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"a.template": "templates/page.html", "a.plural": "templates/page.html", "a.call": "code.go",
		"a.fault.title": "code.go", "a.fault.text": "code.go", "a.problem": "code.go",
		"a.script": "script.js",
	}
	if got := uses.Missing(func(string) bool { return false }); !reflect.DeepEqual(got, want) {
		t.Errorf("found %q", got)
	}
	if !uses.Used("a.literal") || !uses.Used("a.prefix.title") || !uses.Used("a.script_literal") || uses.Used("a.nothing") {
		t.Error("use is misjudged")
	}
}

func TestTextsPrintWithDataFromAMapAndFromPairs(t *testing.T) {
	p := catalogue(t).Printer(locale.Swedish)
	const want = "Fortsätt till <HRM>" // escaping is the template's work, and done once
	if got := p.T("web.continue_app", "App", "<HRM>"); got != want {
		t.Error(got)
	}
	if got := p.T("web.continue_app", map[string]any{"App": "<HRM>"}); got != want {
		t.Error(got)
	}
	if got := p.T("no.such.text"); got != "no.such.text" {
		t.Error(got)
	}
	// What fills a placeholder is data: it is not read as a template in its turn.
	if got := p.T("web.continue_app", "App", "{{.App}}"); got != "Fortsätt till {{.App}}" {
		t.Error(got)
	}
}

func TestTimesAreShownInUTC(t *testing.T) {
	c := catalogue(t)
	stockholm := time.FixedZone("CET", 3600)
	moment := time.Date(2026, 11, 24, 0, 5, 0, 0, stockholm)
	for l, want := range map[locale.Language]string{"sv": "23 november 2026 23:05 UTC", "en": "23 November 2026 23:05 UTC"} {
		if got := c.Printer(l).DateTime(moment); got != want {
			t.Errorf("%s: %q", l, got)
		}
		if got, day := c.Printer(l).Date(moment), want[:len("23 november 2026")]; got != day {
			t.Errorf("%s: %q", l, got)
		}
	}
}

func FuzzMatch(f *testing.F) {
	c := locale.New()
	f.Add("sv;q=0.8, en ;q=0.9", "en")
	f.Add("x-klingon, *;q=0, -", "")
	f.Fuzz(func(t *testing.T, list, other string) {
		if l := c.Match(list, other); l != locale.Swedish && l != locale.English {
			t.Errorf("%q, %q: %q", list, other, l)
		}
	})
}
