package journey

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// PressOut presses a link that opens a tab of its own, and returns that tab.
func (b *Browser) PressOut(name string) *Browser {
	b.r.Helper()
	found := b.wait(pressable, name)
	ctx, cancel := b.patience()
	defer cancel()
	// The event comes for the new tabs of every test: they share the process.
	own := chromedp.FromContext(b.ctx).Target.TargetID
	opened := chromedp.WaitNewTarget(ctx, func(tab *target.Info) bool { return tab.OpenerID == own && tab.Type == "page" })
	b.do(fmt.Sprintf("press %q", name), click(found))
	select {
	case id := <-opened:
		tab := b.open(chromedp.WithTargetID(id))
		tab.arrive()
		return tab
	case <-ctx.Done():
		b.fail("press %q: no tab opened", name)
		return nil
	}
}

// arrive waits for the page of a tab that somebody else opened: its loading began
// before anybody watched.
func (b *Browser) arrive() {
	b.r.Helper()
	b.until("load the page", func(ctx context.Context) (bool, error) {
		state, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + " " + document.readyState`))
		return !strings.HasPrefix(state, "about:blank") && strings.HasSuffix(state, " complete"), err
	})
}

// PressTwice presses twice at once, as people do who double-click everything.
func (b *Browser) PressTwice(name string) {
	b.r.Helper()
	found := b.wait(pressable, name)
	b.do(fmt.Sprintf("press %q twice", name), func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		x, y, err := middle(ctx, found)
		if err != nil {
			return chromedp.Void{}, err
		}
		if _, err := chromedp.MouseClickXY(x, y)(ctx, t); err != nil {
			return chromedp.Void{}, err
		}
		if _, err := chromedp.MouseClickXY(x, y, chromedp.ClickCount(2))(ctx, t); err != nil {
			return chromedp.Void{}, err
		}
		return chromedp.Void{}, takeEffect(ctx)
	})
	b.settle()
}

// Await loads the page again until the words stand on it: for what another program
// does in its own time.
func (b *Browser) Await(words string) {
	b.r.Helper()
	b.until(fmt.Sprintf("come to see %q", words), func(ctx context.Context) (bool, error) {
		all, err := chromedp.Run(ctx, innerText)
		if err == nil && strings.Contains(squeeze(all), squeeze(words)) {
			return true, nil
		}
		_, err = chromedp.Run(ctx, chromedp.Reload())
		return false, err
	})
}
