package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/signingkey"
)

var (
	_ signingkey.Store = (*DB)(nil)
	_ signingkey.Tx    = (*Tx)(nil)
)

const (
	findInstallation statement = `SELECT value FROM installation WHERE name = $1`

	setInstallation statement = `
INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`

	listRootKeys statement = `SELECT id, sealed FROM root_keys ORDER BY id`

	insertRootKey statement = `
INSERT INTO root_keys (id, sealed, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`

	listSigningKeys statement = `
SELECT id, alg, sealed, public, created_at, used_from, retired_at, distrusted FROM signing_keys ORDER BY created_at, id`

	insertSigningKey statement = `
INSERT INTO signing_keys (id, alg, sealed, public, created_at, used_from, retired_at, distrusted) VALUES ($1, $2, $3, $4, $5, $6, 0, FALSE)`

	retireSigningKey statement = `
UPDATE signing_keys SET sealed = $2, public = $3, distrusted = $4, retired_at = $5 WHERE id = $1 AND retired_at = 0`
)

// FindInstallation reads what was decided about this installation for good; "" if it is not decided yet.
func (db *DB) FindInstallation(ctx context.Context, name string) (value string, err error) {
	_, err = db.query(ctx, findInstallation, name).one(&value)
	return value, err
}

// SetInstallation decides something for good. A second decision changes nothing.
func (tx *Tx) SetInstallation(ctx context.Context, name, value string) error {
	return tx.write(ctx, setInstallation, name, value)
}

// ListRootKeys lists the sealed roots by id.
func (db *DB) ListRootKeys(ctx context.Context) (map[byte][]byte, error) {
	roots := map[byte][]byte{}
	err := db.query(ctx, listRootKeys).each(func(scan scan) error {
		var id int64
		var sealed []byte
		if err := scan(&id, &sealed); err != nil {
			return err
		}
		roots[byte(id)] = sealed
		return nil
	})
	return roots, err
}

// InsertRootKey stores a root unless its id is taken: of two nodes that start at once, one's root stays.
func (tx *Tx) InsertRootKey(ctx context.Context, id byte, sealed []byte, now time.Time) error {
	return tx.write(ctx, insertRootKey, int64(id), sealed, ms(now))
}

func scanSigningKey(scan scan) (k signingkey.Stored, err error) {
	var created, from, retired int64
	var public string
	err = scan(&k.ID, &k.Alg, &k.Sealed, &public, &created, &from, &retired, &k.Distrusted)
	k.Public, k.Created, k.From, k.Retired = []byte(public), fromMS(created), fromMS(from), fromMS(retired)
	return k, err
}

// ListSigningKeys lists the sealed signing keys by age.
func (db *DB) ListSigningKeys(ctx context.Context) ([]signingkey.Stored, error) {
	return list(db.query(ctx, listSigningKeys), scanSigningKey)
}

// ListSigningKeysInTx is ListSigningKeys inside a transaction that may add one.
func (tx *Tx) ListSigningKeysInTx(ctx context.Context) ([]signingkey.Stored, error) {
	return list(tx.query(ctx, listSigningKeys), scanSigningKey)
}

// InsertSigningKey stores a signing key.
func (tx *Tx) InsertSigningKey(ctx context.Context, k signingkey.Stored) error {
	return tx.write(ctx, insertSigningKey, k.ID, string(k.Alg), k.Sealed, string(k.Public), ms(k.Created), ms(k.From))
}

// RetireSigningKey takes a key's private half away; false if it was gone already.
func (tx *Tx) RetireSigningKey(ctx context.Context, id string, public []byte, distrusted bool, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, retireSigningKey, id, []byte{}, string(public), distrusted, ms(now))
	return n == 1, err
}
