package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Decision is what becomes of an authorization request. Exactly one of Answer, Signin and Refusal is set.
type Decision struct {
	RP relyingparty.RP
	// Answer is what the RP gets: a code, or an error that it shall have.
	Answer *Answer
	// Signin is the request that needs a proof first.
	Signin *authn.Request
	// Choose says that the session answers the request but for the company, which the person chooses first.
	Choose bool
	// StepUp says that the session lacks no more than the class that Signin asks for.
	StepUp bool
	// UILocales are the languages that the request names.
	UILocales string
	// Refusal is an error that must not travel to the redirect URI (RFC 6749 §4.1.2.1).
	Refusal Refusal
}

// Refusal is why a request is answered on a page of our own; its value names the page's text.
type Refusal string

// The refusals.
const (
	UnknownClient    Refusal = "unknown_client"
	WrongRedirectURI Refusal = "wrong_redirect_uri"
	MalformedRequest Refusal = "malformed_request"
	ExpiredRequest   Refusal = "expired_request" // a pushed one that is not known any more
)

// JudgeRequest judges an authorization request (OIDC Core §3.1.2.2): validate everything; a session that
// satisfies the request answers it with one read and no write; else it goes to the sign-in.
func (s *Service) JudgeRequest(ctx context.Context, q url.Values, current secret.Token) (Decision, error) {
	clientID, ok := single(q, "client_id")
	if !ok || clientID == "" {
		return Decision{Refusal: MalformedRequest}, nil
	}
	sso, err := s.Store.FindSSO(ctx, clientID, current.HashOrZero())
	if err != nil {
		return Decision{}, fmt.Errorf("find session and relying party: %w", err)
	}
	d := Decision{RP: sso.RP}
	var broken *Error
	if sso.RP.ClientID != "" {
		if q, broken, ok, err = s.readParameters(ctx, q, sso.RP); err != nil || !ok {
			d.Refusal = ExpiredRequest
			return d, err
		}
	}
	d.UILocales = q.Get("ui_locales")
	redirect, ok := single(q, "redirect_uri")
	switch {
	case sso.RP.ClientID == "":
		d.Refusal = UnknownClient
	case !ok || !sso.RP.MatchRedirect(redirect):
		d.Refusal = WrongRedirectURI
	}
	if d.Refusal != "" {
		return d, nil
	}
	now := s.Now()
	r, fault := s.parseRequest(q, sso.RP, now)
	if broken != nil {
		fault = broken
	}
	if fault != nil {
		unread := authn.Request{RedirectURI: redirect, State: q.Get("state")}
		_, unread.ResponseMode, _ = readResponse(q, sso.RP)
		return d.answered(s.failed(ctx, sso.RP, unread, *fault))
	}
	switch hint, ok := s.hinted(q.Get("id_token_hint")); {
	case !ok && r.HasPrompt("none"):
		return d.answered(s.failed(ctx, sso.RP, r, errHint))
	case !ok: // nobody knows whom it means: not whoever happens to be logged in
		r.Prompt = strings.TrimSpace(r.Prompt + " login")
	case hint != "":
		r.Subject = hint
	}
	if r.Subject, err = s.accountOf(ctx, sso.RP, r.Subject); err != nil {
		return d, err
	}
	facts := authn.Facts{Session: sso.Session, Live: sso.Account.IsOpen() && sso.Session.IsLive(sso.Account.Epoch, now)}
	answered := s.Answers(r, facts)
	if answered && !r.HasPrompt("none") && !r.IsMetBy(facts.Session.ACR) {
		// What is only voluntary is met where the account can (OIDC Core §3.1.2.1).
		second, err := s.Authn.Store.FindSecond(ctx, facts.Session.Account)
		if err != nil {
			return d, fmt.Errorf("find second proofs: %w", err)
		}
		answered = !r.IsMetBy(second.Reach())
	}
	switch {
	case answered:
		answer, err := s.Complete(ctx, sso.RP, r, facts, sso.Account.Epoch, "")
		switch {
		case !errors.Is(err, ErrCompany):
			return d.answered(answer, err)
		case r.HasPrompt("none"):
			return d.answered(s.failed(ctx, sso.RP, r, errInteraction))
		}
		d.Choose, d.Signin = true, &r
		return d, nil
	case !r.IsPossible():
		return d.answered(s.failed(ctx, sso.RP, r, errUnmet))
	case r.HasPrompt("none"):
		return d.answered(s.failed(ctx, sso.RP, r, errLogin))
	}
	d.StepUp = authn.IsStepUp(r, facts, now)
	if r.LoginHint == "" && facts.Live && r.IsFor(facts.Session.Account) && !r.HasPrompt("select_account") {
		r.LoginHint = sso.Account.Login() // whoever must prove it again need not say her name again
	}
	d.Signin = &r
	return d, nil
}

