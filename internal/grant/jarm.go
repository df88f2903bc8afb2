package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Answers that are signed (JWT Secured Authorization Response Mode for OAuth 2.0, JARM): for RPs that are registered for them alone.

// answerLife is how long a signed answer counts (JARM §2.1 advises ten minutes at most).
const answerLife = 10 * time.Minute

// answerType is a typ of our own, so that such an answer is no ID token.
const answerType = "oauth-authz-resp+jwt"

// wrap makes one parameter of an answer's many (JARM §2.1, §2.2).
func (s *Service) wrap(ctx context.Context, rp relyingparty.RP, v url.Values) (url.Values, error) {
	claims := map[string]any{"aud": rp.ClientID, "exp": s.Now().Add(answerLife).Unix()}
	for name := range v {
		claims[name] = v.Get(name) // iss is among them
	}
	signed, err := s.Sign.Sign(signingkey.Alg(rp.Options.AnswerSigned), answerType, claims)
	if err == nil {
		signed, err = s.encrypt(ctx, rp, rp.Options.AnswerEncryption(), "JWT", signed)
	}
	return url.Values{"response": {signed}}, err
}

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
