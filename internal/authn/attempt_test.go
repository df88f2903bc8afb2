package authn_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func ring(t testing.TB) *secret.Keyring {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func cookies(t testing.TB) *authn.AttemptCookies { return authn.NewAttemptCookies(ring(t)) }

func request() authn.Request {
	age := 300
	return authn.Request{ClientID: secret.NewID(), RedirectURI: "https://hrm.example.com/signin-oidc", Scope: "email openid person profile",
		State: secret.NewToken().Reveal() + secret.NewToken().Reveal(), Nonce: secret.NewToken().Reveal(), CodeChallenge: secret.NewToken().Reveal(),
		Prompt: "login", MaxAge: &age, UILocales: "sv en", Received: now}
}

func TestAnAttemptComesOutAsItWentIn(t *testing.T) {
	k := cookies(t)
	a := authn.NewAttempt(request(), "sv", now)
	a.Address, a.Identifier, a.Remember = "Anna.Svensson@Företaget.example", "anna.svensson@xn--fretaget-n4a.example", true
	cookie, err := k.Seal(a, now)
	if err != nil {
		t.Fatal(err)
	}
	if len(cookie) > authn.MaxCookie {
		t.Errorf("a usual request makes a cookie of %d bytes", len(cookie))
	}
	got, err := k.Open(a.ID, cookie, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	got.Begun, got.Request.Received = got.Begun.UTC(), got.Request.Received.UTC()
	if !reflect.DeepEqual(got, a) {
		t.Errorf("got %+v\nwant %+v", got, a)
	}
}

// TestOnlyWhatIsLongIsCompressed: and a node of a former release, which compressed everything, reads both, as this one reads its cookies.
func TestOnlyWhatIsLongIsCompressed(t *testing.T) {
	k := cookies(t)
	short, compressed := 0, 0
	for n := 0; n < 700; n += 1 + n/8 {
		a := authn.NewAttempt(authn.Request{}, "sv", now)
		a.Address = strings.Repeat("anna ", n)
		plain := authn.PlainCookie(k, a, now)
		cookie, err := k.Seal(a, now)
		switch {
		case err != nil:
			t.Fatal(n, err)
		case len(plain) < 850:
			if short++; len(cookie) != len(plain) {
				t.Fatalf("%d: %d bytes became %d", n, len(plain), len(cookie))
			}
		case len(plain) > 900:
			if compressed++; len(cookie) >= len(plain) {
				t.Fatalf("%d: %d bytes became %d", n, len(plain), len(cookie))
			}
		}
		for _, c := range []string{cookie, authn.PackedCookie(k, a, now)} {
			got, err := k.Open(a.ID, c, now)
			if err != nil || got.Address != a.Address || got.Binding != a.Binding {
				t.Fatal(n, err)
			}
		}
		if json, err := io.ReadAll(flate.NewReader(bytes.NewReader(authn.Unsealed(k, a.ID, cookie, now)))); err != nil || !bytes.Contains(json, []byte(a.Binding.Reveal())) {
			t.Fatalf("%d: another node reads %q, %v", n, json, err)
		}
	}
	if short == 0 || compressed == 0 {
		t.Errorf("%d, %d", short, compressed)
	}
}

// TestAttemptsOfManyAtOnceStayApart: whoever packs a cookie does it with what another has just used.
func TestAttemptsOfManyAtOnceStayApart(t *testing.T) {
	k := cookies(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for range 50 {
				a := authn.NewAttempt(request(), "sv", now)
				a.Address = strings.Repeat("å", i*20)
				cookie, err := k.Seal(a, now)
				got, opened := k.Open(a.ID, cookie, now)
				_, torn := k.Open(a.ID, cookie[:len(cookie)-9], now)
				if err != nil || opened != nil || torn == nil || got.Address != a.Address || got.Request.State != a.Request.State {
					t.Errorf("%d: %v, %v, %v", i, err, opened, torn)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestAnAttemptOpensOnlyUnderItsOwnNameAndTime(t *testing.T) {
	k := cookies(t)
	a := authn.NewAttempt(request(), "sv", now)
	cookie, err := k.Seal(a, now)
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() (authn.Attempt, error){
		"another id":      func() (authn.Attempt, error) { return k.Open(secret.NewID(), cookie, now) },
		"another key":     func() (authn.Attempt, error) { return cookies(t).Open(a.ID, cookie, now) },
		"one bit changed": func() (authn.Attempt, error) { return k.Open(a.ID, flip(cookie), now) },
		"cut":             func() (authn.Attempt, error) { return k.Open(a.ID, cookie[:len(cookie)/2], now) },
		"empty":           func() (authn.Attempt, error) { return k.Open(a.ID, "", now) },
		"too long": func() (authn.Attempt, error) {
			return k.Open(a.ID, cookie+strings.Repeat("A", authn.MaxCookie), now)
		},
		"after an hour": func() (authn.Attempt, error) {
			return k.Open(a.ID, cookie, now.Add(time.Hour+time.Millisecond))
		},
		"after a week": func() (authn.Attempt, error) { return k.Open(a.ID, cookie, now.Add(7*24*time.Hour)) },
	} {
		if _, err := open(); !errors.Is(err, authn.ErrAttempt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	late, _ := k.Open(a.ID, cookie, now.Add(2*time.Hour))
	if late.Request.ClientID != a.Request.ClientID {
		t.Error("an expired attempt does not tell its app any more")
	}
}

func flip(s string) string {
	b := []byte(s)
	i := len(b) / 2
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return string(b)
}

func TestARequestThatDoesNotFitIsSaidSo(t *testing.T) {
	r := request()
	for range 20 {
		r.State += secret.NewToken().Reveal()
	}
	if _, err := cookies(t).Seal(authn.NewAttempt(r, "sv", now), now); !errors.Is(err, authn.ErrLarge) {
		t.Errorf("got %v", err)
	}
	body := authn.EncodeRequest(r)
	back, err := authn.DecodeRequest(body, now)
	if err != nil || !reflect.DeepEqual(back, r) {
		t.Errorf("%v %+v", err, back)
	}
}

func TestABrowserRemembersTheLastFiveAndNobodyCanForgeIt(t *testing.T) {
	k := ring(t)
	var m authn.Memory
	for _, id := range []string{"a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example", "f@x.example", "b@x.example"} {
		m = m.Learn(k, identifier(id))
	}
	m.Address = "b@x.example"
	got := authn.OpenMemory(k, m.Seal(k, now), now.Add(300*24*time.Hour))
	if !reflect.DeepEqual(got, m) {
		t.Errorf("%+v, want %+v", got, m)
	}
	for id, want := range map[string]bool{"a@x.example": false, "b@x.example": true, "f@x.example": true, "x@x.example": false} {
		if got.Knows(k, identifier(id)) != want {
			t.Errorf("knows %s: want %t", id, want)
		}
	}
	for name, bad := range map[string]authn.Memory{
		"another key": authn.OpenMemory(ring(t), m.Seal(k, now), now),
		"changed":     authn.OpenMemory(k, flip(m.Seal(k, now)), now),
		"too old":     authn.OpenMemory(k, m.Seal(k, now), now.Add(2*authn.MemoryLife)),
		"absent":      authn.OpenMemory(k, "", now),
	} {
		if !reflect.DeepEqual(bad, authn.Memory{}) {
			t.Errorf("%s: %+v", name, bad)
		}
	}
	if strings.Contains(m.Seal(k, now), "b@x") {
		t.Error("the address stands in the cookie in the clear")
	}
}

func FuzzOpenAttempt(f *testing.F) {
	ring, k := ring(f), cookies(f)
	a := authn.NewAttempt(request(), "sv", now)
	cookie, _ := k.Seal(a, now)
	f.Add(a.ID, cookie)
	f.Add("", "")
	f.Fuzz(func(t *testing.T, id, value string) {
		got, err := k.Open(id, value, now)
		if err == nil && (id != a.ID || value != cookie) {
			t.Errorf("a forged cookie opened: %+v", got)
		}
		authn.OpenMemory(ring, value, now)
	})
}

func identifier(s string) account.Identifier { return account.Identifier(s) }
