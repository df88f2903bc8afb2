package grant

import (
	"cmp"
	"errors"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/session"
)

// ErrChanged says that the RP may not make a request any more: its registration has changed since. It asks anew, and hears then what it may.
var ErrChanged = errors.New("the registration has changed while the request waited for a sign-in")

// mayStillAsk holds a request that has waited for a sign-in against its RP as it is registered now.
func (s *Service) mayStillAsk(rp relyingparty.RP, r authn.Request) bool {
	kind := cmp.Or(r.ResponseType, relyingparty.CodeType)
	_, fault := readMode(cmp.Or(r.ResponseMode, Query), kind != relyingparty.CodeType, isPostable(r.RedirectURI), rp.Options)
	_, err := s.target(rp, "", r.Resource)
	return rp.MatchRedirect(r.RedirectURI) && rp.Options.MayAskFor(kind) && fault == nil && err == nil &&
		(!rp.RequirePKCE || r.CodeChallenge != "" || !wants(r, "code")) &&
		!(rp.Options.RequirePAR && r.Unpushed) && !(rp.Options.RequireSigned && r.Unsigned)
}

// asksMore says whether the RP requires more of every sign-in than when it made the request, and more than this one is worth.
func asksMore(rp relyingparty.RP, r authn.Request, acr session.ACR) bool {
	floor := session.ACR(rp.RequireACR)
	return floor != "" && floor != r.Floor && !acr.Satisfies(floor)
}
