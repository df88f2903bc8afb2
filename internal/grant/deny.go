package grant

import (
	"context"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Deny answers a request that the person has turned down (RFC 6749 §4.1.2.1). It fails with ErrChanged where the RP may not ask so any more.
func (s *Service) Deny(ctx context.Context, rp relyingparty.RP, r authn.Request) (Answer, error) {
	if !s.mayStillAsk(rp, r) {
		return Answer{}, ErrChanged
	}
	return s.failed(ctx, rp, r, Error{"access_denied", "the person turned back before logging in"})
}
