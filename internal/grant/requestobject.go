package grant

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// requestObjectTypes are the typ headers of request objects: RFC 9101 §10.8 gives them one of their own, older clients send "JWT" or none.
var requestObjectTypes = []string{"", "JWT", "oauth-authz-req+jwt"}

func errObject(why string) *Error { return &Error{"invalid_request_object", why} }

// errUnsigned is for an RP whose requests are signed or not answered (RFC 9101 §10.5).
var errUnsigned = Error{"invalid_request", "this client signs its requests (RFC 9101)"}

// errTwoObjects is for a request that says twice what it is (RFC 9101 §5).
var errTwoObjects = Error{"invalid_request", "a request has one request object, or the address of one"}

// unpack returns the parameters of a request that its RP has signed (RFC 9101): those in the object and no others, because what stands
// beside it in an address may be anybody's. A request without an object is returned as it is. signed says whether there was one.
func (s *Service) unpack(ctx context.Context, q url.Values, rp relyingparty.RP) (unpacked url.Values, signed bool, fault *Error) {
	object, ok := single(q, "request")
	switch {
	case !ok:
		return q, false, errObject("the request object is there twice")
	case object == "":
		return q, false, nil
	case !rp.Options.HasKeys():
		return q, false, &Error{"request_not_supported", "the client has registered no key by which its request objects could be checked"}
	case len(object) > authn.MaxRequest*2:
		return q, false, errObject("the request object is larger than 16 KB")
	}
	if want := rp.Options.ObjectAlg; want != "" && signingkey.AlgOf(object) != want {
		return q, false, errObject("the client is registered to sign its request objects by " + want)
	}
	var claims map[string]any
	if err := s.verifyFrom(ctx, rp, object, requestObjectTypes, &claims); err != nil {
		if e, known := err.(Error); known { //nolint:errorlint // verifyFrom makes it itself
			return q, false, errObject(e.Description)
		}
		return q, false, errObject("the request object cannot be checked")
	}
	if fault := s.judgeObject(claims, rp); fault != nil {
		return q, false, fault
	}
	unpacked = url.Values{"client_id": {rp.ClientID}}
	for name, value := range claims {
		switch name {
		case "iss", "aud", "exp", "nbf", "iat", "jti", "sub", "client_id":
			continue
		}
		text, ok := parameter(value)
		if !ok {
			return q, false, errObject("a member of the request object is no parameter: " + ascii(name))
		}
		unpacked.Set(name, text)
	}
	if len(unpacked.Encode()) > authn.MaxRequest {
		return q, false, errObject("the request is larger than 8 KB")
	}
	return unpacked, true, nil
}

// fetchObject puts the request object that a request names by its address in that address's place (OIDC Core §6.2). Only what the RP has
// registered is fetched; a hash in the address is held against what is there.
func (s *Service) fetchObject(ctx context.Context, q url.Values, rp relyingparty.RP) (url.Values, *Error) {
	at, ok := single(q, "request_uri")
	switch {
	case !ok || q.Has("request"):
		return q, &Error{errTwoObjects.Code, errTwoObjects.Description}
	case !rp.Options.MatchRequestURI(at):
		return q, &Error{"invalid_request_uri", "request_uri is none of the registered ones"}
	}
	address, hash, hashed := strings.Cut(at, "#")
	object, err := s.outside(rp).RequestObjects(ctx, address)
	switch {
	case err != nil:
		return q, &Error{"invalid_request_uri", "the request object could not be fetched"}
	case hashed && !slices.Contains(rp.Options.RequestURIs, at) && hash != hashOf(object):
		return q, &Error{"invalid_request_uri", "the request object is not the one whose hash the address has"}
	}
	q = maps.Clone(q)
	q.Del("request_uri")
	q.Set("request", object)
	return q, nil
}

// judgeObject says what is wrong with the object's own claims (RFC 9101 §4, §5).
func (s *Service) judgeObject(claims map[string]any, rp relyingparty.RP) *Error {
	now := s.Now()
	moment := func(name string) (t time.Time, there, ok bool) {
		v, there := claims[name]
		seconds, ok := v.(float64)
		return numericDate(seconds), there, ok
	}
	expires, ends, ok := moment("exp")
	if ends && (!ok || !now.Before(expires.Add(clockSkew))) {
		return errObject("the request object has expired: is the clock right?")
	}
	begins, starts, ok := moment("nbf")
	if starts && (!ok || begins.Sub(now) > clockSkew) {
		return errObject("the request object is from the future: is the clock right?")
	}
	switch {
	case rp.Options.IsFAPI() && (!starts || !ends || claims["aud"] == nil):
		return errObject("FAPI 2.0 asks for aud, nbf and exp in the request object")
	case rp.Options.IsFAPI() && (now.Sub(begins) > maxObjectLife || expires.Sub(begins) > maxObjectLife):
		return errObject("FAPI 2.0 lets a request object count for an hour at most")
	case claims["iss"] != nil && claims["iss"] != rp.ClientID, claims["client_id"] != nil && claims["client_id"] != rp.ClientID,
		claims["iss"] == nil && claims["client_id"] == nil:
		return errObject("iss of the request object must be the client id")
	case claims["sub"] == rp.ClientID: // else it could be used as a proof of the client itself
		return errObject("sub of a request object must not be the client id (RFC 9101 10.8)")
	case claims["aud"] != nil && !isFor(claims["aud"], s.Issuer):
		return errObject("aud of the request object must be the issuer")
	case claims["request"] != nil || claims["request_uri"] != nil:
		return errObject("a request object holds no other one")
	}
	return nil
}

// isFor says whether an aud member, one name or several, names the issuer.
func isFor(aud any, issuer string) bool {
	if all, several := aud.([]any); several {
		return slices.Contains(all, any(issuer))
	}
	return aud == issuer
}

// parameter is a member as it would stand in an address: a text as it is, a number or a truth in its usual form, an object as JSON.
func parameter(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case []any:
		return "", false
	}
	text, err := json.Marshal(value)
	return strings.TrimSpace(string(text)), err == nil && value != nil
}
