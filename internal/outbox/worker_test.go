package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// courier is the other side: it notes what it gets and answers as it is told.
type courier struct {
	mu     sync.Mutex
	got    []string
	answer error
}

func (c *courier) Send(_ context.Context, m outbox.Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, m.Params["text"])
	return c.answer
}

func (c *courier) say(err error) { c.mu.Lock(); defer c.mu.Unlock(); c.answer = err }

func (c *courier) heard() string { c.mu.Lock(); defer c.mu.Unlock(); return fmt.Sprint(c.got) }

type scene struct {
	t       *testing.T
	db      *store.DB
	now     time.Time
	courier *courier
	worker  *outbox.Worker
}

func each(t *testing.T, play func(t *testing.T, s *scene)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := &scene{t: t, db: db, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC), courier: &courier{}}
		s.worker = s.newWorker()
		play(t, s)
	})
}

func (s *scene) newWorker() *outbox.Worker {
	return &outbox.Worker{Store: s.db, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Senders: map[outbox.Channel]outbox.Sender{outbox.Mail: s.courier}}
}

func (s *scene) enqueue(text string, shape func(*outbox.Message)) {
	s.t.Helper()
	m := outbox.New(outbox.Mail, "note", "anna@x.example", s.now)
	m.Params["text"] = text
	if shape != nil {
		shape(&m)
	}
	if err := store.InTx[outbox.Enqueuer](s.db)(s.t.Context(), func(tx outbox.Enqueuer) error { return tx.Enqueue(s.t.Context(), m) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) round() int {
	s.t.Helper()
	n, err := s.worker.Round(s.t.Context(), "one")
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *scene) want(heard string) {
	s.t.Helper()
	if got := s.courier.heard(); got != heard {
		s.t.Errorf("delivered %s, want %s", got, heard)
	}
}

func TestAnUrgentMessageOvertakesOthersAndNothingLeavesEarly(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.enqueue("news", nil)
		s.enqueue("later", func(m *outbox.Message) { m.NotBefore = s.now.Add(time.Minute) })
		s.enqueue("link", func(m *outbox.Message) { m.Lane = outbox.Urgent })
		batch, err := s.db.Lease(t.Context(), "one", outbox.Mail, 1, s.now, s.now.Add(time.Minute))
		if err != nil || len(batch) != 1 || batch[0].Params["text"] != "link" {
			t.Fatalf("first came %v %v", batch, err)
		}
		s.round()
		s.want("[news]")
		s.now = s.now.Add(2 * time.Minute) // the lease of the first has ended, the last is due
		s.round()
		if got := s.courier.heard(); got != "[news link later]" && got != "[news later link]" {
			t.Errorf("delivered %s", got)
		}
	})
}

func TestAMessageInHandIsNobodyElses(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for i := range 40 {
			s.enqueue(fmt.Sprint(i), nil)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var group sync.WaitGroup
		for w := range 4 {
			group.Go(func() {
				for {
					batch, err := s.db.Lease(context.Background(), fmt.Sprint(w), outbox.Mail, 3, s.now, s.now.Add(time.Minute))
					if err != nil {
						t.Error(err)
						return
					}
					if len(batch) == 0 {
						return
					}
					mu.Lock()
					for _, m := range batch {
						seen[m.ID]++
					}
					mu.Unlock()
				}
			})
		}
		group.Wait()
		for id, n := range seen {
			if n != 1 {
				t.Errorf("message %s was leased %d times", id, n)
			}
		}
		if len(seen) == 0 {
			t.Error("nothing was leased")
		}
	})
}

func TestAWorkerThatDiesBetweenSendingAndNotingLeavesTheSameMessageToAnother(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
		if err != nil {
			t.Fatal(err)
		}
		s.enqueue("link", func(m *outbox.Message) { m.SealSecret(k, "hush", s.now) })
		first, err := s.db.Lease(t.Context(), "dies", outbox.Mail, 1, s.now, s.now.Add(time.Minute))
		if err != nil || len(first) != 1 {
			t.Fatalf("%v %v", first, err)
		}
		if n := s.round(); n != 0 {
			t.Error("another worker took it at once")
		}
		s.now = s.now.Add(time.Minute)
		second, err := s.db.Lease(t.Context(), "two", outbox.Mail, 1, s.now, s.now.Add(time.Minute))
		if err != nil || len(second) != 1 || second[0].ID != first[0].ID {
			t.Fatalf("%v %v", second, err)
		}
		if token, err := second[0].OpenSecret(k, s.now); err != nil || token.Reveal() != "hush" {
			t.Errorf("the retry carries another secret: %v", err)
		}
		if err := s.db.Accepted(t.Context(), second[0], "", s.now); err != nil {
			t.Fatal(err)
		}
		if err := s.db.Postponed(t.Context(), first[0], s.now, "the dead one comes back", outbox.Turn{Kind: outbox.Postponed, At: s.now}); err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(time.Hour)
		if n := s.round(); n != 0 {
			t.Error("an accepted message came back")
		}
	})
}

