package guide

import (
	"bytes"
	"fmt"
	"image"
	"image/png"

	"golang.org/x/image/draw"

	_ "image/jpeg" // how logos come

	_ "golang.org/x/image/webp"

	"github.com/portvakt/portvakt/internal/organisation"
)

// logoSide is how many pixels a logo has at most, in each direction: more than any page shows.
const logoSide = 512

// repainted is a logo whose bytes are ours: a raster picture is decoded here and encoded anew. The guide's browser runs without a sandbox, where it
// runs as a service, and a picture that was made to break its decoder comes no further than this. An SVG was cleaned when it was parsed.
func repainted(l organisation.Logo) (organisation.Logo, error) {
	if l.MediaType == "" || l.MediaType == "image/svg+xml" {
		return l, nil
	}
	picture, _, err := image.Decode(bytes.NewReader(l.Data))
	if err != nil {
		return l, fmt.Errorf("%w: %w", organisation.ErrLogoBroken, err)
	}
	wide, high := picture.Bounds().Dx(), picture.Bounds().Dy()
	if most := max(wide, high); most > logoSide {
		wide, high = max(wide*logoSide/most, 1), max(high*logoSide/most, 1)
	}
	fresh := image.NewNRGBA(image.Rect(0, 0, wide, high))
	draw.CatmullRom.Scale(fresh, fresh.Bounds(), picture, picture.Bounds(), draw.Src, nil)
	var data bytes.Buffer
	if err := png.Encode(&data, fresh); err != nil {
		return l, fmt.Errorf("paint the logo: %w", err)
	}
	return organisation.Logo{MediaType: "image/png", Data: data.Bytes()}, nil
}
