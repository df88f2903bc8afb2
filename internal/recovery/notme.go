package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// NotMePage is what the page behind "this was not me" shows.
type NotMePage struct {
	Account account.Account
	Told    authn.Told
	// Here says that the account is signed in in this browser: one press is enough.
	Here bool
	// JustUsed says, beside authn.ErrNoLink, that a press may be the second of two.
	JustUsed bool
	// Former says that the mail went to an address which is no longer the account's: a press gives it back. After the press it says
	// that it could not be given back.
	Former   bool
	Language string
	link     onetime.Link
}

// shownAfter is how long the page after the press can be looked at again.
const shownAfter = time.Hour

// LookAtNotMe reads the link of a mail that told a person of something. Unknown, used and expired links, and links of other kinds,
// are authn.ErrNoLink. Looking changes nothing.
func (s *Service) LookAtNotMe(ctx context.Context, token, current secret.Token) (NotMePage, error) {
	link, acc, err := s.Store.FindLink(ctx, token.Hash())
	if err != nil {
		return NotMePage{}, fmt.Errorf("find link: %w", err)
	}
	if link.Purpose != onetime.NotMe || !acc.IsOpen() {
		return NotMePage{}, authn.ErrNoLink
	}
	p := NotMePage{Account: acc, Told: authn.ReadTold(link), Language: cmp.Or(acc.Language, link.Language), link: link}
	p.Former = isFormer(p.Told, acc)
	f, signedIn, err := s.Authn.Current(ctx, current)
	if err != nil {
		return NotMePage{}, err
	}
	p.Here = f.Live && signedIn.ID == acc.ID
	if !link.IsLiving(acc.Epoch, s.Now()) {
		p.JustUsed = link.IsJustUsed(acc.Epoch, s.Now())
		return p, authn.ErrNoLink
	}
	return p, nil
}

// LookAfterNotMe is what the page after the press shows, for a while; then it is authn.ErrNoLink too.
func (s *Service) LookAfterNotMe(ctx context.Context, token secret.Token) (NotMePage, error) {
	p, err := s.LookAtNotMe(ctx, token, "")
	if !errors.Is(err, authn.ErrNoLink) {
		return p, cmp.Or(err, authn.ErrNoLink) // not pressed yet
	}
	if p.link.Consumed.IsZero() || s.Now().Sub(p.link.Consumed) > shownAfter {
		return NotMePage{}, authn.ErrNoLink
	}
	return p, nil
}

// NotMe ends everything that may be somebody else's, takes back what the mail told of where that can be taken back, and sends a
// link for a new password at once (ADR 13 says what and why). It signs nobody in. It fails with authn.ErrNoLink, ErrRobot or
// authn.ErrThrottled. The second of two presses finds the work done.
func (s *Service) NotMe(ctx context.Context, u Use, p NotMePage, b authn.Browser) error {
	if p.JustUsed {
		return nil
	}
	puzzle, expires, err := s.check(robotLink, u.Token.Hash().Text(), Request{Answer: u.Answer, Plain: u.Plain || p.Here})
	if err != nil {
		return err
	}
	proof := authn.MailedLink{Token: u.Token, Operation: secret.NewID()}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, proven authn.Proven) error {
		switch {
		case proven.Link.Purpose != onetime.NotMe:
			return authn.ErrNoLink
		case proven.Again:
			return nil
		}
		if err := s.spend(ctx, tx, puzzle, expires); err != nil {
			return err
		}
		if u.Plain && !p.Here {
			if err := s.takeSlots(ctx, tx, true, b, s.Now()); err != nil {
				return err
			}
		}
		return s.endAll(ctx, tx, proven.Account, proven.Link, b)
	})
	if errors.Is(err, authn.ErrNoLink) {
		if again, _ := s.LookAtNotMe(ctx, u.Token, ""); again.JustUsed {
			return nil // another press was quicker
		}
	}
	return err
}

