package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
)

// Store is what the worker needs of the database. Every method is a transaction of its own.
type Store interface {
	// Lease takes up to n due messages of a channel for the worker until the given time: lanes first, then age. No
	// other worker gets them before then.
	Lease(ctx context.Context, worker string, on Channel, n int, now, until time.Time) ([]Message, error)
	// Accepted records that the message was delivered, and the other side's words, wipes its secret and starts the life of
	// the links that it carried.
	Accepted(ctx context.Context, m Message, words string, now time.Time) error
	// Postponed gives the message back for a later try. The turn says what went wrong.
	Postponed(ctx context.Context, m Message, next time.Time, reason string, t Turn) error
	// Finished takes the message out of the queue undelivered, wipes its secret and writes the event and the turn.
	Finished(ctx context.Context, m Message, state State, reason string, e audit.Event, t Turn) error
}

// State is how a message ended.
type State string

// The ways in which a message ends.
const (
	Sent    State = "sent"
	Dropped State = "dropped" // nobody to send it to, or over the recipient's budget
	Expired State = "expired" // its time passed before it could be delivered
	Dead    State = "dead"    // refused for good
)

// Preparer decides, in its own transaction, what becomes of a message of one template, and completes it. It
// runs before the first try; what it made is stored with the message.
type Preparer interface {
	// Prepare returns the completed message, or ErrDrop when nothing shall be sent.
	Prepare(ctx context.Context, m Message) (Message, error)
}

// Sender delivers a prepared message on one channel.
type Sender interface {
	// Send returns nil once the other side has accepted; an error that wraps ErrRefused is final.
	Send(ctx context.Context, m Message) error
}

// Listener is a Sender whose other side says something when it accepts, which is worth keeping: a mail server's queue id is
// what its operator searches for.
type Listener interface {
	Sender
	// SendAndListen is Send, with the words of the acceptance.
	SendAndListen(ctx context.Context, m Message) (words string, err error)
}

// The two answers that are more than "try again later".
var (
	ErrDrop    = errors.New("nothing to send")
	ErrRefused = errors.New("refused for good")
)

var errTime = errors.New("its time has passed")

// Personal is an error of the other side's whose words may name a person: they go where personal data goes, and neither
// into a log nor into an audit line itself (RULES §10).
type Personal struct {
	Text string
	Err  error // without the words
}

// Error leaves the words out.
func (p Personal) Error() string { return p.Err.Error() }

// Unwrap returns the error without the words.
func (p Personal) Unwrap() error { return p.Err }

// Later is an error of the other side's that says when it wants to be asked again.
type Later struct {
	Err   error
	After time.Duration
}

// Error is that of the cause.
func (l Later) Error() string { return l.Err.Error() }

// Unwrap returns the cause.
func (l Later) Unwrap() error { return l.Err }

// Worker delivers messages until its context ends. Any number of workers on any number of nodes may run: the
// lease keeps them apart, and what is sent twice after a crash carries the same Message-ID.
type Worker struct {
	Store     Store
	Preparers map[string]Preparer // by template; a template without one needs no preparation
	Senders   map[Channel]Sender
	Now       func() time.Time
	Log       *slog.Logger
	Idle      time.Duration // pause when there is nothing to do; 0: 250 ms, on the channels that have no bell

	hang sync.Once
	bell chan struct{}
}

const (
	leaseTime = time.Minute
	sendTime  = leaseTime / 2 // for one message
	maxDelay  = 15 * time.Minute
)

// crew is how many messages of a channel one lease takes, and how many loops of one node work on it. Nobody's mail
// waits for an RP that hangs, and no RP for another's. One of the loops looks for messages, and leaves that to another while it delivers.
type crew struct {
	loops, batch int
	// bell: Ring wakes the one that looks, so that it looks by itself only for what another node has left, or failed with.
	bell  bool
	delay func(n int) time.Duration // before the n-th try
}

var crews = map[Channel]crew{
	Mail: {loops: 1, batch: 16, delay: Delay}, Logout: {loops: 4, batch: 2, delay: Delay}, SMS: {loops: 2, batch: 2, delay: Delay},
	Push: {loops: 6, batch: 1, bell: true, delay: PushDelay},
	Ask:  {loops: 1, batch: 8, delay: PushDelay}, Ping: {loops: 2, batch: 2, delay: PushDelay},
}

// The pauses when there is nothing to do.
const (
	idlePause = 250 * time.Millisecond
	bellPause = time.Second
)

// Ring wakes whoever looks for pushes: a person waits in front of the screen for what was enqueued. It is called after the
// commit, waits for nothing, and may be called in vain or not at all.
func (w *Worker) Ring() {
	select {
	case w.ringing() <- struct{}{}:
	default: // it is called already
	}
}

func (w *Worker) ringing() chan struct{} {
	w.hang.Do(func() { w.bell = make(chan struct{}, 1) })
	return w.bell
}

// Run works until ctx ends, then finishes the messages in hand. Messages of a channel without a sender wait.
func (w *Worker) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for channel := range w.Senders {
		watch := make(chan struct{}, 1)
		watch <- struct{}{}
		for range crews[channel].loops {
			all.Go(func() { w.work(ctx, channel, watch) })
		}
	}
	all.Wait()
	return nil
}

