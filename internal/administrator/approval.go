package administrator

import (
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Act is what an administrator does to the credentials of an account.
type Act string

// The acts.
const (
	HandOut Act = "code"   // a recovery code
	Unpair  Act = "unpair" // all authenticators are taken away
)

// Approval is an act that an administrator has asked for on an account that is not her organisation's alone: an administrator of each
// other one must agree, and nobody is told which those are (RULES §6).
type Approval struct {
	ID           string
	Act          Act
	Account      account.ID
	Epoch        int64           // of the account as it was asked: what has changed since needs another word
	Organisation organisation.ID // that asks
	Person       string          // of that organisation
	AskedBy      account.ID
	Asked        time.Time
	Expires      time.Time
	Granted      time.Time // when the last word was given; zero: not yet
	Ended        time.Time
	EndedBy      string
}

// How long an approval is waited for, how long it may be used, and for how long nobody is asked again who has refused.
const (
	ApprovalLife = 7 * 24 * time.Hour
	ApprovalUse  = 24 * time.Hour
	ApprovalRest = 24 * time.Hour
)

// What ends an approval.
const (
	ApprovalUsed     = "used"
	ApprovalRefused  = "refused"
	ApprovalReplaced = "replaced" // a colleague has asked instead
	ApprovalOver     = "over"     // its time, or the account has changed
)

// Stands says whether words still count, and may be given.
func (a Approval) Stands(epoch int64, now time.Time) bool {
	return a.ID != "" && a.Ended.IsZero() && now.Before(a.Expires) && a.Epoch == epoch
}

// IsRefused says whether it was refused so lately that nobody is asked again.
func (a Approval) IsRefused(now time.Time) bool {
	return a.EndedBy == ApprovalRefused && now.Before(a.Ended.Add(ApprovalRest))
}
