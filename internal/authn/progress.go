package authn

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/recoverycode"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/totp"
)

// The methods of proofs, as amr values: RFC 8176's, and ours (RULES §3).
const (
	MethodPassword = "pwd"
	MethodMail     = "mail"
	MethodOTP      = "otp"
	MethodSMS      = "sms"
	MethodPush     = "push"       // by one tap
	MethodTyped    = "push-typed" // by typed digits; RPs are told "push"
	MethodRecovery = "recovery"
	multiFactor    = "mfa" // added where two kinds of proof meet
)

// Worth is what proofs are worth together, and how an RP is told of them: the table of RULES §3.
func Worth(methods []string) (acr session.ACR, amr []string) {
	has := func(any ...string) bool {
		return slices.ContainsFunc(any, func(m string) bool { return slices.Contains(methods, m) })
	}
	for _, m := range methods {
		if m == MethodTyped {
			m = MethodPush
		}
		if !slices.Contains(amr, m) {
			amr = append(amr, m)
		}
	}
	switch {
	case has(MethodRecovery):
		return session.Pwd, amr
	case has(MethodPassword) && has(MethodOTP, MethodSMS, MethodTyped):
		return session.AAL2, append(amr, multiFactor)
	case has(MethodPassword) && has(MethodPush):
		return session.MFA, append(amr, multiFactor)
	case has(MethodPassword), has(MethodMail) && has(MethodOTP, MethodSMS, MethodPush, MethodTyped):
		return session.Pwd, amr
	}
	return session.Mail, amr
}

// Stage is what a person has chosen in an attempt that has a row.
type Stage string

// The stages.
const (
	Proving   Stage = ""          // nothing chosen yet
	Later     Stage = "later"     // not now: the offer comes back at the third sign-in
	Enrolling Stage = "enrolling" // she is turning two-factor authentication on, or adding an app
	Trying    Stage = "trying"    // her phone is paired, and rings for a first time
	TryingNew Stage = "tryingnew" // the same, and she is asked for the number of a phone next
	Phoning   Stage = "phoning"   // she is asked for the number of a phone, or changing it
	Renewing  Stage = "renewing"  // she wants another recovery code
	Kept      Stage = "kept"      // after a recovery code: the app is still hers
	Replacing Stage = "replacing" // after a recovery code: the app is gone, and the next one takes its place
)

// Progress is an attempt after its first proof: a row. Before it there is only the cookie, and the cookie never holds a
// proof (RULES §1).
type Progress struct {
	Attempt  string
	Binding  secret.Hash // of the cookie's binding secret
	Account  account.ID
	Epoch    int64
	Methods  []string // what has been proven
	Stage    Stage
	Sealed   []byte // a key or a code in the making; see SealKey and SealCode
	ProvenAt time.Time
	Expires  time.Time
	Done     time.Time   // when it made its session; the row stays a little for a double click
	DoneBy   string      // the press that finished it
	From     session.ID  // the standing session that its first proofs were taken from; it ends with that; empty: none
	Session  secret.Hash // not stored: of the session that a step-up begins with, before it has a row
	Again    bool        // not stored: the proof is the same press once more
}

// Has says whether the method has been proven.
func (p Progress) Has(method string) bool { return slices.Contains(p.Methods, method) }

// hasSecond says whether something beside the password or the mail has been proven that an account has at hand.
func (p Progress) hasSecond() bool {
	return p.Has(MethodOTP) || p.Has(MethodSMS) || p.Has(MethodPush) || p.Has(MethodTyped)
}

// hasFirst says whether something has been proven that is no second proof.
func (p Progress) hasFirst() bool { return p.Has(MethodPassword) || p.Has(MethodMail) }

// with adds a method that has been proven.
func (p Progress) with(method string, now time.Time) Progress {
	if !p.Has(method) {
		p.Methods = append(slices.Clone(p.Methods), method)
	}
	p.ProvenAt = now
	return p
}

// Stands says whether the row is the attempt's own, not done, and nothing has changed since.
func (p Progress) Stands(a Attempt, epoch int64, now time.Time) bool {
	return p.belongsTo(a, epoch) && p.Done.IsZero() && now.Before(p.Expires)
}

func (p Progress) belongsTo(a Attempt, epoch int64) bool {
	return p.Attempt != "" && p.Attempt == a.ID && p.Binding.Equal(a.Binding.Hash()) && p.Epoch == epoch
}

const (
	keyPurpose  = secret.Purpose("totp key in the making")
	codePurpose = secret.Purpose("recovery code in the making")
)

// SealCode puts a fresh recovery code into the attempt's row, to be shown until it is confirmed.
func (p *Progress) SealCode(k *secret.Keyring, attempt string, c recoverycode.Code, now time.Time) {
	p.Sealed = k.SealBytes(codePurpose, attempt, []byte(c.Reveal()), now)
}

// OpenCode returns the recovery code in the making, or secret.ErrSealed.
func (p Progress) OpenCode(k *secret.Keyring, now time.Time) (recoverycode.Code, error) {
	plain, err := k.OpenBytes(codePurpose, p.Attempt, p.Sealed, AttemptLife, now)
	return recoverycode.Code(plain), err
}

