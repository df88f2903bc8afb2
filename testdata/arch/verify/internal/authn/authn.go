// Package authn is the funnel, which may.
package authn

import "github.com/portvakt/portvakt/internal/password"

// Service proves.
type Service struct{ Hasher *password.Hasher }

// Prove counts first.
func (s *Service) Prove(typed string) bool { return s.Hasher.Verify(typed) }
