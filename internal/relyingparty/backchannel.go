package relyingparty

import (
	"fmt"
	"slices"
	"strings"
)

// Backchannel is how an RP asks a person on her phone, without a browser (OpenID Connect CIBA Core §4).
type Backchannel struct {
	// Delivery is how it hears of the answer: it asks for it (Poll), or is told that there is one (Ping).
	Delivery string `json:"backchannel_token_delivery_mode,omitempty"`
	// NotifyURI is where it is told.
	NotifyURI string `json:"backchannel_client_notification_endpoint,omitempty"`
	// AskAlg is the algorithm by which it signs what it asks; empty: it need not sign.
	AskAlg string `json:"backchannel_authentication_request_signing_alg,omitempty"`
	// UserCode would ask the person for a code of her own, which nobody has here.
	UserCode bool `json:"backchannel_user_code_parameter,omitempty"`
}

// The ways in which the answer is had. There is no third one: tokens are fetched, and never sent.
const (
	Poll = "poll"
	Ping = "ping"
)

// Deliveries lists them.
func Deliveries() []string { return []string{Poll, Ping} }

// AskBy lets an RP ask people on their phones beside whatever else it may do, and hear of their answers in the given way; empty: it asks nobody. redirects is
// whether it has a redirect URI, by which people log in to it too.
func (o *Options) AskBy(delivery string, redirects bool) {
	o.GrantTypes = slices.DeleteFunc(slices.Clone(o.GrantTypes), func(one string) bool { return one == CIBA })
	if delivery == "" {
		o.Backchannel = Backchannel{}
		return
	}
	if len(o.GrantTypes) == 0 { // named, because a list with one name in it would take the others away
		o.GrantTypes = append(o.GrantTypes, RefreshToken)
		if redirects {
			o.GrantTypes = append(o.GrantTypes, AuthorizationCode)
		}
		if len(o.ResponseTypes) > 0 {
			o.GrantTypes = append(o.GrantTypes, Implicit)
		}
	}
	o.GrantTypes, o.Delivery = append(o.GrantTypes, CIBA), delivery
}

// checkBackchannel holds what an RP says of its questions against the rest. Whoever is asked so shows one proof, and must belong to an employer
// whose app it is.
func (rp RP) checkBackchannel() error {
	b := rp.Options.Backchannel
	bad := func(why string) error { return fmt.Errorf("%w: %s", ErrMetadata, why) }
	switch {
	case !rp.Options.MayUse(CIBA):
		if b != (Backchannel{}) {
			return bad("backchannel_… belongs to the grant type " + CIBA)
		}
		return nil
	case rp.IsPublic():
		return bad("the grant type " + CIBA + " is for apps that prove themselves")
	case len(rp.Organisations) == 0:
		return bad("the grant type " + CIBA + " is for apps of an organisation: its people alone are asked")
	case rp.RequireACR == "urn:portvakt:aal2":
		return bad("the grant type " + CIBA + " brings one proof, and the app requires more")
	case !slices.Contains(Deliveries(), b.Delivery):
		return bad("backchannel_token_delivery_mode is poll or ping")
	case b.Delivery == Ping && b.NotifyURI == "":
		return bad("ping needs backchannel_client_notification_endpoint")
	case b.AskAlg != "" && !slices.Contains(ObjectAlgs(), b.AskAlg):
		return bad("backchannel_authentication_request_signing_alg is one of those of request objects")
	case b.AskAlg != "" && !rp.Options.HasKeys():
		return ErrNoKeys
	case b.UserCode:
		return bad("backchannel_user_code_parameter: nobody has such a code here")
	case strings.Contains(b.NotifyURI, "?"): // it stands in the log of what was sent
		return bad("backchannel_client_notification_endpoint has no query: the app knows pings by its token")
	case b.NotifyURI != "":
		return checkWeb(b.NotifyURI)
	}
	return nil
}
