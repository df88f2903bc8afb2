package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/myaccount"
)

const (
	// A grant stands while its session does, or while its refresh token may outlive that. One of an RP without refresh tokens
	// expires with its access token, but the RP's own session goes on: it stays on the list.
	listAccess statement = `
SELECT g.client_id, r.name, g.scope, CASE WHEN g.offline AND g.expires_at > $2 THEN 1 ELSE 0 END, MIN(g.created_at), MAX(g.rotated_at)
FROM grants g JOIN relying_parties r ON r.client_id = g.client_id LEFT JOIN sessions s ON s.id = g.session_id
WHERE g.account_id = $1 AND g.ended_at = 0 AND (g.offline AND g.expires_at > $2 OR s.ended_at = 0 AND s.expires_at > $2)
GROUP BY g.client_id, r.name, g.scope, CASE WHEN g.offline AND g.expires_at > $2 THEN 1 ELSE 0 END`

	// The sessions in which the RP has signed the person in and which have not been ended: it has not heard of them yet.
	listAccessSessions statement = `
SELECT DISTINCT g.session_id, g.account_id, g.client_id, r.backchannel_logout_uri
FROM grants g JOIN relying_parties r ON r.client_id = g.client_id JOIN sessions s ON s.id = g.session_id
WHERE g.account_id = $1 AND g.client_id = $2 AND g.ended_at = 0 AND s.` + notEnded

	// Of a registered app: an authenticator is unpaired at its own place.
	endAccess statement = `
UPDATE grants SET ended_at = $3, revoked_at = $3, expires_at = CASE WHEN expires_at < $3 THEN expires_at ELSE $3 END
WHERE account_id = $1 AND client_id = $2 AND ended_at = 0 AND EXISTS (SELECT 1 FROM relying_parties r WHERE r.client_id = $2)`
)

// ListAccess lists the RPs with standing grants of the account, by name.
func (db *DB) ListAccess(ctx context.Context, id account.ID, now time.Time) ([]myaccount.Access, error) {
	parts, err := list(db.query(ctx, listAccess, string(id), ms(now)), func(scan scan) (a myaccount.Access, err error) {
		var stays, since, used int64
		err = scan(&a.ClientID, &a.Name, &a.Scope, &stays, &since, &used)
		a.Stays, a.Since, a.Used = stays == 1, fromMS(since), fromMS(used)
		return a, err
	})
	if err != nil {
		return nil, err
	}
	var all []myaccount.Access
	for _, part := range parts {
		i := slices.IndexFunc(all, func(a myaccount.Access) bool { return a.ClientID == part.ClientID })
		if i < 0 {
			all = append(all, part)
			continue
		}
		one := &all[i]
		one.Scope, one.Stays = one.Scope+" "+part.Scope, one.Stays || part.Stays
		if part.Since.Before(one.Since) {
			one.Since = part.Since
		}
		if part.Used.After(one.Used) {
			one.Used = part.Used
		}
	}
	slices.SortFunc(all, func(a, b myaccount.Access) int { // here: a database sorts by its locale
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.ClientID, b.ClientID))
	})
	return all, nil
}

// EndAccess ends all grants of the account that the RP has.
func (tx *Tx) EndAccess(ctx context.Context, id account.ID, clientID string, now time.Time) (int, []authn.Ended, error) {
	told, err := list(tx.query(ctx, listAccessSessions, string(id), clientID), func(scan scan) (e authn.Ended, err error) {
		return e, scan(&e.Session, &e.Account, &e.ClientID, &e.LogoutURI)
	})
	if err != nil {
		return 0, nil, err
	}
	n, err := tx.exec(ctx, endAccess, string(id), clientID, ms(now))
	return int(n), told, err
}
