package app_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// paired registers an app that knows people by names of its sector's own.
func (w *world) paired(redirect string, change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: "Payroll", RedirectURIs: []string{redirect}, PKCE: true, RefreshTokens: true, Options: control.Options{Subjects: relyingparty.Subjects{SubjectType: "pairwise"}}}
	for _, f := range change {
		f(&rp)
	}
	return w.register(rp)
}

// told is by which name the tokens know their person: the same one everywhere.
func (w *world) told(rp control.RP, tokens map[string]any) string {
	w.t.Helper()
	subject := claims(w.t, tokens["access_token"].(string))["sub"].(string)
	names := map[string]any{}
	if id, ok := tokens["id_token"].(string); ok {
		names["ID token"] = claims(w.t, id)["sub"]
	}
	_, info := w.userinfo(tokens["access_token"].(string))
	names["userinfo"] = info["sub"]
	if !rp.Public {
		for _, kind := range []string{"access_token", "refresh_token"} {
			if token, ok := tokens[kind].(string); ok {
				_, answer := w.call("/introspect", rp, "token", token)
				names["introspection of the "+kind] = answer["sub"]
			}
		}
	}
	for where, name := range names {
		if name != subject {
			w.t.Errorf("%s knows the person as %v, the access token as %s", where, name, subject)
		}
	}
	return subject
}

// TestAnAppOfASectorKnowsAPersonByANameOfItsOwn holds OIDC Core §8 wherever a subject is told.
func TestAnAppOfASectorKnowsAPersonByANameOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		payroll, sister := w.paired("https://payroll.example/one"), w.paired("https://PAYROLL.example/two")
		other := w.paired("https://shifts.example/one")
		b, l := w.browser(), newLogin(payroll)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		if rows := w.askDB(`SELECT COUNT(*) FROM pairwise_subjects`); rows != "0" {
			t.Errorf("%s names before the code is redeemed", rows)
		}
		_, tokens := w.redeem(l, code)
		mine := w.told(payroll, tokens)
		next := func(rp control.RP) (rp, map[string]any) {
			l := newLogin(rp)
			b.get(l.authorize()).expect(http.StatusSeeOther)
			if b.tally != (store.Counts{Reads: 1}) {
				t.Errorf("single sign-on cost %+v", b.tally)
			}
			_, tokens := w.redeem(l, l.code(t, b.leads()))
			return l, tokens
		}
		_, again := next(payroll)
		_, sisters := next(sister)
		_, others := next(other)
		_, plainly := next(w.hrm)
		public := claims(t, plainly["id_token"].(string))["sub"]
		if w.told(payroll, again) != mine || w.told(sister, sisters) != mine {
			t.Error("the apps of a sector must know her by one name")
		}
		if others := w.told(other, others); others == mine || others == public || mine == public || public != string(w.bo().ID) {
			t.Errorf("sector %s, another %s, everybody %v", mine, others, public)
		}
		_, refreshed := w.refresh(payroll, tokens["refresh_token"].(string))
		if w.told(payroll, refreshed) != mine {
			t.Error("a refresh tells another name")
		}
		if theirs := w.told(payroll, w.browser().tokens(payroll)); theirs != mine {
			t.Error("another browser tells another name")
		}
		if rows := w.askDB(`SELECT COUNT(*) FROM pairwise_subjects`); rows != "2" {
			t.Errorf("%s names for two sectors", rows)
		}
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		l = newLogin(payroll)
		_, cillas := w.redeem(l, l.code(t, w.browser().signIn(l, "cilla.berg@foretaget.example", bosPass)))
		if w.told(payroll, cillas) == mine {
			t.Error("two people have one name")
		}
	})
}

func TestASectorsNameIsUnderstoodWhenItComesBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		payroll := w.paired("https://payroll.example/one", func(rp *control.RP) { rp.PostLogoutRedirectURIs = []string{"https://payroll.example/out"} })
		sister, other := w.paired("https://payroll.example/two"), w.paired("https://shifts.example/one")
		b, l := w.browser(), newLogin(payroll)
		_, tokens := w.redeem(l, l.code(t, b.signIn(l, bosAddress, bosPass)))
		hint, mine := tokens["id_token"].(string), w.told(payroll, tokens)
		silently := func(rp control.RP, pairs ...string) string {
			l := newLogin(rp)
			b.get(l.authorize(append([]string{"prompt", "none"}, pairs...)...))
			return must(url.Parse(b.leads())).Query().Get("error")
		}
		by := func(subject string) []string {
			return []string{"claims", `{"id_token": {"sub": {"value": "` + subject + `"}}}`}
		}
		public := string(w.bo().ID)
		for name, c := range map[string]struct {
			rp    control.RP
			pairs []string
			want  string
		}{
			"its own hint":                    {payroll, []string{"id_token_hint", hint}, ""},
			"its sister's hint":               {sister, []string{"id_token_hint", hint}, ""},
			"its own name":                    {payroll, by(mine), ""},
			"another sector's hint":           {other, []string{"id_token_hint", hint}, "login_required"},
			"another sector's name":           {other, by(mine), "login_required"},
			"the name that everybody knows":   {payroll, by(public), "login_required"}, // or it could find out whom it has before it
			"a sector's name, by HRM":         {w.hrm, by(mine), "login_required"},
			"a name of nobody":                {payroll, by("nobody"), "login_required"},
			"the public name, by everybody's": {w.hrm, by(public), ""},
		} {
			if got := silently(c.rp, c.pairs...); got != c.want {
				t.Errorf("%s: error %q, want %q", name, got, c.want)
			}
		}
		b.get("/end_session?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {"https://payroll.example/out"}}.Encode()).expect(http.StatusSeeOther)
		if to := b.leads(); to != "https://payroll.example/out" {
			t.Errorf("its hint signs out by way of %s", to)
		}
		if got := silently(payroll); got != "login_required" {
			t.Errorf("after that: %q", got)
		}
	})
}

