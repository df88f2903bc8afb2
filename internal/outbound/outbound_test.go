package outbound_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/session"
)

func TestNoPrivateNetworkIsReached(t *testing.T) {
	c := outbound.NewClient(nil)
	for _, target := range []string{"http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://10.0.0.1:1/", "http://172.16.0.1:1/",
		"http://192.168.1.1:1/", "http://169.254.169.254/latest/", "http://[fe80::1]:1/", "http://[fd00::1]:1/", "http://[::ffff:127.0.0.1]:1/",
		"http://[64:ff9b::7f00:1]:1/", "http://[2002:7f00:1::]:1/", "http://0.0.0.0:1/", "http://[::]:1/", "http://100.64.0.1:1/", "http://224.0.0.1:1/",
		"http://255.255.255.255:1/"} {
		answer, err := c.Get(target)
		if err == nil {
			answer.Body.Close()
		}
		if !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestWhatTheOperatorAllowsIsReachedAndNoRedirectIsFollowed(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer inner.Close()
	outer := httptest.NewServer(http.RedirectHandler(inner.URL, http.StatusFound))
	defer outer.Close()
	answer, err := outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Get(outer.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		t.Errorf("status %d", answer.StatusCode)
	}
}

func TestALogoutIsPostedAndItsAnswerIsUnderstood(t *testing.T) {
	for status, want := range map[int]struct{ failed, final bool }{
		200: {false, false}, 204: {false, false}, 400: {true, true}, 404: {true, false}, 500: {true, false}, 302: {true, false},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.PostFormValue("logout_token") != "token of hrm anna s1" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
				t.Errorf("%s %v", r.Method, r.PostForm)
			}
			w.WriteHeader(status)
		}))
		l := outbound.Logout{Clients: outbound.NewClients([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, outbound.Timeout),
			Token: func(_ context.Context, client, subject string, id session.ID) (string, string, bool, error) {
				return "token of " + client + " " + subject + " " + string(id), server.URL, false, nil
			}}
		err := l.Send(t.Context(), outbox.Message{To: "https://former.example/logout", Account: "anna", Params: map[string]string{"client_id": "hrm", "session": "s1"}})
		if (err != nil) != want.failed || errors.Is(err, outbox.ErrRefused) != want.final {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
	}
}
