package store

import (
	"context"
	"errors"

	"github.com/portvakt/portvakt/internal/housekeeping"
)

var (
	_ housekeeping.Store = (*DB)(nil)
	_ housekeeping.Tx    = (*Tx)(nil)
)

const (
	purgeBudgets statement = `
DELETE FROM budgets WHERE budget_key IN (SELECT budget_key FROM budgets WHERE purge_at <= $1 LIMIT $2)`
	purgeChallenges statement = `
DELETE FROM spent_challenges WHERE id IN (SELECT id FROM spent_challenges WHERE expires_at <= $1 LIMIT $2)`
	purgeRequests statement = `
DELETE FROM stored_requests WHERE id IN (SELECT id FROM stored_requests WHERE expires_at <= $1 LIMIT $2)`
	purgeSessions statement = `
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE ended_at > 0 AND ended_at <= $1 LIMIT $2)`
	purgeGrants statement = `
DELETE FROM grants WHERE id IN (SELECT id FROM grants WHERE expires_at <= $1 LIMIT $2)`
	purgeOutbox statement = `
DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE finished_at > 0 AND finished_at <= $1 ORDER BY finished_at, id LIMIT $2)`
	// In the same transaction, and of the same messages: what is left of one that is gone could not be erased any more.
	purgeTurns statement = `
DELETE FROM deliveries WHERE message_id IN
  (SELECT id FROM outbox WHERE finished_at > 0 AND finished_at <= $1 ORDER BY finished_at, id LIMIT $2)`
	purgeAttempts statement = `
DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE expires_at <= $1 LIMIT $2)`
	purgeTexted statement = `
DELETE FROM sms_codes WHERE attempt_id IN (SELECT attempt_id FROM sms_codes WHERE expires_at <= $1 LIMIT $2)`
	purgeRemembered statement = `
DELETE FROM remembered_browsers WHERE id IN (SELECT id FROM remembered_browsers WHERE expires_at <= $1 LIMIT $2)`
	purgeIssued statement = `
DELETE FROM issued_codes WHERE account_id IN (SELECT account_id FROM issued_codes WHERE expires_at <= $1 LIMIT $2)`
	purgePendingAddresses statement = `
DELETE FROM pending_addresses WHERE account_id IN (SELECT account_id FROM pending_addresses WHERE expires_at <= $1 LIMIT $2)`
	purgePairings statement = `
DELETE FROM pairings WHERE id IN (SELECT id FROM pairings WHERE expires_at <= $1 LIMIT $2)`
	// Kept for a while, so that a denial can be explained and a phone that comes late is told what has become of it.
	purgePushes statement = `
DELETE FROM push_challenges WHERE id IN (SELECT id FROM push_challenges WHERE changed_at <= $1 LIMIT $2)`
	purgeDevices statement = `
DELETE FROM devices WHERE id IN (SELECT id FROM devices WHERE expires_at <= $1 LIMIT $2)`
	// A file that arrived without its job was cut off on the way; whose job is over needs it no more.
	purgeChunks statement = `
DELETE FROM import_chunks WHERE (job_id, seq) IN (SELECT job_id, seq FROM import_chunks c
  WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.id = c.job_id AND j.finished_at > 0)
    OR c.created_at <= $1 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = c.job_id) LIMIT $2)`
	purgeEntries statement = `
DELETE FROM import_rows WHERE (job_id, key_hash, line) IN (SELECT job_id, key_hash, line FROM import_rows r
  WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.id = r.job_id AND j.finished_at > 0 AND j.finished_at <= $1) LIMIT $2)`
	purgeProblems statement = `
DELETE FROM import_problems WHERE (job_id, seq) IN (SELECT job_id, seq FROM import_problems r
  WHERE EXISTS (SELECT 1 FROM jobs j WHERE j.id = r.job_id AND j.finished_at > 0 AND j.finished_at <= $1) LIMIT $2)`
	purgeSamples statement = `
UPDATE imports SET sample = '[]' WHERE job_id IN (SELECT i.job_id FROM imports i JOIN jobs j ON j.id = i.job_id
  WHERE i.sample <> '[]' AND j.finished_at > 0 AND j.finished_at <= $1 LIMIT $2)`
	// The first rows that it shows are people's.
	endForgotten statement = `
UPDATE jobs SET state = 'cancelled', finished_at = created_at + 1 WHERE state = 'waiting' AND kind = 'import' AND created_at <= $1
  AND id IN (SELECT id FROM jobs WHERE state = 'waiting' AND kind = 'import' AND created_at <= $1 LIMIT $2)`
	purgePreparationLinks statement = `
DELETE FROM preparation_links WHERE id IN (SELECT id FROM preparation_links WHERE expires_at <= $1 LIMIT $2)`
	purgeProposals statement = `
DELETE FROM preparation_proposals WHERE id IN (SELECT id FROM preparation_proposals WHERE ended_at > 0 AND ended_at <= $1 LIMIT $2)`
	purgeRecipients statement = `
DELETE FROM mailing_recipients WHERE mailed_at > 0 AND mailed_at <= $1 AND person_id IN (SELECT person_id FROM mailing_recipients
  WHERE mailed_at > 0 AND mailed_at <= $1 LIMIT $2)`
	purgeRefusals statement = `
DELETE FROM refusals WHERE reference IN (SELECT reference FROM refusals WHERE at <= $1 LIMIT $2)`
	purgeAnswers statement = `
DELETE FROM api_idempotency WHERE (client_id, key) IN (SELECT client_id, key FROM api_idempotency WHERE created_at <= $1 LIMIT $2)`
	purgeApprovals statement = `
DELETE FROM approvals WHERE id IN (SELECT id FROM approvals WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)`
	purgeWords statement = `
DELETE FROM approval_words WHERE approval_id IN (SELECT id FROM approvals WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2)`
	purgeInitialTokens statement = `
DELETE FROM registration_tokens WHERE id IN (SELECT id FROM registration_tokens WHERE expires_at <= $1 LIMIT $2)`
	purgeLinks statement = `
DELETE FROM onetime_links WHERE id IN (SELECT id FROM onetime_links WHERE expires_at <= $1 LIMIT $2)`
)