func TestALogoutTokenKnowsThePersonByTheSectorsName(t *testing.T) {
	w := on(t)
	heard := make(chan string, 2)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.PostFormValue("logout_token") }))
	t.Cleanup(server.Close)
	payroll := w.paired("https://payroll.example/one", func(rp *control.RP) { rp.BackchannelLogoutURI = server.URL })
	b := w.browser()
	mine := claims(t, b.tokens(payroll)["id_token"].(string))["sub"]
	if names, ok := b.export()["sector_names"].([]any); !ok || len(names) != 1 || names[0].(map[string]any)["sub"] != mine {
		t.Errorf("the export has %v", names)
	}
	b.post("/signout")
	w.deliver()
	if got := claims(t, <-heard); got["sub"] != mine || got["sid"] == nil {
		t.Errorf("it hears of %v, whom it knows as %v", got, mine)
	}
	// What is told after the account was erased names nobody.
	b.tokens(payroll)
	b.get("/account/erase")
	b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
	w.deliver()
	if got := claims(t, <-heard); got["sub"] != nil || got["sid"] == nil {
		t.Errorf("after the erasure it hears of %v", got)
	}
	if rows := w.askDB(`SELECT COUNT(*) FROM pairwise_subjects`); rows != "0" {
		t.Errorf("%s names outlive the account", rows)
	}
}

// TestAnAppThatIsGoneHearsOfNoLogout: by which name it knew the person nobody can say any more, and her account's own is none of its business.
func TestAnAppThatIsGoneHearsOfNoLogout(t *testing.T) {
	w := on(t)
	var heard atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard.Add(1) }))
	t.Cleanup(server.Close)
	payroll := w.paired("https://payroll.example/one", func(rp *control.RP) { rp.BackchannelLogoutURI = server.URL })
	b := w.browser()
	b.tokens(payroll)
	b.post("/signout")
	if err := w.operator(http.MethodDelete, "/relying-parties/"+payroll.ClientID, nil, new(map[string]string)); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	if heard.Load() != 0 {
		t.Error("it was told")
	}
	if left := w.askDB(`SELECT COUNT(*) FROM outbox WHERE channel = 'logout' AND finished_at = 0`); left != "0" {
		t.Error("it is tried for a day")
	}
}

func TestASectorsNameIsTheSameByEveryWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		payroll := w.paired("https://payroll.example/one", func(rp *control.RP) {
			rp.PKCE, rp.ResponseTypes, rp.UserinfoAlg = false, []string{"code", "id_token", "code id_token", "code id_token token"}, "ES256"
		})
		b := w.browser()
		var names []string
		for _, kind := range []string{"code id_token", "id_token", "code id_token token"} {
			l := newLogin(payroll)
			if b.get(l.authorize("response_type", kind)); len(names) == 0 {
				b.follow().expect(http.StatusOK)
				b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
				b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
			}
			got := l.fragment(t, b.leads())
			names = append(names, claims(t, got.Get("id_token"))["sub"].(string))
			if code := got.Get("code"); code != "" {
				_, tokens := w.redeem(l, code)
				names = append(names, claims(t, tokens["id_token"].(string))["sub"].(string))
			}
			if token := got.Get("access_token"); token != "" {
				names = append(names, claims(t, token)["sub"].(string))
			}
		}
		screen := w.screen(func(rp *control.RP) {
			rp.GrantTypes, rp.RedirectURIs, rp.SubjectType = []string{relyingparty.DeviceCode, relyingparty.AuthorizationCode}, []string{"https://payroll.example/screen"}, "pairwise"
		})
		d := w.device(screen)
		b.toQuestion(d).expect(http.StatusOK)
		b.post(b.at, "answer", "yes").expect(http.StatusSeeOther).follow()
		_, answer := d.polls()
		names = append(names, w.told(screen, answer))
		for _, name := range names {
			if name != names[0] || name == string(w.bo().ID) {
				t.Errorf("the names are %v", names)
				break
			}
		}
	})
}

