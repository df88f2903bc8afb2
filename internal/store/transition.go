package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/transition"
)

var (
	_ transition.Store = (*DB)(nil)
	_ transition.Tx    = (*Tx)(nil)
)

// What a person has come to, as transition.Row.Status says it; $2 is the time. A test holds the two together.
const (
	personSecond = `(EXISTS (SELECT 1 FROM totp_keys k WHERE k.account_id = a.id))`
	personStatus = `CASE
  WHEN p.exempt_at > 0 THEN 'exempt'
  WHEN p.until_at > 0 AND p.until_at <= $2 THEN 'left'
  WHEN a.id IS NOT NULL AND ` + personSecond + ` THEN 'second'
  WHEN a.id IS NOT NULL AND a.first_signin_at > 0 THEN 'signed_in'
  WHEN a.id IS NOT NULL AND w.account_id IS NOT NULL THEN 'password'
  WHEN a.id IS NOT NULL THEN 'verified'
  WHEN p.flag <> '' THEN 'problem'
  WHEN p.bounced_at > 0 AND p.bounced_at >= p.mailed_at THEN 'bounced'
  WHEN p.opened_at > 0 THEN 'opened'
  WHEN p.accepted_at > 0 THEN 'delivered'
  WHEN p.mailed_at > 0 THEN 'mailed'
  ELSE 'waiting' END`
	needsAttention = `p.exempt_at = 0 AND (p.until_at = 0 OR p.until_at > $2) AND (p.attention_at > 0 AND (a.id IS NULL OR p.attention_why <> '')
    OR a.id IS NULL AND (p.flag <> '' OR p.bounced_at > 0 AND p.bounced_at >= p.mailed_at))`
	personJoins = `
FROM persons p LEFT JOIN connections c ON c.person_id = p.id LEFT JOIN accounts a ON a.id = c.account_id LEFT JOIN passwords w ON w.account_id = a.id AND w.imported_at = 0`
	personColumns = `p.id, p.given_name, p.family_name, p.address, p.phone, p.language, p.employments, p.flag, p.exempt_at, p.until_at, p.mailed_at, p.accepted_at,
  p.bounced_at, p.opened_at, p.attention_at, p.attention_why, p.disconnected_at, COALESCE(c.connected_at, 0), COALESCE(a.id, ''), COALESCE(CASE WHEN a.address <> '' THEN a.address ELSE a.identifier END, ''),
  CASE WHEN w.account_id IS NOT NULL THEN 1 ELSE 0 END, COALESCE(a.first_signin_at, 0),
  CASE WHEN a.id IS NOT NULL AND ` + personSecond + ` THEN 1 ELSE 0 END,
  p.sort_key, ` + personStatus
)

