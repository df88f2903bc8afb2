package ui

import "time"

// NoticeAccessRevoked says on MyAccount that an app has lost its access.
const NoticeAccessRevoked = "myaccount.notice.access_revoked"

// AccessRow is one app with access, on MyAccount.
// Form field: app (the ClientID) to MyAccount's RevokeAction.
type AccessRow struct {
	ClientID string
	Name     string
	Sees     []string // keys: what the app may see
	Since    time.Time
	Used     time.Time
	Stays    bool // some of it outlives a sign-out
}
