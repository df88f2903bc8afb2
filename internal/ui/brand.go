package ui

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/web"
)

// getLogo handles GET /brand/{organisation}/logo. An SVG was cleaned when it was stored; the policy here is the
// second lock, for whoever opens it as a page of its own.
func (d *Door) getLogo(w http.ResponseWriter, r *http.Request) error {
	o, ok, err := d.organisation(r)
	if err != nil {
		return err
	}
	if !ok || o.Logo.MediaType == "" {
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}
	h := w.Header()
	h.Set("Content-Type", o.Logo.MediaType)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "public, max-age=300")
	_, err = w.Write(o.Logo.Data)
	return err
}

// getStyle handles GET /brand/{organisation}/style.css: the organisation's colour, corrected for contrast.
func (d *Door) getStyle(w http.ResponseWriter, r *http.Request) error {
	o, ok, err := d.organisation(r)
	if err != nil {
		return err
	}
	if !ok {
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "public, max-age=300")
	_, err = w.Write(web.BrandCSS(o.Colour))
	return err
}

func (d *Door) organisation(r *http.Request) (organisation.Organisation, bool, error) {
	return d.Signin.Store.FindOrganisation(r.Context(), organisation.ID(r.PathValue("organisation")))
}
