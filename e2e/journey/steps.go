package journey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var innerText = chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`)

// Open goes to an address, as typed into the address bar.
func (b *Browser) Open(address string) {
	b.r.Helper()
	b.do("open "+address, chromedp.Navigate(address))
	b.settle()
}

// Back presses the browser's back button.
func (b *Browser) Back() {
	b.r.Helper()
	b.do("go back", chromedp.NavigateBack())
	b.settle()
}

// Reload loads the page anew.
func (b *Browser) Reload() {
	b.r.Helper()
	b.do("reload", chromedp.Reload())
	b.settle()
}

// Press presses the button, link or box with exactly this accessible name.
func (b *Browser) Press(name string) {
	b.r.Helper()
	b.press(b.wait(pressable, name), func() thing { return b.wait(pressable, name) })
	b.settle()
}

// press presses a thing. One that is drawn anew at that moment is looked for again: nothing was pressed yet.
func (b *Browser) press(found thing, again func() thing) {
	b.r.Helper()
	for end := time.Now().Add(b.chromium.settings.Patience); ; found = again() {
		ctx, cancel := b.patience()
		err := chromedp.Do(ctx, click(found))
		cancel()
		if err == nil {
			return
		}
		if !errors.Is(err, errMoved) || time.Now().After(end) {
			b.fail("press %q: %v", found.name, err)
		}
	}
}

// Tick ticks the box with this label; a ticked one stays ticked.
func (b *Browser) Tick(label string) {
	b.r.Helper()
	b.turn(label, true)
}

// Untick takes the tick away.
func (b *Browser) Untick(label string) {
	b.r.Helper()
	b.turn(label, false)
}

func (b *Browser) turn(label string, on bool) {
	b.r.Helper()
	found := b.wait(tickable, label)
	if found.checked == on {
		return
	}
	b.do(fmt.Sprintf("turn %q", label), click(found))
	b.until(fmt.Sprintf("turn %q", label), func(ctx context.Context) (bool, error) {
		now, err := one(ctx, tickable, label)
		return now.checked == on, err
	})
}

// Fill writes into the field with this label, over what stands there.
func (b *Browser) Fill(label, value string) {
	b.r.Helper()
	found := b.wait(fillable, label)
	b.do(fmt.Sprintf("fill %q", label),
		command(dom.Focus, dom.FocusParams{BackendNodeID: found.node}),
		chromedp.KeyEvent("a", chromedp.KeyModifiers(kb.ModifierCtrl)),
		chromedp.KeyEvent(kb.Delete),
		write(value),
	)
}

// write types all at once, as a password manager or a phone's keyboard does.
func write(value string) chromedp.Action[chromedp.Void] {
	if value == "" {
		return chromedp.Steps()
	}
	return command(input.InsertText, input.InsertTextParams{Text: value})
}

// Key presses keys of the keyboard, as kb.Tab or kb.Enter.
func (b *Browser) Key(keys string) {
	b.r.Helper()
	b.do("press a key", chromedp.KeyEvent(keys))
	b.settle()
}

// click presses the mouse in the middle of a thing: what lies above it gets the
// press, exactly as with a person.
func click(found thing) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		x, y, err := middle(ctx, found)
		if err != nil {
			return chromedp.Void{}, err
		}
		if _, err := chromedp.MouseClickXY(x, y)(ctx, t); err != nil {
			return chromedp.Void{}, err
		}
		return chromedp.Void{}, takeEffect(ctx)
	}
}

// takeEffect lets the page run what a press has queued: a form is not sent by the press itself but a task later, and only
// then the browser tells that a page is loading. Without it the next step may still find the page before.
func takeEffect(ctx context.Context) error {
	for range 3 { // tasks of a page without scripts are run between these, too
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`1`)); err != nil {
			return ctx.Err() // the page has gone already
		}
	}
	return nil
}

// errMoved means that a thing that was found is not to be seen any more.
var errMoved = errors.New("it is not visible")

func middle(ctx context.Context, found thing) (x, y float64, err error) {
	_, err = chromedp.Call(ctx, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: found.node})
	if err != nil {
		return 0, 0, errors.Join(errMoved, err)
	}
	area, err := chromedp.Call(ctx, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: found.node})
	if err != nil || len(area.Quads) == 0 {
		return 0, 0, errors.Join(errMoved, err)
	}
	q := area.Quads[0]
	return (q[0] + q[2] + q[4] + q[6]) / 4, (q[1] + q[3] + q[5] + q[7]) / 4, nil
}

// See waits until the words stand on the page.
func (b *Browser) See(words string) {
	b.r.Helper()
	b.until(fmt.Sprintf("see %q", words), func(ctx context.Context) (bool, error) {
		all, err := chromedp.Run(ctx, innerText)
		return strings.Contains(squeeze(all), squeeze(words)), err
	})
}

// SeePictures waits until the page has pictures and each was loaded, and its stylesheets as well.
func (b *Browser) SeePictures() {
	b.r.Helper()
	b.until("see the pictures", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](`document.images.length > 0 && [...document.images].every(i => i.complete && i.naturalWidth > 0)
  && [...document.querySelectorAll("link[rel=stylesheet]")].every(l => l.sheet && l.sheet.cssRules.length > 0)`))
	})
}

// SeeRole waits for something with this role and exactly this accessible name.
func (b *Browser) SeeRole(role, name string) {
	b.r.Helper()
	b.until(fmt.Sprintf("see the %s %q", role, name), func(ctx context.Context) (bool, error) {
		_, err := one(ctx, []string{role}, name)
		return err == nil, err
	})
}

// SeeEnabled waits until the control with this name can be used.
func (b *Browser) SeeEnabled(name string) {
	b.r.Helper()
	b.wait(pressable, name)
}

// DontSee fails when the words stand on the page now. Wait for something else
// first: words that are yet to come are not seen either.
func (b *Browser) DontSee(words string) {
	b.r.Helper()
	if strings.Contains(squeeze(b.Text()), squeeze(words)) {
		b.fail("%q stands on the page", words)
	}
}

// Gone waits until the words stand on the page no more.
func (b *Browser) Gone(words string) {
	b.r.Helper()
	b.until(fmt.Sprintf("see %q no more", words), func(ctx context.Context) (bool, error) {
		all, err := chromedp.Run(ctx, innerText)
		return err == nil && !strings.Contains(squeeze(all), squeeze(words)), err
	})
}

// At waits until the address begins like this.
func (b *Browser) At(prefix string) {
	b.r.Helper()
	b.until("come to "+prefix, func(ctx context.Context) (bool, error) {
		address, err := chromedp.Run(ctx, chromedp.Location())
		return strings.HasPrefix(address, prefix), err
	})
}

// Text is what can be read on the page.
func (b *Browser) Text() string {
	b.r.Helper()
	return run(b, "read the page", innerText)
}

// Address is the page's address.
func (b *Browser) Address() string {
	b.r.Helper()
	return run(b, "read the address", chromedp.Location())
}

// Described is the description of the control with this name: what stands beside it.
func (b *Browser) Described(name string) string {
	b.r.Helper()
	return b.wait(pressable, name).description
}

// Focused is the accessible name of what has the keyboard.
func (b *Browser) Focused() string {
	b.r.Helper()
	const script = `(document.activeElement?.labels?.[0] ?? document.activeElement)?.innerText?.trim() ?? ""`
	return squeeze(run(b, "find the focus", chromedp.Evaluate[string](script)))
}

// Script runs a script in the page, for what no person can do.
func Script[T any](b *Browser, source string) T {
	b.r.Helper()
	return run(b, "run a script", chromedp.Evaluate[T](source, chromedp.EvalAwaitPromise))
}

func run[T any](b *Browser, what string, action chromedp.Action[T]) T {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.fail("%s: %v", what, err)
	}
	return value
}
