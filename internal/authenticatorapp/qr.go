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
	framePixels = 4 << 20 // what a decoder would have to hold: known before it begins
	frameSlots  = 2       // frames that are read at once, on one node
	frameWait   = 2 * time.Second

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
	q := &qrReader{link: d.URL + "#", budget: newFrameBudget(), slots: make(chan struct{}, frameSlots), now: time.Now}
	h := web.AnyOrigin(q.read)
	mux.Handle("POST /push/qr", h)
	mux.Handle("OPTIONS /push/qr", h)
}

// qrReader reads frames. It keeps and logs nothing of them, and answers with pairing links alone: it is no free service for the
// pictures of others.
type qrReader struct {
	link   string // what a pairing link begins with
	budget *frameBudget
	slots  chan struct{}
	now    func() time.Time
}

func (q *qrReader) read(w http.ResponseWriter, r *http.Request) {
	if !q.budget.allow(web.Network(web.ClientAddr(r.Context())), q.now()) || !q.begin(r) {
		w.Header().Set("Retry-After", "5")
		refuseFrame(w, r, http.StatusTooManyRequests, "too_many")
		return
	}
	defer func() { <-q.slots }()
	frame, err := io.ReadAll(http.MaxBytesReader(w, r.Body, frameBytes))
	if errors.As(err, new(*http.MaxBytesError)) {
		web.Drain(r)
		refuseFrame(w, r, http.StatusRequestEntityTooLarge, "too_large")
		return
	}
	text, ok := readCode(frame)
	if err != nil || !ok || !q.isPairing(text) {
		refuseFrame(w, r, http.StatusUnprocessableEntity, "no_code")
		return
	}
	web.JSON(w, http.StatusOK, map[string]string{"text": text})
}

// begin waits a little for a slot: reading a picture is the one thing here that costs.
func (q *qrReader) begin(r *http.Request) bool {
	patience := time.NewTimer(frameWait)
	defer patience.Stop()
	select {
	case q.slots <- struct{}{}:
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
// panic holds no code.
func readCode(frame []byte) (text string, ok bool) {
	defer func() {
		if recover() != nil {
			text, ok = "", false
		}
	}()
	size, _, err := image.DecodeConfig(bytes.NewReader(frame))
	if err != nil || size.Width < 1 || size.Height < 1 || size.Width > framePixels/size.Height {
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
	found, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", false
	}
	return found.GetText(), true
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
