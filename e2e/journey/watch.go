package journey

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch follows what a tab does by itself: loading, and complaining in the console.
type watch struct {
	mu      sync.Mutex
	loading map[cdp.FrameID]bool
	said    []string
	asked   []string
}

func newWatch() *watch { return &watch{loading: map[cdp.FrameID]bool{}} }

// see runs while the browser waits, so it only takes notes.
func (w *watch) see(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch ev := ev.(type) {
	case *page.EventFrameRequestedNavigation:
		// Comes before the press that causes it is acknowledged.
		if ev.Disposition == page.ClientNavigationDispositionCurrentTab {
			w.loading[ev.FrameID] = true
		}
	case *page.EventFrameStartedLoading:
		w.loading[ev.FrameID] = true
	case *page.EventFrameStoppedLoading:
		delete(w.loading, ev.FrameID)
	case *page.EventNavigatedWithinDocument:
		delete(w.loading, ev.FrameID)
	case *page.EventFrameDetached:
		delete(w.loading, ev.FrameID)
	default:
		w.listen(ev)
	}
}

func (w *watch) listen(ev any) {
	switch ev := ev.(type) {
	case *log.EventEntryAdded:
		if ev.Entry.Level == log.EntryLevelError {
			w.said = append(w.said, ev.Entry.Text+" "+ev.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		w.said = append(w.said, ev.ExceptionDetails.Text)
	case *network.EventRequestWillBeSent:
		w.asked = append(w.asked, ev.Request.URL)
	}
}

func (w *watch) quiet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.loading) == 0
}

func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.said)
}

// settle waits until the page that a press brought has loaded, so that the next
// step does not find its button on the page before.
func (b *Browser) settle() {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	for !b.watch.quiet() && rest(ctx, interval/5) {
	}
}

// Complaints are the errors that the pages of all tabs left in the console: scripts
// that failed, what a content security policy stopped, what was not found.
func (b *Browser) Complaints() (said []string) {
	for _, w := range b.profile.all() {
		said = append(said, w.complaints()...)
	}
	return said
}

// Asked are the addresses that all tabs asked for, each hop of a redirect among them.
func (b *Browser) Asked() (asked []string) {
	for _, w := range b.profile.all() {
		asked = append(asked, w.addresses()...)
	}
	return asked
}

func (w *watch) addresses() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.asked)
}
