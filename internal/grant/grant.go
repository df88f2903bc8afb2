// Package grant is the flow of OAuth 2 and OpenID Connect: it judges authorization requests, makes and
// redeems codes, rotates refresh tokens, answers userinfo, revokes, and ends sessions at an RP's wish. It
// knows neither HTTP nor SQL: the door oidc speaks the protocol, this package decides.
package grant

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/token"
)

// Service runs the grant flow.
type Service struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Authn  *authn.Service
	Keys   *secret.Keyring
	Sign   signingkey.Signer
	Issuer string
	Now    func() time.Time
	// Listed reads what RPs keep at addresses of their own, Public what those do that registered themselves: they lead it into no private network.
	Listed, Public Outside

	proofs jtis // what this node has seen
}

// Outside reads what RPs keep at addresses of their own.
type Outside struct {
	// KeySets reads the keys that an RP publishes at an address; again asks to read them anew.
	KeySets func(ctx context.Context, address string, again bool) (signingkey.KeySet, error)
	// RequestObjects fetches the request object at an address that its RP has registered.
	RequestObjects func(ctx context.Context, address string) (string, error)
}

// outside is what reads for an RP.
func (s *Service) outside(rp relyingparty.RP) Outside {
	if rp.Itself {
		return s.Public
	}
	return s.Listed
}

// Lifetimes of DESIGN §5.
const (
	CodeLife        = time.Minute
	AccessTokenLife = 10 * time.Minute
	IDTokenLife     = 10 * time.Minute
	// ReplayWindow is how long the last refresh token may be replayed when no key is bound to it, BoundReplayWindow when one is.
	ReplayWindow      = 10 * time.Second
	BoundReplayWindow = 30 * time.Second
	// MaxReplays is how often.
	MaxReplays = 3
	// seenEvery is how often a session's last_seen moves outside of a redemption.
	seenEvery = 5 * time.Minute
)

// Scopes lists the scope values that mean something here. Those of authenticators are not among them: no request obtains them.
func Scopes() []string {
	return []string{"openid", "profile", "email", "person", "company", "offline_access"}
}

// Grant is an RP's standing permission for one account: made at redemption, the family of its refresh tokens.
type Grant struct {
	ID            string
	CodeID        string // of the code it was made from; a second redemption finds it by this
	ClientID      string
	Account       account.ID
	Session       session.ID
	Scope         string
	JKT           string // of the key that its refresh tokens are bound to (RFC 9449 §5); empty: none
	Subject       string // by which the RP knows the person, where that is a name of its sector's own; empty: the account's id
	Resource      string // that its access tokens are for, where the request named one (RFC 8707)
	Company       string // for which the person works at the RP, where it asked and there is one
	Offline       bool   // scope offline_access: outlives the session
	ACR           session.ACR
	AMR           []string
	AuthTime      time.Time
	Generation    int // of the newest refresh token, from 1; 0: the RP gets none
	Rotated       time.Time
	FormerRotated time.Time // when the generation before was made
	Replays       int
	Created       time.Time
	Expires       time.Time
	Ended         time.Time
}

// Store answers questions outside a transaction.
type Store interface {
	// FindRP looks an RP up by its client id.
	FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error)
	// FindSealedSecret returns the sealed secret of an RP with client_secret_jwt; nothing where there is none.
	FindSealedSecret(ctx context.Context, clientID string) ([]byte, error)
	// FindSSO reads, in one statement, an RP and the browser's session with its account.
	FindSSO(ctx context.Context, clientID string, h secret.Hash) (SSO, error)
	// FindSubject reads, in one statement, what userinfo tells: the grant, its session's and account's state,
	// and the persons of the RP's organisations where asked.
	FindSubject(ctx context.Context, grantID string, persons bool) (Subject, error)
	// FindIntrospected reads, in one statement, an RP by its client id, and a grant that it asks about, which there may not be, by a token that
	// holder was given.
	FindIntrospected(ctx context.Context, clientID, grantID, holder string, now time.Time) (Introspected, error)
	// ListEmployments lists the employments of the account's persons in the RP's organisations.
	ListEmployments(ctx context.Context, clientID string, id account.ID) ([]person.Employment, error)
	// FindCompany returns the company that was chosen last for the RP in the session; empty: none was.
	FindCompany(ctx context.Context, clientID string, id session.ID) (string, error)
	// FindAccountByID returns an account; the zero Account where there is none.
	FindAccountByID(ctx context.Context, id account.ID) (account.Account, error)
	// FindDevice reads a device code that a person answers; false if there is none of that id.
	FindDevice(ctx context.Context, id string) (token.Device, bool, error)
	// FindDeviceCode returns the id of the device code that waits with this pseudonym of what a person types; false if none does.
	FindDeviceCode(ctx context.Context, userCode string, now time.Time) (id string, ok bool, err error)
	// ListSessionRPs lists the RPs that have had a grant in the session.
	ListSessionRPs(ctx context.Context, id session.ID) ([]relyingparty.RP, error)
	// FindBySector finds the account that has the name for a sector.
	FindBySector(ctx context.Context, sector, subject string) (account.ID, bool, error)
	// FindToldName returns the sector's name that an RP was told in a session; empty where it was told the account's own.
	FindToldName(ctx context.Context, id session.ID, clientID string) (string, error)
	// FindRequest reads the row of a large code; false if it is unknown or expired.
	FindRequest(ctx context.Context, id string, now time.Time) ([]byte, bool, error)
}

