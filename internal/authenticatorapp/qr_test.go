package authenticatorapp

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"rsc.io/qr"
)

const pairingLink = "https://login.example/authenticator/#code=7K3M9QZX4T8VN2B6W5RJHC1DFG&iss=https%3A%2F%2Flogin.example"

// frame is what a camera sees of a code: not quite square to the picture's edge, grey, and in a corner of it.
func frame(t *testing.T, text string) image.Image {
	t.Helper()
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	const module = 6
	picture := image.NewGray(image.Rect(0, 0, 640, 480))
	for i := range picture.Pix {
		picture.Pix[i] = 170
	}
	for y := range (code.Size + 8) * module {
		for x := range (code.Size + 8) * module {
			shade := color.Gray{Y: 225}
			if mx, my := x/module-4, y/module-4; mx >= 0 && my >= 0 && mx < code.Size && my < code.Size && code.Black(mx, my) {
				shade.Y = 40
			}
			picture.SetGray(90+x+y/20, 60+y, shade)
		}
	}
	return picture
}

func asJPEG(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, &jpeg.Options{Quality: 80}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func post(h http.Handler, body []byte) *httptest.ResponseRecorder {
	w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "https://login.example/push/qr", bytes.NewReader(body))
	r.Header.Set("Origin", "https://authenticator.example")
	h.ServeHTTP(w, r)
	return w
}

