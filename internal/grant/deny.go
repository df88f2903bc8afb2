package grant

import "github.com/portvakt/portvakt/internal/authn"

// Deny answers a request that the person has turned down (RFC 6749 §4.1.2.1).
func (s *Service) Deny(r authn.Request) Answer {
	return s.failed(r, Error{"access_denied", "the person turned back before logging in"})
}
