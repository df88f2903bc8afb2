package oidc

import (
	"encoding/base64"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/web"
)

// tokenNeeds is what a request of each kind cannot be without.
var tokenNeeds = map[string]string{"authorization_code": "code", "refresh_token": "refresh_token",
	relyingparty.DeviceCode: "device_code", relyingparty.CIBA: "auth_req_id"}

// postToken handles POST /token (RFC 6749 §3.2).
func (d *Door) postToken(w http.ResponseWriter, r *http.Request, client grant.Client) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + tokenPath}
	kind := r.PostForm.Get("grant_type")
	if name := tokenNeeds[kind]; name != "" && r.PostForm.Get(name) == "" {
		d.fail(w, r, grant.Error{Code: "invalid_request", Description: name + " is missing"}) // RFC 6749 §5.2
		return
	}
	var tokens grant.Tokens
	var err error
	switch kind {
	case "authorization_code":
		tokens, err = d.Grant.Redeem(r.Context(), grant.Redemption{Client: client, Use: use, Code: r.PostForm.Get("code"),
			RedirectURI: r.PostForm.Get("redirect_uri"), CodeVerifier: r.PostForm.Get("code_verifier"), Resource: r.PostForm.Get("resource")})
	case "refresh_token":
		tokens, err = d.Grant.Refresh(r.Context(), client, use, r.PostForm.Get("refresh_token"), r.PostForm.Get("scope"), r.PostForm.Get("resource"))
	case relyingparty.DeviceCode, relyingparty.CIBA:
		tokens, err = d.Grant.Poll(r.Context(), client, use, kind, r.PostForm.Get(tokenNeeds[kind]), r.PostForm.Get("resource"))
	case relyingparty.TokenExchange:
		form := r.PostForm.Get
		tokens, err = d.Grant.ExchangeToken(r.Context(), grant.Exchange{Client: client, Use: use, SubjectToken: form("subject_token"), SubjectTokenType: form("subject_token_type"),
			RequestedTokenType: form("requested_token_type"), ActorToken: form("actor_token"), Audience: form("audience"), Resource: form("resource"), Scope: form("scope")})
	case "client_credentials":
		tokens, err = d.Grant.ServiceToken(r.Context(), client, use, r.PostForm.Get("scope"), r.PostForm.Get("resource"))
	case "":
		err = grant.Error{Code: "invalid_request", Description: "grant_type is missing"}
	default:
		err = grant.Error{Code: "unsupported_grant_type", Description: "authorization_code, refresh_token, client_credentials, device_code, token-exchange and ciba are supported"}
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	w.Header().Set("Pragma", "no-cache") // RFC 6749 §5.1
	web.JSON(w, http.StatusOK, tokens)
}

// postRevoke handles POST /revoke (RFC 7009).
func (d *Door) postRevoke(w http.ResponseWriter, r *http.Request, client grant.Client) {
	token := r.PostForm.Get("token")
	if err := d.Grant.Revoke(r.Context(), client, token); err != nil {
		d.fail(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// userinfo handles GET and POST /userinfo (OIDC Core §5.3). The token comes in the header alone.
func (d *Door) userinfo(w http.ResponseWriter, r *http.Request) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + userinfoPath}
	use.Scheme, use.Token = web.Presented(r)
	challenge := web.Challenge{DPoP: use.IsDPoP(), Algs: proofAlgs}
	if !use.IsDPoP() && !strings.EqualFold(use.Scheme, "Bearer") || use.Token == "" {
		challenge.Write(w.Header()) // RFC 6750 §3: no error code where nothing was tried
		d.Kit.RefusedProgram(r, challenge.Status(), r.URL.Path, "no access token in the Authorization header")
		web.JSON(w, challenge.Status(), map[string]string{"reference": web.Reference(r.Context())})
		return
	}
	info, signed, err := d.Grant.Userinfo(r.Context(), use)
	if e, ok := errors.AsType[grant.Error](err); ok && e.Code != "server_error" {
		challenge.Code, challenge.Description = e.Code, e.Description
		if e.Code == "insufficient_scope" {
			challenge.Scope = "openid"
		}
		challenge.Write(w.Header())
		d.refuse(w, r, challenge.Status(), e)
		return
	}
	if err != nil {
		d.fail(w, r, err)
		return
	}
	if signed != "" {
		writeJWT(w, "application/jwt", signed)
		return
	}
	web.JSON(w, http.StatusOK, info)
}

var proofAlgs = strings.Join(signingkey.ProofAlgs(), " ")

// nonced puts a fresh nonce for the next DPoP proof on every answer (RFC 9449 §8.2), so that a client needs to ask twice but once.
func (d *Door) nonced(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("DPoP-Nonce", d.Grant.DPoPNonce())
		next(w, r)
	}
}

