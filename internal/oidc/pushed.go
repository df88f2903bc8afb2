package oidc

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// postPushed handles POST /par (RFC 9126 §2).
func (d *Door) postPushed(w http.ResponseWriter, r *http.Request, client grant.Client) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + pushedPath}
	pushed, err := d.Grant.Push(r.Context(), client, use, r.PostForm, d.Visitor.Browser(r).Network)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	web.JSON(w, http.StatusCreated, pushed)
}
