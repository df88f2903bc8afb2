package oidc

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// postDevice handles POST /device_authorization (RFC 8628 §3.1).
func (d *Door) postDevice(w http.ResponseWriter, r *http.Request, client grant.Client) {
	codes, err := d.Grant.BeginDevice(r.Context(), client, d.Visitor.Browser(r).Network, r.PostForm.Get("scope"))
	if err != nil {
		d.fail(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, codes)
}
