package authn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// A step reads its attempt, checks what was typed, and only then begins its transaction. Whatever has moved the epoch meanwhile ("this
// was not me", a reset on another node) has ended it (RULES §1).
func TestAnAttemptThatWasReadBeforeTheEpochMovedIsRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		do := func(f func(ctx context.Context, tx *store.Tx) error) error {
			return store.InTx[*store.Tx](db)(t.Context(), func(tx *store.Tx) error { return f(t.Context(), tx) })
		}
		a := authn.NewAttempt(authn.Request{}, "sv", now)
		row := authn.Progress{Attempt: a.ID, Binding: a.Binding.Hash(), Account: "bo", Epoch: 1, Methods: []string{authn.MethodPassword},
			ProvenAt: now, Expires: now.Add(time.Hour)}
		s := session.Session{ID: "s", Account: "bo", Secret: secret.NewToken().Hash(), Attempt: "other", Epoch: 1, AuthTime: now, Created: now, LastSeen: now,
			Expires: now.Add(time.Hour)}
		carried := authn.Progress{Account: "bo", Epoch: 1, From: s.ID, Session: s.Secret}
		err := do(func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.InsertAccount(ctx, account.Account{ID: "bo", Identifier: "bo", Epoch: 1})
			return errors.Join(err, tx.SaveProgress(ctx, row), tx.InsertSession(ctx, s))
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []authn.Progress{row, carried} {
			if err := do(func(ctx context.Context, tx *store.Tx) error { return authn.Lock(ctx, tx, p) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := do(func(ctx context.Context, tx *store.Tx) error { _, err := tx.MoveEpoch(ctx, "bo"); return err }); err != nil {
			t.Fatal(err)
		}
		for name, p := range map[string]authn.Progress{"a row": row, "a step-up's session": carried} {
			err := do(func(ctx context.Context, tx *store.Tx) error { return authn.Lock(ctx, tx, p) })
			if !errors.Is(err, authn.ErrAttemptUsed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
