package oidc

import "net/http"

// getCheckSession handles GET /check_session: the frame that RPs ask whether the session is still the same (Session Management 1.0 §3.2).
// It reads one cookie and answers yes or no.
func (d *Door) getCheckSession(w http.ResponseWriter, _ *http.Request) error {
	return d.Kit.FramePage(w, "check_session.js")
}
