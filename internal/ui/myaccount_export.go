package ui

import (
	"errors"
	"io"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
)

// postExport handles POST /account/export: it answers the file itself, because a page that answered it to a GET would be one that a
// link, or a browser's guess at where the person goes next, can open.
func (d *Door) postExport(w http.ResponseWriter, r *http.Request) error {
	begun := false
	err := d.MyAccount.WriteExport(r.Context(), d.owner(r), func() io.Writer {
		begun = true
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Content-Disposition", `attachment; filename="portvakt-`+d.Visitor.Now().UTC().Format("2006-01-02")+`.json"`)
		return w
	})
	switch {
	case err != nil && begun:
		panic(http.ErrAbortHandler) // half a file is out: the browser must see that it is broken
	case errors.Is(err, authn.ErrStale):
		return d.confirm(w, r)
	}
	return err
}
