package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Opened is what the page of a link shows. Looking changes nothing.
type Opened struct {
	Link    onetime.Link
	Account account.Account
	// Here says that the link was opened in the browser that asked for it: one press is enough.
	Here bool
	// JustUsed says, beside authn.ErrNoLink, that a press may be the second of two: the use cases decide.
	JustUsed bool
	Rules    password.Rules
}

// Look reads a link without consuming it. attempts are the browser's open attempts, by id. Unknown, used and
// expired links are authn.ErrNoLink; the link is returned beside it where it is known, for its app and language.
func (s *Service) Look(ctx context.Context, token secret.Token, attempts map[string]authn.Attempt) (Opened, error) {
	link, acc, err := s.Store.FindLink(ctx, token.Hash())
	if err != nil {
		return Opened{}, fmt.Errorf("find link: %w", err)
	}
	asked, ok := attempts[link.Attempt]
	if link.Purpose != onetime.Reset && link.Purpose != onetime.Signin {
		return Opened{}, authn.ErrNoLink // another kind of link, with a page of its own
	}
	o := Opened{Link: link, Account: acc, Here: ok && asked.Binding.Hash().Equal(link.Binding)}
	if !link.IsLiving(acc.Epoch, s.Now()) || !acc.IsOpen() {
		o.JustUsed = acc.IsOpen() && link.IsJustUsed(acc.Epoch, s.Now())
		return o, authn.ErrNoLink
	}
	if link.Purpose == onetime.Reset {
		o.Rules, err = s.rules(ctx, acc)
	}
	return o, err
}

// LinkChallenge makes the puzzle for a link that was opened elsewhere.
func (s *Service) LinkChallenge(token secret.Token) Challenge {
	return s.Robot.Challenge(robotLink, token.Hash().Text(), s.Now())
}

// Why a new password is refused: the authenticator's words, for the doors, which know no authenticator.
var (
	ErrTooShort  = password.ErrTooShort
	ErrTooLong   = password.ErrTooLong
	ErrCommon    = password.ErrCommon
	ErrPersonal  = password.ErrPersonal
	ErrUnusable  = password.ErrUnusable
	ErrRepeating = password.ErrRepeating
)

// MaxLength is the longest password in code points.
const MaxLength = password.MaxLength

// Use is one press on a link's page.
type Use struct {
	Token       secret.Token
	NewPassword string        // for a reset
	EndOthers   bool          // for a reset: end all other sessions
	Answer      string        // of the robot check, when the link was opened elsewhere
	Plain       bool          // elsewhere and without JavaScript
	Attempt     authn.Attempt // that goes on: the one that asked, in the same browser; else a fresh one
	Current     secret.Token
}

// ResetPassword consumes the link behind u.Token and sets u.NewPassword: once, all or nothing. The password
// is judged and hashed before the link is spent. It fails with authn.ErrNoLink, one of the refusals above,
// ErrRobot, authn.ErrThrottled or authn.ErrBusy.
//
// A press that finds the link just used may be the second of two: it signs in if it brings the password that the first has
// set, as any other password sign-in does.
func (s *Service) ResetPassword(ctx context.Context, u Use, opened Opened, b authn.Browser) (authn.NewSession, account.Account, error) {
	if opened.JustUsed {
		return s.secondPress(ctx, u, opened, b)
	}
	if err := opened.Rules.Judge(u.NewPassword); err != nil {
		return authn.NewSession{}, account.Account{}, err
	}
	verifier, err := s.Hasher.Hash(ctx, u.NewPassword)
	if err != nil {
		return authn.NewSession{}, account.Account{}, err
	}
	fresh, acc, err := s.use(ctx, u, opened, onetime.Reset, b, func(tx Tx, p *authn.Proven) error {
		if err := tx.ConfirmAddress(ctx, p.Account.ID, s.Now()); err != nil {
			return fmt.Errorf("confirm address: %w", err)
		}
		epoch, err := tx.SetPassword(ctx, p.Account.ID, verifier, password.IsEnoughAlone(u.NewPassword), s.Now())
		if err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		p.Account.Epoch = epoch
		if u.EndOthers {
			which := authn.Which{Account: p.Account.ID, Offline: true}
			if _, err := authn.EndSessions(ctx, tx, which, session.EndedByReset, s.Now()); err != nil {
				return err
			}
		} else if err := tx.CarrySessions(ctx, p.Account.ID, epoch); err != nil {
			return fmt.Errorf("carry sessions: %w", err)
		}
		told, more := p.Account, map[string]string{}
		told.Language = cmp.Or(told.Language, opened.Link.Language)
		if u.EndOthers {
			more["others_ended"] = "yes"
		}
		if err := s.Authn.Tell(ctx, tx, ChangedTemplate, told, b, more); err != nil {
			return err
		}
		return tx.Append(ctx, s.event(audit.PasswordReset, *p, b))
	})
	if !errors.Is(err, authn.ErrNoLink) {
		return fresh, acc, err
	}
	// Another press was quicker: perhaps this person's own.
	if opened, err = s.Look(ctx, u.Token, nil); opened.JustUsed {
		return s.secondPress(ctx, u, opened, b)
	}
	return authn.NewSession{}, account.Account{}, err
}

