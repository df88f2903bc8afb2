package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/secret"
)

var (
	_ preparation.Store = (*DB)(nil)
	_ preparation.Tx    = (*Tx)(nil)
)

// What an invitation says of its person, in the order of invitationRow.person, and where that stands. p is the person.
const (
	invitedPerson = `p.id, p.organisation_id, p.given_name, p.family_name, p.address, p.mobile, p.language, p.flag, p.exempt_at, p.bounced_at, p.disconnected_at, o.name, o.min_password,
  COALESCE(t.phase, 'switched'), COALESCE(t.since, 0), COALESCE(t.ended_at, 0), COALESCE(t.switch_at, 0), COALESCE(t.rate, 300),
  COALESCE(ca.id, ''), COALESCE(ca.identifier, ''),
  CASE WHEN p.identifier <> '' AND EXISTS (SELECT 1 FROM persons d WHERE d.identifier = p.identifier
    AND d.organisation_id = p.organisation_id AND d.id <> p.id AND d.exempt_at = 0) THEN 1
  WHEN p.identifier = '' AND p.mobile <> '' AND EXISTS (SELECT 1 FROM persons d WHERE d.mobile = p.mobile
    AND d.organisation_id = p.organisation_id AND d.id <> p.id AND d.exempt_at = 0) THEN 1 ELSE 0 END`

	// What the person is reached by, as person.Reached says it.
	reachedBy = `CASE WHEN p.identifier <> '' THEN p.identifier ELSE p.mobile END`

	aroundPerson = ` JOIN organisations o ON o.id = p.organisation_id LEFT JOIN transitions t ON t.organisation_id = p.organisation_id
  LEFT JOIN connections c ON c.person_id = p.id LEFT JOIN accounts ca ON ca.id = c.account_id`

	invitedHolder = `COALESCE(h.id, '')`

	// The proposal's columns, where there may be none.
	invitedProposal = `COALESCE(r.id, ''), COALESCE(r.person_id, ''), COALESCE(r.address, ''), COALESCE(r.identifier, ''), COALESCE(r.language, ''),
  COALESCE(r.created_at, 0), COALESCE(r.settled_at, 0), COALESCE(r.confirmed_at, 0), COALESCE(r.approved_at, 0), COALESCE(r.approved_by, ''),
  COALESCE(r.invited_at, 0), COALESCE(r.ended_at, 0), COALESCE(r.ended_by, '')`
)

