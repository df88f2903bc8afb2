// Package outbound is the engine that calls addresses which somebody else named: an RP's back channel and
// push services today, webhooks later. All of it goes by clients of one kind, which reach no private network,
// follow no redirect, and read no more than they need.
package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// ErrForbidden says that an address lies in a network that may not be called.
var ErrForbidden = errors.New("address in a private network that the operator has not allowed")

const (
	dialTimeout = 5 * time.Second
	maxHeader   = 16 << 10
	maxBody     = 64 << 10
)

// Timeout is how long a request may take, unless somebody says otherwise, until its answer has been read.
const Timeout = 10 * time.Second

// Clients are the two ways out to apps. They share no connection: one that stands leads inside without a question.
type Clients struct {
	Listed *http.Client // also calls the private networks that the operator has listed
	Public *http.Client // for apps that registered themselves: calls public addresses alone
}

// NewClients returns both. A request may take as long as timeout.
func NewClients(allowed []netip.Prefix, timeout time.Duration) Clients {
	c := Clients{NewClient(allowed), NewClient(nil)}
	c.Listed.Timeout, c.Public.Timeout = timeout, timeout
	return c
}

// For is the one for an app; itself says that it registered itself.
func (c Clients) For(itself bool) *http.Client {
	if itself {
		return c.Public
	}
	return c.Listed
}

// NewClient returns a client. It may call public addresses, and the private networks in allowed.
func NewClient(allowed []netip.Prefix) *http.Client { return newClient(allowed, net.DefaultResolver) }

func newClient(allowed []netip.Prefix, names *net.Resolver) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout, Resolver: names, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		// Checked on the address that is being dialled, after the name was resolved: a name that resolves to
		// another address the second time gets no further.
		return check(address, allowed)
	}}
	return &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: dialTimeout, MaxIdleConns: 32,
			MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeader, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func check(address string, allowed []netip.Prefix) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrForbidden, address)
	}
	if addr := at.Addr(); !may(addr, allowed) {
		return fmt.Errorf("%w: %s", ErrForbidden, addr)
	}
	return nil
}

// may says whether an address may be called.
func may(addr netip.Addr, allowed []netip.Prefix) bool {
	addr = addr.Unmap()
	for _, p := range allowed {
		if p.Contains(addr) {
			return true
		}
	}
	return IsPublic(addr)
}

// special are networks that are global in form and yet lead inside: shared address space, translation
// prefixes that embed an IPv4 address, benchmarks and documentation (RFC 6890).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

// IsPublic says whether the address belongs to the open internet.
func IsPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