// work takes the watch, looks until there is something, and delivers it while another loop has the watch.
func (w *Worker) work(ctx context.Context, channel Channel, watch chan struct{}) {
	id, idle, bell := secret.NewID(), cmp.Or(w.Idle, idlePause), (chan struct{})(nil)
	if crews[channel].bell {
		idle, bell = cmp.Or(w.Idle, bellPause), w.ringing()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-watch:
		}
		now := w.Now()
		batch, err := w.lease(ctx, id, channel, now)
		for err != nil || len(batch) == 0 {
			w.failed(ctx, err)
			select {
			case <-ctx.Done():
				return
			case <-bell:
			case <-time.After(idle):
			}
			now = w.Now()
			batch, err = w.lease(ctx, id, channel, now)
		}
		watch <- struct{}{}
		if err := w.deliverAll(ctx, batch, now); err != nil {
			w.failed(ctx, err)
			select { // the database's fault: not at once again
			case <-ctx.Done():
			case <-time.After(idle):
			}
		}
	}
}

func (w *Worker) failed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		w.Log.Error("outbox: round failed", "error", err)
	}
}

// Round takes one batch of each channel and says how many messages they had. Tests call it instead of Run.
func (w *Worker) Round(ctx context.Context, worker string) (n int, err error) {
	for channel := range w.Senders {
		had, err := w.batch(ctx, worker, channel)
		if n += had; err != nil {
			return n, err
		}
	}
	return n, nil
}

// batch leases one batch of a channel, delivers it, and says how many messages it had.
func (w *Worker) batch(ctx context.Context, worker string, channel Channel) (int, error) {
	now := w.Now()
	batch, err := w.lease(ctx, worker, channel, now)
	if err != nil {
		return 0, err
	}
	return len(batch), w.deliverAll(ctx, batch, now)
}

func (w *Worker) lease(ctx context.Context, worker string, channel Channel, now time.Time) ([]Message, error) {
	batch, err := w.Store.Lease(ctx, worker, channel, crews[channel].batch, now, now.Add(leaseTime))
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return batch, nil
}

// deliverAll delivers what was leased then.
func (w *Worker) deliverAll(ctx context.Context, batch []Message, leased time.Time) error {
	for _, m := range batch {
		// What may not be finished within the lease is left: after it, the rest of the batch is anybody's, and
		// would be sent twice where the other side is slow.
		if w.Now().After(leased.Add(leaseTime - sendTime)) {
			return nil
		}
		// A message in hand is finished even when the server stops: half a delivery would be sent again.
		if err := w.deliver(context.WithoutCancel(ctx), m); err != nil {
			return fmt.Errorf("message %s: %w", m.ID, err)
		}
	}
	return nil
}

// deliver takes one message as far as it gets today. An error is the database's, never the other side's.
func (w *Worker) deliver(ctx context.Context, m Message) error {
	if !w.Now().Before(m.Expires) {
		return w.finish(ctx, m, Expired, errTime, audit.MessageExpired)
	}
	if p := w.Preparers[m.Template]; p != nil && !m.Prepared {
		prepared, err := p.Prepare(ctx, m)
		switch {
		case errors.Is(err, ErrDrop):
			m.Account = prepared.Account // whose it would have been
			return w.finish(ctx, m, Dropped, err, audit.MessageDropped)
		case err != nil:
			return w.postpone(ctx, m, err)
		}
		m = prepared
	}
	sendCtx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	switch words, err := w.send(sendCtx, m); {
	case errors.Is(err, ErrRefused):
		return w.finish(ctx, m, Dead, err, audit.MessageDead)
	case err != nil:
		return w.postpone(ctx, m, err)
	default:
		return w.Store.Accepted(ctx, m, Words(words), w.Now())
	}
}

func (w *Worker) send(ctx context.Context, m Message) (words string, err error) {
	if l, ok := w.Senders[m.Channel].(Listener); ok {
		return l.SendAndListen(ctx, m)
	}
	return "", w.Senders[m.Channel].Send(ctx, m)
}

func (w *Worker) postpone(ctx context.Context, m Message, cause error) error {
	next := w.Now().Add(crews[m.Channel].delay(m.Attempts + 1))
	if later, ok := errors.AsType[Later](cause); ok && w.Now().Add(later.After).After(next) {
		if next = w.Now().Add(later.After); next.After(m.Expires) {
			next = m.Expires // by then there is nothing to ask any more
		}
	}
	w.Log.Warn("outbox: will try again", "message", m.ID, "template", m.Template, "attempt", m.Attempts+1, "error", cause)
	return w.Store.Postponed(ctx, m, next, cause.Error(), Turn{Kind: Postponed, At: w.Now(), Words: wordsOf(cause)})
}

func (w *Worker) finish(ctx context.Context, m Message, s State, reason error, kind audit.Kind) error {
	e := audit.Event{Kind: kind, At: w.Now(), Actor: "system", Account: m.Account, Message: m.ID,
		Detail: map[string]string{"template": m.Template, "reason": reason.Error()}}
	if p, ok := errors.AsType[Personal](reason); ok {
		e.Personal = map[string]string{"answer": p.Text}
	}
	return w.Store.Finished(ctx, m, s, reason.Error(), e, Turn{Kind: endings[s], At: e.At, Words: wordsOf(reason)})
}

// Delay is the wait before the n-th try, from 2 s doubling up to 15 min. An hour's outage costs a message a
// quarter of an hour at most.
func Delay(n int) time.Duration {
	return min(time.Second<<min(n, 16), maxDelay)
}

// PushDelay is the same for pushes, of which one lives two minutes: 1, 2, 4, 8 and then every 15 s.
func PushDelay(n int) time.Duration {
	return min(time.Second<<min(n-1, 16), 15*time.Second)
}
