package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/register"
)

const (
	insertImport statement = `
INSERT INTO imports (job_id, organisation_id, name, sheet, header, sample, mapping, fingerprint, remembered)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	findImport statement = `
SELECT name, sheet, header, sample, mapping, fingerprint, remembered FROM imports WHERE job_id = $1`

	// The sample has served its time: its rows are people's.
	saveImportMapping statement = `UPDATE imports SET mapping = $2, sample = '[]' WHERE job_id = $1`

	rememberMapping statement = `
INSERT INTO import_mappings (organisation_id, fingerprint, mapping, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (organisation_id, fingerprint) DO UPDATE SET mapping = excluded.mapping, changed_at = excluded.changed_at`

	findMapping statement = `SELECT mapping FROM import_mappings WHERE organisation_id = $1 AND fingerprint = $2`

	insertChunk statement = `INSERT INTO import_chunks (job_id, seq, data, created_at) VALUES ($1, $2, $3, $4)`

	firstChunk statement = `SELECT seq, data FROM import_chunks WHERE job_id = $1 ORDER BY seq LIMIT 1`

	deleteChunk statement = `DELETE FROM import_chunks WHERE job_id = $1 AND seq = $2`

	stageEntry statement = `
INSERT INTO import_rows (job_id, key_hash, line, source, person_key, entry) VALUES ($1, $2, $3, $4, $5, $6)`

	listStaged statement = `
SELECT r.key_hash, r.entry, COALESCE(p.id, ''), COALESCE(p.given_name, ''), COALESCE(p.family_name, ''), COALESCE(p.address, ''),
  COALESCE(p.employments, '[]'), COALESCE(p.legacy_id, ''), COALESCE(p.phone, ''), COALESCE(p.language, ''), COALESCE(p.imported_hash, ''),
  c.person_id IS NOT NULL, COALESCE(p.mailed_at, 0) > 0 OR EXISTS (SELECT 1 FROM preparation_links l WHERE l.person_id = p.id)
FROM (SELECT key_hash, line, source, person_key, entry FROM import_rows WHERE job_id = $1 ORDER BY key_hash, line LIMIT $3) r
  LEFT JOIN persons p ON p.organisation_id = $2 AND p.source = r.source AND p.person_key = r.person_key
  LEFT JOIN connections c ON c.person_id = p.id
ORDER BY r.key_hash, r.line`

	deleteStaged statement = `DELETE FROM import_rows WHERE job_id = $1 AND key_hash <= $2`

	insertProblem statement = `
INSERT INTO import_problems (job_id, seq, line, column_name, reason, refused) VALUES ($1, $2, $3, $4, $5, $6)`

	listProblems statement = `
SELECT seq, line, column_name, reason, refused FROM import_problems WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`

	// What was known of the old address is not known of the new one.
	changePerson statement = `
UPDATE persons SET given_name = $2, family_name = $3, address = $4, employments = $5, legacy_id = $6, phone = $7, language = $8,
  imported_hash = $9, identifier = $10, sort_key = $11, changed_at = $12, checked_at = 0, until_at = $14, mobile = $15,
  flag = CASE WHEN $13 THEN '' ELSE flag END, mailed_at = CASE WHEN $13 THEN 0 ELSE mailed_at END,
  accepted_at = CASE WHEN $13 THEN 0 ELSE accepted_at END, bounced_at = CASE WHEN $13 THEN 0 ELSE bounced_at END,
  opened_at = CASE WHEN $13 THEN 0 ELSE opened_at END
WHERE id = $1`

	// Those who have had the same address as the person until now.
	uncheckFormer statement = `
UPDATE persons SET checked_at = 0 WHERE organisation_id || '' = $1 AND identifier <> '' AND identifier = (SELECT p.identifier FROM persons p WHERE p.id = $2)`

	// Those who have, or have had until now, the same phone as the person.
	uncheckMobiles statement = `
UPDATE persons SET checked_at = 0
WHERE organisation_id || '' = $1 AND mobile <> '' AND mobile IN ($2, (SELECT p.mobile FROM persons p WHERE p.id = $3))`

	uncheckMobile statement = `UPDATE persons SET checked_at = 0 WHERE organisation_id || '' = $1 AND mobile <> '' AND mobile = $2`

	// Who turns out to have a phone is looked at again.
	indexPerson statement = `
UPDATE persons SET identifier = $2, sort_key = $3, indexed = true, mobile = $4, checked_at = CASE WHEN mobile = $4 THEN checked_at ELSE 0 END WHERE id = $1`

	listUnindexed statement = `
SELECT id, organisation_id, source, person_key, given_name, family_name, address, employments, legacy_id, phone, language, imported_hash
FROM persons WHERE indexed = false LIMIT $1`

	findRegistered statement = `
SELECT id, organisation_id, source, person_key, given_name, family_name, address, employments, legacy_id, phone, language, imported_hash
FROM persons WHERE id = $1`

	saveHold statement = `
INSERT INTO holds (id, organisation_id, person_id, job_id, change, created_at, decided_at, decided_by, decision)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET job_id = excluded.job_id, change = excluded.change, decided_at = excluded.decided_at,
  decided_by = excluded.decided_by, decision = excluded.decision`

	// One that waits has no time of decision yet, and is the newest.
	latestHold statement = `
SELECT id, organisation_id, person_id, job_id, change, created_at, decided_at, decided_by, decision FROM holds
WHERE person_id = $1 ORDER BY CASE WHEN decided_at = 0 THEN 0 ELSE 1 END, decided_at DESC, id LIMIT 1`

	findHold statement = `
SELECT id, organisation_id, person_id, job_id, change, created_at, decided_at, decided_by, decision FROM holds
WHERE id = $1 AND organisation_id = $2`

	listHolds statement = `
SELECT id, organisation_id, person_id, job_id, change, created_at, decided_at, decided_by, decision FROM holds
WHERE organisation_id = $1 AND decided_at = 0 AND (created_at > $2 OR created_at = $2 AND id > $3) ORDER BY created_at, id LIMIT $4`

	countHolds statement = `SELECT count(*) FROM holds WHERE organisation_id = $1 AND decided_at = 0`
)

// InsertImport stores what is known of a file.
func (tx *Tx) InsertImport(ctx context.Context, i provisioning.Import) error {
	header, sample, mapping, err := tables(i)
	if err != nil {
		return err
	}
	return tx.write(ctx, insertImport, i.ID, string(i.Organisation), i.Name, i.Sheet, header, sample, mapping, i.Fingerprint, i.Remembered)
}

// tables are the parts of an import that are JSON.
func tables(i provisioning.Import) (header, sample, mapping string, err error) {
	var all [3]string
	for n, part := range []any{i.Header, i.Sample, i.Mapping} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", "", "", err
		}
		all[n] = string(b)
	}
	return all[0], all[1], all[2], nil
}

// FindImport reads what is known of the file behind a job.
func (db *DB) FindImport(ctx context.Context, id string) (i provisioning.Import, ok bool, err error) {
	var header, sample, mapping string
	ok, err = db.query(ctx, findImport, id).one(&i.Name, &i.Sheet, &header, &sample, &mapping, &i.Fingerprint, &i.Remembered)
	for text, to := range map[string]any{header: &i.Header, sample: &i.Sample, mapping: &i.Mapping} {
		if ok && err == nil {
			err = json.Unmarshal([]byte(text), to)
		}
	}
	i.ID = id
	return i, ok, err
}

// SaveMapping stores how a file is read, and remembers it for the next ones with its columns.
func (tx *Tx) SaveMapping(ctx context.Context, i provisioning.Import, m register.Mapping, now time.Time) error {
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := tx.write(ctx, saveImportMapping, i.ID, string(text)); err != nil {
		return err
	}
	return tx.write(ctx, rememberMapping, string(i.Organisation), i.Fingerprint, string(text), ms(now))
}

// FindMapping looks for the mapping of the organisation's earlier files with these columns.
func (db *DB) FindMapping(ctx context.Context, org organisation.ID, fingerprint string) (m register.Mapping, ok bool, err error) {
	var text string
	if ok, err = db.query(ctx, findMapping, string(org), fingerprint).one(&text); ok {
		err = json.Unmarshal([]byte(text), &m)
	}
	return m, ok && err == nil, err
}

// InsertChunk stores a piece of a file.
func (tx *Tx) InsertChunk(ctx context.Context, id string, seq int64, data []byte, now time.Time) error {
	return tx.write(ctx, insertChunk, id, seq, data, ms(now))
}

// FirstChunk returns the first piece of the file that is not read yet.
func (db *DB) FirstChunk(ctx context.Context, id string) (seq int64, data []byte, ok bool, err error) {
	ok, err = db.query(ctx, firstChunk, id).one(&seq, &data)
	return seq, data, ok, err
}

// DeleteChunk removes a piece that has been read.
func (tx *Tx) DeleteChunk(ctx context.Context, id string, seq int64) error {
	return tx.write(ctx, deleteChunk, id, seq)
}

// StageEntry puts an entry to the others of its person.
func (tx *Tx) StageEntry(ctx context.Context, id string, e register.Entry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	key := stored(e.Key.Reveal())
	hash := sha256.Sum256([]byte(stored(e.Source) + "\x00" + key))
	return tx.write(ctx, stageEntry, id, hash[:16], int64(e.Line), e.Source, key, string(text))
}

// ListStaged lists the first n staged entries, those of a person together, with what the register has of her.
func (tx *Tx) ListStaged(ctx context.Context, org organisation.ID, id string, n int) ([]provisioning.Staged, error) {
	return list(tx.query(ctx, listStaged, id, string(org), int64(n)), func(scan scan) (s provisioning.Staged, err error) {
		var entry, employments string
		p := &s.Person
		err = scan(&s.KeyHash, &entry, &p.ID, &p.GivenName, &p.FamilyName, &p.Address, &employments, &p.LegacyID, &p.Phone, &p.Language,
			&p.ImportedHash, &s.Connected, &s.Invited)
		if err != nil {
			return s, err
		}
		if err := json.Unmarshal([]byte(entry), &s.Entry); err != nil {
			return s, err
		}
		p.Organisation, p.Source, p.Key = org, s.Entry.Source, s.Entry.Key
		return s, json.Unmarshal([]byte(employments), &p.Employments)
	})
}

// DeleteStaged removes the staged entries up to those of a person, and says how many there were.
func (tx *Tx) DeleteStaged(ctx context.Context, id string, last provisioning.Staged) (int64, error) {
	return tx.exec(ctx, deleteStaged, id, last.KeyHash)
}

// InsertProblem stores a problem under its number.
func (tx *Tx) InsertProblem(ctx context.Context, id string, number int64, p register.Problem) error {
	return tx.write(ctx, insertProblem, id, number, int64(p.Line), p.Column, p.Reason, p.Refused)
}

// ListProblems lists problems after the given number, at most n.
func (db *DB) ListProblems(ctx context.Context, id string, after int64, n int) ([]provisioning.NumberedProblem, error) {
	return list(db.query(ctx, listProblems, id, after, int64(n)), func(scan scan) (p provisioning.NumberedProblem, err error) {
		return p, scan(&p.Number, &p.Line, &p.Column, &p.Reason, &p.Refused)
	})
}

// ChangePerson stores what an import has changed of a person.
func (tx *Tx) ChangePerson(ctx context.Context, p person.Person, newName, newAddress bool, now time.Time) error {
	if p.Employments == nil {
		p.Employments = []person.Employment{}
	}
	employments, err := json.Marshal(p.Employments)
	if err != nil {
		return err
	}
	if newAddress {
		if err := tx.write(ctx, uncheckFormer, string(p.Organisation), p.ID); err != nil {
			return err
		}
		if err := tx.write(ctx, uncheckTwins, string(p.Organisation), string(p.Identifier())); err != nil {
			return err
		}
		// What was proposed by whoever read the old address: the new one has never heard of it, and could not object.
		if err := tx.write(ctx, endProposals, p.ID, ms(now), "register"); err != nil {
			return err
		}
	}
	if err := tx.write(ctx, uncheckMobiles, string(p.Organisation), string(p.Mobile), p.ID); err != nil {
		return err
	}
	if err := tx.write(ctx, changePerson, p.ID, p.GivenName, p.FamilyName, p.Address, string(employments), p.LegacyID, p.Phone, p.Language,
		p.ImportedHash, string(p.Identifier()), p.SortKey(), ms(now), newAddress, ms(p.Until()), string(p.Mobile)); err != nil || !newName && !newAddress {
		return err
	}
	return tx.writeTerms(ctx, p)
}

// writeTerms replaces the words by which a person is found.
func (tx *Tx) writeTerms(ctx context.Context, p person.Person) error {
	err := tx.write(ctx, deleteTerms, p.ID)
	for _, term := range p.Terms() {
		if err == nil {
			err = tx.write(ctx, insertTerm, string(p.Organisation), term, p.ID)
		}
	}
	return err
}

// IndexPerson writes a person's identifier, sort key and search words.
func (tx *Tx) IndexPerson(ctx context.Context, p person.Person) error {
	if err := tx.write(ctx, indexPerson, p.ID, string(p.Identifier()), p.SortKey(), string(p.Mobile)); err != nil {
		return err
	}
	return tx.writeTerms(ctx, p)
}

func scanRegistered(scan scan) (p person.Person, err error) {
	var employments string
	err = scan(&p.ID, &p.Organisation, &p.Source, &p.Key, &p.GivenName, &p.FamilyName, &p.Address, &employments, &p.LegacyID, &p.Phone, &p.Language,
		&p.ImportedHash)
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(employments), &p.Employments)
}

// ListUnindexed lists persons whose search words are not written yet.
func (db *DB) ListUnindexed(ctx context.Context, n int) ([]person.Person, error) {
	return list(db.query(ctx, listUnindexed, int64(n)), scanRegistered)
}

func scanHold(scan scan) (h provisioning.Hold, err error) {
	var change string
	var created, decided int64
	if err := scan(&h.ID, &h.Organisation, &h.Person, &h.Import, &change, &created, &decided, &h.By, &h.Decision); err != nil {
		return h, err
	}
	h.Created, h.Decided = fromMS(created), fromMS(decided)
	both := [2]*provisioning.Identity{&h.Before, &h.After}
	return h, json.Unmarshal([]byte(change), &both)
}

// SaveHold inserts a hold, or replaces it.
func (tx *Tx) SaveHold(ctx context.Context, h provisioning.Hold) error {
	change, err := json.Marshal([2]provisioning.Identity{h.Before, h.After})
	if err != nil {
		return err
	}
	return tx.write(ctx, saveHold, h.ID, string(h.Organisation), h.Person, h.Import, string(change), ms(h.Created), ms(h.Decided), string(h.By),
		string(h.Decision))
}

// LatestHold finds the newest hold of a person.
func (tx *Tx) LatestHold(ctx context.Context, personID string) (provisioning.Hold, bool, error) {
	return firstHold(tx.query(ctx, latestHold, personID))
}

func firstHold(q query) (provisioning.Hold, bool, error) {
	found, err := list(q, scanHold)
	if len(found) == 0 {
		return provisioning.Hold{}, false, err
	}
	return found[0], true, nil
}

// FindHold finds a hold of the organisation, with its person as the register has her now.
func (tx *Tx) FindHold(ctx context.Context, org organisation.ID, id string) (h provisioning.Hold, p person.Person, ok bool, err error) {
	h, ok, err = firstHold(tx.query(ctx, findHold, id, string(org)))
	if err != nil || !ok {
		return h, p, false, err
	}
	found, err := list(tx.query(ctx, findRegistered, h.Person), scanRegistered)
	if err != nil || len(found) == 0 {
		return h, p, false, err
	}
	return h, found[0], true, nil
}

// ListHolds lists the holds that wait, the oldest first, beyond the one with the given time and id.
func (db *DB) ListHolds(ctx context.Context, org organisation.ID, after time.Time, id string, n int) ([]provisioning.Hold, error) {
	return list(db.query(ctx, listHolds, string(org), ms(after), id, int64(n)), scanHold)
}

// CountHolds counts the holds that wait.
func (db *DB) CountHolds(ctx context.Context, org organisation.ID) (n int64, err error) {
	_, err = db.query(ctx, countHolds, string(org)).one(&n)
	return n, err
}
