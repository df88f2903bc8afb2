package oidc

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// postPushed handles POST /par (RFC 9126 §2).
func (d *Door) postPushed(w http.ResponseWriter, r *http.Request, client grant.Client) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + pushedPath}
	pushed, err := d.Grant.Push(r.Context(), client, use, r.PostForm, d.Visitor.Browser(r).Network)
	switch {
	case errors.Is(err, authn.ErrThrottled):
		web.JSON(w, http.StatusTooManyRequests, errorBody(r, grant.Error{Code: "temporarily_unavailable", Description: "too many requests from this network"}))
	case err != nil:
		d.fail(w, r, err)
	default:
		web.JSON(w, http.StatusCreated, pushed)
	}
}
