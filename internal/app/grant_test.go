package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/store"
)

func TestACodeUsedTwiceEndsWhatTheFirstUseGot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.mobile)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		status, first := w.redeem(l, code)
		if status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, first)
		}
		if status, second := w.redeem(l, code); status != http.StatusBadRequest || second["error"] != "invalid_grant" {
			t.Errorf("the second use: %d %v", status, second)
		}
		if status, _ := w.userinfo(first["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("the first use's access token still works: %d", status)
		}
		if status, _ := w.refresh(w.mobile, first["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("the first use's refresh token still works: %d", status)
		}
	})
}

func TestTwentyRedemptionsOfOneCodeOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.mobile)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		won := 0
		for status := range race(20, func() int { status, _ := w.redeem(l, code); return status }) {
			if status == http.StatusOK {
				won++
			} else if status != http.StatusBadRequest {
				t.Errorf("status %d", status)
			}
		}
		if won != 1 {
			t.Errorf("%d of 20 redemptions won", won)
		}
	})
}

// race runs n calls at once and yields their results.
func race[T any](n int, call func() T) func(func(T) bool) {
	results := make([]T, n)
	indexes := make([]int, n)
	for i := range indexes {
		indexes[i] = i
	}
	for range parallel(indexes, func(i int) { results[i] = call() }) {
	}
	return func(yield func(T) bool) {
		for _, r := range results {
			if !yield(r) {
				return
			}
		}
	}
}

func TestACodeIsGoodForItsOwnRequestAlone(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	fresh := func() (rp, string) {
		l := newLogin(w.hrm)
		b.get(l.authorize())
		return l, l.code(t, b.leads())
	}
	for name, spoil := range map[string]func(l *rp, code *string){
		"another verifier":     func(l *rp, _ *string) { l.verifier = newLogin(w.hrm).verifier },
		"no verifier":          func(l *rp, _ *string) { l.verifier = "" },
		"another redirect URI": func(l *rp, _ *string) { l.redirect += "x" },
		"another client":       func(l *rp, _ *string) { l.RP = w.mobile },
		"a wrong secret":       func(l *rp, _ *string) { l.RP.ClientSecret += "x" },
		"a changed code":       func(_ *rp, code *string) { *code = changed(*code) },
		"an expired code":      func(*rp, *string) { w.clock.Advance(61 * time.Second) },
	} {
		l, code := fresh()
		spoil(&l, &code)
		if status, answer := w.redeem(l, code); status == http.StatusOK || answer["error"] == nil || answer["reference"] == nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	l, code := fresh()
	if status, answer := w.redeem(l, code); status != http.StatusOK {
		t.Errorf("the honest one: %d %v", status, answer)
	}
}

func TestACodeDiesWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.hrm)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		b.post("/signout").expect(http.StatusSeeOther)
		if status, answer := w.redeem(l, code); status != http.StatusBadRequest {
			t.Errorf("after sign-out: %d %v", status, answer)
		}
	})
}

func TestPKCEIsAskedForUnlessTheOperatorExemptsAConfidentialClient(t *testing.T) {
	w := on(t)
	c := control.InProcess(w.app.Control.Handler())
	exempt := control.RP{Name: "Old", RedirectURIs: []string{hrmURL + "/old"}}
	var old control.RP
	if err := c.Do(t.Context(), http.MethodPost, "/relying-parties", exempt, &old); err != nil {
		t.Fatal(err)
	}
	exempt.Public = true
	if err := c.Do(t.Context(), http.MethodPost, "/relying-parties", exempt, &old); err == nil {
		t.Error("a public client without PKCE was registered")
	}
	b := w.browser()
	l := newLogin(w.hrm)
	b.get(l.authorize("code_challenge", "")).expect(http.StatusSeeOther)
	if q := mustURL(b.leads()).Query(); q.Get("error") != "invalid_request" || q.Get("iss") != issuer {
		t.Errorf("without a challenge: %q", b.leads())
	}
	b.get(l.authorize("code_challenge_method", "plain"))
	if q := mustURL(b.leads()).Query(); q.Get("error") != "invalid_request" {
		t.Errorf("plain: %q", b.leads())
	}
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	l = newLogin(old)
	l.RP.ClientSecret = old.ClientSecret
	b.get(l.authorize("code_challenge", "", "code_challenge_method", ""))
	code := l.code(t, b.leads())
	if status, answer := w.redeem(l, code); status != http.StatusBadRequest {
		t.Errorf("a verifier without a challenge: %d %v", status, answer)
	}
}

