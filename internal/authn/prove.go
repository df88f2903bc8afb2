package authn

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/recoverycode"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/smscode"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/totp"
)

// Proof is one thing that a person shows. The set is closed: Password, Code, NewCode, TextedCode, NewPhone, RecoveryCode and
// MailedLink.
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
	Link     onetime.Link   // of a mailed link
	Again    bool           // the same operation has consumed the link before: its effect is there already
	Progress Progress       // what the attempt has proven with it
	Key      totp.Key       // of a new code: the key to bind
	Step     int64          // of a new code: the time step that it has used
	Phone    smscode.Number // of a new phone: the number to bind
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
	_, id, _ := account.ParseAddress(p.Account.Address)
	return id
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
	default:
		return Proven{}, fmt.Errorf("unknown proof %T", p)
	}
	if errors.Is(err, ErrWrong) || errors.Is(err, ErrThrottled) {
		s.Sleep(ctx, start.Add(s.Deadline).Sub(s.Now()))
	}
	return proven, err
}

// judgement is what became of a typed proof, outside of any transaction.
type judgement struct {
	right   bool
	account account.Account // also of a wrong one, as far as it is known
	proven  Proven
	// consume takes away, in the transaction, what works once. It returns ErrWrong where somebody was quicker. Nil: nothing.
	consume func(context.Context, Tx) error
}

// guess is what a typed proof may be: one try at an identifier's authenticator of this kind. The first code of an app that is being
// added has no kind: its key stands on the page beside it.
type guess struct {
	id   account.Identifier
	kind string // a method, or ""
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
	if err := inTx(ctx, func(tx T) error { return s.recordFailure(ctx, tx, g, j.account, b) }); err != nil {
		return Proven{}, fmt.Errorf("record a failure: %w", err)
	}
	return Proven{}, ErrWrong
}

// judgePassword checks a password. An unknown identifier costs the same.
func (s *Service) judgePassword(ctx context.Context, p Password) (judgement, error) {
	c, err := s.Store.FindCredentials(ctx, p.Identifier)
	if err != nil {
		return judgement{}, fmt.Errorf("find credentials: %w", err)
	}
	ok, outdated, err := s.Hasher.Verify(ctx, c.Verifier, p.Password)
	if err != nil {
		return judgement{}, err
	}
	j := judgement{right: ok && !c.Suspended && c.Account.IsOpen(), account: c.Account}
	j.proven = Proven{Account: c.Account, Progress: Progress{Methods: []string{p.method()}, ProvenAt: s.Now()}}
	if j.right && outdated {
		fresh, err := s.Hasher.Hash(ctx, p.Password)
		if err != nil {
			return judgement{}, err
		}
		j.consume = func(ctx context.Context, tx Tx) error {
			return tx.ReplaceVerifier(ctx, c.Account.ID, c.Verifier, fresh)
		}
	}
	return j, nil
}

// judgeCode checks a code against each of the account's apps. Each time step counts once (RFC 6238 §5.2).
func (s *Service) judgeCode(ctx context.Context, p Code) (judgement, error) {
	j := judgement{account: account.Account{ID: p.Progress.Account, Epoch: p.Progress.Epoch}}
	apps, err := s.Store.ListApps(ctx, p.Progress.Account)
	if err != nil {
		return j, fmt.Errorf("list apps: %w", err)
	}
	now := s.Now()
	for _, app := range apps {
		if !app.Suspended.IsZero() {
			continue
		}
		key, err := app.OpenKey(s.Keys, now)
		if err != nil {
			return j, fmt.Errorf("open the key of app %s: %w", app.ID, err)
		}
		step, ok := key.Verify(p.Code, now)
		if !ok || step <= app.LastStep {
			continue
		}
		j.right, j.proven = true, Proven{Account: j.account, Progress: p.Progress.with(p.method(), now)}
		j.consume = func(ctx context.Context, tx Tx) error {
			if err := Lock(ctx, tx, p.Progress); err != nil {
				return err
			}
			first, err := tx.ConsumeStep(ctx, app.ID, step, now)
			if err == nil && !first {
				err = ErrWrong
			}
			return err
		}
		return j, nil
	}
	return j, nil
}

