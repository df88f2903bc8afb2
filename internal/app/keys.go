package app

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/vapid"
)

// keys are what this installation seals and signs with. They rest in the database under the master key, so
// that every node has the same ones; the first start makes them.
type keys struct {
	ring  *secret.Keyring
	sign  *signingkey.Keys
	vapid *vapid.Keys
	dkim  *dkim.Keys
}

const firstRoot = 1

func loadKeys(ctx context.Context, db *store.DB, m *secret.Master, clock func() time.Time, rotation time.Duration) (keys, error) {
	now := clock()
	ring, err := loadRing(ctx, db, m, now)
	if err != nil {
		return keys{}, err
	}
	sign := &signingkey.Keys{Store: db, InTx: store.InTx[signingkey.Tx](db), Master: m, Now: clock, Every: rotation}
	if err := sign.Load(ctx); err != nil {
		return keys{}, fmt.Errorf("signing keys: %w", err)
	}
	phones := &vapid.Keys{Store: db, InTx: store.InTx[vapid.Tx](db), Master: m, Now: clock}
	if err := phones.Tend(ctx); err != nil {
		return keys{}, err
	}
	if _, _, err := phones.Current(ctx); err != nil {
		return keys{}, wrongMaster(err)
	}
	return keys{ring, sign, phones, &dkim.Keys{Store: db, InTx: store.InTx[dkim.Tx](db), Master: m, Now: clock}}, nil
}

func rootRow(id byte) string { return fmt.Sprintf("root_keys|%d", id) }

func wrongMaster(err error) error {
	return fmt.Errorf("%w: is this the master key that the database was made with?", err)
}

// loadRing reads the roots and makes the first one where there is none. Of two nodes that start at once, one's
// root is stored and both read it.
func loadRing(ctx context.Context, db *store.DB, m *secret.Master, now time.Time) (*secret.Keyring, error) {
	sealed, err := db.ListRootKeys(ctx)
	if err != nil {
		return nil, fmt.Errorf("list root keys: %w", err)
	}
	if len(sealed) == 0 {
		err := store.InTx[*store.Tx](db)(ctx, func(tx *store.Tx) error {
			return tx.InsertRootKey(ctx, firstRoot, m.Seal(rootRow(firstRoot), secret.NewRoot()), now)
		})
		if err != nil {
			return nil, fmt.Errorf("make root key: %w", err)
		}
		if sealed, err = db.ListRootKeys(ctx); err != nil {
			return nil, fmt.Errorf("list root keys: %w", err)
		}
	}
	roots, newest := map[byte][]byte{}, byte(0)
	for id, b := range sealed {
		if roots[id], err = m.Open(rootRow(id), b); err != nil {
			return nil, wrongMaster(fmt.Errorf("root key %d: %w", id, err))
		}
		newest = max(newest, id)
	}
	return secret.NewKeyring(roots, newest)
}