func TestErrorsOfTheRequestTravelByTheBook(t *testing.T) {
	w := on(t)
	l := newLogin(w.hrm)
	for want, extra := range map[string][]string{
		"unsupported_response_type":  {"response_type", "token"},
		"invalid_scope":              {"scope", "profile"},
		"request_not_supported":      {"request", "x.y.z"},
		"request_uri_not_supported":  {"request_uri", "https://x.example/"},
		"registration_not_supported": {"registration", "{}"},
		"invalid_request":            {"max_age", "soon"},
		"login_required":             {"prompt", "none"},
	} {
		b := w.browser()
		b.get(l.authorize(extra...)).expect(http.StatusSeeOther)
		u := mustURL(b.leads())
		if q := u.Query(); !strings.HasPrefix(b.leads(), l.redirect+"?") || q.Get("error") != want || q.Get("state") != l.state || q.Get("iss") != issuer {
			t.Errorf("%v: %q", extra, b.leads())
		}
	}
	b := w.browser()
	b.get(l.authorize() + "&scope=openid").expect(http.StatusSeeOther)
	if !strings.Contains(b.leads(), "error=invalid_request") {
		t.Errorf("a repeated parameter: %q", b.leads())
	}
}

func TestRedemptionAndRefreshAreOneTransactionEach(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.mobile)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		before := w.app.DB.Counts()
		_, answer := w.redeem(l, code)
		redeem := minus(w.app.DB.Counts(), before)
		before = w.app.DB.Counts()
		w.refresh(w.mobile, answer["refresh_token"].(string))
		refresh := minus(w.app.DB.Counts(), before)
		before = w.app.DB.Counts()
		w.userinfo(answer["access_token"].(string))
		userinfo := minus(w.app.DB.Counts(), before)
		before = w.app.DB.Counts()
		b.get("/.well-known/openid-configuration").get("/jwks")
		public := minus(w.app.DB.Counts(), before)
		for _, c := range []struct {
			name string
			got  store.Counts
			want store.Counts
		}{
			{"redemption", redeem, store.Counts{Reads: 1, Writes: 3, Commits: 1}},
			{"refresh", refresh, store.Counts{Reads: 1, Writes: 2, Commits: 1}},
			{"userinfo", userinfo, store.Counts{Reads: 1}},
			{"discovery and JWKS", public, store.Counts{}},
		} {
			if c.got != c.want {
				t.Errorf("%s cost %+v, want %+v: one more is a decision", c.name, c.got, c.want)
			}
		}
	})
}

func minus(a, b store.Counts) store.Counts {
	return store.Counts{Reads: a.Reads - b.Reads, Writes: a.Writes - b.Writes, Commits: a.Commits - b.Commits}
}

func TestTheLastRefreshTokenMayBeReplayedForAMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.browser().tokens(w.mobile)["refresh_token"].(string)
		_, answer := w.refresh(w.mobile, first)
		second := answer["refresh_token"].(string)
		if second == first {
			t.Fatal("the token did not rotate")
		}
		w.clock.Advance(9 * time.Second)
		for range grant.MaxReplays {
			if status, again := w.refresh(w.mobile, first); status != http.StatusOK || again["refresh_token"] != second {
				t.Errorf("a replay within the window: %d, the same successor: %t", status, again["refresh_token"] == second)
			}
		}
		if status, _ := w.refresh(w.mobile, first); status != http.StatusBadRequest {
			t.Errorf("a replay too many: %d", status)
		}
		if status, _ := w.refresh(w.mobile, second); status != http.StatusOK {
			t.Errorf("the honest app was signed out by replays: %d", status)
		}
		if status, _ := w.refresh(w.mobile, first); status != http.StatusBadRequest {
			t.Errorf("a token whose successor was used: %d", status)
		}
	})
}

