package relyingparty

import (
	"errors"
	"fmt"
	"slices"
)

// The scopes of a service: each is a part of the API, to look at or to change. None of them tells of a person who logs in.
const (
	OrganisationRead    = "organisation:read"
	OrganisationWrite   = "organisation:write"
	RegisterRead        = "register:read"
	RegisterWrite       = "register:write"
	TransitionRead      = "transition:read"
	TransitionWrite     = "transition:write"
	SheetsWrite         = "sheets:write" // apart from the rest: whoever prints a sheet holds a key
	AdministratorsRead  = "administrators:read"
	AdministratorsWrite = "administrators:write"
	AuditRead           = "audit:read"
)

// ServiceScopes lists all scopes of services.
func ServiceScopes() []string {
	return []string{OrganisationRead, OrganisationWrite, RegisterRead, RegisterWrite, TransitionRead, TransitionWrite, SheetsWrite, AdministratorsRead, AdministratorsWrite,
		AuditRead}
}

// IsService says whether the RP is a program that acts in its own name: it gets tokens by its secret alone (RFC 6749 §4.4), and nobody
// logs in to it.
func (rp RP) IsService() bool { return len(rp.Scopes) > 0 }

// ErrService says why a service is refused.
var ErrService = errors.New("a service has a secret and scopes of its own, and no addresses: nobody logs in to it, and it asks nobody")

func (rp RP) checkService() error {
	if rp.IsPublic() || rp.RefreshTokens || rp.RequireACR != "" || len(rp.RedirectURIs)+len(rp.PostLogoutRedirectURIs) > 0 ||
		rp.InitiateLoginURI+rp.ClientURI+rp.BackchannelLogoutURI != "" || rp.Options.MayUse(CIBA) || rp.Options.Backchannel != (Backchannel{}) {
		return ErrService
	}
	for i, scope := range rp.Scopes {
		if !slices.Contains(ServiceScopes(), scope) || slices.Contains(rp.Scopes[:i], scope) {
			return fmt.Errorf("%w: %q is not one of its scopes, or is there twice", ErrService, scope)
		}
	}
	return nil
}
