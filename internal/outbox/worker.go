package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
)

// Store is what the worker needs of the database. Every method is a transaction of its own.
type Store interface {
	// Lease takes up to n due messages for the worker until the given time: lanes first, then age. No
	// other worker gets them before then.
	Lease(ctx context.Context, worker string, n int, now, until time.Time) ([]Message, error)
	// Accepted records that the message was delivered, wipes its secret and starts the life of the links that
	// it carried.
	Accepted(ctx context.Context, m Message, now time.Time) error
	// Postponed gives the message back for a later try, with what went wrong.
	Postponed(ctx context.Context, m Message, next time.Time, reason string) error
	// Finished takes the message out of the queue undelivered, wipes its secret and writes the event.
	Finished(ctx context.Context, m Message, state State, reason string, e audit.Event) error
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

// The two answers that are more than "try again later".
var (
	ErrDrop    = errors.New("nothing to send")
	ErrRefused = errors.New("refused for good")
)

// Worker delivers messages until its context ends. Any number of workers on any number of nodes may run: the
// lease keeps them apart, and what is sent twice after a crash carries the same Message-ID.
type Worker struct {
	Store     Store
	Preparers map[string]Preparer // by template; a template without one needs no preparation
	Senders   map[Channel]Sender
	Now       func() time.Time
	Log       *slog.Logger
	Idle      time.Duration // pause when there is nothing to do; 0: 250 ms
}

const (
	leaseTime = time.Minute
	sendTime  = leaseTime / 2 // for one message
	batchSize = 16
	maxDelay  = 15 * time.Minute
)

// Run works until ctx ends, then finishes the message in hand.
func (w *Worker) Run(ctx context.Context) error {
	id, idle := secret.NewID(), w.Idle
	if idle == 0 {
		idle = 250 * time.Millisecond
	}
	for {
		n, err := w.Round(ctx, id)
		if err != nil && ctx.Err() == nil {
			w.Log.Error("outbox: round failed", "error", err)
		}
		if n > 0 && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(idle):
		}
	}
}

// Round leases one batch, delivers it, and says how many messages it had. Tests call it instead of Run.
func (w *Worker) Round(ctx context.Context, worker string) (int, error) {
	now := w.Now()
	batch, err := w.Store.Lease(ctx, worker, batchSize, now, now.Add(leaseTime))
	if err != nil {
		return 0, fmt.Errorf("lease: %w", err)
	}
	for _, m := range batch {
		// What may not be finished within the lease is left: after it, the rest of the batch is anybody's, and
		// would be sent twice where the other side is slow.
		if w.Now().After(now.Add(leaseTime - sendTime)) {
			return len(batch), nil
		}
		// A message in hand is finished even when the server stops: half a delivery would be sent again.
		if err := w.deliver(context.WithoutCancel(ctx), m); err != nil {
			return len(batch), fmt.Errorf("message %s: %w", m.ID, err)
		}
	}
	return len(batch), nil
}

// deliver takes one message as far as it gets today. An error is the database's, never the other side's.
func (w *Worker) deliver(ctx context.Context, m Message) error {
	if !w.Now().Before(m.Expires) {
		return w.finish(ctx, m, Expired, "its time has passed", audit.MessageExpired)
	}
	if p := w.Preparers[m.Template]; p != nil && !m.Prepared {
		prepared, err := p.Prepare(ctx, m)
		switch {
		case errors.Is(err, ErrDrop):
			return w.finish(ctx, m, Dropped, err.Error(), audit.MessageDropped)
		case err != nil:
			return w.postpone(ctx, m, err)
		}
		m = prepared
	}
	sender := w.Senders[m.Channel]
	if sender == nil {
		return w.postpone(ctx, m, fmt.Errorf("no sender for channel %q", m.Channel))
	}
	sendCtx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	switch err := sender.Send(sendCtx, m); {
	case errors.Is(err, ErrRefused):
		return w.finish(ctx, m, Dead, err.Error(), audit.MessageDead)
	case err != nil:
		return w.postpone(ctx, m, err)
	}
	return w.Store.Accepted(ctx, m, w.Now())
}

func (w *Worker) postpone(ctx context.Context, m Message, cause error) error {
	next := w.Now().Add(Delay(m.Attempts + 1))
	w.Log.Warn("outbox: will try again", "message", m.ID, "template", m.Template, "attempt", m.Attempts+1, "error", cause)
	return w.Store.Postponed(ctx, m, next, cause.Error())
}

func (w *Worker) finish(ctx context.Context, m Message, s State, reason string, kind audit.Kind) error {
	return w.Store.Finished(ctx, m, s, reason, audit.Event{Kind: kind, At: w.Now(), Actor: "system", Account: m.Account,
		Detail: map[string]string{"message": m.ID, "template": m.Template, "reason": reason}})
}

// Delay is the wait before the n-th try, from 2 s doubling up to 15 min. An hour's outage costs a message a
// quarter of an hour at most.
func Delay(n int) time.Duration {
	return min(time.Second<<min(n, 16), maxDelay)
}
