package app

import (
	"context"
	"net/netip"

	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/webpush"
)

// newPush makes the sender of pushes. The demo's push service is on this machine.
func newPush(s config.Settings, o Options, k keys, allowed []netip.Prefix, gone func(ctx context.Context, keyID, endpoint string) error) *webpush.Sender {
	if s.Demo {
		allowed = append(allowed[:len(allowed):len(allowed)], thisMachine...)
	}
	return &webpush.Sender{Client: outbound.NewClient(allowed), Forbidden: outbound.ErrForbidden, Keys: k.vapid, Ring: k.ring,
		Contact: s.PushSubject(), Gone: gone, Now: o.Now, Log: o.Log}
}
