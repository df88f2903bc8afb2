package organisation

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
)

// What a logo may be at most: MaxLogo in bytes, MaxLogoSide in pixels of a raster picture.
const (
	MaxLogo     = 256 << 10
	MaxLogoSide = 4096
)

// Logo is a picture that is safe to serve from our own origin.
type Logo struct {
	MediaType string // "image/png", "image/jpeg", "image/webp" or "image/svg+xml"; empty: no logo
	Data      []byte
}

// The ways in which a logo can be refused.
var (
	ErrLogoTooLarge = fmt.Errorf("a logo has at most %d KB", MaxLogo>>10)
	ErrLogoTooWide  = fmt.Errorf("a logo has at most %d x %d pixels", MaxLogoSide, MaxLogoSide)
	ErrLogoKind     = errors.New("a logo is a PNG, JPEG, WebP or SVG picture")
	ErrLogoBroken   = errors.New("the picture cannot be decoded; is the file whole?")
	ErrLogoBlank    = errors.New("of this SVG nothing remains to draw: only shapes and text are taken, no embedded pictures, scripts or links to elsewhere")
)

// ParseLogo takes an uploaded picture: a raster picture by its own first bytes, whatever its name said, or
// an SVG, of which only drawing remains (no scripts, no links, no foreign content).
func ParseLogo(data []byte) (Logo, error) {
	switch kind := rasterKind(data); {
	case len(data) == 0:
		return Logo{}, fmt.Errorf("%w; this file is empty", ErrLogoKind)
	case len(data) > MaxLogo:
		return Logo{}, ErrLogoTooLarge
	case kind != "":
		if err := checkRaster(kind, data); err != nil {
			return Logo{}, err
		}
		return Logo{kind, data}, nil
	}
	text, err := fromUTF16(data)
	if err != nil || !bytes.Contains(text, []byte("<svg")) {
		return Logo{}, ErrLogoKind
	}
	clean, err := cleanSVG(text)
	if err != nil {
		return Logo{}, err
	}
	return Logo{"image/svg+xml", clean}, nil
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

// checkRaster looks at what every page would show: a picture that browsers can decode, without filling their memory.
func checkRaster(kind string, data []byte) error {
	var c image.Config
	var err error
	switch kind {
	case "image/png":
		c, err = png.DecodeConfig(bytes.NewReader(data))
	case "image/jpeg":
		c, err = jpeg.DecodeConfig(bytes.NewReader(data))
	default:
		c, err = webpConfig(data)
	}
	switch {
	case err != nil || c.Width < 1 || c.Height < 1:
		return ErrLogoBroken
	case c.Width > MaxLogoSide || c.Height > MaxLogoSide:
		return fmt.Errorf("%w; this one has %d x %d", ErrLogoTooWide, c.Width, c.Height)
	}
	return nil
}

// webpConfig reads the head of a WebP picture (RFC 9649 §2): the file's size, the first chunk, and the size of the picture that
// stands in it. The standard library has no decoder, and a logo is no reason for another module.
func webpConfig(data []byte) (image.Config, error) {
	const head = 12 + 8 // RIFF size WEBP, then the first chunk's name and size
	if len(data) < head+10 || uint64(binary.LittleEndian.Uint32(data[4:]))+8 > uint64(len(data)) {
		return image.Config{}, ErrLogoBroken
	}
	if chunk := binary.LittleEndian.Uint32(data[16:]); uint64(chunk)+head > uint64(len(data)) {
		return image.Config{}, ErrLogoBroken
	}
	first := data[head:]
	switch name := string(data[12:16]); {
	case name == "VP8 " && bytes.Equal(first[3:6], []byte{0x9d, 0x01, 0x2a}):
		size := binary.LittleEndian.Uint32(first[6:])
		return image.Config{Width: int(size & 0x3fff), Height: int(size >> 16 & 0x3fff)}, nil
	case name == "VP8L" && first[0] == 0x2f:
		size := binary.LittleEndian.Uint32(first[1:])
		return image.Config{Width: int(size&0x3fff) + 1, Height: int(size>>14&0x3fff) + 1}, nil
	case name == "VP8X":
		wide, high := binary.LittleEndian.Uint32(first[4:])&0xffffff, binary.LittleEndian.Uint32(first[6:])>>8
		return image.Config{Width: int(wide) + 1, Height: int(high) + 1}, nil
	}
	return image.Config{}, ErrLogoBroken
}
