package ui

import (
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/web"
)

// watched is what a page waits for: its state in one word, and when that ends by itself.
type watched struct {
	State string
	Until time.Time // zero: it does not
}

// changed is the event that tells a page that what it waits for is another thing now.
type changed struct {
	State string `json:"state"`
}

// watch answers a page's stream of events: one, as soon as the state is another than the page shows (query parameter at). The page then
// goes on by itself. Looking changes nothing.
func (d *Door) watch(w http.ResponseWriter, r *http.Request, topic string, look func() (watched, error)) error {
	rung, stop, ok := d.Signin.Authn.Bell.Wait(topic)
	if !ok {
		w.WriteHeader(http.StatusTooManyRequests) // the page looks by itself then
		return nil
	}
	defer stop()
	now, err := look()
	if err != nil {
		return err
	}
	if now.State == "" {
		w.WriteHeader(http.StatusNoContent) // nothing to wait for; the browser does not ask again (HTML Standard §9.2.3)
		return nil
	}
	s, err := web.NewStream(w)
	if err != nil {
		return err
	}
	at, ping := r.URL.Query().Get("at"), time.NewTicker(web.StreamPing)
	defer ping.Stop()
	for now.State == at {
		var over <-chan time.Time
		if left := now.Until.Sub(d.Visitor.Now()); !now.Until.IsZero() {
			over = time.After(max(left, 0) + time.Millisecond)
		}
		select {
		case <-r.Context().Done():
			return nil
		case <-d.Signin.Authn.Bell.Closed():
			return nil
		case <-rung:
		case <-over:
		case <-ping.C:
			if s.Ping() != nil {
				return nil
			}
		}
		if now, err = look(); err != nil {
			return nil // the page looks for itself when it is shown again
		}
	}
	_ = s.Event("changed", changed{now.State}) // whoever has gone away does not miss it
	return nil
}
