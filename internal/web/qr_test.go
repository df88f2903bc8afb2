package web

import (
	"fmt"
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

const longURL = "otpauth://totp/Portvakt:anna.svensson%40foretaget.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Portvakt&algorithm=SHA1&digits=6&period=30"

func TestACameraReadsTheDrawnCode(t *testing.T) {
	for _, text := range []string{longURL, "a", strings.Repeat("åäö", 300)} {
		svg, err := QR(text)
		if err != nil {
			t.Fatal(err)
		}
		bits, err := gozxing.NewBinaryBitmapFromImage(raster(t, string(svg), 4))
		if err != nil {
			t.Fatal(err)
		}
		read, err := qrcode.NewQRCodeReader().Decode(bits, nil)
		if err != nil {
			t.Fatal(err)
		}
		if read.GetText() != text {
			t.Errorf("%q instead of %q", read.GetText(), text)
		}
	}
}

func TestADrawnCodeIsOnePathOfNumbersOnly(t *testing.T) {
	svg, err := QR(`"><script>alert(1)</script>`)
	if err != nil {
		t.Fatal(err)
	}
	if whole := regexp.MustCompile(`^<svg [^<>]*><path d="[Mhvz0-9 -]+"/></svg>$`); !whole.MatchString(string(svg)) {
		t.Error(svg)
	}
	if strings.Contains(string(svg), "width=") || strings.Contains(string(svg), "height=") || strings.Contains(string(svg), "style=") {
		t.Error("the size is the stylesheet's")
	}
}

func TestATextTooLongForACodeIsAnError(t *testing.T) {
	if svg, err := QR(strings.Repeat("x", 3000)); err == nil || svg != "" {
		t.Errorf("%d characters drawn, %v", len(svg), err)
	}
}

var bar = regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-\d+z`)

// raster paints the drawing in pixels, as a screen does, and asks for the quiet zone on the way.
func raster(t *testing.T, svg string, scale int) image.Image {
	t.Helper()
	var side, other int
	_, box, _ := strings.Cut(svg, `viewBox="`)
	if _, err := fmt.Sscanf(box, "0 0 %d %d", &side, &other); err != nil || side != other {
		t.Fatal("no square box: ", err)
	}
	picture := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for _, found := range bar.FindAllStringSubmatch(svg, -1) {
		x, y, run := number(t, found[1]), number(t, found[2]), number(t, found[3])
		if min(x, y) < quiet || max(x+run, y+1) > side-quiet {
			t.Errorf("%s stands in the quiet zone", found[0])
		}
		for py := y * scale; py < (y+1)*scale; py++ {
			for px := x * scale; px < (x+run)*scale; px++ {
				picture.SetGray(px, py, color.Gray{})
			}
		}
	}
	return picture
}

func number(t *testing.T, digits string) int {
	t.Helper()
	n, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
