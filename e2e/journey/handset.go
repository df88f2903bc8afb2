package journey

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// Android is what a phone's browser calls itself on which Portvakt Authenticator works without being installed first.
const Android = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36"

// Handset is somebody's phone with Portvakt Authenticator: the web app in a browser of its own, with its service worker and its keys.
type Handset struct{ *Person }

// HandsetOptions are a phone's: the language is the person's.
func HandsetOptions(lang string) Options {
	return Options{Lang: lang, Agent: Android, Width: 390, Height: 844}
}

// Handset gives the person a phone.
func (p *Person) Handset(b *Browser) *Handset { return &Handset{p.In(b)} }

// app is where the authenticator stands.
func (h *Handset) app() string { return h.World.Portvakt + "/authenticator/" }

// OpenApp opens the authenticator as from the home screen.
func (h *Handset) OpenApp() {
	h.r.Helper()
	h.Open(h.app())
	h.SeeRole("contentinfo", "") // its first screen is drawn
}

// Offline takes the network away from the phone, or gives it back. What the service worker has kept is still there.
func (h *Handset) Offline(on bool) {
	h.r.Helper()
	rules := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{}}
	if on {
		rules.MatchedNetworkConditions = append(rules.MatchedNetworkConditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
		rules.EmulateOfflineServiceWorker = &on
	}
	h.do("switch the network", command(network.EmulateNetworkConditionsByRule, rules), command(network.OverrideNetworkState,
		network.OverrideNetworkStateParams{Offline: on, DownloadThroughput: -1, UploadThroughput: -1}))
}

// Notifications sets what the browser says when the app asks for them: "granted", "denied" or "prompt".
func (h *Handset) Notifications(setting string) {
	h.r.Helper()
	ctx, cancel := h.patience()
	defer cancel()
	_, err := chromedp.CallBrowser(ctx, browser.SetPermission, browser.SetPermissionParams{
		Permission: &browser.PermissionDescriptor{Name: "notifications"}, Setting: browser.PermissionSetting(setting),
		BrowserContextID: chromedp.FromContext(h.ctx).BrowserContextID,
	})
	if err != nil {
		h.fail("set the permission: %v", err)
	}
}

// Scan opens a pairing link, as the phone's camera does. An app that is open already reads it, too.
func (h *Handset) Scan(link string) {
	h.r.Helper()
	h.Open(link)
}

// picture makes a camera of a code's dark squares: a sheet of paper, a little askew, on a grey table, held in a hand that is never quite
// still: a single angle may be one that a reader does not see through. %s and %d are the squares' path and
// the length of the code's side in squares.
const picture = `(() => {
  const squares = new Path2D(%q), side = %d, canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [1280, 720];
  const pen = canvas.getContext("2d");
  let beat = 0;
  setInterval(() => {
    pen.resetTransform();
    pen.fillStyle = "#9a958c";
    pen.fillRect(0, 0, 1280, 720);
    const sway = Math.sin(beat++ / 3);
    pen.translate(420 + 12 * sway, 90);
    pen.rotate(0.05 + 0.04 * sway);
    pen.scale((500 + 20 * sway) / side, (500 + 20 * sway) / side);
    pen.fillStyle = "#f4f1ea";
    pen.fillRect(0, 0, side, side);
    pen.fillStyle = "#201d1a";
    pen.fill(squares);
  }, 100);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(10);
})()`

// PointCameraAt opens the app with a camera that sees the code on the other person's screen, and lets it scan.
func (h *Handset) PointCameraAt(p *Person) {
	h.r.Helper()
	p.shown("a#pair")
	squares := Script[string](p.Browser, `document.querySelector("svg.qr path").getAttribute("d")`)
	side := Script[int](p.Browser, `document.querySelector("svg.qr").viewBox.baseVal.width`)
	h.OpenApp()
	Script[any](h.Browser, fmt.Sprintf(picture, squares, side))
	h.Press(h.AddAccount)
}

// TypeKey enters a pairing key by hand.
func (h *Handset) TypeKey(key string) {
	h.r.Helper()
	h.Press(h.AddAccount)
	h.Press(h.ByHand)
	h.Fill(h.Words.Key, key)
	h.Press(h.Next)
}

// Tap chooses a number among the three.
func (h *Handset) Tap(number string) {
	h.r.Helper()
	h.SeeRole("button", number)
	h.Press(number)
}

// Numbers are those that the request offers.
func (h *Handset) Numbers() []string {
	h.r.Helper()
	h.until("see the numbers", func(ctx context.Context) (bool, error) {
		return chromedp.Run(ctx, chromedp.Evaluate[bool](`document.querySelectorAll("button.number").length === 3`))
	})
	return Script[[]string](h.Browser, `[...document.querySelectorAll("button.number")].map((b) => b.textContent)`)
}

// AppCode is what the app shows for its only account: six digits.
func (h *Handset) AppCode() string {
	h.r.Helper()
	return h.shown("main .account code")
}

// Comparison are the four characters that this screen shows, the phone's or the other.
func (p *Person) Comparison() string {
	p.r.Helper()
	return p.shown("output#comparison")
}

// ShownNumber is what the sign-in page shows, alone in its only output.
func (p *Person) ShownNumber() string {
	p.r.Helper()
	number := p.shown("output")
	if n := Script[int](p.Browser, `document.querySelectorAll("output").length`); n != 1 {
		p.fail("%d outputs on the page", n)
	}
	return number
}

// PairLink is the address of the link that opens the authenticator on the same device; the QR code holds it.
func (p *Person) PairLink() string {
	p.r.Helper()
	p.shown("a#pair")
	return Script[string](p.Browser, `document.querySelector("a#pair").href`)
}

// PairKey is the same to be typed.
func (p *Person) PairKey() string {
	p.r.Helper()
	return p.shown("code#key")
}

// shown waits for an element and returns its text, also where it stands in something folded.
func (p *Person) shown(selector string) (text string) {
	p.r.Helper()
	p.until("see "+selector, func(ctx context.Context) (_ bool, err error) {
		text, err = chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q)?.textContent ?? ""`, selector)))
		text = strings.TrimSpace(text)
		return text != "", err
	})
	return text
}
