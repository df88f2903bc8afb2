package app_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzEndSession sends a browser with any query, beside hints of Bo's: it gets to no address that is not registered, and nothing breaks.
func FuzzEndSession(f *testing.F) {
	w := onceMore(f)
	l, b := newLogin(w.hrm), w.browser()
	_, tokens := w.redeem(l, l.code(f, b.signIn(l, bosAddress, bosPass)))
	hint, _ := tokens["id_token"].(string)
	if hint == "" {
		f.Fatalf("%v", tokens)
	}
	hints := []string{"", hint, hint[:len(hint)-4], "x.y.z"}
	out := url.QueryEscape(hrmURL + "/out")
	f.Add("client_id="+w.hrm.ClientID+"&post_logout_redirect_uri="+out+"&state=s", 0)
	f.Add("client_id="+w.hrm.ClientID+"&post_logout_redirect_uri="+out+"&state=s", 1)
	f.Add("post_logout_redirect_uri="+out+"%23&state=%0d%0aX: y", 1)
	f.Add("post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F&client_id="+w.hrm.ClientID, 2)
	f.Fuzz(func(t *testing.T, query string, which int) {
		if which > 0 {
			query += "&id_token_hint=" + hints[which%len(hints)]
		}
		r := httptest.NewRequest(http.MethodGet, issuer+"/end_session", nil)
		r.URL.RawQuery = query
		rec := httptest.NewRecorder()
		w.app.Handler().ServeHTTP(rec, r)
		where := rec.Header().Get("Location")
		switch {
		case rec.Code >= 500:
			t.Errorf("%q: %d", query, rec.Code)
		case where != "" && !strings.HasPrefix(where, "/") && where != hrmURL+"/out" && !strings.HasPrefix(where, hrmURL+"/out?state="):
			t.Errorf("%q leads to %q", query, where)
		case strings.HasPrefix(where, "//") || strings.ContainsAny(where, "\r\n\\"):
			t.Errorf("%q leads to %q", query, where)
		}
	})
}
