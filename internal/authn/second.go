package authn

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// Second is what an account has beside its password, and what its organisations ask.
type Second struct {
	Apps     int       // authenticator apps
	Push     int       // those of them that are paired and can answer with a tap
	Recovery bool      // whether it has a recovery code
	Issued   time.Time // until when a recovery code works that was handed out; zero: none
	Phone    bool      // whether it has a phone that gets codes by SMS and is not suspended; it counts beside an app alone
	Password bool      // whether it has a password
	// MustReplace says that the password came from another login and is not what we ask for: it opens nothing but the page on which
	// its owner chooses another (RULES §7).
	MustReplace bool
	// PasswordSet is when that was set; zero: there is none.
	PasswordSet time.Time
	Policy      organisation.Policy
	Employer    string // the organisation's name, where the account has one alone
	Silent      int    // for how many sign-ins to come the offer of two-factor authentication is silent
	Spent       int    // sign-ins without it while the policy was counting
	// Administers says that the account looks after an organisation's people, or after all.
	Administers bool
	// AddressChanged is when the address last changed; zero: never. For AddressGuard from then on a mail to it removes no second
	// proof (RULES §5).
	AddressChanged time.Time
}

// AddressGuard is how long a former address can take the account back, and a new one cannot remove its second proof (RULES §5).
const AddressGuard = 7 * 24 * time.Hour

// isUnguarded says whether the account opens the console for whoever adds the first authenticator to it.
func (s Second) isUnguarded() bool { return s.Administers && s.Apps == 0 }

// LacksMail says whether the first authenticator of an administrator must wait for a mailed link beside what has been proven: otherwise
// whoever has learnt her password would add one and be her at the console. A link to an address that is new proves nothing yet.
func (s Second) LacksMail(p Progress, now time.Time) bool {
	return s.isUnguarded() && (!p.Has(MethodMail) || s.HasNewAddress(now))
}

// HasNewAddress says whether a former address can still take the account back.
func (s Second) HasNewAddress(now time.Time) bool { return now.Sub(s.AddressChanged) <= AddressGuard }

// IsRequired says whether the account gets in by two-factor authentication alone.
func (s Second) IsRequired(now time.Time) bool { return s.Policy.IsRequired(s.Spent, now) }

// Left is how many sign-ins without two-factor authentication there still are, this one among them; false where nobody counts.
func (s Second) Left(now time.Time) (int, bool) {
	return max(s.Policy.SignIns-s.Spent, 0), s.Policy.Counts(now)
}

// MayTurnOff says whether a person who has shown the recovery code may do without a second proof from now on.
func (s Second) MayTurnOff(p Progress, now time.Time) bool {
	return s.MayReplace(p, now) && !s.IsRequired(now)
}

// MayReplace says whether a person who has shown the recovery code may take her apps away. In the week in which a former address can
// take the account back, a mail to the new one is not enough (RULES §5), nor is a password that was set since: such a mail may have
// brought it.
func (s Second) MayReplace(p Progress, now time.Time) bool {
	guarded := s.HasNewAddress(now)
	known := p.Has(MethodPassword) && (!guarded || s.PasswordSet.Before(s.AddressChanged))
	return p.Has(MethodRecovery) && (known || p.Has(MethodMail) && !guarded)
}

// HasRecovery says whether a recovery code would be taken now: her own, or one that was handed out.
func (s Second) HasRecovery(now time.Time) bool { return s.Recovery || now.Before(s.Issued) }

// every is at which sign-in the offer comes back (S11).
const every = 3

// offered says whether this sign-in stops at the offer.
func (s Second) offered(a Attempt, p Progress, now time.Time) bool {
	if s.Apps > 0 {
		return false
	}
	return s.IsRequired(now) || s.Policy.IsOffered() && s.Silent == 0 && p.Stage != Later && a.Goal == ""
}

// count keeps the offer's books: a sign-in without two-factor authentication has been made. A session that goes on is none, nor is
// the second of two clicks.
func count(ctx context.Context, tx Tx, made NewSession, p Progress, second Second, now time.Time) error {
	silent, spent := max(second.Silent-1, 0), second.Spent
	if p.Stage == Later {
		silent = every - 1
	}
	if second.Policy.Counts(now) {
		spent++
	}
	if made.raised || made.twice || second.Apps > 0 || !second.Policy.IsOffered() || silent == second.Silent && spent == second.Spent {
		return nil
	}
	if err := tx.SaveOffer(ctx, p.Account, silent, spent); err != nil {
		return fmt.Errorf("count the sign-in: %w", err)
	}
	return nil
}
