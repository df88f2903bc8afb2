package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientAddr is the rightmost hop that no trusted proxy stands for (RULES §11). What stands further left was written by
// whoever sent the request and proves nothing.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := parseHop(r.RemoteAddr)
	hops := forwardedHops(r.Header)
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		hop := parseHop(hops[i])
		if !hop.IsValid() {
			break // an unreadable hop: the last readable one stands for it
		}
		addr = hop
	}
	return addr
}

// forwardedHops lists the hops that the proxies wrote into X-Forwarded-For, the nearest last. It is the one header that
// counts: where two did, a client could send the one that the proxy does not write.
func forwardedHops(h http.Header) []string {
	list := h.Values("X-Forwarded-For")
	if len(list) == 0 {
		return nil
	}
	return strings.Split(strings.Join(list, ","), ",")
}

// parseHop reads an address with or without port, brackets and zone.
func parseHop(s string) netip.Addr {
	s = strings.TrimSpace(s)
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, _ := netip.ParseAddr(strings.Trim(s, "[]"))
	return addr.Unmap().WithZone("")
}

func isTrusted(addr netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Network returns the network that an address is counted with: /24 for IPv4, /64 for IPv6, which is what one household or
// office commonly has for itself.
func Network(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr = addr.Unmap(); addr.Is4() {
		bits = 24
	}
	p, _ := addr.WithZone("").Prefix(bits) // the zero Addr gives the zero Prefix
	return p
}
