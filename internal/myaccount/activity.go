package myaccount

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Line is one line of the audit log about an account, with its personal fields where they are.
type Line struct {
	audit.Event
	ID  string
	App string // name of the relying party; "" where there is none, or none any more
}

// Happening is one line of the page: a line of the log, or failed sign-ins of one hour together.
type Happening struct {
	Line
	Count     int // how many lines it stands for
	Addresses int // from how many IP addresses
}

// Device is where the happening, or the newest of its lines, came from.
func (h Happening) Device() session.Device {
	return session.Device{UserAgent: h.Personal["user_agent"], Address: h.Personal["ip"]}
}

// Place is a place in the log, newest first: what comes after it is older. The zero place is the beginning.
type Place struct {
	At time.Time
	ID string
}

// String writes the place for an address.
func (p Place) String() string { return strconv.FormatInt(p.At.UnixMilli(), 10) + "." + p.ID }

// ParsePlace reads what String wrote; anything else is the beginning.
func ParsePlace(s string) Place {
	at, id, ok := strings.Cut(s, ".")
	ms, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || ms <= 0 {
		return Place{}
	}
	return Place{At: time.UnixMilli(ms), ID: id}
}

// Activity is one page of what has happened to an account, newest first.
type Activity struct {
	Account    account.Account
	Happenings []Happening
	Older      Place // zero: there is nothing older
}

// ActivityStore is the part of Store about the account's own lines of the audit log.
type ActivityStore interface {
	// ListLines lists up to n lines about the account that come after the place, newest first.
	ListLines(ctx context.Context, id account.ID, after Place, n int) ([]Line, error)
}

const (
	activityPage = 50  // happenings on a page
	activityBite = 200 // lines read at a time
	// activityMost bounds what one page reads: an attacker can fill an hour with failures, and the page stays quick.
	activityMost = 2000
)

// IsSilent says of a kind that can concern an account that its lines are not shown on the activity page: they tell of a message
// or a token on its way, and another line, or nothing at all, tells the person of the same.
func IsSilent(kind audit.Kind) bool {
	switch kind {
	case audit.RefreshReplayed, // an app's network trouble
		audit.MessageDropped: // a mail that nobody was waiting for
		return true
	}
	return false
}

// Activity lists what has happened to the account, from a place on; false if nobody is signed in.
func (s *Service) Activity(ctx context.Context, current secret.Token, after Place) (Activity, bool, error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return Activity{}, false, err
	}
	a := Activity{Account: acc}
	g := grouping{}
	for read := 0; ; {
		lines, err := s.Store.ListLines(ctx, acc.ID, after, activityBite)
		if err != nil {
			return Activity{}, false, fmt.Errorf("list lines: %w", err)
		}
		for _, line := range lines {
			if read++; read > activityMost || !g.add(line) {
				a.Happenings, a.Older = g.all, after
				return a, true, nil
			}
			after = Place{At: line.At, ID: line.ID}
		}
		if len(lines) < activityBite {
			a.Happenings = g.all
			return a, true, nil
		}
	}
}

// grouping makes happenings of lines.
type grouping struct {
	all  []Happening
	hour map[time.Time]*failures
}

// failures are the failed sign-ins of one hour.
type failures struct {
	at        int // place in all
	addresses map[string]bool
}

// add takes the next line; false says that the page is full.
func (g *grouping) add(line Line) bool {
	if IsSilent(line.Kind) {
		return true
	}
	hour := line.At.Truncate(time.Hour)
	if line.Kind == audit.SigninFailed {
		if f := g.hour[hour]; f != nil {
			f.addresses[line.Personal["ip"]] = true
			g.all[f.at].Count++
			g.all[f.at].Addresses = len(f.addresses)
			return true
		}
	}
	if len(g.all) == activityPage {
		return false
	}
	if line.Kind == audit.SigninFailed {
		if g.hour == nil {
			g.hour = map[time.Time]*failures{}
		}
		g.hour[hour] = &failures{at: len(g.all), addresses: map[string]bool{line.Personal["ip"]: true}}
	}
	g.all = append(g.all, Happening{Line: line, Count: 1, Addresses: 1})
	return true
}