const (
	findInvitation statement = `
SELECT l.id, l.secret, l.purpose, l.person_id, l.identifier, l.proposal_id, l.client_id, l.language, l.created_at, l.expires_at, l.consumed_at,
  ` + invitedPerson + `, ` + invitedHolder + `, ` + invitedProposal + `
FROM preparation_links l JOIN persons p ON p.id = l.person_id` + aroundPerson + `
  LEFT JOIN accounts h ON h.identifier = l.identifier AND h.closed_at = 0 LEFT JOIN preparation_proposals r ON r.id = l.proposal_id
WHERE l.secret = $1`

	findInvited statement = `
SELECT ` + invitedPerson + ` FROM persons p` + aroundPerson + ` WHERE p.id = $1`

	findStragglers statement = `
SELECT ` + invitedPerson + ` FROM persons p` + aroundPerson + `
WHERE p.id IN (SELECT q.id FROM persons q WHERE q.identifier = $1 AND q.identifier <> ''
    UNION SELECT q.id FROM persons q WHERE q.mobile = $1 AND q.mobile <> '' AND q.identifier = '')
  AND p.exempt_at = 0 AND c.person_id IS NULL AND COALESCE(t.phase, 'switched') = 'switched'
ORDER BY p.created_at, p.id LIMIT 20`

	// Stale: the register's address has changed since, and nothing was mailed to the one that it has now.
	candidate = invitedPerson + `, ` + invitedHolder + `, p.employments, p.mailed_at,
  CASE WHEN p.mailed_at < p.changed_at AND NOT EXISTS (SELECT 1 FROM preparation_links l WHERE l.person_id = p.id AND l.purpose = 'confirm'
    AND l.identifier = ` + reachedBy + `) THEN 1 ELSE 0 END`

	listCandidates statement = `
SELECT ` + candidate + ` FROM persons p` + aroundPerson + ` LEFT JOIN accounts h ON h.identifier = ` + reachedBy + ` AND h.closed_at = 0
WHERE p.organisation_id = $1 AND p.id > $2 ORDER BY p.id LIMIT $3`

	listChosenCandidates statement = `
SELECT ` + candidate + ` FROM mailing_recipients m JOIN persons p ON p.id = m.person_id` + aroundPerson + `
  LEFT JOIN accounts h ON h.identifier = ` + reachedBy + ` AND h.closed_at = 0
WHERE m.job_id = $4 AND p.organisation_id = $1 AND m.person_id > $2 ORDER BY m.person_id LIMIT $3`

	countRegister statement = `SELECT count(*) FROM persons WHERE organisation_id = $1`

	insertPreparationLink statement = `
INSERT INTO preparation_links (id, secret, purpose, person_id, identifier, proposal_id, client_id, language, life, created_at, expires_at,
  consumed_at, consumed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '')`

	// Beyond the new link ($4) and the few before it, the oldest living links of the kind expire.
	expireOldPreparationLinks statement = `
UPDATE preparation_links SET expires_at = $3
WHERE person_id = $1 AND purpose = $2 AND consumed_at = 0 AND expires_at > $3 AND id <> $4
  AND id NOT IN (SELECT id FROM preparation_links
    WHERE person_id = $1 AND purpose = $2 AND consumed_at = 0 AND expires_at > $3 AND id <> $4
    ORDER BY created_at DESC, id DESC LIMIT $5)`

	// Of two presses one changes a row; the operation that has finds itself again.
	consumePreparationLink statement = `
UPDATE preparation_links SET consumed_at = CASE WHEN consumed_at = 0 THEN $3 ELSE consumed_at END, consumed_by = $2
WHERE id = $1 AND (consumed_at = 0 OR consumed_by = $2)`

	expirePreparationLinks statement = `
UPDATE preparation_links SET expires_at = $2 WHERE person_id = $1 AND consumed_at = 0 AND expires_at > $2`

	// A link's life counts from the mail server's acceptance (RULES §4).
	startPreparationLife statement = `
UPDATE preparation_links SET expires_at = $2 + life
WHERE consumed_at = 0 AND expires_at > $2 AND id = (SELECT link_id FROM outbox WHERE id = $1)`

	// The register's address has its time to object from the moment in which it could know.
	settleProposal statement = `
UPDATE preparation_proposals SET settled_at = $2
WHERE ended_at = 0 AND settled_at < $2 AND id = (SELECT l.proposal_id FROM outbox m JOIN preparation_links l ON l.id = m.link_id WHERE m.id = $1)`

	endProposals statement = `
UPDATE preparation_proposals SET ended_at = $2, ended_by = $3 WHERE person_id = $1 AND ended_at = 0`

	insertProposal statement = `
INSERT INTO preparation_proposals (id, person_id, address, identifier, language, created_at, settled_at, confirmed_at, approved_at, approved_by,
  invited_at, ended_at, ended_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, '', 0, 0, '')`

	findProposal statement = `
SELECT id, person_id, address, identifier, language, created_at, settled_at, confirmed_at, approved_at, approved_by, invited_at, ended_at, ended_by
FROM preparation_proposals WHERE id = $1`

	saveProposal statement = `
UPDATE preparation_proposals SET settled_at = $2, confirmed_at = $3, approved_at = $4, approved_by = $5, invited_at = $6, ended_at = $7, ended_by = $8
WHERE id = $1`

	listProposals statement = `
SELECT r.id, r.person_id, r.address, r.identifier, r.language, r.created_at, r.settled_at, r.confirmed_at, r.approved_at, r.approved_by,
  r.invited_at, r.ended_at, r.ended_by, p.id, p.given_name, p.family_name, p.address
FROM persons p JOIN preparation_proposals r ON r.person_id = p.id AND r.ended_at = 0 AND r.approved_at = 0
WHERE p.organisation_id = $1
ORDER BY r.created_at, r.id LIMIT $2`

	connectOnce statement = `
INSERT INTO connections (person_id, account_id, connected_at) VALUES ($1, $2, $3) ON CONFLICT (person_id) DO NOTHING`

	dropImported statement = `UPDATE persons SET imported_hash = '' WHERE id = $1 AND imported_hash <> ''`

	markAttention statement = `UPDATE persons SET attention_at = $2, attention_why = '' WHERE id = $1`

	inviteAnew statement = `UPDATE persons SET disconnected_at = 0 WHERE organisation_id = $1 AND id = $2 AND disconnected_at > 0`

	markOpened statement = `UPDATE persons SET opened_at = $2 WHERE id = $1`

	markMailed statement = `UPDATE persons SET mailed_at = $2, bounced_at = 0 WHERE id = $1`

	chooseRecipient statement = `
INSERT INTO mailing_recipients (job_id, person_id, mailed_at) VALUES ($1, $2, 0) ON CONFLICT (job_id, person_id) DO NOTHING`

	// What has changed since the list was read is asked again: a person is mailed once by a job, at the address that was read.
	takeRecipient statement = `
INSERT INTO mailing_recipients (job_id, person_id, mailed_at)
SELECT $1, p.id, $3 FROM persons p
WHERE p.id = $2 AND ` + reachedBy + ` = $4 AND p.mailed_at = $5 AND p.flag = '' AND p.exempt_at = 0 AND p.disconnected_at = 0 AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.person_id = p.id)
ON CONFLICT (job_id, person_id) DO UPDATE SET mailed_at = excluded.mailed_at WHERE mailing_recipients.mailed_at = 0`

	findTransition statement = `
SELECT phase, since, ended_at, switch_at, rate FROM transitions WHERE organisation_id = $1`

	saveTransition statement = `
INSERT INTO transitions (organisation_id, phase, since, ended_at, switch_at, rate) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (organisation_id) DO UPDATE SET phase = excluded.phase, since = excluded.since, ended_at = excluded.ended_at,
  switch_at = excluded.switch_at, rate = excluded.rate`

	findOrganisationName statement = `SELECT name FROM organisations WHERE id = $1`
)

