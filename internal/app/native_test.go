package app_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/samples/native"
)

// RoundTrip lets a client of others call the world's Portvakt by its own name.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	in.RemoteAddr = "127.0.0.1:4711"
	w.app.Handler().ServeHTTP(rec, in)
	return rec.Result(), nil
}

// TestAnAppOnAPhoneLogsInByALinkThatItClaims has the sample opened by links: its own, others', and those that somebody has made up.
func TestAnAppOnAPhoneLogsInByALinkThatItClaims(t *testing.T) {
	w := on(t)
	const link = "https://app.vendor.example/callback"
	rp := w.register(control.RP{Name: "Tidrapport", Public: true, PKCE: true, RefreshTokens: true, RedirectURIs: []string{link},
		Options: control.Options{Metadata: relyingparty.Metadata{ApplicationType: "native"}}})
	ctx := oidc.ClientContext(t.Context(), &http.Client{Transport: w})
	app := must(native.NewClaimed(ctx, issuer, rp.ClientID, link))
	login := func(answer func(is string) []string) (native.Person, error) {
		t.Helper()
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		links := make(chan string, 9)
		return app.LogInByLink(ctx, func(address string) error {
			b := w.browser()
			b.get(strings.TrimPrefix(address, issuer)).follow().proves()
			for _, one := range answer(b.leads()) {
				links <- one
			}
			return nil
		}, links)
	}
	first, err := login(func(is string) []string {
		bad := strings.Replace(is, "code=", "code=x", 1) // whoever goes by it is refused
		return []string{strings.Replace(bad, "/callback", "/news", 1), strings.Replace(bad, "app.", "other.", 1), strings.Replace(bad, "state=", "state=x", 1), link, "%", is}
	})
	if err != nil || first.Name != "Bo Lind" || first.Subject == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	if token, err := first.Source.Token(); err != nil || token.RefreshToken == "" {
		t.Errorf("%v, %v", token, err)
	}
	for name, answer := range map[string]func(is string) []string{
		"another provider's": func(is string) []string { return []string{strings.Replace(is, "login.example.com", "evil.example", 1)} },
		"access_denied": func(is string) []string {
			return []string{link + "?error=access_denied&iss=" + issuer + "&state=" + mustURL(is).Query().Get("state")}
		},
		"invalid_grant": func(is string) []string { return []string{strings.Replace(is, "code=", "code=x", 1)} },
	} {
		if who, err := login(answer); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
}
