package ui

import "time"

// What has happened, as RecoveryNotMe says it, and what a press undoes of it.
const (
	HappenedSomething  = "recovery.not_me.happened.something"
	HappenedPassword   = "recovery.not_me.happened.password"
	HappenedNewDevice  = "recovery.not_me.happened.new_device"
	HappenedAppAdded   = "recovery.not_me.happened.app_added"
	HappenedAppRemoved = "recovery.not_me.happened.app_removed"
	HappenedCodeMade   = "recovery.not_me.happened.code_made"
	HappenedCodeIssued = "recovery.not_me.happened.code_issued"
	HappenedFailures   = "recovery.not_me.happened.failures"
	HappenedCodeUsed   = "recovery.not_me.happened.code_used"
	HappenedAddress    = "recovery.not_me.happened.address"
	HappenedReuse      = "recovery.not_me.happened.reuse"

	HappenedPhoneAdded   = "recovery.not_me.happened.phone_added"
	HappenedPhoneRemoved = "recovery.not_me.happened.phone_removed"

	UndoesPhone = "recovery.not_me.undoes.phone"
	UndoesApp   = "recovery.not_me.undoes.app"
	UndoesCode  = "recovery.not_me.undoes.code"

	UndoesAddress = "recovery.not_me.undoes.address"
)

// RecoveryNotMe is the page recovery_not_me, behind the button "this was not me" of a mail.
// Form fields: robot (only when Elsewhere).
type RecoveryNotMe struct {
	Action       string
	PlainURL     string
	ChallengeURL string
	Address      string   // that was told
	What         string   // a key: what has happened
	App          string   // the app that What names; "" where it names none
	Undoes       []string // keys
	At           time.Time
	Place        string // country; "" where unknown
	Device       string // "" where unknown
	Browser      string // "" where unknown
	IP           string // "" where unknown
	Problem      string
	Elsewhere    bool // the account is not signed in in this browser
}

// RecoveryNotMeDone is the page recovery_not_me_done: everything has ended, and what to do now.
type RecoveryNotMeDone struct {
	Address string // that was told; the link for a new password goes there
	Lost    bool   // it is another account's by now, and could not be given back: no link goes anywhere
}
