package store

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/throttle"
)

const (
	// A slot is taken, or refused because the key is paused: by this one statement, so that a thousand parallel
	// guesses are a thousand slots. The slot that reaches the limit is granted and begins a pause; each one after it
	// begins a longer one. $3 is where the present window began at the latest, $6 to $11 the ends of the pauses.
	takePausingSlot statement = `
INSERT INTO budgets (budget_key, taken, window_started, paused_until, pauses, in_a_row, purge_at)
VALUES ($1, 1, $2, 0, 0, 1, $5)
ON CONFLICT (budget_key) DO UPDATE SET
  taken = CASE WHEN budgets.window_started <= $3 THEN 1 ELSE budgets.taken + 1 END,
  window_started = CASE WHEN budgets.window_started <= $3 THEN excluded.window_started ELSE budgets.window_started END,
  paused_until = CASE WHEN budgets.window_started <= $3 OR budgets.taken + 1 < $4 THEN 0
    ELSE CASE budgets.pauses WHEN 0 THEN CAST($6 AS BIGINT) WHEN 1 THEN $7 WHEN 2 THEN $8 WHEN 3 THEN $9 WHEN 4 THEN $10 ELSE $11 END END,
  pauses = CASE WHEN budgets.window_started <= $3 OR budgets.taken + 1 < $4 THEN budgets.pauses ELSE budgets.pauses + 1 END,
  in_a_row = budgets.in_a_row + 1,
  purge_at = excluded.purge_at
WHERE budgets.paused_until <= $2
RETURNING taken, in_a_row`

	// The same for a budget whose pause is the rest of its window ($6 ms long).
	takeRateSlot statement = `
INSERT INTO budgets (budget_key, taken, window_started, paused_until, pauses, in_a_row, purge_at)
VALUES ($1, 1, $2, 0, 0, 1, $5)
ON CONFLICT (budget_key) DO UPDATE SET
  taken = CASE WHEN budgets.window_started <= $3 THEN 1 ELSE budgets.taken + 1 END,
  window_started = CASE WHEN budgets.window_started <= $3 THEN excluded.window_started ELSE budgets.window_started END,
  paused_until = CASE WHEN budgets.window_started <= $3 OR budgets.taken + 1 < $4 THEN 0
    ELSE budgets.window_started + $6 END,
  in_a_row = budgets.in_a_row + 1,
  purge_at = excluded.purge_at
WHERE budgets.paused_until <= $2
RETURNING taken, in_a_row`

	// One key each: of several PostgreSQL reads the whole table, as long as it is small, and every login would collide with every other one.
	giveSlotBack statement = `
UPDATE budgets SET taken = taken - 1, in_a_row = 0, paused_until = 0 WHERE budget_key = $1 AND taken > 0`

	resetBudget statement = `
UPDATE budgets SET taken = 0, in_a_row = 0, pauses = 0, paused_until = 0 WHERE budget_key = $1`
)

// TakeSlots takes one slot from each budget, each by one statement.
func (tx *Tx) TakeSlots(ctx context.Context, slots []throttle.Slot, now time.Time) ([]throttle.Taken, error) {
	taken := make([]throttle.Taken, len(slots))
	for i, s := range slots {
		var err error
		q := tx.query(ctx, takeRateSlot, rateArgs(s, now)...)
		if s.Budget.Pause > 0 {
			q = tx.query(ctx, takePausingSlot, pausingArgs(s, now)...)
		}
		if taken[i].Granted, err = q.one(&taken[i].Count, &taken[i].InARow); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

func slotArgs(s throttle.Slot, now time.Time) []any {
	keep := max(throttle.Keep, s.Budget.Window)
	return []any{s.Key, ms(now), ms(now.Add(-s.Budget.Window)), int64(s.Budget.Limit), ms(now.Add(keep))}
}

func rateArgs(s throttle.Slot, now time.Time) []any {
	return append(slotArgs(s, now), s.Budget.Window.Milliseconds())
}

func pausingArgs(s throttle.Slot, now time.Time) []any {
	args := slotArgs(s, now)
	for n := 1; n <= 6; n++ {
		args = append(args, ms(now.Add(s.Budget.PauseAfter(n))))
	}
	return args
}

// GiveBack returns a slot of each budget after success: the whole count where reset says so.
func (tx *Tx) GiveBack(ctx context.Context, keys []string, reset bool) error {
	text := giveSlotBack
	if reset {
		text = resetBudget
	}
	for _, key := range keys {
		if err := tx.write(ctx, text, key); err != nil {
			return err
		}
	}
	return nil
}
