package app

import (
	"context"
	"net/netip"

	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/webpush"
)

// newPush makes the sender of pushes. The demo's push service is on this machine.
func newPush(s config.Settings, o Options, _ *store.DB, k keys, allowed []netip.Prefix) *webpush.Sender {
	if s.Demo {
		allowed = append(allowed[:len(allowed):len(allowed)], thisMachine...)
	}
	return &webpush.Sender{Client: outbound.NewClient(allowed), Forbidden: outbound.ErrForbidden, Keys: k.vapid, Ring: k.ring,
		Contact: s.PushSubject(), Gone: func(context.Context, string, string) error { return nil }, Now: o.Now, Log: o.Log}
}