const (
	countPersons statement = `
SELECT status, flag, count(*), COALESCE(sum(tried), 0), COALESCE(sum(old), 0) FROM (SELECT ` + personStatus + ` AS status, p.flag AS flag,
  CASE WHEN p.attention_at > 0 AND (a.id IS NULL OR p.attention_why <> '') THEN 1 ELSE 0 END AS tried,
  CASE WHEN EXISTS (SELECT 1 FROM passwords h WHERE h.account_id = a.id AND h.imported_at > 0) THEN 1 ELSE 0 END AS old` + personJoins + `
WHERE p.organisation_id = $1) s GROUP BY status, flag`

	// $3 a status or '', $4 whether only those who need attention, $5 and $6 the place, $7 how many.
	listPersons statement = `
SELECT ` + personColumns + personJoins + `
WHERE p.organisation_id = $1 AND (p.sort_key > $5 OR p.sort_key = $5 AND p.id > $6) AND ($3 = '' OR ` + personStatus + ` = $3)
  AND ($4 = 0 OR ` + needsAttention + `)
ORDER BY p.sort_key, p.id LIMIT $7`

	// The same among those who have a word that begins so: $8 to $9.
	searchPersons statement = `
SELECT ` + personColumns + personJoins + `
WHERE p.organisation_id = $1 AND (p.sort_key > $5 OR p.sort_key = $5 AND p.id > $6) AND ($3 = '' OR ` + personStatus + ` = $3)
  AND ($4 = 0 OR ` + needsAttention + `)
  AND p.id IN (SELECT t.person_id FROM person_terms t WHERE t.organisation_id = $1 AND t.term >= $8 AND t.term < $9)
ORDER BY p.sort_key, p.id LIMIT $7`

	findTransitionPerson statement = `SELECT ` + personColumns + personJoins + ` WHERE p.organisation_id = $1 AND p.id = $3`

	findPersonByKey statement = `SELECT id FROM persons WHERE organisation_id = $1 AND person_key = $2 ORDER BY source LIMIT 1`

	findPersonByIdentifier statement = `
SELECT p.id FROM persons p WHERE p.identifier = $2 AND p.identifier <> '' AND p.organisation_id = $1
UNION SELECT p.id FROM accounts a JOIN connections c ON c.account_id = a.id JOIN persons p ON p.id = c.person_id WHERE a.identifier = $2 AND p.organisation_id = $1
LIMIT 1`

	// Whose phone it is in the register, and who logs in with it.
	listPersonsByPhone statement = `
SELECT p.id FROM persons p WHERE p.mobile = $2 AND p.mobile <> '' AND p.organisation_id || '' = $1
UNION SELECT p.id FROM accounts a JOIN connections c ON c.account_id = a.id JOIN persons p ON p.id = c.person_id WHERE a.identifier = $2 AND p.organisation_id = $1
LIMIT 20`

	findRefusal   statement = `SELECT reference, at, status, page, problem, identifier, client_id FROM refusals WHERE reference = $1`
	countRefusals statement = `SELECT count(*) FROM (SELECT 1 AS one FROM refusals WHERE at > $1 AND (identifier = '') = $3 LIMIT $2) lately`
	knowsClient   statement = `SELECT 1 FROM relying_parties WHERE client_id = $1`
	insertRefusal statement = `
INSERT INTO refusals (reference, at, status, page, problem, identifier, client_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (reference) DO NOTHING`

	countFindings statement = `SELECT kind, count(*) FROM findings WHERE organisation_id = $1 GROUP BY kind`

	listFindings statement = `
SELECT f.kind, f.detail, f.person_id, p.given_name, p.family_name, p.address FROM findings f JOIN persons p ON p.id = f.person_id
WHERE f.organisation_id = $1 AND f.person_id > $3 AND ($2 = '' OR f.kind = $2) AND p.exempt_at = 0 ORDER BY f.person_id, f.kind LIMIT $4`

	countUnchecked statement = `
SELECT count(*) FROM persons p WHERE p.organisation_id = $1 AND (p.checked_at = 0 OR p.checked_at < p.changed_at)`

	comparedColumns = `p.id, p.organisation_id, p.given_name, p.family_name, p.address, p.employments, p.legacy_id, p.phone, p.imported_hash, p.flag, p.identifier, p.vouched, p.mobile,
`

	checkedColumns = comparedColumns + `  CASE WHEN p.identifier = '' THEN 0 ELSE (SELECT count(*) FROM persons q WHERE q.identifier = p.identifier AND q.organisation_id = p.organisation_id) END,
  (SELECT count(*) FROM (SELECT q.id FROM persons q WHERE q.organisation_id = p.organisation_id AND q.sort_key = p.sort_key LIMIT 2) twins),
  CASE WHEN EXISTS (SELECT 1 FROM connections c WHERE c.person_id = p.id) THEN 1 ELSE 0 END,
  CASE WHEN p.mobile = '' THEN 0 ELSE (SELECT count(*) FROM persons q WHERE q.mobile = p.mobile AND q.organisation_id = p.organisation_id AND q.exempt_at = 0 AND q.id <> p.id) END
FROM persons p`

	// The rows are chosen by their id alone, and looked at afterwards: an index of the organisation would lead through all of its people for
	// each bite.
	listUnchecked statement = `
SELECT ` + checkedColumns + ` WHERE p.id IN (SELECT u.id FROM persons u WHERE u.organisation_id || '' = $1 AND u.id > $2
  AND ($4 = 1 OR u.checked_at = 0 OR u.checked_at < u.changed_at) ORDER BY u.id LIMIT $3) ORDER BY p.id`

	// The address is looked up by itself: an index that begins with the organisation would lead through all of its people.
	// At most a hundred: who shares an address with more is told so by the number. Of a twin nothing is counted: of a common name there are many.
	listTwins statement = `
SELECT ` + comparedColumns + ` 0, 0, 0, 0 FROM persons p WHERE p.id <> $2
  AND p.id IN (SELECT q.id FROM persons q WHERE q.identifier = $3 AND q.identifier <> '' AND q.organisation_id || '' = $1
    UNION SELECT q.id FROM persons q WHERE q.organisation_id = $1 AND q.sort_key = $4) LIMIT 100`

	saveChecked    statement = `UPDATE persons SET flag = $2, checked_at = $3 WHERE id = $1`
	deleteFindings statement = `DELETE FROM findings WHERE person_id = $1`
	insertFinding  statement = `INSERT INTO findings (person_id, kind, organisation_id, detail, found_at) VALUES ($1, $2, $3, $4, $5)`

	readPerson statement = `
SELECT p.id, p.organisation_id, p.source, p.person_key, p.given_name, p.family_name, p.address, p.employments, p.legacy_id, p.phone, p.language, p.flag, p.exempt_at,
  COALESCE(c.account_id, '')
FROM persons p LEFT JOIN connections c ON c.person_id = p.id WHERE p.organisation_id = $1 AND p.id = $2`

	correctAddress statement = `
UPDATE persons SET address = $2, identifier = $3, flag = '', vouched = '', bounced_at = 0, opened_at = 0, accepted_at = 0, mailed_at = 0, attention_at = 0, attention_why = '', changed_at = $4, checked_at = 0
WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.person_id = persons.id)`

	correctPhone statement = `
UPDATE persons SET phone = $2, mobile = $3, address = '', identifier = '', flag = '', vouched = '', bounced_at = 0, opened_at = 0, accepted_at = 0, mailed_at = 0,
  attention_at = 0, attention_why = '', changed_at = $4, checked_at = 0
WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.person_id = persons.id)`

	uncheckTwins statement = `UPDATE persons SET checked_at = 0 WHERE identifier = $2 AND identifier <> '' AND organisation_id || '' = $1`
	vouchAddress statement = `UPDATE persons SET vouched = $2, checked_at = 0, changed_at = $3 WHERE id = $1`
	setExempt    statement = `UPDATE persons SET exempt_at = $2, exempt_reason = $3 WHERE id = $1`

	wasDisconnected statement = `
SELECT e.id FROM audit_personal q JOIN audit_events e ON e.id = q.event_id
WHERE q.field = 'person' AND q.value = $2 AND e.kind = 'transition.person_disconnected' AND e.at > $3
  AND EXISTS (SELECT 1 FROM audit_organisations i WHERE i.organisation_id = $1 AND i.at = e.at AND i.event_id = e.id) LIMIT 1`

	disconnectPerson statement = `DELETE FROM connections WHERE person_id = $1 RETURNING account_id`
	noteDisconnected statement = `UPDATE persons SET disconnected_at = $2, attention_at = 0, attention_why = '' WHERE id = $1`
	settleAttention  statement = `UPDATE persons SET attention_at = 0, attention_why = '' WHERE id = $1 AND attention_at > 0`

	deleteTerms statement = `DELETE FROM person_terms WHERE person_id = $1`
)

