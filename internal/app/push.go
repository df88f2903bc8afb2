package app

import (
	"net/netip"

	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/webpush"
)

// callable are the private networks in which push services may stand. The demo's is on this machine.
func callable(s config.Settings, allowed []netip.Prefix) []netip.Prefix {
	if s.Demo {
		return append(allowed[:len(allowed):len(allowed)], thisMachine...)
	}
	return allowed
}

// newPush makes the sender of pushes.
func newPush(s config.Settings, o Options, e *enrolment.Service, k keys, allowed []netip.Prefix) *webpush.Sender {
	return &webpush.Sender{Client: outbound.NewClient(allowed), Forbidden: outbound.ErrForbidden, Keys: k.vapid, Ring: k.ring,
		Contact: s.PushSubject(), Gone: e.Gone, Now: o.Now, Log: o.Log}
}
