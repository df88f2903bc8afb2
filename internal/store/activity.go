package store

import (
	"context"
	"encoding/json"
	"math"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/myaccount"
)

const (
	listLines statement = `
SELECT e.id, e.at, e.kind, e.actor, e.account_id, e.client_id, e.session_id, e.detail, COALESCE(r.name, '')
FROM audit_events e LEFT JOIN relying_parties r ON r.client_id = e.client_id
WHERE e.account_id = $1 AND e.at <= $2 AND (e.at < $2 OR e.id < $3)
ORDER BY e.at DESC, e.id DESC LIMIT $4`

	listLinesPersonal statement = `
SELECT p.event_id, p.field, p.value FROM audit_personal p
WHERE p.event_id IN (SELECT e.id FROM audit_events e
  WHERE e.account_id = $1 AND e.at <= $2 AND (e.at < $2 OR e.id < $3)
  ORDER BY e.at DESC, e.id DESC LIMIT $4)`
)

// ListLines lists up to n lines about the account that come after the place, newest first.
func (db *DB) ListLines(ctx context.Context, id account.ID, after myaccount.Place, n int) ([]myaccount.Line, error) {
	at := int64(math.MaxInt64)
	if !after.At.IsZero() {
		at = ms(after.At)
	}
	byID := map[string]int{}
	lines, err := list(db.query(ctx, listLines, string(id), at, after.ID, int64(n)), func(scan scan) (l myaccount.Line, err error) {
		var at int64
		var detail string
		if err := scan(&l.ID, &at, &l.Kind, &l.Actor, &l.Account, &l.Client, &l.Session, &detail, &l.App); err != nil {
			return l, err
		}
		l.At, l.Personal = fromMS(at), map[string]string{}
		byID[l.ID] = len(byID)
		return l, json.Unmarshal([]byte(detail), &l.Detail)
	})
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	err = db.query(ctx, listLinesPersonal, string(id), at, after.ID, int64(n)).each(func(scan scan) error {
		var event, field, value string
		if err := scan(&event, &field, &value); err != nil {
			return err
		}
		if i, ok := byID[event]; ok { // a line that came in between the two reads is not among them
			lines[i].Personal[field] = value
		}
		return nil
	})
	return lines, err
}
