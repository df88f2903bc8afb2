// Package audit holds the noun audit event: who did what to whom, from where and when. Events are appended
// in the transaction of the effect that they tell of, and never changed.
package audit

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/account"
)

// Kind names an event, by feature word: "recovery.password_reset".
type Kind string

// Every kind of event. The test of the list holds them against docs/audit-events.md.
const (
	SignedIn          Kind = "signin.succeeded"
	SigninFailed      Kind = "signin.failed"
	SigninThrottled   Kind = "signin.throttled"
	PasswordSuspended Kind = "signin.password_suspended"
	PasswordRehashed  Kind = "signin.password_rehashed"
	RecoveryRequested Kind = "recovery.requested"
	LinkSent          Kind = "recovery.link_sent"
	PasswordReset     Kind = "recovery.password_reset"
	LinkSignedIn      Kind = "recovery.link_signed_in"
	SessionEnded      Kind = "session.ended"
	SignedOut         Kind = "session.signed_out"
	CodeRedeemed      Kind = "grant.code_redeemed"
	CodeReused        Kind = "grant.code_reused"
	RefreshReplayed   Kind = "grant.refresh_replayed"
	RefreshReused     Kind = "grant.refresh_reused"
	GrantRevoked      Kind = "grant.revoked"
	LogoutDelivered   Kind = "grant.logout_delivered"
	LogoutFailed      Kind = "grant.logout_failed"
	RPCreated         Kind = "clientregistration.created"
	RPSecretRotated   Kind = "clientregistration.secret_rotated"
	RPDeleted         Kind = "clientregistration.deleted"
	OrganisationSet   Kind = "provisioning.organisation_set"
	AccountCreated    Kind = "provisioning.account_created"
	PersonConnected   Kind = "provisioning.person_connected"
	MessageDropped    Kind = "outbox.dropped"
	MessageDead       Kind = "outbox.dead"
	MessageExpired    Kind = "outbox.expired"
)

// Event is one line of the log. Account, Client and Session are pseudonymous ids that may stay for good;
// Personal holds what erasure must be able to delete (RULES §10): addresses, names, IP addresses.
type Event struct {
	Kind     Kind
	At       time.Time
	Actor    string // "account", "operator", "system" or "anonymous"
	Account  account.ID
	Client   string
	Session  string
	Detail   map[string]string
	Personal map[string]string
}

// Appender writes events in the caller's transaction.
type Appender interface {
	// Append adds one line. It fails only when the transaction fails.
	Append(ctx context.Context, e Event) error
}

// From returns the personal fields that say where a request came from.
func From(ip, userAgent string) map[string]string {
	return map[string]string{"ip": ip, "user_agent": userAgent}
}
