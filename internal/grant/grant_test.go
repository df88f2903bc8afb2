package grant

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func service(t testing.TB) *Service {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &Service{Keys: k, Sign: &signingkey.Set{}, Issuer: "https://login.example", Now: func() time.Time { return now }}
}

func TestARefreshTokenIsTheSameStringForTheSameGeneration(t *testing.T) {
	s := service(t)
	g := Grant{ID: secret.NewID(), Generation: 7, Created: now.Add(-20 * 24 * time.Hour)}
	token := s.refreshToken(g)
	if again := s.refreshToken(g); again != token {
		t.Error("it differs")
	}
	if id, n, ok := s.parseRefreshToken(token); !ok || id != g.ID || n != 7 {
		t.Errorf("%s %d %t", id, n, ok)
	}
	g.Generation++
	if s.refreshToken(g) == token {
		t.Error("the next generation is the same string")
	}
	if _, _, ok := service(t).parseRefreshToken(token); ok {
		t.Error("another installation reads it")
	}
}

func FuzzParseRefreshToken(f *testing.F) {
	s := service(f)
	g := Grant{ID: secret.NewID(), Generation: 7, Created: now}
	f.Add(s.refreshToken(g))
	f.Add("")
	f.Fuzz(func(t *testing.T, token string) {
		if id, n, ok := s.parseRefreshToken(token); ok && (id != g.ID || n != 7) {
			t.Errorf("%q is a token of %s, %d", token, id, n)
		}
	})
}

func TestWhatAnOldGenerationGets(t *testing.T) {
	for _, c := range []struct {
		story           string
		behind          int
		rotated, former time.Duration // ago
		replays         int
		want            verdict
	}{
		{"the app lost the answer and asks again", 1, 3 * time.Second, time.Hour, 0, replaySame},
		{"for the last time", 1, 3 * time.Second, time.Hour, 2, replaySame},
		{"once too often", 1, 3 * time.Second, time.Hour, 3, refuseOnly},
		{"at the edge of the window", 1, ReplayWindow, time.Hour, 0, replaySame},
		{"after the window", 1, ReplayWindow + time.Millisecond, time.Hour, 0, endFamily},
		{"its successor was used a moment later", 2, 2 * time.Second, 4 * time.Second, 0, refuseOnly},
		{"its successor was used long ago", 2, time.Second, time.Minute, 0, endFamily},
		{"it is older still", 3, time.Second, 2 * time.Second, 0, endFamily},
	} {
		g := Grant{Generation: 10, Rotated: now.Add(-c.rotated), FormerRotated: now.Add(-c.former), Replays: c.replays}
		if got := judgeReplay(g, 10-c.behind, now); got != c.want {
			t.Errorf("%s: %d, want %d", c.story, got, c.want)
		}
	}
	for ago, want := range map[time.Duration]verdict{BoundReplayWindow: replaySame, BoundReplayWindow + time.Millisecond: endFamily} {
		g := Grant{Generation: 10, Rotated: now.Add(-ago), FormerRotated: now.Add(-time.Hour), JKT: "bound"}
		if got := judgeReplay(g, 9, now); got != want {
			t.Errorf("bound to a key, %v ago: %d, want %d", ago, got, want)
		}
	}
}