// Purge removes at most n rows of each kind that ended before the horizons, each kind in a transaction of the bulk
// lane, and says how many rows went.
func (db *DB) Purge(ctx context.Context, h housekeeping.Horizons, n int) (removed int, failed error) {
	for _, p := range []struct {
		text   statement
		before int64
	}{
		{purgeBudgets, ms(h.Now)}, {purgeChallenges, ms(h.Now)}, {purgeRequests, ms(h.Now)}, {purgeAttempts, ms(h.Now)}, {purgeRemembered, ms(h.Now)}, {purgeIssued, ms(h.Now)}, {purgePendingAddresses, ms(h.Now)},
		{purgeTexted, ms(h.Now)}, {purgePairings, ms(h.Pushes)}, {purgePushes, ms(h.Pushes)}, {purgeSessions, ms(h.Sessions)},
		{purgeGrants, ms(h.Grants)}, {purgeDevices, ms(h.Grants)}, {purgeOutbox, ms(h.Outbox)}, {purgeLinks, ms(h.Links)}, {purgeRefusals, ms(h.Refusals)},
		{purgeChunks, ms(h.Files)}, {purgeEntries, ms(h.Now)}, {purgeSamples, ms(h.Now)}, {purgeProblems, ms(h.Problems)}, {endForgotten, ms(h.Forgotten)},
		{purgePreparationLinks, ms(h.Links)}, {purgeProposals, ms(h.Links)}, {purgeRecipients, ms(h.Links)},
		{purgeWords, ms(h.Links)}, {purgeApprovals, ms(h.Links)},
		{purgeAnswers, ms(h.Answers)},
		{purgeInitialTokens, ms(h.Links)},
	} {
		var gone int64
		err := InBulkTx[*Tx](db)(ctx, func(tx *Tx) (err error) {
			if p.text == purgeOutbox {
				if err := tx.write(ctx, purgeTurns, p.before, int64(n)); err != nil {
					return err
				}
			}
			gone, err = tx.exec(ctx, p.text, p.before, int64(n))
			return err
		})
		failed = errors.Join(failed, err) // the next kind may go all the same
		removed += int(gone)
	}
	return removed, failed
}
