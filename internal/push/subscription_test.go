package push_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
)

// goodKeys are a point of P-256 and 16 bytes.
func goodKeys(t testing.TB) (p256dh, auth string) {
	t.Helper()
	k, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(k.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString(secret.Random(16))
}

func TestAnAddressOfTheOpenInternetIsTaken(t *testing.T) {
	p256dh, auth := goodKeys(t)
	for _, endpoint := range []string{"https://push.example.com/send/abc", "https://push.example.com:8443/x?y=z", "https://ntfy.example.org/upAbC?up=1",
		"https://93.184.216.34/x", "https://[2606:2800:220:1::1]/x", "https://push.example.com./x"} {
		s, err := push.ParseSubscription(endpoint, p256dh+"=", auth+"==", false)
		if err != nil || s.Endpoint != endpoint || s.P256DH != p256dh || s.Auth != auth {
			t.Errorf("%s: %v %v", endpoint, s, err)
		}
	}
	for _, endpoint := range []string{"http://localhost:8090/x", "http://127.0.0.1:8090/x", "http://[::1]:8090/x", "https://localhost/x"} {
		if _, err := push.ParseSubscription(endpoint, p256dh, auth, true); err != nil {
			t.Errorf("the demo: %s: %v", endpoint, err)
		}
	}
}

func TestAnAddressThatLeadsInsideIsRefused(t *testing.T) {
	p256dh, auth := goodKeys(t)
	for _, endpoint := range []string{
		"https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/latest/", "https://[::ffff:169.254.169.254]/", "https://100.100.100.200/latest/",
		"https://localhost/x", "https://LOCALHOST./x", "https://push.localhost/x", "https://127.0.0.1/x", "https://127.1/x", "https://2130706433/x",
		"https://0x7f000001/x", "https://0177.0.0.1/x", "https://[::1]/x", "https://[fe80::1%25eth0]/x", "https://10.0.0.1/x", "https://192.168.1.1/x",
		"https://172.16.0.1/x", "https://0.0.0.0/x", "https://224.0.0.1/x",
		"http://push.example.com/x", "ftp://push.example.com/x", "//push.example.com/x", "push.example.com/x", "https:push", "https:///x", "",
		"https://anna:secret@push.example.com/x", "https://push.example.com/x#y", "https://push.example.com/x#", "https://push.example.com/x y",
		"https://push.example.com/x\n", "https://push.exämple.com/x", "https://push.example.com/" + strings.Repeat("x", 2048),
		"javascript:alert(1)", "file:///etc/passwd"} {
		if _, err := push.ParseSubscription(endpoint, p256dh, auth, false); !errors.Is(err, push.ErrSubscription) {
			t.Errorf("%q: %v", endpoint, err)
		}
	}
	for _, endpoint := range []string{"http://push.example.com/x", "http://169.254.169.254/", "http://10.0.0.1/x", "ws://localhost/x"} {
		if _, err := push.ParseSubscription(endpoint, p256dh, auth, true); !errors.Is(err, push.ErrSubscription) {
			t.Errorf("the demo: %q: %v", endpoint, err)
		}
	}
}

func TestKeysThatAreNoneAreRefused(t *testing.T) {
	p256dh, auth := goodKeys(t)
	off := make([]byte, 65)
	off[0], off[64] = 4, 1
	compressed := append([]byte{2}, make([]byte, 32)...)
	text := base64.RawURLEncoding.EncodeToString
	for name, k := range map[string][2]string{
		"no key": {"", auth}, "off the curve": {text(off), auth}, "compressed": {text(compressed), auth}, "the infinite point": {text([]byte{0}), auth},
		"cut": {p256dh[:80], auth}, "not base64": {"%%%" + p256dh[3:], auth}, "no salt": {p256dh, ""}, "short": {p256dh, text(make([]byte, 15))},
		"long": {p256dh, text(make([]byte, 17))}, "other base64": {p256dh, "++//++//++//++//++//+w"},
	} {
		if _, err := push.ParseSubscription("https://push.example.com/x", k[0], k[1], false); !errors.Is(err, push.ErrSubscription) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASubscriptionAndAParcelAreNeverPrinted(t *testing.T) {
	p256dh, auth := goodKeys(t)
	s, err := push.ParseSubscription("https://push.example.com/send/capability", p256dh, auth, false)
	if err != nil {
		t.Fatal(err)
	}
	p := push.Parcel{Subscription: s, Payload: []byte("x")}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "subscription", s, "parcel", p)
	printed := fmt.Sprintf("%s %v %+v %#v %s %v %#v %v", s, s, s, s, p, p, p, p.Pack()) + log.String()
	if strings.Contains(printed, "capability") || strings.Contains(printed, auth) {
		t.Errorf("printed: %s", printed)
	}
}

func TestAParcelComesOutAsItWentIn(t *testing.T) {
	p256dh, auth := goodKeys(t)
	p := push.Parcel{Subscription: push.Subscription{Endpoint: "https://push.example.com/x", P256DH: p256dh, Auth: auth, VAPID: "v1"}, Payload: []byte(`{"type":"gone"}`)}
	got, err := push.Unpack(p.Pack())
	if err != nil || got.Subscription != p.Subscription || !bytes.Equal(got.Payload, p.Payload) {
		t.Errorf("%v %v", got, err)
	}
	for _, bad := range []secret.Token{"", "{}", "null", "[]", "{"} {
		if _, err := push.Unpack(bad); !errors.Is(err, push.ErrParcel) {
			t.Errorf("%q: %v", bad.Reveal(), err)
		}
	}
}

// FuzzParseSubscription: what is taken goes out by https, to no address of a private network, and reads the same the next time.
func FuzzParseSubscription(f *testing.F) {
	p256dh, auth := goodKeys(f)
	f.Add("https://push.example.com/send/capability", p256dh, auth)
	f.Add("http://localhost:1/x", p256dh, auth)
	f.Add("https://10.0.0.1/", p256dh, auth)
	f.Fuzz(func(t *testing.T, endpoint, p256dh, auth string) {
		s, err := push.ParseSubscription(endpoint, p256dh, auth, false)
		if err != nil {
			return
		}
		u, err := url.Parse(s.Endpoint)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Hostname() == "localhost" {
			t.Fatalf("%q is called: %v", s.Endpoint, err)
		}
		if ip := net.ParseIP(strings.TrimSuffix(u.Hostname(), ".")); ip != nil && (ip.IsPrivate() || !ip.IsGlobalUnicast()) {
			t.Errorf("%q is called", s.Endpoint)
		}
		if again, err := push.ParseSubscription(s.Endpoint, s.P256DH, s.Auth, false); err != nil || again != s {
			t.Errorf("%q reads as %+v the next time: %v", endpoint, again, err)
		}
	})
}
