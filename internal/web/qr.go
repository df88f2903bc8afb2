package web

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the empty border around a QR code, in modules, that a camera needs to find it (ISO/IEC 18004).
const quiet = 4

// QR draws a text as a QR code: one path, one unit to a module, as large as the stylesheet makes it. The page says what
// it is, and the stylesheet gives it its white ground.
func QR(text string) (Markup, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("web: draw a code: %w", err)
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; {
			start := x
			for x < code.Size && code.Black(x, y) {
				x++
			}
			if run := x - start; run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", start+quiet, y+quiet, run, run)
			} else {
				x++
			}
		}
	}
	side := code.Size + 2*quiet
	return Markup(fmt.Sprintf(`<svg class="qr" viewBox="0 0 %d %d" aria-hidden="true" focusable="false" shape-rendering="crispEdges"><path d="%s"/></svg>`,
		side, side, path.String())), nil
}
