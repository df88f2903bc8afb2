// Package idempotency holds the noun idempotency key: a name that a program gives to a request, so that it may send it again when
// it has not heard the answer, and the work is done once. It keeps what was answered, and knows nothing of the work.
package idempotency

import (
	"context"
	"errors"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

// Answer is what a request was answered, or the place that is kept for it.
type Answer struct {
	Client  string
	Key     string // a hash of what the client chose
	Request string // a hash of the request; empty: a file that is still coming in
	Claim   string // whose work it is
	Status  int    // of HTTP; 0: under way
	Body    []byte
	Created time.Time
}

// Keys are the keys of this installation.
type Keys struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error
	Now   func() time.Time
}

// Store answers questions outside a transaction.
type Store interface {
	// FindAnswer looks for what a client's key was answered.
	FindAnswer(ctx context.Context, client, key string) (Answer, bool, error)
}

// Tx is what a key changes.
type Tx interface {
	// ClaimAnswer takes the place of a key that nobody has taken, or whose work was given up before the given time; false if
	// somebody else has it.
	ClaimAnswer(ctx context.Context, a Answer, givenUp time.Time) (bool, error)
	// KeepAnswer stores the answer of a claim.
	KeepAnswer(ctx context.Context, a Answer) error
	// DropAnswer forgets a claim: nothing has come of it.
	DropAnswer(ctx context.Context, a Answer) error
}

// Life is how long an answer is kept, and Patience how long work may take before another node may do it anew.
const (
	Life     = 24 * time.Hour
	Patience = 15 * time.Minute
)

// MaxKey is the longest key in bytes.
const MaxKey = 200

// The ways in which a key is refused.
var (
	ErrKey = errors.New("an idempotency key has 1 to 200 characters")
	// ErrBusy: the first request with this key is still under way.
	ErrBusy = errors.New("the first request with this idempotency key is still under way")
	// ErrOther: the key was given to another request.
	ErrOther = errors.New("this idempotency key was used for another request")
)

// Claim takes a key for a request. done says that it was answered before: a says what. It fails with ErrKey, ErrBusy or ErrOther.
// A request whose hash is not known yet is compared by Same.
func (k *Keys) Claim(ctx context.Context, client, key, request string) (a Answer, done bool, err error) {
	if key == "" || len(key) > MaxKey {
		return a, false, ErrKey
	}
	now := k.Now()
	a = Answer{Client: client, Key: secret.HashOf(key).Text(), Request: request, Claim: secret.NewID(), Created: now}
	first := false
	err = k.InTx(ctx, func(tx Tx) (err error) {
		first, err = tx.ClaimAnswer(ctx, a, now.Add(-Patience))
		return err
	})
	if err != nil || first {
		return a, false, err
	}
	former, ok, err := k.Store.FindAnswer(ctx, client, a.Key)
	switch {
	case err != nil:
		return a, false, err
	case !ok || former.Status == 0:
		return a, false, ErrBusy // gone meanwhile: it was given back, and may be tried again
	case request != "" && former.Request != request:
		return a, false, ErrOther
	}
	return former, true, nil
}

// Keep stores what a claimed request was answered.
func (k *Keys) Keep(ctx context.Context, a Answer) error {
	return k.InTx(ctx, func(tx Tx) error { return tx.KeepAnswer(ctx, a) })
}

// Drop gives a claim back: the request was refused, and has changed nothing.
func (k *Keys) Drop(ctx context.Context, a Answer) error {
	return k.InTx(ctx, func(tx Tx) error { return tx.DropAnswer(ctx, a) })
}
