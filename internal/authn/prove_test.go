package authn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

const (
	bo     = account.Identifier("bo.lind@foretaget.example")
	bosOwn = "lugn sjö i morgonljus"
)

// funnel is the funnel over a database in which Bo has a password.
func funnel(t *testing.T, db *store.DB) (*authn.Service, func(authn.Browser, string) error) {
	t.Helper()
	hasher := password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1})
	p := &provisioning.Service{Store: db, InTx: store.InTx[provisioning.Tx](db), Hasher: hasher, Now: time.Now}
	if _, err := p.CreateAccount(t.Context(), provisioning.Newcomer{Address: string(bo), Verified: true, Password: bosOwn}); err != nil {
		t.Fatal(err)
	}
	s := &authn.Service{Store: db, Hasher: hasher, Keys: ring(t), Now: time.Now, Sleep: func(context.Context, time.Duration) {}}
	return s, func(b authn.Browser, pw string) error {
		_, err := authn.Prove(t.Context(), s, store.InTx[authn.Tx](db), b, authn.Password{Identifier: bo, Password: pw},
			func(tx authn.Tx, p authn.Proven) error { return authn.Forgive(t.Context(), s, tx, p, b) })
		return err
	}
}

func TestABusyMachinePausesNobody(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, prove := funnel(t, db)
		idle := s.Hasher
		s.Hasher = password.NewBoundedHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 1, 0)
		b := authn.Browser{Network: "198.51.100.0/24"}
		for range 20 {
			if err := prove(b, bosOwn); !errors.Is(err, authn.ErrBusy) {
				t.Fatalf("want an honest busy, got %v", err)
			}
		}
		s.Hasher = idle
		if err := prove(b, bosOwn); err != nil {
			t.Errorf("after a busy time: %v", err)
		}
	})
}

func TestAPausedNetworkStopsNobodyInABrowserThatIsKnown(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, prove := funnel(t, db)
		office := authn.Browser{Network: "198.51.100.0/24"}
		others := func(i int) authn.Password {
			return authn.Password{Identifier: account.Identifier(string(rune('a'+i%26)) + string(rune('a'+i/26)) + "@x.example"), Password: "guess"}
		}
		for i := range 300 {
			_, err := authn.Prove(t.Context(), s, store.InTx[authn.Tx](db), office, others(i), func(authn.Tx, authn.Proven) error { return nil })
			if !errors.Is(err, authn.ErrWrong) {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
		if err := prove(office, bosOwn); !errors.Is(err, authn.ErrThrottled) {
			t.Errorf("an unknown browser of the network: %v", err)
		}
		bos := authn.Browser{Network: office.Network, Memory: authn.Memory{}.Learn(s.Keys, bo)}
		if err := prove(bos, bosOwn); err != nil {
			t.Errorf("Bo's own browser in the same network: %v", err)
		}
	})
}

// A row of failures ends with a success, wherever that was: otherwise five guesses a day would suspend in twenty days the
// password of somebody who signs in every morning.
func TestASuccessInAKnownBrowserEndsTheRowOfFailures(t *testing.T) {
	db := storetest.SQLite(t)
	s, prove := funnel(t, db)
	at := time.Now()
	s.Now = func() time.Time { return at }
	bos := authn.Browser{Network: "203.0.113.0/24", Memory: authn.Memory{}.Learn(s.Keys, bo)}
	for range 25 {
		for range 5 {
			if err := prove(authn.Browser{Network: "198.51.100.0/24"}, "guess"); !errors.Is(err, authn.ErrWrong) {
				t.Fatal(err)
			}
		}
		at = at.Add(20 * time.Hour)
		if err := prove(bos, bosOwn); err != nil {
			t.Fatalf("Bo, after guesses of strangers: %v", err)
		}
	}
}

func TestTheHundredthTryCountsIfItIsRight(t *testing.T) {
	db := storetest.SQLite(t)
	s, prove := funnel(t, db)
	at := time.Now()
	s.Now = func() time.Time { return at }
	fail := func(n int) {
		for range n {
			if err := prove(authn.Browser{}, "guess"); !errors.Is(err, authn.ErrWrong) {
				t.Fatal(err)
			}
			at = at.Add(31 * time.Minute)
		}
	}
	fail(99)
	if err := prove(authn.Browser{}, bosOwn); err != nil {
		t.Errorf("the hundredth: %v", err)
	}
	fail(100)
	if err := prove(authn.Browser{}, bosOwn); !errors.Is(err, authn.ErrWrong) {
		t.Errorf("after a hundred failures: %v", err)
	}
}
