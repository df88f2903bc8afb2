package store

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/auditing"
)

var (
	_ auditing.Store = (*DB)(nil)
	_ auditing.Tx    = (*Tx)(nil)
)

const (
	hasUnsealed statement = `SELECT id FROM audit_events WHERE block = 0 LIMIT 1`

	findHead statement = `
SELECT number, previous, root, lines, sealed_at, signature FROM audit_blocks WHERE number > 0 ORDER BY number DESC LIMIT 1`

	listBlocks statement = `
SELECT number, previous, root, lines, sealed_at, signature FROM audit_blocks WHERE number > $1 ORDER BY number LIMIT $2`

	takeUnsealed statement = `
UPDATE audit_events SET block = $1 WHERE block = 0 AND id IN (SELECT id FROM audit_events WHERE block = 0 LIMIT $2)
RETURNING id, at, kind, actor, account_id, client_id, session_id, message_id, detail, salt, fields`

	insertBlock statement = `
INSERT INTO audit_blocks (number, previous, root, lines, sealed_at, signature) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (number) DO NOTHING`

	listRecords statement = `
SELECT id, at, kind, actor, account_id, client_id, session_id, message_id, detail, salt, fields
FROM audit_events WHERE block = $1 AND id > $2 ORDER BY id LIMIT $3`

	listRecordsPersonal statement = `
SELECT event_id, field, salt, value FROM audit_personal
WHERE event_id IN (SELECT id FROM audit_events WHERE block = $1 AND id > $2 ORDER BY id LIMIT $3)`

	listBeyond statement = `SELECT id FROM audit_events WHERE block > $1 LIMIT 20`

	listBefore statement = `SELECT id FROM audit_events WHERE block < 0 LIMIT 20`
)

// HasUnsealed says whether a line waits to be sealed.
func (db *DB) HasUnsealed(ctx context.Context) (bool, error) {
	var id string
	return db.query(ctx, hasUnsealed).one(&id)
}

// FindHead reads the newest block.
func (db *DB) FindHead(ctx context.Context) (audit.Block, error) { return readHead(ctx, db) }

// HeadInTx is FindHead inside the transaction.
func (tx *Tx) HeadInTx(ctx context.Context) (audit.Block, error) { return readHead(ctx, tx) }

func readHead(ctx context.Context, from querier) (audit.Block, error) {
	found, err := list(from.query(ctx, findHead), scanBlock)
	if err != nil || len(found) == 0 {
		return audit.Block{}, err
	}
	return found[0], nil
}

// ListBlocks lists up to n blocks after the given number, in order.
func (db *DB) ListBlocks(ctx context.Context, after int64, n int) ([]audit.Block, error) {
	return list(db.query(ctx, listBlocks, after, int64(n)), scanBlock)
}

// scanBlock reads a block. A hash of another length was tampered with: it is a zero hash, which fits nothing.
func scanBlock(scan scan) (b audit.Block, err error) {
	var previous, root []byte
	var lines, sealed int64
	err = scan(&b.Number, &previous, &root, &lines, &sealed, &b.Signature)
	b.Lines, b.At = int(lines), fromMS(sealed)
	b.Previous, _ = audit.HashFrom(previous)
	b.Root, _ = audit.HashFrom(root)
	return b, err
}

func scanRecord(scan scan) (r audit.Record, err error) {
	var fields *string
	err = scan(&r.ID, &r.At, &r.Kind, &r.Actor, &r.Account, &r.Client, &r.Session, &r.Message, &r.Detail, &r.Salt, &fields)
	if r.Chained = fields != nil; r.Chained {
		r.Fields = *fields
	}
	return r, err
}

// TakeUnsealed puts up to n lines that are in no block into the block of that number, and returns them.
func (tx *Tx) TakeUnsealed(ctx context.Context, number int64, n int) ([]audit.Record, error) {
	return list(tx.query(ctx, takeUnsealed, number, int64(n)), scanRecord)
}

// InsertBlock stores a block; false if there is one of its number.
func (tx *Tx) InsertBlock(ctx context.Context, b audit.Block) (bool, error) {
	n, err := tx.exec(ctx, insertBlock, b.Number, b.Previous[:], b.Root[:], int64(b.Lines), ms(b.At), b.Signature)
	return n == 1, err
}

// ListRecords lists up to n of a block's lines after the given id, with the personal fields that are still there.
func (db *DB) ListRecords(ctx context.Context, block int64, after string, n int) ([]auditing.Kept, error) {
	byID := map[string]int{}
	lines, err := list(db.query(ctx, listRecords, block, after, int64(n)), func(scan scan) (auditing.Kept, error) {
		r, err := scanRecord(scan)
		byID[r.ID] = len(byID)
		return auditing.Kept{Record: r}, err
	})
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	err = db.query(ctx, listRecordsPersonal, block, after, int64(n)).each(func(scan scan) error {
		var id string
		var p auditing.Personal
		if err := scan(&id, &p.Field, &p.Salt, &p.Value); err != nil {
			return err
		}
		i, ok := byID[id]
		if !ok {
			return fmt.Errorf("store: line %s came between two reads of block %d", id, block)
		}
		lines[i].Personal = append(lines[i].Personal, p)
		return nil
	})
	return lines, err
}

// ListMisplaced lists lines that claim to be in a block before the first or after the given one.
func (db *DB) ListMisplaced(ctx context.Context, head int64) ([]string, error) {
	id := func(scan scan) (id string, err error) { return id, scan(&id) }
	beyond, err := list(db.query(ctx, listBeyond, head), id)
	if err != nil {
		return nil, err
	}
	before, err := list(db.query(ctx, listBefore), id)
	return append(before, beyond...), err
}
