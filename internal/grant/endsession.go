package grant

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Logout is an RP's wish to sign out (RP-Initiated Logout §2), as far as it could be understood.
type Logout struct {
	RP       relyingparty.RP // zero: nobody named
	Location string          // where to go afterwards; empty: our own page
	// Sure says that the ID token hint names the very session of this browser: no question is needed.
	Sure  bool
	Facts authn.Facts
	// Refusal is set when the request itself is wrong.
	Refusal Refusal
}

// ReadLogout judges a logout request. It changes nothing.
func (s *Service) ReadLogout(ctx context.Context, q url.Values, current secret.Token) (Logout, error) {
	if wellFormed(q) != nil {
		return Logout{Refusal: MalformedRequest}, nil
	}
	hint, hinted := s.readHint(q.Get("id_token_hint"))
	if !hinted && s.isDistrusted(q.Get("id_token_hint")) {
		q.Del("id_token_hint") // as if there was none: a page asks, and nobody stays logged in because a key was replaced
	}
	clientID := q.Get("client_id")
	if hinted && clientID == "" {
		clientID = hint.Audience
	}
	l := Logout{}
	if clientID != "" {
		rp, ok, err := s.Store.FindRP(ctx, clientID)
		if err != nil {
			return l, fmt.Errorf("find relying party: %w", err)
		}
		if !ok {
			return Logout{Refusal: UnknownClient}, nil
		}
		l.RP = rp
	}
	if q.Get("id_token_hint") != "" && (!hinted || clientID != hint.Audience) {
		return Logout{RP: l.RP, Refusal: MalformedRequest}, nil
	}
	if after := q.Get("post_logout_redirect_uri"); after != "" {
		// Without a registered address anybody could use the page to send people anywhere (§3.1).
		if !l.RP.MatchPostLogout(after) {
			return Logout{RP: l.RP, Refusal: WrongRedirectURI}, nil
		}
		l.Location = withState(after, q.Get("state"))
	}
	var err error
	if l.Facts, _, err = s.Authn.Current(ctx, current); err != nil {
		return l, err
	}
	l.Sure = hinted && l.Facts.Live && (l.RP.Options.IsPairwise() || hint.Subject == string(l.Facts.Session.Account)) &&
		hint.SID == authn.SID(s.Keys, l.Facts.Session.ID, hint.Audience)
	return l, nil
}

// readHint opens an ID token that we signed, however old (§2: the hint may have expired).
func (s *Service) readHint(token string) (idClaims, bool) {
	var c idClaims
	return c, token != "" && s.Sign.Verify(token, "JWT", &c) == nil && c.Issuer == s.Issuer && c.Expires > 0 // an answer of userinfo has no end
}

// isDistrusted says whether a hint is by a key of ours that was replaced.
func (s *Service) isDistrusted(token string) bool {
	var c idClaims
	return token != "" && signingkey.IsDistrusted(s.Sign.Verify(token, "JWT", &c))
}

func withState(after, state string) string {
	if state == "" {
		return after
	}
	separator := "?"
	if strings.Contains(after, "?") {
		separator = "&"
	}
	return after + separator + url.Values{"state": {state}}.Encode()
}

// SignOut ends the browser's session: its grants end with it and its RPs are told. It returns by what FrontLogouts knows those that are
// told in the browser; empty: there are none.
func (s *Service) SignOut(ctx context.Context, current secret.Token, b authn.Browser) (farewell string, err error) {
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return "", err
	}
	now := s.Now()
	err = s.InTx(ctx, func(tx Tx) error {
		which := authn.Which{Account: acc.ID, Session: f.Session.ID}
		if _, err := authn.EndSessions(ctx, tx, which, session.EndedBySignOut, now); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.SignedOut, At: now, Actor: "account", Account: acc.ID,
			Session: string(f.Session.ID), Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
	if err != nil {
		return "", err
	}
	return s.farewell(ctx, f.Session.ID)
}

// LogoutToken signs the token that tells an RP of a session's end (Back-Channel Logout §2.4). It lives two
// minutes, so each delivery has a new one, signed and encrypted as the RP's ID tokens are (§2.6). to is where the RP hears of it now; itself says that it
// registered itself. It fails with outbox.ErrRefused where the RP wants to hear nothing any more, or was removed: by which name it knew the person
// nobody can say then. Where its keys cannot be read it fails otherwise: they may be there at the next try.
func (s *Service) LogoutToken(ctx context.Context, clientID, subject string, id session.ID) (token, to string, itself bool, err error) {
	now := s.Now()
	rp, ok, err := s.Store.FindRP(ctx, clientID)
	switch {
	case err != nil:
		return "", "", false, fmt.Errorf("find relying party: %w", err)
	case !ok:
		return "", "", false, fmt.Errorf("%w: the app was removed", outbox.ErrRefused)
	case rp.BackchannelLogoutURI == "":
		return "", "", false, fmt.Errorf("%w: the app has no back channel any more", outbox.ErrRefused)
	}
	if rp.Options.IsPairwise() {
		if subject, err = s.Store.FindToldName(ctx, id, clientID); err != nil {
			return "", "", false, fmt.Errorf("find sector's name: %w", err)
		}
	}
	claims := map[string]any{
		"iss": s.Issuer, "sub": subject, "aud": clientID, "iat": now.Unix(), "exp": now.Unix() + 120, "jti": secret.NewID(),
		"sid":    authn.SID(s.Keys, id, clientID),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if subject == "" {
		delete(claims, "sub") // the account was erased, and its names with it: sid is enough (§2.4)
	}
	if token, err = s.Sign.Sign(signingkey.Alg(rp.IDTokenAlg), "logout+jwt", claims); err == nil {
		token, err = s.encrypt(ctx, rp, rp.Options.IDTokenEncryption(), "JWT", token)
	}
	return token, rp.BackchannelLogoutURI, rp.Itself, err
}
