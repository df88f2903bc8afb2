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

// recipient returns the RP's keys, with one to which it can be told something, where it wants that encrypted; none where it does not. A key that
// is not in what it published is looked for once more. Whoever consumes what works once asks before: it must not be lost with the answer.
func (s *Service) recipient(ctx context.Context, rp relyingparty.RP, e relyingparty.Encryption) (to signingkey.KeySet, err error) {
	if !e.IsOn() {
		return to, nil
	}
	to, err = s.keysOf(ctx, rp, false)
	if err == nil && !to.Encrypts(e.Alg) && rp.Options.JWKSURI != "" {
		to, err = s.keysOf(ctx, rp, true)
	}
	switch {
	case errors.Is(err, errKeySet), err == nil && !to.Encrypts(e.Alg):
		return to, errNoKey
	case err != nil:
		return to, fmt.Errorf("keys to encrypt to: %w", err)
	}
	return to, nil
}

// encryptTo encrypts a token to a recipient, where the RP wants that.
func encryptTo(to signingkey.KeySet, e relyingparty.Encryption, content, token string) (string, error) {
	if !e.IsOn() {
		return token, nil
	}
	return to.Encrypt(e.Alg, e.Method, content, []byte(token))
}

// encrypt is encryptTo where nothing is consumed.
func (s *Service) encrypt(ctx context.Context, rp relyingparty.RP, e relyingparty.Encryption, content, token string) (string, error) {
	to, err := s.recipient(ctx, rp, e)
	if err != nil {
		return "", err
	}
	return encryptTo(to, e, content, token)
}
