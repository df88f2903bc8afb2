package journey

import (
	"fmt"

	"github.com/chromedp/chromedp"
)

// Attach puts a file of this machine into the page's field for one.
func (b *Browser) Attach(path string) {
	b.r.Helper()
	b.do("attach "+path, chromedp.SetUploadFiles(`input[type="file"]`, []string{path}))
}

// Choose chooses an option of the list with this label, both by their words.
func (b *Browser) Choose(label, option string) {
	b.r.Helper()
	found := Script[bool](b, fmt.Sprintf(`(() => {
		const label = [...document.querySelectorAll("label")].find(l => l.textContent.trim() === %q);
		const option = label && [...label.control.options].find(o => o.textContent.trim() === %q);
		if (!option) return false;
		label.control.value = option.value;
		label.control.dispatchEvent(new Event("change", { bubbles: true }));
		return true;
	})()`, label, option))
	if !found {
		b.fail("choose %q of %q: there is none", option, label)
	}
}
