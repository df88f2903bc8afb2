package oidc

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// postAsk handles POST /backchannel_authentication (OpenID Connect CIBA Core §7).
func (d *Door) postAsk(w http.ResponseWriter, r *http.Request, client grant.Client) {
	use := grant.Use{Proofs: r.Header.Values("DPoP"), Method: r.Method, URL: d.Issuer + grant.CIBAPath}
	question, err := d.Grant.Ask(r.Context(), client, use, r.PostForm, web.ClientAddr(r.Context()).String())
	if err != nil {
		d.fail(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, question)
}
