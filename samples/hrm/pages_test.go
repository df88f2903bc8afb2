package hrm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestTheLanguageIsChosenThenRememberedThenTheBrowsers(t *testing.T) {
	a := New(Config{Lang: "en"})
	for _, c := range []struct{ query, cookie, accept, want string }{
		{"", "", "sv-SE,en;q=0.5", "sv"},
		{"", "", "en-GB", "en"},
		{"", "", "fi", "en"},
		{"", "sv", "en", "sv"},
		{"?lang=en", "sv", "sv", "en"},
		{"?lang=xx", "", "sv", "sv"},
	} {
		r := httptest.NewRequest("GET", "/"+c.query, nil)
		r.Header.Set("Accept-Language", c.accept)
		r.AddCookie(&http.Cookie{Name: langCookie, Value: c.cookie})
		if got := a.lang(r); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAChosenLanguageStays(t *testing.T) {
	w := newWorld(t)
	w.wantPage(w.get("/?lang=en"), http.StatusOK, `lang="en"`, ">Log in</a>")
	w.wantPage(w.get("/"), http.StatusOK, ">Log in</a>")
}

func TestBothLanguagesHaveTheSameTexts(t *testing.T) {
	for key := range texts["sv"] {
		if texts["en"][key] == "" {
			t.Errorf("en lacks %s", key)
		}
	}
	if len(texts["sv"]) != len(texts["en"]) {
		t.Error("the languages differ in their number of texts")
	}
}

func TestEveryNoticeHasTexts(t *testing.T) {
	for _, key := range []string{"signedout", "signedouthere", "expired", "denied", "untrusted", "unreachable", "norecord", "taken", "missing", "bank.weak", "bank.stopped", "bank.else"} {
		if texts["sv"][key+".title"] == "" || texts["sv"][key+".text"] == "" {
			t.Errorf("%s has no texts", key)
		}
	}
}

func TestAnUnknownAddressShowsAWayOn(t *testing.T) {
	w := newWorld(t)
	w.wantPage(w.get("/nowhere"), http.StatusNotFound, "Sidan finns inte", `href="/"`)
}

func TestNothingIsInlineAndNothingForeign(t *testing.T) {
	w := newWorld(t)
	w.signIn()
	for _, path := range []string{"/", "/payslips", "/time", "/bank-account"} {
		res := w.get(path)
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("policy %s", csp)
		}
		if text := w.text(res); strings.Contains(text, "<style") || strings.Contains(text, "<script") || strings.Contains(text, " style=") {
			t.Errorf("%s has something inline", path)
		}
	}
}

func TestPayslipsArePaidOnWorkingDays(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	slips := payslipsOf("1001", now)
	if len(slips) != 5 || slips[0].Month.Month() != time.October {
		t.Errorf("slips %+v", slips)
	}
	for _, s := range slips {
		if s.Paid.After(now) || s.Net != s.Gross-s.Tax || s.Paid.Weekday() == time.Saturday || s.Paid.Weekday() == time.Sunday {
			t.Errorf("slip %+v", s)
		}
	}
}
