package robot_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/robot"
	"github.com/portvakt/portvakt/internal/secret"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

func puzzle(t testing.TB) robot.Puzzle {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return robot.Puzzle{Keys: k, Max: 200}
}

func solve(t testing.TB, c recovery.Challenge) string {
	t.Helper()
	for n := 0; n <= c.Max; n++ {
		sum := sha256.Sum256([]byte(c.Salt + strconv.Itoa(n)))
		if hex.EncodeToString(sum[:]) == c.Challenge {
			return strconv.Itoa(n)
		}
	}
	t.Fatal("no answer")
	return ""
}

func TestAnAnswerCountsForItsPurposeItsContextAndItsTime(t *testing.T) {
	p := puzzle(t)
	c := p.Challenge("recovery", "attempt", now)
	n := solve(t, c)
	id, expires, err := p.Check("recovery", "attempt", c.Token+"."+n, now.Add(9*time.Minute))
	if err != nil || id == "" || !expires.Equal(now.Add(robot.Life)) {
		t.Fatalf("%q %s %v", id, expires, err)
	}
	wrong := "0"
	if n == "0" {
		wrong = "1"
	}
	for name, err := range map[string]error{
		"wrong number":    check(p, "recovery", "attempt", c.Token+"."+wrong, now),
		"another purpose": check(p, "link", "attempt", c.Token+"."+n, now),
		"another context": check(p, "recovery", "other", c.Token+"."+n, now),
		"late":            check(p, "recovery", "attempt", c.Token+"."+n, now.Add(robot.Life)),
		"another key":     check(puzzle(t), "recovery", "attempt", c.Token+"."+n, now),
		"no number":       check(p, "recovery", "attempt", c.Token, now),
		"empty":           check(p, "recovery", "attempt", "", now),
		"not a number":    check(p, "recovery", "attempt", c.Token+".x", now),
	} {
		if !errors.Is(err, robot.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func check(p robot.Puzzle, purpose, bound, answer string, at time.Time) error {
	_, _, err := p.Check(purpose, bound, answer, at)
	return err
}

func FuzzCheck(f *testing.F) {
	p := puzzle(f)
	c := p.Challenge("recovery", "a", now)
	good := c.Token + "." + solve(f, c)
	f.Add(good)
	f.Add(".")
	f.Fuzz(func(t *testing.T, answer string) {
		id, _, err := p.Check("recovery", "a", answer, now)
		if err == nil && id != c.Salt {
			t.Errorf("%q counts", answer)
		}
	})
}
