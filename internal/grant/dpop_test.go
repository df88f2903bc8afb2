package grant

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

func TestHTUIsTheEndpointHoweverItIsWritten(t *testing.T) {
	const endpoint = "https://login.example/push/challenges/7k3m"
	for htu, want := range map[string]bool{
		endpoint:          true,
		endpoint + "?a=b": true,
		endpoint + "#a":   true,
		"HTTPS://LOGIN.example:443/push/challenges/7k3m":         true,
		"https://login.example:/push/challenges/7k3m":            true,
		"https://login.example/push/./x/../challenges/7k3m":      true,
		"https://login.example/pus%68/challenges/%37k3m":         true,
		"https://login.example/push/%2e%2e/push/challenges/7k3m": true,
		"http://login.example/push/challenges/7k3m":              false,
		"https://login.example:8443/push/challenges/7k3m":        false,
		"https://login.example:80/push/challenges/7k3m":          false,
		"https://evil.example/push/challenges/7k3m":              false,
		"https://anna@login.example/push/challenges/7k3m":        false,
		"https://login.example/push/challenges/7K3M":             false,
		"https://login.example/push/challenges/7k3m/":            false,
		"https://login.example//push/challenges/7k3m":            false,
		"https://login.example/push%2Fchallenges/7k3m":           false,
		"https://login.example/push/challenges":                  false,
		"//login.example/push/challenges/7k3m":                   false,
		"/push/challenges/7k3m":                                  false,
		"https:login.example/push/challenges/7k3m":               false,
		"https://login.example.:443/push/challenges/7k3m":        false,
		"": false,
	} {
		if got := sameEndpoint(htu, endpoint); got != want {
			t.Errorf("%q: %t", htu, got)
		}
	}
	if !sameEndpoint("https://login.example", "https://login.example/") {
		t.Error("an empty path is the root (RFC 3986 §6.2.3)")
	}
}

func FuzzSameEndpoint(f *testing.F) {
	f.Add("https://login.example/token")
	f.Add("https://login.example/%74oken?x#y")
	f.Add("https://[::1]:443/..//token")
	f.Fuzz(func(t *testing.T, htu string) {
		if once, ok := normalised(htu); ok {
			if twice, ok := normalised(once); !ok || twice != once {
				t.Errorf("%q becomes %q becomes %q", htu, once, twice)
			}
		}
	})
}

func TestANonceLivesAMinuteAndIsOurs(t *testing.T) {
	s := service(t)
	nonce := s.DPoPNonce()
	for after, want := range map[time.Duration]bool{
		0: true, NonceLife - time.Millisecond: true, NonceLife: false, time.Hour: false, 25 * time.Hour: false,
		-nonceSkew: true, -nonceSkew - time.Millisecond: false,
	} {
		if _, ok := s.readNonce(nonce, now.Add(after)); ok != want {
			t.Errorf("after %v: %t", after, ok)
		}
	}
	if _, ok := service(t).readNonce(nonce, now); ok {
		t.Error("another installation reads it")
	}
	for _, foreign := range []string{"", "x", nonce + "A", nonce[1:], s.Keys.Seal(codePurpose, "", make([]byte, 8), now), s.Keys.Seal(noncePurpose, "", nil, now)} {
		if _, ok := s.readNonce(foreign, now); ok {
			t.Errorf("%q is a nonce", foreign)
		}
	}
	if s.DPoPNonce() == nonce {
		t.Error("two nonces of one moment are the same")
	}
}

func TestAProofIsTakenOnce(t *testing.T) {
	var j jtis
	id, other := secret.HashOf("a"), secret.HashOf("b")
	for i, c := range []struct {
		id   secret.Hash
		want jtiVerdict
	}{{id, jtiTaken}, {id, jtiUsed}, {other, jtiTaken}, {id, jtiUsed}, {other, jtiUsed}} {
		if got := j.take(c.id, now, now); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
}

// Whoever floods the memory in order to have a proof forgotten finds its nonce refused instead.
func TestAFloodOfProofsMakesRoomForNoReplay(t *testing.T) {
	var j jtis
	victim := secret.HashOf("victim")
	j.take(victim, now, now)
	later := now.Add(time.Second)
	for range maxJTIs + 1 {
		j.take(secret.HashOf(secret.NewID()), later, later)
		if len(j.taken) > maxJTIs {
			t.Fatalf("it remembers %d", len(j.taken))
		}
	}
	if got := j.take(victim, now, later); got == jtiTaken {
		t.Error("the replay was taken")
	}
	if got := j.take(secret.HashOf("honest"), later.Add(time.Millisecond), later.Add(time.Millisecond)); got != jtiTaken {
		t.Errorf("a fresh nonce is refused: %d", got)
	}
}

func TestWhatHasOutlivedItsNonceMakesRoom(t *testing.T) {
	var j jtis
	for range maxJTIs {
		j.take(secret.HashOf(secret.NewID()), now, now)
	}
	later := now.Add(NonceLife)
	fresh := secret.HashOf("fresh")
	if got := j.take(fresh, later, later); got != jtiTaken || len(j.taken) != 1 || !j.floor.IsZero() {
		t.Errorf("%d, %d remembered, floor %v", got, len(j.taken), j.floor)
	}
}
