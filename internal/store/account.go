package store

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
)

// An account's columns, in the order of scanAccount. Every statement that reads accounts spells them out, because
// texts are not put together at run time.
const (
	findAccount statement = `
SELECT id, identifier, address, verified_at, given_name, family_name, language, epoch, created_at, closed_at
FROM accounts WHERE identifier = $1`

	readAccount statement = `
SELECT id, identifier, address, verified_at, given_name, family_name, language, epoch, created_at, closed_at
FROM accounts WHERE id = $1`

	moveEpoch statement = `UPDATE accounts SET epoch = epoch + 1 WHERE id = $1 RETURNING epoch`
)

// accountRow receives the columns of an account.
type accountRow struct {
	account.Account
	verified, created, closed int64
}

func (r *accountRow) dest() []any {
	return []any{&r.ID, &r.Identifier, &r.Address, &r.verified, &r.GivenName, &r.FamilyName, &r.Language, &r.Epoch, &r.created, &r.closed}
}

func (r *accountRow) account() account.Account {
	a := r.Account
	a.Verified, a.Created, a.Closed = fromMS(r.verified), fromMS(r.created), fromMS(r.closed)
	return a
}

// MoveEpoch moves the account's epoch and returns the new one: what was made under an older one is refused.
func (tx *Tx) MoveEpoch(ctx context.Context, id account.ID) (epoch int64, err error) {
	ok, err := tx.query(ctx, moveEpoch, string(id)).one(&epoch)
	if err == nil && !ok {
		err = fmt.Errorf("store: account %s is gone", id)
	}
	return epoch, err
}

// ReadAccount returns an account by its id.
func (tx *Tx) ReadAccount(ctx context.Context, id account.ID) (account.Account, error) {
	var r accountRow
	ok, err := tx.query(ctx, readAccount, string(id)).one(r.dest()...)
	if err == nil && !ok {
		err = fmt.Errorf("store: account %s is gone", id)
	}
	return r.account(), err
}

// FindAccountByID returns an account; the zero Account where there is none.
func (db *DB) FindAccountByID(ctx context.Context, id account.ID) (account.Account, error) {
	var r accountRow
	_, err := db.query(ctx, readAccount, string(id)).one(r.dest()...)
	return r.account(), err
}

// FindAccount looks an account up by its identifier.
func (tx *Tx) FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error) {
	var r accountRow
	ok, err := tx.query(ctx, findAccount, string(id)).one(r.dest()...)
	return r.account(), ok, err
}
