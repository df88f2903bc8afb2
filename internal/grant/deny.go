package grant

import (
	"context"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Deny answers a request that the person has turned down (RFC 6749 §4.1.2.1).
func (s *Service) Deny(ctx context.Context, rp relyingparty.RP, r authn.Request) (Answer, error) {
	return s.failed(ctx, rp, r, Error{"access_denied", "the person turned back before logging in"})
}