func TestATemporaryNoIsTriedAgainLaterAndLater(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.enqueue("a", nil)
		s.courier.say(errors.New("later"))
		s.round()
		if n := s.round(); n != 0 {
			t.Error("tried again at once")
		}
		s.now = s.now.Add(outbox.Delay(1))
		s.round()
		s.now = s.now.Add(outbox.Delay(1))
		if n := s.round(); n != 0 {
			t.Error("the second pause is no longer than the first")
		}
		s.courier.say(nil)
		s.now = s.now.Add(outbox.Delay(2))
		s.round()
		s.now = s.now.Add(time.Hour)
		s.round()
		s.want("[a a a]")
	})
}

func TestAFinalNoAndAnExpiredMessageAreNotTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.enqueue("refused", nil)
		s.enqueue("expired", func(m *outbox.Message) { m.NotBefore, m.Expires = s.now.Add(time.Minute), s.now.Add(time.Minute) })
		s.courier.say(fmt.Errorf("%w: no such user", outbox.ErrRefused))
		s.round()
		s.courier.say(nil)
		s.now = s.now.Add(time.Hour)
		s.round()
		s.want("[refused]")
	})
}

// clerk prepares as recovery does: it decides, and changes the message.
type clerk struct{ err error }

func (c clerk) Prepare(_ context.Context, m outbox.Message) (outbox.Message, error) {
	m.Prepared = true
	m.Params = map[string]string{"text": "prepared " + m.Params["text"]}
	return m, c.err
}

func TestAPreparerDecidesBeforeAnythingIsSent(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		for name, c := range map[string]clerk{"good": {}, "drop": {fmt.Errorf("%w: nobody", outbox.ErrDrop)}, "down": {errors.New("database down")}} {
			s.enqueue(name, func(m *outbox.Message) { m.Template = name })
			if s.worker.Preparers == nil {
				s.worker.Preparers = map[string]outbox.Preparer{}
			}
			s.worker.Preparers[name] = c
		}
		s.round()
		s.want("[prepared good]")
		s.worker.Preparers["down"], s.worker.Preparers["drop"] = clerk{}, clerk{}
		s.now = s.now.Add(time.Hour)
		s.round()
		s.want("[prepared good prepared down]") // dropped is dropped
	})
}

func TestDelaysDoubleUpToAQuarterOfAnHour(t *testing.T) {
	for n, want := range map[int]time.Duration{1: 2 * time.Second, 2: 4 * time.Second, 5: 32 * time.Second, 10: 15 * time.Minute, 1000: 15 * time.Minute} {
		if got := outbox.Delay(n); got != want {
			t.Errorf("the pause before try %d is %s, want %s", n, got, want)
		}
	}
}

// TestAPushIsTriedAgainWithinItsTwoMinutes: with the pauses of mail there would be six tries, the last half a minute apart.
func TestAPushIsTriedAgainWithinItsTwoMinutes(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.worker.Senders = map[outbox.Channel]outbox.Sender{outbox.Push: s.courier}
		s.courier.say(errors.New("down"))
		s.enqueue("p", func(m *outbox.Message) { m.Channel, m.Expires = outbox.Push, s.now.Add(2*time.Minute) })
		start := s.now
		var tries []int
		for s.now.Before(start.Add(3 * time.Minute)) {
			if s.round() > 0 {
				tries = append(tries, int(s.now.Sub(start).Seconds()))
			}
			s.now = s.now.Add(time.Second)
		}
		// The last round finds it expired and sends nothing.
		if got, want := fmt.Sprint(tries), "[0 1 3 7 15 30 45 60 75 90 105 120]"; got != want {
			t.Errorf("tried at %s, want %s", got, want)
		}
		s.want("[" + strings.TrimSpace(strings.Repeat("p ", 11)) + "]")
	})
}

