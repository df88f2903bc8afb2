package relyingparty

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// FAPI is the profile of FAPI 2.0 that an RP is held to; empty: none.
type FAPI string

// The profiles.
const (
	FAPISecurity       FAPI = "security"        // FAPI 2.0 Security Profile
	FAPIMessageSigning FAPI = "message-signing" // and FAPI 2.0 Message Signing: requests and answers are signed too
)

// IsFAPI says whether the RP is held to FAPI 2.0.
func (o Options) IsFAPI() bool { return o.FAPI != "" }

// MustSign says whether answers by way of the browser are signed, whatever the request asks for (Message Signing §5.4).
func (o Options) MustSign() bool { return o.FAPI == FAPIMessageSigning }

// WithFAPI is the RP with what its profile decides anyway.
func (rp RP) WithFAPI() RP {
	if !rp.Options.IsFAPI() {
		return rp
	}
	rp.RequireDPoP, rp.Options.RequirePAR = true, true
	if rp.Options.MustSign() {
		rp.Options.RequireSigned = true
		if rp.Options.AnswerSigned == "" {
			rp.Options.AnswerSigned = "ES256"
		}
	}
	return rp
}

// ErrFAPI says what an RP lacks that FAPI 2.0 asks of it.
var ErrFAPI = errors.New("FAPI 2.0 asks for")

// checkFAPI is FAPI 2.0 Security Profile §5.3.2, §5.4, as far as it is decided by the registration.
func (rp RP) checkFAPI() error {
	o := rp.Options
	switch {
	case !o.IsFAPI():
		return nil
	case o.FAPI != FAPISecurity && o.FAPI != FAPIMessageSigning:
		return fmt.Errorf("%w a profile that there is, security or message-signing: %q", ErrFAPI, o.FAPI)
	case o.AuthMethod != PrivateKeyJWT:
		return fmt.Errorf("%w private_key_jwt", ErrFAPI)
	case !rp.RequirePKCE:
		return fmt.Errorf("%w PKCE", ErrFAPI)
	case !slices.Equal(o.ResponseTypes, []string{CodeType}) && len(o.ResponseTypes) > 0:
		return fmt.Errorf("%w the response type code, and no other", ErrFAPI)
	case slices.Contains(append(rp.AskedAlgs(), o.AuthAlg, o.ObjectAlg), "RS256"):
		return fmt.Errorf("%w signatures by ES256, EdDSA or PS256", ErrFAPI)
	}
	for _, uri := range rp.RedirectURIs {
		if !strings.HasPrefix(uri, "https://") {
			return fmt.Errorf("%w redirect URIs over https: %q", ErrFAPI, uri)
		}
	}
	return nil
}