func scanRow(scan scan, now time.Time) (r transition.Row, err error) {
	var given, family, employments, login string
	var exempt, until, mailed, accepted, bounced, opened, attention, disconnected, connected, signedIn, hasSecret, hasSecond int64
	err = scan(&r.ID, &given, &family, &r.Address, &r.Phone, &r.Language, &employments, &r.Flag, &exempt, &until, &mailed, &accepted, &bounced, &opened, &attention, &r.AttentionWhy, &disconnected,
		&connected, &r.Account, &login, &hasSecret, &signedIn, &hasSecond, &r.SortKey, &r.StatusName)
	r.GivenName, r.Name = given, strings.TrimSpace(given+" "+family)
	r.Exempt, r.Until, r.Mailed, r.Accepted, r.Bounced = fromMS(exempt), fromMS(until), fromMS(mailed), fromMS(accepted), fromMS(bounced)
	r.Opened, r.Attention, r.Disconnected = fromMS(opened), fromMS(attention), fromMS(disconnected)
	r.Connected, r.SignedIn = fromMS(connected), fromMS(signedIn)
	r.HasSecret, r.HasSecond = hasSecret == 1, hasSecond == 1
	id := account.Identifier(login)
	r.Unaddressed, r.ByNumber = r.Account != "" && !id.IsAddress(), id.IsNumber()
	switch {
	case id.Phone() != "":
		r.Login = id.Shown()
	case login != r.Address && !id.IsNumber(): // a number may be a national identity number (RULES §7)
		r.Login = login
	}
	if err != nil {
		return r, err
	}
	var all []person.Employment
	if err := json.Unmarshal([]byte(employments), &all); err != nil {
		return r, err
	}
	r.Units = strings.Join(person.Units(all, now), ", ")
	return r, nil
}