func TestAReusedRefreshTokenEndsTheFamilyAndThePersonIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		answer := w.browser().tokens(w.mobile)
		first, access := answer["refresh_token"].(string), answer["access_token"].(string)
		_, answer = w.refresh(w.mobile, first)
		second := answer["refresh_token"].(string)
		w.clock.Advance(11 * time.Second)
		if status, _ := w.refresh(w.mobile, first); status != http.StatusBadRequest {
			t.Errorf("the stolen token: %d", status)
		}
		if status, _ := w.refresh(w.mobile, second); status != http.StatusBadRequest {
			t.Errorf("its family lives on: %d", status)
		}
		if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
			t.Errorf("its access token lives on: %d", status)
		}
		w.refresh(w.mobile, first)
		w.deliver()
		mails := w.post.news(bosAddress)
		if len(mails) != 1 || !strings.Contains(mails[0], "HRM Mobile") {
			t.Errorf("%d mails about it: %v", len(mails), mails)
		}
	})
}

func TestTwentyRefreshesAtOnceRotateOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		first := w.browser().tokens(w.mobile)["refresh_token"].(string)
		successors := map[any]bool{}
		granted := 0
		for answer := range race(20, func() map[string]any { _, a := w.refresh(w.mobile, first); return a }) {
			if next := answer["refresh_token"]; next != nil {
				successors[next] = true
				granted++
			}
		}
		if len(successors) != 1 || granted != 1+grant.MaxReplays {
			t.Errorf("%d answers with %d different successors, want %d with one", granted, len(successors), 1+grant.MaxReplays)
		}
	})
}

func TestAFamilyEndsWithItsSessionUnlessItIsOffline(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		bound := b.tokens(w.mobile)["refresh_token"].(string)
		l := newLogin(w.mobile)
		b.get(l.authorize("scope", "openid offline_access"))
		_, answer := w.redeem(l, l.code(t, b.leads()))
		offline := answer["refresh_token"].(string)

		b.get("/account").shows("Behåller sin åtkomst även när du har loggat ut.").shows("HRM Mobile")

		w.clock.Advance(2 * time.Hour) // idle ends single sign-on only
		status, answer := w.refresh(w.mobile, bound)
		if status != http.StatusOK {
			t.Fatalf("after two idle hours: %d %v", status, answer)
		}
		bound = answer["refresh_token"].(string)
		b.post("/signout")
		if status, _ := w.refresh(w.mobile, bound); status != http.StatusBadRequest {
			t.Errorf("after sign-out: %d", status)
		}
		if status, _ := w.refresh(w.mobile, offline); status != http.StatusOK {
			t.Errorf("an offline family after sign-out: %d", status)
		}
	})
}

func TestRevocationEndsTheFamilyAndTellsStrangersNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		answer := w.browser().tokens(w.mobile)
		token := answer["refresh_token"].(string)
		for _, c := range []struct {
			rp    control.RP
			token string
		}{{w.hrm, token}, {w.mobile, "unknown"}, {w.mobile, changed(token)}} {
			if status, body := w.call("/revoke", c.rp, "token", c.token); status != http.StatusOK {
				t.Errorf("revoking what is not one's own: %d %v", status, body)
			}
		}
		status, answer := w.refresh(w.mobile, token)
		if status != http.StatusOK {
			t.Fatalf("a stranger revoked the family: %d", status)
		}
		w.call("/revoke", w.mobile, "token", answer["access_token"].(string))
		if status, _ := w.refresh(w.mobile, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("after revocation: %d", status)
		}
	})
}

