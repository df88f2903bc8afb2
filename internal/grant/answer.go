package grant

import (
	"context"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
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
	Failed         bool    // it says what is wrong: nobody has logged in
	Watched        Watched // what the browser shows of its session from now on

	open url.Values // an error that has no number yet, and nothing of it in Params
	sign func(url.Values) (url.Values, error)
}

// Problem is the error of an answer that waits for its number; empty where nothing is wrong.
func (a Answer) Problem() string {
	if a.open == nil {
		return ""
	}
	return Error{a.open.Get("error"), a.open.Get("error_description")}.Error()
}

// Numbered is the answer as it goes out: an error with the number by which the operator finds it, signed afterwards where the RP's answers
// are (JARM).
func (a Answer) Numbered(reference string) (Answer, error) {
	if a.open == nil {
		return a, nil
	}
	v := a.open
	v.Set("error_description", v.Get("error_description")+" (reference "+reference+")")
	var err error
	if a.Params, a.open = v, nil; a.sign != nil {
		a.Params, err = a.sign(v)
	}
	return a, err
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
func (s *Service) answer(ctx context.Context, rp relyingparty.RP, r authn.Request, v url.Values) (Answer, error) {
	if r.State != "" {
		v.Set("state", r.State)
	}
	v.Set("iss", s.Issuer)
	mode, signed := strings.CutSuffix(r.ResponseMode, ".jwt")
	a := Answer{RedirectURI: r.RedirectURI, Params: v, Post: mode == FormPost, Fragment: mode == Fragment, Failed: v.Has("error")}
	if signed {
		a.sign = func(v url.Values) (url.Values, error) { return s.wrap(ctx, rp, v) }
	}
	var err error
	switch {
	case a.Failed:
		a.Params, a.open = nil, v
	case signed:
		a.Params, err = a.sign(v)
	}
	return a, err
}

// failed is an answer that says what is wrong (RFC 6749 §4.1.2.1).
func (s *Service) failed(ctx context.Context, rp relyingparty.RP, r authn.Request, e Error) (Answer, error) {
	return s.answer(ctx, rp, r, url.Values{"error": {e.Code}, "error_description": {e.Description}})
}

// isPostable says whether a browser can post to the address: it cannot to an app's own scheme.
func isPostable(redirect string) bool {
	return strings.HasPrefix(redirect, "https://") || strings.HasPrefix(redirect, "http://")
}
