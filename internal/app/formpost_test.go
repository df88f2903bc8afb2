package app_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
)

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([a-z_]+)" value="([^"]*)">`)

// posted is the form that the page brings to the RP.
func (b *browser) posted(l rp) url.Values {
	b.w.t.Helper()
	b.expect(http.StatusOK)
	if !strings.Contains(b.body, `<form id="answer" class="actions" method="post" action="`+l.redirect+`">`) {
		b.w.t.Fatalf("no form to the RP:\n%s", b.body)
	}
	policy := b.last.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "form-action *;") || !strings.Contains(policy, "default-src 'self'") || b.last.Header.Get("Referrer-Policy") != "strict-origin" ||
		b.last.Header.Get("Cache-Control") != "no-store" || b.last.Header.Get("Refresh") != "" {
		b.w.t.Errorf("headers: %v", b.last.Header)
	}
	fields := b.fields()
	if fields.Get("iss") != issuer || fields.Get("state") != l.state || strings.Contains(b.at, fields.Get("code")) && fields.Has("code") {
		b.w.t.Errorf("fields: %v", fields)
	}
	return fields
}

// fields are those of the form that brings an answer.
func (b *browser) fields() url.Values {
	fields := url.Values{}
	form := b.body[strings.Index(b.body, `<form id="answer"`):]
	for _, f := range hiddenField.FindAllStringSubmatch(form[:strings.Index(form, "</form>")], -1) {
		fields.Add(f[1], f[2])
	}
	return fields
}

// TestAnAnswerCanComeInAForm walks both ways to the RP: after the password, and by single sign-on; and what is refused.
func TestAnAnswerCanComeInAForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.hrm)
		b.get(l.authorize("response_mode", "form_post", "state", l.state)).follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		fields := b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().posted(l)
		if status, answer := w.redeem(l, fields.Get("code")); status != http.StatusOK {
			t.Errorf("after the password: %d %v", status, answer)
		}
		l = newLogin(w.hrm)
		if status, answer := w.redeem(l, b.get(l.authorize("response_mode", "form_post")).posted(l).Get("code")); status != http.StatusOK {
			t.Errorf("by the session: %d %v", status, answer)
		}
		l = newLogin(w.hrm)
		if got := b.get(l.authorize("response_mode", "form_post", "scope", "profile")).posted(l).Get("error"); got != "invalid_scope" {
			t.Errorf("an error: %q", got)
		}
		l = newLogin(w.hrm)
		if got := w.browser().get(l.authorize("response_mode", "form_post", "prompt", "none")).posted(l).Get("error"); got != "login_required" {
			t.Errorf("nobody is signed in: %q", got)
		}
		b.get("/account")
		if policy := b.last.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self'") {
			t.Errorf("another page: %s", policy)
		}
	})
}

func TestNoFormIsPostedToAnAppsOwnScheme(t *testing.T) {
	w := on(t)
	native := w.register(control.RP{Name: "Native", Public: true, RedirectURIs: []string{"com.example.app:/done"}, PKCE: true})
	l := newLogin(native)
	b := w.browser()
	b.get(l.authorize("response_mode", "form_post")).expect(http.StatusSeeOther)
	if to := b.last.Header.Get("Location"); !strings.HasPrefix(to, "com.example.app:/done?") || !strings.Contains(to, "error=invalid_request") {
		t.Errorf("it leads to %q", to)
	}
}
