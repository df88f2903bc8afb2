package inbox

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// sms sends a text message as a customer of the gateway does.
func sms(in *Inbox, user, password string, pairs ...string) int {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "/a1/sms", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	rec := httptest.NewRecorder()
	in.Handler().ServeHTTP(rec, r)
	return rec.Code
}

func TestATextMessageIsTakenAsTheGatewayTakesIt(t *testing.T) {
	in := New(Config{SMSUser: "u", SMSPassword: "p"})
	if got := sms(in, "u", "p", "to", "+46701740605", "from", "Portvakt", "message", "048213 är din kod\n\n@localhost #048213"); got != http.StatusOK {
		t.Fatalf("status %d", got)
	}
	for _, to := range []string{"+46701740605", "46701740605", " 46701740605", "0046701740605", "+46 70-174 06 05", ""} {
		found := in.Messages(to)
		if len(found) != 1 || found[0].Channel != SMS || found[0].To != "+46701740605" || found[0].From != "Portvakt" || !strings.HasSuffix(found[0].Text, "#048213") {
			t.Errorf("%q: %+v", to, found)
		}
	}
	for _, to := range []string{"+46701740606", "1740605", "bo.lind@foretaget.example", "+", "-"} {
		if found := in.Messages(to); len(found) != 0 {
			t.Errorf("%q: %+v", to, found)
		}
	}
}

func TestATextMessageThatIsWrongIsNotTaken(t *testing.T) {
	in := New(Config{SMSUser: "u", SMSPassword: "p"})
	for name, c := range map[string]struct {
		user, password, to, from, text string
		want                           int
	}{
		"nobody":           {"", "", "+46701740605", "Portvakt", "x", 401},
		"a wrong password": {"u", "q", "+46701740605", "Portvakt", "x", 401},
		"a local number":   {"u", "p", "0701740605", "Portvakt", "x", 400},
		"no number":        {"u", "p", "", "Portvakt", "x", 400},
		"no sender":        {"u", "p", "+46701740605", "", "x", 400},
		"no text":          {"u", "p", "+46701740605", "Portvakt", "", 400},
		"a long text":      {"u", "p", "+46701740605", "Portvakt", strings.Repeat("å", 1601), 400},
		"a huge one":       {"u", "p", "+46701740605", "Portvakt", strings.Repeat("x", 32<<10), 400},
	} {
		if got := sms(in, c.user, c.password, "to", c.to, "from", c.from, "message", c.text); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
	in.Refuse(true)
	if got := sms(in, "u", "p", "to", "+46701740605", "from", "Portvakt", "message", "x"); got != 503 {
		t.Errorf("in trouble: %d", got)
	}
	if n := len(in.Messages("")); n != 0 {
		t.Errorf("%d were taken", n)
	}
}