// CountPersons counts an organisation's persons by status.
func (db *DB) CountPersons(ctx context.Context, o organisation.ID, now time.Time) (transition.Counts, error) {
	c := transition.Counts{Statuses: map[transition.Status]int{}, Flags: map[person.Flag]int{}}
	err := db.query(ctx, countPersons, string(o), ms(now)).each(func(scan scan) error {
		var s transition.Status
		var flag person.Flag
		var n, tried, old int
		if err := scan(&s, &flag, &n, &tried, &old); err != nil {
			return err
		}
		c.Statuses[s] += n
		c.Total += n
		switch s {
		case transition.Verified:
			c.Imported += old
			c.Attention += tried
		case transition.Problem:
			c.Flags[flag] += n
			c.Attention += n
		case transition.Bounced:
			c.Attention += n
		case transition.Waiting, transition.Mailed, transition.Delivered, transition.Opened, transition.Password, transition.SignedIn, transition.Second:
			c.Attention += tried
		}
		return nil
	})
	return c, err
}

// ListPersons lists up to n persons in the order of their names.
func (db *DB) ListPersons(ctx context.Context, o organisation.ID, f transition.Filter, after transition.Place, n int, now time.Time) ([]transition.Row, error) {
	attention := int64(0)
	if f.Attention {
		attention = 1
	}
	row := func(scan scan) (transition.Row, error) { return scanRow(scan, now) }
	args := []any{string(o), ms(now), string(f.Status), attention, orEmpty(after.SortKey), after.ID, int64(n)}
	if f.Words == "" {
		return list(db.query(ctx, listPersons, args...), row)
	}
	from, to := prefixRange(f.Words)
	return list(db.query(ctx, searchPersons, append(args, from, to)...), row)
}

// prefixRange is where the terms lie that begin so: bytes, because two databases order text differently.
func prefixRange(words string) (from, to []byte) {
	from = []byte(words)
	return from, append([]byte(words), 0xff)
}

// FindPerson reads one person of the organisation.
func (db *DB) FindPerson(ctx context.Context, o organisation.ID, id string, now time.Time) (transition.Row, bool, error) {
	found, err := list(db.query(ctx, findTransitionPerson, string(o), ms(now), id), func(scan scan) (transition.Row, error) { return scanRow(scan, now) })
	if len(found) == 0 {
		return transition.Row{}, false, err
	}
	return found[0], true, nil
}

// FindPersonByKey looks a person up by her key.
func (db *DB) FindPersonByKey(ctx context.Context, o organisation.ID, key person.Key) (id string, found bool, err error) {
	found, err = db.query(ctx, findPersonByKey, string(o), key.Reveal()).one(&id)
	return id, found, err
}

// CountFindings counts what the pre-flight has found, by kind.
func (db *DB) CountFindings(ctx context.Context, o organisation.ID) (map[transition.Kind]int, error) {
	counts := map[transition.Kind]int{}
	err := db.query(ctx, countFindings, string(o)).each(func(scan scan) error {
		var k transition.Kind
		var n int
		err := scan(&k, &n)
		counts[k] = n
		return err
	})
	return counts, err
}

// ListFindings lists up to n findings of a kind (” all) after a person's id.
func (db *DB) ListFindings(ctx context.Context, o organisation.ID, kind transition.Kind, after string, n int) ([]transition.Found, error) {
	return list(db.query(ctx, listFindings, string(o), string(kind), after, int64(n)), func(scan scan) (f transition.Found, err error) {
		var given, family string
		err = scan(&f.Kind, &f.Detail, &f.Person, &given, &family, &f.Address)
		f.Name = strings.TrimSpace(given + " " + family)
		return f, err
	})
}

