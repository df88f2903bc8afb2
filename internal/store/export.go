package store

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/token"
)

// What an export tells. Verifiers, sealed keys, hashes and operations stand in none of these lists.
const (
	exportPersons statement = `
SELECT p.organisation_id, o.name, p.person_key, p.given_name, p.family_name, p.address, p.employments, c.connected_at
FROM connections c JOIN persons p ON p.id = c.person_id JOIN organisations o ON o.id = p.organisation_id
WHERE c.account_id = $1 ORDER BY p.organisation_id, p.person_key`

	exportPending statement = `SELECT address, requested_at, expires_at FROM pending_addresses WHERE account_id = $1`

	exportPassword statement = `SELECT changed_at, suspended_at FROM passwords WHERE account_id = $1`

	exportApps statement = `
SELECT t.name, t.created_at, t.used_at, COALESCE(p.seen_at, 0), COALESCE(p.language, '')
FROM totp_keys t LEFT JOIN push_keys p ON p.app_id = t.id WHERE t.account_id = $1 ORDER BY t.created_at, t.id`

	exportSessions statement = `
SELECT id, user_agent, ip, acr, amr, auth_time, created_at, last_seen, expires_at, ended_at, ended_by
FROM sessions WHERE account_id = $1 ORDER BY created_at, id`

	exportBrowsers statement = `
SELECT user_agent, ip, created_at, expires_at FROM remembered_browsers WHERE account_id = $1 ORDER BY created_at, id`

	exportGrants statement = `
SELECT g.client_id, COALESCE(r.name, ''), g.scope, g.offline, g.session_id, g.created_at, g.rotated_at, g.expires_at, g.ended_at
FROM grants g LEFT JOIN relying_parties r ON r.client_id = g.client_id
WHERE g.account_id = $1 ORDER BY g.created_at, g.id`

	exportPairwise statement = `SELECT sector, subject, created_at FROM pairwise_subjects WHERE account_id = $1 ORDER BY created_at, sector`

	// A link to a new address is told of once it is used: before, that there is one tells that the address is nobody else's.
	exportLinks statement = `
SELECT purpose, created_at, expires_at, consumed_at FROM onetime_links
WHERE account_id = $1 AND (purpose <> 'address' OR consumed_at > 0) ORDER BY created_at, id`

	exportMessages statement = `
SELECT channel, template, recipient, created_at, state, finished_at, answer, bounced_at, bounce_reason FROM outbox
WHERE account_id = $1 ORDER BY created_at, id`
)

// FindExport reads all of an export but the lines of the audit log.
func (db *DB) FindExport(ctx context.Context, acc account.Account) (e myaccount.Export, err error) {
	login := ""
	if acc.Address == "" {
		login = acc.Login()
	}
	e.Account = myaccount.ExportedAccount{Login: login, Subject: acc.ID, Address: acc.Address, Verified: acc.Verified, GivenName: acc.GivenName,
		FamilyName: acc.FamilyName, Language: acc.Language, Created: acc.Created}
	for _, part := range []func(context.Context, account.Account, *myaccount.Export) error{
		db.exportPersons, db.exportAuthenticators, db.exportSessions, db.exportGrants, db.exportMessages,
	} {
		if err := part(ctx, acc, &e); err != nil {
			return e, err
		}
	}
	return e, nil
}

func (db *DB) exportPersons(ctx context.Context, acc account.Account, e *myaccount.Export) (err error) {
	var pending myaccount.ExportedPending
	var requested, expires int64
	waits, err := db.query(ctx, exportPending, string(acc.ID)).one(&pending.Address, &requested, &expires)
	if err != nil {
		return err
	}
	if waits {
		pending.Requested, pending.Expires = fromMS(requested), fromMS(expires)
		e.Pending = &pending
	}
	e.Employers, err = listed(db.query(ctx, exportPersons, string(acc.ID)), func(scan scan) (p myaccount.ExportedPerson, err error) {
		var employments string
		var connected int64
		err = scan(&p.Organisation, &p.Name, &p.Key, &p.GivenName, &p.FamilyName, &p.Address, &employments, &connected)
		p.Employments, p.Connected = json.RawMessage(employments), fromMS(connected)
		return p, err
	})
	return err
}

