package organisation_test

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/portvakt/portvakt/internal/organisation"
)

// pngOf and jpegOf draw a picture of that size.
func pngOf(t testing.TB, wide, high int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, wide, high))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t testing.TB, wide, high int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, wide, high)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// webpOf is the head of a WebP picture of that size, which is all that a logo is judged by.
func webpOf(kind string, wide, high int) []byte {
	var body []byte
	switch kind {
	case "VP8 ":
		body = append(body, 0x10, 0, 0, 0x9d, 0x01, 0x2a)
		body = binary.LittleEndian.AppendUint16(body, uint16(wide))
		body = binary.LittleEndian.AppendUint16(body, uint16(high))
	case "VP8L":
		body = append(body, 0x2f)
		body = binary.LittleEndian.AppendUint32(body, uint32(wide-1)|uint32(high-1)<<14)
	case "VP8X":
		body = append(body, 0, 0, 0, 0, byte(wide-1), byte((wide-1)>>8), byte((wide-1)>>16), byte(high-1), byte((high-1)>>8), byte((high-1)>>16))
	}
	body = append(body, make([]byte, 12)...)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body)+12))
	head = binary.LittleEndian.AppendUint32(append(head, "WEBP"+kind...), uint32(len(body)))
	return append(head, body...)
}

func TestRasterPicturesAreToldByTheirOwnBytes(t *testing.T) {
	const most = organisation.MaxLogoSide
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"png": {pngOf(t, most, 1), "image/png"}, "jpeg": {jpegOf(t, 3, most), "image/jpeg"}, "lossy": {webpOf("VP8 ", most, 7), "image/webp"},
		"lossless": {webpOf("VP8L", 1, most), "image/webp"}, "extended": {webpOf("VP8X", most, most), "image/webp"},
	} {
		if l, err := organisation.ParseLogo(c.data); err != nil || l.MediaType != c.want || !bytes.Equal(l.Data, c.data) {
			t.Errorf("%s: %v %v", name, l.MediaType, err)
		}
	}
	for _, bad := range []string{"", "GIF89a", "<html><body>", "%PDF-1.7", "just text"} {
		if _, err := organisation.ParseLogo([]byte(bad)); !errors.Is(err, organisation.ErrLogoKind) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := organisation.ParseLogo(nil); err == nil || !strings.Contains(err.Error(), "empty") {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := organisation.ParseLogo(make([]byte, organisation.MaxLogo+1)); !errors.Is(err, organisation.ErrLogoTooLarge) {
		t.Errorf("a large one: %v", err)
	}
}

func TestAPictureThatNoBrowserCouldShowIsRefused(t *testing.T) {
	short := webpOf("VP8 ", 10, 10)
	for name, data := range map[string][]byte{
		"png, eight bytes": []byte("\x89PNG\r\n\x1a\nrest"), "png, cut off": pngOf(t, 10, 10)[:20], "jpeg, three bytes": []byte("\xff\xd8\xff\xe0rest"),
		"webp, no chunk": []byte("RIFF0000WEBPVP8 "), "webp, cut off": short[:len(short)-1], "webp, of no width": webpOf("VP8 ", 0, 10),
		"webp, a chunk of another kind": webpOf("ALPH", 10, 10),
	} {
		if _, err := organisation.ParseLogo(data); !errors.Is(err, organisation.ErrLogoBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	const much = organisation.MaxLogoSide + 1
	for name, data := range map[string][]byte{
		"png": pngOf(t, much, 1), "jpeg": jpegOf(t, 1, much), "lossy": webpOf("VP8 ", much, 1), "lossless": webpOf("VP8L", 1, much),
		"extended": webpOf("VP8X", much, 1),
	} {
		if _, err := organisation.ParseLogo(data); !errors.Is(err, organisation.ErrLogoTooWide) || !strings.Contains(err.Error(), "4097") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const svg = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x "y">]>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10" onload="alert(1)" style="background:url(http://x)">
<script>alert(2)</script><style>@import url(http://evil)</style>
<defs><linearGradient id="g"><stop offset="0" stop-color="#fff"/></linearGradient></defs>
<a href="javascript:alert(3)"><rect width="5" height="5"/></a>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml" onload="alert(4)"/></foreignObject>
<image href="http://evil/x.png"/><use xlink:href="http://evil/#y"/>
<set attributeName="href" to="javascript:alert(5)"/>
<circle cx="5" cy="5" r="4" fill="url(#g)" onclick="alert(6)"/><path d="M0 0h1" fill="url(http://evil/#z)" stroke="u\72l(http://evil)"/>
<text>Å &lt; Ö</text><!-- comment --></svg>`

// cleaned is what remains of an SVG, which must be harmless.
func cleaned(t *testing.T, data string) string {
	t.Helper()
	l, err := organisation.ParseLogo([]byte(data))
	if err != nil || l.MediaType != "image/svg+xml" {
		t.Fatalf("%v %v in\n%s", l.MediaType, err, data)
	}
	harmless(t, l.Data)
	return string(l.Data)
}

func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}

func TestOfAnSVGOnlyTheDrawingRemains(t *testing.T) {
	contains(t, cleaned(t, svg), `<circle cx="5" cy="5" r="4" fill="url(#g)"/>`, `<path d="M0 0h1"/>`, "<text>Å &lt; Ö</text>", `viewBox="0 0 10 10"`, "<stop")
}

// TestColoursOfAStyleSheetBecomeAttributes: Illustrator, CorelDRAW and Inkscape write them so, and without them a logo is black.
func TestColoursOfAStyleSheetBecomeAttributes(t *testing.T) {
	clean := cleaned(t, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" style="fill-rule:evenodd; position:absolute">
<path class="st0 st1" d="M1 1h1"/><path class="st2" d="M2 2h1" fill="#000000"/><rect id="r" class="st0" width="1" height="1"/>
<circle class="st3" r="1" style="stroke:#00ff00 !important;fill:url(#g)"/><ellipse class="far gone" rx="1" fill="#123456"/><g class="st0"/>
<style type="text/css"><![CDATA[
	@import url("http://evil/x.css"); @media print { .st0 { fill: #111111 } }
	.st0{fill:#E31E24;stroke:none} /* a comment } */ path , rect.st0 { stroke-width: 2px }
	.st1,.st2 { FILL : #0a0B0c; clip-path:url(#c) }
	#r { fill: #222222 } * { opacity: .9 } ellipse { opacity: .5 }
	.st3{fill:url(http://evil/#x);stroke:#0000ff;background:red;stroke-dasharray:var(--x)}
	.far .gone, .far > .gone, .far:hover, [class] { fill: #333333 }
]]></style></svg>`)
	contains(t, clean, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" fill-rule="evenodd" opacity=".9">`,
		`<path d="M1 1h1" clip-path="url(#c)" fill="#0a0B0c" opacity=".9" stroke="none" stroke-width="2px"/>`,
		`<path d="M2 2h1" fill="#0a0B0c" clip-path="url(#c)" opacity=".9" stroke-width="2px"/>`,
		`<rect id="r" width="1" height="1" fill="#222222" opacity=".9" stroke="none" stroke-width="2px"/>`,
		`<circle r="1" fill="url(#g)" opacity=".9" stroke="#00ff00"/>`, `<ellipse rx="1" fill="#123456" opacity=".5"/>`)
	for _, bad := range []string{"evil", "#111111", "#333333", "position", "background", "var("} {
		if strings.Contains(clean, bad) {
			t.Errorf("%s stayed in\n%s", bad, clean)
		}
	}
	contains(t, cleaned(t, `<svg xmlns="http://www.w3.org/2000/svg"><style>.a{fill:#fff</style><path class="a" d="M0 0h1"/></svg>`), `fill="#fff"`)
}

func TestAnSVGIsReadInTheEncodingThatItDeclares(t *testing.T) {
	const picture = `<svg xmlns="http://www.w3.org/2000/svg"><text>Företaget</text></svg>`
	latin1 := `<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.ReplaceAll(picture, "ö", "\xf6")
	contains(t, cleaned(t, latin1), "<text>Företaget</text>")
	contains(t, cleaned(t, strings.ReplaceAll(latin1, "ISO-8859-1", "windows-1252")), "<text>Företaget</text>")
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		var wide []byte
		for _, unit := range utf16.Encode([]rune("\ufeff" + `<?xml version="1.0" encoding="UTF-16"?>` + picture)) {
			wide = order.AppendUint16(wide, unit)
		}
		t.Log(name)
		contains(t, cleaned(t, string(wide)), "<text>Företaget</text>")
	}
	if _, err := organisation.ParseLogo([]byte(`<?xml version="1.0" encoding="klingon"?>` + picture)); !errors.Is(err, organisation.ErrLogoKind) {
		t.Errorf("an encoding that nobody knows: %v", err)
	}
}

func TestAnSVGWithNothingLeftToDrawIsRefused(t *testing.T) {
	const open = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">`
	for name, inside := range map[string]string{
		"nothing": ``, "an embedded photograph": `<image xlink:href="data:image/png;base64,AAAA"/>`, "what is only kept": `<defs><path id="p" d="M0 0h1"/></defs>`,
		"a symbol": `<symbol id="s"><rect width="1"/></symbol><use xlink:href="#s"/>`, "a clip": `<clipPath id="c"><rect width="1"/></clipPath>`,
		"blank text": `<text> </text>`, "a title": `<title>Logo</title>`, "another namespace": `<path xmlns="http://example.com/" d="M0 0h1"/>`,
		"a gradient": `<linearGradient id="g"><stop stop-color="#fff"/></linearGradient>`, "a script": `<script>draw()</script>`,
	} {
		if _, err := organisation.ParseLogo([]byte(open + inside + `</svg>`)); !errors.Is(err, organisation.ErrLogoBlank) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := organisation.ParseLogo([]byte(`<g xmlns="http://www.w3.org/2000/svg"><title>&lt;svg</title><path d="M0 0"/></g><!--<svg-->`)); err == nil {
		t.Error("a picture whose root is none was accepted")
	}
}

// TestStylesDoNotMakeALogoLarge: one long value, written out at each of many elements.
func TestStylesDoNotMakeALogoLarge(t *testing.T) {
	bomb := `<svg xmlns="http://www.w3.org/2000/svg"><style>path{font-family:` + strings.Repeat("x", 100<<10) + `}</style>` +
		strings.Repeat("<path/>", 10000) + `</svg>`
	if _, err := organisation.ParseLogo([]byte(bomb)); !errors.Is(err, organisation.ErrLogoTooLarge) {
		t.Error(err)
	}
	var rules strings.Builder
	for n := range 12000 {
		fmt.Fprintf(&rules, ".a%d{fill:red}", n)
	}
	clean := cleaned(t, `<svg xmlns="http://www.w3.org/2000/svg"><style>`+rules.String()+`</style><path class="a0"/><path class="a11999"/></svg>`)
	contains(t, clean, `<path fill="red"/><path/>`) // nobody draws with so many
}

// harmless fails unless the picture is XML without anything that acts or loads, and is what it becomes when it is cleaned again.
func harmless(t *testing.T, data []byte) {
	t.Helper()
	folded := strings.ToLower(string(data))
	for _, bad := range []string{"<script", "<style", "foreignobject", "<image", "<use", "<a ", "<set", "<animate", "<!doctype", "<!entity", "<?", "<!["} {
		if strings.Contains(folded, bad) {
			t.Errorf("%s stayed in\n%s", bad, data)
		}
	}
	if len(data) > organisation.MaxLogo {
		t.Errorf("%d bytes", len(data))
	}
	d := xml.NewDecoder(bytes.NewReader(data))
	depth, roots := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, data)
		}
		switch e := token.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			harmlessElement(t, e)
		}
	}
	if roots != 1 {
		t.Errorf("%d roots in\n%s", roots, data)
	}
	again, err := organisation.ParseLogo(data)
	if err != nil || !bytes.Equal(again.Data, data) {
		t.Errorf("cleaned again it is not the same: %v\n%s\n%s", err, data, again.Data)
	}
}

func harmlessElement(t *testing.T, e xml.StartElement) {
	t.Helper()
	seen := map[string]bool{}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.ToLower(a.Value)
		if strings.HasPrefix(name, "on") || name == "href" || name == "style" || name == "class" || strings.Contains(value, "javascript:") {
			t.Errorf("%s=%q stayed", a.Name.Local, a.Value)
		}
		if squeezed := strings.Join(strings.Fields(value), ""); strings.Count(squeezed, "url(") != strings.Count(squeezed, "url(#") || strings.Contains(value, `\`) {
			t.Errorf("%s=%q points out of the picture", a.Name.Local, a.Value)
		}
		if seen[a.Name.Space+" "+a.Name.Local] {
			t.Errorf("%s is there twice: no browser reads that", a.Name.Local)
		}
		seen[a.Name.Space+" "+a.Name.Local] = true
	}
}

func FuzzParseLogo(f *testing.F) {
	f.Add([]byte(svg))
	f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><g><path d="`))
	f.Add([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><style>.a,path{fill:url( "#x" );stroke:u/**/rl(http://x)}@media x{a{}}#b{mask:url(#m)</style><path class="a" id="b" d="M0 0" d="M1 1"/></svg>`))
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><svg xmlns="http://www.w3.org/2000/svg"><text style="font-family:'\xe5';fill:red!x">\xf6</text></svg>`))
	f.Add([]byte("\xff\xfe<\x00s\x00v\x00g\x00"))
	f.Add(pngOf(f, 2, 2))
	f.Add(jpegOf(f, 2, 2))
	for _, kind := range []string{"VP8 ", "VP8L", "VP8X"} {
		f.Add(webpOf(kind, 2, 2))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := organisation.ParseLogo(data); err == nil && l.MediaType == "image/svg+xml" {
			harmless(t, l.Data)
		}
	})
}
