package control

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/portvakt/portvakt/internal/vapid"
)

// VAPIDKey is a key by which push services know this installation, as the command line prints it.
type VAPIDKey struct {
	ID      string    `json:"id"`
	Public  string    `json:"public"`
	Created time.Time `json:"created"`
}

func (d *Door) listVAPIDKeys(ctx context.Context) ([]VAPIDKey, error) {
	all, err := d.VAPID.List(ctx)
	out := make([]VAPIDKey, 0, len(all))
	for _, k := range all {
		out = append(out, shownVAPIDKey(k))
	}
	return out, err
}

func (d *Door) rotateVAPIDKey(ctx context.Context) (VAPIDKey, error) {
	k, err := d.VAPID.Rotate(ctx)
	if err != nil {
		return VAPIDKey{}, err
	}
	return shownVAPIDKey(k), nil
}

func shownVAPIDKey(k vapid.Key) VAPIDKey {
	return VAPIDKey{ID: k.ID, Public: base64.RawURLEncoding.EncodeToString(k.Public()), Created: k.Created.UTC()}
}
