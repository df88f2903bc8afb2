package grant

import (
	"context"
	"errors"
	"fmt"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// errNoKey is for an RP whose tokens are encrypted, and whose keys cannot be read or do not fit.
var errNoKey = Error{"server_error", "the client has published no key to which the answer could be encrypted"}

// encrypt encrypts a token to a key of the RP where it wants that. A key that is not in what it published is looked for once more.
func (s *Service) encrypt(ctx context.Context, rp relyingparty.RP, e relyingparty.Encryption, content, token string) (string, error) {
	if !e.IsOn() {
		return token, nil
	}
	set, err := s.keysOf(ctx, rp, false)
	if err == nil && !set.Encrypts(e.Alg) && rp.Options.JWKSURI != "" {
		set, err = s.keysOf(ctx, rp, true)
	}
	if err == nil {
		token, err = set.Encrypt(e.Alg, e.Method, content, []byte(token))
	}
	switch {
	case errors.Is(err, errKeySet), errors.Is(err, signingkey.ErrKey):
		return "", errNoKey
	case err != nil:
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return token, nil
}
