package signingkey

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
)

// Store is what reads the keys.
type Store interface {
	// ListSigningKeys lists the keys by age, the oldest first.
	ListSigningKeys(ctx context.Context) ([]Stored, error)
}

// Tx is what changes them.
type Tx interface {
	audit.Appender
	// ListSigningKeysInTx is ListSigningKeys inside a transaction that may change them.
	ListSigningKeysInTx(ctx context.Context) ([]Stored, error)
	// InsertSigningKey stores a key.
	InsertSigningKey(ctx context.Context, k Stored) error
	// RetireSigningKey takes a key's private half away; false if it was gone already.
	RetireSigningKey(ctx context.Context, id string, public []byte, distrusted bool, now time.Time) (bool, error)
}

// The times of a key (RULES §9).
const (
	// JWKSMaxAge is how long an RP may keep the JWK Set.
	JWKSMaxAge = 5 * time.Minute
	// tended is how often a node looks what others have done, at least.
	tended = time.Minute
	// publishedFirst is how long a key is published before it signs: every node knows it by then, and every RP may.
	publishedFirst = 2*tended + JWKSMaxAge
	// retiredAfter is how long a key stays published after its successor has begun to sign: all that it signed has expired by then, and
	// no RP keeps a set so long without looking for a key that it lacks.
	retiredAfter = time.Hour
)

// Keys are this installation's keys as time goes by. They are safe for concurrent use. Load comes before everything else.
type Keys struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Master *secret.Master
	Now    func() time.Time
	Every  time.Duration // how long a key signs before its successor does; 0: until somebody says so

	set  atomic.Pointer[Set]
	mu   sync.Mutex // one reads at a time, so that what was read later is not undone
	seen []Stored
}

// Sign returns the claims as a compact JWS with the given typ header.
func (k *Keys) Sign(alg Alg, typ string, claims any) (string, error) {
	if !k.set.Load().has(alg) { // another node may have made it a moment ago, for an app that this one has heard of (see Need)
		if err := k.read(context.Background()); err != nil {
			return "", err
		}
	}
	return k.set.Load().Sign(alg, typ, claims)
}

// Verify checks signature and typ of a token that Portvakt itself signed and decodes its claims, as Set.Verify does.
func (k *Keys) Verify(token, typ string, claims any) error {
	return k.set.Load().Verify(token, typ, claims)
}

// JWKS returns the published keys as a JWK Set (RFC 7517 §5), made beforehand.
func (k *Keys) JWKS() []byte { return k.set.Load().JWKS() }

// Load makes the first keys where there are none, and reads what there is.
func (k *Keys) Load(ctx context.Context) error {
	for _, alg := range Algs() {
		missing := func(all []Stored) bool { return len(standing(all, alg)) == 0 }
		if err := k.add(ctx, alg, "system", missing, 0); err != nil {
			return err
		}
	}
	return k.read(ctx)
}

// Need makes the key of an algorithm for which an RP is registered before Tend has made it, in the name of whoever asks. It signs at once, in the first minutes
// of an installation alone: whoever has read the set before reads it again for a key that it lacks, and another node publishes it a minute later.
func (k *Keys) Need(ctx context.Context, alg Alg, actor string) error {
	missing := func(all []Stored) bool { return len(standing(all, alg)) == 0 }
	if err := k.add(ctx, alg, actor, missing, 0); err != nil {
		return err
	}
	return k.read(ctx)
}

// Tend makes the keys that a first start does without, and the successors of those that have signed for long enough, retires those whose
// successors have, and reads what other nodes have done. Every node may do it: one of them wins.
func (k *Keys) Tend(ctx context.Context) error {
	var failed error
	for _, alg := range allAlgs() {
		due := func(all []Stored) bool {
			s := standing(all, alg)
			if len(s) == 0 {
				return k.isSettled(all)
			}
			return k.Every > 0 && !k.Now().Before(begins(s[len(s)-1]).Add(k.Every-publishedFirst))
		}
		failed = errors.Join(failed, k.add(ctx, alg, "system", due, publishedFirst))
	}
	return errors.Join(failed, k.retire(ctx), k.read(ctx)) // what others have done is read whatever this node could not do
}

// isSettled says whether an installation is some minutes old. Then there is a key of each algorithm, also of those that no RP has asked for: an app that
// registers itself for one logs people in at once, and the key has been published first. What it costs is one more key for a thief who has the others.
func (k *Keys) isSettled(all []Stored) bool {
	return len(all) > 0 && !k.Now().Before(all[0].Created.Add(publishedFirst))
}

// Rotate makes a successor of each key in use: it signs after some minutes, when every node and every RP knows it.
func (k *Keys) Rotate(ctx context.Context) error {
	for _, alg := range allAlgs() {
		inUse := func(all []Stored) bool { return len(standing(all, alg)) > 0 }
		if err := k.add(ctx, alg, "operator", inUse, publishedFirst); err != nil {
			return err
		}
	}
	return k.read(ctx)
}