func TestSignOutTellsTheRPsByTheBackChannel(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var got []url.Values
		answers := []int{http.StatusServiceUnavailable, http.StatusOK}
		hrm := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			r.ParseForm() //nolint:errcheck // judged below
			got = append(got, r.PostForm)
			rw.WriteHeader(answers[min(len(got)-1, 1)])
		}))
		defer hrm.Close()
		c := control.InProcess(w.app.Control.Handler())
		var told control.RP
		in := control.RP{Name: "Told", RedirectURIs: []string{hrmURL + "/told"}, BackchannelLogoutURI: hrm.URL + "/logout", PKCE: true}
		if err := c.Do(t.Context(), http.MethodPost, "/relying-parties", in, &told); err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		idToken := b.tokens(told)["id_token"].(string)
		b.signIn2(newLogin(w.hrm))
		b.post("/signout")
		w.deliver()
		w.clock.Advance(time.Minute)
		w.deliver()
		mu.Lock()
		defer mu.Unlock()
		if len(got) != 2 {
			t.Fatalf("%d calls, want one that failed and one that was accepted", len(got))
		}
		first, second := claims(t, got[0].Get("logout_token")), claims(t, got[1].Get("logout_token"))
		id := claims(t, idToken)
		for _, c := range []map[string]any{first, second} {
			if c["iss"] != issuer || c["aud"] != told.ClientID || c["sub"] != id["sub"] || c["sid"] != id["sid"] || c["nonce"] != nil ||
				!strings.Contains(fmt.Sprint(c["events"]), "backchannel-logout") || c["exp"].(float64)-c["iat"].(float64) != 120 {
				t.Errorf("logout token: %v", c)
			}
		}
		if first["jti"] == second["jti"] {
			t.Error("the second try carried the first one's jti")
		}
	})
}

// signIn2 answers another RP's request from the standing session.
func (b *browser) signIn2(l rp) {
	b.w.t.Helper()
	b.get(l.authorize())
	l.code(b.w.t, b.leads())
}

func TestEndSessionAsksUnlessTheHintNamesThisVerySession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		hint := b.tokens(w.hrm)["id_token"].(string)
		after := url.Values{"post_logout_redirect_uri": {hrmURL + "/out"}, "state": {"s1"}, "client_id": {w.hrm.ClientID}}

		b.get("/end_session?" + after.Encode()).follow().expect(http.StatusOK).shows("Vill du logga ut?").shows("HRM")
		b.get("/account").expect(http.StatusOK) // asking signed nobody out

		stranger := w.browser()
		stranger.signIn(newLogin(w.hrm), bosAddress, bosPass)
		after.Set("id_token_hint", hint)
		stranger.get("/end_session?" + after.Encode()).follow().expect(http.StatusOK).shows("Vill du logga ut?")
		stranger.post("/signout", "post_logout_redirect_uri", hrmURL+"/out", "state", "s1", "client_id", w.hrm.ClientID).follow().expect(http.StatusOK)
		if stranger.leads() != hrmURL+"/out?state=s1" {
			t.Errorf("leads to %q", stranger.leads())
		}
		stranger.get("/account").expect(http.StatusSeeOther)

		b.get("/end_session?" + after.Encode()).expect(http.StatusSeeOther)
		if b.leads() != hrmURL+"/out?state=s1" {
			t.Errorf("leads to %q", b.leads())
		}
		b.get("/account").expect(http.StatusSeeOther)
	})
}

func TestACrossSitePostIsAnsweredByItselfAsAGet(t *testing.T) {
	w := on(t)
	l := newLogin(w.hrm)
	for path, form := range map[string]url.Values{
		"/authorize":   mustURL(l.authorize()).Query(),
		"/end_session": {"client_id": {w.hrm.ClientID}},
	} {
		rec := w.serve(crossSite(path, form))
		if rec.Code != http.StatusSeeOther || rec.Header().Get("Location") != path+"?"+form.Encode() || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %q", path, rec.Code, rec.Header().Get("Location"))
		}
	}
}

func TestAnRS256ClientGetsWhatItAsksFor(t *testing.T) {
	w := on(t)
	var rs control.RP
	in := control.RP{Name: "Old stack", RedirectURIs: []string{hrmURL + "/rs"}, PKCE: true, IDTokenAlg: "RS256"}
	if err := control.InProcess(w.app.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", in, &rs); err != nil {
		t.Fatal(err)
	}
	answer := w.browser().tokens(rs)
	if got := header(t, answer["id_token"].(string)); got["alg"] != "RS256" {
		t.Errorf("ID token: %v", got)
	}
	if got := header(t, answer["access_token"].(string)); got["alg"] != "ES256" || got["typ"] != "at+jwt" {
		t.Errorf("access token: %v", got)
	}
}