// SealKey puts a TOTP key into the row, until its first code has been typed.
func (p *Progress) SealKey(k *secret.Keyring, key totp.Key, now time.Time) {
	p.Sealed = k.SealBytes(keyPurpose, p.Attempt, key, now)
}

// OpenKey returns the TOTP key in the making, or secret.ErrSealed.
func (p Progress) OpenKey(k *secret.Keyring, now time.Time) (totp.Key, error) {
	return k.OpenBytes(keyPurpose, p.Attempt, p.Sealed, AttemptLife, now)
}

// appPurpose seals the keys of apps. They are kept for as long as the app is, and opened under whichever root sealed them.
const (
	appPurpose = secret.Purpose("totp key")
	forAsLong  = 100 * 365 * 24 * time.Hour
)

// SealApp seals a key to the app's id, for the row in which it rests.
func SealApp(k *secret.Keyring, id string, key totp.Key, now time.Time) []byte {
	return k.SealBytes(appPurpose, id, key, now)
}

// OpenKey returns the app's key, or secret.ErrSealed.
func (a App) OpenKey(k *secret.Keyring, now time.Time) (totp.Key, error) {
	return k.OpenBytes(appPurpose, a.ID, a.Sealed, forAsLong, now)
}

// Progress returns what has been proven in the attempt, with its account and what that has; ErrAttempt where nothing has been
// proven or it no longer counts. A step-up begins with what the browser's session has proven.
func (s *Service) Progress(ctx context.Context, a Attempt, current secret.Token) (Progress, account.Account, Second, error) {
	p, acc, err := s.Store.FindProgress(ctx, a.ID)
	if err != nil {
		return Progress{}, acc, Second{}, fmt.Errorf("find attempt: %w", err)
	}
	if !acc.IsOpen() || !p.Stands(a, acc.Epoch, s.Now()) {
		if p.Attempt != "" || a.Request.Least() == "" {
			return Progress{}, account.Account{}, Second{}, ErrAttempt
		}
		var f Facts
		if f, acc, err = s.Current(ctx, current); err != nil {
			return Progress{}, acc, Second{}, err
		}
		if f.Session.Attempt == a.ID || !IsStepUp(a.Request, f, s.Now()) {
			return Progress{}, account.Account{}, Second{}, ErrAttempt
		}
		p = f.carried()
	}
	second, err := s.Store.FindSecond(ctx, acc.ID)
	if err != nil {
		return Progress{}, acc, Second{}, fmt.Errorf("find second proofs: %w", err)
	}
	return p, acc, second, nil
}

// Needs is what stands between what has been proven in the attempt and a session.
func Needs(a Attempt, p Progress, second Second, remembered bool, now time.Time) Step {
	proven := p.hasSecond() || p.Has(MethodRecovery) || remembered
	lack := a.lacks(p, second)
	switch {
	case lack == AskPassword: // before the code, which could not be used twice
		return AskPassword
	case second.Apps > 0 && !proven:
		return AskCode
	case p.Stage == Enrolling && second.LacksMail(p, now):
		return AskMail
	case p.Stage == Enrolling, p.Stage == Replacing:
		return Enrol
	case (p.Stage == Trying || p.Stage == TryingNew) && second.Push > 0:
		return TryPush
	case p.Stage == Phoning && second.Apps > 0, p.Stage == TryingNew && second.Apps > 0:
		return AskPhone
	case p.Stage == Renewing, second.Apps > 0 && !second.Recovery:
		return ShowRecovery
	case p.Has(MethodRecovery) && second.Apps > 0 && !p.hasSecond() && p.Stage != Kept:
		return AskApp
	case p.Has(MethodRecovery) && second.Apps > 0 && !p.hasSecond() && second.IsRequired(now):
		return AskCode
	case second.MustReplace && p.Has(MethodPassword): // after all that proves who she is
		return AskNewPassword
	case lack != Complete:
		return lack
	case second.offered(a, p, now):
		return Offer
	}
	return Complete
}

// Lock makes sure that what the attempt has proven is still what it was when it was read: its row, or the session of a step-up.
func Lock(ctx context.Context, tx Tx, p Progress) error {
	if p.Session.IsZero() {
		return tx.LockProgress(ctx, p)
	}
	stands, err := tx.HasSession(ctx, p.Session)
	if err == nil && !stands {
		err = ErrAttemptUsed
	}
	return err
}

