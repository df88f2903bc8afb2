package authn

import (
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/session"
)

// What a request asks a sign-in to be worth: acr_values is voluntary (OIDC Core §3.1.2.1), an essential acr in claims (§5.5.1.1)
// and what the RP requires are not.

// acrs are the classes that the request names and that exist here.
func (r Request) acrs() []session.ACR {
	var known []session.ACR
	for v := range strings.FieldsSeq(r.ACRValues) {
		if a := session.ACR(v); a.Rank() > 0 {
			known = append(known, a)
		}
	}
	return known
}

// Least is the lowest class that meets the request; empty where it asks for nothing that exists here.
func (r Request) Least() session.ACR {
	least := session.ACR("")
	if known := r.acrs(); len(known) > 0 {
		least = slices.MinFunc(known, func(a, b session.ACR) int { return a.Rank() - b.Rank() })
	}
	if r.Floor.Rank() > least.Rank() {
		return r.Floor
	}
	return least
}

// IsEssential says whether a sign-in that is worth less ends in an error.
func (r Request) IsEssential() bool { return r.Essential || r.Floor != "" }

// IsMetBy says whether the class is what the request asks for, voluntarily or not.
func (r Request) IsMetBy(a session.ACR) bool {
	least := r.Least()
	return (least == "" || a.Satisfies(least)) && !r.isForeign()
}

// IsAnsweredBy says whether the class may answer the request: what is only voluntary may be missing.
func (r Request) IsAnsweredBy(a session.ACR) bool {
	switch {
	case r.isForeign():
		return false
	case r.Essential:
		return r.IsMetBy(a)
	}
	return r.Floor == "" || a.Satisfies(r.Floor)
}

// isForeign says whether the request cannot do without a class that does not exist here.
func (r Request) isForeign() bool { return r.Essential && len(r.acrs()) == 0 }

// IsPossible says whether the request could be answered here, by somebody who has everything that Portvakt takes today.
func (r Request) IsPossible() bool { return !r.IsEssential() || r.IsAnsweredBy(session.AAL2) }

// Asserted is what the RP is told of a session of class a: the truth, and for an essential request the highest class that it
// has named and that the session is worth, since the claim must match one of those (OIDC Core §5.5.1.1).
func (r Request) Asserted(a session.ACR) session.ACR {
	if !r.Essential {
		return a
	}
	best := session.ACR("")
	for _, v := range r.acrs() {
		if a.Satisfies(v) && v.Rank() > best.Rank() {
			best = v
		}
	}
	if best == "" {
		return a
	}
	return best
}

// Reach is the highest class that the account can show with what it has.
func (s Second) Reach() session.ACR {
	switch {
	case s.Password && s.Apps > 0:
		return session.AAL2
	case s.Password, s.Apps > 0:
		return session.Pwd
	}
	return session.Mail
}

// IsFor says whether the account is the one that the request asks for (OIDC Core §3.1.2.1, id_token_hint).
func (r Request) IsFor(id account.ID) bool { return r.Subject == "" || r.Subject == string(id) }

// IsStepUp says whether a standing session answers the request but for its class: what is missing is proven beside it. A session
// that a recovery code has opened is worth no more by a code: it begins anew.
func IsStepUp(r Request, f Facts, now time.Time) bool {
	return SSO(r, f, now) && r.IsFor(f.Session.Account) && !r.IsMetBy(f.Session.ACR) && !slices.Contains(f.Session.AMR, MethodRecovery)
}

// carried is what a step-up begins with: what the session has proven.
func (f Facts) carried() Progress {
	return Progress{Account: f.Session.Account, Epoch: f.Session.Epoch, Methods: f.Methods(), ProvenAt: f.Session.AuthTime,
		From: f.Session.ID, Session: f.Session.Secret}
}

// Methods are the proofs behind the session, which an attempt can take over. Its class tells typed digits from a tap.
func (f Facts) Methods() []string {
	methods := slices.DeleteFunc(slices.Clone(f.Session.AMR), func(m string) bool { return m == multiFactor })
	for i, m := range methods {
		if m == MethodPush && f.Session.ACR.Satisfies(session.AAL2) && !slices.Contains(methods, MethodOTP) && !slices.Contains(methods, MethodSMS) {
			methods[i] = MethodTyped
		}
	}
	return methods
}

// lacks says what an attempt still needs beside what has been proven; Complete where nothing can be added, or need not be.
func (a Attempt) lacks(p Progress, second Second) Step {
	r := a.Request
	worth, _ := Worth(p.Methods)
	least := r.Least()
	switch {
	case least == "" || worth.Satisfies(least) || r.isForeign() || least.Rank() > session.AAL2.Rank():
		return Complete
	case !r.IsEssential() && second.Reach().Rank() < least.Rank():
		return Complete // voluntary, and out of reach
	case r.IsEssential() && p.Has(MethodMail) && !p.Has(MethodPassword) && second.Password:
		return AskPassword
	case least.Rank() <= session.Pwd.Rank() || !p.Has(MethodPassword) || p.Has(MethodRecovery):
		return Complete
	case second.Apps > 0:
		return AskCode
	case r.IsEssential() && (second.Policy.MFA != organisation.Off || a.Goal == Administer) && p.Stage != Later:
		return Offer
	}
	return Complete
}
