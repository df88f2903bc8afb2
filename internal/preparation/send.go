package preparation

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
)

// mailLife is how long a mail of a transition is tried.
const mailLife = 72 * time.Hour

// formatDay is how a day stands in a mail's parameters.
func formatDay(t time.Time) string { return outbox.FormatTime(t) }

// life is how long a link of the purpose lives in this installation.
func (s *Service) life(p Purpose) time.Duration {
	if p == Confirm && s.LinkLife > 0 {
		return s.LinkLife
	}
	return p.Life()
}

// params are what the mails of an invitation say.
func (s *Service) params(i Invitation) map[string]string {
	p := map[string]string{"name": i.Person.GivenName, "employer": i.Employer, "phase": string(i.Transition.Phase),
		"days": strconv.Itoa(int(s.life(Confirm) / (24 * time.Hour))), "hours": strconv.Itoa(int(Proposed.Life() / time.Hour))}
	if !i.Transition.SwitchOn.IsZero() {
		p["switch_on"] = formatDay(i.Transition.SwitchOn)
	}
	return p
}

// send enqueues a mail with its link. Until the mail server has accepted the mail, the link lives as long as the mail is tried;
// then its own life begins.
func (s *Service) send(ctx context.Context, tx Tx, m outbox.Message, l Link) error {
	l.Life = s.life(l.Purpose)
	l.Created, l.Expires = s.Now(), m.Expires.Add(l.Life)
	if err := tx.InsertPreparationLink(ctx, l, s.Now()); err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	return tx.Enqueue(ctx, m)
}
