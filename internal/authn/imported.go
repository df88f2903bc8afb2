package authn

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/throttle"
)

// judgeImported checks a password against the hash of an old login (RULES §7). Once it was right it is kept in our own form, and the
// old hash is gone. One that everybody knows opens nothing; one that is merely too short opens the page that asks for another.
func (s *Service) judgeImported(ctx context.Context, p Password, c Credentials) (judgement, error) {
	s.old.any.Store(true)
	j := judgement{account: c.Account, proven: Proven{Account: c.Account, Progress: Progress{Methods: []string{p.method()}, ProvenAt: s.Now()}}}
	i, err := password.ParseImported(string(c.Verifier))
	if err != nil {
		_, _, err = s.Hasher.Verify(ctx, "", p.Password) // a hash that will not verify is no password
		return j, err
	}
	ok, err := s.Hasher.VerifyImported(ctx, i, p.Password)
	if err != nil || !ok || c.Suspended || !c.Account.IsOpen() || c.Account.Verified.IsZero() {
		return j, err
	}
	if password.IsListed(p.Password) {
		j.listed = true
		return j, nil
	}
	second, err := s.Store.FindSecond(ctx, c.Account.ID)
	if err != nil {
		return j, fmt.Errorf("find policy: %w", err)
	}
	fresh, err := s.Hasher.Hash(ctx, p.Password)
	if err != nil {
		return j, err
	}
	rules := password.RulesFor(c.Account.Login(), c.Account.GivenName, c.Account.FamilyName, second.Employer).AtLeast(second.Policy.MinPassword)
	replace := rules.Judge(p.Password) != nil
	j.right = true
	j.consume = func(ctx context.Context, tx Tx) error {
		first, err := tx.ReplaceImported(ctx, c.Account.ID, c.Verifier, fresh, password.IsEnoughAlone(p.Password), replace)
		if err != nil || !first {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.OldPasswordUsed, At: s.Now(), Actor: "account", Account: c.Account.ID,
			Detail: map[string]string{"kind": string(i.Kind), "replace": fmt.Sprint(replace)}})
	}
	return j, nil
}

// ListedTemplate is the mail that leads the owner of an old password which everybody knows to a new one. It goes to the account's
// own address, and carries the link of a reset.
const ListedTemplate = "old_password_listed"

// listedLife is as long as that of a reset that somebody has asked for.
const listedLife = time.Hour

// offerReset enqueues that mail, once a day. The page says what it says of any wrong password: whoever has typed it may be a
// stranger, who has tried what everybody tries.
func (s *Service) offerReset(ctx context.Context, tx Tx, g guess, whose account.Account, b Browser) error {
	now := s.Now()
	slot := throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "listed", string(g.id)), Budget: throttle.Listed}
	taken, err := tx.TakeSlots(ctx, []throttle.Slot{slot}, now)
	if err != nil {
		return fmt.Errorf("take slots: %w", err)
	}
	if taken[0].Granted && taken[0].Count == 1 {
		m := outbox.New(outbox.Mail, ListedTemplate, whose.Address, now)
		m.Lane, m.Account, m.Language, m.Expires = outbox.Urgent, whose.ID, cmp.Or(whose.Language, b.Language), now.Add(listedLife)
		m.Params = map[string]string{"identifier": string(g.id), "purpose": string(onetime.Reset),
			"user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(now)}
		if err := tx.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("offer a reset: %w", err)
		}
	}
	return tx.Append(ctx, audit.Event{Kind: audit.OldPasswordListed, At: now, Actor: "anonymous", Account: whose.ID,
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
}

// ImportedDeadline is when a failed proof is answered while there are hashes of other systems: the costliest that is taken needs
// most of it (RULES §2).
const ImportedDeadline = 1200 * time.Millisecond

// oldHashes is what a process knows about hashes of other systems. Like the own networks it is read when the process begins and by
// housekeeping, every minute: no answer to a person waits for it.
type oldHashes struct{ any atomic.Bool }

// readFor is how long the question may take.
const readFor = 5 * time.Second

// ReadOldHashes looks whether there are hashes of other systems. Those that wait in a register count: by the first of them that opens
// an account, every node has long known.
func (s *Service) ReadOldHashes(ctx context.Context) error {
	ctx, done := context.WithTimeout(ctx, readFor)
	defer done()
	found, err := s.Store.HasImported(ctx)
	if err != nil {
		return fmt.Errorf("look for imported passwords: %w", err)
	}
	s.old.any.Store(found)
	return nil
}

// deadline is when a failed proof is answered, counted from its start. It is the same for every identifier.
func (s *Service) deadline() time.Duration {
	if s.old.any.Load() {
		return max(s.Deadline, ImportedDeadline)
	}
	return s.Deadline
}