func (db *DB) exportAuthenticators(ctx context.Context, acc account.Account, e *myaccount.Export) error {
	var changed, suspended int64
	has, err := db.query(ctx, exportPassword, string(acc.ID)).one(&changed, &suspended)
	if err != nil {
		return err
	}
	if has {
		e.Password = &myaccount.ExportedPassword{Changed: fromMS(changed), Suspended: fromMS(suspended)}
	}
	made, err := db.FindRecoveryMade(ctx, acc.ID)
	if err != nil {
		return err
	}
	if !made.IsZero() {
		e.RecoveryCode = &myaccount.ExportedCode{Made: made}
	}
	e.Apps, err = listed(db.query(ctx, exportApps, string(acc.ID)), func(scan scan) (a myaccount.ExportedApp, err error) {
		var added, used, seen int64
		err = scan(&a.Name, &added, &used, &seen, &a.Language)
		a.Added, a.Used, a.Paired = fromMS(added), fromMS(max(used, seen)), seen > 0
		return a, err
	})
	return err
}

func (db *DB) exportSessions(ctx context.Context, acc account.Account, e *myaccount.Export) (err error) {
	e.Sessions, err = listed(db.query(ctx, exportSessions, string(acc.ID)), func(scan scan) (s myaccount.ExportedSession, err error) {
		var amr string
		var proven, created, seen, expires, ended int64
		err = scan(&s.ID, &s.UserAgent, &s.IP, &s.ACR, &amr, &proven, &created, &seen, &expires, &ended, &s.EndedBy)
		s.AMR, s.Proven, s.Created, s.Seen = strings.Fields(amr), fromMS(proven), fromMS(created), fromMS(seen)
		s.Expires, s.Ended = fromMS(expires), fromMS(ended)
		return s, err
	})
	if err != nil {
		return err
	}
	e.RememberedBrowsers, err = listed(db.query(ctx, exportBrowsers, string(acc.ID)), func(scan scan) (b myaccount.ExportedBrowser, err error) {
		var created, expires int64
		err = scan(&b.UserAgent, &b.IP, &created, &expires)
		b.Created, b.Expires = fromMS(created), fromMS(expires)
		return b, err
	})
	return err
}

func (db *DB) exportGrants(ctx context.Context, acc account.Account, e *myaccount.Export) (err error) {
	e.Access, err = listed(db.query(ctx, exportGrants, string(acc.ID)), func(scan scan) (g myaccount.ExportedGrant, err error) {
		var created, used, expires, ended int64
		err = scan(&g.ClientID, &g.App, &g.Scope, &g.Offline, &g.Session, &created, &used, &expires, &ended)
		if g.ClientID == token.AuthenticatorClient {
			g.App = "Portvakt Authenticator" // which is registered nowhere
		} else if g.App == "" && ended == 0 {
			ended = ms(db.now()) // its app was removed, and so will be the row
		}
		g.Created, g.Used, g.Expires, g.Ended = fromMS(created), fromMS(used), fromMS(expires), fromMS(ended)
		return g, err
	})
	if err != nil {
		return err
	}
	e.SectorNames, err = listed(db.query(ctx, exportPairwise, string(acc.ID)), func(scan scan) (n myaccount.ExportedName, err error) {
		var created int64
		err = scan(&n.Sector, &n.Subject, &created)
		n.Created = fromMS(created)
		return n, err
	})
	return err
}

func (db *DB) exportMessages(ctx context.Context, acc account.Account, e *myaccount.Export) (err error) {
	e.Links, err = listed(db.query(ctx, exportLinks, string(acc.ID)), func(scan scan) (l myaccount.ExportedLink, err error) {
		var created, expires, used int64
		err = scan(&l.Purpose, &created, &expires, &used)
		l.Created, l.Expires, l.Used = fromMS(created), fromMS(expires), fromMS(used)
		return l, err
	})
	if err != nil {
		return err
	}
	e.Messages, err = listed(db.query(ctx, exportMessages, string(acc.ID)), func(scan scan) (m myaccount.ExportedMessage, err error) {
		var created, finished, bounced int64
		err = scan(&m.Channel, &m.Template, &m.To, &created, &m.State, &finished, &m.Answer, &bounced, &m.BounceReason)
		m.Created, m.Finished, m.Bounced = fromMS(created), fromMS(finished), fromMS(bounced)
		return m, err
	})
	return err
}

// listed is list for what becomes JSON: nothing is an empty array there, not null.
func listed[T any](q query, fn func(scan scan) (T, error)) ([]T, error) {
	all, err := list(q, fn)
	if all == nil {
		all = []T{}
	}
	return all, err
}
