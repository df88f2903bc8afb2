package authenticatorapp

import (
	"context"
	"encoding/base64"
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

var errStreams = fault{http.StatusTooManyRequests, "too_many", "the account has too many streams"}

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

// postPair handles POST /push/pair: a phone comes with a binding code and its keys.
func (d *Door) postPair(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Code string          `json:"code"`
		Key  json.RawMessage `json:"key"`
		Name string          `json:"name"`
		Lang string          `json:"lang"`
	}
	claimed, err := func() (enrolment.Claimed, error) {
		u := d.use(r)
		u.Token = "" // there is none yet
		jkt, jwk, err := d.Grant.ProveKey(r.Context(), u)
		if err != nil {
			return enrolment.Claimed{}, err
		}
		if err := read(w, r, &in); err != nil {
			return enrolment.Claimed{}, err
		}
		if _, err := signingkey.Thumbprint(in.Key); err != nil {
			return enrolment.Claimed{}, fault{http.StatusBadRequest, "invalid_request", "key is not a public P-256 key"}
		}
		return d.Enrolment.Claim(r.Context(), enrolment.Claim{Code: in.Code, JKT: jkt, Signing: jwk, Wrapping: in.Key, Name: in.Name, Language: d.language(in.Lang)})
	}()
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, map[string]any{"device_code": claimed.DeviceCode.Reveal(), "comparison": claimed.Comparison,
		"expires_in": int(claimed.Expires / time.Second), "interval": int(claimed.Interval / time.Second)})
}

// language is the language that we speak of those that a phone names.
func (d *Door) language(named string) string {
	if named == "" {
		return ""
	}
	return string(d.Catalogue.Match(named))
}

