package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
)

const (
	unaddressed = invitedPerson + `, p.person_key, p.employments,
  COALESCE((SELECT max(l.created_at) FROM preparation_links l WHERE l.person_id = p.id AND l.purpose = 'sheet' AND l.consumed_at = 0 AND l.expires_at > $2), 0)
FROM persons p` + aroundPerson

	// The people without an address are few among many: they are looked up by that they have none.
	listUnaddressed statement = `
SELECT ` + unaddressed + `
WHERE p.identifier = '' AND p.organisation_id = $1 AND p.exempt_at = 0 AND c.person_id IS NULL AND p.id > $3 ORDER BY p.id LIMIT $4`

	findUnaddressed statement = `
SELECT ` + unaddressed + ` WHERE p.organisation_id = $1 AND p.id = $3`

	noteUnaddressed statement = `UPDATE organisations SET without_address = true WHERE id = $1 AND without_address = false`
)

func scanUnaddressed(scan scan) (u preparation.Unaddressed, err error) {
	var r invitationRow
	var printed int64
	if err := scan(append(r.person(), &r.Person.Key, &r.employments, &printed)...); err != nil {
		return u, err
	}
	u.Invitation, u.Printed = r.invitation(), fromMS(printed)
	return u, json.Unmarshal([]byte(r.employments), &u.Person.Employments)
}

// ListUnaddressed lists up to n of the organisation's people whose register address no mail could reach, by id, after the given one.
func (db *DB) ListUnaddressed(ctx context.Context, org organisation.ID, after string, n int, now time.Time) ([]preparation.Unaddressed, error) {
	return list(db.query(ctx, listUnaddressed, string(org), ms(now), after, int64(n)), scanUnaddressed)
}

// FindUnaddressed reads any person of the organisation in the same way.
func (db *DB) FindUnaddressed(ctx context.Context, org organisation.ID, person string, now time.Time) (u preparation.Unaddressed, ok bool, err error) {
	found, err := list(db.query(ctx, findUnaddressed, string(org), ms(now), person), scanUnaddressed)
	if len(found) == 0 {
		return u, false, err
	}
	return found[0], true, nil
}

// NoteUnaddressed notes that people of the organisation log in without an address.
func (tx *Tx) NoteUnaddressed(ctx context.Context, org organisation.ID) error {
	return tx.write(ctx, noteUnaddressed, string(org))
}
