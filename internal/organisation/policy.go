package organisation

import "time"

// Policy is what organisations ask of their people's sign-ins.
type Policy struct {
	MFA MFA
	// From is when "required" begins to hold; zero: at once. Before it, the pages name the day.
	From time.Time
	// SignIns is how many sign-ins without it a person has before "required" holds for her, also before the day; 0: the day
	// alone counts. Without a day it means nothing.
	SignIns int
	// TypedPush asks for six typed digits where a phone would be asked for one tap.
	TypedPush bool
	// MinPassword is how many characters a new password has at least; 0: what everybody's has.
	MinPassword  int
	RememberDays int // how long a browser may skip the second proof, in days; 0: never
}

// Limits and defaults of Policy (DESIGN §5).
const (
	DefaultRememberDays = 30
	MaxRememberDays     = 90
	// DefaultSignIns is for a policy with a day: four offers, as each comes back at every third sign-in.
	DefaultSignIns = 12
	MaxSignIns     = 1000
	// A policy may ask for longer passwords than everybody's, and not for such as nobody types.
	LeastMinPassword = 15
	MostMinPassword  = 64
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
			strictest.MFA, strictest.From, strictest.SignIns = p.MFA, p.From, p.SignIns
		case p.MFA == Required && strictest.MFA == Required:
			if p.From.Before(strictest.From) {
				strictest.From = p.From
			}
			if p.SignIns > 0 && (strictest.SignIns == 0 || p.SignIns < strictest.SignIns) {
				strictest.SignIns = p.SignIns
			}
		}
		strictest.TypedPush = strictest.TypedPush || p.TypedPush
		strictest.MinPassword = max(strictest.MinPassword, p.MinPassword)
		strictest.RememberDays = min(strictest.RememberDays, p.RememberDays)
	}
	return strictest
}

// IsRequired says whether nobody gets in without two-factor authentication now who has signed in without it so often since the
// policy was announced.
func (p Policy) IsRequired(spent int, now time.Time) bool {
	return p.MFA == Required && (!now.Before(p.From) || p.Counts(now) && spent >= p.SignIns)
}

// Counts says whether sign-ins without two-factor authentication are counted now.
func (p Policy) Counts(now time.Time) bool {
	return p.MFA == Required && now.Before(p.From) && p.SignIns > 0
}

// IsOffered says whether the pages speak of two-factor authentication to people who do not have it.
func (p Policy) IsOffered() bool { return p.MFA == Recommended || p.MFA == Required }
