// Package authn is the funnel: every proof, of every kind, wherever it is given, goes through Prove, which
// takes a slot of a budget, verifies, and records. It also holds the attempt, the pure function Next, and
// the making and ending of sessions. It knows no page and no RP protocol.
package authn

import (
	"context"
	"errors"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Service proves. Deadline is when a failed proof is answered, counted from its start: long enough for the
// slowest honest path, so that its length tells nothing (RULES §2).
type Service struct {
	Store  Store
	Hasher *password.Hasher
	Keys   *secret.Keyring
	SMS    *SMS // nil: there is no gateway
	// Bell wakes pages and phones that wait; RingOutbox lets a message go at once. Nil: nobody waits.
	Bell       *push.Bell
	RingOutbox func()
	Now        func() time.Time
	Deadline   time.Duration
	// Sleep waits for d or until ctx ends; tests put a clock of their own here.
	Sleep func(ctx context.Context, d time.Duration)

	networks ownNetworks
	old      oldHashes
}

// FailureDeadline is the default of Service.Deadline.
const FailureDeadline = 400 * time.Millisecond

// The ways in which a proof fails. A page shows the same form for the first three.
var (
	// ErrWrong: unknown identifier, wrong password, closed account, suspended password: one answer.
	ErrWrong = errors.New("the proof is wrong")
	// ErrThrottled: the budget is spent; nothing was verified.
	ErrThrottled = errors.New("too many failures; wait")
	// ErrNoLink: the link is unknown, used or expired: one answer.
	ErrNoLink = errors.New("the link is not valid")
	// ErrAttemptUsed: the attempt has already made a session.
	ErrAttemptUsed = errors.New("the attempt has been used")
	// ErrOutcomeUnknown: the database was lost during COMMIT. Nobody knows whether the effect is there; a retry of the same
	// operation finds out, because what works once remembers who has used it (RULES §10).
	ErrOutcomeUnknown = errors.New("whether the effect is there is not known")
	// ErrBusy: more people wait for a password's check than the machine can serve soon.
	ErrBusy = password.ErrBusy
)

// Credentials are what a password proof is checked against.
type Credentials struct {
	Account   account.Account
	Verifier  password.Verifier // empty: the account has no password, or there is no account
	Suspended bool
	Imported  bool // the verifier is another system's hash
}

// Store answers questions outside a transaction.
type Store interface {
	// FindCredentials looks an identifier up. It takes the same statements for unknown identifiers.
	FindCredentials(ctx context.Context, id account.Identifier) (Credentials, error)
	// HasImported says whether any account's password is still another system's hash, or may become one: a register holds it.
	HasImported(ctx context.Context) (bool, error)
	// FindProgress reads an attempt's row with its account; the zero Progress where there is none.
	FindProgress(ctx context.Context, attempt string) (Progress, account.Account, error)
	// FindSecond tells what the account has beside its password, and its policy.
	FindSecond(ctx context.Context, id account.ID) (Second, error)
	// ListApps lists the account's authenticator apps, oldest first.
	ListApps(ctx context.Context, id account.ID) ([]App, error)
	// FindChallenge reads a push challenge; the zero Challenge where there is none.
	FindChallenge(ctx context.Context, id string) (push.Challenge, error)
	// ListPushKeys lists the account's paired authenticators.
	ListPushKeys(ctx context.Context, id account.ID) ([]push.Key, error)
	// ListOwnNetworks lists the networks that organisations call their own, with the number of people of each.
	ListOwnNetworks(ctx context.Context) ([]OwnNetwork, error)
	// FindPhone returns the account's phone; false if it has none.
	FindPhone(ctx context.Context, id account.ID) (Phone, bool, error)
	// FindTexted reads what an attempt has sent by SMS; the zero Texted where there is nothing.
	FindTexted(ctx context.Context, attempt string) (Texted, error)
	// FindDelivery says what has become of a message of the outbox.
	FindDelivery(ctx context.Context, message string) (Delivery, error)
	// ListRecoveryVerifiers returns what a recovery code is checked against: the account's own, and one that was handed out and
	// is in its time.
	ListRecoveryVerifiers(ctx context.Context, id account.ID, now time.Time) ([]password.Verifier, error)
	// FindSession looks a session up by the hash of its cookie, with the account that it belongs to.
	FindSession(ctx context.Context, h secret.Hash) (session.Session, account.Account, error)
}

// Tx is what proving and the making and ending of sessions change. A flow's own Tx embeds it.
type Tx interface {
	// TakeSlots takes one slot from each budget, each by one statement; a paused one is not granted and the
	// result says so, in the order of the slots.
	TakeSlots(ctx context.Context, slots []throttle.Slot, now time.Time) ([]throttle.Taken, error)
	// GiveBack returns a slot of each budget after success: the whole count where reset says so. The keys differ.
	GiveBack(ctx context.Context, keys []string, reset bool) error
	// SuspendPassword suspends the password of the identifier's account, if there is one.
	SuspendPassword(ctx context.Context, id account.Identifier, now time.Time) error
	// MoveEpoch moves the account's epoch and returns the new one.
	MoveEpoch(ctx context.Context, id account.ID) (int64, error)
	// SuspendApps suspends the account's authenticator apps, and takes back what was approved with them and not fetched; no account, no effect.
	SuspendApps(ctx context.Context, id account.ID, now time.Time) error
	// ReplaceVerifier stores a verifier with today's costs in place of old, unless it has changed since.
	ReplaceVerifier(ctx context.Context, id account.ID, old, fresh password.Verifier) error
	// ReplaceImported stores our own verifier in place of another system's, unless it has changed since, and says whether it did.
	// mustReplace asks its owner for another password before she has a session.
	ReplaceImported(ctx context.Context, id account.ID, old, fresh password.Verifier, alone, mustReplace bool) (bool, error)
	// FindSecond tells what the account has beside its password, and its policy.
	FindSecond(ctx context.Context, id account.ID) (Second, error)
	// SaveOffer stores for how many sign-ins the offer of two-factor authentication is silent, and how many were made without.
	SaveOffer(ctx context.Context, id account.ID, silent, spent int) error
	// SaveProgress stores an attempt's row, or changes it; ErrAttemptUsed if it is done, or another browser's.
	SaveProgress(ctx context.Context, p Progress) error
	// MarkReported notes at the account's persons why their administrators shall look.
	MarkReported(ctx context.Context, id account.ID, why Reported, now time.Time) error
	// ReadProgress reads an attempt's row; the zero Progress where there is none.
	ReadProgress(ctx context.Context, attempt string) (Progress, error)
	// LockProgress makes sure that the attempt's row is still what it was when it was read; else ErrAttemptUsed.
	LockProgress(ctx context.Context, p Progress) error
	// FinishProgress marks an attempt's row as done, by p.DoneBy at p.Done, with what was proven last; ErrAttemptUsed if it was
	// done before.
	FinishProgress(ctx context.Context, p Progress) error
	// DeleteProgress takes an attempt's row away, if there is one.
	DeleteProgress(ctx context.Context, attempt string) error
	PushRecords
	// InsertChallenge stores a push challenge.
	InsertChallenge(ctx context.Context, c push.Challenge) error
	// CancelChallenges withdraws the challenges of an attempt that wait.
	CancelChallenges(ctx context.Context, attempt string, now time.Time) error
	// AnswerChallenge moves a challenge from one state to another; of two callers one wins. One that waits must be in its time.
	AnswerChallenge(ctx context.Context, id string, from, to push.State, key string, now time.Time) (bool, error)
	// ListPushKeys lists the account's paired authenticators.
	ListPushKeys(ctx context.Context, id account.ID) ([]push.Key, error)
	// TouchPushKey notes that a paired authenticator was used.
	TouchPushKey(ctx context.Context, key string, now time.Time) error
	// MovePairing moves a pairing that is in its time from one state to another; of two callers one wins.
	MovePairing(ctx context.Context, id string, from, to push.PairingState, now time.Time) (bool, error)
	// FindRemembered says whether the token's browser is remembered for the account at the epoch, since the given time.
	FindRemembered(ctx context.Context, h secret.Hash, id account.ID, epoch int64, since, now time.Time) (bool, error)
	// RememberBrowser remembers a browser.
	RememberBrowser(ctx context.Context, r Remembered) error
	// ConsumeStep marks a time step of an app as used; false if it, or a later one, was used before.
	ConsumeStep(ctx context.Context, app string, step int64, now time.Time) (bool, error)
	// FindTexted reads what an attempt has sent by SMS; the zero Texted where there is nothing.
	FindTexted(ctx context.Context, attempt string) (Texted, error)
	// SaveTexted stores what an attempt sends by SMS, in place of what was there.
	SaveTexted(ctx context.Context, t Texted) error
	// ConsumeTexted takes the code away that the attempt has sent last; false if it is gone, or another one was sent.
	ConsumeTexted(ctx context.Context, attempt, sent string) (bool, error)
	// SuspendPhone takes the account's phone out of use, if there is one.
	SuspendPhone(ctx context.Context, id account.ID, now time.Time) error
	// TouchPhone notes that the account's phone was used.
	TouchPhone(ctx context.Context, id account.ID, now time.Time) error
	// HasRecovery says whether the account's recovery code, its own or one that was handed out, is still this one.
	HasRecovery(ctx context.Context, id account.ID, v password.Verifier, now time.Time) (bool, error)
	// ConsumeLink marks a living link used and returns it with its account; of two concurrent calls one wins. op is
	// stored beside it: the loser gets the link all the same, with false, if it names the same operation; else ErrNoLink.
	ConsumeLink(ctx context.Context, h secret.Hash, op string, now time.Time) (onetime.Link, account.Account, bool, error)
	// InsertSession stores a new session; an attempt that already made one, and an account of another epoch, get ErrAttemptUsed.
	InsertSession(ctx context.Context, s session.Session) error
	// HasSession says whether a standing session, of its account's present epoch, has the secret.
	HasSession(ctx context.Context, h secret.Hash) (bool, error)
	// RaiseSession puts s (its secret, attempt, acr, amr, times) in place of the account's standing session that
	// has the secret previous, keeps its id, and returns it; false if there is no such session. Where the proofs were carried from
	// the session that is named, it must be that one, and its absolute limit stays.
	RaiseSession(ctx context.Context, previous secret.Hash, s session.Session, from session.ID) (session.Session, bool, error)
	// TakeOverSession puts s in place of the account's standing session that the attempt of s has made since the given time,
	// keeps its id, and returns it; false if there is none: a double click makes one session and not an error.
	TakeOverSession(ctx context.Context, s session.Session, since time.Time) (session.ID, bool, error)
	// ReadAccount returns an account by its id.
	ReadAccount(ctx context.Context, id account.ID) (account.Account, error)
	// FindEmployer returns the name of the account's only employer; empty where it has none, or several.
	FindEmployer(ctx context.Context, id account.ID) (string, error)
	// InsertLink stores a link and ends the oldest of its kind beyond onetime.MaxLiving, unless its kind outlives that.
	InsertLink(ctx context.Context, l onetime.Link, now time.Time) error
	// EndSessions ends the chosen sessions and the grants that live with them, and returns them and who must be told.
	EndSessions(ctx context.Context, which Which, reason string, now time.Time) ([]session.ID, []Ended, error)
	outbox.Enqueuer
	audit.Appender
}

// App is an authenticator app of an account: a TOTP key at rest.
type App struct {
	ID       string
	Account  account.ID
	Name     string
	Sealed   []byte // see SealApp
	LastStep int64  // the newest time step that was used
	Created  time.Time
	Used     time.Time // zero: never
	// Suspended is when it was guessed at too often; zero: it counts. It comes back by the recovery code.
	Suspended time.Time
}

// Remembered is a browser that may skip the second proof.
type Remembered struct {
	ID      string
	Secret  secret.Hash
	Account account.ID
	Epoch   int64
	Device  session.Device
	Created time.Time
	Expires time.Time
}

// Which chooses sessions to end. Empty fields do not restrict; Account or Secret must be given.
type Which struct {
	Account account.ID
	Session session.ID
	Secret  secret.Hash // of the cookie
	Except  session.ID
	Expired bool // only those past their absolute limit
	// Offline also ends the grants that outlive a session (scope offline_access), as after a reset. Authenticators stay paired.
	Offline bool
}

// Ended is one RP that took part in an ended session and wants to hear of it.
type Ended struct {
	Session   session.ID
	Account   account.ID
	ClientID  string
	LogoutURI string // empty: the RP has no back channel
}
