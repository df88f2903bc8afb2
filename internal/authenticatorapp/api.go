package authenticatorapp

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/web"
)

// The rights of an authenticator's tokens (RULES §8).
const (
	mayConfigure = "2fa.push:configure"
	mayRead      = "2fa.push:read"
	mayApprove   = "2fa.push:approve"
	mayDelete    = "2fa.push:delete"
)

const maxBody = 16 << 10

// call is one request of a paired authenticator.
type call struct {
	w   http.ResponseWriter
	r   *http.Request
	key authn.PushKey
	// ends is when the access token does, and with it whatever goes on for longer than one answer.
	ends time.Time
}

// mountAPI mounts the endpoints of docs/authenticator-protocol.md.
func (d *Door) mountAPI(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	methods := map[string]string{}
	mount := func(method, path string, h http.HandlerFunc) {
		mux.Handle(method+" "+path, web.AnyOrigin(d.nonced(h)))
		methods[path] = strings.TrimPrefix(methods[path]+", "+method, ", ")
	}
	mount("POST", "/push/pair", d.postPair)
	mount("POST", "/push/lost", d.postLost)
	mount("GET", "/push/account", d.paired(mayRead, d.getAccount))
	mount("DELETE", "/push/account", d.paired(mayDelete, d.deleteAccount))
	mount("PUT", "/push/subscription", d.paired(mayConfigure, d.putSubscription))
	mount("DELETE", "/push/subscription", d.paired(mayConfigure, d.deleteSubscription))
	mount("GET", "/push/challenges", d.paired(mayRead, d.getChallenges))
	mount("POST", "/push/challenges/{id}", d.paired(mayApprove, d.postAnswer))
	mount("GET", "/push/events", d.paired(mayRead, d.getEvents))
	for path := range methods {
		mux.Handle("OPTIONS "+path, web.AnyOrigin(func(http.ResponseWriter, *http.Request) {}))
	}
}

// nonced puts a fresh nonce for the next DPoP proof on every answer (RFC 9449 §8.2).
func (d *Door) nonced(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("DPoP-Nonce", d.Grant.DPoPNonce())
		next(w, r)
	}
}

// use is how the request proves itself.
func (d *Door) use(r *http.Request) grant.Use {
	u := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + r.URL.EscapedPath()}
	u.Scheme, u.Token = web.Presented(r)
	return u
}

// paired opens an endpoint to authenticators whose token has the right, and whose account has not removed them.
func (d *Door) paired(scope string, next func(call) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		access, err := d.Grant.Authorize(r.Context(), d.use(r), scope)
		if err != nil {
			d.refuse(w, r, err)
			return
		}
		key, ok, err := d.Enrolment.Authenticator(r.Context(), access.Grant)
		if err == nil && !ok {
			err = grant.ErrToken
		}
		if err == nil {
			err = next(call{w, r, key, access.Expires})
		}
		if err != nil {
			d.refuse(w, r, err)
		}
	}
}

// fault is an answer of the protocol that is no success.
type fault struct {
	status      int
	code        string
	description string
}

// Error names the fault for the log.
func (f fault) Error() string { return f.code + ": " + f.description }

// faults are what the flows' errors are called in the protocol.
var faults = []struct {
	err error
	fault
}{
	{enrolment.ErrNoCode, fault{http.StatusNotFound, "invalid_code", "the code is unknown, expired or withdrawn"}},
	{enrolment.ErrUsedCode, fault{http.StatusConflict, "already_used", "another authenticator has used the code"}},
	{enrolment.ErrLast, fault{http.StatusConflict, "last", "two-factor authentication is required, and this is the last authenticator"}},
	{enrolment.ErrSubscription, fault{http.StatusBadRequest, "invalid_subscription", "the endpoint or its keys cannot be used"}},
	{authn.ErrNoChallenge, fault{http.StatusNotFound, "not_found", "there is no such request"}},
	{authn.ErrWrong, fault{http.StatusBadRequest, "invalid_answer", "the answer is not this key's answer to this request"}},
}

var errBody = fault{http.StatusBadRequest, "invalid_request", "the body is not the JSON that is asked for here"}

// proofAlgs are the algorithms of DPoP proofs.
var proofAlgs = strings.Join(signingkey.ProofAlgs(), " ")

// refuse answers an error: those of tokens by RFC 6750 and RFC 9449, the protocol's own by their names.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[grant.Error](err); ok {
		challenge := web.Challenge{DPoP: true, Algs: proofAlgs, Code: e.Code, Description: e.Description}
		challenge.Write(w.Header())
		d.say(w, r, fault{challenge.Status(), e.Code, e.Description})
		return
	}
	if f, ok := errors.AsType[fault](err); ok {
		d.say(w, r, f)
		return
	}
	for _, f := range faults {
		if errors.Is(err, f.err) {
			d.say(w, r, f.fault)
			return
		}
	}
	d.Log.ErrorContext(r.Context(), "authenticatorapp: request failed", "reference", web.Reference(r.Context()), "error", err)
	d.say(w, r, fault{http.StatusInternalServerError, "server_error", "something went wrong on our side"})
}

func (d *Door) say(w http.ResponseWriter, r *http.Request, f fault) {
	web.JSON(w, f.status, map[string]string{"error": f.code, "error_description": f.description, "reference": web.Reference(r.Context())})
}

func read(w http.ResponseWriter, r *http.Request, into any) error {
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into) != nil {
		return errBody
	}
	return nil
}

func (d *Door) now() int64 { return d.Enrolment.Now().UnixMilli() }

// phone is where the authenticator is.
func phone(r *http.Request) authn.Browser {
	agent := r.UserAgent()
	return authn.Browser{Device: session.Device{UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 512)], "?"), Address: web.ClientAddr(r.Context()).String()}}
}
