package journey

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// App is the authenticator app on somebody's phone. It holds one key and computes codes by itself, as the apps of
// others do: SHA-1, six digits, 30 seconds (RFC 6238).
type App struct{ key []byte }

// NewApp takes the key as the page shows it to be copied, in groups: base32, in either case.
func NewApp(keyText string) (*App, error) {
	text := strings.ToUpper(strings.Join(strings.Fields(keyText), ""))
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	switch {
	case err != nil:
		return nil, errors.New("not base32") // the decoder's error would only say where
	case len(key) < 16:
		return nil, fmt.Errorf("%d bits, and RFC 4226 §4 asks for 128", 8*len(key))
	}
	return &App{key}, nil
}

// AddApp enters a key into a new app by hand.
func (p *Person) AddApp(keyText string) *App {
	p.r.Helper()
	a, err := NewApp(keyText)
	if err != nil {
		p.r.Fatalf("the app does not take the key: %v", err)
	}
	return a
}

// Code is what the app shows at a moment. The next code is that of 30 seconds later.
func (a *App) Code(at time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(at.Unix()/30))
	mac := hmac.New(sha1.New, a.key)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	from := sum[19] & 15
	number := binary.BigEndian.Uint32(sum[from:from+4]) &^ (1 << 31)
	return fmt.Sprintf("%06d", number%1e6)
}
