package grant

import (
	"context"
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
