package control

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/signingkey"
)

// SigningKey is a key that signs what apps are told, as the command line prints it.
type SigningKey struct {
	ID      string    `json:"kid"`
	Alg     string    `json:"alg"`
	Created time.Time `json:"created"`
	From    time.Time `json:"signs_from"`
	Retired time.Time `json:"retired,omitzero"`
	// Distrusted says that somebody else may have had it.
	Distrusted bool `json:"distrusted,omitempty"`
}

func (d *Door) listSigningKeys(ctx context.Context) ([]SigningKey, error) {
	all, err := d.Signing.List(ctx)
	out := make([]SigningKey, 0, len(all))
	for _, k := range all {
		out = append(out, shownSigningKey(k))
	}
	return out, err
}

func (d *Door) rotateSigningKeys(ctx context.Context) ([]SigningKey, error) {
	if err := d.Signing.Rotate(ctx); err != nil {
		return nil, err
	}
	return d.listSigningKeys(ctx)
}

func (d *Door) replaceSigningKeys(ctx context.Context) ([]SigningKey, error) {
	if err := d.Signing.Replace(ctx); err != nil {
		return nil, err
	}
	return d.listSigningKeys(ctx)
}

func shownSigningKey(k signingkey.Stored) SigningKey {
	from := k.From
	if from.IsZero() {
		from = k.Created
	}
	return SigningKey{ID: k.ID, Alg: string(k.Alg), Created: k.Created.UTC(), From: from.UTC(), Retired: k.Retired.UTC(), Distrusted: k.Distrusted}
}