func TestPersonClaimsGoOnlyToTheRPsOwnOrganisations(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := control.InProcess(w.app.Control.Handler())
		var other control.Organisation
		if err := c.Do(t.Context(), http.MethodPost, "/organisations", control.Organisation{ID: "annan", Name: "Annan AB"}, &other); err != nil {
			t.Fatal(err)
		}
		var foreign control.RP
		in := control.RP{Name: "Foreign", RedirectURIs: []string{hrmURL + "/foreign"}, PKCE: true, Organisations: []string{"annan"}}
		if err := c.Do(t.Context(), http.MethodPost, "/relying-parties", in, &foreign); err != nil {
			t.Fatal(err)
		}
		_, info := w.userinfo(w.browser().tokens(foreign)["access_token"].(string))
		if info["given_name"] != "Bo" || info["urn:portvakt:person"] != nil {
			t.Errorf("a foreign organisation's RP learnt %v", info)
		}
	})
}

func TestARefusedScopeLeavesTheRefreshTokenAsItWas(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token := w.browser().tokens(w.mobile)["refresh_token"].(string)
		for range 2 {
			status, answer := w.call("/token", w.mobile, "grant_type", "refresh_token", "refresh_token", token, "scope", "openid offline_access")
			if status != http.StatusBadRequest || answer["error"] != "invalid_scope" {
				t.Fatalf("%d %v", status, answer)
			}
			w.clock.Advance(time.Minute)
		}
		if status, answer := w.refresh(w.mobile, token); status != http.StatusOK {
			t.Errorf("afterwards: %d %v", status, answer)
		}
		w.deliver()
		if n := len(w.post.news(bosAddress)); n != 0 {
			t.Errorf("Bo was told of a theft in %d mails", n)
		}
	})
}

// TestAHintedPersonIsTheOneWhoGetsIn (OIDC Core §3.1.2.1, id_token_hint).
func TestAHintedPersonIsTheOneWhoGetsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bos := w.browser()
		hint := bos.tokens(w.hrm)["id_token"].(string)
		l := newLogin(w.hrm)
		bos.get(l.authorize("id_token_hint", hint))
		l.code(t, bos.leads())

		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		l = newLogin(w.hrm)
		if to := w.browser().signIn(rp{l.RP, l.redirect, l.state, l.nonce, l.verifier}, "cilla.berg@foretaget.example", bosPass); !strings.Contains(to, "code=") {
			t.Fatalf("without a hint: %q", to)
		}
		b := w.browser()
		b.get(l.authorize("id_token_hint", hint)).follow()
		b.post(b.action("/signin/"), "address", "cilla.berg@foretaget.example").follow()
		b.post(b.action("/signin/"), "password", bosPass).follow()
		if to := b.leads(); !strings.Contains(to, "error=login_required") || strings.Contains(to, "code=") {
			t.Errorf("somebody else than the hint names: %q", to)
		}
	})
}

