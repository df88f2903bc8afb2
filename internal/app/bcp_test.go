package app_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// What RFC 9700 asks and no other test holds; docs/security.md has the rows.

func TestATokenInAnAddressOrAFormCountsForNothing(t *testing.T) {
	w := on(t)
	access := w.browser().tokens(w.hrm)["access_token"].(string)
	inForm := httptest.NewRequest(http.MethodPost, issuer+"/userinfo", strings.NewReader(url.Values{"access_token": {access}}.Encode()))
	inForm.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, r := range map[string]*http.Request{
		"in the address": httptest.NewRequest(http.MethodGet, issuer+"/userinfo?"+url.Values{"access_token": {access}}.Encode(), nil),
		"in a form":      inForm,
	} {
		if rec := w.serve(r); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", name, rec.Code, rec.Body)
		}
	}
	if strings.Contains(w.log.String(), access) {
		t.Error("the log has a token")
	}
}

// TestOtherOriginsMayCallWhatProgramsCall: a script of another origin reads the answers of the endpoints that apps without a server
// call, and of nothing that a person's cookies open.
func TestOtherOriginsMayCallWhatProgramsCall(t *testing.T) {
	w := on(t)
	for path, open := range map[string]bool{"/token": true, "/userinfo": true, "/revoke": true, "/par": true, "/jwks": true, "/.well-known/openid-configuration": true,
		"/introspect": false, "/authorize": false, "/end_session": false, "/account": false, "/admin": false, "/api/v1/organisations": false} {
		for _, method := range []string{http.MethodOptions, http.MethodGet, http.MethodPost} {
			r := httptest.NewRequest(method, issuer+path, nil)
			r.Header.Set("Origin", "https://evil.example")
			r.Header.Set("Access-Control-Request-Method", http.MethodPost)
			rec := w.serve(r)
			allowed, credentials := rec.Header().Get("Access-Control-Allow-Origin"), rec.Header().Get("Access-Control-Allow-Credentials")
			if !open && allowed != "" || credentials != "" || open && allowed != "*" && method != http.MethodOptions && rec.Code == http.StatusOK {
				t.Errorf("%s %s: %d, origin %q, credentials %q", method, path, rec.Code, allowed, credentials)
			}
		}
	}
}

// TestNoRedirectSendsAFormOn: after a password or a code the browser goes on by GET, so that no app gets what was typed
// (RFC 9700 §4.12).
func TestNoRedirectSendsAFormOn(t *testing.T) {
	w := on(t)
	b, l := w.browser(), newLogin(w.hrm)
	b.toPassword(l, bosAddress)
	b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther)
	if to := b.last.Header.Get("Location"); !strings.HasPrefix(to, "/signin/") {
		t.Errorf("a password's answer leads to %s", to)
	}
	r := httptest.NewRequest(http.MethodPost, issuer+"/authorize", strings.NewReader(strings.TrimPrefix(l.authorize(), "/authorize?")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if rec := w.serve(r); rec.Code != http.StatusSeeOther {
		t.Errorf("a request by POST is answered %d", rec.Code)
	}
}
