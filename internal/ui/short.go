package ui

import (
	"net/http"
	"net/url"
)

// A text message counts its characters: its links have a short address, which leads to the page of the link and nowhere else.

// getShortRecovery handles GET /r/{token}.
func (d *Door) getShortRecovery(w http.ResponseWriter, r *http.Request) error {
	return see(w, r, "/recovery/link/"+url.PathEscape(r.PathValue("token")))
}

// getShortPreparation handles GET /p/{token}.
func (d *Door) getShortPreparation(w http.ResponseWriter, r *http.Request) error {
	return see(w, r, "/preparation/"+url.PathEscape(r.PathValue("token")))
}

// getShortNotMe handles GET /n/{token}.
func (d *Door) getShortNotMe(w http.ResponseWriter, r *http.Request) error {
	return see(w, r, "/recovery/not-me/"+url.PathEscape(r.PathValue("token")))
}
