package outbox

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// TurnKind is what has happened to a message.
type TurnKind string

// What can happen to a message after it was queued, in the order in which it mostly does.
const (
	Postponed TurnKind = "postponed" // could not be delivered now; another try follows
	Accepted  TurnKind = "accepted"  // the other side took it
	Refused   TurnKind = "refused"   // the other side never will
	Withheld  TurnKind = "dropped"   // there was nobody to send it to, or the recipient's budget was spent
	TooLate   TurnKind = "expired"
	Delayed   TurnKind = "delayed" // taken, and held up farther on (RFC 3464); it may still arrive
	Returned  TurnKind = "bounced" // taken, and came back
)

var endings = map[State]TurnKind{Dead: Refused, Dropped: Withheld, Expired: TooLate}

// Turn is a line of a message's history. The words are the other side's: they may name a person.
type Turn struct {
	Kind  TurnKind
	At    time.Time
	Words string
}

// Record is a message as it is looked at afterwards: what it was, how it ended, and each turn that it took.
type Record struct {
	ID       string
	Template string
	To       string
	Created  time.Time
	State    State
	Finished time.Time // zero: under way
	Answer   string    // the other side's words as it took it
	Bounced  time.Time // zero: it has not come back
	Status   string    // of the bounce, as "5.1.1"
	Reason   string    // of the bounce
	Turns    []Turn    // the oldest first
}

// Bounce is what a mail server farther on says about a mail that was accepted (RFC 3464).
type Bounce struct {
	Message string // the outbox message's id
	Failed  bool   // it came back; false: it is delayed
	Status  string // as "5.1.1"; "": it did not say
	Reason  string // its words
}

// Bounces is where bounces are recorded.
type Bounces interface {
	// Bounced records a bounce on its message, and on the person that the message is about. A message that is no more, or whose
	// history is full, is no error: there is nobody who could do anything about it.
	Bounced(ctx context.Context, b Bounce, now time.Time) error
}

// longestWords is how much of the other side's words is kept, in code points.
const longestWords = 500

// Words are a stranger's words as they are kept: one line, no control characters, not longer than anybody reads.
func Words(said string) string {
	said = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case unicode.IsControl(r) || r == unicode.ReplacementChar || unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, said)
	said = strings.Join(strings.Fields(said), " ")
	if all := []rune(said); len(all) > longestWords {
		return strings.TrimSpace(string(all[:longestWords-1])) + "…"
	}
	return said
}

// wordsOf are the words in an error: ours about what happened, and then the other side's own.
func wordsOf(err error) string {
	said := err.Error()
	if p, ok := errors.AsType[Personal](err); ok && p.Text != "" {
		said += ": " + p.Text
	}
	return Words(said)
}
