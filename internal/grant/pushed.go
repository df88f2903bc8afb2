package grant

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Pushed is the answer to a pushed authorization request (RFC 9126 §2.2).
type Pushed struct {
	RequestURI string `json:"request_uri"`
	ExpiresIn  int    `json:"expires_in"` // seconds
}

// PushedLife is how long a pushed request waits for the browser. It is not used up by the first look: a person may reload the page,
// and a GET writes nothing (RFC 9126 §4 allows both).
const PushedLife = 90 * time.Second

const (
	pushedPrefix = "urn:ietf:params:oauth:request_uri:"
	pushBudget   = secret.Purpose("pushed request budget")
)

// errNotPushed is for an RP whose requests come by the back channel alone (RFC 9126 §6).
var errNotPushed = Error{"invalid_request", "this client pushes its requests (RFC 9126)"}

// Push keeps an authorization request that an RP hands in by the back channel, and names it. It is judged at once, so that the RP
// hears of a mistake before any browser is sent away. It fails with an Error, and with authn.ErrThrottled for a network from which too
// many come without a proof of who sends them.
func (s *Service) Push(ctx context.Context, c Client, u Use, form url.Values, network string) (Pushed, error) {
	rp, err := s.authenticate(ctx, c)
	if err != nil {
		return Pushed{}, err
	}
	if err := checkProofs(rp.Options, u); err != nil {
		return Pushed{}, err
	}
	jkt, err := s.prove(u)
	if err != nil {
		return Pushed{}, err
	}
	q, fault := s.readPushed(ctx, form, rp, jkt)
	if fault != nil {
		return Pushed{}, *fault
	}
	body := []byte(q.Encode())
	if len(body) > authn.MaxRequest {
		return Pushed{}, Error{"invalid_request", "the request is larger than 8 KB"}
	}
	now, name := s.Now(), secret.NewToken()
	err = s.InTx(ctx, func(tx Tx) error {
		if rp.IsPublic() {
			taken, err := tx.TakeSlots(ctx, []throttle.Slot{{Key: s.Keys.Pseudonym(pushBudget, network), Budget: throttle.Requests}}, now)
			if err != nil {
				return err
			}
			if !taken[0].Granted {
				return authn.ErrThrottled
			}
		}
		return tx.KeepRequest(ctx, name.Hash().Text(), body, now.Add(PushedLife))
	})
	if err != nil {
		return Pushed{}, fmt.Errorf("keep request: %w", err)
	}
	return Pushed{RequestURI: pushedPrefix + name.Reveal(), ExpiresIn: int(PushedLife / time.Second)}, nil
}

// readPushed judges a pushed request. jkt is the key of a DPoP proof that came with it; the code is bound to it then (RFC 9449 §10.1).
func (s *Service) readPushed(ctx context.Context, form url.Values, rp relyingparty.RP, jkt string) (url.Values, *Error) {
	q := url.Values{}
	for name, v := range form {
		switch name {
		case "client_secret", "client_assertion", "client_assertion_type":
		default:
			q[name] = v
		}
	}
	if id, ok := single(q, "client_id"); !ok || id != "" && id != rp.ClientID {
		return nil, &Error{"invalid_request", "client_id is another one than that of the authentication"}
	}
	if q.Has("request_uri") { // nor beside a signed request, of which it is no part
		return nil, &Error{"invalid_request", "request_uri is not pushed (RFC 9126 2.1)"}
	}
	q.Set("client_id", rp.ClientID)
	q, signed, fault := s.unpack(ctx, q, rp)
	switch {
	case fault != nil:
		return nil, fault
	case rp.Options.RequireSigned && !signed:
		refusal := errUnsigned
		return nil, &refusal
	}
	if redirect, ok := single(q, "redirect_uri"); !ok || !rp.MatchRedirect(redirect) {
		return nil, &Error{"invalid_request", "redirect_uri is none of the registered ones"}
	}
	if jkt != "" {
		if asked := q.Get("dpop_jkt"); asked != "" && asked != jkt {
			return nil, &Error{"invalid_dpop_proof", "dpop_jkt is another key than that of the proof"}
		}
		q.Set("dpop_jkt", jkt)
	}
	if _, fault := s.parseRequest(q, rp, s.Now()); fault != nil {
		return nil, fault
	}
	return q, nil
}

// pulled returns a pushed request by its name; ok is false for one that is unknown, has expired, or belongs to another client.
func (s *Service) pulled(ctx context.Context, name, clientID string) (request url.Values, ok bool, err error) {
	body, found, err := s.Store.FindRequest(ctx, secret.Token(name).Hash().Text(), s.Now())
	if err != nil || !found {
		return nil, false, err
	}
	request, err = url.ParseQuery(string(body))
	if err != nil || request.Get("client_id") != clientID {
		return nil, false, nil // a row of the same table that is no request, or another client's
	}
	return request, true, nil
}
