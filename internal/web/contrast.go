package web

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Palette is what one colour becomes on the pages of one theme, each pair readable (WCAG 2.2, 1.4.3: 4.5 to 1).
type Palette struct {
	Fill   string // behind the text of a button
	On     string // that text
	Strong string // Fill under the pointer
	Text   string // the colour as text: a link on the page's background
	Tint   string // a breath of the colour, behind notes and marks; Text is readable on it too
}

// enough is WCAG's 4.5 with a margin for the rounding to whole colour steps.
const enough = 4.55

// The backgrounds of app.css that a colour must stand out from: the less favourable of page and card in each theme.
var (
	white     = rgb{1, 1, 1}
	lightPage = mustHex("#f1f4f2")
	darkCard  = mustHex("#1b2421")
	nearBlack = mustHex("#0d1512")
)

// Contrast makes of a colour ("#1f5d4c") the palettes for light and dark. In light it is darkened until white text on it
// and itself on the background are readable; in dark it is lightened until dark text on it and itself on the background
// are. A colour that is none gives Portvakt's own.
func Contrast(hex string) (light, dark Palette) {
	light, dark, ok := contrast(hex)
	if !ok {
		light, dark, _ = contrast("#1f5d4c")
	}
	return light, dark
}

func contrast(hex string) (light, dark Palette, ok bool) {
	c, ok := parseHex(hex)
	if !ok {
		return light, dark, false
	}
	fill := c.until(rgb{}, func(c rgb) bool {
		return ratio(c, white) >= enough && ratio(c, lightPage) >= enough && ratio(c, white.mix(c, 0.09)) >= enough
	})
	light = Palette{Fill: fill.hex(), On: white.hex(), Strong: fill.mix(rgb{}, 0.2).hex(), Text: fill.hex(), Tint: white.mix(fill, 0.09).hex()}
	fill = c.until(white, func(c rgb) bool {
		return ratio(c, nearBlack) >= enough && ratio(c, darkCard) >= enough && ratio(c, darkCard.mix(c, 0.1)) >= enough
	})
	dark = Palette{Fill: fill.hex(), On: nearBlack.hex(), Strong: fill.mix(white, 0.25).hex(), Text: fill.hex(), Tint: darkCard.mix(fill, 0.1).hex()}
	return light, dark, true
}

// rgb is a colour in sRGB, each part from 0 to 1.
type rgb [3]float64

func mustHex(s string) rgb {
	c, ok := parseHex(s)
	if !ok {
		panic("web: no colour: " + s)
	}
	return c
}

// parseHex reads "#rgb" and "#rrggbb"; the "#" may be missing.
func parseHex(s string) (rgb, bool) {
	s = strings.TrimPrefix(strings.TrimSpace(s), "#")
	if len(s) == 3 {
		s = string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	n, err := strconv.ParseUint(s, 16, 32)
	if len(s) != 6 || err != nil {
		return rgb{}, false
	}
	return rgb{float64(n>>16) / 255, float64(n>>8&255) / 255, float64(n&255) / 255}, true
}

func (c rgb) hex() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0]*255)), int(math.Round(c[1]*255)), int(math.Round(c[2]*255)))
}

// mix goes a part of the way towards another colour.
func (c rgb) mix(to rgb, part float64) rgb {
	for i := range c {
		c[i] += (to[i] - c[i]) * part
	}
	return c
}

// until goes towards another colour in small steps until the colour is good.
func (c rgb) until(to rgb, good func(rgb) bool) rgb {
	for part := 0.0; part < 1; part += 0.01 {
		if stepped := c.mix(to, part); good(stepped) {
			return stepped
		}
	}
	return to
}

// ratio is the contrast of two colours (WCAG 2.2, "contrast ratio").
func ratio(a, b rgb) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func (c rgb) luminance() float64 {
	weights := [3]float64{0.2126, 0.7152, 0.0722}
	sum := 0.0
	for i, v := range c {
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		sum += weights[i] * v
	}
	return sum
}