// parseClient reads the form and how the client names itself: by the Authorization header or in the body,
// never both (RFC 6749 §2.3). The error is a grant.Error.
func parseClient(r *http.Request) (grant.Client, *grant.Error) {
	bad := func(description string) (grant.Client, *grant.Error) {
		return grant.Client{}, &grant.Error{Code: "invalid_request", Description: description}
	}
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; media != "application/x-www-form-urlencoded" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return bad("the body must be application/x-www-form-urlencoded, in UTF-8")
	}
	if err := r.ParseForm(); err != nil {
		return bad("the body cannot be read")
	}
	for name, values := range r.PostForm {
		if len(values) > 1 && name == "resource" {
			return grant.Client{}, &grant.Error{Code: "invalid_target", Description: "a token is for one resource: ask for one after the other"}
		}
		if len(values) > 1 {
			return bad("a parameter is repeated: " + printable(name))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(values[0]) {
			return bad("a parameter is not UTF-8: " + printable(name))
		}
	}
	inBody := grant.Client{ID: r.PostForm.Get("client_id"), Secret: r.PostForm.Get("client_secret"), Assertion: r.PostForm.Get("client_assertion"),
		AssertionType: r.PostForm.Get("client_assertion_type")}
	header, ok := basicAuth(r)
	switch {
	case len(r.Header.Values("Authorization")) > 1:
		return bad("there is more than one Authorization header")
	case r.Header.Get("Authorization") == "":
		return inBody, nil
	case !ok:
		return grant.Client{}, &grant.Error{Code: "invalid_client", Description: "the Authorization header cannot be read"}
	case inBody.Secret != "" || inBody.Assertion != "" || inBody.ID != "" && inBody.ID != header.ID:
		return bad("the client names itself twice")
	}
	return header, nil
}

// basicAuth reads client_secret_basic, whose two halves are form-encoded before they are joined (RFC 6749 §2.3.1).
func basicAuth(r *http.Request) (grant.Client, bool) {
	scheme, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil || !strings.EqualFold(scheme, "Basic") {
		return grant.Client{}, false
	}
	id, secret, ok := strings.Cut(string(raw), ":")
	if !ok {
		return grant.Client{}, false
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	return grant.Client{ID: id, Secret: secret, InHeader: true}, errID == nil && errSecret == nil && secret != ""
}

// fail answers an error by the book (RFC 6749 §5.2). What is not the RP's fault is logged and named by its
// reference number alone.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := errors.AsType[grant.Error](err)
	switch {
	case errors.Is(err, authn.ErrThrottled):
		d.refuse(w, r, http.StatusTooManyRequests, grant.Error{Code: "temporarily_unavailable", Description: "too many requests from this network"})
	case !ok:
		d.Log.ErrorContext(r.Context(), "oidc: request failed", "reference", web.Reference(r.Context()), "error", err)
		d.refuse(w, r, http.StatusInternalServerError, grant.Error{Code: "server_error", Description: "something went wrong on our side"})
	case e.Code == "invalid_client":
		if r.Header.Get("Authorization") != "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="token"`)
		}
		d.refuse(w, r, http.StatusUnauthorized, e)
	case e.Code == "server_error": // it may be there at the next try
		d.refuse(w, r, http.StatusServiceUnavailable, e)
	default:
		d.refuse(w, r, http.StatusBadRequest, e)
	}
}

// refuse answers an error by the book, with a reference number beside the standard's two fields: the operator finds the request by it.
func (d *Door) refuse(w http.ResponseWriter, r *http.Request, status int, e grant.Error) {
	d.Kit.RefusedProgram(r, status, r.URL.Path, e.Error())
	web.JSON(w, status, map[string]string{"error": e.Code, "error_description": e.Description, "reference": web.Reference(r.Context())})
}

func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, s[:min(len(s), 64)])
}
