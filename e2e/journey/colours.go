package journey

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"slices"
)

// fewColours writes a picture with the 256 colours that it has most of: half the bytes, and of a page nobody sees the difference.
func fewColours(whole []byte) ([]byte, error) {
	decoded, err := png.Decode(bytes.NewReader(whole))
	if err != nil {
		return nil, err
	}
	full := image.NewNRGBA(decoded.Bounds())
	draw.Draw(full, full.Bounds(), decoded, decoded.Bounds().Min, draw.Src)
	count := map[color.NRGBA]int{}
	for i := 0; i < len(full.Pix); i += 4 {
		count[color.NRGBA{full.Pix[i], full.Pix[i+1], full.Pix[i+2], 255}]++
	}
	var colours []color.NRGBA
	for c := range count {
		colours = append(colours, c)
	}
	value := func(c color.NRGBA) int { return int(c.R)<<16 | int(c.G)<<8 | int(c.B) }
	slices.SortFunc(colours, func(a, b color.NRGBA) int { return cmp.Or(count[b]-count[a], value(a)-value(b)) })
	var palette color.Palette
	nearest := map[color.NRGBA]uint8{}
	for i, c := range colours {
		if i < 256 {
			palette = append(palette, c)
			nearest[c] = uint8(i)
		} else {
			nearest[c] = uint8(palette.Index(c))
		}
	}
	small := image.NewPaletted(full.Bounds(), palette)
	for i := range small.Pix {
		small.Pix[i] = nearest[color.NRGBA{full.Pix[4*i], full.Pix[4*i+1], full.Pix[4*i+2], 255}]
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}
