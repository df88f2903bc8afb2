package authn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/recoverycode"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// doubleClick is how long after its session an attempt may be completed once more by the same press:
// the browser drops the answer to the first of two clicks, and with it the cookie.
const doubleClick = 30 * time.Second

// Again answers the second of two presses that finish an attempt: the first has made the session, and its answer was lost.
// operation names the press as Proven.Operation does. cause is why the press found nothing to do; it is returned where this is
// no second press. Whoever carries the attempt could have pressed the first time: nothing is gained that was not had.
func Again[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, a Attempt, operation string, b Browser,
	previous secret.Hash, cause error) (NewSession, error) {
	// ErrWrong, too: what works once was used by the first press after this one had read the attempt. The operation names what was
	// typed, so that it is no second guess.
	if !errors.Is(cause, ErrAttempt) && !errors.Is(cause, ErrAttemptUsed) && !errors.Is(cause, ErrWrong) || operation == "" {
		return NewSession{}, cause
	}
	p, acc, err := s.Store.FindProgress(ctx, a.ID)
	if err != nil {
		return NewSession{}, fmt.Errorf("find attempt: %w", err)
	}
	if !acc.IsOpen() || p.DoneBy != operation || p.Done.IsZero() || s.Now().Sub(p.Done) > doubleClick || !p.belongsTo(a, acc.Epoch) {
		return NewSession{}, cause
	}
	fresh := Prepare(a.ID, b.Device, s.Now())
	fresh.Session.AuthTime, fresh.Whose = p.ProvenAt, Proven{Account: acc}.identifier()
	acr, amr := Worth(p.Methods)
	err = inTx(ctx, func(tx T) error {
		return SignIn(ctx, tx, &fresh, Proven{Account: acc, ACR: acr, AMR: amr, since: p.ProvenAt, from: p.From, second: true}, previous, s.Now())
	})
	return fresh, err
}

// NewSession is what a sign-in hands to the browser.
type NewSession struct {
	Token   secret.Token // the cookie's value
	Session session.Session
	// Whose is the identifier of the account that was proven. The attempt's own may be another by now: it is what was typed last.
	Whose account.Identifier
	// Made says whether it was stored: an attempt may need more before it has a session.
	Made   bool
	twice  bool              // the same attempt has made a session a moment ago
	raised bool              // the account was signed in in this browser, and that session goes on
	own    session.ID        // the id that it has where it replaces none
	spare  recoverycode.Code // for the case that one must be shown
}

// Prepare draws the secrets of a session before the transaction, because the transaction may run again.
func Prepare(attempt string, d session.Device, now time.Time) NewSession {
	token, own := secret.NewToken(), session.ID(secret.NewID())
	return NewSession{Token: token, own: own, spare: recoverycode.New(), Session: session.Session{ID: own, Secret: token.Hash(),
		Attempt: attempt, AuthTime: now, Created: now, LastSeen: now, Device: d}}
}

const pressPurpose = secret.Purpose("press")

// Press names a press by its button and what was typed beside it, for Proven.Operation and Again.
func (s *Service) Press(button, typed string) string {
	return s.Keys.Pseudonym(pressPurpose, button, typed)
}

// SignIn stores the prepared session for what was proven. The browser's secret is new at every sign-in. A
// session of the same account goes on under it, so that the apps in it are not signed out; another
// account's session ends. previous is the hash of the old cookie, or zero.
func SignIn(ctx context.Context, tx Tx, prepared *NewSession, p Proven, previous secret.Hash, now time.Time) error {
	limits := session.Simple
	if p.ACR.Satisfies(session.MFA) {
		limits = session.Office
	}
	if p.Again {
		// A retry after an unknown outcome: the session may be there already.
		if there, err := tx.HasSession(ctx, prepared.Session.Secret); there || err != nil {
			prepared.Made = there
			return err
		}
	}
	n := *prepared
	n.Session.ID = n.own // each run of the transaction begins with what was prepared
	n.Session.Account, n.Session.Epoch = p.Account.ID, p.Account.Epoch
	n.Session.ACR, n.Session.AMR = p.ACR, p.AMR
	n.Session.Expires, n.Session.Idle = n.Session.AuthTime.Add(limits.Absolute), limits.Idle
	if p.since.IsZero() {
		p.since = now.Add(-doubleClick)
	}
	err := ErrAttemptUsed
	if !p.second {
		err = place(ctx, tx, &n, p.from, previous, now)
	}
	if errors.Is(err, ErrAttemptUsed) {
		// By the first of two presses, which has made the session; else what it has made is another attempt's by now, or has ended.
		if n.Session.ID, n.twice, err = tx.TakeOverSession(ctx, n.Session, p.since); err != nil {
			return fmt.Errorf("take session over: %w", err)
		}
		if !n.twice {
			return ErrAttemptUsed
		}
	}
	if err != nil {
		return err
	}
	err = tx.Append(ctx, audit.Event{Kind: audit.SignedIn, At: now, Actor: "account", Account: p.Account.ID,
		Session: string(n.Session.ID), Detail: map[string]string{"acr": string(p.ACR)},
		Personal: audit.From(n.Session.Device.Address, n.Session.Device.UserAgent)})
	n.Made = true
	*prepared = n
	return err
}

