package oidc

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/grant"
)

func tokenRequest(form, authorization string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestHowAClientNamesItself(t *testing.T) {
	for name, c := range map[string]struct {
		form, authorization string
		want                grant.Client
		fault               string
	}{
		"in the body":                     {"client_id=hrm&client_secret=s", "", grant.Client{ID: "hrm", Secret: "s"}, ""},
		"a public client":                 {"client_id=hrm", "", grant.Client{ID: "hrm"}, ""},
		"in the header":                   {"", basic("hrm:s"), grant.Client{ID: "hrm", Secret: "s", InHeader: true}, ""},
		"form-encoded in the header":      {"", basic("h%3Arm:s%2B+x"), grant.Client{ID: "h:rm", Secret: "s+ x", InHeader: true}, ""},
		"in both, of one mind":            {"client_id=hrm", basic("hrm:s"), grant.Client{ID: "hrm", Secret: "s", InHeader: true}, ""},
		"in both, of two minds":           {"client_id=other", basic("hrm:s"), grant.Client{}, "invalid_request"},
		"with two secrets":                {"client_secret=s", basic("hrm:s"), grant.Client{}, "invalid_request"},
		"a repeated parameter":            {"client_id=hrm&client_id=hrm", "", grant.Client{}, "invalid_request"},
		"a header that is not base64":     {"", "Basic %%%", grant.Client{}, "invalid_client"},
		"a header without a colon":        {"", basic("hrm"), grant.Client{}, "invalid_client"},
		"a header with an empty secret":   {"", basic("hrm:"), grant.Client{}, "invalid_client"},
		"another scheme":                  {"client_id=hrm", "Bearer x", grant.Client{}, "invalid_client"},
		"bytes that are no UTF-8":         {"client_id=hrm&x=%ff", "", grant.Client{}, "invalid_request"},
		"a name that is no UTF-8":         {"client_id=hrm&%ff=x", "", grant.Client{}, "invalid_request"},
		"a body that cannot be unescaped": {"client_id=%zz", "", grant.Client{}, "invalid_request"},
	} {
		got, fault := parseClient(tokenRequest(c.form, c.authorization))
		code := ""
		if fault != nil {
			code = fault.Code
		}
		if got != c.want || code != c.fault {
			t.Errorf("%s: %+v %q", name, got, code)
		}
	}
	for _, kind := range []string{"application/json", "application/x-www-form-urlencoded; charset=utf-16", "application/x-www-form-urlencoded; charset=iso-8859-1", ""} {
		r := tokenRequest("client_id=hrm", "")
		r.Header.Set("Content-Type", kind)
		if _, fault := parseClient(r); fault == nil || fault.Code != "invalid_request" {
			t.Errorf("%q: %v", kind, fault)
		}
	}
}

func FuzzParseClient(f *testing.F) {
	f.Add("client_id=hrm&client_secret=s", "")
	f.Add("grant_type=x", basic("hrm:s"))
	f.Add("a=%00&a=b", "Basic ====")
	f.Fuzz(func(t *testing.T, form, authorization string) {
		if strings.ContainsAny(authorization, "\r\n\x00") {
			return
		}
		c, fault := parseClient(tokenRequest(form, authorization))
		if fault != nil && c != (grant.Client{}) {
			t.Errorf("refused and yet %+v", c)
		}
		if fault == nil && authorization == "" {
			if q, err := url.ParseQuery(form); err == nil && c.ID != q.Get("client_id") {
				t.Errorf("%q names %q", form, c.ID)
			}
		}
	})
}
