package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/web"
)

// guarded lets a service through to an operation: with a good token, the operation's scope, and an organisation of its own.
func (d *Door) guarded(r rule, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("DPoP-Nonce", d.Grant.DPoPNonce())
		rp, ok := d.service(w, req, r.scope)
		if !ok {
			return
		}
		c := call{all: rp.Organisations}
		if id := organisation.ID(req.PathValue("organisation")); id != "" {
			known := slices.Contains(rp.Organisations, id)
			if known {
				var err error
				if c.org, known, err = d.Provisioning.Store.FindOrganisation(req.Context(), id); err != nil {
					d.writeProblem(w, req, d.internal(req.Context(), err))
					return
				}
			}
			if !known {
				d.writeProblem(w, req, errNotFound)
				return
			}
			c.by = administrator.Service(rp.ClientID, id, r.rights...)
		}
		d.serve(w, req, r, rp.ClientID, c, next)
	})
}

// service is who presents an access token with the scope. Where it returns false, it has answered.
func (d *Door) service(w http.ResponseWriter, r *http.Request, scope string) (relyingparty.RP, bool) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + r.URL.EscapedPath()}
	use.Scheme, use.Token = web.Presented(r)
	challenge := web.Challenge{DPoP: use.IsDPoP(), Algs: strings.Join(signingkey.ProofAlgs(), " ")}
	refuse := func(e grant.Error) (relyingparty.RP, bool) {
		challenge.Code, challenge.Description = e.Code, e.Description
		challenge.Write(w.Header())
		if e.Code == "" {
			e.Code, e.Description = "no_token", "an access token of a service is needed" // for the answer alone (RFC 6750 §3.1)
		}
		d.writeProblem(w, r, problem(challenge.Status(), e.Code, e.Description))
		return relyingparty.RP{}, false
	}
	if !use.IsDPoP() && !strings.EqualFold(use.Scheme, "Bearer") || use.Token == "" {
		return refuse(grant.Error{})
	}
	rp, err := d.Grant.AuthorizeService(r.Context(), use)
	if e, ok := errors.AsType[grant.Error](err); ok {
		return refuse(e)
	}
	if err != nil {
		d.writeProblem(w, r, d.internal(r.Context(), err))
		return rp, false
	}
	web.About(r, "", rp.ClientID)
	if !slices.Contains(rp.Scopes, scope) {
		challenge.Scope = scope
		return refuse(grant.Error{Code: "insufficient_scope", Description: "the access token lacks the scope " + scope})
	}
	return rp, true
}

// serve reads the body, as far as it is no file, and runs the operation: once for each idempotency key, where it asks for one.
func (d *Door) serve(w http.ResponseWriter, r *http.Request, rule rule, client string, c call, next http.Handler) {
	sum := sha256.New()
	io.WriteString(sum, r.Method+" "+r.URL.RequestURI()+"\n") //nolint:errcheck // a hash takes everything
	request := ""
	if rule.large > 0 {
		web.Roomy(w, r, rule.large)
		r.Body = io.NopCloser(io.TeeReader(r.Body, sum))
	} else {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			web.Drain(r)
			d.writeProblem(w, r, d.problemOf(r.Context(), err))
			return
		}
		sum.Write(body)
		request, r.Body = hexOf(sum), io.NopCloser(bytes.NewReader(body))
	}
	c.r = r
	run := func(w http.ResponseWriter) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	}
	if !rule.once {
		run(w)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		d.writeProblem(w, r, errNoKey)
		return
	}
	claim, done, err := d.Keys.Claim(r.Context(), client, key, request)
	switch {
	case err != nil:
		d.writeProblem(w, r, d.problemOf(r.Context(), err))
	case done:
		d.repeat(w, r, claim, request, sum)
	default:
		d.once(w, r, claim, sum, run)
	}
}

// repeat answers a request that was answered before. A file is read through: whether it is the same one, its hash says.
func (d *Door) repeat(w http.ResponseWriter, r *http.Request, former idempotency.Answer, request string, sum hash.Hash) {
	if request == "" {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			web.Drain(r)
			d.writeProblem(w, r, d.problemOf(r.Context(), err))
			return
		}
		if hexOf(sum) != former.Request {
			d.writeProblem(w, r, d.problemOf(r.Context(), idempotency.ErrOther))
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(former.Status)
	w.Write(former.Body) //nolint:errcheck // the client has gone away
}

// once runs a request that has its key to itself, and keeps the answer. A refusal is not kept: nothing has come of it.
func (d *Door) once(w http.ResponseWriter, r *http.Request, claim idempotency.Answer, sum hash.Hash, run func(http.ResponseWriter)) {
	// What has been done stays done, and its answer is kept, also where the client has gone away meanwhile.
	ctx := context.WithoutCancel(r.Context())
	answered := &recorder{header: w.Header()}
	settled := false
	defer func() {
		if !settled {
			if err := d.Keys.Drop(ctx, claim); err != nil {
				d.Log.ErrorContext(ctx, "api: idempotency key", "reference", web.Reference(ctx), "error", err)
			}
		}
	}()
	run(answered)
	if answered.status < 300 {
		settled = true // otherwise a fault of the next line would let it be done twice
		claim.Status, claim.Body, claim.Request = answered.status, answered.body.Bytes(), hexOf(sum)
		if err := d.Keys.Keep(ctx, claim); err != nil {
			d.Log.ErrorContext(ctx, "api: idempotency key", "reference", web.Reference(ctx), "error", err)
		}
	}
	w.WriteHeader(answered.status)
	w.Write(answered.body.Bytes()) //nolint:errcheck // the client has gone away
}

func hexOf(sum hash.Hash) string { return hex.EncodeToString(sum.Sum(nil)) }

// recorder holds an answer back until it is kept.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header returns the answer's headers.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader notes the status.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Write keeps a part of the body.
func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