// invitationRow receives the columns of an invitation.
type invitationRow struct {
	preparation.Invitation
	secret                                   []byte
	linkCreated, linkExpires, linkConsumed   int64
	exempt, bounced, since, ended, switchOn  int64
	rate, shared                             int64
	created, settled, confirmed              int64
	approved, invited, proposalEnded, mailed int64
	stale, disconnected                      int64
	employments                              string
}

func (r *invitationRow) link() []any {
	l := &r.Link
	return []any{&l.ID, &r.secret, &l.Purpose, &l.Person, &l.Identifier, &l.Proposal, &l.ClientID, &l.Language, &r.linkCreated, &r.linkExpires, &r.linkConsumed}
}

func (r *invitationRow) person() []any {
	p, t := &r.Person, &r.Transition
	return []any{&p.ID, &p.Organisation, &p.GivenName, &p.FamilyName, &p.Address, &p.Mobile, &p.Language, &p.Flag, &r.exempt, &r.bounced, &r.disconnected, &r.Employer, &r.MinPassword,
		&t.Phase, &r.since, &r.ended, &r.switchOn, &r.rate, &r.Connected.ID, &r.Connected.Identifier, &r.shared}
}

func (r *invitationRow) holder() []any { return []any{&r.Holder.ID} }

func (r *invitationRow) proposal() []any {
	p := &r.Proposal
	return []any{&p.ID, &p.Person, &p.Address, &p.Identifier, &p.Language, &r.created, &r.settled, &r.confirmed, &r.approved, &p.ApprovedBy,
		&r.invited, &r.proposalEnded, &p.EndedBy}
}

func (r *invitationRow) invitation() preparation.Invitation {
	i := r.Invitation
	i.Link.Secret = secret.HashFrom(r.secret)
	i.Link.Created, i.Link.Expires, i.Link.Consumed = fromMS(r.linkCreated), fromMS(r.linkExpires), fromMS(r.linkConsumed)
	i.Person.Exempt, i.Bounced, i.Shared = fromMS(r.exempt), r.bounced > 0, r.shared > 0
	i.Disconnected = r.disconnected > 0
	i.Transition.Organisation = i.Person.Organisation
	i.Transition.Since, i.Transition.Ended, i.Transition.SwitchOn, i.Transition.Rate = fromMS(r.since), fromMS(r.ended), fromMS(r.switchOn), int(r.rate)
	i.Proposal.Created, i.Proposal.Settled, i.Proposal.Confirmed = fromMS(r.created), fromMS(r.settled), fromMS(r.confirmed)
	i.Proposal.Approved, i.Proposal.Invited, i.Proposal.Ended = fromMS(r.approved), fromMS(r.invited), fromMS(r.proposalEnded)
	return i
}

func readInvitation(ctx context.Context, from querier, h secret.Hash) (preparation.Invitation, error) {
	var r invitationRow
	dest := append(append(append(r.link(), r.person()...), r.holder()...), r.proposal()...)
	found, err := from.query(ctx, findInvitation, h[:]).one(dest...)
	if !found {
		return preparation.Invitation{}, err
	}
	return r.invitation(), err
}

