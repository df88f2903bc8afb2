package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// otherSide answers a worker's two questions.
type otherSide struct{ prepare, send error }

func (o otherSide) Prepare(_ context.Context, m outbox.Message) (outbox.Message, error) {
	return m, o.prepare
}
func (o otherSide) Send(context.Context, outbox.Message) error { return o.send }

// TestAnOutboxSecretIsWipedWhenItsMessageEnds, however it ends, and not before (RULES §4).
func TestAnOutboxSecretIsWipedWhenItsMessageEnds(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			side  otherSide
			late  time.Duration
			state string
			left  int // bytes of the secret
		}{
			"accepted":  {otherSide{}, 0, "sent", 0},
			"refused":   {otherSide{send: fmt.Errorf("%w: no such user", outbox.ErrRefused)}, 0, "dead", 0},
			"dropped":   {otherSide{prepare: fmt.Errorf("%w: nobody", outbox.ErrDrop)}, 0, "dropped", 0},
			"expired":   {otherSide{}, 25 * time.Hour, "expired", 0},
			"postponed": {otherSide{send: errors.New("later")}, 0, "queued", 1},
		} {
			m := outbox.New(outbox.Mail, name, "anna@x.example", now)
			m.SealSecret(k, "hush", now)
			mustTx(t, db, func(tx *Tx) error { return tx.Enqueue(t.Context(), m) })
			w := outbox.Worker{Store: db, Now: func() time.Time { return now.Add(c.late) }, Log: slog.New(slog.DiscardHandler),
				Preparers: map[string]outbox.Preparer{name: c.side}, Senders: map[outbox.Channel]outbox.Sender{outbox.Mail: c.side}}
			if _, err := w.Round(t.Context(), "one"); err != nil {
				t.Fatal(err)
			}
			var state string
			var left int
			if _, err := db.query(t.Context(), `SELECT state, length(secret) FROM outbox WHERE id = $1`, m.ID).one(&state, &left); err != nil {
				t.Fatal(err)
			}
			if state != c.state || left > 0 != (c.left > 0) {
				t.Errorf("%s: state %s with %d bytes of secret", name, state, left)
			}
		}
	})
}