// readParameters returns the parameters that count: of a pushed request those that were pushed, of a signed one those that were signed,
// else those of the address. ok is false for a pushed request that is not known any more.
func (s *Service) readParameters(ctx context.Context, q url.Values, rp relyingparty.RP) (read url.Values, fault *Error, ok bool, err error) {
	beside := wellFormed(q) // told where the request itself says that its answers go
	name, isPushed := strings.CutPrefix(q.Get("request_uri"), pushedPrefix)
	if isPushed {
		if beside == nil && q.Has("request") {
			beside = &Error{errTwoObjects.Code, errTwoObjects.Description}
		}
		read, ok, err = s.pulled(ctx, name, rp.ClientID)
		return read, beside, ok, err
	}
	refused := func(refusal Error) (url.Values, *Error, bool, error) { return q, &refusal, true, nil }
	if rp.Options.RequirePAR {
		return refused(errNotPushed)
	}
	if len(rp.Options.RequestURIs) > 0 && q.Has("request_uri") {
		if q, fault = s.fetchObject(ctx, q, rp); fault != nil {
			return q, fault, true, nil
		}
	}
	read, signed, fault := s.unpack(ctx, q, rp)
	if fault == nil && rp.Options.RequireSigned && !signed {
		return refused(errUnsigned)
	}
	if fault == nil {
		fault = beside
	}
	return read, fault, true, nil
}

func (d Decision) answered(a Answer, err error) (Decision, error) {
	d.Answer = &a
	return d, err
}

// errLogin says that nobody can be let in without a page.
var errLogin = Error{"login_required", "nobody is signed in here, or not as the request asks"}

// errHint is errLogin where nobody knows whom the request means.
var errHint = Error{"login_required", "id_token_hint cannot be read: it is an ID token that this client was given here, decrypted, and not older than a year"}

// errUnmet says that the sign-in is worth less than the request cannot do without (OpenID Connect Core Error Code
// unmet_authentication_requirements 1.0 §2).
var errUnmet = Error{"unmet_authentication_requirements", "the sign-in does not have the acr that the request requires"}

// maxNonce keeps a code within a URL. Nobody needs more than 256 random bits of it.
const maxNonce = 512

// single returns a parameter that may stand once only (RFC 6749 §3.1); false if it is repeated.
func single(q url.Values, name string) (string, bool) {
	v := q[name]
	if len(v) > 1 {
		return "", false
	}
	return q.Get(name), true
}

// wellFormed says what is wrong with parameters whatever they mean: each stands once (RFC 6749 §3.1), and in UTF-8.
func wellFormed(q url.Values) *Error {
	for name, v := range q {
		switch {
		case len(v) > 1 && name == "resource":
			return &Error{errTarget.Code, errTarget.Description}
		case len(v) > 1:
			return &Error{"invalid_request", "a parameter is repeated: " + ascii(name)}
		case !utf8.ValidString(name) || len(v) == 1 && !utf8.ValidString(v[0]):
			return &Error{"invalid_request", "a parameter is not UTF-8: " + ascii(name)}
		}
	}
	return nil
}

// Error is an OAuth error response (RFC 6749 §§4.1.2.1, 5.2).
type Error struct {
	Code        string // "invalid_request" and so on
	Description string // for developers, in English, ASCII
}

// Error makes it an error value.
func (e Error) Error() string { return e.Code + ": " + e.Description }

