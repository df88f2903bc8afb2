package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
)

const (
	findIdentifier statement = `SELECT identifier FROM accounts WHERE id = $1 AND epoch = $2 AND closed_at = 0`

	// The tombstone. No address can be typed that folds to its identifier: that has a space in it.
	buryAccount statement = `
UPDATE accounts SET identifier = 'erased ' || id, address = '', verified_at = 0, given_name = '', family_name = '', language = '',
  epoch = epoch + 1, closed_at = $3
WHERE id = $1 AND epoch = $2 AND closed_at = 0`

	// Lines that name the address as it was typed, and no account: a suspension from before there was one.
	erasePersonalNamed statement = `
DELETE FROM audit_personal
WHERE event_id IN (SELECT event_id FROM audit_personal WHERE field = 'identifier' AND value = $1)`

	eraseRefusals statement = `DELETE FROM refusals WHERE identifier = $1 AND identifier <> ''`

	// Of each table with personal data of an account: what goes. The order matters where one finds its rows by another's.
	erasePersonal statement = `
DELETE FROM audit_personal WHERE event_id IN (SELECT id FROM audit_events WHERE account_id = $1)`
	erasePersonalMessages statement = `
DELETE FROM audit_personal WHERE event_id IN (SELECT e.id FROM outbox o JOIN audit_events e ON e.message_id = o.id
  WHERE o.account_id = $1 AND e.message_id <> '')`
	eraseTurns statement = `
DELETE FROM deliveries WHERE message_id IN (SELECT id FROM outbox WHERE account_id = $1)`
	eraseMessages statement = `DELETE FROM outbox WHERE account_id = $1 AND channel <> 'logout'`
	// Mails to her as a person of a register, from before there was the account, or about the connection.
	erasePersonTurns statement = `
DELETE FROM deliveries WHERE message_id IN (SELECT o.id FROM connections c JOIN outbox o ON o.person_id = c.person_id AND o.person_id <> ''
  WHERE c.account_id = $1)`
	erasePersonMessages statement = `
DELETE FROM outbox WHERE person_id <> '' AND person_id IN (SELECT person_id FROM connections WHERE account_id = $1)`
	erasePasswords  statement = `DELETE FROM passwords WHERE account_id = $1`
	eraseApps       statement = `DELETE FROM totp_keys WHERE account_id = $1`
	erasePushKeys   statement = `DELETE FROM push_keys WHERE account_id = $1`
	erasePairings   statement = `DELETE FROM pairings WHERE account_id = $1`
	erasePushes     statement = `DELETE FROM push_challenges WHERE account_id = $1`
	erasePushLimits statement = `DELETE FROM push_limits WHERE account_id = $1`
	eraseRecovery   statement = `DELETE FROM recovery_codes WHERE account_id = $1`
	erasePhone      statement = `DELETE FROM phones WHERE account_id = $1`
	eraseTexted     statement = `DELETE FROM sms_codes WHERE account_id = $1`
	eraseIssued     statement = `DELETE FROM issued_codes WHERE account_id = $1`
	eraseOffers     statement = `DELETE FROM mfa_offers WHERE account_id = $1`
	eraseRemembered statement = `DELETE FROM remembered_browsers WHERE account_id = $1`
	eraseLinks      statement = `DELETE FROM onetime_links WHERE account_id = $1`
	eraseAttempts   statement = `DELETE FROM attempts WHERE account_id = $1`
	erasePending    statement = `DELETE FROM pending_addresses WHERE account_id = $1`
	eraseSessions   statement = `DELETE FROM sessions WHERE account_id = $1`
	eraseGrants     statement = `DELETE FROM grants WHERE account_id = $1`
	// What apps have asked goes on without her: they do not hear that she is gone, but that nobody answers.
	eraseAsked statement = `
UPDATE devices SET state = CASE WHEN state = 'approved' THEN 'waiting' ELSE state END, account_id = '', grant_id = '', acr = '', amr = '',
  auth_time = 0, epoch = 0, approved_at = 0
WHERE account_id = $1 AND delivery <> ''`
	eraseDevices statement = `DELETE FROM devices WHERE account_id = $1`
	eraseRoles   statement = `DELETE FROM administrators WHERE account_id = $1`
	// What others have asked for about the account, and their words; before the account's own.
	eraseWords     statement = `DELETE FROM approval_words WHERE approval_id IN (SELECT id FROM approvals WHERE account_id = $1)`
	eraseApprovals statement = `DELETE FROM approvals WHERE account_id = $1`
	// What lines say of her visits before she had the account; what administrators did to the register's row is the employer's.
	erasePersonalPrepared statement = `
DELETE FROM audit_personal WHERE event_id IN (SELECT e.id
  FROM connections c JOIN audit_personal f ON f.field = 'person' AND f.value = c.person_id JOIN audit_events e ON e.id = f.event_id
  WHERE c.account_id = $1 AND e.kind IN ('preparation.link_sent', 'preparation.proposed', 'preparation.proposal_confirmed', 'preparation.objected',
    'preparation.proposal_approved', 'preparation.proposal_refused'))`
	// Addresses that she proposed, and those that links went to; before the connections, by which they are found.
	eraseProposals statement = `
DELETE FROM preparation_proposals WHERE person_id IN (SELECT person_id FROM connections WHERE account_id = $1)`
	erasePreparationLinks statement = `
DELETE FROM preparation_links WHERE person_id IN (SELECT person_id FROM connections WHERE account_id = $1)`
	// What her phone has said stands at the register's row; before the connections.
	eraseReported statement = `
UPDATE persons SET attention_at = 0, attention_why = '' WHERE attention_why <> '' AND id IN (SELECT person_id FROM connections WHERE account_id = $1)`
	// The row of the register stays: it is the employer's.
	eraseConnections statement = `DELETE FROM connections WHERE account_id = $1`
)

// erasures is the one list of what goes with an account. A test holds it against the schema: every table with an account_id is
// treated here, or named there with the reason why it stays.
var erasures = []statement{
	erasePersonalMessages, erasePersonal, eraseTurns, erasePersonTurns, eraseMessages, erasePersonMessages, // the messages find the rest
	erasePasswords, erasePushKeys, erasePairings, erasePushes, erasePushLimits, eraseApps, eraseRecovery, erasePhone, eraseTexted, eraseIssued, eraseOffers, eraseRemembered,
	eraseLinks, eraseAttempts, erasePending, eraseSessions, eraseGrants, eraseAsked, eraseDevices, erasePairwise, eraseRoles, erasePersonalPrepared, eraseProposals, erasePreparationLinks, eraseReported, eraseConnections,
	eraseWords, eraseApprovals,
}

// EraseAccount closes the account at its epoch and takes from the database all that tells who it was.
func (tx *Tx) EraseAccount(ctx context.Context, id account.ID, epoch int64, now time.Time) (bool, error) {
	var identifier string
	open, err := tx.query(ctx, findIdentifier, string(id), epoch).one(&identifier)
	if err != nil || !open {
		return false, err
	}
	n, err := tx.exec(ctx, buryAccount, string(id), epoch, ms(now))
	if err != nil || n != 1 {
		return false, err
	}
	for _, named := range []statement{erasePersonalNamed, eraseRefusals} {
		if err := tx.write(ctx, named, identifier); err != nil {
			return false, err
		}
	}
	for _, erase := range erasures {
		if err := tx.write(ctx, erase, string(id)); err != nil {
			return false, err
		}
	}
	return true, nil
}