func TestPKCE(t *testing.T) {
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636, appendix B
	const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	for name, c := range map[string]struct {
		challenge, verifier string
		want                bool
	}{
		"the RFC's example":           {challenge, verifier, true},
		"another verifier":            {challenge, strings.Repeat("a", 43), false},
		"the challenge itself":        {challenge, challenge, false},
		"no verifier":                 {challenge, "", false},
		"a verifier and no challenge": {"", verifier, false},
		"neither":                     {"", "", true},
		"a short verifier":            {challenge, verifier[:42], false},
		"a long verifier":             {challenge, strings.Repeat("a", 129), false},
	} {
		if got := verifies(c.challenge, c.verifier); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func FuzzParseRequest(f *testing.F) {
	rp := relyingparty.RP{ClientID: "hrm", RedirectURIs: []string{"https://hrm.example/callback"}, RequirePKCE: true}
	front := rp
	front.Options.ResponseTypes, front.Options.AnswerSigned = relyingparty.ResponseTypes(), "ES256"
	f.Add("response_type=code+id_token&response_mode=query.jwt&scope=openid&nonce=1")
	f.Add("client_id=hrm&redirect_uri=https%3A%2F%2Fhrm.example%2Fcallback&response_type=code&scope=openid&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256")
	f.Add("scope=openid&scope=x&max_age=-1&prompt=none+login&state=%00%0d%0a")
	s := service(f)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		if r, fault := s.parseRequest(q, front, now); fault == nil && r.ResponseType != "" &&
			!strings.HasPrefix(r.ResponseMode, Fragment) && !strings.HasPrefix(r.ResponseMode, FormPost) {
			t.Errorf("tokens in the query: %+v", r)
		}
		r, fault := s.parseRequest(q, rp, now)
		if fault == nil {
			if !hasScope(r.Scope, "openid") || r.CodeChallenge == "" || r.MaxAge != nil && *r.MaxAge < 0 {
				t.Errorf("accepted %+v", r)
			}
			return
		}
		answer, err := s.failed(t.Context(), rp, authn.Request{RedirectURI: rp.RedirectURIs[0], State: q.Get("state")}, *fault)
		if err == nil {
			answer, err = answer.Numbered("7K2M9QXT")
		}
		if err != nil {
			t.Fatal(err)
		}
		location := answer.Location()
		u, err := url.Parse(location)
		if err != nil || u.Host != "hrm.example" || u.Path != "/callback" || u.Query().Get("iss") != s.Issuer || u.Query().Get("error") == "" ||
			u.Query().Get("state") != q.Get("state") || strings.ContainsAny(location, "\r\n") {
			t.Errorf("%q answers %q", query, location)
		}
		for _, c := range fault.Description {
			if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
				t.Errorf("error_description %q (RFC 6749 §4.1.2.1)", fault.Description)
			}
		}
	})
}

func FuzzOpenCode(f *testing.F) {
	s := service(f)
	good := s.Keys.Seal(codePurpose, "", []byte(`{"i":"1","c":"hrm"}`), now)
	f.Add(good)
	f.Add("")
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, value string) {
		if strings.HasPrefix(value, rowPrefix) {
			return // asks the database
		}
		if c, ok, err := s.openCode(t.Context(), value); err != nil || ok && value != good {
			t.Errorf("%q opens as %+v, %v", value, c, err)
		}
	})
}

// TestOurOwnAddressesAreNoResourceOfAnApps, whatever its registration says: one may be older than the rule.
func TestOurOwnAddressesAreNoResourceOfAnApps(t *testing.T) {
	s := service(t)
	rp := relyingparty.RP{ClientID: "hrm", RedirectURIs: []string{"https://hrm.example/callback"}}
	rp.Options.ResponseTypes, rp.Options.Resources = relyingparty.ResponseTypes(), []string{s.Issuer, s.Issuer + APIPath, "https://payroll.example/api"}
	for _, resource := range rp.Options.Resources {
		q := url.Values{"redirect_uri": rp.RedirectURIs, "response_type": {"code token"}, "scope": {"openid"}, "resource": {resource}}
		if _, fault := s.parseRequest(q, rp, now); (fault != nil) != strings.HasPrefix(resource, s.Issuer) || fault != nil && fault.Code != "invalid_target" {
			t.Errorf("%s: %v", resource, fault)
		}
		if _, err := s.target(rp, resource, ""); (err != nil) != strings.HasPrefix(resource, s.Issuer) {
			t.Errorf("%s, by the back channel: %v", resource, err)
		}
	}
}