// Replace is Rotate for keys that somebody else may have: the new ones sign at once, and nothing that the old ones have signed is
// believed any more, but for the audit log. RPs that keep the set for its five minutes refuse sign-ins until they have read it anew.
func (k *Keys) Replace(ctx context.Context) error {
	had, err := k.Store.ListSigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("list signing keys: %w", err)
	}
	var fresh []Stored
	for _, alg := range allAlgs() {
		if len(standing(had, alg)) == 0 {
			continue
		}
		one, err := Generate(alg, k.Master, k.Now())
		if err != nil {
			return err
		}
		fresh = append(fresh, one)
	}
	err = k.InTx(ctx, func(tx Tx) error {
		all, err := tx.ListSigningKeysInTx(ctx)
		if err != nil {
			return err
		}
		for _, one := range fresh {
			if err := k.insert(ctx, tx, one, "operator"); err != nil {
				return err
			}
		}
		for _, old := range all {
			if old.Retired.IsZero() {
				if err := k.retireOne(ctx, tx, old, true, "operator"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("replace signing keys: %w", err)
	}
	return k.read(ctx)
}

// List lists the keys by age, the newest first, those that are retired too.
func (k *Keys) List(ctx context.Context) ([]Stored, error) {
	all, err := k.Store.ListSigningKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list signing keys: %w", err)
	}
	slices.Reverse(all)
	return all, nil
}

// add makes a key where it is wanted, and still is inside the transaction. RSA takes its time, hence outside of it.
func (k *Keys) add(ctx context.Context, alg Alg, actor string, wanted func([]Stored) bool, later time.Duration) error {
	all, err := k.Store.ListSigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("list signing keys: %w", err)
	}
	if !wanted(all) {
		return nil
	}
	fresh, err := Generate(alg, k.Master, k.Now())
	if err != nil {
		return err
	}
	fresh.From = fresh.Created.Add(later)
	err = k.InTx(ctx, func(tx Tx) error {
		meanwhile, err := tx.ListSigningKeysInTx(ctx)
		if err != nil || !wanted(meanwhile) {
			return err
		}
		return k.insert(ctx, tx, fresh, actor)
	})
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	return nil
}

func (k *Keys) insert(ctx context.Context, tx Tx, fresh Stored, actor string) error {
	if err := tx.InsertSigningKey(ctx, fresh); err != nil {
		return fmt.Errorf("insert signing key: %w", err)
	}
	return tx.Append(ctx, audit.Event{Kind: audit.SigningKeyMade, At: k.Now(), Actor: actor, Detail: map[string]string{"key": fresh.ID, "alg": string(fresh.Alg)}})
}

// retire takes away the private halves of keys whose successors have signed for long enough.
func (k *Keys) retire(ctx context.Context) error {
	all, err := k.Store.ListSigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("list signing keys: %w", err)
	}
	var old []Stored
	for _, alg := range allAlgs() {
		s := standing(all, alg)
		for i := range len(s) - 1 {
			if !k.Now().Before(begins(s[i+1]).Add(retiredAfter)) {
				old = append(old, s[i])
			}
		}
	}
	if len(old) == 0 {
		return nil
	}
	err = k.InTx(ctx, func(tx Tx) error {
		for _, one := range old {
			if err := k.retireOne(ctx, tx, one, false, "system"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("retire signing keys: %w", err)
	}
	return nil
}

func (k *Keys) retireOne(ctx context.Context, tx Tx, old Stored, distrusted bool, actor string) error {
	public := old.Public
	if len(public) == 0 { // from before public halves were stored
		private, err := unseal(old, k.Master)
		if err != nil {
			return err
		}
		if public, err = publicOf(old.ID, old.Alg, private).MarshalJSON(); err != nil {
			return err
		}
	}
	done, err := tx.RetireSigningKey(ctx, old.ID, public, distrusted, k.Now())
	if err != nil || !done {
		return err
	}
	e := audit.Event{Kind: audit.SigningKeyRetired, At: k.Now(), Actor: actor, Detail: map[string]string{"key": old.ID, "alg": string(old.Alg)}}
	if distrusted {
		e.Detail["distrusted"] = "yes"
	}
	return tx.Append(ctx, e)
}

// read opens what is stored, where it is not what this node has.
func (k *Keys) read(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	all, err := k.Store.ListSigningKeys(ctx)
	if err != nil {
		return fmt.Errorf("list signing keys: %w", err)
	}
	if k.seen != nil && slices.EqualFunc(k.seen, all, func(a, b Stored) bool { return a.ID == b.ID && a.Retired.Equal(b.Retired) }) {
		return nil
	}
	set, err := Open(all, k.Master, k.Now)
	if err != nil {
		return err
	}
	k.set.Store(set)
	k.seen = all
	return nil
}

// standing are the keys of an algorithm that are not retired, in the order in which they sign.
func standing(all []Stored, alg Alg) []Stored {
	s := slices.DeleteFunc(slices.Clone(all), func(k Stored) bool { return k.Alg != alg || !k.Retired.IsZero() })
	slices.SortStableFunc(s, func(a, b Stored) int { return begins(a).Compare(begins(b)) })
	return s
}

// begins is when a key begins to sign.
func begins(k Stored) time.Time {
	if k.From.IsZero() {
		return k.Created
	}
	return k.From
}
