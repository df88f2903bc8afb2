// Package oidc is the door for relying parties: it speaks OAuth 2 and OpenID Connect over HTTP and calls the
// flow grant, which decides. No rule lives here; what is here is parsing, headers and status codes.
package oidc

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/visitor"
	"github.com/portvakt/portvakt/internal/web"
)

// Door is the OpenID Connect door.
type Door struct {
	Issuer  string
	Grant   *grant.Service
	Signin  *signin.Service
	Visitor visitor.Kit
	Kit     *web.Kit
	Keys    *signingkey.Keys
	Log     *slog.Logger
	// Registration lets apps register themselves, where the operator lets them.
	Registration *clientregistration.Service
}

// The paths of the endpoints. They are part of the contract with RPs through discovery.
const (
	authorizePath  = "/authorize"
	tokenPath      = "/token"
	userinfoPath   = "/userinfo"
	revokePath     = "/revoke"
	pushedPath     = "/par"
	introspectPath = "/introspect"
	devicePath     = "/device_authorization"
	endSessionPath = "/end_session"
	jwksPath       = "/jwks"
	checkPath      = "/check_session"
	discoveryPath  = "/.well-known/openid-configuration"
	serverPath     = "/.well-known/oauth-authorization-server" // RFC 8414
)

// Routes mounts the endpoints. They stand outside of the pages' origin check: RPs on other sites call them
// by protocol (RULES §9).
func (d *Door) Routes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	metadata := d.metadata()
	mux.Handle("GET "+discoveryPath, fixed(metadata))
	mux.Handle("GET "+serverPath, fixed(metadata))
	mux.Handle("GET "+jwksPath, public(d.Keys.JWKS))
	mux.Handle("GET "+authorizePath, d.fromApp(d.getAuthorize))
	mux.Handle("POST "+authorizePath, d.fromApp(d.postToGet(authorizePath)))
	mux.Handle("GET "+endSessionPath, d.fromApp(d.getEndSession))
	mux.Handle("GET "+checkPath, d.Kit.Handle(d.getCheckSession))
	mux.Handle("POST "+endSessionPath, d.fromApp(d.postToGet(endSessionPath)))
	mux.Handle("POST "+tokenPath, web.AnyOrigin(d.nonced(d.asClient(d.postToken))))
	mux.Handle("GET "+userinfoPath, web.AnyOrigin(d.nonced(d.userinfo)))
	mux.Handle("POST "+userinfoPath, web.AnyOrigin(d.nonced(d.userinfo)))
	mux.Handle("POST "+revokePath, web.AnyOrigin(d.asClient(d.postRevoke, "token")))
	mux.Handle("POST "+pushedPath, web.AnyOrigin(d.nonced(d.asClient(d.postPushed))))
	mux.Handle("POST "+devicePath, web.AnyOrigin(d.asClient(d.postDevice)))
	mux.Handle("POST "+grant.CIBAPath, d.nonced(d.asClient(d.postAsk)))
	mux.Handle("POST "+introspectPath, d.asClient(d.postIntrospect, "token"))
	d.registerRoutes(mux)
	for path, methods := range map[string]string{tokenPath: "POST", userinfoPath: "GET, POST", revokePath: "POST", pushedPath: "POST", devicePath: "POST"} {
		mux.Handle("OPTIONS "+path, web.AnyOrigin(func(http.ResponseWriter, *http.Request) {}))
		mux.Handle(path, web.AnyOrigin(d.wrongMethod(methods+", OPTIONS")))
	}
	for path, methods := range map[string]string{authorizePath: "GET, POST", endSessionPath: "GET, POST", introspectPath: "POST", grant.CIBAPath: "POST",
		checkPath: "GET", jwksPath: "GET", discoveryPath: "GET", serverPath: "GET"} {
		mux.Handle(path, d.wrongMethod(methods))
	}
}

// fromApp handles what an app says by way of a browser.
func (d *Door) fromApp(h web.HandlerFunc) http.Handler {
	next := d.Kit.Handle(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.FromApp(r)
		next.ServeHTTP(w, r)
	})
}

// fixed answers bytes that were made beforehand.
func fixed(body []byte) http.Handler { return public(func() []byte { return body }) }

// public answers bytes that any origin may read, and keep for a while.
func public(body func() []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h, answer := w.Header(), body()
		web.NoPage(h)
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(answer))) // else an answer of this size goes out in chunks
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Cache-Control", cacheControl)
		w.Write(answer) //nolint:errcheck // the client has gone away
	})
}

var cacheControl = fmt.Sprintf("public, max-age=%d", int(signingkey.JWKSMaxAge/time.Second))

// wrongMethod answers a program that uses another method (RFC 9110 §15.5.6).
func (d *Door) wrongMethod(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allowed)
		d.refuse(w, r, http.StatusMethodNotAllowed, grant.Error{Code: "invalid_request", Description: "the method must be one of " + allowed})
	}
}

// asClient reads a program's form, and who it says it is, before next does. It answers a form that is too large or broken, or lacks one of
// the parameters.
func (d *Door) asClient(next func(http.ResponseWriter, *http.Request, grant.Client), needed ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseForm()
		id, _, _ := r.BasicAuth() // one of ours is written as it is
		web.About(r, "", cmp.Or(id, r.PostForm.Get("client_id")))
		switch {
		case errors.As(err, new(*http.MaxBytesError)):
			web.Drain(r)
			d.refuse(w, r, http.StatusRequestEntityTooLarge, grant.Error{Code: "invalid_request", Description: "the body is too large"})
			return
		case err != nil:
			d.fail(w, r, grant.Error{Code: "invalid_request", Description: "the body cannot be read"})
			return
		}
		client, fault := parseClient(r)
		for _, name := range needed {
			if fault == nil && r.PostForm.Get(name) == "" {
				fault = &grant.Error{Code: "invalid_request", Description: name + " is missing"}
			}
		}
		if fault != nil {
			d.fail(w, r, *fault)
			return
		}
		next(w, r, client)
	}
}

// postToGet keeps a request that arrives as a POST from another site and answers 303 to itself by GET, so
// that the browser sends its SameSite=Lax cookies along (RULES §9).
func (d *Door) postToGet(path string) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := r.ParseForm(); err != nil {
			return &web.Fault{Status: http.StatusBadRequest, Key: "error.bad_request", Cause: err}
		}
		query := r.Form.Encode()
		if len(query) > maxQuery {
			return &web.Fault{Status: http.StatusRequestEntityTooLarge, Key: "error.request_too_large"}
		}
		http.Redirect(w, r, path+"?"+query, http.StatusSeeOther)
		return nil
	}
}

// maxQuery is the largest request in bytes, percent signs included (RULES §1: 8 KB).
const maxQuery = 16 << 10