// FindInvitation reads a link, with all that its page depends on, without consuming it.
func (db *DB) FindInvitation(ctx context.Context, h secret.Hash) (preparation.Invitation, error) {
	return readInvitation(ctx, db, h)
}

// FindInvitationInTx is FindInvitation inside a transaction that may consume the link.
func (tx *Tx) FindInvitationInTx(ctx context.Context, h secret.Hash) (preparation.Invitation, error) {
	return readInvitation(ctx, tx, h)
}

// FindPersonInTx returns a person with her employer and transition.
func (tx *Tx) FindPersonInTx(ctx context.Context, id string) (preparation.Invitation, bool, error) {
	var r invitationRow
	found, err := tx.query(ctx, findInvited, id).one(r.person()...)
	return r.invitation(), found, err
}

// FindStragglers lists the people without a connection who have the address, in organisations that have switched, oldest first.
func (tx *Tx) FindStragglers(ctx context.Context, id account.Identifier) ([]preparation.Invitation, error) {
	return list(tx.query(ctx, findStragglers, string(id)), func(scan scan) (preparation.Invitation, error) {
		var r invitationRow
		err := scan(r.person()...)
		return r.invitation(), err
	})
}

// ListCandidates lists up to n of the organisation's people, by id, after the given one.
func (db *DB) ListCandidates(ctx context.Context, org organisation.ID, jobID string, chosen bool, after string, n int) ([]preparation.Candidate, error) {
	q := db.query(ctx, listCandidates, string(org), after, int64(n))
	if chosen {
		q = db.query(ctx, listChosenCandidates, string(org), after, int64(n), jobID)
	}
	return list(q, func(scan scan) (c preparation.Candidate, err error) {
		var r invitationRow
		if err := scan(append(append(r.person(), r.holder()...), &r.employments, &r.mailed, &r.stale)...); err != nil {
			return c, err
		}
		c.Invitation, c.MailedAt, c.Stale = r.invitation(), fromMS(r.mailed), r.stale > 0
		return c, json.Unmarshal([]byte(r.employments), &c.Person.Employments)
	})
}

// CountRegister counts the organisation's people.
func (db *DB) CountRegister(ctx context.Context, org organisation.ID) (n int64, err error) {
	_, err = db.query(ctx, countRegister, string(org)).one(&n)
	return n, err
}

// InsertPreparationLink stores a link and ends the person's oldest of its kind beyond its MaxLiving.
func (tx *Tx) InsertPreparationLink(ctx context.Context, l preparation.Link, now time.Time) error {
	err := tx.write(ctx, insertPreparationLink, l.ID, l.Secret[:], string(l.Purpose), l.Person, string(l.Identifier), l.Proposal, l.ClientID,
		l.Language, l.Life.Milliseconds(), ms(l.Created), ms(l.Expires))
	if err != nil {
		return err
	}
	return tx.write(ctx, expireOldPreparationLinks, l.Person, string(l.Purpose), ms(now), l.ID, int64(l.Purpose.MaxLiving()-1))
}

// ConsumePreparationLink marks the link used by the operation; false if another one has used it.
func (tx *Tx) ConsumePreparationLink(ctx context.Context, id, op string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, consumePreparationLink, id, op, ms(now))
	return n == 1, err
}

// EndPreparation ends the person's living links and proposals.
func (tx *Tx) EndPreparation(ctx context.Context, personID, why string, now time.Time) error {
	if err := tx.write(ctx, expirePreparationLinks, personID, ms(now)); err != nil {
		return err
	}
	return tx.write(ctx, endProposals, personID, ms(now), why)
}

// InsertProposal stores a proposal in place of one that stands.
func (tx *Tx) InsertProposal(ctx context.Context, p preparation.Proposal) error {
	if err := tx.write(ctx, endProposals, p.Person, ms(p.Created), "replaced"); err != nil {
		return err
	}
	return tx.write(ctx, insertProposal, p.ID, p.Person, p.Address, string(p.Identifier), p.Language, ms(p.Created), ms(p.Settled))
}

// FindProposal returns a proposal; the zero Proposal where there is none.
func (tx *Tx) FindProposal(ctx context.Context, id string) (preparation.Proposal, error) {
	var r invitationRow
	_, err := tx.query(ctx, findProposal, id).one(r.proposal()...)
	return r.invitation().Proposal, err
}

