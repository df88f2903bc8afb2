package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/push"
)

// ErrOneProof says that an answer on a phone would be one proof, and that the account's organisations ask for two.
var ErrOneProof = errors.New("the policy asks for more than one proof")

// Question is what an app asks a person on her phone, without a browser: no other proof comes before it (ADR 32).
type Question struct {
	ID       string // of what waits for the answer
	Account  account.Account
	ClientID string
	Shown    push.Shown
	Ends     time.Time
}

// IsOneEnough says whether the policy lets an answer on a phone count alone.
func (s Second) IsOneEnough(now time.Time) bool { return !s.IsRequired(now) && !s.Policy.TypedPush }

// Ask asks the account's phones. It draws on the books of a browser that nobody knows: after two without an answer, or one no, another proof must
// come first. It fails with ErrNoPush, ErrOneProof and ErrPushOff.
func (s *Service) Ask(ctx context.Context, tx Tx, q Question) error {
	second, err := tx.FindSecond(ctx, q.Account.ID)
	if err != nil {
		return fmt.Errorf("find second proofs: %w", err)
	}
	now := s.Now()
	switch {
	case second.Push == 0:
		return ErrNoPush
	case !second.IsOneEnough(now):
		return ErrOneProof
	}
	taken, err := tx.TakePush(ctx, q.Account.ID, MaxMisses, MaxPushes, now.Add(-24*time.Hour), now)
	switch {
	case err != nil:
		return fmt.Errorf("count the push: %w", err)
	case !taken:
		return ErrPushOff
	}
	c := push.NewChallenge(q.Account.ID, q.ID, push.Ask, push.Message, now)
	c.ClientID, c.Shown, c.Expires = q.ClientID, q.Shown, q.Ends.Truncate(time.Second)
	c.Secret.Number = q.Shown.Message
	return s.Challenge(ctx, tx, c)
}

// AnsweredAsk is Answered for a question of an app's. A yes takes the question back from the books; after a no there is no other one until another proof
// has come.
func (s *Service) AnsweredAsk(ctx context.Context, tx Tx, k push.Key, p Proven, b Browser) error {
	if err := s.Answered(ctx, tx, k, p, b); err != nil {
		return err
	}
	id := p.Answer.Challenge.Account
	if p.Answer.IsApproved() {
		return tx.EasePush(ctx, id, MaxMisses)
	}
	return tx.StopPush(ctx, id, MaxMisses+1, s.Now())
}

// IsApproved says whether the person has said yes, to what she was to say it to.
func (a Answered) IsApproved() bool { return a.Decision == push.Approve && !a.Wrong }
