package app_test

import (
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
)

// kid is the name of the key that a token is signed by.
func kid(t *testing.T, token any) string {
	t.Helper()
	text, _ := token.(string)
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
	var header struct{ Kid string }
	if err != nil || json.Unmarshal(raw, &header) != nil || header.Kid == "" {
		t.Fatalf("no token: %v", token)
	}
	return header.Kid
}

// published are the names of the keys at /jwks.
func (b *browser) published() (all string) {
	b.w.t.Helper()
	b.get("/jwks").expect(http.StatusOK)
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal([]byte(b.body), &set); err != nil || b.last.Header.Get("Cache-Control") != "public, max-age=300" {
		b.w.t.Fatal(err, b.last.Header)
	}
	for _, k := range set.Keys {
		all += k.Kid + " "
	}
	return all
}

// TestNobodyNoticesThatTheSigningKeyChanges goes through a rotation by schedule, at a node that makes the key and at one that does not.
func TestNobodyNoticesThatTheSigningKeyChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.app
		if strings.HasPrefix(w.settings.Database, "postgres") {
			other = w.start() // SQLite has one node
		}
		b := w.browser()
		before := b.tokens(w.mobile)
		first := kid(t, before["id_token"])
		w.clock.Advance(90*24*time.Hour - 7*time.Minute)
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.published(); len(strings.Fields(got)) != 6 || !strings.Contains(got, first) {
			t.Errorf("published before it is used: %s", got)
		}
		b = w.browser()
		access := b.tokens(w.mobile)
		if kid(t, access["id_token"]) != first {
			t.Error("it signs before every app can know it")
		}
		if err := other.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(7 * time.Minute)
		if status, _ := w.userinfo(access["access_token"].(string)); status != http.StatusOK {
			t.Errorf("an access token of the old key: %d", status)
		}
		status, after := w.callOn(other, "/token", w.mobile, "grant_type", "refresh_token", "refresh_token", access["refresh_token"].(string))
		second := kid(t, after["id_token"])
		if status != http.StatusOK || second == first || !strings.Contains(b.published(), second) {
			t.Errorf("the other node signs by %s: %d", second, status)
		}
		w.clock.Advance(time.Hour)
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := b.published(); len(strings.Fields(got)) != 4 || strings.Contains(got, first) {
			t.Errorf("an hour later: %s", got)
		}
		b.get("/end_session?id_token_hint=" + access["id_token"].(string)).expect(http.StatusSeeOther)
		if to := b.last.Header.Get("Location"); !strings.HasPrefix(to, "/signout/done") {
			t.Errorf("the old key's ID token is no hint any more: %s", to)
		}
	}, func(s *config.Settings) { s.SigningKeyDays = 90 })
}

func TestKeysThatSomebodyMayHaveAreReplacedAtOnce(t *testing.T) {
	w := on(t)
	b := w.browser()
	before := b.tokens(w.hrm)
	w.clock.Advance(time.Second)
	var all []control.SigningKey
	if err := w.operator(http.MethodPost, "/keys/signing/replace", nil, &all); err != nil || len(all) != 4 || !all[3].Distrusted || all[0].Distrusted {
		t.Fatalf("%v %+v", err, all)
	}
	if status, _ := w.userinfo(before["access_token"].(string)); status != http.StatusUnauthorized {
		t.Errorf("an access token of before: %d", status)
	}
	b.get("/end_session?" + url.Values{"id_token_hint": {before["id_token"].(string)}, "client_id": {w.hrm.ClientID}}.Encode()).follow().expect(http.StatusOK).shows("Vill du logga ut?")
	l := newLogin(w.hrm)
	b.get(l.authorize()) // the session is not the key's
	status, after := w.redeem(l, l.code(t, b.leads()))
	if status != http.StatusOK || kid(t, after["id_token"]) == kid(t, before["id_token"]) || strings.Contains(b.published(), kid(t, before["id_token"])) {
		t.Errorf("%d %v", status, after)
	}
}

// TestAnAppsTokensAreSignedAsItAsks: in the first minutes by keys that are made when the first app asks for them, each for one algorithm.
func TestAnAppsTokensAreSignedAsItAsks(t *testing.T) {
	w := on(t)
	b := w.browser()
	if n := len(strings.Fields(b.published())); n != 2 {
		t.Errorf("%d keys, and nobody has asked", n)
	}
	seen := map[string]bool{}
	for _, alg := range []string{"ES256", "RS256", "PS256", "EdDSA"} {
		c := w.register(control.RP{Name: alg, RedirectURIs: []string{hrmURL + "/" + alg}, PKCE: true, IDTokenAlg: alg})
		tokens := w.browser().tokens(c)
		id := tokens["id_token"].(string)
		if header(t, id)["alg"] != alg || seen[kid(t, id)] || !strings.Contains(b.published(), kid(t, id)) {
			t.Errorf("%s: %v", alg, header(t, id))
		}
		seen[kid(t, id)] = true
		want := half(tokens["access_token"].(string))
		if alg == "EdDSA" {
			sum := sha512.Sum512([]byte(tokens["access_token"].(string)))
			want = base64.RawURLEncoding.EncodeToString(sum[:32])
		}
		if got := claims(t, id)["at_hash"]; got != want {
			t.Errorf("%s: at_hash %v, want %s", alg, got, want)
		}
		if to := b.get("/end_session?" + url.Values{"id_token_hint": {id}}.Encode()).last.StatusCode; to != http.StatusSeeOther {
			t.Errorf("%s: as a hint: %d", alg, to)
		}
	}
	if n := len(strings.Fields(b.published())); n != 4 {
		t.Errorf("%d keys", n)
	}
	w.refuses(http.MethodPost, "/relying-parties", control.RP{Name: "x", RedirectURIs: []string{hrmURL + "/x"}, PKCE: true, IDTokenAlg: "HS256"}, "signed by")
}
