package authenticatorapp

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"testing"
)

// update draws the icons anew: go test ./internal/authenticatorapp -run Icons -update.
var update = flag.Bool("update", false, "draw the icons anew")

// icons are drawn from the mark, which is a gate with its keeper in it. scale is the mark's part of the whole; a maskable icon keeps
// clear of what a phone cuts away.
var icons = map[string]struct {
	side   int
	scale  float64
	corner float64 // of the ground, in parts of the side; below zero there is no ground
}{
	"icon-192.png":          {192, 0.60, 0.23},
	"icon-512.png":          {512, 0.60, 0.23},
	"icon-maskable-512.png": {512, 0.50, 0},
	"apple-touch-icon.png":  {180, 0.58, 0},
	"badge-96.png":          {96, 0.92, -1},
}

func TestIconsAreTheMark(t *testing.T) {
	for name, icon := range icons {
		var drawn bytes.Buffer
		if err := png.Encode(&drawn, draw(icon.side, icon.scale, icon.corner)); err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile("app/"+name, drawn.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := files.ReadFile("app/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if !*update && !samePicture(t, kept, drawn.Bytes()) {
			t.Errorf("%s is another picture: -update draws it anew", name)
		}
	}
}

// samePicture compares what is seen: how a picture is packed may change with Go.
func samePicture(t *testing.T, a, b []byte) bool {
	t.Helper()
	left, err := png.Decode(bytes.NewReader(a))
	if err != nil {
		t.Fatal(err)
	}
	right, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if left.Bounds() != right.Bounds() {
		return false
	}
	for y := range left.Bounds().Dy() {
		for x := range left.Bounds().Dx() {
			if color.NRGBAModel.Convert(left.At(x, y)) != color.NRGBAModel.Convert(right.At(x, y)) {
				return false
			}
		}
	}
	return true
}

// draw paints with sixteen samples to a pixel.
func draw(side int, scale, corner float64) image.Image {
	const fine = 4
	picture := image.NewNRGBA(image.Rect(0, 0, side, side))
	ground, light := [3]float64{0x1f, 0x5d, 0x4c}, [3]float64{0xe9, 0xf1, 0xed}
	if corner < 0 {
		light = [3]float64{255, 255, 255}
	}
	for y := range side {
		for x := range side {
			var sum [3]float64
			covered := 0.0
			for i := range fine * fine {
				u := (float64(x) + (float64(i%fine)+0.5)/fine) / float64(side)
				v := (float64(y) + (float64(i/fine)+0.5)/fine) / float64(side)
				paint, ok := ground, corner >= 0 && inRounded(u, v, corner)
				if inMark((u-0.5)/scale*48+24, (v-0.5)/scale*48+24) {
					paint, ok = light, true
				}
				if ok {
					covered++
					for c := range sum {
						sum[c] += paint[c]
					}
				}
			}
			if covered > 0 {
				picture.SetNRGBA(x, y, color.NRGBA{byte(math.Round(sum[0] / covered)), byte(math.Round(sum[1] / covered)),
					byte(math.Round(sum[2] / covered)), byte(math.Round(255 * covered / fine / fine))})
			}
		}
	}
	return picture
}

func inRounded(u, v, corner float64) bool {
	dx, dy := math.Max(0, math.Abs(u-0.5)-(0.5-corner)), math.Max(0, math.Abs(v-0.5)-(0.5-corner))
	return dx*dx+dy*dy <= corner*corner || corner == 0
}

// inMark is the mark on a field of 48: an arch that stands on the ground, less a keyhole.
func inMark(x, y float64) bool {
	arch := y <= 21.2 && math.Hypot((x-24)/18, (y-21.2)/18.2) <= 1 || y > 21.2 && y <= 45 && math.Abs(x-24) <= 18
	if foot := math.Hypot(math.Max(0, math.Abs(x-24)-16), math.Max(0, y-43)); foot > 2 {
		arch = arch && y <= 43
	}
	head := math.Hypot(x-24, y-21.1) <= 6.6
	body := y >= 24 && y <= 40.6 && math.Abs(x-24) <= 3.6+(y-24)*0.19
	return arch && !head && !body
}
