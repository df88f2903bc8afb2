package vapid_test

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
	"github.com/portvakt/portvakt/internal/vapid"
)

type scene struct {
	t      *testing.T
	db     *store.DB
	master *secret.Master
	now    time.Time
}

func each(t *testing.T, play func(t *testing.T, s *scene)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m, err := secret.ParseMaster(secret.NewMasterKey())
		if err != nil {
			t.Fatal(err)
		}
		play(t, &scene{t: t, db: db, master: m, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)})
	})
}

// node is another process on the same database.
func (s *scene) node() *vapid.Keys {
	return &vapid.Keys{Store: s.db, InTx: store.InTx[vapid.Tx](s.db), Master: s.master, Now: func() time.Time { return s.now }}
}

func (s *scene) tend(k *vapid.Keys) {
	s.t.Helper()
	if err := k.Tend(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) current(k *vapid.Keys) string {
	s.t.Helper()
	id, public, err := k.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := ecdh.P256().NewPublicKey(public); err != nil || len(public) != 65 {
		s.t.Errorf("public key of %d bytes: %v", len(public), err)
	}
	return id
}

func (s *scene) count() int {
	s.t.Helper()
	all, err := s.db.ListVAPIDKeys(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return len(all)
}

func (s *scene) change(do func(tx *store.Tx) error) {
	s.t.Helper()
	if err := store.InTx[*store.Tx](s.db)(s.t.Context(), do); err != nil {
		s.t.Fatal(err)
	}
}

func TestTheFirstKeyIsMadeOnceByTwentyNodes(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		if _, _, err := s.node().Current(t.Context()); !errors.Is(err, vapid.ErrUnknown) {
			t.Errorf("before there is one: %v", err)
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if err := s.node().Tend(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := s.count(); n != 1 {
			t.Errorf("%d keys", n)
		}
	})
}

func TestAKeyGrowsOldAndOtherNodesLearnOfItsSuccessorWithinAMinute(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		one, two := s.node(), s.node()
		s.tend(one)
		old := s.current(one)
		s.now = s.now.Add(180*24*time.Hour - time.Second)
		s.tend(one)
		if s.current(one) != old || s.current(two) != old {
			t.Error("a successor before its time")
		}
		s.now = s.now.Add(time.Second)
		s.tend(one)
		s.tend(two)
		fresh := s.current(one)
		if fresh == old || s.count() != 2 {
			t.Errorf("no successor after 180 days, or several: %d keys", s.count())
		}
		if k, err := two.Find(t.Context(), fresh); err != nil || k.ID != fresh {
			t.Errorf("a subscription with the new key, sent to by another node at once: %v", err)
		}
		s.now = s.now.Add(time.Minute)
		if s.current(two) != fresh {
			t.Error("another node offers the old one after a minute")
		}
	})
}

func TestTheOperatorRotatesAndTheOldKeyStillSigns(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		k := s.node()
		s.tend(k)
		old := s.current(k)
		before, err := k.Find(t.Context(), old)
		if err != nil {
			t.Fatal(err)
		}
		made, err := k.Rotate(t.Context()) // in the same millisecond
		if err != nil || made.ID == old || s.current(k) != made.ID {
			t.Fatalf("%v %v", made.ID, err)
		}
		after, err := k.Find(t.Context(), old)
		if err != nil || !bytes.Equal(before.Private(), after.Private()) || bytes.Equal(made.Private(), after.Private()) {
			t.Errorf("the old key: %v", err)
		}
		all, err := k.List(t.Context())
		if err != nil || len(all) != 2 || all[0].ID != made.ID {
			t.Errorf("the list begins with another one: %v", err)
		}
		if _, err := k.Find(t.Context(), "nobody's"); !errors.Is(err, vapid.ErrUnknown) {
			t.Errorf("an unknown key: %v", err)
		}
	})
}

func TestAKeyWithoutSubscriptionsGoesADayAfterItsSuccessorCame(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		k := s.node()
		s.tend(k)
		old := s.current(k)
		s.now = s.now.Add(time.Hour)
		if _, err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(24 * time.Hour)
		s.tend(k)
		if _, err := k.Find(t.Context(), old); err != nil {
			t.Errorf("gone within a day: %v", err)
		}
		s.now = s.now.Add(time.Second)
		s.tend(k)
		if n := s.count(); n != 1 {
			t.Errorf("%d keys after a day", n)
		}
		if s.current(k) == old {
			t.Error("the wrong one went")
		}
	})
}

// TestAKeyWithASubscriptionStaysUntilTheLastOneIsGone: nobody else's signature is taken for it.
func TestAKeyWithASubscriptionStaysUntilTheLastOneIsGone(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		k := s.node()
		s.tend(k)
		old := s.current(k)
		endpoint := secret.HashOf("https://push.example.com/x")
		s.change(func(tx *store.Tx) error {
			for _, id := range []string{"one", "two"} {
				key := push.Key{ID: id, Account: "anna", Grant: id, VAPID: old, Seen: s.now}
				if err := tx.InsertPushKey(t.Context(), key); err != nil {
					return err
				}
				if err := tx.SaveSubscription(t.Context(), key, endpoint); err != nil {
					return err
				}
			}
			return nil
		})
		if _, err := k.Rotate(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(400 * 24 * time.Hour)
		for _, phone := range []string{"one", "two"} {
			s.tend(k)
			if _, err := k.Find(t.Context(), old); err != nil {
				t.Errorf("gone before %s: %v", phone, err)
			}
			s.change(func(tx *store.Tx) error { return tx.DropSubscription(t.Context(), phone, endpoint) })
		}
		s.tend(k)
		if _, err := k.Find(t.Context(), old); !errors.Is(err, vapid.ErrUnknown) {
			t.Errorf("it outlives its last subscription: %v", err)
		}
	})
}

func TestAnotherMasterKeyOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.tend(s.node())
		other, err := secret.ParseMaster(secret.NewMasterKey())
		if err != nil {
			t.Fatal(err)
		}
		s.master = other
		if _, _, err := s.node().Current(t.Context()); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("opened: %v", err)
		}
	})
}

func TestAKeyIsNotPrinted(t *testing.T) {
	s := &scene{t: t, db: storetest.SQLite(t), now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	s.master, _ = secret.ParseMaster(secret.NewMasterKey())
	k := s.node()
	s.tend(k)
	one, err := k.Find(t.Context(), s.current(k))
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		printed := fmt.Sprintf(form, one)
		if bytes.Contains([]byte(printed), []byte(fmt.Sprint(one.Private())[1:20])) || bytes.Contains([]byte(printed), []byte(fmt.Sprintf("%#v", one.Private())[7:30])) {
			t.Errorf("%s prints the private half", form)
		}
	}
}
