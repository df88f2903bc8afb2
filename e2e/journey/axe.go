package journey

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/chromedp/chromedp"
)

// Violation is one accessibility rule that a page breaks.
type Violation struct {
	ID     string   `json:"id"`
	Impact string   `json:"impact"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

// String is the violation in one line.
func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s: %s", v.ID, v.Impact, v.Help, strings.Join(v.Where, " | "))
}

// runAxe asks for every rule, best practices included, and keeps what a reader needs.
const runAxe = `axe.run(document, { resultTypes: ["violations"] }).then((found) =>
  found.violations.map(({ id, impact, help, nodes }) => ({
    id, impact, help, where: nodes.map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")),
  })))`

// Axe checks the page as it stands. The checker comes by the protocol, past the
// page's content security policy.
func (b *Browser) Axe() []Violation {
	b.r.Helper()
	if b.chromium.axe == "" {
		b.fail("axe-core is not loaded: give Launch its file")
	}
	if !Script[bool](b, `typeof axe === "object"`) { // once a page
		b.do("load axe-core", chromedp.Evaluate[chromedp.Void](b.chromium.axe))
	}
	return run(b, "run axe-core", chromedp.Evaluate[[]Violation](runAxe, chromedp.EvalAwaitPromise))
}

// Accessible fails where axe finds anything.
func (b *Browser) Accessible() {
	b.r.Helper()
	var lines []string
	for _, v := range b.Axe() {
		lines = append(lines, v.String())
	}
	if len(lines) > 0 {
		b.fail("not accessible:\n%s", strings.Join(lines, "\n"))
	}
}

// Fits fails where the page is wider than the window (WCAG 2.2, 1.4.10 Reflow).
func (b *Browser) Fits() {
	b.r.Helper()
	if wide := Script[int64](b, `document.documentElement.scrollWidth`); wide > b.options.Width {
		b.fail("the page is %d wide in a window of %d", wide, b.options.Width)
	}
}

// Sizes are the windows and themes in which every page must stand.
var Sizes = []Options{{Width: 320, Height: 640}, {Width: 1280, Height: 900}}

// Inspect looks at the page in both themes at every size: a picture of each,
// nothing that axe finds, nothing wider than the window. Where no pictures are taken, and in English, whose words alone are others, each
// size is looked at in one theme, and by axe at one of the two, which the page's name decides; and of English without pictures
// only whether its words fit, because axe has seen the same elements in Swedish. A page that came without scripts stays as it is; only axe may run one.
func (b *Browser) Inspect(name string) {
	b.r.Helper()
	before := b.options
	if before.NoScript {
		b.options.NoScript = false
		b.dress()
		// With scripts on, what is for those without them would vanish.
		Script[bool](b, `document.querySelectorAll("noscript").forEach((n) => n.replaceWith(...n.childNodes)) ?? true`)
	}
	axeAt := fnv.New32()
	axeAt.Write([]byte(name)) //nolint:errcheck // a hash cannot fail
	for i, size := range Sizes {
		for _, dark := range []bool{false, true} {
			if (before.Lang == "en" || b.chromium.settings.Shots == "") && dark != (i == 0) {
				continue
			}
			b.options.Width, b.options.Height, b.options.Dark = size.Width, size.Height, dark
			b.dress()
			b.Screenshot(name)
			b.Fits()
			if b.chromium.settings.Shots != "" || before.Lang != "en" && int(axeAt.Sum32()%2) == i {
				b.Accessible()
			}
		}
	}
	b.options = before
	b.dress()
}