// place raises the previous session or replaces it by the new one. What was carried from a session makes no other one.
func place(ctx context.Context, tx Tx, n *NewSession, from session.ID, previous secret.Hash, now time.Time) error {
	if previous.IsZero() && from == "" {
		return tx.InsertSession(ctx, n.Session)
	}
	s, raised, err := tx.RaiseSession(ctx, previous, n.Session, from)
	switch {
	case err != nil:
		return fmt.Errorf("raise session: %w", err)
	case raised:
		n.Session, n.raised = s, true
		return nil
	case from != "":
		return ErrAttemptUsed
	}
	if err := tx.InsertSession(ctx, n.Session); err != nil {
		return err
	}
	_, err = EndSessions(ctx, tx, Which{Secret: previous}, session.EndedByReplaced, now)
	return err
}

// LogoutTemplate is the outbox template of a back-channel logout call (Back-Channel Logout 1.0).
const LogoutTemplate = "backchannel_logout"

// logoutLife is how long an unreachable RP is tried.
const logoutLife = 24 * time.Hour

// EndSessions ends the chosen sessions and tells their RPs through the outbox. The logout token itself is
// signed at each try, because it lives two minutes only. It returns the sessions that stood until now.
func EndSessions(ctx context.Context, tx Tx, which Which, reason string, now time.Time) ([]session.ID, error) {
	if which.Account == "" && which.Secret.IsZero() {
		return nil, fmt.Errorf("end sessions: of whom?")
	}
	ended, told, err := tx.EndSessions(ctx, which, reason, now)
	if err != nil {
		return nil, fmt.Errorf("end sessions: %w", err)
	}
	return ended, TellApps(ctx, tx, told, now)
}

// TellApps tells RPs through the outbox that sessions they took part in are over for them (Back-Channel Logout 1.0).
func TellApps(ctx context.Context, tx outbox.Enqueuer, told []Ended, now time.Time) error {
	for _, e := range told {
		if e.LogoutURI == "" {
			continue
		}
		m := outbox.New(outbox.Logout, LogoutTemplate, e.LogoutURI, now)
		m.Account, m.Lane, m.Expires = e.Account, outbox.Urgent, now.Add(logoutLife)
		m.Params = map[string]string{"client_id": e.ClientID, "session": string(e.Session)}
		if err := tx.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("enqueue logout: %w", err)
		}
	}
	return nil
}

// Current returns the browser's session and its account if the session stands: not ended, inside its
// absolute limit, of the account's epoch. Idle sessions stand; SSO asks about them separately.
func (s *Service) Current(ctx context.Context, token secret.Token) (Facts, account.Account, error) {
	if token == "" {
		return Facts{}, account.Account{}, nil
	}
	found, acc, err := s.Store.FindSession(ctx, token.Hash())
	if err != nil {
		return Facts{}, account.Account{}, fmt.Errorf("find session: %w", err)
	}
	if !acc.IsOpen() || !found.IsLive(acc.Epoch, s.Now()) {
		return Facts{}, account.Account{}, nil
	}
	return Facts{Session: found, Live: true}, acc, nil
}

// SID is the session's name towards one RP. It differs per RP, so that two of them cannot compare notes
// (RULES §9).
func SID(k *secret.Keyring, id session.ID, clientID string) string {
	return k.Pseudonym("sid", string(id), clientID)
}

// Sleep waits for d or until ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