// judgeNewCode checks the first code of a key in the making.
func (s *Service) judgeNewCode(p NewCode) (judgement, error) {
	now := s.Now()
	j := judgement{account: account.Account{ID: p.Progress.Account, Epoch: p.Progress.Epoch}}
	key, err := p.Progress.OpenKey(s.Keys, now)
	if err != nil {
		return j, ErrAttempt
	}
	step, ok := key.Verify(p.Code, now)
	j.right, j.proven = ok, Proven{Account: j.account, Progress: p.Progress.with(p.method(), now), Key: key, Step: step}
	j.consume = func(ctx context.Context, tx Tx) error { return Lock(ctx, tx, p.Progress) }
	return j, nil
}

// judgeRecovery checks the recovery code. The next one is shown before anything else, and takes its place when the person
// says that she has saved it (RULES §5). Until then the old one stands: a page that was closed too early locks nobody out.
func (s *Service) judgeRecovery(ctx context.Context, p RecoveryCode) (judgement, error) {
	j := judgement{account: account.Account{ID: p.Progress.Account, Epoch: p.Progress.Epoch}}
	code, ok := recoverycode.Parse(p.Code)
	if !ok {
		return j, nil
	}
	verifiers, err := s.Store.ListRecoveryVerifiers(ctx, p.Progress.Account, s.Now())
	if err != nil {
		return j, fmt.Errorf("list recovery codes: %w", err)
	}
	var matched password.Verifier
	for _, v := range verifiers {
		ok, _, err := s.Hasher.Verify(ctx, v, code.Reveal())
		if err != nil {
			return j, err
		}
		if ok {
			j.right, matched = true, v
		}
	}
	progress := p.Progress.with(p.method(), s.Now())
	progress.Stage = Renewing
	j.proven = Proven{Account: j.account, Progress: progress}
	j.consume = func(ctx context.Context, tx Tx) error {
		if err := Lock(ctx, tx, p.Progress); err != nil {
			return err
		}
		stands, err := tx.HasRecovery(ctx, p.Progress.Account, matched, s.Now())
		if err == nil && !stands {
			err = ErrWrong
		}
		return err
	}
	return j, nil
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

const (
	budgetPurpose = secret.Purpose("budget")
	rowPurpose    = secret.Purpose("failures in a row")
)

// slots are the budgets that a password for the identifier from this browser draws on, the identifier's first. A
// browser that knows the account has a budget of its own, and no pause of its network stops it (RULES §2): otherwise
// one guesser in an office would lock the office out.
func (s *Service) slots(id account.Identifier, b Browser) []throttle.Slot {
	if b.Memory.Knows(s.Keys, id) {
		return []throttle.Slot{{Key: s.Keys.Pseudonym(budgetPurpose, "known", b.Memory.ID, string(id)), Budget: throttle.Identifier}}
	}
	return []throttle.Slot{
		{Key: s.Keys.Pseudonym(budgetPurpose, "identifier", string(id)), Budget: throttle.Identifier},
		{Key: s.Keys.Pseudonym(budgetPurpose, "network", b.Network), Budget: throttle.Network},
	}
}

func takeSlots(ctx context.Context, tx Tx, slots []throttle.Slot, now time.Time) error {
	taken, err := tx.TakeSlots(ctx, slots, now)
	if err != nil {
		return fmt.Errorf("take slots: %w", err)
	}
	for _, t := range taken {
		if !t.Granted {
			return ErrThrottled
		}
	}
	return nil
}

func giveBack(ctx context.Context, tx Tx, slots []throttle.Slot) error {
	for _, slot := range slots {
		if err := tx.GiveBack(ctx, slot.Key, false); err != nil {
			return fmt.Errorf("give slots back: %w", err)
		}
	}
	return nil
}

// failuresInARow counts the failures of one kind of proof of an identifier, from every browser, since its last success from any.
func (s *Service) failuresInARow(g guess) throttle.Slot {
	return throttle.Slot{Key: s.Keys.Pseudonym(rowPurpose, g.kind, string(g.id)), Budget: throttle.Row}
}

// recordFailure notes a failed proof. After an unusual number in a row of its kind the person is told; after too many the
// authenticator is suspended that was guessed at, and no other (NIST SP 800-63B-4 §3.2.2). An unknown identifier is counted alike.
func (s *Service) recordFailure(ctx context.Context, tx Tx, g guess, whose account.Account, b Browser) error {
	now, row := s.Now(), 0
	if g.kind != "" {
		taken, err := tx.TakeSlots(ctx, []throttle.Slot{s.failuresInARow(g)}, now)
		if err != nil {
			return err
		}
		row = taken[0].InARow
	}
	if row > 0 && row%throttle.SuspendAfter == 0 {
		if err := s.suspend(ctx, tx, g, whose, b, now); err != nil {
			return err
		}
	}
	if row == throttle.UnusualAfter || row == throttle.SuspendAfter {
		if err := tx.Enqueue(ctx, failuresMessage(g, row, b, now)); err != nil {
			return fmt.Errorf("tell of failures: %w", err)
		}
	}
	return tx.Append(ctx, audit.Event{Kind: audit.SigninFailed, At: now, Actor: "anonymous", Account: whose.ID,
		Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
}

// suspend takes the authenticator out of use that was guessed at: a password comes back by a reset, an app by recovery (RULES
// §2). A recovery code stays: with 100 random bits there is nothing to guess, and it is the way back.
func (s *Service) suspend(ctx context.Context, tx Tx, g guess, whose account.Account, b Browser, now time.Time) error {
	var kind audit.Kind
	var err error
	switch g.kind {
	case MethodPassword:
		kind, err = audit.PasswordSuspended, tx.SuspendPassword(ctx, g.id, now)
	case MethodOTP:
		kind, err = audit.AppsSuspended, tx.SuspendApps(ctx, whose.ID, now)
	case MethodSMS:
		kind, err = audit.PhoneSuspended, tx.SuspendPhone(ctx, whose.ID, now)
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("suspend: %w", err)
	}
	personal := audit.From(b.Device.Address, b.Device.UserAgent)
	personal["identifier"] = string(g.id) // of whom, also where there is no such account
	return tx.Append(ctx, audit.Event{Kind: kind, At: now, Actor: "anonymous", Account: whose.ID, Personal: personal})
}

// FailuresTemplate is the mail that tells a person of an unusual number of failures. Whether there is such a person is decided
// when it is sent: the same row is written for every identifier.
const FailuresTemplate = "signin_failures"

func failuresMessage(g guess, row int, b Browser, now time.Time) outbox.Message {
	m := outbox.New(outbox.Mail, FailuresTemplate, string(g.id), now)
	m.Params = map[string]string{"identifier": string(g.id), "kind": g.kind, "count": strconv.Itoa(row),
		"user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(now)}
	if row == throttle.SuspendAfter && g.kind != MethodRecovery {
		m.Params["suspended"] = "yes"
	}
	return m
}

// forgive clears the counts of failures, once a sign-in is complete: the identifier's own budget, and the rows of what has been
// proven. A network's count stays: an attacker would wash it clean by signing in to an account of his own. So do the counts of a
// sign-in that is not over: whoever knows the password would wash away the codes that he guesses.
func (s *Service) forgive(ctx context.Context, tx Tx, id account.Identifier, b Browser, methods []string) error {
	keys := []string{}
	for _, m := range methods {
		if m != MethodMail {
			keys = append(keys, s.failuresInARow(guess{id, m}).Key)
		}
	}
	if len(keys) > 0 {
		keys = append(keys, s.slots(id, b)[0].Key)
	}
	for _, key := range keys {
		if err := tx.GiveBack(ctx, key, true); err != nil {
			return fmt.Errorf("forgive failures: %w", err)
		}
	}
	return nil
}