// TestAHintKeepsOthersOutWhateverBecameOfItsKey: an app that names a person gets nobody else, also where nobody can read any more whom it names.
func TestAHintKeepsOthersOutWhateverBecameOfItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bos, cillas := w.browser(), w.browser()
		hint := bos.tokens(w.hrm)["id_token"].(string)
		w.newcomer("cilla.berg@foretaget.example", "Cilla", "Berg", bosPass, "1003")
		cillas.signIn(newLogin(w.hrm), "cilla.berg@foretaget.example", bosPass)
		keepsOut := func(what string, b *browser, hint string) {
			t.Helper()
			if to := b.get(newLogin(w.hrm).authorize("prompt", "none", "id_token_hint", hint)).leads(); !strings.Contains(to, "error=login_required") {
				t.Errorf("%s, without a page: %q", what, to)
			}
			if to := b.get(newLogin(w.hrm).authorize("id_token_hint", hint)).leads(); !strings.HasPrefix(to, "/signin/") {
				t.Errorf("%s: %q", what, to)
			}
		}
		for what, hint := range map[string]string{"no token": "x.y.z", "changed": hint[:len(hint)-8] + "AAAAAAAA"} {
			keepsOut(what, cillas, hint)
			keepsOut(what+", herself", bos, hint) // nobody can know
			l := newLogin(w.hrm)
			bos.get(l.authorize("id_token_hint", hint)).follow()
			bos.post(bos.action("/signin/"), "address", bosAddress).follow()
			bos.post(bos.action("/signin/"), "password", bosPass).follow()
			l.code(t, bos.leads())
		}
		keepsOut("good", cillas, hint)
		w.clock.Advance(time.Second)
		if err := w.operator(http.MethodPost, "/keys/signing/replace", nil, new([]control.SigningKey)); err != nil {
			t.Fatal(err)
		}
		keepsOut("by a key that was replaced", cillas, hint)
		l := newLogin(w.hrm)
		l.code(t, bos.get(l.authorize("prompt", "none", "id_token_hint", hint)).leads())
	})
}

func TestANonceAndCodesHaveTheirLimits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		l := newLogin(w.hrm)
		b.get(l.authorize("nonce", strings.Repeat("n", 513)))
		if to := b.leads(); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("a nonce of 513 bytes: %q", to)
		}
		long := strings.Repeat("n", 512)
		b.get(l.authorize("nonce", long))
		l.nonce = long
		status, answer := w.redeem(l, l.code(t, b.leads()))
		if status != http.StatusOK || claims(t, answer["id_token"].(string))["nonce"] != long {
			t.Errorf("a nonce of 512 bytes: %d %v", status, answer)
		}
		if len(l.code(t, b.leads())) > 1024 {
			t.Error("a code longer than RULES allow")
		}
		for range 400 {
			b.get(newLogin(w.hrm).authorize("nonce", long))
			if b.last.StatusCode == http.StatusTooManyRequests {
				return
			}
		}
		t.Error("an account may fill the table of large codes")
	})
}

func TestAProgramIsAnsweredInJSONWhateverItSends(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			method, path, body string
			want               int
		}{
			"eleven megabytes":   {http.MethodPost, "/token", "grant_type=" + strings.Repeat("x", 11<<20), http.StatusRequestEntityTooLarge},
			"broken escapes":     {http.MethodPost, "/token", "grant_type=%zz", http.StatusBadRequest},
			"a NUL as client":    {http.MethodPost, "/token", "grant_type=refresh_token&client_id=%00&refresh_token=x", http.StatusUnauthorized},
			"no UTF-8 as client": {http.MethodPost, "/revoke", "client_id=%ff%fe&token=x", http.StatusBadRequest},
			"another method":     {http.MethodGet, "/token", "", http.StatusMethodNotAllowed},
			"a method of nobody": {"BREW", "/userinfo", "", http.StatusMethodNotAllowed},
		} {
			r := httptest.NewRequest(c.method, issuer+c.path, strings.NewReader(c.body))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec := w.serve(r)
			if rec.Code != c.want || rec.Header().Get("Content-Type") != "application/json" || !strings.Contains(rec.Body.String(), `"reference"`) {
				t.Errorf("%s: %d %s %.200s", name, rec.Code, rec.Header().Get("Content-Type"), rec.Body)
			}
		}
	})
}

// TestWhatIsNoTextFindsNothing: PostgreSQL takes no NUL and no broken UTF-8.
func TestWhatIsNoTextFindsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/authorize?client_id=%00", "/authorize?client_id=%ff", "/brand/%ff/logo", "/brand/%00/style.css",
			"/recovery/new?client_id=%00", "/signin/x?client_id=%ff", "/signin/%00", "/recovery/link/%00%ff", "/preparation/%00%ff", "/end_session?client_id=%00"} {
			b := w.browser()
			if b.get(path); b.last.StatusCode >= 500 {
				t.Errorf("%s: %d", path, b.last.StatusCode)
			}
		}
	})
}