func TestTheOtherSideSaysWhenItWantsToBeAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		s.enqueue("soon", func(m *outbox.Message) { m.Expires = s.now.Add(2 * time.Minute) })
		s.courier.say(outbox.Later{Err: errors.New("busy"), After: 40 * time.Second})
		s.round()
		s.courier.say(nil)
		s.now = s.now.Add(39 * time.Second)
		s.round()
		s.want("[soon]")
		s.now = s.now.Add(time.Second)
		s.round()
		s.want("[soon soon]")

		s.enqueue("tomorrow", func(m *outbox.Message) { m.Expires = s.now.Add(2 * time.Minute) })
		s.courier.say(outbox.Later{Err: errors.New("busy"), After: 24 * time.Hour})
		s.round()
		s.courier.say(nil)
		s.now = s.now.Add(2*time.Minute - time.Second)
		if n := s.round(); n != 0 {
			t.Error("asked before it wants to be asked")
		}
		s.now = s.now.Add(time.Second)
		if n := s.round(); n != 1 {
			t.Error("a message whose time has passed rests in the queue")
		}
		s.want("[soon soon tomorrow]")
	})
}

// TestABellSendsAPushAtOnce: with pauses of an hour, only the bell can have done it.
func TestABellSendsAPushAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		heard := make(chan struct{}, 4)
		s.worker.Senders = map[outbox.Channel]outbox.Sender{outbox.Push: sendFunc(func() { heard <- struct{}{} })}
		s.worker.Idle = time.Hour
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); s.worker.Run(ctx) }() //nolint:errcheck // it returns nil
		defer func() { stop(); <-ended }()
		for range 3 {
			s.enqueue("p", func(m *outbox.Message) { m.Channel = outbox.Push })
			s.worker.Ring()
			<-heard
		}
	})
}

// shelf is a store of which the test says what lies in it.
type shelf struct {
	outbox.Store
	mu    sync.Mutex
	looks int
	due   []outbox.Message
	err   error
}

func (s *shelf) Lease(_ context.Context, _ string, _ outbox.Channel, n int, _, _ time.Time) ([]outbox.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	n = min(n, len(s.due))
	batch := s.due[:n]
	s.due = s.due[n:]
	return batch, s.err
}

func (s *shelf) Accepted(context.Context, outbox.Message, string, time.Time) error { return nil }

// see looks at it, or changes it, while nobody else does.
func (s *shelf) see(look func()) { s.mu.Lock(); defer s.mu.Unlock(); look() }

// hanging is another side that takes its time until it is let go.
type hanging chan struct{}

func (h hanging) Send(context.Context, outbox.Message) error { <-h; return nil }

func TestOneLooksForAllAndAnotherWhileItDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		there, free := &shelf{}, make(hanging)
		w := &outbox.Worker{Store: there, Now: time.Now, Log: slog.New(slog.DiscardHandler), Senders: map[outbox.Channel]outbox.Sender{outbox.Logout: free}}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); w.Run(ctx) }() //nolint:errcheck // it returns nil
		looked := func(after time.Duration) (n int) {
			t.Helper()
			there.see(func() { n = -there.looks })
			time.Sleep(after)
			synctest.Wait()
			there.see(func() { n += there.looks })
			return n
		}
		left := func() (n int) { there.see(func() { n = len(there.due) }); return n }
		looked(10 * time.Second)
		if n := looked(10 * time.Second); n != 40 {
			t.Errorf("%d looks in ten seconds at rest", n)
		}
		message := outbox.Message{Channel: outbox.Logout, Expires: time.Now().Add(time.Hour)}
		there.see(func() { there.due = slices.Repeat([]outbox.Message{message}, 20) })
		looked(time.Second)
		if left := left(); left != 12 { // four loops hold two each
			t.Errorf("%d of 20 wait behind the ones that hang", left)
		}
		close(free)
		looked(time.Second)
		if left := left(); left != 0 {
			t.Errorf("%d are left", left)
		}
		there.see(func() { there.err = errors.New("the database is away") })
		if n := looked(10 * time.Second); n != 40 {
			t.Errorf("%d looks in ten seconds while the database is away", n)
		}
		stop()
		<-ended
	})
}

func TestABellThatNobodyHearsKeepsNobodyWaiting(t *testing.T) {
	w := &outbox.Worker{}
	for range 100 {
		w.Ring()
	}
}

// sendFunc accepts and tells that it did.
type sendFunc func()

func (f sendFunc) Send(context.Context, outbox.Message) error { f(); return nil }
