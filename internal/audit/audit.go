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

// Every kind of event, and what has happened. docs/audit-events.md is made from these lines.
const (
	SignedIn           Kind = "signin.succeeded"                  // a session was made or raised; the detail acr says what it is worth
	SigninFailed       Kind = "signin.failed"                     // a password was wrong, or there is no such account, or it is closed
	PasswordSuspended  Kind = "signin.password_suspended"         // a hundred failures in a row: the password counts no more until it is reset
	AppsSuspended      Kind = "signin.apps_suspended"             // a hundred wrong codes in a row: the apps count no more until a recovery code was used
	RecoveryRequested  Kind = "recovery.requested"                // somebody asked for a mailed link; the detail purpose says which
	LinkSent           Kind = "recovery.link_sent"                // there was an open account within its budget: the link was made and its mail enqueued
	PasswordReset      Kind = "recovery.password_reset"           // a new password was set by a mailed link
	NotMe              Kind = "recovery.not_me"                   // somebody who was told of something said that it was not she: all that is open ended; the details say what she was told and what was undone
	AddressRestored    Kind = "recovery.address_restored"         // "this was not me" gave the account its former address back, and took away what was added since
	LinkSignedIn       Kind = "recovery.link_signed_in"           // a mailed link was used to sign in
	AppAdded           Kind = "enrolment.app_added"               // an authenticator app was bound to an account
	AppRemoved         Kind = "enrolment.app_removed"             // an authenticator app, or all of them, was unbound
	AppRenamed         Kind = "enrolment.app_renamed"             // an authenticator app got another name
	PhonePaired        Kind = "enrolment.phone_paired"            // a phone that approves sign-ins was paired with an account; the detail key names it
	PairingRefused     Kind = "enrolment.pairing_refused"         // a phone was not paired: the person said no, or a second one came with the same code; the detail why says which
	PhoneLost          Kind = "enrolment.phone_lost"              // a paired phone says that its keys are gone
	PushSubscribed     Kind = "enrolment.push_subscribed"         // a paired phone said where push messages reach it
	PushApproved       Kind = "signin.push_approved"              // a paired phone approved; the details say what for and which
	PushDenied         Kind = "signin.push_denied"                // a paired phone denied, or a wrong number was chosen there
	PushReported       Kind = "signin.push_reported"              // its owner said on her phone that it was not she who signed in: the sign-in ended, and push is off for unknown browsers
	PushOff            Kind = "signin.push_off"                   // no phone was asked, because too many challenges were wrong, denied or unanswered
	RecoveryCodeMade   Kind = "enrolment.recovery_code_made"      // a recovery code was shown and saved
	RecoveryCodeUsed   Kind = "signin.recovery_code_used"         // a recovery code was used to sign in
	RecoveryCodeIssued Kind = "enrolment.recovery_code_issued"    // the operator handed out a recovery code for a day; why stands with the personal fields
	PhoneAdded         Kind = "enrolment.phone_added"             // a phone that gets codes by SMS was bound to an account, perhaps in place of another
	PhoneSuspended     Kind = "signin.phone_suspended"            // a hundred wrong codes by SMS in a row: the phone gets no more until its owner gives the number anew
	PhoneRemoved       Kind = "enrolment.phone_removed"           // the account's phone was unbound
	CodeTexted         Kind = "sms.code_sent"                     // a code left for a phone; the details use and country say what for and where to
	CodeNotTexted      Kind = "sms.code_withheld"                 // a code, a link or a notice was not sent by SMS, because a limit is reached; the detail limit says which
	BrowserRemembered  Kind = "signin.browser_remembered"         // a browser may skip the second proof for a while
	BrowserForgotten   Kind = "enrolment.browser_forgotten"       // a remembered browser must show the second proof again
	SessionEnded       Kind = "session.ended"                     // a person ended one session or all others from the account page
	SessionExpired     Kind = "session.expired"                   // a session passed its absolute limit
	SignedOut          Kind = "session.signed_out"                // a person signed out, here or from an app
	ProfileChanged     Kind = "myaccount.profile_changed"         // a person changed her name or her language; the detail fields says which
	PasswordChanged    Kind = "myaccount.password_changed"        // a password was changed, or made, from the account page
	AddressRequested   Kind = "myaccount.address_requested"       // a person asked to change her address; a mail to the new one was enqueued
	AddressWithdrawn   Kind = "myaccount.address_withdrawn"       // a person took a change of address back before it was confirmed
	AddressChanged     Kind = "myaccount.address_changed"         // a new address was confirmed and took the old one's place
	CodeRedeemed       Kind = "grant.code_redeemed"               // an app redeemed its code: the grant begins
	FrontGranted       Kind = "grant.front_granted"               // an app got its tokens by way of the browser: the grant begins
	DeviceApproved     Kind = "grant.device_approved"             // a person let a device in that showed a code
	DeviceDenied       Kind = "grant.device_denied"               // a person refused a device that showed a code
	TokenExchanged     Kind = "grant.token_exchanged"             // an app's server got a token for a person in the place of one that another app had sent it
	PersonAsked        Kind = "grant.person_asked"                // an app asked a person on her phones
	PersonNotAsked     Kind = "grant.person_not_asked"            // an app's question went to no phone; the detail why says why, and the app does not hear it
	DeviceRedeemed     Kind = "grant.device_redeemed"             // a program redeemed the device code that a person had approved, or an app the question: the grant begins
	CodeReused         Kind = "grant.code_reused"                 // a code came a second time; its grant was ended
	RefreshReplayed    Kind = "grant.refresh_replayed"            // a refresh token came again within its window and got the same answer
	RefreshReused      Kind = "grant.refresh_reused"              // an old refresh token came again; its grant was ended and the person was told
	GrantRevoked       Kind = "grant.revoked"                     // an app gave its grant back
	RPCreated          Kind = "clientregistration.created"        // an app was registered, by the operator or by itself; then the detail token names the registration token that let it
	RPChanged          Kind = "clientregistration.changed"        // the operator changed an app's name, addresses or organisations, or it has changed its own
	RPSecretRotated    Kind = "clientregistration.secret_rotated" // the operator gave an app a new secret
	RPDeleted          Kind = "clientregistration.deleted"        // an app was removed, by the operator, by itself, or because it registered itself and nobody used it; its grants ended
	AccessRevoked      Kind = "myaccount.access_revoked"          // a person took an app's access away; its grants ended
	Exported           Kind = "myaccount.exported"                // a person downloaded her data
	Erased             Kind = "myaccount.erased"                  // a person erased her account; a tombstone with its sub stays
	OrganisationSet    Kind = "provisioning.organisation_set"     // the operator made or changed an organisation
	AccountCreated     Kind = "provisioning.account_created"      // the operator made an account
	PersonConnected    Kind = "provisioning.person_connected"     // a person of a register was connected to an account
	Appointed          Kind = "administration.appointed"          // an account became an administrator of an organisation, or got another role; the detail by names who did it
	Dismissed          Kind = "administration.dismissed"          // an account is no administrator of an organisation any more
	PreflightRun       Kind = "transition.preflight_run"          // the register was looked through before a mail leaves; the detail persons says how many rows
	AddressCorrected   Kind = "transition.address_corrected"      // the register's address of a person without a connection was changed by an administrator
	PhoneCorrected     Kind = "transition.phone_corrected"        // an administrator gave a person without a connection a phone in the register, by which she is reached from now on; the reason and both numbers stand with the personal fields
	AddressVouched     Kind = "transition.address_vouched"        // an administrator said that an address that looks like a task's is the person's own
	PersonExempted     Kind = "transition.person_exempted"        // a person was taken out of the transition
	PersonIncluded     Kind = "transition.person_included"        // a person was taken back in
	PersonDisconnected Kind = "transition.person_disconnected"    // the connection between a person and an account was removed; its sessions and tokens ended
	SigningKeyMade     Kind = "signingkey.made"                   // a key was made that signs what apps are told; the details are its id and algorithm
	SigningKeyRetired  Kind = "signingkey.retired"                // its private half was destroyed; the detail distrusted says that somebody else may have had it
	VAPIDKeyMade       Kind = "vapid.key_made"                    // a key was made by which push services know this installation; the detail key is its id
	MessageDropped     Kind = "outbox.dropped"                    // a message was not sent: there is no open account, or its budget is spent
	MessageDead        Kind = "outbox.dead"                       // the other side refused a message for good; nothing tries it again
	MessageExpired     Kind = "outbox.expired"                    // a message could not be delivered in time; nothing tries it again
	OldPasswordUsed    Kind = "signin.old_password_used"          // the old login's password was right for the first time and is kept in our own form from now on; the detail replace says whether another one was asked for
	OldPasswordListed  Kind = "signin.old_password_listed"        // the old login's password was right and opened nothing, because it is on the list of common ones; a mail leads to a new one
	PasswordReplaced   Kind = "signin.password_replaced"          // another password took the place of the old login's, before the first session
	ImportBegun        Kind = "provisioning.import_begun"         // the import of a register file was begun; the details say of how many rows
	ImportPaused       Kind = "provisioning.import_paused"        // an import was told to rest
	ImportResumed      Kind = "provisioning.import_resumed"       // an import goes on
	ImportCancelled    Kind = "provisioning.import_cancelled"     // an import was ended before its time; what it has taken over stays
	ImportFinished     Kind = "provisioning.import_finished"      // a register file was taken over; the details say how many rows were imported, held and refused
	ImportFailed       Kind = "provisioning.import_failed"        // the file of an import could not be read
	HoldDecided        Kind = "provisioning.hold_decided"         // another name or address behind a connected key was accepted or refused; the detail decision says which
	MessageBounced     Kind = "outbox.bounced"                    // a mail was taken by the mail server and came back; the detail status says why (RFC 3463)
	DKIMKeyMade        Kind = "dkim.key_made"                     // a key was made that can sign mails; the details name its domain and selector
	DKIMKeyActivated   Kind = "dkim.key_activated"                // a key's record was found in the DNS, or the operator vouched for it: it signs from now on
	DKIMKeyRemoved     Kind = "dkim.key_removed"                  // a key signs no more and is gone
	SenderSet          Kind = "provisioning.sender_set"           // an organisation got another sender for its mails, or none of its own

	PreparationConfirmed         Kind = "preparation.confirmed"          // a person confirmed the address of the register, or an approved one, or came by a printed sheet, and has an account; the detail by says how, password whether she chose one
	PreparationConnected         Kind = "preparation.connected"          // a person connected herself to the account that she has already, by signing in to it
	PreparationRenewed           Kind = "preparation.renewed"            // somebody asked for another preparation link
	PreparationLinkSent          Kind = "preparation.link_sent"          // a preparation link was made that no administrator had asked for, and its mail enqueued
	PreparationProposed          Kind = "preparation.proposed"           // somebody with a person's link proposed another address; the register's was told
	PreparationProposalConfirmed Kind = "preparation.proposal_confirmed" // the proposed address was confirmed by its own mail
	PreparationObjected          Kind = "preparation.objected"           // the register's address withdrew a proposal
	PreparationProposalApproved  Kind = "preparation.proposal_approved"  // an administrator approved a proposed address
	PreparationProposalRefused   Kind = "preparation.proposal_refused"   // an administrator refused a proposed address
	PhaseSet                     Kind = "preparation.phase_set"          // a phase of an organisation's move to this login began, or its day was set
	RateSet                      Kind = "preparation.rate_set"           // how many preparation mails a minute go out was set
	MailingBegun                 Kind = "preparation.mailing_begun"      // a mailing of preparation links was ordered
	MailingMoved                 Kind = "preparation.mailing_moved"      // a mailing was paused, resumed or cancelled; the detail to says which
	MailingSent                  Kind = "preparation.mailing_sent"       // a share of a mailing was enqueued, or its last; the detail mailed says how many
	SheetPrinted                 Kind = "preparation.sheet_printed"      // a sheet with a link was printed for a person whom no mail reaches; her former one ended
	ResetPrinted                 Kind = "recovery.sheet_printed"         // an administrator printed a link for a new password, for a person without an address

	ApprovalAsked    Kind = "enrolment.approval_asked"     // an administrator wants to touch the credentials of an account that is not her organisation's alone, and others were asked; the detail act says what
	ApprovalGiven    Kind = "enrolment.approval_given"     // an administrator of another organisation of the account has agreed; in the log of whoever asked: all have
	ApprovalRefused  Kind = "enrolment.approval_refused"   // an administrator of another organisation of the account has refused
	AttentionSettled Kind = "transition.attention_settled" // an administrator has seen why a person needs attention
	ApprovalUsed     Kind = "enrolment.approval_used"      // what was agreed to has been done

	RegistrationTokenMade    Kind = "clientregistration.token_made"    // the operator made a token by which apps register themselves
	RegistrationTokenRevoked Kind = "clientregistration.token_revoked" // the operator revoked such a token

	GuideAsked     Kind = "transition.guide_asked"     // an administrator has the organisation's guide drawn; the details say in which language and for whom
	GuideDrawn     Kind = "transition.guide_drawn"     // a guide was drawn and took the place of the one before
	GuideFailed    Kind = "transition.guide_failed"    // a guide could not be drawn; the one before stays
	GuideStopped   Kind = "transition.guide_stopped"   // an administrator ended a drawing
	GuideShared    Kind = "transition.guide_shared"    // a guide got a public address
	GuideWithdrawn Kind = "transition.guide_withdrawn" // a guide's public address was taken away
)

// Event is one line of the log. Account, Client and Session are pseudonymous ids that may stay for good;
// Personal holds what erasure must be able to delete (RULES §10): addresses, names, IP addresses.
type Event struct {
	Kind     Kind
	At       time.Time
	Actor    string // "account", "administrator" or "service" (the detail by says which), "operator", "system" or "anonymous"
	Account  account.ID
	Client   string
	Session  string
	Message  string // id of the outbox message that it is about
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
