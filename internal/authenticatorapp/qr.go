package authenticatorapp

import (
	"bytes"
	"errors"
	"image"
	_ "image/jpeg" // a frame is one of these two
	_ "image/png"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"golang.org/x/time/rate"

	"github.com/portvakt/portvakt/internal/web"
)

// Bounds of a camera frame, and of those who send them.
const (
	frameBytes  = 512 << 10
	framePixels = 1280 * 1280 // known before a decoder begins; the worst picture costs by its edge to the third
	frameSlots  = 2           // frames that are read at once, on one node
	frameWait   = 2 * time.Second
	frameBodies = 32              // frames that are on their way in, on one node
	frameBody   = 5 * time.Second // that one may take
	// framePoints are the corners of codes that a picture may seem to hold. The reader tries all triples of them: a picture made of
	// corners would keep it for hours.
	framePoints = 128

	// A phone sends a frame every 600 ms until it has found a code. One network may do so for some phones at once; beyond the
	// networks that a node keeps count of, all others share one budget.
	framesPerMinute = 240
	frameBurst      = 240
	frameNetworks   = 4096
)

// mountQR mounts the reader of codes, for browsers that cannot read a picture themselves.
func (d *Door) mountQR(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	q := &qrReader{link: d.URL + "#", budget: newFrameBudget(), bodies: make(chan struct{}, frameBodies), slots: make(chan struct{}, frameSlots),
		now: time.Now}
	h := web.AnyOrigin(q.read)
	mux.Handle("POST /push/qr", h)
	mux.Handle("OPTIONS /push/qr", h)
}

// qrReader reads frames. It keeps and logs nothing of them, and answers with pairing links alone: it is no free service for the
// pictures of others.
type qrReader struct {
	link   string // what a pairing link begins with
	budget *frameBudget
	bodies chan struct{}
	slots  chan struct{}
	now    func() time.Time
}

func (q *qrReader) read(w http.ResponseWriter, r *http.Request) {
	if !q.budget.allow(web.Network(web.ClientAddr(r.Context())), q.now()) || !begin(r, q.bodies) {
		tooMany(w, r)
		return
	}
	frame, err := receive(w, r)
	<-q.bodies
	if errors.As(err, new(*http.MaxBytesError)) {
		web.Drain(r)
		refuseFrame(w, r, http.StatusRequestEntityTooLarge, "too_large")
		return
	}
	if err != nil {
		refuseFrame(w, r, http.StatusUnprocessableEntity, "no_code")
		return
	}
	if !begin(r, q.slots) { // not before all of the frame is here: who sends slowly keeps nobody waiting
		tooMany(w, r)
		return
	}
	defer func() { <-q.slots }()
	text, ok := readCode(frame)
	if !ok || !q.isPairing(text) {
		refuseFrame(w, r, http.StatusUnprocessableEntity, "no_code")
		return
	}
	web.JSON(w, http.StatusOK, map[string]string{"text": text})
}

func tooMany(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Retry-After", "5")
	refuseFrame(w, r, http.StatusTooManyRequests, "too_many")
}

// receive reads a frame, which is small and has no reason to be slow.
func receive(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(frameBody)) // a recorder in a test has none
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	return io.ReadAll(http.MaxBytesReader(w, r.Body, frameBytes))
}

// begin waits a little for a place: reading a picture is the one thing here that costs.
func begin(r *http.Request, places chan struct{}) bool {
	patience := time.NewTimer(frameWait)
	defer patience.Stop()
	select {
	case places <- struct{}{}:
		return true
	case <-patience.C:
	case <-r.Context().Done():
	}
	return false
}

func (q *qrReader) isPairing(text string) bool {
	fragment, ours := strings.CutPrefix(text, q.link)
	values, err := url.ParseQuery(fragment)
	return ours && err == nil && values.Get("code") != "" && values.Get("iss") != ""
}

// refuseFrame answers with an error as docs/authenticator-protocol.md §9 has it.
func refuseFrame(w http.ResponseWriter, r *http.Request, status int, code string) {
	web.JSON(w, status, map[string]string{"error": code, "reference": web.Reference(r.Context())})
}

// readCode finds a QR code in a JPEG or PNG. The picture's size is looked at before it is unpacked; a picture that makes a decoder
// panic holds no code, nor does one that would keep it busy.
func readCode(frame []byte) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	size, kind, err := image.DecodeConfig(bytes.NewReader(frame))
	if err != nil || size.Width < 1 || size.Height < 1 || size.Width > framePixels/size.Height || kind == "jpeg" && !isSequential(frame) {
		return "", false
	}
	picture, _, err := image.Decode(bytes.NewReader(frame))
	if err != nil {
		return "", false
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(picture)
	if err != nil {
		return "", false
	}
	points := 0
	count := gozxing.ResultPointCallback(func(gozxing.ResultPoint) {
		if points++; points > framePoints {
			panic("too many corners") // the library has no other way out
		}
	})
	found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true,
		gozxing.DecodeHintType_NEED_RESULT_POINT_CALLBACK: count})
	if err != nil {
		return "", false
	}
	return found.GetText(), true
}

// isSequential says whether a JPEG comes in one pass, as cameras and browsers make it. A progressive one may have thousands of passes
// over all of its pixels in a few kilobytes.
func isSequential(frame []byte) bool {
	const start, sequential, extended, progressive, scan = 0xd8, 0xc0, 0xc1, 0xc2, 0xda
	at := 2 // after the start of the image
	for at+4 <= len(frame) && frame[at] == 0xff {
		switch marker := frame[at+1]; marker {
		case 0xff: // filling
			at++
			continue
		case sequential, extended:
			return true
		case start, progressive, scan:
			return false
		}
		at += 2 + int(frame[at+2])<<8 + int(frame[at+3])
	}
	return false
}

// frameBudget counts frames by network. It is this node's own and forgotten with it: it spares the processor, and protects no secret.
type frameBudget struct {
	mu       sync.Mutex
	networks map[netip.Prefix]*frameCount
	others   *rate.Limiter // for those who come while the map is full
}

type frameCount struct {
	limiter *rate.Limiter
	last    time.Time
}

func newFrameBudget() *frameBudget {
	return &frameBudget{networks: map[netip.Prefix]*frameCount{}, others: newFrameLimiter()}
}

func newFrameLimiter() *rate.Limiter {
	return rate.NewLimiter(rate.Every(time.Minute/framesPerMinute), frameBurst)
}

func (b *frameBudget) allow(network netip.Prefix, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	count := b.networks[network]
	if count == nil {
		if len(b.networks) >= frameNetworks {
			b.forget(now)
		}
		if len(b.networks) >= frameNetworks {
			return b.others.AllowN(now, 1)
		}
		count = &frameCount{limiter: newFrameLimiter()}
		b.networks[network] = count
	}
	count.last = now
	return count.limiter.AllowN(now, 1)
}

// forget drops the networks whose budget is whole again, which is what a new one would have.
func (b *frameBudget) forget(now time.Time) {
	for network, count := range b.networks {
		if now.Sub(count.last) >= time.Minute {
			delete(b.networks, network)
		}
	}
}
