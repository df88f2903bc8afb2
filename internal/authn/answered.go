package authn

import (
	"context"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/session"
)

// PushReportedTemplate is the mail that tells a person that she has disowned a sign-in on her phone, and what to do: somebody else
// knows her password.
const PushReportedTemplate = "push_reported"

// Answered is what an answer does beside what it was for, in its transaction: it is written down, the other phones are told, and whom its owner disowns
// gets no further.
func (s *Service) Answered(ctx context.Context, tx Tx, k push.Key, p Proven, b Browser) error {
	a := p.Answer
	kind := audit.PushApproved
	switch {
	case a.Decision == push.NotMe:
		kind = audit.PushReported
	case a.Wrong || a.Decision == push.Deny:
		kind = audit.PushDenied
	}
	e := s.PushEvent(kind, a.Challenge)
	e.Detail["key"], e.Personal = k.ID, audit.From(b.Device.Address, b.Device.UserAgent)
	if a.Wrong {
		e.Detail["wrong"] = "yes"
	}
	if err := tx.Append(ctx, e); err != nil {
		return err
	}
	if err := tx.TouchPushKey(ctx, k.ID, s.Now()); err != nil {
		return fmt.Errorf("note the use: %w", err)
	}
	if a.Challenge.State == push.Waiting {
		if err := s.tellOthers(ctx, tx, k, a.Challenge); err != nil {
			return err
		}
	}
	if a.Decision != push.NotMe {
		return nil
	}
	if err := s.ReportAttempt(ctx, tx, a.Challenge); err != nil {
		return err
	}
	if a.EndSessions {
		if _, err := EndSessions(ctx, tx, Which{Account: a.Challenge.Account, Offline: true}, session.EndedByNotMe, s.Now()); err != nil {
			return err
		}
		// With the epoch end links, sign-ins under way, and answers that apps have not fetched.
		if _, err := tx.MoveEpoch(ctx, a.Challenge.Account); err != nil {
			return fmt.Errorf("move epoch: %w", err)
		}
	}
	if a.Challenge.Purpose == push.Ask {
		return nil // whoever asked has shown no proof of hers: there is nothing that she must change
	}
	acc, err := tx.ReadAccount(ctx, a.Challenge.Account)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	// The mail tells of the browser that waited, not of her phone.
	theirs := b
	theirs.Device.Address = a.Challenge.Shown.Address
	theirs.Device.UserAgent = ""
	return s.Tell(ctx, tx, PushReportedTemplate, acc, theirs, map[string]string{"app": a.Challenge.Shown.App,
		"device": strings.TrimSpace(a.Challenge.Shown.Browser + " " + a.Challenge.Shown.Device)})
}

// tellOthers takes the question back on the account's other phones.
func (s *Service) tellOthers(ctx context.Context, tx Tx, k push.Key, c push.Challenge) error {
	keys, err := tx.ListPushKeys(ctx, c.Account)
	if err != nil {
		return fmt.Errorf("list paired authenticators: %w", err)
	}
	others := keys[:0]
	for _, other := range keys {
		if other.ID != k.ID {
			others = append(others, other)
		}
	}
	return s.CallPhones(ctx, tx, others, PushGoneTemplate, func(other push.Key) []byte { return other.Gone(c) }, c.ID, c.Expires)
}
