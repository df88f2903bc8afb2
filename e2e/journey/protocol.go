package journey

import (
	"context"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

const interval = 50 * time.Millisecond

// command makes a step of a protocol command whose answer nobody needs.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// do runs steps within the browser's patience. The first run of a tab binds it to
// its context, which therefore must not be one that ends with the patience.
func (b *Browser) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.r.Helper()
	if err := chromedp.Do(b.ctx); err != nil {
		b.fail("%s: %v", what, err)
	}
	ctx, cancel := b.patience()
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.fail("%s: %v", what, err)
	}
}

func (b *Browser) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, b.chromium.settings.Patience)
}

// until repeats a look at the page until it says yes. An error is no yes: a page
// that is just being replaced answers with errors.
func (b *Browser) until(what string, look func(ctx context.Context) (bool, error)) {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	var last error
	for {
		yes, err := look(ctx)
		if yes {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if !rest(ctx, interval) {
			b.fail("%s: waited in vain%s", what, because(last))
			return
		}
	}
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" (%v)", err)
}

func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// fail tells what went wrong and what stood on the page at that time.
func (b *Browser) fail(format string, args ...any) {
	b.r.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 3*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, innerText)
	address, _ := chromedp.Run(ctx, chromedp.Location())
	b.r.Fatalf("%s\nat %s\npage: %s\nbrowser: %q", fmt.Sprintf(format, args...), address, text, b.watch.complaints())
}
