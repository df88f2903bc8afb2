package guide

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/portvakt/portvakt/internal/organisation"
)

// TestALogoComesToTheBrowserPaintedAnew: with our bytes, and none of its own.
func TestALogoComesToTheBrowserPaintedAnew(t *testing.T) {
	red := image.NewNRGBA(image.Rect(0, 0, 1024, 256))
	for i := 0; i < len(red.Pix); i += 4 {
		red.Pix[i], red.Pix[i+3] = 200, 255
	}
	var asPNG, asJPEG bytes.Buffer
	if err := errors.Join(png.Encode(&asPNG, red), jpeg.Encode(&asJPEG, red, nil)); err != nil {
		t.Fatal(err)
	}
	for kind, data := range map[string][]byte{"image/png": append(asPNG.Bytes(), "and something more"...), "image/jpeg": asJPEG.Bytes()} {
		l, err := repainted(organisation.Logo{MediaType: kind, Data: data})
		if err != nil {
			t.Fatal(kind, err)
		}
		fresh, err := png.Decode(bytes.NewReader(l.Data))
		if err != nil || l.MediaType != "image/png" || fresh.Bounds() != image.Rect(0, 0, 512, 128) || bytes.Contains(l.Data, []byte("something more")) {
			t.Fatalf("%s: %v %v %v", kind, err, l.MediaType, fresh.Bounds())
		}
		if c := color.NRGBAModel.Convert(fresh.At(256, 64)).(color.NRGBA); c.R < 190 || c.R > 210 || c.G > 10 || c.A != 255 {
			t.Errorf("%s: it is %v by now", kind, c)
		}
	}
	for _, same := range []organisation.Logo{{}, {MediaType: "image/svg+xml", Data: []byte("<svg/>")}} {
		if l, err := repainted(same); err != nil || l.MediaType != same.MediaType || !bytes.Equal(l.Data, same.Data) {
			t.Error(l, err)
		}
	}
	if _, err := repainted(organisation.Logo{MediaType: "image/png", Data: asPNG.Bytes()[:200]}); !errors.Is(err, organisation.ErrLogoBroken) {
		t.Errorf("half a picture: %v", err)
	}
}
