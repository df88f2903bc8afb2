package relyingparty_test

import (
	"regexp"
	"testing"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
)

func rp(redirects ...string) relyingparty.RP {
	return relyingparty.RP{Name: "HRM", RedirectURIs: redirects, IDTokenAlg: "ES256", RequirePKCE: true}
}

func TestRedirectURIsMatchAsStringsButForALoopbackPort(t *testing.T) {
	r := rp("https://hrm.example/callback", "http://127.0.0.1/done", "http://[::1]:4000/done", "http://localhost:8081/callback", "com.example.app:/done")
	for uri, want := range map[string]bool{
		"https://hrm.example/callback":          true,
		"https://hrm.example/callback/":         false,
		"https://hrm.example/callback?x=1":      false,
		"https://hrm.example/Callback":          false,
		"https://HRM.example/callback":          false,
		"https://hrm.example:443/callback":      false,
		"https://hrm.example.evil.example/":     false,
		"http://hrm.example/callback":           false,
		"https://hrm.example/a/../callback":     false,
		"http://127.0.0.1:51234/done":           true,
		"http://127.0.0.1/done":                 true,
		"http://127.0.0.1:51234/done#x":         false,
		"http://127.0.0.1:51234/other":          false,
		"http://127.0.0.2:51234/done":           false,
		"http://x@127.0.0.1:51234/done":         false,
		"https://127.0.0.1:51234/done":          false,
		"http://[::1]:51234/done":               true,
		"http://localhost:8081/callback":        true,
		"http://localhost:9999/callback":        false,
		"com.example.app:/done":                 true,
		"com.example.app:/done2":                false,
		"":                                      false,
		"https://hrm.example/callback\nX: y":    false,
		"http://127.0.0.1:51234/done?a=b":       false,
		"HTTP://127.0.0.1:51234/done":           false,
		"http://127.0.0.1:/done":                false,
		"http://127.0.0.1:0/done":               false,
		"http://127.0.0.1:65536/done":           false,
		"http://127.0.0.1:51234/x/done":         false,
		"http://127.0.0.1:51234%2f@evil/done":   false,
		"http://127.0.0.1:51234\\@evil.ex/done": false,
	} {
		if got := r.MatchRedirect(uri); got != want {
			t.Errorf("%q: %t, want %t", uri, got, want)
		}
	}
}

func FuzzMatchRedirect(f *testing.F) {
	r := rp("https://hrm.example/callback", "http://127.0.0.1/done")
	f.Add("https://hrm.example/callback")
	f.Add("http://127.0.0.1:9/done")
	f.Add("http://127.0.0.1:9@evil.example/done")
	f.Fuzz(func(t *testing.T, uri string) {
		if !r.MatchRedirect(uri) || uri == r.RedirectURIs[0] || uri == r.RedirectURIs[1] {
			return
		}
		if !regexp.MustCompile(`^http://127\.0\.0\.1:[1-9][0-9]{0,4}/done$`).MatchString(uri) {
			t.Errorf("%q is let through", uri)
		}
	})
}

func TestWhatARegistrationMayHold(t *testing.T) {
	good := rp("https://hrm.example/callback")
	good.Secret = secret.HashOf("x")
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*relyingparty.RP){
		"no name":                    func(r *relyingparty.RP) { r.Name = " " },
		"no redirect URI":            func(r *relyingparty.RP) { r.RedirectURIs = nil },
		"a relative one":             func(r *relyingparty.RP) { r.RedirectURIs = []string{"/callback"} },
		"one with a fragment":        func(r *relyingparty.RP) { r.RedirectURIs = []string{"https://hrm.example/#x"} },
		"one with a wildcard":        func(r *relyingparty.RP) { r.RedirectURIs = []string{"https://*.hrm.example/"} },
		"http elsewhere":             func(r *relyingparty.RP) { r.RedirectURIs = []string{"http://hrm.example/"} },
		"javascript":                 func(r *relyingparty.RP) { r.RedirectURIs = []string{"javascript:alert(1)"} },
		"a scheme without a dot":     func(r *relyingparty.RP) { r.RedirectURIs = []string{"myapp:/done"} },
		"an algorithm none":          func(r *relyingparty.RP) { r.IDTokenAlg = "none" },
		"public without PKCE":        func(r *relyingparty.RP) { r.Secret, r.RequirePKCE = secret.Hash{}, false },
		"a logout address over http": func(r *relyingparty.RP) { r.BackchannelLogoutURI = "http://hrm.example/logout" },
		"a start with a user":        func(r *relyingparty.RP) { r.InitiateLoginURI = "https://a:b@hrm.example/" },
	} {
		bad := good
		spoil(&bad)
		if bad.Check() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestWhereAPersonStartsAgain(t *testing.T) {
	r := rp("https://hrm.example/callback")
	if got := r.Start("https://login.example", "a@b.example"); got != "" {
		t.Errorf("%q", got)
	}
	r.ClientURI = "https://hrm.example/"
	if got := r.Start("https://login.example", "a@b.example"); got != "https://hrm.example/" {
		t.Errorf("%q", got)
	}
	r.InitiateLoginURI = "https://hrm.example/login?tenant=1"
	want := "https://hrm.example/login?iss=https%3A%2F%2Flogin.example&login_hint=a%40b.example&tenant=1"
	if got := r.Start("https://login.example", "a@b.example"); got != want {
		t.Errorf("%q", got)
	}
}

func TestTheSectorIsTheHostOfTheRedirectURIsOrOfTheIdentifier(t *testing.T) {
	for want, r := range map[string]relyingparty.RP{
		"payroll.example": rp("https://payroll.example/one", "https://PAYROLL.example:8443/two"),
		"sector.example":  {RedirectURIs: []string{"com.example.app:/done"}, Options: relyingparty.Options{Subjects: relyingparty.Subjects{SectorIdentifierURI: "https://Sector.example/apps.json"}}},
	} {
		if got, err := r.Sector(); err != nil || got != want {
			t.Errorf("%q %v, want %s", got, err, want)
		}
	}
	for _, r := range []relyingparty.RP{rp(), rp("https://a.example/", "https://b.example/"), rp("com.example.app:/done"), rp("http://127.0.0.1/done"), rp("https://localhost/done")} {
		if got, err := r.Sector(); err == nil {
			t.Errorf("%v is of the sector %q", r.RedirectURIs, got)
		}
	}
}

func TestARequestIsFetchedFromWhatIsRegisteredToTheLetter(t *testing.T) {
	m := relyingparty.Metadata{RequestURIs: []string{"https://payroll.example/r", "https://payroll.example/s#hash"}}
	for at, want := range map[string]bool{
		"https://payroll.example/r":       true,
		"https://payroll.example/r#hash":  true,
		"https://payroll.example/s#hash":  true,
		"https://payroll.example/s":       false,
		"https://payroll.example/s#other": false,
		"https://payroll.example/r?x":     false,
		"https://payroll.example/r/":      false,
		"https://PAYROLL.example/r":       false,
		"":                                false,
		"#":                               false,
	} {
		if m.MatchRequestURI(at) != want {
			t.Errorf("%q: %t", at, !want)
		}
	}
}
