package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/totp"
)

// Proof is one thing that a person shows. The set is closed: Password, Code, NewCode, TextedCode, NewPhone, RecoveryCode,
// MailedLink, PushAnswer and NewKey.
type Proof interface{ method() string }

// Password is a typed password for an identifier.
type Password struct {
	Identifier account.Identifier
	Password   string
}

// Code is a typed code of an authenticator app, in an attempt that has proven something before.
type Code struct {
	Identifier account.Identifier
	Progress   Progress
	Code       string
}

// NewCode is the first code of an app whose key is in the making: it proves that the app has the key, and binds it.
type NewCode struct {
	Identifier account.Identifier
	Progress   Progress
	Code       string
}

// RecoveryCode is the account's recovery code, in an attempt that has proven something before.
type RecoveryCode struct {
	Identifier account.Identifier
	Progress   Progress
	Code       string
}

// MailedLink is the secret of a one-time link.
type MailedLink struct {
	Token secret.Token
	// Operation names this use: a second press, or a retry after a lost answer, finds its own name and has won (RULES §10).
	Operation string
}

func (Password) method() string     { return MethodPassword }
func (Code) method() string         { return MethodOTP }
func (NewCode) method() string      { return MethodOTP }
func (RecoveryCode) method() string { return MethodRecovery }
func (MailedLink) method() string   { return MethodMail }

// Proven is what a proof established.
type Proven struct {
	Account  account.Account
	Link     onetime.Link // of a mailed link
	Again    bool         // the same operation has consumed the link before: its effect is there already
	Progress Progress     // what the attempt has proven with it
	Key      totp.Key     // of a new code: the key to bind
	Step     int64        // of a new code: the time step that it has used
	Phone    phone.Number // of a new phone: the number to bind
	Answer   *Answered    // of a push answer
	ACR      session.ACR
	AMR      []string
	// Operation names the press, so that its second one can be told from another: see Again. Empty: it has none.
	Operation string
	id        account.Identifier // under which it was typed; empty: the account's own
	since     time.Time          // sessions that the attempt has made from then on are its own; zero: half a minute
	second    bool               // it is the second of two presses: the session is there already
	from      session.ID         // the session that proofs were carried from; empty: none
}

// identifier is the name under which failures of this proof are counted; empty for a closed or changed address.
func (p Proven) identifier() account.Identifier {
	if p.id != "" {
		return p.id
	}
	return p.Account.Identifier
}

// Prove runs one proof through the funnel: (1) take a slot or refuse, (2) verify outside any transaction,
// (3) in one transaction consume what works once, give the slot back, and run the flow's own effect. A
// thousand parallel guesses cannot pass before one is counted. then may run again and must not have
// effects outside tx.
func Prove[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, b Browser, p Proof,
	then func(T, Proven) error) (Proven, error) {
	start := s.Now()
	var proven Proven
	var err error
	switch p := p.(type) {
	case Password:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, MethodPassword}, func(ctx context.Context) (judgement, error) { return s.judgePassword(ctx, p) }, then)
	case Code:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, MethodOTP}, func(ctx context.Context) (judgement, error) { return s.judgeCode(ctx, p) }, then)
	case NewCode:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, ""}, func(context.Context) (judgement, error) { return s.judgeNewCode(p) }, then)
	case RecoveryCode:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, MethodRecovery}, func(ctx context.Context) (judgement, error) { return s.judgeRecovery(ctx, p) }, then)
	case TextedCode:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, MethodSMS}, func(ctx context.Context) (judgement, error) { return s.judgeTextedCode(ctx, p) }, then, s.tries(p.Texted)...)
	case NewPhone:
		proven, err = proveTyped(ctx, s, inTx, b, guess{p.Identifier, ""}, func(context.Context) (judgement, error) { return s.judgeNewPhone(p) }, then, s.tries(p.Texted)...)
	case MailedLink:
		return proveLink(ctx, s, inTx, p, then)
	case PushAnswer:
		return proveAnswer(ctx, s, inTx, p, then)
	case NewKey:
		return proveNewKey(ctx, s, inTx, p, then)
	default:
		return Proven{}, fmt.Errorf("unknown proof %T", p)
	}
	if errors.Is(err, ErrWrong) || errors.Is(err, ErrThrottled) {
		s.Sleep(ctx, start.Add(s.deadline()).Sub(s.Now()))
	}
	return proven, err
}

// proveTyped is the funnel for what is typed: everything that could be guessed draws on the one budget of its identifier, and on
// more where it has some of its own.
func proveTyped[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, b Browser, g guess,
	judge func(context.Context) (judgement, error), then func(T, Proven) error, more ...throttle.Slot) (Proven, error) {
	slots := append(s.slots(g.id, b), more...)
	if err := inTx(ctx, func(tx T) error { return takeSlots(ctx, tx, slots, s.Now()) }); err != nil {
		return Proven{}, err
	}
	j, err := judge(ctx)
	if err != nil {
		// Nothing was proven wrong: a busy machine must not pause anybody. Given back even if the person has gone.
		ctx := context.WithoutCancel(ctx)
		return Proven{}, errors.Join(err, inTx(ctx, func(tx T) error { return giveBack(ctx, tx, slots) }))
	}
	err = ErrWrong
	if j.right {
		err = inTx(ctx, func(tx T) error {
			if j.consume != nil {
				if err := j.consume(ctx, tx); err != nil {
					return err
				}
			}
			if err := giveBack(ctx, tx, slots); err != nil {
				return err
			}
			proven := j.proven
			proven.id = g.id
			return then(tx, proven)
		})
	}
	switch {
	case err == nil, errors.Is(err, ErrOutcomeUnknown):
		return j.proven, err
	case !errors.Is(err, ErrWrong): // the proof was right, and what it was for cannot be
		ctx := context.WithoutCancel(ctx)
		return j.proven, errors.Join(err, inTx(ctx, func(tx T) error { return giveBack(ctx, tx, slots) }))
	}
	err = inTx(ctx, func(tx T) error {
		if err := s.recordFailure(ctx, tx, g, j.account, b); err != nil || !j.listed {
			return err
		}
		return s.offerReset(ctx, tx, g, j.account, b)
	})
	if err != nil {
		return Proven{}, fmt.Errorf("record a failure: %w", err)
	}
	return Proven{}, ErrWrong
}

// proveLink takes no slot: 256 random bits cannot be guessed, and a pause never stops a mailed link (RULES §2).
func proveLink[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, p MailedLink,
	then func(T, Proven) error) (Proven, error) {
	var proven Proven
	try := func(tx T) error {
		link, acc, first, err := tx.ConsumeLink(ctx, p.Token.Hash(), p.Operation, s.Now())
		if err != nil {
			return err
		}
		if !first && !link.IsJustUsed(acc.Epoch, s.Now()) {
			return ErrNoLink
		}
		proven = Proven{Account: acc, Link: link, Again: !first,
			Progress: Progress{Methods: []string{p.method()}, ProvenAt: s.Now(), Again: !first}}
		return then(tx, proven)
	}
	err := inTx(ctx, try)
	if errors.Is(err, ErrOutcomeUnknown) {
		err = inTx(ctx, try) // it finds its own use of the link, if that was committed
	}
	return proven, err
}
