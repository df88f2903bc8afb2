package terminal

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	Challenge Kind = "challenge" // a request waits
	Gone      Kind = "gone"      // it does not wait any more
	Removed   Kind = "removed"   // the account has removed this authenticator; its keys are deleted
	Trouble   Kind = "trouble"   // the issuer cannot be reached; it is tried again
)

// Event is something that a listener hears.
type Event struct {
	Kind    Kind
	Account Account
	Request Request
	ID      string // of the request that is gone
	How     string // what has become of it; "" where the issuer did not say
	Err     error  // of Trouble
}

const (
	// silence is how long a stream may say nothing; a comment comes every 15 s (§5).
	silence  = 45 * time.Second
	comeBack = time.Second
	pollEach = 3 * time.Second
	maxPause = 30 * time.Second
	maxLine  = 256 << 10
)

// Listen hears what happens to the accounts until ctx ends; then the channel is closed. It reads the stream of events, and asks
// again and again where something between here and the issuer lets no stream through.
func (a *Authenticator) Listen(ctx context.Context, accounts ...Account) <-chan Event {
	to := make(chan Event)
	var all sync.WaitGroup
	for _, one := range accounts {
		all.Go(func() { (&listener{a: a, account: one, to: to, known: map[string]bool{}}).run(ctx) })
	}
	go func() {
		all.Wait()
		close(to)
	}()
	return to
}

// listener hears what happens to one account.
type listener struct {
	a       *Authenticator
	account Account
	to      chan<- Event
	known   map[string]bool // the requests that were told of
	trouble bool            // was told of, and is not over
}

// tell hands an event over; false when nobody listens any more.
func (l *listener) tell(ctx context.Context, e Event) bool {
	e.Account = l.account
	switch e.Kind {
	case Challenge:
		if l.known[e.Request.ID] {
			return true
		}
		l.known[e.Request.ID] = true
	case Gone:
		delete(l.known, e.ID)
	}
	select {
	case l.to <- e:
		return true
	case <-ctx.Done():
		return false
	}
}

var errNoStream = errors.New("no stream of events")

// run listens until ctx ends or the account is gone.
func (l *listener) run(ctx context.Context) {
	wait := time.Second
	for ctx.Err() == nil {
		pause := comeBack
		err := l.stream(ctx)
		if errors.Is(err, errNoStream) {
			pause, err = pollEach, l.poll(ctx)
		}
		if errors.Is(err, ErrRemoved) {
			l.tell(ctx, Event{Kind: Removed})
			return
		}
		if err == nil {
			l.trouble, wait = false, time.Second
			l.a.Pause(ctx, pause) // on opening, a stream tells what waits: nothing is lost
			continue
		}
		if !l.trouble && ctx.Err() == nil {
			l.trouble = true
			l.tell(ctx, Event{Kind: Trouble, Err: err})
		}
		l.a.Pause(ctx, wait)
		wait = min(2*wait, maxPause)
	}
}

// stream reads one stream to its end: it ends with its access token, and by itself where a proxy cuts it.
func (l *listener) stream(ctx context.Context) error {
	return l.a.as(ctx, &l.account, call{method: http.MethodGet, path: "/push/events", stream: true}, func(ctx context.Context, c call) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		answer, err := l.a.send(ctx, l.account.Issuer, c)
		if p, ok := errors.AsType[*Problem](err); ok && p.Code == "" && p.Status < http.StatusInternalServerError {
			return errNoStream // a proxy's word, and not the issuer's
		}
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "text/event-stream" {
			return errNoStream
		}
		alarm := time.AfterFunc(silence, cancel)
		defer alarm.Stop()
		return l.read(ctx, answer.Body, func() { alarm.Reset(silence) })
	})
}

// read reads events (HTML Living Standard §9.2.6) until the stream ends.
func (l *listener) read(ctx context.Context, from io.Reader, heard func()) error {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, maxLine)
	kind, data := "", ""
	for lines.Scan() {
		heard()
		line := lines.Text()
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			if err := l.hear(ctx, Kind(kind), strings.TrimSuffix(data, "\n")); err != nil {
				return err
			}
			kind, data = "", ""
		case field == "event":
			kind = value
		case field == "data":
			data += value + "\n"
		}
	}
	return nil // cut or ended: come back
}

func (l *listener) hear(ctx context.Context, kind Kind, data string) error {
	switch kind {
	case Challenge:
		var r Request
		if json.Unmarshal([]byte(data), &r) == nil && r.ID != "" {
			l.tell(ctx, Event{Kind: Challenge, Request: r})
		}
	case Gone:
		var gone struct {
			ID  string `json:"id"`
			How string `json:"how"`
		}
		if json.Unmarshal([]byte(data), &gone) == nil && gone.ID != "" {
			l.tell(ctx, Event{Kind: Gone, ID: gone.ID, How: gone.How})
		}
	case Removed:
		return l.a.removed(l.account)
	}
	return nil
}

// poll asks once what waits.
func (l *listener) poll(ctx context.Context) error {
	all, err := l.a.Waiting(ctx, &l.account)
	if err != nil {
		return err
	}
	waits := map[string]bool{}
	for _, r := range all {
		waits[r.ID] = true
		l.tell(ctx, Event{Kind: Challenge, Request: r})
	}
	for id := range l.known {
		if !waits[id] {
			l.tell(ctx, Event{Kind: Gone, ID: id})
		}
	}
	return nil
}