func (s *Service) parseRequest(q url.Values, rp relyingparty.RP, now time.Time) (authn.Request, *Error) {
	bad := func(code, description string) (authn.Request, *Error) {
		return authn.Request{}, &Error{code, description}
	}
	if fault := wellFormed(q); fault != nil {
		return authn.Request{}, fault
	}
	r := authn.Request{ClientID: rp.ClientID, RedirectURI: q.Get("redirect_uri"), Scope: known(q.Get("scope"), Scopes()),
		State: q.Get("state"), Nonce: q.Get("nonce"), CodeChallenge: q.Get("code_challenge"), DPoPJKT: q.Get("dpop_jkt"), Prompt: q.Get("prompt"),
		LoginHint: q.Get("login_hint"), UILocales: q.Get("ui_locales"), ACRValues: q.Get("acr_values"), Floor: session.ACR(rp.RequireACR),
		Unpushed: !rp.Options.RequirePAR, Unsigned: !rp.Options.RequireSigned, Received: now}
	var fault *Error
	r.ResponseType, r.ResponseMode, fault = readResponse(q, rp)
	switch {
	case q.Has("request_uri"):
		return bad("request_uri_not_supported", "request_uri is not supported")
	case q.Has("registration"):
		return bad("registration_not_supported", "the registration parameter is not supported")
	case fault != nil:
		return authn.Request{}, fault
	case r.Nonce == "" && wants(r, "id_token"):
		return bad("invalid_request", "nonce is missing, and an ID token comes by way of the browser (OpenID Connect Core 3.2.2.1)")
	case len(r.Nonce) > maxNonce:
		return bad("invalid_request", "the nonce is longer than 512 bytes")
	case !slices.Contains(r.Scopes(), "openid"):
		return bad("invalid_scope", "the scope openid is missing")
	case r.HasPrompt("none") && len(strings.Fields(r.Prompt)) > 1:
		return bad("invalid_request", "prompt=none stands alone")
	case slices.ContainsFunc(strings.Fields(r.Prompt), func(p string) bool { return !slices.Contains(prompts, p) }):
		return bad("invalid_request", "prompt has a value that is not supported")
	case r.CodeChallenge == "" && rp.RequirePKCE && wants(r, "code"):
		return bad("invalid_request", "code_challenge is missing (RFC 7636)")
	case r.CodeChallenge != "" && q.Get("code_challenge_method") != "S256":
		return bad("invalid_request", "code_challenge_method must be S256")
	case r.CodeChallenge != "" && !isChallenge(r.CodeChallenge):
		return bad("invalid_request", "code_challenge is not the base64url of a SHA-256")
	case r.DPoPJKT != "" && !isChallenge(r.DPoPJKT):
		return bad("invalid_request", "dpop_jkt is not the base64url of a SHA-256")
	}
	if v := q.Get("max_age"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return bad("invalid_request", "max_age is not a number of seconds")
		}
		r.MaxAge = &n
	}
	var err error
	if r.Resource, err = s.target(rp, "", q.Get("resource")); err != nil {
		return bad(errTarget.Code, errTarget.Description)
	}
	if v := q.Get("claims"); v != "" {
		if err := readClaims(v, &r); err != nil {
			return bad("invalid_request", "claims is not what OpenID Connect Core 5.5 describes")
		}
	}
	if r.MaxAge == nil {
		r.MaxAge = rp.Options.DefaultMaxAge
	}
	if r.ACRValues == "" {
		r.ACRValues = strings.Join(rp.Options.DefaultACRs, " ")
	}
	return r, nil
}

// prompts are the values that a request may have (Initiating User Registration §4: others are refused). Nothing comes of consent, but
// libraries send it where they want to be offline (OIDC Core §11).
var prompts = []string{"none", "login", "select_account", "consent"}

// known drops the scope values that mean nothing here (OIDC Core §3.1.2.1: unknown values should be ignored).
func known(scope string, means []string) string {
	all := slices.DeleteFunc(strings.Fields(scope), func(s string) bool { return !slices.Contains(means, s) })
	slices.Sort(all)
	return strings.Join(slices.Compact(all), " ")
}

func isChallenge(s string) bool {
	return len(s) == 43 && !strings.ContainsFunc(s, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	})
}

// ascii keeps a foreign parameter's name inside the characters of error_description (RFC 6749 §4.1.2.1).
func ascii(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, s[:min(len(s), 64)])
}

// hinted is the subject of an ID token that we signed, however old; empty where there is none. One by a key that was replaced counts too, whoever
// has made it: it lets nobody in, and only keeps others out. ok is false for a token that nobody can read here.
func (s *Service) hinted(token string) (subject string, ok bool) {
	if token == "" {
		return "", true
	}
	hint, ok := s.readHint(token)
	return hint.Subject, (ok || s.isDistrusted(token)) && hint.Subject != ""
}

// Complete answers a request whose sign-in is done: with what it asks for, or, where somebody else has signed in than the request
// asks for, or it is worth less than the request requires, with an error. chosen is the company that the person has chosen on a page;
// without one that counts it may fail with ErrCompany. It fails with ErrChanged where the RP may not ask so any more.
func (s *Service) Complete(ctx context.Context, rp relyingparty.RP, r authn.Request, f authn.Facts, epoch int64, chosen string) (Answer, error) {
	switch {
	case !s.mayStillAsk(rp, r), asksMore(rp, r, f.Session.ACR):
		return Answer{}, ErrChanged
	case !r.IsFor(f.Session.Account):
		return s.failed(ctx, rp, r, Error{"login_required", "another person has signed in than the request names"})
	case !r.IsAnsweredBy(f.Session.ACR):
		return s.failed(ctx, rp, r, errUnmet)
	}
	company, err := s.company(ctx, r, f, chosen)
	if err != nil {
		return Answer{}, err
	}
	return s.issue(ctx, rp, r, f, epoch, company)
}
