package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/session"
)

const (
	// The name that is there is returned as well: an update that changes nothing makes the statement see it.
	nameForSector statement = `
INSERT INTO pairwise_subjects (account_id, sector, subject, created_at)
SELECT a.id, $2, $3, $4 FROM accounts a WHERE a.id = $1 AND a.closed_at = 0
ON CONFLICT (account_id, sector) DO UPDATE SET sector = excluded.sector
RETURNING subject`
	findBySector statement = `SELECT account_id FROM pairwise_subjects WHERE subject = $1 AND sector = $2`
	findToldName statement = `
SELECT subject FROM grants WHERE session_id = $1 AND client_id = $2 AND subject <> '' ORDER BY created_at DESC, id LIMIT 1`
	erasePairwise statement = `DELETE FROM pairwise_subjects WHERE account_id = $1`
)

// NameForSector returns the name of an open account for a sector; it is the given one where there was none. Empty: the account is closed.
func (tx *Tx) NameForSector(ctx context.Context, id account.ID, sector, subject string, now time.Time) (name string, err error) {
	_, err = tx.query(ctx, nameForSector, string(id), sector, subject, ms(now)).one(&name)
	return name, err
}

// FindBySector finds the account that has the name for a sector.
func (db *DB) FindBySector(ctx context.Context, sector, subject string) (account.ID, bool, error) {
	var id string
	found, err := db.query(ctx, findBySector, subject, sector).one(&id)
	return account.ID(id), found, err
}

// FindToldName returns the sector's name that an RP was told in a session; empty where it was told the account's own.
func (db *DB) FindToldName(ctx context.Context, id session.ID, clientID string) (name string, err error) {
	_, err = db.query(ctx, findToldName, string(id), clientID).one(&name)
	return name, err
}
