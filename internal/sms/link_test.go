package sms_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/sms"
)

// texted sends a message of a template and returns what the gateway got.
func texted(t *testing.T, language, issuer, template string, params map[string]string) string {
	t.Helper()
	got := ""
	p := newPost(t, sms.Settings{Gateway: "46elks", Issuer: issuer, URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.PostFormValue("message")
		if r.PostFormValue("to") != bos.Reveal() {
			t.Errorf("to %q", r.PostFormValue("to"))
		}
		answer(200, "{}")(w, r)
	})})
	m := outbox.New(outbox.SMS, template, bos.Hidden(), now)
	m.Language, m.Params = language, params
	token := secret.Token("0123456789abcdefghjkmnpqrs")
	if slices.Contains(told, template) && template != "address_changed" {
		token = "" // news have no link, but for the one that can be taken back
	}
	m.SealTo(p.keys, bos.Reveal(), token, now)
	p.message = m
	if err := p.send(); err != nil {
		t.Fatal(err)
	}
	return got
}

var linked = []string{"recovery_reset", "recovery_login", "preparation_confirm", "preparation_reminder"}

var told = []string{"password_changed", "session_reuse", "new_device", "address_changed", "mfa_on", "mfa_off", "phone_on", "phone_off", "recovery_code_used",
	"recovery_code_made", "recovery_code_issued", "signin_failures", "push_reported", "preparation_done", "account_erased", "reset_printed"}

// TestEachMessageIsOne holds that nobody pays for two: with a long host, a long employer and a long name.
func TestEachMessageIsOne(t *testing.T) {
	for _, language := range []string{"sv", "en"} {
		for _, employer := range []string{"Företaget AB", "Västra Götalandsregionens gemensamma serviceförvaltning för måltider", ""} {
			for _, template := range append(linked, told...) {
				for _, existing := range []string{"", "yes"} {
					body := texted(t, language, "https://inloggning.serviceforvaltningen.example", template,
						map[string]string{"employer": employer, "name": "Anna-Karin Elisabet", "existing": existing, "off": existing})
					if n := utf8.RuneCountInString(body); n > 160 || strings.Contains(body, "{{") || strings.Contains(body, "sms.") || strings.Contains(body, "mail.") {
						t.Errorf("%s %s: %d characters: %q", language, template, n, body)
					}
				}
			}
		}
	}
}

func TestALinkStandsWholeAtTheEndOrBeforeASpace(t *testing.T) {
	for _, template := range linked {
		body := texted(t, "sv", "", template, map[string]string{"employer": "Företaget AB", "name": "Vera"})
		short := map[bool]string{true: "/r/", false: "/p/"}[strings.HasPrefix(template, "recovery")]
		if !strings.Contains(body+" ", "https://login.example.com"+short+"0123456789abcdefghjkmnpqrs ") || !strings.HasPrefix(body, "Företaget AB: ") {
			t.Errorf("%s: %q", template, body)
		}
	}
}

func TestANameThatAPhoneWouldMakeALinkOfIsLeftOut(t *testing.T) {
	for _, name := range []string{"evil.example", "http://evil", "Vera @evil", "Ło evil/x"} {
		if body := texted(t, "sv", "", "preparation_confirm", map[string]string{"employer": "Företaget AB", "name": name}); strings.Contains(body, "evil") {
			t.Errorf("%q", body)
		}
	}
	if body := texted(t, "sv", "", "preparation_confirm", map[string]string{"employer": "Företaget AB", "name": "Łukasz"}); strings.Contains(body, "Ł") {
		t.Errorf("a letter that phones do not have makes two messages of one: %q", body)
	}
}

func TestWhatIsNoMessageIsRefused(t *testing.T) {
	p := newPost(t, sms.Settings{Gateway: "46elks", URL: serve(t, answer(200, "{}"))})
	for _, template := range []string{"", "nobody", "address_confirm"} {
		p.message.Template = template
		p.message.SealTo(p.keys, bos.Reveal(), "x", now)
		if err := p.send(); err == nil {
			t.Errorf("%q was sent", template)
		}
	}
	p.message.Template = "recovery_reset"
	p.message.SealSecret(p.keys, secret.Token("without-a-number"), now)
	if err := p.send(); err == nil || strings.Contains(err.Error(), "without") {
		t.Errorf("sent to nobody: %v", err)
	}
}
