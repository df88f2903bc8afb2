package ui

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// getGuide handles GET /guide/{link}/…: an organisation's illustrated guide, for whoever has the link. Nothing in it is secret.
func (d *Door) getGuide(w http.ResponseWriter, r *http.Request) error {
	name := cmp.Or(r.PathValue("file"), "index.html")
	body, drawing, err := d.Transition.SharedFile(r.Context(), r.PathValue("link"), name)
	if errors.Is(err, transition.ErrNoGuide) {
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}
	if err != nil {
		return err
	}
	return d.Kit.Shown(w, r, name, drawing, body)
}

// getGuideFolder handles GET /guide/{link}: the links of a page count from the folder.
func (d *Door) getGuideFolder(w http.ResponseWriter, r *http.Request) error {
	return see(w, r, r.URL.EscapedPath()+"/")
}
