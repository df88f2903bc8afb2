package organisation

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// drawing is the list of elements that stay; everything else goes with all that is inside it.
var drawing = words(`svg g path rect circle ellipse line polyline polygon title desc defs linearGradient
	radialGradient stop clipPath mask symbol text tspan`)

// Of these, shapes are seen where they stand, unless that is inside of what is only kept for use elsewhere; writing is seen as
// soon as there is a letter in it. Letters elsewhere, above all the spaces between elements, are nothing.
var (
	shapes  = words("path rect circle ellipse line polyline polygon")
	kept    = words("defs linearGradient radialGradient clipPath mask symbol")
	writing = words("text tspan")
	told    = words("title desc")
)

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

// fromUTF16 reads what Windows calls Unicode, told by its first two bytes; everything else is left as it is.
func fromUTF16(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return data, nil
	}
	return unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(data)
}

// reader reads an SVG in the encoding that it declares.
func reader(data []byte) *xml.Decoder {
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return in, nil // fromUTF16 has done it
		}
		e, err := htmlindex.Get(label)
		if err != nil {
			return nil, err
		}
		return e.NewDecoder().Reader(in), nil
	}
	return d
}

// tokens calls use for each token of an SVG.
func tokens(data []byte, use func(xml.Token) error) error {
	for d := reader(data); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: the SVG is not well-formed", ErrLogoKind)
		}
		if err := use(token); err != nil {
			return err
		}
	}
}

// cleanSVG writes the picture anew from the elements and attributes of the lists above. Its style sheets and style attributes
// are turned into attributes, which cannot load anything. Entities, processing instructions, comments and the doctype are never
// copied.
func cleanSVG(data []byte) ([]byte, error) {
	rules, err := styleOf(data)
	if err != nil {
		return nil, err
	}
	c := cleaner{rules: rules}
	if err := tokens(data, c.take); err != nil {
		return nil, err
	}
	if !c.drawn {
		return nil, ErrLogoBlank
	}
	return c.out.Bytes(), nil
}

// styleOf collects the picture's style sheets: one may stand behind what it is about.
func styleOf(data []byte) (*sheet, error) {
	rules, reading := &sheet{rules: map[string]map[string]declaration{}}, 0
	var css strings.Builder
	err := tokens(data, func(token xml.Token) error {
		switch t := token.(type) {
		case xml.StartElement:
			if reading > 0 || t.Name.Local == "style" && t.Name.Space == svgNamespace && forScreens(t) {
				reading++
			}
		case xml.EndElement:
			if reading = max(0, reading-1); reading == 0 {
				rules.read(css.String())
				css.Reset()
			}
		case xml.CharData:
			if reading > 0 {
				css.Write(t)
			}
		}
		return nil
	})
	return rules, err
}

func forScreens(style xml.StartElement) bool {
	media := strings.TrimSpace(valueOf(style, "media"))
	return media == "" || media == "all" || media == "screen"
}

func valueOf(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// cleaner writes what stays.
type cleaner struct {
	rules *sheet
	out   bytes.Buffer
	open  []string // the elements that are open
	begun int      // where out ended behind the last one's start
	skip  int      // how deep we are in what goes
	drawn bool     // something can be seen
}

func (c *cleaner) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		if c.skip > 0 || !c.stays(t) {
			c.skip++
			return nil
		}
		c.start(t)
	case xml.EndElement:
		if c.skip > 0 {
			c.skip--
			return nil
		}
		c.end(t.Name.Local)
	case xml.CharData:
		if c.skip == 0 {
			c.letters(t)
		}
	}
	if c.out.Len() > MaxLogo {
		return fmt.Errorf("%w; this one has more when its styles are written out", ErrLogoTooLarge)
	}
	return nil
}

// stays lets one root through, which is svg, and the elements of the list below it.
func (c *cleaner) stays(t xml.StartElement) bool {
	if len(c.open) == 0 && (t.Name.Local != "svg" || c.out.Len() > 0) {
		return false
	}
	return drawing[t.Name.Local] && t.Name.Space == svgNamespace
}

func (c *cleaner) start(t xml.StartElement) {
	fmt.Fprintf(&c.out, "<%s", t.Name.Local)
	if len(c.open) == 0 {
		fmt.Fprintf(&c.out, ` xmlns=%q`, svgNamespace)
	}
	styled, written := c.rules.of(t), map[string]bool{}
	for _, a := range t.Attr {
		name := a.Name.Local
		if a.Name.Space != "" || !attributes[name] || written[name] {
			continue
		}
		value := a.Value
		if better, ok := styled[name]; ok {
			value = better
		}
		if pointsInside(value) {
			c.attribute(name, value)
			written[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(styled)) {
		if !written[name] {
			c.attribute(name, styled[name])
		}
	}
	c.out.WriteByte('>')
	c.begun = c.out.Len()
	c.open = append(c.open, t.Name.Local)
	c.drawn = c.drawn || shapes[t.Name.Local] && !c.putAside()
}

func (c *cleaner) attribute(name, value string) {
	fmt.Fprintf(&c.out, ` %s="`, name)
	xml.EscapeText(&c.out, []byte(value)) //nolint:errcheck // a bytes.Buffer cannot fail
	c.out.WriteByte('"')
}

func (c *cleaner) end(name string) {
	c.open = c.open[:len(c.open)-1]
	if c.out.Len() == c.begun {
		c.out.Truncate(c.begun - 1)
		c.out.WriteString("/>")
		return
	}
	fmt.Fprintf(&c.out, "</%s>", name)
}

func (c *cleaner) letters(text []byte) {
	if len(c.open) == 0 {
		return
	}
	in := c.open[len(c.open)-1]
	if !writing[in] && !told[in] {
		return
	}
	xml.EscapeText(&c.out, text) //nolint:errcheck // a bytes.Buffer cannot fail
	c.drawn = c.drawn || writing[in] && len(bytes.TrimSpace(text)) > 0 && !c.putAside()
}

// putAside says whether we are in what is kept for use elsewhere.
func (c *cleaner) putAside() bool {
	return slices.ContainsFunc(c.open, func(name string) bool { return kept[name] })
}

// pointsInside refuses url(…) to anything but an element of the same picture.
func pointsInside(value string) bool {
	v := strings.ToLower(strings.ReplaceAll(value, " ", ""))
	rest := strings.ReplaceAll(v, "url(#", "")
	return !strings.Contains(rest, "url(") && !strings.ContainsAny(v, `\`) && !strings.Contains(v, "javascript:")
}