// Advance records what has been proven in an attempt: as a session, where that is all it needs, else as its row. fresh is the
// session prepared for it, and says in Made whether it was made. previous is the hash of the browser's old session cookie.
func (s *Service) Advance(ctx context.Context, tx Tx, a Attempt, fresh *NewSession, proven Proven, b Browser, previous secret.Hash) error {
	now, p := s.Now(), proven.Progress
	p.Account, p.Epoch = proven.Account.ID, proven.Account.Epoch
	second, err := tx.FindSecond(ctx, p.Account)
	if err != nil {
		return fmt.Errorf("find second proofs: %w", err)
	}
	if a.Goal != "" || a.Request.Least().Rank() > session.Pwd.Rank() {
		b.Remembered = "" // a change of one's own account, and a step-up, ask for all that one has (RULES §3)
	}
	if second.isUnguarded() && p.Attempt == "" && p.Session.IsZero() {
		if p, err = besideFormer(ctx, tx, a, p, now); err != nil {
			return err
		}
	}
	remembered, err := s.isRemembered(ctx, tx, p, second, b, now)
	if err != nil {
		return err
	}
	fresh.Whose = proven.identifier()
	next := Needs(a, p, second, remembered, now)
	if next == ShowRecovery && remembered {
		next = Complete // a remembered browser proves nothing that a row could hold; the code is shown after the next proof
	}
	// A phone that still shows the question would answer it in vain.
	if second.Push > 0 && next != TryPush && (p.hasSecond() || p.Has(MethodRecovery)) {
		if err := tx.CancelChallenges(ctx, a.ID, now); err != nil {
			return fmt.Errorf("withdraw challenges: %w", err)
		}
	}
	if next == Complete {
		if err := s.forgive(ctx, tx, proven.identifier(), b, p.Methods); err != nil {
			return err
		}
		if second.Push > 0 && (p.hasSecond() || p.Has(MethodRecovery)) {
			if err := forgivePush(ctx, tx, p); err != nil {
				return err
			}
		}
		if !p.Session.IsZero() {
			// A step-up of one press has had no row: its second press finds one.
			p.Attempt, p.Binding, p.Expires = a.ID, a.Binding.Hash(), now.Add(AttemptLife)
			if err := tx.SaveProgress(ctx, p); err != nil {
				return fmt.Errorf("save attempt: %w", err)
			}
		}
		p.Done, p.DoneBy = now, proven.Operation
		if err := s.complete(ctx, tx, fresh, p, previous, now); err != nil {
			return err
		}
		if err := count(ctx, tx, *fresh, p, second, now); err != nil {
			return err
		}
		return s.tellOfNewDevice(ctx, tx, fresh, proven, p, second, b)
	}
	if next == ShowRecovery && len(p.Sealed) == 0 {
		p.SealCode(s.Keys, a.ID, fresh.spare, now)
	}
	p.Attempt, p.Binding = a.ID, a.Binding.Hash()
	if p.Expires.IsZero() {
		p.Expires = now.Add(AttemptLife)
	}
	if err := tx.SaveProgress(ctx, p); err != nil {
		return fmt.Errorf("save attempt: %w", err)
	}
	fresh.Made = false
	return nil
}

// besideFormer adds to a first proof what the attempt has proven before, of the same account: of an administrator without an authenticator
// both the password and a mailed link are asked for, in whichever order.
func besideFormer(ctx context.Context, tx Tx, a Attempt, p Progress, now time.Time) (Progress, error) {
	former, err := tx.ReadProgress(ctx, a.ID)
	if err != nil {
		return p, fmt.Errorf("read attempt: %w", err)
	}
	if former.Account != p.Account || !former.Stands(a, p.Epoch, now) {
		return p, nil
	}
	for _, m := range p.Methods {
		former = former.with(m, p.ProvenAt)
	}
	former.Again = p.Again
	return former, nil
}

// complete makes the session and closes the row.
func (s *Service) complete(ctx context.Context, tx Tx, fresh *NewSession, p Progress, previous secret.Hash, now time.Time) error {
	// Of two presses one finishes the row; the other's proofs are spent. A sign-in that needed no more has none, unless another
	// tab had begun to prove something else.
	if p.Attempt == "" {
		if err := tx.DeleteProgress(ctx, fresh.Session.Attempt); err != nil {
			return fmt.Errorf("delete attempt: %w", err)
		}
	} else if err := tx.FinishProgress(ctx, p); err != nil {
		return fmt.Errorf("finish attempt: %w", err)
	}
	fresh.Session.AuthTime = p.ProvenAt // the pages after the last proof are none
	acr, amr := Worth(p.Methods)
	proven := Proven{Account: account.Account{ID: p.Account, Epoch: p.Epoch}, ACR: acr, AMR: amr, Again: p.Again, from: p.From}
	return SignIn(ctx, tx, fresh, proven, previous, now)
}

// isRemembered says whether the browser may skip the second proof: a password in a browser that the person asked to be
// remembered, of the present epoch, while policy allows it. A mailed link is never enough alone.
func (s *Service) isRemembered(ctx context.Context, tx Tx, p Progress, second Second, b Browser, now time.Time) (bool, error) {
	if b.Remembered == "" || second.Apps == 0 || second.Policy.RememberDays == 0 || !p.Has(MethodPassword) || p.Stage != Proving {
		return false, nil
	}
	since := now.AddDate(0, 0, -second.Policy.RememberDays)
	ok, err := tx.FindRemembered(ctx, b.Remembered.Hash(), p.Account, p.Epoch, since, now)
	if err != nil {
		return false, fmt.Errorf("find remembered browser: %w", err)
	}
	return ok, nil
}
