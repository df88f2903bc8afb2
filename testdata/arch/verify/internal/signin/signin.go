// Package signin goes round the funnel, without even importing the authenticator.
package signin

import "github.com/portvakt/portvakt/internal/authn"

// Guess is free of charge here.
func Guess(s *authn.Service, typed string) bool { return s.Hasher.Verify(typed) }
