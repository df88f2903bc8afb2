package grant

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Redemption is a token request with a code (RFC 6749 §4.1.3).
type Redemption struct {
	Client       Client
	Use          Use
	Code         string
	RedirectURI  string
	CodeVerifier string
	Resource     string
}

// errGrantType is for a client that is registered for other ways to get tokens (RFC 6749 §5.2).
var errGrantType = Error{"unauthorized_client", "the client is not registered for this grant type"}

var errCode = Error{"invalid_grant", "the code is unknown, expired, used, or not for this request"}

// Redeem turns a code into tokens: once. A second redemption ends what the first one got, because one of the
// two is a thief (RFC 6749 §4.1.2). It returns an Error for what the RP did wrong.
func (s *Service) Redeem(ctx context.Context, r Redemption) (Tokens, error) {
	rp, jkt, err := s.identify(ctx, r.Client, r.Use)
	if err != nil {
		return Tokens{}, err
	}
	if !rp.Options.MayUse(relyingparty.AuthorizationCode) {
		return Tokens{}, errGrantType
	}
	c, ok, err := s.openCode(ctx, r.Code)
	switch {
	case err != nil:
		return Tokens{}, fmt.Errorf("open code: %w", err)
	case !ok, c.ClientID != rp.ClientID, c.RedirectURI != r.RedirectURI, !verifies(c.Challenge, r.CodeVerifier),
		c.JKT != "" && c.JKT != jkt:
		return Tokens{}, errCode
	}
	resource, err := s.target(rp, c.Resource, r.Resource)
	if err != nil {
		return Tokens{}, err
	}
	now := s.Now()
	to, unread := s.recipient(ctx, rp, rp.Options.IDTokenEncryption())
	g, made := c.grant(rp, jkt, now), false
	redeem := func(tx Tx) error {
		var err error
		if g.Subject, err = s.pairwise(ctx, tx, rp, g.Account); err != nil {
			return err
		}
		if made, err = tx.InsertGrant(ctx, g, c.Epoch, time.UnixMilli(c.Issued), now); err != nil {
			return fmt.Errorf("insert grant: %w", err)
		}
		if !made {
			return s.endReused(ctx, tx, c, now)
		}
		if unread != nil {
			return unread // undoes it: the code is not used
		}
		if err := tx.TouchSession(ctx, g.Session, now, now); err != nil {
			return fmt.Errorf("touch session: %w", err)
		}
		return tx.Append(ctx, s.event(audit.CodeRedeemed, g))
	}
	err = s.InTx(ctx, redeem)
	if errors.Is(err, authn.ErrOutcomeUnknown) {
		err = s.InTx(ctx, redeem) // it finds its own grant, if that was committed: the RP must not lose it as a thief
	}
	if err != nil {
		return Tokens{}, err
	}
	if !made {
		return Tokens{}, errCode
	}
	g.Resource = resource
	return s.tokens(rp, to, g, jkt, c.Nonce)
}

// endReused ends the grant that the code's first redemption made, and that of the tokens that came beside the code. There is none where the code was refused
// because its session or epoch no longer stands.
func (s *Service) endReused(ctx context.Context, tx Tx, c code, now time.Time) error {
	for _, of := range []string{c.ID, beside(c.ID)} {
		g, ended, err := tx.EndGrant(ctx, "", of, now)
		if err != nil {
			return fmt.Errorf("end grant: %w", err)
		}
		if !ended {
			continue
		}
		if err := tx.Append(ctx, s.event(audit.CodeReused, g)); err != nil {
			return err
		}
	}
	return nil
}

// verifies checks PKCE (RFC 7636 §4.6). A verifier without a challenge is refused too: otherwise a code
// could be injected into an RP that thinks itself protected (RFC 9700 §4.8.2).
func verifies(challenge, verifier string) bool {
	if challenge == "" || verifier == "" {
		return challenge == verifier
	}
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (s *Service) event(kind audit.Kind, g Grant) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: g.Account, Client: g.ClientID, Session: string(g.Session),
		Detail: map[string]string{"grant": g.ID}}
}
