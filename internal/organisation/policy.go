package organisation

import "time"

// Policy is what organisations ask of their people's sign-ins.
type Policy struct {
	MFA MFA
	// From is when "required" begins to hold; zero: at once. Before it, the pages name the day.
	From         time.Time
	RememberDays int // how long a browser may skip the second proof, in days; 0: never
}

// Limits and default of Policy.RememberDays (DESIGN §5).
const (
	DefaultRememberDays = 30
	MaxRememberDays     = 90
)

// Free is the policy of an account without an organisation.
var Free = Policy{MFA: Optional, RememberDays: DefaultRememberDays}

// Strictest is the policy of an account whose people belong to several organisations (RULES §6).
func Strictest(all []Policy) Policy {
	if len(all) == 0 {
		return Free
	}
	strictest := all[0]
	for _, p := range all[1:] {
		switch {
		case p.MFA.Strictness() > strictest.MFA.Strictness():
			strictest.MFA, strictest.From = p.MFA, p.From
		case p.MFA == Required && strictest.MFA == Required && p.From.Before(strictest.From):
			strictest.From = p.From
		}
		strictest.RememberDays = min(strictest.RememberDays, p.RememberDays)
	}
	return strictest
}

// IsRequired says whether nobody gets in without two-factor authentication now.
func (p Policy) IsRequired(now time.Time) bool { return p.MFA == Required && !now.Before(p.From) }