// endAll is what a press does, in its transaction.
func (s *Service) endAll(ctx context.Context, tx Tx, acc account.Account, link onetime.Link, b authn.Browser) error {
	now := s.Now()
	if _, err := authn.EndSessions(ctx, tx, authn.Which{Account: acc.ID, Offline: true}, session.EndedByNotMe, now); err != nil {
		return err
	}
	// With the epoch end attempts, remembered browsers, and all links but those of this kind.
	if _, err := tx.MoveEpoch(ctx, acc.ID); err != nil {
		return fmt.Errorf("move epoch: %w", err)
	}
	if err := tx.HoldPassword(ctx, acc.ID, now); err != nil {
		return fmt.Errorf("suspend password: %w", err)
	}
	told := authn.ReadTold(link)
	undone, err := s.undo(ctx, tx, acc, told)
	if err != nil {
		return err
	}
	back, err := s.restore(ctx, tx, &acc, link, told, b)
	if err != nil {
		return err
	}
	e := audit.Event{Kind: audit.NotMe, At: now, Actor: "account", Account: acc.ID,
		Detail: map[string]string{"told": told.Template, "undone": undone}, Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
	if err := tx.Append(ctx, e); err != nil {
		return err
	}
	if !back {
		return nil // the address is somebody else's by now, and the mailbox of the present one is not the reader's
	}
	return s.sendReset(ctx, tx, acc, link, b)
}

// isFormer says whether the mail went to an address that is no longer the account's.
func isFormer(told authn.Told, acc account.Account) bool {
	_, then, err := former(told)
	return err == nil && then != acc.Identifier
}

// former is what named the account when it was told: an address, or a phone without one.
func former(told authn.Told) (address string, id account.Identifier, err error) {
	if id = account.Identifier(told.To); id.Phone() != "" {
		return "", id, nil
	}
	return account.ParseAddress(told.To)
}

// restore gives the account back to the address that the mail went to, where it has another one by now (RULES §5): with it goes
// what was added since, and every later way to say "not me", which may be a thief's. It returns false if somebody else has the
// address.
func (s *Service) restore(ctx context.Context, tx Tx, acc *account.Account, link onetime.Link, told authn.Told, b authn.Browser) (bool, error) {
	if !isFormer(told, *acc) {
		return true, nil
	}
	address, id, err := former(told)
	if err != nil {
		return false, err
	}
	now := s.Now()
	ok, err := tx.ChangeAddress(ctx, acc.ID, id, address, now)
	if err != nil || !ok {
		return false, err
	}
	if err := tx.EndLaterNotMe(ctx, acc.ID, link.ID, link.Created, now); err != nil {
		return false, fmt.Errorf("end later links: %w", err)
	}
	if err := tx.DeleteSecondSince(ctx, acc.ID, told.At); err != nil {
		return false, fmt.Errorf("delete what was added: %w", err)
	}
	if err := s.withoutLastApp(ctx, tx, acc.ID); err != nil {
		return false, err
	}
	e := audit.Event{Kind: audit.AddressRestored, At: now, Actor: "account", Account: acc.ID, Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
	e.Personal["address"], e.Personal["former"] = cmp.Or(address, id.Shown()), acc.Address
	acc.Address, acc.Identifier = address, id
	return true, tx.Append(ctx, e)
}

// The mails whose news can be taken back. Their names are other flows'.
const (
	appAdded     = "mfa_on"
	phoneAdded   = "phone_on"
	codeMade     = "recovery_code_made"
	codeWasSpent = "recovery_code_used"
	codeIssued   = "recovery_code_issued"
)

// undo takes back what the mail told of, and says what that was, for the audit line.
func (s *Service) undo(ctx context.Context, tx Tx, acc account.Account, told authn.Told) (string, error) {
	switch told.Template {
	case appAdded:
		_, ok, err := tx.DeleteApp(ctx, acc.ID, told.Bound)
		if err != nil || !ok {
			return "", err
		}
		return "app", s.withoutLastApp(ctx, tx, acc.ID)
	case phoneAdded:
		_, err := tx.DeletePhone(ctx, acc.ID)
		return "phone", err
	case codeMade, codeWasSpent:
		// Whoever made it, or was shown the next one, has it. Its owner is shown another one at her next sign-in.
		return "recovery_code", s.withoutCodes(ctx, tx, acc.ID)
	case codeIssued:
		return "issued_code", tx.DeleteIssued(ctx, acc.ID)
	}
	return "", nil
}

// withoutLastApp takes away what exists beside an app alone, when none is left: there is nothing to recover from.
func (s *Service) withoutLastApp(ctx context.Context, tx Tx, id account.ID) error {
	left, err := tx.FindSecond(ctx, id)
	if err != nil {
		return fmt.Errorf("find second proofs: %w", err)
	}
	if left.Apps > 0 {
		return nil
	}
	return tx.DeleteBesideApps(ctx, id)
}

func (s *Service) withoutCodes(ctx context.Context, tx Tx, id account.ID) error {
	if err := tx.DeleteRecovery(ctx, id); err != nil {
		return fmt.Errorf("delete recovery code: %w", err)
	}
	return tx.DeleteIssued(ctx, id)
}

// sendReset asks for a link by which the owner chooses a new password. Its budget is its own: nobody who asks for many mails
// keeps this one from her.
func (s *Service) sendReset(ctx context.Context, tx Tx, acc account.Account, link onetime.Link, b authn.Browser) error {
	a := authn.Attempt{Language: cmp.Or(acc.Language, link.Language)}
	m := s.message(a, Request{Address: acc.Login(), Purpose: onetime.Reset}, acc.Identifier, b, s.Now())
	m.Params["known"] = link.ID
	return tx.Enqueue(ctx, m)
}
