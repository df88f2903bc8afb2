package grant

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/throttle"
)

// What comes by way of the browser beside a code, or instead of one (OIDC Core §3.2, §3.3): for RPs that are registered for it alone.

// Fragment is the response mode in which the answer stands behind the address, where no server sees it (OAuth 2.0 Multiple Response Type
// Encoding Practices §2.1).
const Fragment = "fragment"

// Query is the response mode of a code where nobody says otherwise.
const Query = "query"

// ResponseModes lists the ways in which an answer reaches an RP; each can be followed by ".jwt" (see jarm.go).
func ResponseModes() []string { return []string{Query, Fragment, FormPost} }

// readResponse reads what the RP asks for and how it wants to hear of it; empty is a code, and the query: what is so anyway takes no room
// in a cookie. Beside a fault the mode is the one in which the RP hears of it.
func readResponse(q url.Values, rp relyingparty.RP) (kind, mode string, fault *Error) {
	kind = relyingparty.ResponseType(q.Get("response_type"))
	inFront := kind != relyingparty.CodeType && rp.Options.MayAskFor(kind)
	mode, fault = readMode(q.Get("response_mode"), inFront, isPostable(q.Get("redirect_uri")), rp.Options)
	switch {
	case kind == "":
		fault = &Error{"invalid_request", "response_type is missing"}
	case !rp.Options.MayAskFor(kind):
		fault = &Error{"unsupported_response_type", "the client is registered for other response types"}
	}
	if kind == relyingparty.CodeType {
		kind = ""
	}
	if mode == Query {
		mode = ""
	}
	return kind, mode, fault
}

// readMode reads how the RP wants to hear; inFront says that tokens may come, postable that a form reaches it.
func readMode(wanted string, inFront, postable bool, o relyingparty.Options) (mode string, fault *Error) {
	usual := Query
	if inFront {
		usual = Fragment
	}
	mode, signed := strings.CutSuffix(wanted, ".jwt") // JARM §2.3
	if wanted == "jwt" {
		mode, signed = "", true
	}
	if o.MustSign() && !signed {
		fault = &Error{"invalid_request", "the client is registered for signed answers alone: response_mode is jwt"}
	}
	mode = cmp.Or(mode, usual)
	switch {
	case !slices.Contains(ResponseModes(), mode):
		fault = &Error{"invalid_request", "response_mode is none that there is"}
	case mode == FormPost && !postable:
		fault = &Error{"invalid_request", "no browser posts a form to an app's own scheme"}
	case mode == Query && inFront:
		fault = &Error{"invalid_request", "no token stands in a query (Multiple Response Type Encoding Practices 3)"}
	case signed && o.AnswerSigned == "":
		fault = &Error{"invalid_request", "the client is not registered for signed answers"}
	}
	if fault != nil {
		mode, signed = usual, o.MustSign()
	}
	if signed {
		mode += ".jwt"
	}
	return mode, fault
}

// wants says whether the request asks for a code, an id_token or a token.
func wants(r authn.Request, word string) bool {
	return hasScope(cmp.Or(r.ResponseType, relyingparty.CodeType), word)
}

const frontPurpose = secret.Purpose("front channel budget")

// errGone is for a session that has ended while its request was answered.
var errGone = Error{"login_required", "the session has ended"}

// addTokens adds to an answer what the request asks for beside the code, or instead of it. What is not redeemed needs a grant of its own,
// so that a sign-out ends it and its RP is told: one write, and an account has a budget for it. It fails with an Error for the
// RP, and with authn.ErrThrottled.
func (s *Service) addTokens(ctx context.Context, rp relyingparty.RP, r authn.Request, c code, answer url.Values) error {
	now := s.Now()
	c.ID = beside(c.ID) // the code's grant is another one
	g := c.grant(rp, "", now)
	g.Generation, g.Offline = 0, false
	var told idClaims
	var to signingkey.KeySet
	var err error
	if wants(r, "id_token") {
		if to, err = s.recipient(ctx, rp, rp.Options.IDTokenEncryption()); err != nil {
			return err
		}
	}
	if g.Subject, err = s.pairwiseInFront(ctx, rp, g.Account); err != nil {
		return err
	}
	if wants(r, "token") || !wants(r, "code") {
		if err := s.insertFront(ctx, g, c.Epoch, now); err != nil {
			return err
		}
	}
	if wants(r, "token") {
		token, err := s.accessToken(g, "")
		if err != nil {
			return err
		}
		answer.Set("access_token", token)
		answer.Set("token_type", "Bearer")
		answer.Set("expires_in", strconv.Itoa(int(AccessTokenLife/time.Second)))
		answer.Set("scope", g.Scope)
		told.AtHash = halfHash(rp.IDTokenAlg, token)
	}
	if !wants(r, "id_token") {
		return nil
	}
	if code := answer.Get("code"); code != "" {
		told.CodeHash = halfHash(rp.IDTokenAlg, code)
	}
	if r.State != "" {
		told.StateHash = halfHash(rp.IDTokenAlg, r.State)
	}
	if r.ResponseType == "id_token" { // no access token will ever fetch them (§5.4)
		sub, err := s.Store.FindSubject(ctx, g.ID, hasScope(g.Scope, "person"))
		if err != nil {
			return fmt.Errorf("find subject: %w", err)
		}
		info := reveal(g.Scope, sub)
		if !strings.HasPrefix(r.ResponseMode, FormPost) && !rp.Options.IDTokenEncryption().IsOn() {
			info.Persons = nil // a person's key may be a national identity number, and stands in no address (RULES §7)
		}
		told.Userinfo = &info
	}
	told.Nonce = r.Nonce
	token, err := s.idToken(rp, to, g, told)
	answer.Set("id_token", token)
	return err
}

// beside is by what the grant of the tokens is found that came beside a code.
func beside(codeID string) string { return "beside " + codeID }

// insertFront makes the grant of tokens that come by way of the browser.
func (s *Service) insertFront(ctx context.Context, g Grant, epoch int64, now time.Time) error {
	slot := throttle.Slot{Key: s.Keys.Pseudonym(frontPurpose, string(g.Account)), Budget: throttle.Requests}
	insert := func(tx Tx) error {
		taken, err := tx.TakeSlots(ctx, []throttle.Slot{slot}, now)
		if err != nil {
			return err
		}
		if !taken[0].Granted {
			return authn.ErrThrottled
		}
		made, err := tx.InsertGrant(ctx, g, epoch, now, now)
		if err != nil {
			return fmt.Errorf("insert grant: %w", err)
		}
		if !made {
			return errGone
		}
		if err := tx.TouchSession(ctx, g.Session, now.Add(-seenEvery), now); err != nil {
			return fmt.Errorf("touch session: %w", err)
		}
		return tx.Append(ctx, s.event(audit.FrontGranted, g))
	}
	err := s.InTx(ctx, insert)
	if errors.Is(err, authn.ErrOutcomeUnknown) {
		err = s.InTx(ctx, insert) // it finds its own grant
	}
	return err
}
