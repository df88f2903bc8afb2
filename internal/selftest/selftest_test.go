package selftest

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/password"
)

func normal(n int, mean, spread time.Duration) []time.Duration {
	r := rand.New(rand.NewPCG(1, uint64(mean)))
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = mean + time.Duration(r.NormFloat64()*float64(spread))
	}
	return all
}

func TestADifferenceOfThreeMillisecondsIsFound(t *testing.T) {
	c := compare(normal(2000, 403*time.Millisecond, 4*time.Millisecond), normal(2000, 400*time.Millisecond, 4*time.Millisecond))
	if !c.Leaks() {
		t.Errorf("not found: %+v", c)
	}
}

func TestChanceAndTinyDifferencesAreNoLeak(t *testing.T) {
	for name, c := range map[string]Comparison{
		"chance":    compare(normal(2000, 400*time.Millisecond, 4*time.Millisecond), normal(2000, 400*time.Millisecond+1, 4*time.Millisecond)),
		"tiny":      compare(normal(2000, 400*time.Millisecond, time.Millisecond), normal(2000, 401*time.Millisecond, time.Millisecond)),
		"all equal": compare(make([]time.Duration, 50), make([]time.Duration, 50)),
		"one each":  compare([]time.Duration{1}, []time.Duration{time.Hour}),
	} {
		if c.Leaks() {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestTheRankSumAgreesWithATable(t *testing.T) {
	// Two groups of eight without overlap: U = 0, z = 3.361, two-sided p = 0.00078 by the normal approximation.
	a, b := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8}, []time.Duration{9, 10, 11, 12, 13, 14, 15, 16}
	if p := mannWhitney(a, b); p < 0.00077 || p > 0.00079 {
		t.Errorf("p = %f", p)
	}
}

// The verdict itself is not asked here: no test depends on how fast the machine is. What is asked is that every
// visit takes the way that is to be timed.
func TestTheVisitorsTakeTheWholeWay(t *testing.T) {
	cheap := app.Options{Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}, Robot: 20,
		Sleep: func(context.Context, time.Duration) {}}
	r, err := Enumeration(t.Context(), Options{N: 12, Parallel: 3, App: cheap})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []Comparison{r.Password, r.Recovery} {
		if c.Known <= 0 || c.Unknown <= 0 || c.P < 0 || c.P > 1 {
			t.Errorf("%+v", c)
		}
	}
}

// Here too nothing is said of how long it takes: what is asked is that the whole move comes to its end.
func TestARegisterMovesFromItsFileToTheFirstLogins(t *testing.T) {
	if testing.Short() {
		t.Skip("mails go out at a rate")
	}
	cheap := app.Options{Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}, Robot: 20}
	parts := map[string]int{}
	err := Register(t.Context(), RegisterOptions{People: 120, Logins: 3, Parallel: 2, Samples: 1, App: cheap}, func(p Phase) { parts[p.Name] += p.Units })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"import": 120, "the same file again": 120, "pre-flight": 120, "mailing": 117, "confirm, with a password": 3, "first login": 3} {
		if parts[name] != want {
			t.Errorf("%s: %d, want %d", name, parts[name], want)
		}
	}
}
