package app_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// behindServer puts a node behind a real server, where streams are streams.
func behindServer(t testing.TB, a *app.App) string {
	t.Helper()
	s := httptest.NewServer(a.Handler())
	t.Cleanup(s.CloseClientConnections)
	t.Cleanup(s.Close)
	return s.URL
}

// event is one server-sent event.
type event struct{ name, data string }

// stream reads events until ctx ends.
func stream(t testing.TB, r *http.Request) <-chan event {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("no stream: %d %v", resp.StatusCode, resp.Header)
	}
	events := make(chan event, 16)
	go func() {
		defer close(events)
		defer resp.Body.Close()
		var e event
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); {
			case name == "event":
				e.name = value
			case name == "data":
				e.data = value
			case lines.Text() == "" && e.name != "":
				events <- e
				e = event{}
			}
		}
	}()
	return events
}

// comes waits for an event of the name. The wait is for a machine that hangs: it measures nothing.
func comes(t testing.TB, events <-chan event, name string) event {
	t.Helper()
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended before %q", name)
			}
			if e.name == name {
				return e
			}
		case <-time.After(time.Minute):
			t.Fatalf("no %q", name)
		}
	}
}

// listens opens the stream of the page that the browser shows, at a node's address.
func (b *browser) listens(ctx context.Context, node string) <-chan event {
	b.w.t.Helper()
	_, rest, ok := strings.Cut(b.body, `data-events="`)
	if !ok {
		b.w.t.Fatalf("the page listens to nothing:\n%s", plain(b.body))
	}
	path, _, _ := strings.Cut(rest, `"`)
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, node+strings.ReplaceAll(path, "&amp;", "&"), nil))
	for name, value := range b.cookies() {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return stream(b.w.t, r)
}

// listens opens the phone's stream at a node's address.
func (h *handset) listens(ctx context.Context, node string) <-chan event {
	h.w.t.Helper()
	h.waiting() // a fresh nonce
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, node+"/push/events", nil))
	r.Header.Set("Authorization", "DPoP "+h.access)
	r.Header.Set("DPoP", h.proof(http.MethodGet, "/push/events", h.access))
	return stream(h.w.t, r)
}

func TestAnAnswerAtAnotherNodeReachesThePageAndTheOtherPhonesStream(t *testing.T) {
	w := newWorld(t, storetest.PostgresURL(t)) // SQLite has one node
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	h, _ := w.pairBo()
	second := w.start()
	here, there := behindServer(t, w.app), behindServer(t, second)

	ringing := h.listens(ctx, there)
	b, l := w.browser(), newLogin(w.hrm)
	b.toPush(l)
	if e := comes(t, ringing, "challenge"); strings.Contains(e.data, `"number"`) || !strings.Contains(e.data, `"app":"HRM"`) {
		t.Errorf("the phone hears %s", e.data)
	}
	page := b.listens(ctx, here)
	h.app = second
	if out := h.answer(h.newest(), "approve", b.number()); out.text("result") != "approved" {
		t.Fatalf("at the other node: %v", out.body)
	}
	if e := comes(t, page, "changed"); !strings.Contains(e.data, ".approved") {
		t.Errorf("the page hears %s", e.data)
	}
	if e := comes(t, ringing, "gone"); !strings.Contains(e.data, `"how":"approved"`) {
		t.Errorf("the phone hears %s", e.data)
	}
	b.app = second
	b.onward()
	l.code(t, b.leads())
}

func TestTheStreamsOfPairingAndRemovingTellWhatHappens(t *testing.T) {
	w := on(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	node := behindServer(t, w.app)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.post("/account/apps/add").follow()
	h := w.handset()
	code := b.toPairing()
	page := b.listens(ctx, node)
	h.claim(code)
	if e := comes(t, page, "changed"); !strings.Contains(e.data, ".claimed") {
		t.Errorf("the pairing page hears %s", e.data)
	}
	b.get(b.at).follow()
	b.post(b.action("/enrolment/"), "want", "approve").follow()
	w.clock.Advance(pollPause)
	h.poll()
	h.know()
	page, ringing := b.listens(ctx, node), h.listens(ctx, node)
	comes(t, ringing, "challenge")
	h.answer(h.newest(), "approve", "")
	if e := comes(t, page, "changed"); !strings.Contains(e.data, ".approved") {
		t.Errorf("the page of the first ring hears %s", e.data)
	}
	if _, err := w.app.Control.Enrolment.RemoveFor(t.Context(), bosAddress, "Bos telefon", "lost"); err != nil {
		t.Fatal(err)
	}
	comes(t, ringing, "removed")
}

func TestAServerThatStopsEndsItsStreams(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	events := h.listens(t.Context(), behindServer(t, w.app))
	w.app.Authn.Bell.Close()
	for range events { // ends
	}
}

// BenchmarkAnApprovalReachesTheWaitingPage measures the time from a phone's answer to the event that moves the page on, on the node
// that took the answer and on another one. The mark is 300 ms at the 95th percentile.
func BenchmarkAnApprovalReachesTheWaitingPage(b *testing.B) {
	for _, where := range []string{"same node", "other node"} {
		b.Run(where, func(b *testing.B) {
			w := on(b)
			if where == "other node" {
				w = newWorld(b, storetest.PostgresURL(b))
			}
			h, _ := w.pairBo()
			phones := w.app
			if where == "other node" {
				phones = w.start()
			}
			node := behindServer(b, w.app)
			var took []time.Duration
			for range b.N {
				person := w.browser()
				person.toPush(newLogin(w.hrm))
				ctx, cancel := context.WithCancel(b.Context())
				page := person.listens(ctx, node)
				h.app = w.app
				c := h.newest()
				h.app = phones
				begin := time.Now()
				if out := h.answer(c, "approve", person.number()); out.text("result") != "approved" {
					b.Fatalf("answer: %v", out.body)
				}
				comes(b, page, "changed")
				took = append(took, time.Since(begin))
				cancel()
				person.onward()
				w.clock.Advance(30 * time.Second)
				if h.access = ""; h.renew().status != http.StatusOK {
					b.Fatal("renew")
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*95/100].Microseconds())/1000, "p95-ms")
		})
	}
}
