package outbox_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// sender is the other side as a function.
type sender func(outbox.Message) error

func (s sender) Send(_ context.Context, m outbox.Message) error { return s(m) }

// TestASlowServerGetsEachMessageOnce: a batch takes longer than its lease, and another worker is awake.
func TestASlowServerGetsEachMessageOnce(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for i := range 5 {
			s.enqueue(fmt.Sprint(i), nil)
		}
		sent := map[string]int{}
		asleep := true
		other := s.newWorker()
		slow := sender(func(m outbox.Message) error {
			sent[m.Params["text"]]++
			s.now = s.now.Add(25 * time.Second)
			if asleep {
				asleep = false
				defer func() { asleep = true }()
				if _, err := other.Round(t.Context(), "two"); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		s.worker.Senders[outbox.Mail], other.Senders[outbox.Mail] = slow, slow
		for range 10 {
			s.round()
			s.now = s.now.Add(time.Minute)
		}
		if len(sent) != 5 {
			t.Errorf("%d of 5 were sent", len(sent))
		}
		for text, n := range sent {
			if n != 1 {
				t.Errorf("message %s was sent %d times", text, n)
			}
		}
	})
}

// TestWhatADeadProcessHadInHandIsFreeAtTheStart, where the process was alone with its database.
func TestWhatADeadProcessHadInHandIsFreeAtTheStart(t *testing.T) {
	for engine, alone := range map[string]bool{"sqlite": true, "postgres": false} {
		t.Run(engine, func(t *testing.T) {
			open := storetest.Postgres
			if alone {
				open = storetest.SQLite
			}
			s := &scene{t: t, db: open(t), now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), courier: &courier{}}
			s.worker = s.newWorker()
			s.enqueue("link", nil)
			if batch, err := s.db.Lease(t.Context(), "dead", outbox.Mail, 1, s.now, s.now.Add(time.Minute)); err != nil || len(batch) != 1 {
				t.Fatalf("%v %v", batch, err)
			}
			if err := s.db.ReleaseMessages(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.round()
			if sent := s.courier.heard() == "[link]"; sent != alone {
				t.Errorf("sent at once: %t", sent)
			}
			s.now = s.now.Add(time.Minute)
			s.round()
			s.want("[link]")
		})
	}
}

// TestATryThatFailedSaysWhyAndKeepsTheSecret: the log names the message, never what it holds.
func TestATryThatFailedSaysWhyAndKeepsTheSecret(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		var log bytes.Buffer
		s.worker.Log = slog.New(slog.NewTextHandler(&log, nil))
		k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
		if err != nil {
			t.Fatal(err)
		}
		var id string
		var got []string
		s.worker.Senders[outbox.Mail] = sender(func(m outbox.Message) error {
			token, err := m.OpenSecret(k, s.now)
			if err != nil {
				t.Error(err)
			}
			got = append(got, m.ID+" "+token.Reveal())
			if len(got) < 3 {
				return errors.New("connection refused")
			}
			return nil
		})
		s.enqueue("a", func(m *outbox.Message) { m.SealSecret(k, "hush", s.now); id = m.ID })
		for range 4 {
			s.round()
			s.now = s.now.Add(time.Hour)
		}
		if want := id + " hush"; len(got) != 3 || got[0] != want || got[1] != want || got[2] != want {
			t.Errorf("sent %q", got)
		}
		if said := log.String(); !strings.Contains(said, id) || !strings.Contains(said, "connection refused") || strings.Contains(said, "hush") {
			t.Errorf("the log says %s", said)
		}
	})
}
