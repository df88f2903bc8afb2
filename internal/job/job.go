// Package job holds the noun job: work on an organisation that takes longer than a request, and the worker that does it in
// small bites. A bite commits its effect together with how far the job has come, so that whoever does it may be killed at any
// moment: another node goes on where the last commit stands. What the work is, flows say, by the Step that they give the worker.
package job

import (
	"errors"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// Kind names what the work is, by feature word.
type Kind string

// The kinds of work.
const (
	Import    Kind = "import"    // a register file becomes rows of the register
	Mailing   Kind = "mailing"   // preparation mails go out, so many a minute
	Preflight Kind = "preflight" // a large register is looked through
	Guide     Kind = "guide"     // an organisation's guide is drawn
)

// State is where a job stands.
type State string

// The states. A job that is running holds the place of its kind in its organisation, also between two bites.
const (
	Waiting   State = "waiting" // for a person's word
	Queued    State = "queued"
	Running   State = "running"
	Paused    State = "paused"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Ended says whether the job is over.
func (s State) Ended() bool { return s == Done || s == Failed || s == Cancelled }

// Job is a piece of work.
type Job struct {
	ID           string
	Kind         Kind
	Organisation organisation.ID
	By           account.ID // who started it; empty: the operator
	State        State
	Position     int64 // how far it has come; what it counts, its kind decides
	Total        int64 // 0: not known
	Counts       map[string]int64
	Params       map[string]string
	Reason       string // why it failed: a code
	Created      time.Time
	Started      time.Time // zero: not yet
	Finished     time.Time // zero: not yet
	NotBefore    time.Time // the next bite is not due earlier
}

// Progress is the part that is done, from 0 to 1.
func (j Job) Progress() float64 {
	if j.Total == 0 {
		return 0
	}
	return float64(j.Position) / float64(j.Total)
}

// New makes a job that waits for a person's word.
func New(k Kind, org organisation.ID, by account.ID, now time.Time) Job {
	return Job{ID: secret.NewID(), Kind: k, Organisation: org, By: by, State: Waiting, Counts: map[string]int64{}, Params: map[string]string{}, Created: now}
}

// Why a bite must not be committed. Its transaction rolls back with this error.
var (
	// ErrLost says that somebody else goes on with the job: this worker's lease had ended.
	ErrLost = errors.New("the job is somebody else's by now")
	// ErrStopped says that the job was paused or cancelled meanwhile.
	ErrStopped = errors.New("the job was stopped")
)
