package journey

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Reporter hears of steps that fail; *testing.T is one.
type Reporter interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Options are what makes one person's browser differ from another's.
type Options struct {
	// Lang is the browser's language; empty means "sv".
	Lang string
	// Dark asks for the dark theme.
	Dark bool
	// Width and Height are the window's; zero means 1280 by 900.
	Width, Height int64
	// Agent is what the browser calls itself; empty means what it is.
	Agent string
	// NoScript switches scripts off.
	NoScript bool
}

// Browser is one person's browser, or a further tab of it.
type Browser struct {
	r        Reporter
	chromium *Chromium
	options  Options
	ctx      context.Context
	cancel   context.CancelFunc
	watch    *watch
	profile  *profile
}

// profile is what the tabs of one browser share.
type profile struct {
	ctx     context.Context // of the first tab: further ones are opened from there
	mu      sync.Mutex
	watches []*watch
}

func (p *profile) all() []*watch {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.watches)
}

// Browser opens a browser with an empty profile: to the pages it is another
// browser on another desk.
func (c *Chromium) Browser(r Reporter, o Options) *Browser {
	r.Helper()
	return c.open(r, o.withDefaults(), nil, chromedp.WithNewBrowserContext())
}

// Tab opens a further tab with the same profile.
func (b *Browser) Tab() *Browser {
	b.r.Helper()
	return b.open()
}

func (b *Browser) open(more ...chromedp.ContextOption) *Browser {
	b.r.Helper()
	return b.chromium.open(b.r, b.options, b.profile, more...)
}

func (o Options) withDefaults() Options {
	if o.Lang == "" {
		o.Lang = "sv"
	}
	if o.Width == 0 {
		o.Width = 1280
	}
	if o.Height == 0 {
		o.Height = 900
	}
	return o
}

// open opens a tab; without a profile it is the first of a new one.
func (c *Chromium) open(r Reporter, o Options, p *profile, more ...chromedp.ContextOption) *Browser {
	r.Helper()
	parent := c.ctx
	if p != nil {
		parent = p.ctx
	}
	b := &Browser{r: r, chromium: c, options: o, watch: newWatch(), profile: p}
	b.ctx, b.cancel = chromedp.NewContext(parent, append(more, chromedp.WithListener(b.watch.see))...)
	if p == nil {
		b.profile = &profile{ctx: b.ctx}
	}
	b.profile.mu.Lock()
	b.profile.watches = append(b.profile.watches, b.watch)
	b.profile.mu.Unlock()
	b.do("open a browser", chromedp.Steps())
	b.dress()
	return b
}

// Close closes the tab; a browser's first tab takes the profile with it.
func (b *Browser) Close() { b.cancel() }

// Resize changes the window.
func (b *Browser) Resize(width, height int64) {
	b.r.Helper()
	b.options.Width, b.options.Height = width, height
	b.dress()
}

// Theme changes between the light and the dark theme.
func (b *Browser) Theme(dark bool) {
	b.r.Helper()
	b.options.Dark = dark
	b.dress()
}

// dress makes the tab look as the options say.
func (b *Browser) dress() {
	b.r.Helper()
	theme := "light"
	if b.options.Dark {
		theme = "dark"
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	agent := b.options.Agent
	if agent == "" {
		agent = b.chromium.agent
	}
	b.do("dress the browser",
		chromedp.EmulateViewport(b.options.Width, b.options.Height),
		command(emulation.SetEmulatedMedia, media),
		// Every tab believes that it is the one in front: tests share the process.
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		command(emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: agent, AcceptLanguage: b.options.Lang,
		}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: b.options.NoScript}),
	)
}

// headful is the name that the same browser gives itself with a window: mails and
// session lists show it to people.
func headful(agent string) string { return strings.Replace(agent, "HeadlessChrome", "Chrome", 1) }
