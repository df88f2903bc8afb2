package web

import (
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

func FuzzClientAddr(f *testing.F) {
	f.Add("10.0.0.1:5", "6.6.6.6, 198.51.100.1")
	f.Add("[2001:db8::1%eth0]:5", "::ffff:198.51.100.1, rubbish")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{header}
		addr := clientAddr(r, trusted)
		if peer := parseHop(remote); !isTrusted(peer, trusted) && addr != peer {
			t.Errorf("%q was believed for %q: %s", header, remote, addr)
		}
		if addr.IsValid() && !Network(addr).Contains(addr) {
			t.Errorf("%s is not in its own network", addr)
		}
	})
}

func FuzzLocalPath(f *testing.F) {
	for _, path := range []string{"/account?x=1", "//evil.example", `/\evil.example`, "/\t/evil.example", "https://evil.example", "/a%2f%2fb"} {
		f.Add(path)
	}
	here := must(url.Parse("https://login.example/language"))
	f.Fuzz(func(t *testing.T, path string) {
		to, err := here.Parse(localPath(path, "/account"))
		if err != nil || to.Host != here.Host || to.Scheme != here.Scheme || strings.Contains(to.EscapedPath(), `\`) {
			t.Errorf("%q leads to %s %v", path, to, err)
		}
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
