package journey

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screenshot keeps a picture of the whole page, named after what it shows,
// language, theme and width. Without a folder it does nothing.
func (b *Browser) Screenshot(name string) {
	b.r.Helper()
	if b.chromium.settings.Shots == "" {
		return
	}
	theme := "light"
	if b.options.Dark {
		theme = "dark"
	}
	file := fmt.Sprintf("%s-%s-%s-%d.png", name, b.options.Lang, theme, b.options.Width)
	if err := b.save(filepath.Join(b.chromium.settings.Shots, file)); err != nil {
		b.fail("screenshot %s: %v", name, err)
	}
}

func (b *Browser) save(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Picture(), 0o644)
}

// Picture is the whole page as PNG.
func (b *Browser) Picture() []byte {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	whole, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: new(true),
	})
	if err != nil {
		b.fail("take a picture: %v", err)
	}
	return whole.Data
}
