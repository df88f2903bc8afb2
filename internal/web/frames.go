package web

import (
	"net/http"
	"strings"
)

// AllowFrames lets the page that is answered hold frames from the given origins, and no others.
func AllowFrames(w http.ResponseWriter, origins []string) {
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy+"; frame-src "+strings.Join(origins, " "))
}

// FramePage answers with a page that any site may hold in a frame: a script of ours, and nothing that a person sees.
func (k *Kit) FramePage(w http.ResponseWriter, script string) error {
	at, err := k.static.url(script)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; frame-ancestors *; base-uri 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	_, err = w.Write([]byte(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Portvakt</title><script type="module" src="` + at + `"></script>`))
	return err
}
