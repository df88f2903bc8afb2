// Package journey holds the steps that a person takes in a browser: open, fill in
// by label, press by name, read a mail. The tests and the illustrated guide are
// both made of them. It finds things as a screen reader does, by role and
// accessible name, and works on pages whose scripts are switched off. It is not a
// test framework: a step that fails tells its Reporter, and that is all.
package journey

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// ErrNoChromium means that this machine has no browser to walk with.
var ErrNoChromium = errors.New("no chromium on this machine (Debian: apt-get install chromium)")

// Settings are what all browsers of one process share.
type Settings struct {
	// AxeFile is axe-core's script; empty where accessibility is not checked.
	AxeFile string
	// Shots is the folder for screenshots; empty where none are wanted.
	Shots string
	// Hosts maps further host names, as "*.example 127.0.0.1".
	Hosts string
	// Light asks for the build of the same browser that never has a window, where it is installed: it takes half the time for a page, and
	// knows neither notifications nor a camera.
	Light bool
	// Plain lets pages' scripts be interpreted and not compiled, which takes a little longer: a hardened service may not write code into its
	// memory (MemoryDenyWriteExecute of systemd), nor may its children.
	Plain bool
	// Patience is how long a step waits for its page; zero means 15 seconds.
	Patience time.Duration
}

// Chromium is one browser process. Each Browser in it has a profile of its own.
type Chromium struct {
	settings Settings
	axe      string
	agent    string
	ctx      context.Context
	cancel   context.CancelFunc
}

// Launch starts a chromium without a window.
func Launch(parent context.Context, s Settings) (*Chromium, error) {
	path, err := find(s.Light)
	if err != nil {
		return nil, err
	}
	if s.Patience == 0 {
		s.Patience = 15 * time.Second
	}
	c := &Chromium{settings: s}
	if c.axe, err = readAxe(s.AxeFile); err != nil {
		return nil, err
	}
	return c, c.start(parent, path)
}

// HasChromium says whether there is a browser on this machine to walk with.
func HasChromium() bool {
	_, err := find(false)
	return err == nil
}

func find(light bool) (string, error) {
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	if light {
		names = append([]string{"chromium-headless-shell"}, names...)
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoChromium
}

func readAxe(file string) (string, error) {
	if file == "" {
		return "", nil
	}
	source, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read axe-core (e2e/install.sh fetches it): %w", err)
	}
	return string(source), nil
}

func (c *Chromium) start(parent context.Context, path string) error {
	alloc, cancelAlloc := chromedp.NewExecAllocator(parent, flags(path, c.settings)...)
	ctx, cancel := chromedp.NewContext(alloc)
	c.ctx, c.cancel = ctx, func() { cancel(); cancelAlloc() }
	if err := chromedp.Do(ctx); err != nil {
		c.cancel()
		return fmt.Errorf("start chromium: %w", err)
	}
	version, err := chromedp.CallBrowser(ctx, browser.GetVersion, cdp.Empty{})
	c.agent = headful(version.UserAgent)
	return err
}

func flags(path string, s Settings) []chromedp.ExecAllocatorOption {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.Flag("headless", "new"),
		chromedp.Flag("no-sandbox", true), // in a container there is no other user
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true), // a test makes its own
	)
	if s.Hosts != "" {
		options = append(options, chromedp.Flag("host-resolver-rules", "MAP "+s.Hosts))
	}
	if s.Plain {
		options = append(options, chromedp.Flag("js-flags", "--jitless"))
	}
	return options
}

// Close ends the process and removes its profiles.
func (c *Chromium) Close() error {
	defer c.cancel()
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	ended := c.ctx.Err() != nil // by whoever launched it
	if err := chromedp.Cancel(ctx); !ended {
		return err
	}
	return nil
}
