package organisation

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxLogo is the largest logo in bytes.
const MaxLogo = 256 << 10

// Logo is a picture that is safe to serve from our own origin.
type Logo struct {
	MediaType string // "image/png", "image/jpeg", "image/webp" or "image/svg+xml"; empty: no logo
	Data      []byte
}

// The ways in which a logo can be refused.
var (
	ErrLogoTooLarge = fmt.Errorf("a logo has at most %d KB", MaxLogo>>10)
	ErrLogoKind     = errors.New("a logo is a PNG, JPEG, WebP or SVG picture")
)

// ParseLogo takes an uploaded picture: a raster picture by its own first bytes, whatever its name said, or
// an SVG, of which only drawing remains (no scripts, no links, no foreign content).
func ParseLogo(data []byte) (Logo, error) {
	if len(data) > MaxLogo {
		return Logo{}, ErrLogoTooLarge
	}
	switch kind := rasterKind(data); {
	case kind != "":
		return Logo{kind, data}, nil
	case bytes.Contains(data, []byte("<svg")):
		clean, err := cleanSVG(data)
		if err != nil {
			return Logo{}, err
		}
		return Logo{"image/svg+xml", clean}, nil
	}
	return Logo{}, ErrLogoKind
}

// rasterKind tells a raster picture by its first bytes; empty for anything else.
func rasterKind(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png"
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")):
		return "image/jpeg"
	case len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP":
		return "image/webp"
	}
	return ""
}

// drawing is the list of elements that stay; everything else goes with all that is inside it.
var drawing = words(`svg g path rect circle ellipse line polyline polygon title desc defs linearGradient
	radialGradient stop clipPath mask symbol text tspan`)

// attributes is the list of attributes that stay. None of them can hold an address: references like
// fill="url(#a)" are let through only when they point into the picture itself.
var attributes = words(`id viewBox width height x y x1 y1 x2 y2 cx cy r rx ry d points transform fill fill-rule
	fill-opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-miterlimit stroke-dasharray
	stroke-opacity opacity offset stop-color stop-opacity gradientUnits gradientTransform spreadMethod clip-path
	clip-rule mask clipPathUnits maskUnits preserveAspectRatio font-size font-family font-weight text-anchor
	dominant-baseline version role`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const svgNamespace = "http://www.w3.org/2000/svg"

// cleanSVG writes the picture anew from the elements and attributes of the lists above. Entities,
// processing instructions, comments and the doctype are never copied.
func cleanSVG(data []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Strict = true
	var out bytes.Buffer
	open, skip := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: the SVG is not well-formed", ErrLogoKind)
		}
		switch t := token.(type) {
		case xml.StartElement:
			if skip > 0 || !drawing[t.Name.Local] || t.Name.Space != svgNamespace {
				skip++
				continue
			}
			open++
			writeStart(&out, t, open == 1)
		case xml.EndElement:
			if skip > 0 {
				skip--
				continue
			}
			open--
			fmt.Fprintf(&out, "</%s>", t.Name.Local)
		case xml.CharData:
			if skip == 0 && open > 0 {
				xml.EscapeText(&out, t) //nolint:errcheck // a bytes.Buffer cannot fail
			}
		}
	}
	if out.Len() == 0 {
		return nil, ErrLogoKind
	}
	return out.Bytes(), nil
}

func writeStart(out *bytes.Buffer, t xml.StartElement, root bool) {
	fmt.Fprintf(out, "<%s", t.Name.Local)
	if root {
		fmt.Fprintf(out, ` xmlns=%q`, svgNamespace)
	}
	for _, a := range t.Attr {
		if a.Name.Space != "" || !attributes[a.Name.Local] || !pointsInside(a.Value) {
			continue
		}
		fmt.Fprintf(out, ` %s="`, a.Name.Local)
		xml.EscapeText(out, []byte(a.Value)) //nolint:errcheck // a bytes.Buffer cannot fail
		out.WriteByte('"')
	}
	out.WriteByte('>')
}

// pointsInside refuses url(…) to anything but an element of the same picture.
func pointsInside(value string) bool {
	v := strings.ToLower(strings.ReplaceAll(value, " ", ""))
	rest := strings.ReplaceAll(v, "url(#", "")
	return !strings.Contains(rest, "url(") && !strings.ContainsAny(v, `\`) && !strings.Contains(v, "javascript:")
}