// CountUnchecked counts the persons whom the pre-flight has not seen as they are now.
func (db *DB) CountUnchecked(ctx context.Context, o organisation.ID) (n int, err error) {
	_, err = db.query(ctx, countUnchecked, string(o)).one(&n)
	return n, err
}

func scanChecked(scan scan) (c transition.Checked, err error) {
	var employments string
	var connected int64
	err = scan(&c.ID, &c.Organisation, &c.GivenName, &c.FamilyName, &c.Address, &employments, &c.LegacyID, &c.Person.Phone, &c.ImportedHash, &c.Flag, &c.Identifier,
		&c.Vouched, &c.Mobile, &c.SameAddress, &c.SameName, &connected, &c.SameMobile)
	c.Connected = connected == 1
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal([]byte(employments), &c.Employments)
}

// ListUnchecked reads up to n persons after an id, for the pre-flight.
func (db *DB) ListUnchecked(ctx context.Context, o organisation.ID, after string, n int, all bool) ([]transition.Checked, error) {
	every := int64(0)
	if all {
		every = 1
	}
	return list(db.query(ctx, listUnchecked, string(o), after, int64(n), every), scanChecked)
}

// ListTwins reads the persons of the organisation with the same address or the same name, but for one.
func (db *DB) ListTwins(ctx context.Context, o organisation.ID, c transition.Checked) ([]transition.Checked, error) {
	return list(db.query(ctx, listTwins, string(o), c.ID, string(c.Identifier), c.SortKey()), scanChecked)
}

// SaveChecked stores what the pre-flight says of a person.
func (tx *Tx) SaveChecked(ctx context.Context, c transition.Checked, flag person.Flag, findings []transition.Finding, now time.Time) error {
	if err := tx.write(ctx, saveChecked, c.ID, string(flag), ms(now)); err != nil {
		return err
	}
	if err := tx.write(ctx, deleteFindings, c.ID); err != nil {
		return err
	}
	for _, f := range findings {
		if err := tx.write(ctx, insertFinding, c.ID, string(f.Kind), string(c.Organisation), f.Detail, ms(now)); err != nil {
			return err
		}
	}
	return nil
}

// ReadPerson reads a person of the organisation inside the transaction.
func (tx *Tx) ReadPerson(ctx context.Context, o organisation.ID, id string) (p person.Person, acc account.ID, ok bool, err error) {
	var employments string
	var exempt int64
	ok, err = tx.query(ctx, readPerson, string(o), id).one(&p.ID, &p.Organisation, &p.Source, &p.Key, &p.GivenName, &p.FamilyName, &p.Address, &employments, &p.LegacyID,
		&p.Phone, &p.Language, &p.Flag, &exempt, &acc)
	if err != nil || !ok {
		return p, acc, ok, err
	}
	p.Exempt = fromMS(exempt)
	return p, acc, ok, json.Unmarshal([]byte(employments), &p.Employments)
}

// CorrectAddress changes the register's address of a person without a connection.
func (tx *Tx) CorrectAddress(ctx context.Context, id, address string, identifier account.Identifier, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, correctAddress, id, address, string(identifier), ms(now))
	if err != nil || n == 0 {
		return false, err
	}
	// What was proposed by whoever read the old address: the new one has never heard of it, and could not object.
	if err := tx.write(ctx, endProposals, id, ms(now), "register"); err != nil {
		return false, err
	}
	var p person.Person
	if _, err := tx.query(ctx, readTerms, id).one(&p.ID, &p.Organisation, &p.GivenName, &p.FamilyName, &p.Address, &p.LegacyID); err != nil {
		return false, err
	}
	return true, tx.writeTerms(ctx, p)
}

// CorrectPhone gives a person without a connection another phone in the register, by which she is reached from now on.
func (tx *Tx) CorrectPhone(ctx context.Context, p person.Person, now time.Time) (bool, error) {
	if err := tx.write(ctx, uncheckTwins, string(p.Organisation), string(p.Identifier())); err != nil {
		return false, err
	}
	if err := tx.write(ctx, uncheckMobiles, string(p.Organisation), string(p.Mobile), p.ID); err != nil {
		return false, err
	}
	n, err := tx.exec(ctx, correctPhone, p.ID, p.Phone, string(p.Mobile), ms(now))
	if err != nil || n == 0 {
		return false, err
	}
	if err := tx.EndPreparation(ctx, p.ID, "register", now); err != nil {
		return false, err
	}
	p.Address = ""
	return true, tx.writeTerms(ctx, p)
}

