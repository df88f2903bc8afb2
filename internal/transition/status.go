package transition

import (
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/person"
)

// Status is how far a person has come. Each person has one.
type Status string

// The statuses, from the beginning to the end, and those beside the way.
const (
	Waiting   Status = "waiting"   // nothing has been sent
	Mailed    Status = "mailed"    // a mail waits to leave, or the mail server has not taken it yet
	Delivered Status = "delivered" // a mail server took it
	Opened    Status = "opened"    // its link was opened: a hint, for mail scanners open links too
	Verified  Status = "verified"  // the address is confirmed; there is no password
	Password  Status = "password"  // and there is a password
	SignedIn  Status = "signed_in" // has logged in
	Second    Status = "second"    // and has two-factor authentication

	Problem Status = "problem" // no link can confirm the address: see Flag
	Bounced Status = "bounced" // the mail came back
	Exempt  Status = "exempt"  // an administrator has taken the person out
	Left    Status = "left"    // the last employment has ended
)

// Statuses are all of them, in the order of a list of choices.
func Statuses() []Status {
	return []Status{Waiting, Mailed, Delivered, Opened, Verified, Password, SignedIn, Second, Bounced, Problem, Exempt, Left}
}

// IsStatus says whether there is such a status.
func (s Status) IsStatus() bool { return slices.Contains(Statuses(), s) }

// Row is one person as the transition sees her.
type Row struct {
	ID        string
	Name      string
	GivenName string
	Address   string // of the register
	Phone     string
	Language  string
	Units     string // of the present employments
	Flag      person.Flag
	Exempt    time.Time
	Until     time.Time // the first day after the last employment; zero: no end
	Mailed    time.Time // the newest mail
	Accepted  time.Time
	Bounced   time.Time
	Opened    time.Time
	Attention time.Time // somebody should look: see AttentionWhy
	// AttentionWhy is what the account's owner has said on her phone; empty: she tried to log in and could not be helped.
	AttentionWhy authn.Reported
	// Disconnected is when an administrator took the connection away; zero: never, or the person was invited anew since.
	Disconnected time.Time
	Connected    time.Time // zero: not yet
	Account      account.ID
	Login        string // the account's address, where it is another than the register's
	Unaddressed  bool   // the account has no address
	ByNumber     bool   // and is named by a number of the employer\'s, to which nothing can be sent
	HasSecret    bool   // has a password, also one that came from the old login
	SignedIn     time.Time
	HasSecond    bool
	SortKey      []byte // for the next page
	StatusName   Status // as the store has computed it
}

// Status is the person's status now: the one rule, which the store's statements repeat and a test holds against it.
func (r Row) Status(now time.Time) Status {
	switch {
	case !r.Exempt.IsZero():
		return Exempt
	case !r.Until.IsZero() && !now.Before(r.Until):
		return Left
	case r.Account != "":
		switch {
		case r.HasSecond:
			return Second
		case !r.SignedIn.IsZero():
			return SignedIn
		case r.HasSecret:
			return Password
		}
		return Verified
	case r.Flag != "":
		return Problem
	case !r.Bounced.IsZero() && !r.Bounced.Before(r.Mailed):
		return Bounced
	case !r.Opened.IsZero():
		return Opened
	case !r.Accepted.IsZero():
		return Delivered
	case !r.Mailed.IsZero():
		return Mailed
	}
	return Waiting
}

// IsDisconnected says whether the person waits for somebody to invite her anew: her connection was taken away.
func (r Row) IsDisconnected() bool { return r.Account == "" && !r.Disconnected.IsZero() }

// IsMarked says whether the person is marked for somebody to look at. Who could not log in and has an account since is helped.
func (r Row) IsMarked() bool {
	return !r.Attention.IsZero() && (r.Account == "" || r.AttentionWhy != "")
}

// NeedsAttention says whether somebody should look: the address is a problem, a mail came back, the person tried to log in and could not be
// helped, or said on her phone that somebody else did.
func (r Row) NeedsAttention(now time.Time) bool {
	s := r.Status(now)
	return s == Problem || s == Bounced || r.IsMarked() && s != Exempt && s != Left
}

// Counts says how many persons have each status.
type Counts struct {
	Statuses  map[Status]int
	Attention int
	Total     int                 // all rows of the register
	Flags     map[person.Flag]int // of those with the status Problem: why; each person once
	// Of those who are connected without a password of ours: they come in by what the old login knew, or by a mailed link.
	Imported int // have an old password that has not been used yet
}

// Of is how many have the status.
func (c Counts) Of(s Status) int { return c.Statuses[s] }

// Stage is a step of the funnel: how many have come so far, or further.
type Stage struct {
	Status Status
	Count  int
}

// Funnel is how many persons have come how far, of those who take part: each step holds the next ones.
func (c Counts) Funnel() []Stage {
	way := []Status{Waiting, Mailed, Delivered, Opened, Verified, Password, SignedIn, Second}
	stages := make([]Stage, len(way))
	sum := 0
	for i := len(way) - 1; i >= 0; i-- {
		sum += c.Of(way[i])
		stages[i] = Stage{way[i], sum}
	}
	// Who could not be mailed, or whose mail came back, has been imported, and mailed in the second case.
	stages[0].Count += c.Of(Problem) + c.Of(Bounced)
	stages[1].Count += c.Of(Bounced)
	return stages
}
