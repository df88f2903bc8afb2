package grant

import (
	"crypto/sha256"
	"encoding/base64"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Watched is what a browser shows of its session to the frame that RPs ask (Session Management 1.0 §3): a value that changes with the
// session and tells nothing of it. The zero value: nothing is shown.
type Watched struct {
	Value   string
	Expires time.Time
}

// watch adds session_state to the answer of an RP that is registered for it (§2): a salted hash, good at the RP's own origin alone.
func (s *Service) watch(rp relyingparty.RP, r authn.Request, of session.Session, answer map[string][]string) Watched {
	origin := relyingparty.Origin(r.RedirectURI)
	if !rp.Options.Watches || origin == "" {
		return Watched{}
	}
	w := Watched{Value: s.Keys.Pseudonym("watched session", string(of.ID)), Expires: of.Expires}
	salt := secret.NewID()
	sum := sha256.Sum256([]byte(rp.ClientID + " " + origin + " " + w.Value + " " + salt))
	answer["session_state"] = []string{base64.RawURLEncoding.EncodeToString(sum[:]) + "." + salt}
	return w
}
