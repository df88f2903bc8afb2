package hrm

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

// logoutTokenAge bounds how old a logout token may be, and clockSkew how far its
// clock may run ahead of ours.
const (
	logoutTokenAge = 10 * time.Minute
	clockSkew      = time.Minute
	maxLogoutBody  = 64 << 10
	maxTokenIDs    = 10_000
)

// backchannelLogout is called by the login service itself when a session ended
// elsewhere (OpenID Connect Back-Channel Logout 1.0 §2.5).
func (a *App) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxLogoutBody)
	token, err := a.verifyLogout(r.Context(), r.PostFormValue("logout_token"))
	if err != nil {
		a.cfg.Log.Warn("hrm: logout token refused", "error", err)
		refuseLogout(w)
		return
	}
	ended := a.sessions.endWhere(token.Subject, token.SessionID)
	a.cfg.Log.Info("hrm: sessions ended by the login service", "sessions", ended)
}

// refuseLogout says no more than that it refuses: the caller may be anybody.
func refuseLogout(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"error":"invalid_request"}` + "\n"))
}

// verifyLogout does the validation of §2.6. The library checks signature, iss,
// aud, exp, the event, sid or sub, jti and the absence of a nonce; type, age and
// replay are ours.
func (a *App) verifyLogout(ctx context.Context, raw string) (*oidc.LogoutToken, error) {
	service, err := a.provider.get(ctx)
	if err != nil {
		return nil, err
	}
	if typ := tokenType(raw); typ != "logout+jwt" {
		return nil, errors.New("not of the type logout+jwt")
	}
	token, err := service.verifier.VerifyLogout(a.provider.withClient(ctx), raw)
	if err != nil {
		return nil, err
	}
	if age := a.cfg.Now().Sub(token.IssuedAt); age > logoutTokenAge || age < -clockSkew {
		return nil, errors.New("issued too long ago, or in the future")
	}
	if !a.seen.first(token.TokenID, token.IssuedAt.Add(logoutTokenAge)) {
		return nil, errors.New("seen before")
	}
	return token, nil
}

// tokenType reads the typ of a JWS header, which the library leaves alone. An id
// token must never pass for a logout token (RFC 8725 §3.11).
func tokenType(raw string) string {
	head, _, _ := strings.Cut(raw, ".")
	plain, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return ""
	}
	var header struct {
		Type string `json:"typ"`
	}
	if json.Unmarshal(plain, &header) != nil {
		return ""
	}
	return strings.TrimPrefix(strings.ToLower(header.Type), "application/")
}

// tokenIDs remembers the jti of logout tokens for as long as they could be replayed.
type tokenIDs struct {
	mu   sync.Mutex
	now  func() time.Time
	seen map[string]time.Time
}

func newTokenIDs(now func() time.Time) *tokenIDs {
	return &tokenIDs{now: now, seen: map[string]time.Time{}}
}

// first tells whether the id is new. A full memory refuses: only the login
// service can fill it, and forgetting would let a replay in.
func (t *tokenIDs) first(id string, until time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	maps.DeleteFunc(t.seen, func(_ string, until time.Time) bool { return until.Before(now) })
	if _, known := t.seen[id]; known || len(t.seen) >= maxTokenIDs {
		return false
	}
	t.seen[id] = until
	return true
}
