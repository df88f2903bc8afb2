package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
)

// MayCall returns the question whether an address may be called, asked when somebody names it: by what its host
// resolves to now. The client asks again at each call. A name server that does not answer is no reason to say no.
func MayCall(allowed []netip.Prefix) func(ctx context.Context, address string) error {
	return mayCall(net.DefaultResolver, allowed)
}

func mayCall(names *net.Resolver, allowed []netip.Prefix) func(ctx context.Context, address string) error {
	return func(ctx context.Context, address string) error {
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			return fmt.Errorf("%w: it cannot be read", ErrForbidden) // without its words: an address may be a secret
		}
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		found, err := names.LookupNetIP(ctx, "ip", u.Hostname())
		if missing, ok := errors.AsType[*net.DNSError](err); ok && missing.IsNotFound {
			return fmt.Errorf("%w: there is no host of that name", ErrForbidden)
		}
		for _, a := range found {
			if !may(a, allowed) {
				return fmt.Errorf("%w: %s", ErrForbidden, a)
			}
		}
		return nil
	}
}