// SSO is what single sign-on is decided on.
type SSO struct {
	RP      relyingparty.RP // zero: unknown client id
	Session session.Session // zero: none
	Account account.Account
}

// Subject is the person behind a grant.
type Subject struct {
	Grant   Grant // zero: unknown
	Account account.Account
	// SessionLive says that the session has neither ended nor passed its absolute limit.
	SessionLive bool
	Persons     []person.Claim
	// Options are those of the grant's RP; Itself says that it registered itself.
	Options relyingparty.Options
	Itself  bool
}

// Tx is what grant changes.
type Tx interface {
	authn.Tx
	// KeepRequest stores a large code under an id until the given time.
	KeepRequest(ctx context.Context, id string, body []byte, expires time.Time) error
	// InsertGrant makes a grant if its session and account stand at the given epoch and its code was not
	// redeemed before and was issued after the person last took the RP's access away; it says whether it did, or had done so
	// before under the same id.
	InsertGrant(ctx context.Context, g Grant, epoch int64, issued, now time.Time) (bool, error)
	// NameForSector returns the name of an open account for a sector; it is the given one where there was none. Empty: the account is closed.
	NameForSector(ctx context.Context, id account.ID, sector, subject string, now time.Time) (string, error)
	// TouchSession moves the session's last_seen to now if it is older than the given time.
	TouchSession(ctx context.Context, id session.ID, olderThan, now time.Time) error
	// Rotate moves the grant from the given generation to the next, if that is its present one, it
	// stands, and jkt is the key that it is bound to. It returns the grant as it then is.
	Rotate(ctx context.Context, id, clientID string, generation int, jkt string, now time.Time) (Grant, bool, error)
	// SpendChallenge records what works once until its end of life; false if it was spent before.
	SpendChallenge(ctx context.Context, id string, expires time.Time) (bool, error)
	// FindGrant reads a grant inside the transaction.
	FindGrant(ctx context.Context, id string, now time.Time) (Subject, error)
	// CountReplay adds one replay.
	CountReplay(ctx context.Context, id string) error
	// EndGrant ends a grant by its id or its code's id; it returns the grant if it stood until now.
	EndGrant(ctx context.Context, id, codeID string, now time.Time) (Grant, bool, error)
	// InsertDevice stores a device code that waits for a person.
	InsertDevice(ctx context.Context, d token.Device) error
	// ApproveDevice lets the account's person approve a device code that still waits, by a sign-in; false if it does not.
	ApproveDevice(ctx context.Context, id string, acc account.ID, grantID string, a token.Approval, now time.Time) (bool, error)
	// DenyDevice refuses a device code that waits, or was approved and not used yet; false if it is neither.
	DenyDevice(ctx context.Context, id string, acc account.ID, now time.Time) (bool, error)
	// PollDevice reads the client's device code and counts the poll; tooSoon: the code waits, and its interval is longer now.
	PollDevice(ctx context.Context, code secret.Hash, clientID string, now time.Time) (d token.Device, tooSoon, ok bool, err error)
	// UseDevice marks an approved device code as used and makes its grant; false if it cannot be used any more.
	UseDevice(ctx context.Context, d token.Device, g Grant, now time.Time) (bool, error)
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// NameAsked notes whom an app's request has turned out to ask; false if it is over, or that was noted before.
	NameAsked(ctx context.Context, id string, acc account.Account, now time.Time) (bool, error)
	// FindAsked reads an app's request; false if there is none of that id.
	FindAsked(ctx context.Context, id string) (token.Device, bool, error)
	// FindAskable says how an account stands to an app that wants to ask it. key: of its phones this one counts alone; empty: all do.
	FindAskable(ctx context.Context, id account.ID, clientID, key string, now time.Time) (Askable, error)
	outbox.Enqueuer
	audit.Appender
}
