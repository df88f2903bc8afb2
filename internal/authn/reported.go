package authn

// Reported is why the administrators of an account's persons shall look: what the account's owner did with her phone says that somebody
// else may know her password.
type Reported string

// The reasons. The first is settled by a new password, the second by the next login with another second proof as well; both by an
// administrator's word. A login alone settles no report: whoever knows the password still knows it.
const (
	ReportedNotMe   Reported = "reported" // she said that it was not she
	ReportedPushOff Reported = "push_off" // so many questions were denied, wrong or unanswered that no more are asked
)
