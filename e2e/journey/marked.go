package journey

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Mark is something in a picture that has a number: a control by its accessible name, or what a selector finds.
type Mark struct{ Name, Selector string }

// Sample is what stands in a picture instead of what is on the page: in the text of what the selector finds, which nothing hides, or, where
// there is no selector, in every text that the expression (of JavaScript) matches.
type Sample struct {
	Selector string `json:"selector,omitempty"`
	Match    string `json:"match,omitempty"`
	Text     string `json:"text"`
}

// Shot is a picture to take.
type Shot struct {
	Marks []Mark
	// From is how many marks another picture of the same step has already.
	From    int
	Samples []Sample
	// Around are selectors of what the picture shows; nothing, or nothing found: the page from its top to the end of main.
	Around string
	// Above and Below are how far above the highest mark the picture begins and below the lowest it ends, at most; 0: as far as there is something.
	Above, Below int
	// Blind takes no picture: the shot only says what is on the page.
	Blind bool
}

// Photo is a picture, and what is in it.
type Photo struct {
	PNG []byte
	// Wide and High are its size on the page.
	Wide, High int
	// Title is the page's first heading.
	Title string
	// Names are what is to be read on each marked button or link; nothing for other marks. Its accessible name may have words that nobody sees.
	Names []string
	// Print is a digest of what the page says to a screen reader, and of what is marked: it is the same on every machine that shows
	// the same page, whatever its fonts.
	Print string
}

// scale makes of the narrow pages pictures that can be printed; wide ones have enough points.
func (a area) scale() float64 {
	if a.Width > 600 {
		return 1
	}
	return 1.5
}

// prepare makes a page hold still and puts the samples into it. Style sheets that a script constructs are none of the content security policy's business,
// and an element's style set by a script is not either. What the browser itself writes in its own language is
// not shown: the button of a file field, and a day in a date field.
const prepare = `(samples) => {
  if (!window.guide) {
    window.guide = new CSSStyleSheet();
    guide.replaceSync("* { caret-color: transparent !important; animation: none !important; transition: none !important } ::-webkit-scrollbar, ::file-selector-button { display: none }");
    guide.filled = new WeakMap(); // texts with their samples, which are not filled twice
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, guide];
  }
  document.activeElement?.blur();
  for (const { selector, match, text } of samples) {
    if (selector) {
      for (const found of document.querySelectorAll(selector)) {
        if (found instanceof SVGPathElement) found.setAttribute("d", text);
        else if (found instanceof SVGElement) found.setAttribute("viewBox", text);
        else if (found instanceof HTMLInputElement) [found.type, found.value] = ["text", text];
        else if (!text) found.style.display = "none";
        else if (found.textContent !== text) found.textContent = text;
      }
      continue;
    }
    const pattern = new RegExp(match, "g");
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const node = walk.currentNode;
      if (guide.filled.get(node) === node.data) continue;
      const fresh = node.data.replace(pattern, text);
      if (fresh !== node.data) node.data = fresh;
    }
  }
  for (const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); walk.nextNode(); ) guide.filled.set(walk.currentNode, walk.currentNode.data);
  document.querySelectorAll("[data-guide]").forEach((e) => e.removeAttribute("data-guide"));
}`

// frame puts a frame and a number on each mark, and returns the area of the picture and what is to be read on the marks.
const frame = `(from, to, around, above, below) => {
  const box = (e) => {
    const r = e.getBoundingClientRect();
    return { left: r.left + scrollX, top: r.top + scrollY, right: r.right + scrollX, bottom: r.bottom + scrollY };
  };
  const union = (a, b) => ({ left: Math.min(a.left, b.left), top: Math.min(a.top, b.top), right: Math.max(a.right, b.right), bottom: Math.max(a.bottom, b.bottom) });
  const layer = document.createElement("div");
  layer.id = "guide-marks";
  layer.setAttribute("aria-hidden", "true");
  document.documentElement.append(layer);
  const put = (styles, text) => {
    const e = document.createElement("div");
    Object.assign(e.style, { position: "absolute", boxSizing: "border-box", zIndex: 2147483647, pointerEvents: "none", margin: 0, padding: 0 }, styles);
    if (text) e.textContent = text;
    layer.append(e);
  };
  const read = (e) => {
    let words = "";
    if (e.matches("button, a, summary")) for (const walk = document.createTreeWalker(e, NodeFilter.SHOW_TEXT); walk.nextNode(); ) {
      if (walk.currentNode.parentElement.getBoundingClientRect().width > 1) words += walk.currentNode.data;
    }
    return words.replace(/\s+/g, " ").trim();
  };
  const names = [];
  let highest = Infinity, lowest = 0;
  for (let n = from + 1; n <= to; n++) {
    const found = document.querySelector('[data-guide="' + n + '"]');
    names.push(found ? read(found) : "");
    if (!found) continue;
    let at = box(found);
    const label = found.matches('input[type="checkbox"], input[type="radio"]') && found.closest("label");
    if (label) at = union(at, box(label));
    highest = Math.min(highest, at.top);
    lowest = Math.max(lowest, at.bottom);
    const width = document.documentElement.clientWidth;
    const left = Math.max(at.left - 5, 2), right = Math.min(at.right + 5, width - 2);
    put({ left: left + "px", top: at.top - 5 + "px", width: right - left + "px", height: at.bottom - at.top + 10 + "px", border: "3px solid #c2185b", borderRadius: "10px" });
    put({ left: Math.min(right - 15, width - 29) + "px", top: Math.max(at.top - 18, 1) + "px", width: "27px", height: "27px", borderRadius: "50%", background: "#c2185b", color: "#fff",
      font: "bold 16px/27px 'Liberation Sans', Arial, sans-serif", textAlign: "center", boxShadow: "0 0 0 2px #fff" }, String(n));
  }
  const shown = around ? [...document.querySelectorAll(around)].filter((e) => e.getClientRects().length) : [];
  const parts = shown.length ? shown : [...document.querySelectorAll("header, main")];
  let area = (parts.length ? parts : [document.body]).map(box).reduce(union);
  if (!shown.length) area = { ...area, left: 0, right: document.documentElement.clientWidth, top: 0 };
  else area = { left: Math.max(area.left - 16, 0), top: Math.max(area.top - 16, 0), right: Math.min(area.right + 16, document.documentElement.clientWidth), bottom: area.bottom + 16 };
  if (above && lowest) area.top = Math.max(area.top, highest - above);
  if (below && lowest) area.bottom = Math.min(area.bottom, lowest + below);
  const most = area.right - area.left > 600 ? 1000 : 640; // the rest of a long page is more of the same
  area.bottom = Math.max(Math.min(area.bottom, area.top + most), lowest + 12);
  const x = Math.floor(area.left), y = Math.floor(area.top);
  return { x, y, width: Math.ceil(area.right) - x, height: Math.ceil(area.bottom) - y, names };
}`

