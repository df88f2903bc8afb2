package signingkey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// TestWhatWasBelievedOnceIsAskedForAnew: that a signature was found good is remembered, and nothing else about its token.
func TestWhatWasBelievedOnceIsAskedForAnew(t *testing.T) {
	m := master(t)
	s, err := signingkey.Open(keys(t, m), m, clock)
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sign(signingkey.ES256, "at+jwt", map[string]string{"sub": "anna"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		var c struct{ Sub string }
		if err := s.Verify(token, "at+jwt", &c); err != nil || c.Sub != "anna" {
			t.Fatalf("%+v %v", c, err)
		}
		if err := s.Verify(token, "JWT", &c); !errors.Is(err, signingkey.ErrToken) {
			t.Error("an access token is an ID token")
		}
		head, rest, _ := strings.Cut(token, ".")
		payload, mac, _ := strings.Cut(rest, ".")
		for _, other := range []string{head + "." + payload + "." + strings.Repeat("A", len(mac)), head + "." + encode(`{"sub":"eva"}`) + "." + mac, token + "A"} {
			if s.Verify(other, "at+jwt", &c) == nil {
				t.Errorf("%q is believed", other)
			}
		}
	}
	for range 1100 { // more than are remembered
		one, err := s.Sign(signingkey.ES256, "at+jwt", map[string]string{"sub": secret.NewID()})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(one, "at+jwt", &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestARememberedTokenOfARetiredKeyIsOverInItsTime(t *testing.T) {
	m := master(t)
	stored := keys(t, m)
	before, err := signingkey.Open(stored, m, clock)
	if err != nil {
		t.Fatal(err)
	}
	hint, err := before.Sign(signingkey.ES256, "JWT", map[string]string{"sub": "anna"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range stored {
		stored[i].Retired = now
	}
	at := now.Add(time.Hour)
	after, err := signingkey.Open(append(stored, keys(t, m)...), m, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	if err := after.Verify(hint, "JWT", &claims{}); err != nil {
		t.Error("a hint of last week:", err)
	}
	at = now.Add(2 * 365 * 24 * time.Hour)
	if err := after.Verify(hint, "JWT", &claims{}); !errors.Is(err, signingkey.ErrToken) {
		t.Error("a hint of two years ago:", err)
	}
}