// TestASectorNamesItsAppsItself holds OIDC Core §8.1: nobody takes himself into another's sector.
func TestASectorNamesItsAppsItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	var list atomic.Value
	list.Store(`["https://payroll.example/one", "com.example.payroll:/done"]`)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Write([]byte(list.Load().(string))) })) //nolint:errcheck // a test's server
	t.Cleanup(server.Close)
	at := server.URL + "/sector"
	w.app.Control.Registration.FetchPublic = w.app.Control.Registration.Fetch // as if this machine was a public address
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 2})        // without one an app has one host
	asks := func(body string) (int, map[string]any) {
		status, _, answer := w.registration(http.MethodPost, "/register", token, body)
		return status, answer
	}
	native := `"application_type": "native", "token_endpoint_auth_method": "none", "subject_type": "pairwise", "redirect_uris": ["com.example.payroll:/done", "https://payroll.example/one"]`
	status, made := asks(`{` + native + `, "sector_identifier_uri": "` + at + `"}`)
	if status != http.StatusCreated || made["subject_type"] != "pairwise" || made["sector_identifier_uri"] != at {
		t.Fatalf("an app that the sector names: %d %v", status, made)
	}
	for name, body := range map[string]string{
		"one that is not named":         `{"redirect_uris": ["https://payroll.example/one", "https://evil.example/"], "subject_type": "pairwise", "sector_identifier_uri": "` + at + `"}`,
		"one with public names":         `{"redirect_uris": ["https://evil.example/"], "sector_identifier_uri": "` + at + `"}`,
		"a sector that does not answer": `{` + payroll + `, "subject_type": "pairwise", "sector_identifier_uri": "http://127.0.0.1:1/sector"}`,
		"one in a private network":      `{` + payroll + `, "subject_type": "pairwise", "sector_identifier_uri": "https://192.168.0.1/sector"}`,
		"one over http":                 `{` + payroll + `, "subject_type": "pairwise", "sector_identifier_uri": "http://payroll.example/sector"}`,
		"two hosts and no sector":       `{"redirect_uris": ["https://payroll.example/", "https://shifts.example/"], "subject_type": "pairwise"}`,
		"a scheme and no sector":        `{` + native + `}`,
		"this machine and no sector":    `{"redirect_uris": ["http://localhost/done"], "application_type": "native", "token_endpoint_auth_method": "none", "subject_type": "pairwise"}`,
		"another type":                  `{` + payroll + `, "subject_type": "secret"}`,
	} {
		if status, answer := asks(body); status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	for _, bad := range []string{`{"redirect_uris": ["https://payroll.example/one"]}`, `<html>`, `[1, 2]`, ``, strings.Repeat("x", 100<<10)} {
		list.Store(bad)
		if status, answer := asks(`{` + native + `, "sector_identifier_uri": "` + at + `"}`); status != http.StatusBadRequest {
			t.Errorf("a list that reads %.20q: %d %v", bad, status, answer)
		}
	}
	// An app keeps its people's names.
	id, uri, access := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	for name, body := range map[string]string{
		"public names":   strings.Replace(native, "pairwise", "public", 1) + `, "sector_identifier_uri": "` + at + `"`,
		"another sector": `"application_type": "native", "token_endpoint_auth_method": "none", "subject_type": "pairwise", "redirect_uris": ["https://payroll.example/one"]`,
	} {
		if status, _, answer := w.registration(http.MethodPut, uri, access, `{"client_id": "`+id+`", `+body+`}`); status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
			t.Errorf("afterwards %s: %d %v", name, status, answer)
		}
	}
	paired := w.paired("https://payroll.example/one")
	w.refuses(http.MethodPatch, "/relying-parties/"+paired.ClientID, control.RPChange{Metadata: json.RawMessage(`{"subject_type": "public"}`)}, "strangers")
	w.refuses(http.MethodPatch, "/relying-parties/"+paired.ClientID, control.RPChange{RedirectURIs: []string{"https://shifts.example/"}}, "strangers")
	if err := w.operator(http.MethodPatch, "/relying-parties/"+paired.ClientID, control.RPChange{RedirectURIs: []string{"https://payroll.example/two"}}, new(control.RP)); err != nil {
		t.Errorf("another page of the same host: %v", err)
	}
}

func TestNothingIsFetchedForWhoMayNotRegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), byToken)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(server.Close)
	w.app.Control.Registration.FetchPublic = w.app.Control.Registration.Fetch // as if this machine was a public address
	body := `{` + payroll + `, "sector_identifier_uri": "` + server.URL + `"}`
	for _, token := range []string{"", strings.Repeat("x", 43)} {
		if status, _, answer := w.registration(http.MethodPost, "/register", token, body); status != http.StatusUnauthorized {
			t.Errorf("%d %v", status, answer)
		}
	}
	if asked.Load() != 0 {
		t.Error("a stranger had an address fetched")
	}
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 1})
	if status, _, _ := w.registration(http.MethodPost, "/register", token, body); status != http.StatusBadRequest || asked.Load() != 1 {
		t.Errorf("%d, asked %d times", status, asked.Load())
	}
	w.itself(token, `{`+payroll+`}`) // a mistake costs no use
}
