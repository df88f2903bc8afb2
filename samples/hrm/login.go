package hrm

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What a callback can hold beside a login.
var (
	errWrongIssuer = errors.New("the answer comes from another issuer")
	errDenied      = errors.New("the login service refused")
	errBadToken    = errors.New("the login cannot be trusted")
)

// identity is what a finished login told.
type identity struct {
	idToken *oidc.IDToken
	raw     string
	sid     string
	acr     string    // what the sign-in is worth
	proven  time.Time // auth_time: when the person last proved who she is
	email   string
	company string // for which the person comes, where the register knows one
	people  []personClaim
}

// login sends the browser to the login service. The login service and others may
// point here too (OpenID Connect Core 1.0 §4); target_link_uri is ignored, since
// it would let anybody choose where our people land.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	if iss := r.FormValue("iss"); iss != "" && iss != a.cfg.Issuer {
		a.fail(w, r, errWrongIssuer)
		return
	}
	service, err := a.provider.get(r.Context())
	if err != nil {
		a.fail(w, r, err)
		return
	}
	begun, err := a.beginAttempt(w, r, nil)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, service.authURL(begun, r.FormValue("login_hint"), a.lang(r)), http.StatusSeeOther)
}

func (s *service) authURL(begun attempt, hint, lang string) string {
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(begun.Nonce),
		oauth2.S256ChallengeOption(begun.Verifier),
		oauth2.SetAuthURLParam("ui_locales", lang),
	}
	if hint != "" {
		options = append(options, oauth2.SetAuthURLParam("login_hint", hint))
	}
	if begun.Change != nil {
		for name, values := range begun.Change.Demand.parameters() {
			options = append(options, oauth2.SetAuthURLParam(name, values[0]))
		}
	}
	return s.oauth.AuthCodeURL(begun.State, options...)
}

// callback receives the browser back from the login service.
func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	begun, err := a.takeAttempt(w, r)
	if _, in := a.current(r); err != nil && in {
		// Reload, or the back button: the login is already done.
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err == nil {
		err = a.finish(w, r, begun)
	}
	switch {
	case err != nil && begun.Change != nil:
		a.failChange(w, r, err)
	case err != nil:
		a.fail(w, r, err)
	case begun.Change != nil:
		http.Redirect(w, r, "/bank-account?changed", http.StatusSeeOther)
	default:
		http.Redirect(w, r, a.afterLogin(), http.StatusSeeOther)
	}
}

func (a *App) afterLogin() string {
	if a.cfg.AfterLogin != "" {
		return a.cfg.AfterLogin
	}
	return "/"
}

func (a *App) finish(w http.ResponseWriter, r *http.Request, begun attempt) error {
	ctx := a.provider.withClient(r.Context())
	service, err := a.provider.get(ctx)
	if err != nil {
		return err
	}
	code, err := a.readResponse(r, service)
	if err != nil {
		return err
	}
	who, err := service.redeem(ctx, code, begun)
	if err != nil {
		return err
	}
	made, cookie, err := a.admit(w, r, who)
	if err == nil && begun.Change != nil {
		err = a.complete(made, cookie, *begun.Change)
	}
	return err
}

// readResponse checks who answers before it believes the answer (RFC 9207 §2.4).
func (a *App) readResponse(r *http.Request, s *service) (code string, err error) {
	q := r.URL.Query()
	if iss := q.Get("iss"); iss != a.cfg.Issuer && (iss != "" || s.metadata.IssInResponse) {
		return "", errWrongIssuer
	}
	switch name := q.Get("error"); name {
	case "":
	case "unmet_authentication_requirements":
		return "", errNotStrong
	default:
		return "", fmt.Errorf("%w: %.100q", errDenied, name)
	}
	return q.Get("code"), nil
}

// redeem exchanges the code and checks everything that it brings.
func (s *service) redeem(ctx context.Context, code string, begun attempt) (identity, error) {
	token, err := s.oauth.Exchange(ctx, code, oauth2.VerifierOption(begun.Verifier))
	if err != nil {
		return identity{}, fmt.Errorf("redeem the code: %w", err)
	}
	who, err := s.verify(ctx, token, begun.Nonce)
	if err != nil {
		return identity{}, fmt.Errorf("%w: %w", errBadToken, err)
	}
	if err := s.ask(ctx, token, &who); err != nil {
		return identity{}, err
	}
	return who, nil
}

func (s *service) verify(ctx context.Context, token *oauth2.Token, nonce string) (identity, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := s.verifier.Verify(ctx, raw)
	if err != nil {
		return identity{}, err
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return identity{}, errors.New("foreign nonce")
	}
	var more struct {
		SID      string `json:"sid"`
		ACR      string `json:"acr"`
		AuthTime int64  `json:"auth_time"`
		Company  string `json:"urn:portvakt:company"`
	}
	if err := id.Claims(&more); err != nil {
		return identity{}, err
	}
	return identity{idToken: id, raw: raw, sid: more.SID, acr: more.ACR, proven: time.Unix(more.AuthTime, 0), company: more.Company}, nil
}

// ask fills in what userinfo tells. Its subject must be the id token's, or the
// answer belongs to somebody else (OpenID Connect Core 1.0 §5.3.2).
func (s *service) ask(ctx context.Context, token *oauth2.Token, who *identity) error {
	info, err := s.oidc.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return fmt.Errorf("ask for the person: %w", err)
	}
	if info.Subject != who.idToken.Subject {
		return fmt.Errorf("%w: userinfo speaks of another subject", errBadToken)
	}
	var claims struct {
		People []personClaim `json:"urn:portvakt:person"`
	}
	if err := info.Claims(&claims); err != nil {
		return fmt.Errorf("%w: %w", errBadToken, err)
	}
	who.email, who.people = info.Email, claims.People
	return nil
}

// admit opens a session for a person whom HRM knows. Somebody else gets one that
// opens nothing but the kind page, with **Logga ut** on it: otherwise the login
// service's session would bring the same person back at every try.
func (a *App) admit(w http.ResponseWriter, r *http.Request, who identity) (session, *http.Cookie, error) {
	key, err := a.records.link(login{who.idToken.Issuer, who.idToken.Subject}, who.people)
	made := session{
		Key: key, Email: who.email, Company: who.company, Subject: who.idToken.Subject, SID: who.sid, IDToken: who.raw,
		ACR: who.acr, AuthTime: who.proven,
	}
	return made, a.beginSession(w, r, made), err
}
