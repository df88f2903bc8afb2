package web

import (
	"bytes"
	"net/http"
	"path"
	"time"
)

// shownTypes are the files that Shown gives away, beside those of the pages themselves.
var shownTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".pdf": "application/pdf", ".md": "text/markdown; charset=utf-8", ".zip": "application/zip",
}

// Shown answers with a file that was made of texts and pictures alone: a page among them may load the pictures and the stylesheet beside it, and
// run nothing. The tag names the file's content, so that a browser that has it asks and is told to keep it. It answers 404 for a file of an
// unknown kind.
func (k *Kit) Shown(w http.ResponseWriter, r *http.Request, name, tag string, body []byte) error {
	kind := path.Ext(name)
	mediaType := shownTypes[kind]
	if mediaType == "" {
		mediaType = mediaTypes[kind]
	}
	if mediaType == "" {
		return &Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'")
	if kind == ".pdf" {
		h.Del("Content-Security-Policy") // a browser's own viewer is no part of the document, and the policy would hold it back
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}