// postLost handles POST /push/lost.
func (d *Door) postLost(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	err := read(w, r, &in)
	if err == nil {
		var ok bool
		if ok, err = d.Enrolment.Lost(r.Context(), in.Token); err == nil && !ok {
			err = fault{http.StatusNotFound, "not_found", "the token is none of ours"}
		}
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// account is what an authenticator shows of its account.
type account struct {
	Key        string `json:"key_id"`
	Account    string `json:"account"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Employer   string `json:"employer"`
	Device     string `json:"device"`
	Codes      string `json:"totp"`
	VAPID      vapid  `json:"vapid"`
	Subscribed bool   `json:"subscribed"`
	LostToken  string `json:"lost_token"`
	Now        int64  `json:"now"`
}

type vapid struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// getAccount handles GET /push/account.
func (d *Door) getAccount(c call) error {
	p, err := d.Enrolment.Paired(c.r.Context(), c.key)
	if err != nil {
		return err
	}
	web.JSON(c.w, http.StatusOK, account{Key: c.key.ID, Account: string(p.Account.ID), Name: strings.TrimSpace(p.Account.GivenName + " " + p.Account.FamilyName),
		Address: p.Account.Address, Employer: p.Employer, Device: c.key.Name, Codes: p.Codes,
		VAPID:      vapid{p.VAPID, base64.RawURLEncoding.EncodeToString(p.VAPIDKey)},
		Subscribed: len(c.key.Subscription) > 0, LostToken: p.Lost, Now: d.now()})
	return nil
}

func (d *Door) now() int64 { return d.Enrolment.Now().UnixMilli() }

// phone is where the authenticator is.
func phone(r *http.Request) authn.Browser {
	agent := r.UserAgent()
	return authn.Browser{Device: session.Device{UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 512)], "?"), Address: web.ClientAddr(r.Context()).String()}}
}

// deleteAccount handles DELETE /push/account.
func (d *Door) deleteAccount(c call) error {
	if err := d.Enrolment.Leave(c.r.Context(), c.key, phone(c.r)); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// putSubscription handles PUT /push/subscription.
func (d *Door) putSubscription(c call) error {
	var in struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256DH string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		VAPID string `json:"vapid"`
		Lang  string `json:"lang"`
	}
	if err := read(c.w, c.r, &in); err != nil {
		return err
	}
	sub := enrolment.Subscription{Endpoint: in.Endpoint, P256DH: in.Keys.P256DH, Auth: in.Keys.Auth, VAPID: in.VAPID, Language: d.language(in.Lang)}
	if err := d.Enrolment.Subscribe(c.r.Context(), c.key, sub); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteSubscription handles DELETE /push/subscription.
func (d *Door) deleteSubscription(c call) error {
	if err := d.Enrolment.Unsubscribe(c.r.Context(), c.key); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// getChallenges handles GET /push/challenges.
func (d *Door) getChallenges(c call) error {
	all, err := d.Signin.ListWaiting(c.r.Context(), c.key)
	if err != nil {
		return err
	}
	challenges := make([]any, 0, len(all))
	for _, one := range all {
		challenges = append(challenges, one)
	}
	web.JSON(c.w, http.StatusOK, map[string]any{"challenges": challenges, "now": d.now()})
	return nil
}

// gone is what a phone hears of a challenge that it cannot answer any more.
type gone struct {
	ID        string `json:"id"`
	How       string `json:"how"`
	Elsewhere bool   `json:"elsewhere"` // another phone has answered
}

// postAnswer handles POST /push/challenges/{id}.
func (d *Door) postAnswer(c call) error {
	var in struct {
		Answer string `json:"answer"`
	}
	if err := read(c.w, c.r, &in); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	result, err := d.Signin.Answer(c.r.Context(), c.key, id, in.Answer, phone(c.r))
	if errors.Is(err, authn.ErrGone) {
		g, err := d.Signin.Gone(c.r.Context(), c.key, id)
		if err != nil {
			return err
		}
		web.JSON(c.w, http.StatusConflict, map[string]any{"error": "gone", "error_description": "the request was answered, has expired or was withdrawn",
			"reference": web.Reference(c.r.Context()), "id": g.ID, "how": g.How, "elsewhere": g.Elsewhere})
		return nil
	}
	if err != nil {
		return err
	}
	web.JSON(c.w, http.StatusOK, map[string]string{"result": result})
	return nil
}

// getEvents handles GET /push/events: what waits, and what is new, until the token has expired.
func (d *Door) getEvents(c call) error {
	rung, stop, ok := d.Signin.Authn.Bell.Wait(string(c.key.Account))
	if !ok {
		return errStreams
	}
	defer stop()
	ctx, cancel := context.WithTimeout(c.r.Context(), c.ends.Sub(d.Enrolment.Now()))
	defer cancel()
	s, err := web.NewStream(c.w)
	if err != nil {
		return err
	}
	ping := time.NewTicker(web.StreamPing)
	defer ping.Stop()
	shown := map[string]bool{}
	for d.Enrolment.Now().Before(c.ends) {
		there, err := d.tell(ctx, s, c.key, shown)
		if err != nil || !there {
			return d.ended(c.r, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.Signin.Authn.Bell.Closed():
			return nil
		case <-rung:
		case <-ping.C:
			if s.Ping() != nil {
				return nil
			}
		}
	}
	return nil
}

// ended is for a stream whose answer has begun: an error can only be logged.
func (d *Door) ended(r *http.Request, err error) error {
	if err != nil && r.Context().Err() == nil {
		d.Log.WarnContext(r.Context(), "authenticatorapp: stream ended", "reference", web.Reference(r.Context()), "error", err)
	}
	return nil
}

// tell sends the phone what is new since the last time: shown are the challenges that it has been told of. It returns false once the
// phone has been removed.
func (d *Door) tell(ctx context.Context, s *web.Stream, k authn.PushKey, shown map[string]bool) (bool, error) {
	_, there, err := d.Enrolment.Authenticator(ctx, k.Grant)
	if err != nil {
		return true, err
	}
	if !there {
		return false, s.Event("removed", struct{}{})
	}
	waiting, err := d.Signin.ListWaiting(ctx, k)
	if err != nil {
		return true, err
	}
	still := map[string]bool{}
	for _, c := range waiting {
		still[c.ID] = true
	}
	for id := range shown { // first: one that was withdrawn makes room for the one that took its place
		if still[id] {
			continue
		}
		delete(shown, id)
		g, err := d.Signin.Gone(ctx, k, id)
		if err != nil {
			return true, err
		}
		if err := s.Event("gone", gone(g)); err != nil {
			return true, err
		}
	}
	for _, c := range waiting {
		if shown[c.ID] {
			continue
		}
		shown[c.ID] = true
		if err := s.Event("challenge", c); err != nil {
			return true, err
		}
	}
	return true, nil
}