type area struct {
	X, Y, Width, Height float64
	Names               []string
}

// Photograph takes a picture of the page as it stands, with its marks in it.
func (b *Browser) Photograph(s Shot) Photo {
	b.r.Helper()
	Script[any](b, call(prepare, append([]Sample{}, s.Samples...)))
	for i, m := range s.Marks {
		b.number(m, s.From+i+1)
	}
	photo := Photo{Title: Script[string](b, `(document.querySelector("h1")?.innerText ?? document.title).replace(/\s+/g, " ").trim()`), Print: b.fingerprint(s.Marks)}
	if s.Blind {
		return photo
	}
	at := Script[area](b, call(frame, s.From, s.From+len(s.Marks), s.Around, s.Above, s.Below))
	ctx, cancel := b.patience()
	defer cancel()
	taken, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{
		Format: page.CaptureScreenshotFormatPng, CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{X: at.X, Y: at.Y, Width: at.Width, Height: at.Height, Scale: at.scale()},
	})
	if err != nil {
		b.fail("take a picture: %v", err)
	}
	Script[any](b, `document.getElementById("guide-marks").remove()`)
	photo.Wide, photo.High, photo.Names = int(at.Width), int(at.Height), at.Names
	if photo.PNG, err = fewColours(taken.Data); err != nil {
		b.fail("take a picture: %v", err)
	}
	return photo
}

// call writes a call of a function in JavaScript.
func call(function string, values ...any) string {
	var written []string
	for _, v := range values {
		j, err := json.Marshal(v)
		if err != nil {
			panic(err) // strings, numbers and truth values
		}
		written = append(written, string(j))
	}
	return "(" + function + ")(" + strings.Join(written, ", ") + ")"
}

// number finds a mark and writes its number on it.
func (b *Browser) number(m Mark, n int) {
	b.r.Helper()
	if m.Selector != "" {
		if !Script[bool](b, fmt.Sprintf(`(() => { const e = document.querySelector(%q); e?.setAttribute("data-guide", "%d"); return !!e })()`, m.Selector, n)) {
			b.fail("find %s: it is not there", m.Selector)
		}
		return
	}
	var found thing
	b.until(fmt.Sprintf("find %q", m.Name), func(ctx context.Context) (bool, error) {
		t, err := one(ctx, slices.Concat(pressable, fillable), m.Name)
		found = t
		return err == nil, err
	})
	ctx, cancel := b.patience()
	defer cancel()
	object, err := chromedp.Call(ctx, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: found.node})
	if err == nil {
		_, err = chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{ObjectID: object.Object.ObjectID,
			FunctionDeclaration: fmt.Sprintf(`function () { this.setAttribute("data-guide", "%d") }`, n)})
	}
	if err != nil {
		b.fail("mark %q: %v", m.Name, err)
	}
}

// said are the roles whose names are what a page says.
var said = append([]string{"heading", "StaticText", "image", "alert", "status"}, slices.Concat(pressable, fillable)...)

// fingerprint is a digest of what the page says.
func (b *Browser) fingerprint(marks []Mark) string {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	all, err := things(ctx)
	if err != nil {
		b.fail("read the page: %v", err)
	}
	sum := sha256.New()
	for _, t := range all {
		if slices.Contains(said, t.role) {
			fmt.Fprintf(sum, "%s %s\n", t.role, t.name)
		}
	}
	for _, m := range marks {
		fmt.Fprintf(sum, "mark %s %s\n", m.Name, m.Selector)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// PDF prints the page on A4: tagged, and with its headings as bookmarks.
func (b *Browser) PDF() []byte {
	b.r.Helper()
	ctx, cancel := b.patience()
	defer cancel()
	printed, err := chromedp.Call(ctx, page.PrintToPDF, page.PrintToPDFParams{PrintBackground: new(true), PreferCSSPageSize: new(true),
		GenerateTaggedPDF: new(true), GenerateDocumentOutline: new(true), PaperWidth: 8.27, PaperHeight: 11.69})
	if err != nil {
		b.fail("print the page: %v", err)
	}
	return printed.Data
}
