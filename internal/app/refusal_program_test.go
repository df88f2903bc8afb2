package app_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
)

var referenced = regexp.MustCompile(`\(reference ([0-9A-Z]{8})\)$`)

// TestARefusalToAnAppIsFoundByItsNumber holds each way in which an app hears of a refusal against what the operator finds by its number.
func TestARefusalToAnAppIsFoundByItsNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		find := func(number string) (found control.Refusal, err error) {
			if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
				t.Fatal(err)
			}
			return found, w.operator(http.MethodGet, "/refusals/"+number, nil, &found)
		}
		_, answer := w.call("/token", w.hrm, "grant_type", "authorization_code", "code", "wrong")
		found, err := find(strings.ToLower(answer["reference"].(string)))
		if err != nil || found.Client != w.hrm.ClientID || found.Page != "/token" || found.Status != http.StatusBadRequest || !strings.HasPrefix(found.Problem, "invalid_grant: ") {
			t.Errorf("at the token endpoint: %+v, %v", found, err)
		}
		l := newLogin(w.hrm)
		b := w.browser()
		told := must(url.Parse(b.get(l.authorize("scope", "profile")).leads())).Query()
		number := referenced.FindStringSubmatch(told.Get("error_description"))
		if number == nil {
			t.Fatalf("no number: %v", told)
		}
		if found, err = find(number[1]); err != nil || found.Page != "/authorize" || found.Problem != "invalid_scope: the scope openid is missing" || found.Client != w.hrm.ClientID {
			t.Errorf("behind a redirect: %+v, %v", found, err)
		}
		b.get(l.authorize("redirect_uri", "https://evil.example/")).expect(http.StatusBadRequest)
		if found, err = find(b.last.Header.Get("X-Request-Id")); err != nil || found.Page != "error.redirect_uri" || found.Client != w.hrm.ClientID {
			t.Errorf("on a page: %+v, %v", found, err)
		}
		for _, wrong := range []string{"AAAAAAAA", "x", url.PathEscape("' OR 1=1")} {
			if found, err := find(wrong); err == nil {
				t.Errorf("%s: %+v", wrong, found)
			}
		}
		// A program that makes a thousand mistakes takes no person's number away.
		for range 100 {
			w.call("/token", w.hrm, "grant_type", "authorization_code", "code", "wrong")
		}
		b = w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		b.post(b.action("/signin/"), "password", "fel lösenord, men långt").expect(http.StatusUnprocessableEntity)
		if found, err = find(b.last.Header.Get("X-Request-Id")); err != nil || found.Address != bosAddress || found.Page != "signin_password" {
			t.Errorf("a person's: %+v, %v", found, err)
		}
	})
}
