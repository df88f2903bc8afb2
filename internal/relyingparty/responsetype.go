package relyingparty

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// CodeType is the response type of every RP that is registered for no other: a code, and tokens for it by the back channel.
const CodeType = "code"

// ResponseTypes lists what an RP can be registered for (OAuth 2.0 Multiple Response Type Encoding Practices §§3, 5). An access token alone
// is not among them: OpenID Connect has no use for it, and RFC 9700 §2.1.2 advises against all that brings one.
func ResponseTypes() []string {
	return []string{CodeType, "id_token", "id_token token", "code id_token", "code token", "code id_token token"}
}

// ResponseType is a response type with its words in their order, which means nothing (ibid. §3).
func ResponseType(text string) string {
	return strings.Join(slices.Sorted(slices.Values(strings.Fields(text))), " ")
}

// MayAskFor says whether the RP is registered for a response type, and for the grant type that it belongs to (OIDC Registration §2).
func (o Options) MayAskFor(responseType string) bool {
	return o.Names(responseType) && (responseType == CodeType || o.MayUse(Implicit))
}

// Names says whether the registration names a response type; where it names none, it is a code.
func (o Options) Names(responseType string) bool {
	if len(o.ResponseTypes) == 0 {
		return responseType == CodeType
	}
	return slices.ContainsFunc(o.ResponseTypes, func(t string) bool { return ResponseType(t) == responseType })
}

// ErrResponseType says that nobody can be registered for a response type.
var ErrResponseType = errors.New("a response type is one of " + strings.Join(ResponseTypes(), ", "))

func (o Options) checkResponseTypes() error {
	for _, t := range o.ResponseTypes {
		if !slices.Contains(ResponseTypes(), ResponseType(t)) {
			return fmt.Errorf("%w: %q", ErrResponseType, t)
		}
	}
	return nil
}

// errBearer is for an RP whose tokens are bound to a key: nobody proves a key by way of a browser.
var errBearer = errors.New("an app that gets tokens bound to its key gets none by way of the browser (response type token)")

// checkBound holds what comes by way of the browser against what the RP is held to.
func (rp RP) checkBound() error {
	for _, t := range rp.Options.ResponseTypes {
		if rp.RequireDPoP && slices.Contains(strings.Fields(t), "token") {
			return errBearer
		}
	}
	return nil
}
