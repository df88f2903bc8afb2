package app_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestWhatAnAppAsksForByNameItIsToldAndNoMore (OIDC Core §5.5).
func TestWhatAnAppAsksForByNameItIsToldAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, first := w.browser(), newLogin(w.mobile)
		b.get(first.authorize("scope", "openid", "claims", `{"userinfo":{"locale":null}}`)).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		w.redeem(first, first.code(t, b.leads()))
		if b.get("/account").expect(http.StatusOK).shows("ditt namn och språk"); strings.Contains(b.body, "din e-postadress") {
			t.Error("the account's page shows more than the app sees")
		}
		told := func(extra ...string) (map[string]any, string) {
			t.Helper()
			l := newLogin(w.mobile)
			b.get(l.authorize(append([]string{"scope", "openid"}, extra...)...)).expect(http.StatusSeeOther)
			_, answer := w.redeem(l, l.code(t, b.leads()))
			_, info := w.userinfo(answer["access_token"].(string))
			return info, answer["refresh_token"].(string)
		}
		tells := func(info map[string]any, names ...string) {
			t.Helper()
			if got := slices.Sorted(maps.Keys(info)); !slices.Equal(got, names) {
				t.Errorf("told %v, want %v", got, names)
			}
		}
		info, refresh := told("claims", `{"userinfo":{"name":{"essential":true},"email":null,"picture":null,"urn:portvakt:person":null}}`)
		tells(info, "email", "name", "sub")
		if info["name"] != "Bo Lind" || info["email"] != bosAddress {
			t.Error(info)
		}
		_, answer := w.refresh(w.mobile, refresh)
		_, info = w.userinfo(answer["access_token"].(string))
		tells(info, "email", "name", "sub")
		info, _ = told()
		tells(info, "sub")
		info, _ = told("scope", "openid claim:name") // which is no scope that anybody asks for
		tells(info, "sub")
		info, _ = told("claims", `{"id_token":{"given_name":null}}`)
		tells(info, "given_name", "sub")
	})
}