// UncheckTwins lets the pre-flight look again at those who have an identifier.
func (tx *Tx) UncheckTwins(ctx context.Context, o organisation.ID, identifier account.Identifier) error {
	return tx.write(ctx, uncheckTwins, string(o), string(identifier))
}

// Vouch notes that an identifier is the person's own.
func (tx *Tx) Vouch(ctx context.Context, id string, identifier account.Identifier, now time.Time) error {
	return tx.write(ctx, vouchAddress, id, string(identifier), ms(now))
}

// SetExempt takes a person out of the transition, or back in.
func (tx *Tx) SetExempt(ctx context.Context, id string, at time.Time, reason string, _ time.Time) error {
	return tx.write(ctx, setExempt, id, ms(at), reason)
}

// WasDisconnected says whether a connection was taken away from the person after the given time.
func (tx *Tx) WasDisconnected(ctx context.Context, o organisation.ID, id string, after time.Time) (bool, error) {
	var event string
	return tx.query(ctx, wasDisconnected, string(o), id, ms(after)).one(&event)
}

// Disconnect takes the connection from a person away, and what her account has said yes to on a phone and no app has fetched; and notes that she
// is to be invited anew.
func (tx *Tx) Disconnect(ctx context.Context, id string, now time.Time) (acc account.ID, had bool, err error) {
	if had, err = tx.query(ctx, disconnectPerson, id).one(&acc); err != nil || !had {
		return acc, had, err
	}
	if err = tx.write(ctx, noteDisconnected, id, ms(now)); err != nil {
		return acc, true, err
	}
	err = tx.write(ctx, denyAnswered, string(acc))
	return acc, true, err
}

// SettleAttention takes the mark from a person; false if there is none.
func (tx *Tx) SettleAttention(ctx context.Context, id string) (bool, error) {
	n, err := tx.exec(ctx, settleAttention, id)
	return n == 1, err
}

const readTerms statement = `SELECT id, organisation_id, given_name, family_name, address, legacy_id FROM persons WHERE id = $1`

// FindPersonByIdentifier looks for a person of the organisation by the register's address, or by the one that she logs in with.
func (db *DB) FindPersonByIdentifier(ctx context.Context, o organisation.ID, id account.Identifier) (person string, found bool, err error) {
	found, err = db.query(ctx, findPersonByIdentifier, string(o), string(id)).one(&person)
	return person, found, err
}

// ListPersonsByPhone lists the people of the organisation who have the phone in the register, or log in with it.
func (db *DB) ListPersonsByPhone(ctx context.Context, o organisation.ID, number account.Identifier) ([]string, error) {
	return list(db.query(ctx, listPersonsByPhone, string(o), string(number)), func(scan scan) (id string, err error) { return id, scan(&id) })
}

// FindRefusal looks a refusal up by its number.
func (db *DB) FindRefusal(ctx context.Context, number string) (r transition.Refusal, ok bool, err error) {
	var at int64
	ok, err = db.query(ctx, findRefusal, number).one(&r.Reference, &at, &r.Status, &r.Page, &r.Problem, &r.Identifier, &r.Client)
	r.At = fromMS(at)
	return r, ok, err
}

// CountRefusals counts the refusals since the given time, up to so many: of programs, or of persons.
func (tx *Tx) CountRefusals(ctx context.Context, since time.Time, most int, programs bool) (n int, err error) {
	_, err = tx.query(ctx, countRefusals, ms(since), int64(most), programs).one(&n)
	return n, err
}

// KnowsClient says whether there is an app of this client id.
func (tx *Tx) KnowsClient(ctx context.Context, clientID string) (bool, error) {
	return tx.query(ctx, knowsClient, clientID).one(new(int64))
}

// InsertRefusal stores a refusal.
func (tx *Tx) InsertRefusal(ctx context.Context, r transition.Refusal) error {
	return tx.write(ctx, insertRefusal, r.Reference, ms(r.At), int64(r.Status), r.Page, r.Problem, string(r.Identifier), r.Client)
}
