package authn

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/recoverycode"
)

// judgement is what became of a typed proof, outside of any transaction.
type judgement struct {
	right   bool
	listed  bool            // it was right, and is on the list of passwords that everybody knows
	account account.Account // also of a wrong one, as far as it is known
	proven  Proven
	// consume takes away, in the transaction, what works once. It returns ErrWrong where somebody was quicker. Nil: nothing.
	consume func(context.Context, Tx) error
}

// judgePassword checks a password. An unknown identifier costs the same.
func (s *Service) judgePassword(ctx context.Context, p Password) (judgement, error) {
	c, err := s.Store.FindCredentials(ctx, p.Identifier)
	if err != nil {
		return judgement{}, fmt.Errorf("find credentials: %w", err)
	}
	if c.Imported {
		return s.judgeImported(ctx, p, c)
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
