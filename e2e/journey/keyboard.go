package journey

import (
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// farthest is how many presses of Tab a page may ask for.
const farthest = 40

// TabTo presses Tab until the control with this name has the keyboard. One that has
// it already keeps it.
func (b *Browser) TabTo(name string) {
	b.r.Helper()
	b.settle()
	for range farthest {
		if b.Focused() == name {
			return
		}
		b.do("press Tab", chromedp.KeyEvent(kb.Tab))
	}
	b.fail("Tab never comes to %q", name)
}

// Type types into what has the keyboard, key by key.
func (b *Browser) Type(text string) {
	b.r.Helper()
	b.do("type", chromedp.KeyEvent(text))
}

// Enter presses the Enter key.
func (b *Browser) Enter() {
	b.r.Helper()
	b.Key(kb.Enter)
}
