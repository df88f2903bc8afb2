package grant

import (
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/authn"
)

// FormPost is the response mode in which the answer comes to the RP in a form that the browser posts, and so in no address
// (OAuth 2.0 Form Post Response Mode §2).
const FormPost = "form_post"

// Answer is what an RP is told by way of the browser, and where.
type Answer struct {
	RedirectURI string
	Params      url.Values // none: the browser goes there and brings nothing
	// Post says that the browser posts the parameters, Fragment that they stand in the fragment; else they stand in the query.
	Post, Fragment bool
}

// Location is the address that the browser goes to, where the answer is not posted.
func (a Answer) Location() string {
	if len(a.Params) == 0 {
		return a.RedirectURI
	}
	separator := "?"
	switch {
	case a.Fragment:
		separator = "#" // no registered address has one
	case strings.Contains(a.RedirectURI, "?"):
		separator = "&"
	}
	return a.RedirectURI + separator + a.Params.Encode()
}

// answer is what the RP of a request gets, with its state, and with the issuer (RFC 9207 §2).
func (s *Service) answer(r authn.Request, v url.Values) Answer {
	if r.State != "" {
		v.Set("state", r.State)
	}
	v.Set("iss", s.Issuer)
	return Answer{RedirectURI: r.RedirectURI, Params: v, Post: r.ResponseMode == FormPost, Fragment: r.ResponseMode == Fragment}
}

// failed is an answer that says what is wrong (RFC 6749 §4.1.2.1).
func (s *Service) failed(r authn.Request, e Error) Answer {
	return s.answer(r, url.Values{"error": {e.Code}, "error_description": {e.Description}})
}

// isPostable says whether a browser can post to the address: it cannot to an app's own scheme.
func isPostable(redirect string) bool {
	return strings.HasPrefix(redirect, "https://") || strings.HasPrefix(redirect, "http://")
}
