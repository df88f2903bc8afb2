package grant

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
)

// code is what an authorization code holds. It is sealed into the code itself; only its redemption is a row.
type code struct {
	ID          string   `json:"i"`
	ClientID    string   `json:"c"`
	Session     string   `json:"s"`
	Epoch       int64    `json:"e"`
	RedirectURI string   `json:"r"`
	Challenge   string   `json:"h,omitempty"`
	JKT         string   `json:"k,omitempty"` // the key that alone may redeem it (RFC 9449 §10)
	Nonce       string   `json:"n,omitempty"`
	Scope       string   `json:"o"`
	Resource    string   `json:"w,omitempty"`
	Company     string   `json:"b,omitempty"`
	Account     string   `json:"u"`
	AuthTime    int64    `json:"t"` // Unix ms
	ACR         string   `json:"a"`
	AMR         []string `json:"m"`
	Issued      int64    `json:"z"` // Unix ms
}

const (
	codePurpose = secret.Purpose("code")
	maxCode     = 1024 // characters; a longer one is kept as a row
	rowPrefix   = "row."
)

// issue answers a request that the session satisfies: with a code, or with what else its RP asks for.
func (s *Service) issue(ctx context.Context, rp relyingparty.RP, r authn.Request, f authn.Facts, epoch int64, company string) (Answer, error) {
	now := s.Now()
	c := code{ID: secret.NewID(), ClientID: rp.ClientID, Session: string(f.Session.ID), Epoch: epoch,
		RedirectURI: r.RedirectURI, Challenge: r.CodeChallenge, JKT: r.DPoPJKT, Nonce: r.Nonce, Scope: r.Scope, Resource: r.Resource, Company: company, Account: string(f.Session.Account),
		AuthTime: f.Session.AuthTime.UnixMilli(), ACR: string(r.Asserted(f.Session.ACR)), AMR: f.Session.AMR, Issued: now.UnixMilli()}
	answer := url.Values{}
	if wants(r, "code") {
		value, err := s.seal(ctx, c, now)
		if err != nil {
			return Answer{}, err
		}
		answer.Set("code", value)
	}
	if r.ResponseType != "" {
		err := s.addTokens(ctx, rp, r, c, answer)
		if e, ok := errors.AsType[Error](err); ok {
			return s.failed(ctx, rp, r, e)
		}
		if err != nil {
			return Answer{}, err
		}
	}
	watched := s.watch(rp, r, f.Session, answer)
	a, err := s.answer(ctx, rp, r, answer)
	a.Watched = watched
	return a, err
}

// seal makes the code itself.
func (s *Service) seal(ctx context.Context, c code, now time.Time) (string, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	value := s.Keys.Seal(codePurpose, "", plain, now)
	if len(value) > maxCode {
		return s.keep(ctx, value, account.ID(c.Account), now)
	}
	return value, nil
}

const rowBudget = secret.Purpose("code row budget")

// keep stores a code that is too long for a URL under the hash of a short one. An account has a budget for it, so that
// nobody fills the table by asking again and again; over it the error is authn.ErrThrottled.
func (s *Service) keep(ctx context.Context, value string, id account.ID, now time.Time) (string, error) {
	short := secret.NewToken()
	slot := throttle.Slot{Key: s.Keys.Pseudonym(rowBudget, string(id)), Budget: throttle.Requests}
	err := s.InTx(ctx, func(tx Tx) error {
		taken, err := tx.TakeSlots(ctx, []throttle.Slot{slot}, now)
		if err != nil {
			return err
		}
		if !taken[0].Granted {
			return authn.ErrThrottled
		}
		return tx.KeepRequest(ctx, short.Hash().Text(), []byte(value), now.Add(CodeLife))
	})
	return rowPrefix + short.Reveal(), err
}

// openCode reads a code; ok is false for a foreign, changed or expired one.
func (s *Service) openCode(ctx context.Context, value string) (c code, ok bool, err error) {
	if short, isRow := strings.CutPrefix(value, rowPrefix); isRow {
		body, found, err := s.Store.FindRequest(ctx, secret.Token(short).Hash().Text(), s.Now())
		if err != nil || !found {
			return c, false, err
		}
		value = string(body)
	}
	plain, err := s.Keys.Open(codePurpose, "", value, CodeLife, s.Now())
	if err != nil || json.Unmarshal(plain, &c) != nil {
		return code{}, false, nil
	}
	age := s.Now().Sub(time.UnixMilli(c.Issued))
	return c, age <= CodeLife && age >= -CodeLife, nil
}

// bound is the key that an RP's refresh tokens are bound to, where jkt is that of the proof. A confidential client's are bound to its
// secret already, and its key may change (RFC 9449 §5).
func bound(rp relyingparty.RP, jkt string) string {
	if rp.IsPublic() {
		return jkt
	}
	return ""
}

// grant is what a code becomes.
func (c code) grant(rp relyingparty.RP, jkt string, now time.Time) Grant {
	g := Grant{ID: secret.NewID(), CodeID: c.ID, ClientID: c.ClientID, Account: account.ID(c.Account), Session: session.ID(c.Session),
		Scope: c.Scope, Resource: c.Resource, Company: c.Company, JKT: bound(rp, jkt),
		Offline: hasScope(c.Scope, "offline_access") && rp.RefreshTokens, ACR: session.ACR(c.ACR), AMR: c.AMR, AuthTime: time.UnixMilli(c.AuthTime),
		Rotated: now, FormerRotated: now, Created: now, Expires: now.Add(rp.RefreshLife)}
	if rp.RefreshTokens {
		g.Generation = 1
	}
	return g
}

func hasScope(scope, want string) bool {
	for s := range strings.FieldsSeq(scope) {
		if s == want {
			return true
		}
	}
	return false
}
