// Package vapid holds the noun VAPID key: by such a key push services know this installation (RFC 8292), and a
// subscription answers to the one key that it was made with. It keeps the keys, lets them age, and knows neither
// messages nor who has subscribed.
package vapid

import (
	"cmp"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
)

// Stored is a key at rest: its private half sealed under the master key.
type Stored struct {
	ID      string
	Sealed  []byte
	Created time.Time
}

// Store is what reads the keys.
type Store interface {
	// ListVAPIDKeys lists the keys by age, the oldest first.
	ListVAPIDKeys(ctx context.Context) ([]Stored, error)
}

// Tx is what changes them.
type Tx interface {
	audit.Appender
	// ListVAPIDKeysInTx is ListVAPIDKeys inside a transaction that may add one.
	ListVAPIDKeysInTx(ctx context.Context) ([]Stored, error)
	// InsertVAPIDKey stores a key.
	InsertVAPIDKey(ctx context.Context, k Stored) error
	// RetireVAPIDKeys removes the keys that have a successor from before the given time, and no subscription.
	RetireVAPIDKeys(ctx context.Context, before time.Time) error
}

// The times of a key.
const (
	maxAge = 180 * 24 * time.Hour // then a successor is made
	// grace is how long a key that has a successor stays without a subscription: an authenticator may have been told of it just before.
	grace = 24 * time.Hour
)

// ErrUnknown says that there is no such key, or no more.
var ErrUnknown = errors.New("no such VAPID key")

// Key is a key in use.
type Key struct {
	ID      string
	Created time.Time
	private *ecdh.PrivateKey
}

// Public is the point of 65 bytes that authenticators subscribe with.
func (k Key) Public() []byte { return k.private.PublicKey().Bytes() }

// Private is the private half, for the one place that signs with it.
func (k Key) Private() []byte { return k.private.Bytes() }

// String leaves the private half out.
func (k Key) String() string { return "VAPID key " + k.ID }

// GoString hides the private half from %#v.
func (k Key) GoString() string { return k.String() }

// LogValue hides it from slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Keys are this installation's. They are safe for concurrent use; a node knows within a minute what another has done.
type Keys struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Master *secret.Master
	Now    func() time.Time

	kept secret.Kept[Key] // by age
}

// Current is the key that new subscriptions are made with.
func (k *Keys) Current(ctx context.Context) (id string, public []byte, err error) {
	all, err := k.list(ctx, false)
	if err != nil {
		return "", nil, err
	}
	if len(all) == 0 {
		return "", nil, ErrUnknown
	}
	newest := all[len(all)-1]
	return newest.ID, newest.Public(), nil
}

// Find is the key of that id, or ErrUnknown.
func (k *Keys) Find(ctx context.Context, id string) (Key, error) {
	for _, anew := range []bool{false, true} { // another node may have made it just now
		all, err := k.list(ctx, anew)
		if err != nil {
			return Key{}, err
		}
		for _, one := range all {
			if one.ID == id {
				return one, nil
			}
		}
	}
	return Key{}, ErrUnknown
}

// List lists the keys by age, the newest first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	all, err := k.list(ctx, true)
	all = slices.Clone(all)
	slices.Reverse(all)
	return all, err
}

// Rotate makes a new key. The old ones stay for those who have subscribed with them.
func (k *Keys) Rotate(ctx context.Context) (Key, error) {
	made, err := k.add(ctx, "operator", func([]Stored) bool { return true })
	if err != nil {
		return Key{}, err
	}
	return k.Find(ctx, made)
}

// Tend makes the first key, and the successor of one that has grown old, and removes those that nobody uses any more.
// Every node may do it: one of them wins.
func (k *Keys) Tend(ctx context.Context) error {
	stored, err := k.Store.ListVAPIDKeys(ctx)
	if err != nil {
		return fmt.Errorf("list VAPID keys: %w", err)
	}
	if k.isDue(stored) {
		if _, err := k.add(ctx, "system", k.isDue); err != nil {
			return err
		}
	}
	if len(stored) < 2 {
		return nil
	}
	err = k.InTx(ctx, func(tx Tx) error { return tx.RetireVAPIDKeys(ctx, k.Now().Add(-grace)) })
	if err != nil {
		return fmt.Errorf("retire VAPID keys: %w", err)
	}
	k.kept.Forget()
	return nil
}

func (k *Keys) isDue(stored []Stored) bool {
	return len(stored) == 0 || !k.Now().Before(stored[len(stored)-1].Created.Add(maxAge))
}

// add makes a key where it is still wanted inside the transaction.
func (k *Keys) add(ctx context.Context, actor string, wanted func([]Stored) bool) (id string, err error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("make a VAPID key: %w", err)
	}
	now := k.Now()
	id = secret.NewID()
	fresh := Stored{ID: id, Sealed: k.Master.Seal(row(id), private.Bytes()), Created: now}
	err = k.InTx(ctx, func(tx Tx) error {
		meanwhile, err := tx.ListVAPIDKeysInTx(ctx)
		if err != nil || !wanted(meanwhile) {
			return err
		}
		if n := len(meanwhile); n > 0 && !now.After(meanwhile[n-1].Created) {
			fresh.Created = meanwhile[n-1].Created.Add(time.Millisecond) // the newest it shall be, whatever the clocks say
		}
		if err := tx.InsertVAPIDKey(ctx, fresh); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.VAPIDKeyMade, At: now, Actor: actor, Detail: map[string]string{"key": id}})
	})
	if err != nil {
		return "", fmt.Errorf("make a VAPID key: %w", err)
	}
	k.kept.Forget()
	return id, nil
}

func row(id string) string { return "vapid_keys|" + id }

// list is what this node knows.
func (k *Keys) list(ctx context.Context, anew bool) ([]Key, error) {
	return k.kept.List(k.Now(), anew, func() ([]Key, error) {
		stored, err := k.Store.ListVAPIDKeys(ctx)
		if err != nil {
			return nil, fmt.Errorf("list VAPID keys: %w", err)
		}
		all := make([]Key, 0, len(stored))
		for _, s := range stored {
			one, err := k.open(s)
			if err != nil {
				return nil, fmt.Errorf("VAPID key %s: %w", s.ID, err)
			}
			all = append(all, one)
		}
		slices.SortStableFunc(all, func(a, b Key) int { return cmp.Compare(a.Created.UnixMilli(), b.Created.UnixMilli()) })
		return all, nil
	})
}

func (k *Keys) open(s Stored) (Key, error) {
	b, err := k.Master.Open(row(s.ID), s.Sealed)
	if err != nil {
		return Key{}, err
	}
	private, err := ecdh.P256().NewPrivateKey(b)
	return Key{ID: s.ID, Created: s.Created, private: private}, err
}
