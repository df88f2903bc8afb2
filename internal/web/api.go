package web

import (
	"encoding/json"
	"net/http"
)

// NoPage takes the headers away that tell a browser how to treat a page: what a program reads has no links and opens no window. It is called
// for answers by the thousand alone: a map of more than eight headers costs a program's answer a tenth of its time.
func NoPage(h http.Header) {
	delete(h, "Referrer-Policy")
	delete(h, "Cross-Origin-Opener-Policy")
}

// AnyOrigin lets programs in browsers of other origins call an endpoint. Every origin may: such an endpoint looks at no cookie, so a
// foreign page learns and does no more than a foreign server could.
func AnyOrigin(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		NoPage(head)
		if r.Header.Get("Origin") != "" { // a browser says so (Fetch §3.2), and nobody keeps the answer for others
			head.Set("Access-Control-Allow-Origin", "*")
			head.Set("Access-Control-Expose-Headers", "WWW-Authenticate, DPoP-Nonce")
		}
		if r.Method == http.MethodOptions {
			head.Set("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
			head.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, DPoP")
			head.Set("Access-Control-Max-Age", "7200")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h(w, r)
	})
}

// JSON answers a program. What it says is nobody's to keep (RFC 6749 §5.1).
func JSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone away
}