func (s *Service) secondPress(ctx context.Context, u Use, opened Opened, b authn.Browser) (authn.NewSession, account.Account, error) {
	fresh := authn.Prepare(u.Attempt.ID, b.Device, s.Now())
	proof := authn.Password{Identifier: opened.Account.Identifier, Password: u.NewPassword}
	p, err := authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, p authn.Proven) error {
		return s.Authn.Advance(ctx, tx, u.Attempt, &fresh, p, b, u.Current.HashOrZero())
	})
	if errors.Is(err, authn.ErrWrong) || errors.Is(err, authn.ErrThrottled) {
		err = authn.ErrNoLink
	}
	return fresh, p.Account, err
}

// SignIn consumes a sign-in link: one session, the password untouched. It fails as ResetPassword does.
func (s *Service) SignIn(ctx context.Context, u Use, opened Opened, b authn.Browser) (authn.NewSession, account.Account, error) {
	return s.use(ctx, u, opened, onetime.Signin, b, func(tx Tx, p *authn.Proven) error {
		if err := tx.ConfirmAddress(ctx, p.Account.ID, s.Now()); err != nil {
			return fmt.Errorf("confirm address: %w", err)
		}
		return tx.Append(ctx, s.event(audit.LinkSignedIn, *p, b))
	})
}

// use is what both links share: the robot check elsewhere, the proof, the session.
func (s *Service) use(ctx context.Context, u Use, opened Opened, purpose onetime.Purpose, b authn.Browser,
	effect func(Tx, *authn.Proven) error) (authn.NewSession, account.Account, error) {
	if opened.Link.Purpose != purpose {
		return authn.NewSession{}, account.Account{}, authn.ErrNoLink
	}
	check := Request{Answer: u.Answer, Plain: u.Plain || opened.Here}
	puzzle, expires, err := s.check(robotLink, u.Token.Hash().Text(), check)
	if err != nil && opened.JustUsed {
		err = authn.ErrNoLink // a new puzzle would not help
	}
	if err != nil {
		return authn.NewSession{}, account.Account{}, err
	}
	fresh := authn.Prepare(u.Attempt.ID, b.Device, s.Now())
	proof := authn.MailedLink{Token: u.Token, Operation: s.operation(opened, puzzle)}
	var acc account.Account
	_, err = authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, p authn.Proven) error {
		acc = p.Account
		if p.Again { // the second of two presses: what the first did stands, its answer was lost
			return s.Authn.Advance(ctx, tx, u.Attempt, &fresh, p, b, u.Current.HashOrZero())
		}
		if err := s.spend(ctx, tx, puzzle, expires); err != nil {
			return err
		}
		if u.Plain && !opened.Here {
			if err := s.takeSlots(ctx, tx, true, b, s.Now()); err != nil {
				return err
			}
		}
		if err := effect(tx, &p); err != nil {
			return err
		}
		acc = p.Account
		return s.Authn.Advance(ctx, tx, u.Attempt, &fresh, p, b, u.Current.HashOrZero())
	})
	if err != nil {
		return authn.NewSession{}, account.Account{}, err
	}
	return fresh, acc, nil
}

const usePurpose = secret.Purpose("use of a link")

// operation names a press on a sign-in link's page, so that the same press comes to the same name: in the browser that
// asked there is one, elsewhere the solved puzzle stands in the form. Without either, and for a reset, whose presses differ
// by their password, each press is its own.
func (s *Service) operation(opened Opened, puzzle string) string {
	switch {
	case opened.Link.Purpose != onetime.Signin:
		return secret.NewID()
	case opened.Here:
		return s.Keys.Pseudonym(usePurpose, opened.Link.ID)
	case puzzle != "":
		return s.Keys.Pseudonym(usePurpose, opened.Link.ID, puzzle)
	}
	return secret.NewID()
}

func (s *Service) event(kind audit.Kind, p authn.Proven, b authn.Browser) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: p.Account.ID, Client: p.Link.ClientID,
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
}

// rules are what the account's new password must fulfil.
func (s *Service) rules(ctx context.Context, acc account.Account) (password.Rules, error) {
	employers, err := s.Store.ListEmployers(ctx, acc.ID)
	if err != nil {
		return password.Rules{}, fmt.Errorf("list employers: %w", err)
	}
	second, err := s.Authn.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return password.Rules{}, fmt.Errorf("find policy: %w", err)
	}
	return password.RulesFor(acc.Login(), append(employers, acc.GivenName, acc.FamilyName)...).AtLeast(second.Policy.MinPassword), nil
}
