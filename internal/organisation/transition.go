package organisation

import (
	"errors"
	"time"
)

// Phase is where an organisation stands in its move to this login.
type Phase string

// The phases, in their order.
const (
	// Preparation: its people confirm their addresses, and still log in at the old system.
	Preparation Phase = "preparation"
	// Switched: its people log in here, and who has not confirmed yet is helped.
	Switched Phase = "switched"
	// Ended: the move is over; no link of it works any more.
	Ended Phase = "ended"
)

// Transition is an organisation's move to this login. One without a transition of its own has switched long ago.
type Transition struct {
	Organisation ID
	Phase        Phase
	Since        time.Time // when the phase began; zero: before anybody wrote it down
	Ended        time.Time // when it last ended; links from before then are dead
	SwitchOn     time.Time // the day of the switch, as people are told; zero: not known
	Rate         int       // mails a minute
}

// The rate at which mails of a transition go out.
const (
	DefaultRate = 300
	MaxRate     = 6000
)

// ErrBadTransition says what a transition must be.
var ErrBadTransition = errors.New("a phase is preparation, switched or ended; mails go out at 1 to 6000 a minute")

// Check returns what is wrong with t, or nil.
func (t Transition) Check() error {
	known := t.Phase == Preparation || t.Phase == Switched || t.Phase == Ended
	if !known || t.Rate < 1 || t.Rate > MaxRate {
		return ErrBadTransition
	}
	return nil
}