func TestAPairingLinkIsReadFromAFrame(t *testing.T) {
	h := usual(t)
	var asPNG bytes.Buffer
	if err := png.Encode(&asPNG, frame(t, pairingLink)); err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{asJPEG(t, frame(t, pairingLink)), asPNG.Bytes()} {
		w := post(h, body)
		var told struct{ Text string }
		if err := json.Unmarshal(w.Body.Bytes(), &told); err != nil || w.Code != http.StatusOK || told.Text != pairingLink {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("Cache-Control") != "no-store" {
			t.Error(w.Header())
		}
	}
}

func TestOtherCodesAndOtherBytesAreAnsweredAlike(t *testing.T) {
	h := usual(t)
	blank := image.NewGray(image.Rect(0, 0, 320, 240))
	for name, body := range map[string][]byte{
		"an address of others":             asJPEG(t, frame(t, "https://example.org/ticket/4711")),
		"a key for codes":                  asJPEG(t, frame(t, "otpauth://totp/a?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")),
		"a pairing link of another door":   asJPEG(t, frame(t, strings.ReplaceAll(pairingLink, "login.example", "evil.example"))),
		"our address without a code":       asJPEG(t, frame(t, "https://login.example/authenticator/#nothing")),
		"nothing":                          asJPEG(t, blank),
		"no picture":                       []byte("GIF89a"),
		"an empty body":                    nil,
		"half a picture":                   asJPEG(t, frame(t, pairingLink))[:2000],
		"a picture that claims to be vast": vast(t),
		"a picture that is large":          large(t),
	} {
		if w := post(h, body); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), `"no_code"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// large is a good frame with much around it.
func large(t *testing.T) []byte {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 1500, 1500))
	small := frame(t, pairingLink)
	for y := range picture.Rect.Dy() {
		for x := range picture.Rect.Dx() {
			picture.Set(x, y, color.Gray{Y: 170})
			if (image.Point{X: x, Y: y}).In(small.Bounds()) {
				picture.Set(x, y, small.At(x, y))
			}
		}
	}
	return asJPEG(t, picture)
}

// vast is a small PNG whose head claims 50,000 by 50,000 pixels.
func vast(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	body := b.Bytes()
	binary.BigEndian.PutUint32(body[16:], 50_000)
	binary.BigEndian.PutUint32(body[20:], 50_000)
	binary.BigEndian.PutUint32(body[29:], crc32.ChecksumIEEE(body[12:29]))
	if size, err := png.DecodeConfig(bytes.NewReader(body)); err != nil || size.Width != 50_000 {
		t.Fatal("the picture claims nothing: ", err)
	}
	return body
}

func TestAFrameThatIsTooLargeIsRefused(t *testing.T) {
	w := post(usual(t), make([]byte, frameBytes+1))
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Error(w.Code, w.Body)
	}
}

func TestANetworkThatSendsTooManyFramesWaitsAlone(t *testing.T) {
	b, now := newFrameBudget(), time.Unix(1e9, 0)
	busy, calm := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24")
	for range frameBurst {
		if !b.allow(busy, now) {
			t.Fatal("refused within its budget")
		}
	}
	if b.allow(busy, now) {
		t.Error("no limit")
	}
	if !b.allow(calm, now) {
		t.Error("another network waits too")
	}
	if !b.allow(busy, now.Add(time.Second)) {
		t.Error("it never gets more")
	}
}

func TestTheBudgetHoldsFewNetworksAndForgetsTheCalmOnes(t *testing.T) {
	b, now := newFrameBudget(), time.Unix(1e9, 0)
	network := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	refused := 0
	for i := range frameNetworks + 2*frameBurst {
		if !b.allow(network(i), now) {
			refused++
		}
	}
	if len(b.networks) > frameNetworks || refused != frameBurst {
		t.Errorf("%d networks are held, %d frames refused", len(b.networks), refused)
	}
	if !b.allow(network(60_000), now.Add(2*time.Minute)) || len(b.networks) != 1 {
		t.Errorf("%d networks are held after a pause", len(b.networks))
	}
}

// corners is a picture of nothing but what stands in three corners of a code.
func corners(side int) image.Image {
	picture := image.NewGray(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			i, j := x%10, y%10
			if ring := min(i, 6-i, j, 6-j); ring < 0 || ring == 1 {
				picture.SetGray(x, y, color.Gray{Y: 255})
			}
		}
	}
	return picture
}

// passes is a progressive JPEG of one grey: so many passes over all of its pixels, of eighteen bytes each.
func passes(n int) []byte {
	b := []byte("\xff\xd8\xff\xdb\x00\x43\x00" + strings.Repeat("\x01", 64))
	b = append(b, "\xff\xc2\x00\x0b\x08\x05\x00\x05\x00\x01\x01\x11\x00"...)                                  // 1,280 by 1,280
	b = append(b, "\xff\xc4\x00\x14\x10\x01"+strings.Repeat("\x00", 15)+"\xe0"...)                            // one code: skip 16,384 blocks
	b = append(b, strings.Repeat("\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10"+strings.Repeat("\x00", 8), n)...) // and refine nothing
	return append(b, "\xff\xd9"...)
}

func TestAPictureThatWouldKeepTheReaderBusyIsNone(t *testing.T) {
	var ofCorners bytes.Buffer
	if err := png.Encode(&ofCorners, corners(1280)); err != nil {
		t.Fatal(err)
	}
	bomb := passes(25_000)
	if size, err := jpeg.DecodeConfig(bytes.NewReader(bomb)); err != nil || size.Width != 1280 || len(bomb) > frameBytes {
		t.Fatal("the picture is none: ", err)
	}
	for name, body := range map[string][]byte{"a thousand corners": ofCorners.Bytes(), "thousands of passes": bomb} {
		if w := post(usual(t), body); w.Code != http.StatusUnprocessableEntity { // without its bounds the reader is busy for minutes, or for days
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestWhoSendsAFrameSlowlyTakesNobodysSlot(t *testing.T) {
	q := &qrReader{budget: newFrameBudget(), bodies: make(chan struct{}, 2), slots: make(chan struct{}, 1), now: time.Now}
	slow, sent := io.Pipe()
	var all sync.WaitGroup
	all.Go(func() { q.read(httptest.NewRecorder(), httptest.NewRequest("POST", "/push/qr", slow)) })
	if _, err := sent.Write([]byte("\xff")); err != nil { // its reading has begun
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if q.read(w, httptest.NewRequest("POST", "/push/qr", nil)); w.Code != http.StatusUnprocessableEntity {
		t.Error(w.Code)
	}
	sent.Close()
	all.Wait()
}

func TestNoMoreFramesAreReadAtOnceThanThereAreSlots(t *testing.T) {
	q := &qrReader{budget: newFrameBudget(), bodies: make(chan struct{}, 1), slots: make(chan struct{}, 1), now: time.Now}
	q.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // the phone has gone: nobody waits for a slot
	w := httptest.NewRecorder()
	q.read(w, httptest.NewRequestWithContext(ctx, "POST", "/push/qr", nil))
	if w.Code != http.StatusTooManyRequests || len(q.slots) != 1 || len(q.bodies) != 0 {
		t.Error(w.Code, len(q.slots))
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe0"))
	f.Add([]byte("\x89PNG\r\n\x1a\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if text, ok := readCode(body); !ok && text != "" {
			t.Error(text)
		}
	})
}
