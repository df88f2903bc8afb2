package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/secret"
)

// Subscription is where an authenticator can be woken: an address at a push service, and what a message to it is
// encrypted with (RFC 8291 §2). Whoever has the address can push to it: it prints as its origin, and rests sealed.
type Subscription struct {
	Endpoint string `json:"endpoint"`
	P256DH   string `json:"p256dh"` // the authenticator's public key, 65 bytes in base64url
	Auth     string `json:"auth"`   // 16 bytes in base64url
	VAPID    string `json:"vapid"`  // id of the key that it was subscribed with
}

// ErrSubscription says that a subscription cannot be used: its address is none that is called, or its keys are none.
var ErrSubscription = errors.New("not a push subscription")

// The sizes of a subscription.
const (
	maxEndpoint = 2048
	pointLen    = 65 // of P-256, uncompressed
	authLen     = 16
)

// ParseSubscription reads what an authenticator sends. The address is one that https reaches on the open internet, as far
// as it shows by itself: what its name resolves to is asked when it is stored and checked when it is called. With
// insecure, http to this machine is taken as well: the demo and tests have no certificates.
func ParseSubscription(endpoint, p256dh, auth string, insecure bool) (Subscription, error) {
	if !callable(endpoint, insecure) {
		return Subscription{}, ErrSubscription
	}
	point, err := decode(p256dh)
	if err != nil || len(point) != pointLen {
		return Subscription{}, ErrSubscription
	}
	if _, err := ecdh.P256().NewPublicKey(point); err != nil { // the infinite point and those off the curve
		return Subscription{}, ErrSubscription
	}
	salt, err := decode(auth)
	if err != nil || len(salt) != authLen {
		return Subscription{}, ErrSubscription
	}
	return Subscription{Endpoint: endpoint, P256DH: encode(point), Auth: encode(salt)}, nil
}

// callable says whether an address may be one of a push service.
func callable(endpoint string, insecure bool) bool {
	if len(endpoint) > maxEndpoint || strings.ContainsFunc(endpoint, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.HasSuffix(endpoint, "#") {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if local := host == "localhost" || host == "127.0.0.1" || host == "::1"; local {
		return insecure && (u.Scheme == "http" || u.Scheme == "https")
	}
	return u.Scheme == "https" && isOpen(host)
}

// isOpen says whether a host looks like one of the open internet. An address in figures is left to what it can only be:
// a push service in a private network that the operator allows has a name.
func isOpen(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.Zone() == "" && a.IsGlobalUnicast() && !a.IsPrivate() && !carrier.Contains(a)
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	// "0x7f.1" and "2130706433" are old spellings of addresses.
	isNumber := strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
	return !isNumber && last != "localhost"
}

// carrier is the shared address space of RFC 6598, where some clouds have their metadata.
var carrier = netip.MustParsePrefix("100.64.0.0/10")

// decode reads base64url without padding, and with it, as some libraries write it.
func decode(text string) ([]byte, error) {
	return base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// String is the origin alone.
func (s Subscription) String() string {
	u, err := url.Parse(s.Endpoint)
	if err != nil {
		return "[subscription]"
	}
	return u.Scheme + "://" + u.Host + "/[subscription]"
}

// GoString hides the address from %#v.
func (s Subscription) GoString() string { return s.String() }

// LogValue hides the address from slog.
func (s Subscription) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Parcel is a message on its way to an authenticator: the secret of an outbox message.
type Parcel struct {
	Subscription
	Payload []byte `json:"payload"`
}

// ErrParcel says that a text is no parcel.
var ErrParcel = errors.New("not a parcel")

// Pack writes the parcel as one secret.
func (p Parcel) Pack() secret.Token {
	b, err := json.Marshal(p)
	if err != nil {
		panic(err) // texts and bytes can be written
	}
	return secret.Token(b)
}

// Unpack reads what Pack wrote, or returns ErrParcel.
func Unpack(t secret.Token) (p Parcel, err error) {
	if json.Unmarshal([]byte(t.Reveal()), &p) != nil || p.Endpoint == "" {
		return Parcel{}, ErrParcel
	}
	return p, nil
}