// SaveProposal stores how far a proposal has come.
func (tx *Tx) SaveProposal(ctx context.Context, p preparation.Proposal) error {
	return tx.write(ctx, saveProposal, p.ID, ms(p.Settled), ms(p.Confirmed), ms(p.Approved), string(p.ApprovedBy), ms(p.Invited), ms(p.Ended), p.EndedBy)
}

// ListProposals lists the organisation's proposals that wait for a word, oldest first.
func (db *DB) ListProposals(ctx context.Context, org organisation.ID, n int) ([]preparation.ProposedBy, error) {
	return list(db.query(ctx, listProposals, string(org), int64(n)), func(scan scan) (preparation.ProposedBy, error) {
		var r invitationRow
		p := &r.Person
		err := scan(append(r.proposal(), &p.ID, &p.GivenName, &p.FamilyName, &p.Address)...)
		i := r.invitation()
		return preparation.ProposedBy{Proposal: i.Proposal, Person: i.Person}, err
	})
}

// ConnectOnce connects a person to an account; false if she is connected already.
func (tx *Tx) ConnectOnce(ctx context.Context, personID string, id account.ID, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, connectOnce, personID, string(id), ms(now))
	return n == 1, err
}

// DropImported takes the old login's password from the register: it opens nothing any more.
func (tx *Tx) DropImported(ctx context.Context, personID string) error {
	return tx.write(ctx, dropImported, personID)
}

// InviteAnew lets a person whose connection was taken away be mailed and confirm again.
func (tx *Tx) InviteAnew(ctx context.Context, org organisation.ID, personID string) error {
	return tx.write(ctx, inviteAnew, string(org), personID)
}

// MarkAttention notes that a person tried to log in and could not be helped.
func (tx *Tx) MarkAttention(ctx context.Context, personID string, now time.Time) error {
	return tx.write(ctx, markAttention, personID, ms(now))
}

// MarkOpened notes when people opened their links last.
func (tx *Tx) MarkOpened(ctx context.Context, personIDs []string, now time.Time) error {
	for _, id := range personIDs {
		if err := tx.write(ctx, markOpened, id, ms(now)); err != nil {
			return err
		}
	}
	return nil
}

// MarkMailed notes that a preparation mail to the person was enqueued.
func (tx *Tx) MarkMailed(ctx context.Context, personID string, now time.Time) error {
	return tx.write(ctx, markMailed, personID, ms(now))
}

// ChooseRecipient notes that the job shall look at the person.
func (tx *Tx) ChooseRecipient(ctx context.Context, jobID, personID string) error {
	return tx.write(ctx, chooseRecipient, jobID, personID)
}

// TakeRecipient notes that the job mails the person at the address; false if it has, or if it must not any more.
func (tx *Tx) TakeRecipient(ctx context.Context, jobID, personID string, at account.Identifier, before, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, takeRecipient, jobID, personID, ms(now), string(at), ms(before))
	return n == 1, err
}

func readTransition(ctx context.Context, from querier, org organisation.ID) (organisation.Transition, error) {
	var since, ended, switchOn, rate int64
	t := organisation.Transition{Organisation: org, Phase: organisation.Switched, Rate: organisation.DefaultRate}
	found, err := from.query(ctx, findTransition, string(org)).one(&t.Phase, &since, &ended, &switchOn, &rate)
	if found {
		t.Since, t.Ended, t.SwitchOn, t.Rate = fromMS(since), fromMS(ended), fromMS(switchOn), int(rate)
	}
	return t, err
}

// FindTransition returns the organisation's transition; one that has switched where it has none.
func (db *DB) FindTransition(ctx context.Context, org organisation.ID) (organisation.Transition, error) {
	return readTransition(ctx, db, org)
}

// FindTransitionInTx is FindTransition inside a transaction that may change it.
func (tx *Tx) FindTransitionInTx(ctx context.Context, org organisation.ID) (organisation.Transition, error) {
	return readTransition(ctx, tx, org)
}

// SaveTransition stores an organisation's transition.
func (tx *Tx) SaveTransition(ctx context.Context, t organisation.Transition) error {
	return tx.write(ctx, saveTransition, string(t.Organisation), string(t.Phase), ms(t.Since), ms(t.Ended), ms(t.SwitchOn), int64(t.Rate))
}

// FindOrganisationInTx looks an organisation's name up.
func (tx *Tx) FindOrganisationInTx(ctx context.Context, org organisation.ID) (name string, ok bool, err error) {
	ok, err = tx.query(ctx, findOrganisationName, string(org)).one(&name)
	return name, ok, err
}
